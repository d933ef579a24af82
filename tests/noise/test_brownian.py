"""Brownian noise: laws of increments and areas, Chen's relations, replay, coarsening, refining, correlation."""

from functools import partial

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from sdekit.evaluate import assert_covariance, assert_law
from sdekit.noise import Brownian, Correlated, Grid, Tabulated, chain


FULL = diffrax.SpaceTimeTimeLevyArea
VARIANCES = {"W": 1.0, "H": 1 / 12, "K": 1 / 720}


def full(key, steps=12, dt=0.25, dim=2):
    return Brownian(0.5, dt, steps, dim, key=key, levy_area=FULL)


def parts(value):
    return np.stack([value.W, value.H, value.K], axis=-1)


def close(a, b, rtol=1e-12):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-13), a, b)


@jax.jit
def _samples(keys):
    """Increments and areas of: a step; a joined step; two neighbouring steps inside a divided one."""
    one = lambda k: full(k, steps=4, dt=0.25, dim=1)
    fine = lambda k: one(k).refine(3, key=jax.random.fold_in(k, 7))
    return (
        jax.vmap(lambda k: one(k).levy(2))(keys),
        jax.vmap(lambda k: one(k).coarsen(4).levy(0))(keys),
        jax.vmap(lambda k: (fine(k).levy(4), fine(k).levy(5), one(k).levy(0)))(keys),
    )


@pytest.fixture(scope="module")
def samples():
    return _samples(jax.random.split(jax.random.key(11), 20_000))


@pytest.mark.parametrize(("which", "h"), [(0, 0.25), (1, 1.0)])
def test_increments_and_areas_have_their_laws(samples, which, h):
    value = samples[which]
    for name, variance in VARIANCES.items():
        assert_law(np.asarray(getattr(value, name))[:, 0], stats.norm(scale=np.sqrt(variance * h)).cdf, effect=0.06)
    scaled = parts(value)[:, 0] / np.sqrt(h * np.array(list(VARIANCES.values())))
    assert_covariance(scaled, np.eye(3), effect=0.1)


def test_steps_inside_a_divided_step_are_brownian_motion(samples):
    first, second, elsewhere = samples[2]
    h = 0.25 / 3
    joint = np.concatenate([parts(first)[:, 0], parts(second)[:, 0]], axis=1)
    joint /= np.sqrt(h * np.tile(list(VARIANCES.values()), 2))
    joint = np.concatenate([joint, parts(elsewhere)[:, 0] / np.sqrt(0.25 * np.array(list(VARIANCES.values())))], axis=1)
    assert_covariance(joint, np.eye(9), effect=0.1)
    for j in range(6):
        assert_law(joint[:, j], stats.norm.cdf, effect=0.06)


def test_increments_do_not_depend_on_the_areas_drawn_beside_them(key):
    draw = lambda area: Brownian(0.0, 0.1, 5, 2, key=key, levy_area=area).increments()
    np.testing.assert_array_equal(draw(diffrax.BrownianIncrement), draw(FULL))


@partial(jax.jit, static_argnums=1)
def _there_and_back(key, factor):
    noise = full(key)
    again = noise.refine(factor, key=jax.random.fold_in(key, 1)).coarsen(factor)
    return (again.table(), again.grid.times()), (noise.table(), noise.grid.times())


@given(st.integers(0, 2**31), st.sampled_from([2, 3]))
def test_coarsening_undoes_refining(seed, factor):
    close(*_there_and_back(jax.random.key(seed), factor), 1e-11)


def test_areas_are_the_integrals_of_the_path(key):
    """The oracle: for a path that is linear between its points, the integrands are quadratic, and Simpson is exact."""
    steps, h = 16, 0.125
    w = np.asarray(jax.random.normal(key, (steps, 1)))
    noise = Tabulated(Grid([0.0, steps * h], steps), w, jnp.zeros((steps, 1)), jnp.zeros((steps, 1)))
    coarse = noise.coarsen(steps).levy(0)
    total, span = w.sum(), steps * h
    path = np.concatenate([[0.0], np.cumsum(w[:, 0])])
    at = lambda r: np.interp(r, h * np.arange(steps + 1), path) - r / span * total
    t = h * np.arange(steps)
    simpson = lambda f: (h / 6 * (f(t) + 4 * f(t + h / 2) + f(t + h))).sum()
    assert float(coarse.W[0]) == pytest.approx(total, rel=1e-13)
    assert float(coarse.H[0]) == pytest.approx(simpson(at) / span, rel=1e-12)
    assert float(coarse.K[0]) == pytest.approx(simpson(lambda r: at(r) * (span / 2 - r)) / span**2, rel=1e-12)


