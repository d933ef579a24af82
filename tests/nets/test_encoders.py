"""Encoders: what is masked changes nothing, padding changes nothing, what lies behind is not seen."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from sdekit.data import Series
from sdekit.nets import AttentionEncoder, Embedded, FirstFrames, GRUEncoder, next_observed


DIM, SIZE = 2, 5
ENCODERS = {
    "gru": GRUEncoder(DIM, 8, SIZE, key=jax.random.key(0)),
    "attention": AttentionEncoder(DIM, 6, SIZE, key=jax.random.key(1), heads=3),
    "embedded": Embedded(eqx.nn.Linear(DIM, 3, key=jax.random.key(3)), GRUEncoder(3, 8, SIZE, key=jax.random.key(4))),
    "frames": FirstFrames(DIM, 4, 8, 1, SIZE, key=jax.random.key(2)),
}
AHEAD = ["gru", "attention", "embedded"]
each = pytest.mark.parametrize("name", list(ENCODERS))
seeds = st.integers(0, 2**31 - 1)


@eqx.filter_jit
def read(encoder, ts, ys, mask, at):
    context = encoder(Series(ts, ys, mask))
    return jnp.concatenate([context.start[None], jax.vmap(context)(at)])


def draw(seed, t=9):
    rng = np.random.default_rng(seed)
    ts = np.cumsum(rng.uniform(0.05, 0.6, t))
    mask = rng.uniform(size=(t, DIM)) < 0.6
    mask[rng.integers(t)] = True
    at = np.append(rng.uniform(ts[0], ts[-1], 7), ts[rng.integers(t)])
    return ts, rng.normal(size=(t, DIM)), mask, at


@each
@given(seed=seeds)
def test_masked_values_change_nothing(name, seed):
    ts, ys, mask, at = draw(seed)
    other = np.where(mask, ys, np.random.default_rng(seed + 1).normal(size=ys.shape) * 1e3)
    other[~mask & (np.arange(len(ts)) % 2 == 0)[:, None]] = np.nan
    np.testing.assert_array_equal(read(ENCODERS[name], ts, ys, mask, at), read(ENCODERS[name], ts, other, mask, at))


@each
@given(seed=seeds)
def test_padding_changes_nothing(name, seed):
    ts, ys, mask, at = draw(seed)
    series = Series(ts, ys, mask).pad(14)
    at = np.append(at, ts[-1] + 0.1)
    found = read(ENCODERS[name], series.ts, series.ys, series.mask, at)
    np.testing.assert_allclose(found, read(ENCODERS[name], ts, ys, mask, at), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", AHEAD)
@given(seed=seeds)
def test_rows_without_observations_are_as_if_they_were_not_there(name, seed):
    ts, ys, mask, at = draw(seed)
    rows = mask.any(1)
    some = Series(ts[rows], ys[rows], mask[rows]).pad(len(ts))
    found = read(ENCODERS[name], some.ts, some.ys, some.mask, at)
    whole = read(ENCODERS[name], ts, ys, mask, at)
    np.testing.assert_allclose(found[1:], whole[1:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", AHEAD)
def test_what_lies_behind_is_not_seen_and_what_lies_ahead_is(name):
    ts, ys, _, _ = draw(0)
    mask, at = np.ones_like(ys, bool), np.array([ts[4] + 1e-3])
    base = read(ENCODERS[name], ts, ys, mask, at)
    behind, ahead = ys.copy(), ys.copy()
    behind[:5] += 1.0
    ahead[5:] += 1.0
    np.testing.assert_array_equal(read(ENCODERS[name], ts, behind, mask, at)[1], base[1])
    assert np.abs(read(ENCODERS[name], ts, ahead, mask, at)[1] - base[1]).max() > 1e-3


@pytest.mark.parametrize("name", AHEAD)
def test_the_last_entry_is_the_time_to_the_next_observation_and_all_is_zero_after_the_last(name):
    ts, ys = np.array([0.0, 1.0, 2.0, 4.0]), np.ones((4, DIM))
    mask = np.array([True, False, True, False])[:, None] & np.ones((4, DIM), bool)
    found = read(ENCODERS[name], ts, ys, mask, np.array([0.0, 0.25, 1.0, 1.5, 2.0, 2.5, 4.0, 5.0]))[1:]
    np.testing.assert_allclose(found[:, -1], [2.0, 1.75, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0], atol=1e-6)
    np.testing.assert_array_equal(found[-4:], 0)
    # Constant up to the lag between observations.
    np.testing.assert_array_equal(found[0, :-1], found[3, :-1])
    following, seen = next_observed(Series(ts, ys, mask))
    np.testing.assert_array_equal(following, [0.0, 2.0, 2.0, 4.0])
    np.testing.assert_array_equal(seen, [True, True, True, False])


@pytest.mark.parametrize("kind", [GRUEncoder, AttentionEncoder])
def test_times_enter_in_units_of_the_gap(kind):
    ts, ys, mask, at = draw(1)
    one = read(kind(DIM, 6, SIZE, key=jax.random.key(3)), ts, ys, mask, at)
    other = read(kind(DIM, 6, SIZE, key=jax.random.key(3), gap=8.0), 8 * ts, ys, mask, 8 * at)
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r"Encoder\.gap"):
        kind(DIM, 6, SIZE, key=jax.random.key(3), gap=0.0)


def test_first_frames_are_all_that_is_looked_at():
    ts, ys, mask, at = draw(3)
    other = ys.copy()
    other[4:] += 1.0
    encoder = ENCODERS["frames"]
    np.testing.assert_array_equal(read(encoder, ts, ys, mask, at), read(encoder, ts, other, mask, at))
    assert np.abs(read(encoder, ts, ys + 1.0, np.ones_like(mask), at) - read(encoder, ts, ys, mask, at)).max() > 1e-3
    assert read(encoder, ts[:2], ys[:2], mask[:2], at[:1]).shape == (2, SIZE)


@each
def test_gradients_are_finite_and_reach_every_weight(name):
    ts, ys, mask, at = draw(5)
    mask[-2:] = False
    loss = lambda e: (read.__wrapped__(e, ts, ys, mask, at) ** 2).sum()
    gradient = eqx.filter_jit(eqx.filter_grad(loss))(ENCODERS[name])
    for path, leaf in jax.tree_util.tree_flatten_with_path(gradient)[0]:
        assert np.isfinite(leaf).all(), path
        assert np.any(leaf), path


def test_a_batch_is_a_map_over_items():
    rows = [draw(seed) for seed in range(3)]
    data = Series(*(np.stack([row[k] for row in rows]) for k in range(3)))
    for encoder in ENCODERS.values():
        many = eqx.filter_jit(eqx.filter_vmap(lambda s, e=encoder: e(s).start))(data)
        for k, (ts, ys, mask, at) in enumerate(rows):
            np.testing.assert_allclose(many[k], read(encoder, ts, ys, mask, at)[0], rtol=1e-5, atol=1e-6)


def test_sizes_and_series_are_checked():
    key = jax.random.key(0)
    with pytest.raises(ValueError, match=r"GRUEncoder\.size"):
        GRUEncoder(1, 4, 1, key=key)
    with pytest.raises(ValueError, match=r"AttentionEncoder\.heads"):
        AttentionEncoder(1, 4, 2, key=key, heads=0)
    with pytest.raises(ValueError, match="slowest"):
        AttentionEncoder(1, 4, 2, key=key, slowest=3.0, fastest=1.0)
    with pytest.raises(ValueError, match=r"FirstFrames\.frames"):
        FirstFrames(1, 0, 4, 1, 2, key=key)
    with pytest.raises(ValueError, match=r"must have 2 component"):
        ENCODERS["gru"](Series(jnp.arange(3.0), jnp.ones(3)))
    with pytest.raises(ValueError, match="one series"):
        ENCODERS["gru"](Series(jnp.arange(3.0), jnp.ones((1, 3, 2))))
