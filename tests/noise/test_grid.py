"""Grids: steps are known by number, times find them again, and what is off the grid is said to be."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from sdekit.noise import Brownian, Grid


gaps = st.lists(st.floats(0.01, 10.0), min_size=3, max_size=3)


@eqx.filter_jit
def _found(grid):
    times = grid.times()
    return times, *grid.find(times)


@given(gaps, st.sampled_from([1, 40]), st.floats(-100.0, 100.0))
def test_every_time_of_a_regular_grid_finds_its_step(gaps, per_gap, start):
    knots = start + np.concatenate([[0.0], np.cumsum(gaps)])
    times, steps, off = _found(Grid(jnp.asarray(knots), per_gap))
    np.testing.assert_array_equal(steps, np.arange(3 * per_gap + 1))
    assert float(jnp.max(off)) == 0.0
    assert bool((jnp.diff(times) > 0).all())


@given(gaps, st.sampled_from([(1, 1, 1), (3, 1, 30), (7, 20, 7)]))
def test_every_time_of_a_ragged_grid_finds_its_step(gaps, counts):
    knots = np.concatenate([[0.0], np.cumsum(gaps)])
    times, steps, off = _found(Grid(knots, counts=counts))
    np.testing.assert_array_equal(steps, np.arange(sum(counts) + 1))
    assert float(jnp.max(off)) == 0.0
    expected = [np.linspace(a, b, c, endpoint=False) for a, b, c in zip(knots[:-1], knots[1:], counts, strict=True)]
    np.testing.assert_allclose(times[:-1], np.concatenate(expected), rtol=1e-13, atol=1e-13)
    assert float(times[-1]) == knots[-1]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_times_added_up_by_a_solver_find_their_steps(dtype):
    grid = Grid(jnp.asarray([0.0, 1.0], dtype), 1000)
    number, h = np.arange(1000, dtype=grid.knots.dtype), np.asarray(1e-3, grid.knots.dtype)
    steps, off = grid.find(np.concatenate([number[:1], number * h + h]))
    np.testing.assert_array_equal(steps, np.arange(1001))
    assert float(off.max()) < 1e-3


def test_a_time_between_steps_is_off_the_grid_and_an_error(key):
    noise = Brownian(0.0, 0.1, 10, key=key)
    _, off = noise.grid.find(0.15)
    assert off == pytest.approx(0.5)
    with pytest.raises(Exception, match="must be a time of the noise's grid"):
        noise.evaluate(0.1, 0.15)
    with pytest.raises(Exception, match="must be a time of the noise's grid"):
        noise.evaluate(0.1, 1.1)
    with pytest.raises(Exception, match="must be a time of the noise's grid"):
        jax.block_until_ready(jax.jit(lambda a, b: noise.evaluate(a, b))(0.1, 0.15))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(knots=[0.0], per_gap=2), "at least 2"),
        (dict(knots=[0.0, 0.0], per_gap=2), "Merge duplicate"),
        (dict(knots=[0.0, 1.0]), "per_gap"),
        (dict(knots=[0.0, 1.0], per_gap=0), "at least 1"),
        (dict(knots=[0.0, 1.0, 2.0], counts=[1, 0]), "at least 1"),
        (dict(knots=jnp.array([1e6, 1e6 + 1], jnp.float32), per_gap=1000), "nearer origin"),
    ],
)
def test_grids_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Grid(**arguments)


def test_coarsening_needs_a_divisor():
    with pytest.raises(ValueError, match="must divide"):
        Grid([0.0, 1.0], 6).coarsen(4)
    with pytest.raises(ValueError, match="must divide"):
        Grid([0.0, 1.0, 2.0], counts=[4, 6]).coarsen(4)
    assert Grid([0.0, 1.0, 2.0], counts=[4, 8]).coarsen(4).steps == 3
