"""What a scheme does exactly, before any limit: affine maps, sums, corrections between the two senses."""

from functools import partial

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from sdekit._process import General, Ito, Scalar, Stratonovich
from sdekit.noise import Brownian, Correlated, Grid, Tabulated
from sdekit.solve import solve, stratonovich_shift

from .models import Equation, area, gbm, ou, twisted


STEPS = 40


@eqx.filter_jit
def _end(model, solver, noise, x0):
    return solve(model, noise.grid.knots, noise=noise, x0=x0, solver=solver).xs[-1]


def driven(model, solver, tables, span=1.0, x0=None):
    """The end of a solve for each row of increments."""
    grid = Grid(jnp.array([0.0, span]), tables.shape[1])
    x0 = jnp.asarray(model.start) if x0 is None else x0
    return jax.vmap(lambda w: _end(model, solver, Tabulated(grid, w), x0))(tables)


@given(st.floats(0.1, 5.0), st.floats(-2.0, 2.0), st.floats(0.1, 3.0), st.floats(0.2, 4.0), st.integers(0, 2**31))
def test_euler_of_ou_has_the_mean_and_variance_of_its_recursion(rate, mean, scale, span, seed):
    """A step is affine in the state and the noise, so that impulses give the moments of the step without sampling."""
    model, x = ou(rate, mean, scale), 1.0
    tables = jnp.concatenate([jnp.zeros((1, STEPS, 1)), jnp.eye(STEPS)[:, :, None]])
    w = jax.random.normal(jax.random.key(seed), (1, STEPS, 1))
    ends = driven(model, diffrax.Euler(), jnp.concatenate([tables, w]), span)[:, 0]
    rest, response = ends[0], ends[1:-1] - ends[0]
    np.testing.assert_allclose(ends[-1], rest + response @ w[0, :, 0], rtol=1e-10, atol=1e-11)
    h = span / STEPS
    a = 1 - rate * h
    variance = scale**2 * h * (1 - a ** (2 * STEPS)) / (1 - a**2)
    np.testing.assert_allclose(rest, mean + (x - mean) * a**STEPS, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(h * jnp.sum(response**2), variance, rtol=1e-10)


@given(st.floats(-1.0, 1.0), st.floats(0.1, 1.0), st.integers(0, 2**31))
def test_euler_of_gbm_is_the_product_of_its_factors(drift, scale, seed):
    w = 0.2 * jax.random.normal(jax.random.key(seed), (1, STEPS, 1))
    end = driven(gbm(drift, scale), diffrax.Euler(), w)[0, 0]
    np.testing.assert_allclose(end, jnp.prod(1 + drift / STEPS + scale * w), rtol=1e-12)


@given(st.integers(0, 2**31))
def test_left_point_sums_are_ito_and_middle_sums_stratonovich(seed):
    w = 0.3 * jax.random.normal(jax.random.key(seed), (1, STEPS, 1))
    total, squares = jnp.sum(w), jnp.sum(w**2)
    end = lambda model, solver: float(driven(model, solver, w)[0, 1])
    assert end(area(Ito), diffrax.Euler()) == pytest.approx(float(total**2 - squares) / 2, abs=1e-12)
    assert end(area(Stratonovich), diffrax.Heun()) == pytest.approx(float(total**2) / 2, abs=1e-12)
    # The correction is 1/2 for the second component: the sense of the process, whatever the sense of the solver.
    assert end(area(Ito), diffrax.Heun()) == pytest.approx(float(total**2 - 1) / 2, abs=1e-12)
    assert end(area(Stratonovich), diffrax.Euler()) == pytest.approx(float(total**2 - squares + 1) / 2, abs=1e-12)


@given(st.integers(0, 2**31), st.sampled_from([Ito, Stratonovich]))
def test_the_two_milstein_methods_are_one_where_noise_commutes(seed, sense):
    w = 0.2 * jax.random.normal(jax.random.key(seed), (1, STEPS, 1))
    for model in (gbm(interpretation=sense), area(sense)):
        one, two = (driven(model, s, w) for s in (diffrax.ItoMilstein(), diffrax.StratonovichMilstein()))
        np.testing.assert_allclose(one, two, rtol=1e-11)


@given(st.lists(st.floats(-2.0, 2.0), min_size=2, max_size=2))
def test_the_correction_of_fields_that_do_not_commute(x):
    x = jnp.asarray(x)
    by_hand = jnp.stack([x[0], x[0] + x[1]]) / 2
    np.testing.assert_allclose(stratonovich_shift(twisted(), 0.0, x), by_hand, rtol=1e-12, atol=1e-15)


def test_the_correction_costs_what_the_structure_says():
    x = jnp.array([1.3])
    for structure in (General, Scalar):
        shift = stratonovich_shift(gbm(structure=structure), 0.0, x)
        np.testing.assert_allclose(shift, stratonovich_shift(gbm(), 0.0, x), rtol=1e-14)
    np.testing.assert_allclose(stratonovich_shift(gbm(), 0.0, x), 0.36 * x / 2, rtol=1e-14)
    assert not stratonovich_shift(ou(), 0.0, x).any()


@pytest.mark.parametrize("solver", [diffrax.Heun(), diffrax.Euler()])
def test_correlated_noise_is_independent_noise_through_other_fields(key, solver):
    c = jnp.array([[1.0, 0.0], [0.6, 0.8]])
    noise = Brownian(0.0, 1 / STEPS, STEPS, 2, key=key)
    for sense in (Ito, Stratonovich):
        plain = twisted(sense)
        mixed = Equation(plain.p, plain.f, lambda x, p: plain.g(x, p) @ c, General, sense, plain.start)
        x0 = jnp.asarray(plain.start)
        np.testing.assert_allclose(
            _end(plain, solver, Correlated(noise, c), x0), _end(mixed, solver, noise, x0), rtol=1e-12
        )


@pytest.mark.parametrize("solver", [diffrax.Euler(), diffrax.Heun(), diffrax.ShARK()])
def test_a_solve_is_the_solve_of_diffrax_on_the_same_noise(key, solver):
    model = ou()
    noise = Brownian(0.0, 1 / STEPS, STEPS, key=key, levy_area=diffrax.SpaceTimeLevyArea)
    terms = diffrax.MultiTerm(
        diffrax.ODETerm(lambda t, x, _: model.drift(t, x)),
        diffrax.ControlTerm(lambda t, x, _: model.diffusion(t, x), noise),
    )
    ts = noise.grid.times()
    theirs = diffrax.diffeqsolve(
        terms, solver, 0.0, 1.0, None, jnp.ones(1), stepsize_controller=diffrax.StepTo(ts),
        saveat=diffrax.SaveAt(ts=ts[::10]),
    )  # fmt: skip
    ours = solve(model, ts[::10], noise=noise, x0=jnp.ones(1), solver=solver)
    np.testing.assert_allclose(ours.xs, theirs.ys, rtol=1e-12)


@partial(jax.jit, static_argnums=1)
def _langevin(noise, solver):
    drift = diffrax.UnderdampedLangevinDriftTerm(jnp.array(1.0), jnp.array(1.0), lambda x, _: x**3)
    diffusion = diffrax.UnderdampedLangevinDiffusionTerm(jnp.array(1.0), jnp.array(1.0), noise)
    ts = noise.grid.times()
    return diffrax.diffeqsolve(
        diffrax.MultiTerm(drift, diffusion), solver, 0.0, 1.0, None, (jnp.ones(1), jnp.zeros(1)),
        stepsize_controller=diffrax.StepTo(ts), max_steps=noise.grid.steps, adjoint=diffrax.ForwardMode(),
    ).ys  # fmt: skip


def test_langevin_solvers_of_diffrax_run_on_our_noise(key):
    """Their error against a solve with 16 times more steps on the same motion is small."""
    fine = Brownian(0.0, 2.0**-9, 2**9, key=key, levy_area=diffrax.SpaceTimeTimeLevyArea)
    reference = _langevin(fine, diffrax.QUICSORT())
    for solver in (diffrax.ALIGN(), diffrax.ShOULD(), diffrax.QUICSORT()):
        for a, b in zip(_langevin(fine.coarsen(16), solver), reference, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-4)
