"""Walking from three frames: the units of the published figures, what the model may see, a few steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.data import _file_series, _store
from sdekit.experiments import _gait as gait, _mocap35 as mocap
from sdekit.fit import fit


def walkers(n=4, frames=40, dim=12):
    """Sequences that turn at speeds of their own."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, (n, 1)) + rng.uniform(0.25, 0.35, (n, 1)) * np.arange(frames)
    waves = np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)], -1)
    return waves @ rng.normal(size=(4, dim)) + 0.05 * rng.normal(size=(n, frames, dim))


@pytest.fixture(scope="module")
def model():
    return gait.gait_model(walkers(), jax.random.key(0))


@pytest.mark.skipif(_store.find(_file_series._MOCAP) is None, reason="SDEKIT_DATA names no folder with mocap35")
def test_the_baselines_have_the_figures_of_the_published_units():
    data, scale = mocap.parts()
    assert {name: ys.shape for name, ys in data.items()} == {
        "train": (16, 300, 50), "validation": (3, 300, 50), "test": (4, 300, 50)
    }  # fmt: skip
    found = {name: scale**2 * value for name, value in mocap.baselines(data["train"], data["test"]).items()}
    known = {mocap.NEAREST: 23.08, mocap.MEAN: 33.67, mocap.EACH: 38.58, mocap.HELD: 61.33}
    assert {name: round(value, 2) for name, value in found.items()} == known


def test_windows_are_parts_of_the_sequences_at_other_speeds():
    ys = walkers()
    found = gait.windows(ys, every=8, least=24, speeds=(1.0, 0.5))
    assert len(found) == 4 * 2 * 3 and found.ts.shape == (24, 40)
    whole, half = found[:12], found[12:]
    for i, start in enumerate((0, 8, 16)):
        part = whole[4 * i : 4 * i + 4]
        np.testing.assert_allclose(part.ys[:, : 40 - start], ys[:, start:].astype(np.float32))
        assert part.mask[:, : 40 - start].all() and not part.mask[:, 40 - start :].any()
        slow = half[4 * i : 4 * i + 4]
        np.testing.assert_allclose(slow.ys[:, : 40 - start : 2], ys[:, start // 2 : 20], atol=1e-6)


def test_no_frame_after_the_first_three_is_seen(model):
    ys = walkers()
    later = ys + 5.0 * (np.arange(40) >= gait.FIRST)[:, None]
    one, two = (gait.given(model, gait.sequences(x), jax.random.key(1), 2) for x in (ys, later))
    for a, b in zip(one, two, strict=True):
        assert a.shape == (2, 4, 40, 12)
        np.testing.assert_array_equal(a, b)
    sooner = ys + 5.0 * (np.arange(40) < gait.FIRST)[:, None]
    assert not np.allclose(one[0], gait.given(model, gait.sequences(sooner), jax.random.key(1), 2)[0])


@pytest.mark.slow
def test_twenty_steps_lower_the_loss(model):
    data = gait.windows(walkers(), every=8, least=24, speeds=(1.0,))
    how = {"steps": 20, "chunk": 5, "batch_size": 8, "optimiser": mocap._fit(20)["optimiser"], "progress": False}
    found = fit(model, mocap._objective(mocap.MODEL), data, key=jax.random.key(2), **how)
    losses = found.history["loss"]
    assert losses[-1] < losses[0], losses
    assert found.model.observation.network.layers[0].weight.dtype == jnp.float32
