"""Steps of linear SDEs against SciPy's exponential, Lyapunov solutions and adaptive integration."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from hypothesis import given, strategies as st

from sdekit.math import affine_van_loan, compose_affine, linear_moments, van_loan


step = jax.jit(affine_van_loan)
SEEDS = st.integers(0, 2**32 - 1)


def system(seed, stable=True, d=3):
    """A random drift matrix (Hurwitz if `stable`), constant drift and noise covariance of rank two."""
    rng = np.random.default_rng(seed)
    M, skew, L = rng.normal(size=(d, d)), rng.normal(size=(d, d)), rng.normal(size=(d, 2))
    F = -M @ M.T - 0.1 * np.eye(d) + 3 * (skew - skew.T) if stable else M
    return F, rng.normal(size=d), L @ L.T


@given(SEEDS, st.floats(-6, 4))
def test_stable_systems_agree_with_the_exponential_and_the_lyapunov_equation(seed, exponent):
    F, b, Q = system(seed)
    h = 10.0**exponent
    A, c, V = (np.asarray(x) for x in step(F, b, Q, h))
    stationary = scipy.linalg.solve_continuous_lyapunov(F, -Q)
    condition = np.linalg.norm(F) * np.linalg.norm(np.linalg.inv(F))
    np.testing.assert_allclose(A, scipy.linalg.expm(F * h), atol=1e-14 * condition)
    # Both oracles subtract, so that their own error is relative to the stationary law.
    noise = 1e-13 * condition
    np.testing.assert_allclose(c, np.linalg.solve(F, (A - np.eye(3)) @ b), atol=noise * np.abs(b).max())
    np.testing.assert_allclose(V, stationary - A @ stationary @ A.T, atol=noise * np.abs(stationary).max())
    assert np.linalg.eigvalsh(V).min() > -1e-15 * np.abs(V).max()


@given(SEEDS, st.floats(0.01, 1.0))
def test_any_system_agrees_with_the_block_exponential(seed, h):
    F, b, Q = system(seed, stable=False)
    block = scipy.linalg.expm(np.block([[-F, Q], [np.zeros((3, 3)), F.T]]) * h)
    A, c, V = step(F, b, Q, h)
    np.testing.assert_allclose(A, block[3:, 3:].T, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(V, block[3:, 3:].T @ block[:3, 3:], rtol=1e-9, atol=1e-12)
    affine = scipy.linalg.expm(np.block([[F, b[:, None]], [np.zeros((1, 4))]]) * h)
    np.testing.assert_allclose(c, affine[:3, 3], rtol=1e-10, atol=1e-12)


@given(SEEDS, st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_two_steps_are_one(seed, h1, h2):
    F, b, Q = system(seed)
    both = compose_affine(step(F, b, Q, h1), step(F, b, Q, h2))
    for x, y in zip(both, step(F, b, Q, h1 + h2), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


def test_a_stiff_system_reaches_its_stationary_law_where_the_block_exponential_overflows():
    F = jnp.array([[-1e8, 0.0], [1.0, -1.0]])
    A, _, V = step(F, jnp.zeros(2), jnp.diag(jnp.array([2e8, 0.0])), 50.0)
    np.testing.assert_allclose(A, 0, atol=1e-20)
    # Lyapunov equation by hand: V00 = 1, V01 = V00 / (1e8 + 1), V11 = V01.
    np.testing.assert_allclose(V, np.array([[1, 1 / (1e8 + 1)], [1 / (1e8 + 1), 1 / (1e8 + 1)]]), rtol=1e-7)


def test_no_step_no_change_and_gradients_are_derivatives():
    F, b, Q = system(1)
    A, c, V = step(F, b, Q, 0.0)
    np.testing.assert_array_equal(A, np.eye(3))
    assert not np.any(c)
    assert not np.any(V)
    value = jax.jit(lambda s, h: sum(x.sum() for x in affine_van_loan(F * s, jnp.asarray(b) * s, Q * s, h)))
    gradient = jax.jit(jax.grad(value, argnums=(0, 1)))(1.1, 0.7)
    for i, e in enumerate(((1e-6, 0.0), (0.0, 1e-6))):
        numeric = (value(1.1 + e[0], 0.7 + e[1]) - value(1.1 - e[0], 0.7 - e[1])) / 2e-6
        np.testing.assert_allclose(gradient[i], numeric, rtol=1e-7)


def test_float32_is_near_float64():
    F, b, Q = system(2)
    single = step(*(x.astype(np.float32) for x in (F, b, Q)), np.float32(0.3))
    for x, y in zip(single, step(F, b, Q, 0.3), strict=True):
        assert x.dtype == jnp.float32
        np.testing.assert_allclose(x, y, atol=2e-6 * max(1, np.abs(y).max()))


@functools.partial(jax.jit, static_argnums=3)
def _moments(F, b, Q, steps):
    coefficients = (lambda t: F * jnp.cos(t) + F.T * t, lambda t: b * jnp.sin(3 * t), lambda t: Q * (1 + t**2))
    return linear_moments(*coefficients, 0.2, 1.0, steps)


@given(SEEDS)
def test_time_dependent_systems_converge_at_fourth_order_to_the_moment_equations(seed):
    F, b, Q = system(seed, stable=False)

    def derivative(t, y):
        A, c, V = y[:9].reshape(3, 3), y[9:12], y[12:].reshape(3, 3)
        Ft = F * np.cos(t) + F.T * t
        return np.r_[(Ft @ A).ravel(), Ft @ c + b * np.sin(3 * t), (Ft @ V + V @ Ft.T + Q * (1 + t**2)).ravel()]

    exact = scipy.integrate.solve_ivp(
        derivative, (0.2, 1.0), np.r_[np.eye(3).ravel(), np.zeros(12)], "DOP853", rtol=1e-11, atol=1e-11
    ).y[:, -1]
    flat = lambda parts: np.concatenate([np.ravel(x) for x in parts])
    errors = [np.abs(flat(_moments(F, b, Q, steps)) - exact).max() for steps in (8, 16)]
    assert errors[1] < max(errors[0] / 10, 1e-9 * np.abs(exact).max())
    assert errors[1] < 1e-3 * np.abs(exact).max()


def test_constant_coefficients_are_exact_in_one_step():
    F, b, Q = (jnp.asarray(x) for x in system(4))
    one = linear_moments(lambda _: F, lambda _: b, lambda _: Q, 0.0, 2.0, 1)
    for x, y in zip(one, step(F, b, Q, 2.0), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-14)


def test_van_loan_is_the_case_without_drift_and_shapes_are_checked():
    F, b, Q = system(5)
    A, V = van_loan(F, Q, 0.4)
    np.testing.assert_allclose(A, step(F, b, Q, 0.4)[0], atol=1e-15)
    np.testing.assert_allclose(V, step(F, b, Q, 0.4)[2], atol=1e-15)
    with pytest.raises(ValueError, match=r"`Q` must have shape \(3, 3\)"):
        van_loan(F, Q[:2], 0.4)
    with pytest.raises(ValueError, match="`F` must be a square matrix"):
        van_loan(F[:2], Q, 0.4)
