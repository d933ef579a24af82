"""Exact Gaussian likelihood of stationary sequences, and the Hurwitz zeta function, against SciPy and mpmath."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats

from sdekit.math import fgn_autocovariance, fou_autocovariance, hurwitz_zeta, stationary_log_prob, toeplitz_whiten


N = 60
LAGS = np.arange(N, dtype=float)
AUTOCOVARIANCES = {
    "rough": fgn_autocovariance(0.05, LAGS),
    "persistent": 2.5 * fgn_autocovariance(0.95, LAGS),
    "white": np.r_[0.3, np.zeros(N - 1)],
    "moving average": np.r_[1.0, 0.49, np.zeros(N - 2)],
    "smooth": fou_autocovariance(0.9, 0.05 * LAGS),
}
Y = np.random.default_rng(0).normal(size=N)


@pytest.mark.parametrize("name", AUTOCOVARIANCES)
def test_log_density_is_that_of_the_dense_matrix(name):
    r = AUTOCOVARIANCES[name]
    expected = scipy.stats.multivariate_normal(np.full(N, 0.3), scipy.linalg.toeplitz(r)).logpdf(Y)
    np.testing.assert_allclose(stationary_log_prob(jnp.asarray(r), jnp.asarray(Y), 0.3), expected, rtol=1e-9)


@pytest.mark.parametrize("name", AUTOCOVARIANCES)
def test_whitening_is_by_the_cholesky_factor(name):
    r = AUTOCOVARIANCES[name]
    ys = np.stack([Y, np.ones(N), Y**2], axis=1)
    white, log_det = toeplitz_whiten(jnp.asarray(r), jnp.asarray(ys))
    factor = np.linalg.cholesky(scipy.linalg.toeplitz(r))
    expected = scipy.linalg.solve_triangular(factor, ys, lower=True)
    np.testing.assert_allclose(white, expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(log_det, 2 * np.log(np.diag(factor)).sum(), rtol=1e-9, atol=1e-9)


def test_gradients_are_those_of_the_dense_matrix():
    r = AUTOCOVARIANCES["persistent"]
    gradients = jax.grad(stationary_log_prob, argnums=(0, 1))(jnp.asarray(r), jnp.asarray(Y))
    inverse = np.linalg.inv(scipy.linalg.toeplitz(r))
    # d log p / dR = (R^-1 y y' R^-1 - R^-1) / 2, summed along the diagonals that a lag fills.
    slope = 0.5 * (np.outer(inverse @ Y, inverse @ Y) - inverse)
    by_lag = [np.trace(slope)] + [2 * np.trace(slope, k) for k in range(1, N)]
    np.testing.assert_allclose(gradients[0], by_lag, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(gradients[1], -inverse @ Y, rtol=1e-8, atol=1e-8)


def test_what_is_not_positive_definite_is_nan():
    assert np.isnan(stationary_log_prob(jnp.array([1.0, 0.9, -0.9]), jnp.ones(3)))


def test_shapes_are_named():
    with pytest.raises(ValueError, match="`ys` must have shape"):
        toeplitz_whiten(jnp.ones(3), jnp.ones((4, 1)))
    with pytest.raises(ValueError, match="`y` must have shape"):
        stationary_log_prob(jnp.ones(3), jnp.ones((3, 1)))


@pytest.mark.parametrize("a", [1.01, 1.5, 2.9, 10.0, 24.0])
def test_hurwitz_zeta_is_that_of_scipy(a):
    q = np.array([1e-3, 0.2, 0.5, 1.0, 7.3, 60.0])
    np.testing.assert_allclose(hurwitz_zeta(jnp.array(a), jnp.asarray(q)), scipy.special.zeta(a, q), rtol=1e-13)


@pytest.mark.parametrize(("a", "q"), [(1.3, 0.05), (2.0, 0.7), (2.8, 3.0)])
def test_derivatives_of_hurwitz_zeta(a, q):
    by_a, by_q = jax.grad(hurwitz_zeta, argnums=(0, 1))(jnp.array(a), jnp.array(q))
    np.testing.assert_allclose(by_a, float(mpmath.zeta(a, q, 1)), rtol=1e-12)
    np.testing.assert_allclose(by_q, -a * scipy.special.zeta(a + 1, q), rtol=1e-12)
