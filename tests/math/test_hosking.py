"""Hosking's method against dense linear algebra: its map from noise is a Cholesky factor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, strategies as st

from sdekit.math import fgn_autocovariance, hosking, hosking_start, hosking_step


N, M = 9, 4


@jax.jit
def _maps(r, past):
    """The matrix from noise to a sequence; what continues `past` without noise, and the matrix from noise to it."""
    zero = jnp.zeros(N - M)
    rest = lambda z: hosking(r, z, past)
    return jax.jacobian(lambda z: hosking(r, z))(jnp.zeros(N)), rest(zero), jax.jacobian(rest)(zero)


@given(st.floats(0.02, 0.98), st.integers(0, 2**31 - 1), st.booleans())
def test_sequences_have_the_autocovariance_and_continue_by_it(index, seed, fractional):
    lags = np.arange(float(N))
    r = 2.0 * (fgn_autocovariance(index, lags) if fractional else index**lags)
    past = np.random.default_rng(seed).normal(size=M)
    root, mean, rest = _maps(r, past)
    cov = scipy.linalg.toeplitz(r)
    np.testing.assert_allclose(root, np.linalg.cholesky(cov), atol=1e-12)
    gain = np.linalg.solve(cov[:M, :M], cov[:M, M:]).T
    np.testing.assert_allclose(mean, gain @ past, atol=1e-10)
    np.testing.assert_allclose(rest @ rest.T, cov[M:, M:] - gain @ cov[:M, M:], atol=1e-10)


def test_step_by_step_is_the_same_and_a_batch_is_a_loop():
    r = fgn_autocovariance(jnp.array(0.8), jnp.arange(6.0))
    noise = jax.random.normal(jax.random.key(0), (3, 6))
    together = jax.jit(jax.vmap(lambda z: hosking(r, z)))(noise)
    known, values = hosking_start(r), []
    step = jax.jit(hosking_step)
    for k in range(6):
        known, value = step(r, known, k, noise[1, k])
        values.append(value)
    np.testing.assert_allclose(together[1], values, rtol=1e-12)
    single = hosking(r.astype(jnp.float32), noise[0].astype(jnp.float32))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, together[0], atol=1e-5)


def test_too_few_lags_are_named():
    with pytest.raises(ValueError, match="must have one lag a value, 2 \\+ 3"):
        hosking(jnp.ones(4), jnp.zeros(3), jnp.zeros(2))
