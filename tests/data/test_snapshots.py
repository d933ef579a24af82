import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from sdekit.data import Snapshots

from .strategies import SEEDS, ragged_clouds


@given(ragged_clouds())
def test_clouds_come_back(data):
    ts, clouds, weights = data
    record = Snapshots.from_list(ts, clouds, weights)
    assert len(record) == max(map(len, clouds))
    for k, (cloud, w) in enumerate(zip(clouds, weights, strict=True)):
        np.testing.assert_array_equal(record.cloud(k), cloud)
        np.testing.assert_allclose(record.weights[k, : len(cloud)], w / w.sum())
        assert not record.weights[k, len(cloud) :].any()
        assert not record.xs[k, len(cloud) :].any()


@given(ragged_clouds(), SEEDS)
def test_draws_hold_particles_of_their_time_and_no_padding(data, seed):
    ts, clouds, _ = data
    drawn = Snapshots.from_list(ts, clouds).draw(4, key=jax.random.key(seed))
    assert drawn.xs.shape == (3, 4, 2)
    assert drawn.mask.all()
    np.testing.assert_allclose(drawn.weights, 0.25)
    for k, cloud in enumerate(clouds):
        picks = [np.flatnonzero((cloud == x).all(-1)) for x in np.asarray(drawn.xs[k])]
        assert all(len(p) == 1 for p in picks)
        counts = np.bincount(np.concatenate(picks), minlength=len(cloud))
        share = 4 / len(cloud)
        # Systematic sampling: as even as whole numbers can be, so without replacement where the cloud is large enough.
        assert counts.min() >= np.floor(share - 1e-9)
        assert counts.max() <= np.ceil(share + 1e-9)


def test_a_draw_of_the_whole_cloud_is_a_permutation():
    record = Snapshots(jnp.arange(2.0), jnp.arange(20.0).reshape(2, 10, 1))
    drawn = record.draw(10, key=jax.random.key(1))
    np.testing.assert_array_equal(np.sort(drawn.xs[..., 0], -1), record.xs[..., 0])
    assert not (drawn.xs == record.xs).all()


def test_draws_follow_the_weights():
    weights = np.array([[1.0, 2.0, 0.0, 5.0]])
    record = Snapshots(jnp.zeros(1), jnp.arange(4.0).reshape(1, 4, 1), weights=weights)
    keys = jax.random.split(jax.random.key(0), 20_000)
    draws = jax.vmap(lambda k: record.draw(2, key=k).xs[0, :, 0])(keys)
    counts = np.bincount(np.asarray(draws).ravel().astype(int), minlength=4)
    expected = weights[0] / 8 * draws.size
    # Each count is a sum of 20,000 independent terms of variance at most 1/4, so 5.5 deviations are 5.5 * 71: a false
    # alarm has probability below 1e-6 for all four together, and a weight off by 0.01 (400 counts) is seen.
    np.testing.assert_allclose(counts, expected, atol=5.5 * np.sqrt(20_000 / 4))
    assert counts[2] == 0
    # Positions are exchangeable too: the first of the two is drawn by the weights like the second.
    first = np.bincount(np.asarray(draws)[:, 0].astype(int), minlength=4)
    np.testing.assert_allclose(first, expected / 2, atol=5.5 * np.sqrt(20_000 / 4))


def test_times_are_picked_and_particles_indexed():
    record = Snapshots(jnp.arange(5.0), jnp.arange(30.0).reshape(5, 3, 2))
    even, odd = record.at(slice(0, None, 2)), record.at([1, 3])
    assert even.ts.tolist() == [0, 2, 4]
    assert odd.ts.tolist() == [1, 3]
    assert record.at(-1).xs.shape == (1, 3, 2)
    two = record[jnp.array([0, 2])]
    np.testing.assert_array_equal(two.xs, record.xs[:, jnp.array([0, 2])])
    np.testing.assert_allclose(two.weights, 0.5)
    assert len(record[1]) == 1
    with pytest.raises(IndexError, match="time 5 of snapshots at 5 times"):
        record.at(5)
    with pytest.raises(IndexError, match="particle 3 of snapshots that have 3"):
        record[3]
    with pytest.raises(ValueError, match="`index` picks no time"):
        record.at(slice(5, 9))