@given(st.lists(st.floats(0.05, 3.0), min_size=3, max_size=3), st.integers(0, 2**31))
def test_chaining_unequal_steps_is_associative_and_agrees_with_joining_their_parts(widths, seed):
    draws = np.random.default_rng(seed).normal(size=(3, 3, 1))
    a, b, c = (FULL(jnp.asarray(h), *map(jnp.asarray, d)) for h, d in zip(widths, draws, strict=True))
    close(chain(chain(a, b), c), chain(a, chain(b, c)), 1e-10)


def test_evaluate_runs_both_ways_and_from_the_start(key):
    noise = Brownian(0.5, 0.25, 12, 2, key=key)
    w = noise.increments()
    evaluate = jax.jit(lambda a, b: noise.evaluate(a, b))
    close(evaluate(1.25, 2.0), w[3:6].sum(0))
    close(evaluate(2.0, 1.25), -w[3:6].sum(0))
    close(evaluate(1.25, 1.25), jnp.zeros(2))
    close(noise.evaluate(1.25), w[:3].sum(0))


def test_areas_backwards_in_time_are_refused(key):
    with pytest.raises(Exception, match="must not be before"):
        full(key).evaluate(2.0, 1.25, use_levy=True)


def test_noise_replays_and_maps_over_keys(key):
    keys = jax.random.split(key, 3)
    one = lambda k: Brownian(0.0, 0.1, 7, 2, key=k, levy_area=FULL).table()
    mapped = jax.jit(jax.vmap(one))(keys)
    for i, k in enumerate(keys):
        close(jax.tree.map(lambda x: x[i], mapped), one(k), 1e-13)
    noise = Brownian(0.0, 0.1, 7, 2, key=key)
    np.testing.assert_array_equal(noise.increment(5), noise.increments()[5])


def test_steps_of_unequal_gaps_scale_with_their_width(key):
    grid = Grid([0.0, 1.0, 5.0], counts=[4, 2])
    even = Brownian(0.0, 1.0, 6, key=key).increments()
    uneven = Brownian(grid=grid, key=key).increments()
    widths = np.array([0.25] * 4 + [2.0] * 2)[:, None]
    close(uneven, even * np.sqrt(widths))


def test_correlated_noise_is_a_linear_map_of_independent_noise(key):
    c = jnp.array([[1.0, 0.0], [0.6, 0.8], [0.0, -1.0]])
    noise = Correlated(full(key), c)
    close(parts(noise.table()), np.einsum("mk,nkp->nmp", c, parts(full(key).table())))
    with pytest.raises(ValueError, match="correlate the result"):
        noise.refine(2, key=key)
    with pytest.raises(ValueError, match="must have shape"):
        Correlated(full(key), jnp.ones((2, 3)))


def test_noise_keeps_the_dtype_of_its_grid(key):
    noise = Brownian(jnp.float32(0.0), 0.1, 4, key=key, levy_area=FULL)
    assert {x.dtype for x in jax.tree.leaves(noise.coarsen(2).table())} == {jnp.dtype("float32")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(t0=0.0, dt=0.1), "grid"),
        (dict(t0=0.0, dt=-0.1, steps=3), "must be positive"),
        (dict(t0=0.0, dt=0.1, steps=0), "at least 1"),
        (dict(t0=0.0, dt=0.1, steps=3, dim=0), "dim"),
    ],
)
def test_noise_that_cannot_be_is_refused(key, arguments, message):
    with pytest.raises(ValueError, match=message):
        Brownian(**arguments, key=key)


def test_a_table_must_have_a_row_for_each_step():
    with pytest.raises(ValueError, match="3 steps"):
        Tabulated(Grid([0.0, 1.0], 3), jnp.zeros((2, 1)))
