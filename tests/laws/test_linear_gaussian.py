"""What every linear Gaussian transition promises."""

import equinox as eqx
import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from scipy.integrate import solve_ivp

from .cases import LINEAR, ROWS, affine, ids, look, seeds, traced


few = hypothesis.settings(max_examples=3)


@traced
def coefficients(process, t):
    """The drift as an affine map, and the noise, at one time."""
    zero = jnp.zeros(process.dim)
    matrix = jax.jacfwd(lambda x: process.drift(t, x))(zero)
    g = process.diffusion(t, zero).as_matrix()
    return matrix, process.drift(t, zero), g @ g.T


def moments_by_ode(process, t0, t1):
    """The affine map and covariance, by a Runge-Kutta method of order eight on the moment equations."""
    d = process.dim

    def field(t, flat):
        a, b, q = flat[: d * d].reshape(d, d), flat[d * d : d * d + d], flat[d * d + d :].reshape(d, d)
        f, c, gg = (np.asarray(v) for v in coefficients(process, t))
        return np.concatenate([(f @ a).ravel(), f @ b + c, (f @ q + q @ f.T + gg).ravel()])

    start = np.concatenate([np.eye(d).ravel(), np.zeros(d), np.zeros(d * d)])
    end = solve_ivp(field, (t0, t1), start, method="DOP853", rtol=1e-10, atol=1e-12).y[:, -1]
    return end[: d * d].reshape(d, d), end[d * d : d * d + d], end[d * d + d :].reshape(d, d)


@pytest.mark.parametrize("case", **ids(LINEAR))
@few
@given(seed=seeds)
def test_discretisation_solves_the_moment_equations(case, seed):
    """Drift and diffusion on one side, transition on the other: they describe one process."""
    process = case.build(np.random.default_rng(seed))
    # The Magnus method of TimeDependentLinearSDE has a step; all else is exact.
    rtol = 1e-5 if "Time" in case.name else 1e-7
    for found, expected in zip(affine(process, 0.2, 1.1), moments_by_ode(process, 0.2, 1.1), strict=True):
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max() + 1e-12)


@pytest.mark.parametrize("case", **ids(LINEAR))
@given(seed=seeds)
def test_chapman_kolmogorov(case, seed):
    process = case.build(np.random.default_rng(seed))
    a1, b1, q1 = (np.asarray(v) for v in affine(process, 0.1, 0.5))
    a2, b2, q2 = (np.asarray(v) for v in affine(process, 0.5, 1.3))
    whole = affine(process, 0.1, 1.3)
    rtol = 1e-5 if "Time" in case.name else 1e-9
    for found, expected in zip(whole, (a2 @ a1, a2 @ b1 + b2, a2 @ q1 @ a2.T + q2), strict=True):
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * (np.abs(expected).max() + 1e-6))


@pytest.mark.parametrize("case", **ids(LINEAR))
@given(seed=seeds)
def test_discretisation_is_that_of_the_transition(case, seed):
    rng = np.random.default_rng(seed)
    process = case.build(rng)
    xs = case.states(rng, process, ROWS)
    a, b, q = (np.asarray(v) for v in affine(process, 0.3, 1.0))
    _, mean, variance, _, _ = look(process, 0.3, 1.0, xs, xs)
    np.testing.assert_allclose(mean, xs @ a.T + b, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(variance, np.broadcast_to(np.diag(q), xs.shape), rtol=1e-8, atol=1e-12)


@traced
def slopes_of_a_still_step(process, t):
    """Derivatives in the parameters and in the length of the step."""

    def total(both):
        process, h = both
        return sum((v**2).sum() + v.sum() for v in process.discretise(t, t + h))

    return eqx.filter_grad(total)((process, jnp.zeros(())))


@pytest.mark.parametrize("case", **ids(LINEAR))
def test_a_step_of_no_length_is_the_identity(case):
    process = case.build(np.random.default_rng(5))
    a, b, q = affine(process, 0.4, 0.4)
    np.testing.assert_allclose(a, np.eye(process.dim), atol=1e-14)
    np.testing.assert_allclose(b, 0, atol=1e-14)
    np.testing.assert_allclose(q, 0, atol=1e-14)


@pytest.mark.parametrize("case", **ids([LINEAR[i] for i in (0, 1, 2, 4, 6)]))
def test_a_step_of_no_length_has_finite_gradients(case):
    gradients = slopes_of_a_still_step(case.build(np.random.default_rng(5)), 0.4)
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradients))