@given(ragged_clouds(), SEEDS)
def test_split_parts_every_cloud(data, seed):
    ts, clouds, weights = data
    a, b = Snapshots.from_list(ts, clouds, weights).split(0.5, key=jax.random.key(seed))
    for k, cloud in enumerate(clouds):
        together = np.concatenate([a.cloud(k), b.cloud(k)])
        np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(cloud, axis=0))
        assert len(a.cloud(k)) == min(max(round(0.5 * len(cloud)), 1), len(cloud) - 1)


def test_joined_clouds_count_by_their_size():
    a = Snapshots(jnp.zeros(1), jnp.zeros((1, 3, 1)))
    b = Snapshots(jnp.zeros(1), jnp.ones((1, 1, 1)))
    np.testing.assert_allclose(a.join(b).weights, 0.25)
    with pytest.raises(ValueError, match=r"`records\[1\]` must be like the first"):
        a.join(Snapshots(jnp.ones(1), jnp.ones((1, 1, 1))))


@pytest.mark.parametrize(
    ("ts", "xs", "more", "message"),
    [
        ([0.0, 1.0], np.ones((2, 3)), {}, r"`xs` must have shape \(2, n, d\)"),
        ([0.0, 1.0], np.ones((3, 3, 1)), {}, r"`xs` must have shape \(2, n, d\)"),
        ([1.0, 0.0], np.ones((2, 3, 1)), {}, r"`ts\[1\]` must be later"),
        ([], np.ones((0, 3, 1)), {}, "`ts` must have shape"),
        ([0.0], np.full((1, 2, 1), np.nan), {}, r"`xs\[0, 0, 0\]` must be finite where there is a particle, got nan"),
        ([0.0], np.ones((1, 2, 1)), {"mask": np.zeros((1, 2), bool)}, r"`mask\[0\]` leaves no particle at this time"),
        ([0.0], np.ones((1, 2, 1)), {"mask": np.zeros((2,), bool)}, r"`mask` must have shape \(1, 2\)"),
        ([0.0], np.ones((1, 2, 1)), {"weights": np.array([[1.0, -1.0]])}, r"`weights\[0, 1\]` must not be negative"),
        ([0.0], np.ones((1, 2, 1)), {"weights": np.zeros((1, 2))}, r"`weights\[0\]` sum to zero at this time"),
        ([0.0], np.ones((1, 2, 1)), {"weights": np.zeros(2)}, r"`weights` must have shape \(1, 2\)"),
        ([0.0], np.ones((1, 2, 1)), {"names": ("a", "b")}, "`names` must be 1 names"),
    ],
)
def test_bad_snapshots_are_refused(ts, xs, more, message):
    with pytest.raises(ValueError, match=message):
        Snapshots(np.array(ts), xs, **more)


def test_bad_lists_are_refused():
    with pytest.raises(ValueError, match="`xs` must have 2 clouds, as ts, got 1"):
        Snapshots.from_list([0.0, 1.0], [[1.0]])
    with pytest.raises(ValueError, match=r"`xs\[1\]` must have shape \(n_k, d\) with one d for all"):
        Snapshots.from_list([0.0, 1.0], [[1.0], [[1.0, 2.0]]])
    with pytest.raises(ValueError, match="`weights` must have a weight for each particle"):
        Snapshots.from_list([0.0], [[1.0, 2.0]], [[1.0]])
    with pytest.raises(ValueError, match="`size` must be positive"):
        Snapshots.from_list([0.0], [[1.0]]).draw(0, key=jax.random.key(0))
