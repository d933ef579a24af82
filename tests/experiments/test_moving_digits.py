"""Two models of video that differ in their drivers alone, on a tiny canvas."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.experiments import _video as video
from sdekit.fit import fit
from sdekit.noise import BrownianDriver, MarkovFractional


FRAMES, FILMS = 5, 8
SETTING = {"frames": FRAMES, "motion": {"size": 12, "digits": 1, "speed": 4.0, "kick": 0.5}}


@pytest.fixture(scope="module")
def films():
    pytest.importorskip("sklearn.datasets", reason="the extra sdekit[data] is not installed")
    return video.videos(SETTING, FILMS, jax.random.key(0))


@pytest.fixture(scope="module")
def models(films):
    return video.video_models(films, jax.random.key(1))


def arrays(model):
    """All that is learned or fixed in a model but for its driver."""
    bare = eqx.tree_at(lambda m: m.driver, model, None)
    return jax.tree.leaves_with_path(eqx.filter(bare, eqx.is_array))


def test_the_models_differ_in_the_driver_alone(models):
    assert isinstance(models[video.FRACTIONAL].driver, MarkovFractional)
    assert isinstance(models[video.BROWNIAN].driver, BrownianDriver)
    one, two = (arrays(models[name]) for name in (video.FRACTIONAL, video.BROWNIAN))
    assert [path for path, _ in one] == [path for path, _ in two]
    for (path, x), (_, y) in zip(one, two, strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y), err_msg=str(path))
    assert all(x.dtype == jnp.float32 for _, x in one if eqx.is_inexact_array(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", [video.FRACTIONAL, video.BROWNIAN])
def test_twenty_steps_lower_the_loss(models, films, name):
    found = fit(models[name], video.video_bound(10), films, key=jax.random.key(2), steps=20, chunk=5, progress=False)
    losses = found.history["loss"]
    assert losses[-1] < 0.5 * losses[0], losses
    assert films.ys.dtype == found.model.observation.network.layers[0].weight.dtype == jnp.float32


def test_the_content_stands_still_and_the_prior_knows_no_frame(models, films):
    frames, xs = eqx.filter_eval_shape(
        video.paths_given, models[video.FRACTIONAL], films, jnp.asarray(3), jax.random.key(3), 2
    )
    assert frames.shape == (FILMS, 2, FRAMES, 144) and xs.shape == (FILMS, 2, FRAMES, video.MOTION + video.CONTENT)
    base = models[video.BROWNIAN].base
    x = jnp.ones(base.dim, jnp.float32)
    assert not base.drift(0.0, x)[video.MOTION :].any()
    assert not base.diffusion(0.0, x).as_matrix()[video.MOTION :].any()
