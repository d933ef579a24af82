import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.interpolate import interp1d

from sdekit.data import Clock
from sdekit.paths import Provenance, SampledPath


TS = jnp.array([0.0, 0.5, 2.0, 3.0])
ONE = SampledPath(TS, jnp.arange(8.0).reshape(4, 2) ** 2)
MANY = SampledPath(TS, jnp.sin(jnp.arange(40.0)).reshape(5, 4, 2), Provenance("Heun", dt=0.1))
ask = jax.jit(lambda path, t: path(t))


@given(st.lists(st.floats(0.0, 3.0), min_size=6, max_size=6))
def test_states_between_times_are_linear(ts):
    for path in (ONE, MANY):
        exact = interp1d(np.asarray(TS), np.asarray(path.xs), axis=-2)(ts)
        np.testing.assert_allclose(ask(path, jnp.array(ts)), exact, atol=1e-12)
    np.testing.assert_allclose(ask(MANY, ts[0]), exact[:, 0], atol=1e-12)


def test_shapes_of_queries():
    assert ONE(0.5).shape == (2,)
    assert ONE(jnp.array([0.5, 1.0, 2.0])).shape == (3, 2)
    assert MANY(0.5).shape == (5, 2)
    assert MANY(jnp.array([0.5, 1.0, 2.0])).shape == (5, 3, 2)
    np.testing.assert_array_equal(ONE(TS), ONE.xs)


@pytest.mark.parametrize("t", [-0.1, 3.1, float("nan"), float("inf")])
def test_nothing_is_extrapolated(t):
    with pytest.raises(ValueError, match=r"`t` lies outside the times of the path, \[0, 3\].*no extrapolation"):
        ONE(t)
    with pytest.raises(RuntimeError, match="lies outside the times of the path"):
        jax.block_until_ready(ask(ONE, jnp.asarray(t)))


def test_an_end_missed_by_rounding_is_the_end():
    path = SampledPath(jnp.array([0.0, 0.1, 0.3], jnp.float32), jnp.arange(3.0, dtype=jnp.float32)[:, None])
    np.testing.assert_array_equal(path(jnp.nextafter(jnp.float32(0.3), jnp.float32(1))), [2.0])
    assert path(0.2).dtype == jnp.float32


def test_a_path_of_one_time():
    path = SampledPath(jnp.array([1.0]), jnp.array([[7.0]]))
    assert path(1.0).tolist() == [7.0]
    assert path(jnp.array([1.0, 1.0])).tolist() == [[7.0], [7.0]]
    with pytest.raises(ValueError, match="outside"):
        path(1.5)


def test_gradients_and_vmap_pass_through_a_query():
    slope = jax.grad(lambda t: ONE(t)[0])(1.0)
    np.testing.assert_allclose(slope, (16 - 4) / 1.5)
    np.testing.assert_allclose(jax.vmap(ONE)(jnp.array([0.5, 1.0])), ONE(jnp.array([0.5, 1.0])))


def test_paths_are_picked_from_a_stack():
    assert len(MANY) == 5
    assert MANY[2].is_single
    np.testing.assert_array_equal(MANY[2].xs, MANY.xs[2])
    assert len(MANY[1:3]) == 2
    assert len(MANY[[0, 4]]) == 2
    assert len(list(MANY)) == 5
    assert len(ONE) == 1
    with pytest.raises(IndexError, match="path 5 of a stack of 5"):
        MANY[5]
    with pytest.raises(ValueError, match="cannot pick from a single path"):
        ONE[0]
    with pytest.raises(ValueError, match="must be a stack of paths"):
        ONE.mean()


def test_statistics_over_paths():
    np.testing.assert_allclose(MANY.mean().xs, np.mean(MANY.xs, 0))
    np.testing.assert_allclose(MANY.std().xs, np.std(MANY.xs, 0))
    np.testing.assert_allclose(MANY.quantile([0.1, 0.9]).xs, np.quantile(MANY.xs, [0.1, 0.9], axis=0))
    assert MANY.quantile(0.5).is_single


def test_a_path_becomes_a_series_on_the_clock_of_the_data():
    series = MANY.to_series(clock=Clock(1871.0, "years"), names=("a", "b"))
    assert series.ts.shape == (5, 4)
    assert series.names == ("a", "b")
    assert ONE.to_record().is_item
    np.testing.assert_array_equal(series.clock.undo(series.ts[0]), 1871 + np.asarray(TS))


def test_draws_in_standardised_units_are_taken_back():
    small, affine = MANY.to_series().standardise(times=True)
    back = affine.inverse(SampledPath(small.ts[0], small.ys))
    np.testing.assert_allclose(back.xs, MANY.xs, atol=1e-12)
    np.testing.assert_allclose(back.ts, MANY.ts, atol=1e-12)


@pytest.mark.parametrize(
    ("ts", "xs", "message"),
    [
        ([0.0, 1.0], np.ones(2), r"`xs` must have shape \(t, d\) or \(n, t, d\)"),
        ([0.0, 1.0], np.ones((3, 1)), r"`xs` must have shape"),
        ([1.0, 0.0], np.ones((2, 1)), r"`ts\[1\]` must be later"),
    ],
)
def test_bad_paths_are_refused(ts, xs, message):
    with pytest.raises(ValueError, match=message):
        SampledPath(jnp.array(ts), xs)


def test_repr():
    assert repr(MANY) == "SampledPath(5 paths, 4 times, 2 components, 0..3, Heun, dt=0.1)"
    assert repr(ONE) == "SampledPath(4 times, 2 components, 0..3, given)"
    said = []
    jax.jit(lambda p: said.append(repr(p)) or p.xs)(MANY)
    assert said == ["SampledPath(5 paths, 4 times, 2 components, Heun, dt=0.1)"]


def test_what_is_counted_path_by_path_goes_with_the_paths():
    counted = SampledPath(TS, MANY.xs, Provenance("Heun", rejected=jnp.arange(5)))
    assert int(counted[3].made.rejected) == 3
    assert counted[1:3].made.rejected.tolist() == [1, 2]
    assert counted.mean().made.rejected is None
