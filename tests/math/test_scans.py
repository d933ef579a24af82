"""Recurrences against a loop; quadrature against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from sdekit.math import affine_recurrence, cumulative_sum, gauss_legendre, integrate, linear_recurrence


linear = jax.jit(linear_recurrence)
affine = jax.jit(affine_recurrence)
STEPS, D = 13, 3


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_linear_recurrences_are_the_loop(seed, resets):
    rng = np.random.default_rng(seed)
    a, b, x0 = rng.normal(size=(STEPS, D)), rng.normal(size=(STEPS, D)), rng.normal(size=D)
    A = rng.normal(size=(STEPS, D, D))
    reset = rng.uniform(size=STEPS) < (0.3 if resets else 0.0)
    x, y, xs, ys = x0, x0, [], []
    for i in range(STEPS):
        x, y = (x0, x0) if reset[i] else (x, y)
        x, y = a[i] * x + b[i], A[i] @ y + b[i]
        xs.append(x), ys.append(y)
    np.testing.assert_allclose(linear(a, b, x0, reset), xs, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(affine(A, b, x0, reset), ys, rtol=1e-9, atol=1e-9)
    if not reset.any():
        np.testing.assert_allclose(linear(a, b, x0), xs, rtol=1e-9, atol=1e-9)


def test_a_reset_forgets_what_was_infinite():
    a, b = jnp.array([1.0, 1.0, 1.0]), jnp.array([1e308, 1e308, 1.0])
    out = linear_recurrence(a, b, jnp.array(0.0), jnp.array([False, False, True]))
    assert out[2] == 1.0


@pytest.mark.parametrize("n", [1, 2, 64, 65, 1000, 2049])
def test_running_sums(n):
    x = np.random.default_rng(n).normal(size=n)
    np.testing.assert_allclose(cumulative_sum(jnp.asarray(x)), np.cumsum(x), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("n", [1, 4, 9])
def test_quadrature_is_exact_for_polynomials(n):
    x, w = gauss_legendre(n)
    for degree in range(2 * n):
        np.testing.assert_allclose(w @ x**degree, (1 + (-1) ** degree) / (degree + 1), atol=1e-14)
    assert x is gauss_legendre(n)[0]
    assert not x.flags.writeable


def test_integrals_of_arrays_and_their_derivatives():
    f = lambda a, b: integrate(lambda t: jnp.stack([jnp.exp(t), jnp.cos(t)]), a, b, 20)
    np.testing.assert_allclose(f(0.5, 2.0), [np.exp(2) - np.exp(0.5), np.sin(2) - np.sin(0.5)], rtol=1e-13)
    np.testing.assert_allclose(jax.jacobian(f, argnums=1)(0.5, 2.0), [np.exp(2), np.cos(2)], rtol=1e-12)
    assert integrate(jnp.exp, np.float32(0), np.float32(1), 4).dtype == jnp.float32


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="`n` must be a positive number of nodes"):
        gauss_legendre(0)
    with pytest.raises(ValueError, match=r"`reset` must have shape \(2,\)"):
        linear_recurrence(jnp.ones(2), jnp.ones(2), jnp.array(0.0), jnp.array([True]))
    with pytest.raises(ValueError, match=r"`A` must have shape \(2, 1, 1\)"):
        affine_recurrence(jnp.ones((2, 2, 1)), jnp.ones((2, 1)), jnp.ones(1))
