"""Covariances over intervals against mpmath: differences of the covariances with the digits that cancel added."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from sdekit.math import fbm_increment_covariance, fou_innovation_covariance, fou_memory


TIMES = np.array([0.0, 0.001, 0.002, 0.004, 0.1, 0.101, 0.25, 0.9, 0.95, 3.5, 3.6, 12.0]).astype(np.float32)
HURSTS = np.array([0.05, 0.3, 0.5, 0.7, 0.98], np.float32)
_fbm, _fou, _memory = (jax.jit(f) for f in (fbm_increment_covariance, fou_innovation_covariance, fou_memory))


def rho(hurst, x):
    value = mp.gamma(2 * hurst + 1) * mp.cosh(x)
    return (value - x ** (2 * hurst) * mp.hyp1f2(1, hurst + 0.5, hurst + 1, x * x / 4)) / 2


def exact(f, decays):
    """The covariance of `X_t - decay X_s` for all pairs of intervals, from that of `X` as a function of the lag."""
    t = [mp.mpf(float(x)) for x in TIMES]
    n = len(t)
    table = [[f(abs(t[i] - t[j])) for j in range(n)] for i in range(n)]
    d = [mp.exp(t[i] - t[i + 1]) if decays else mp.mpf(1) for i in range(n - 1)]
    one = lambda i, j: table[i + 1][j + 1] - d[j] * table[i + 1][j] - d[i] * table[i][j + 1] + d[i] * d[j] * table[i][j]
    start = [float(table[0][j + 1] - d[j] * table[0][j]) for j in range(n - 1)]
    return np.array([[float(one(i, j)) for j in range(n - 1)] for i in range(n - 1)]), np.array(start)


@pytest.mark.parametrize("hurst", HURSTS)
def test_increments_of_motion_keep_their_digits(hurst):
    with mp.workdps(50):
        cov, _ = exact(lambda x: -(x ** (2 * mp.mpf(float(hurst)))) / 2, False)
    deviations = np.sqrt(np.diag(cov))
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-6)):
        value = _fbm(dtype(hurst), TIMES[:-1].astype(dtype), TIMES[1:].astype(dtype))
        assert value.dtype == dtype
        np.testing.assert_allclose(np.asarray(value) / np.outer(deviations, deviations), corr(cov), atol=tolerance)


@pytest.mark.parametrize("hurst", HURSTS)
def test_innovations_of_the_ornstein_uhlenbeck_process_keep_their_digits(hurst):
    with mp.workdps(50):
        h = mp.mpf(float(hurst))
        cov, start = exact(lambda x: rho(h, x), True)
    value = _fou(hurst, TIMES[:-1], TIMES[1:])
    assert value.dtype == np.float32
    larger = np.maximum.outer(np.diag(cov), np.diag(cov))
    np.testing.assert_allclose(value / larger, cov / larger, atol=3e-6)
    deviations = np.sqrt(np.diag(cov))
    found = np.asarray(_memory(hurst, TIMES[:-1], TIMES[1:]))
    np.testing.assert_allclose(found / deviations, start / deviations, atol=1e-5)


def corr(cov):
    d = np.sqrt(np.diag(cov))
    return cov / d / d[:, None]


@pytest.mark.slow
def test_intervals_without_length_have_finite_gradients():
    ends = jnp.array([0.0, 0.5, 0.5, 2.0], jnp.float32)
    starts = jnp.array([0.0, 0.0, 0.5, 0.5], jnp.float32)

    @jax.jit
    def slopes(hurst, starts, ends):
        f = lambda *args: _fbm(*args).sum() + _fou(*args).sum() + _memory(*args).sum()
        return jax.grad(f, argnums=(0, 2))(hurst, starts, ends)

    for hurst in np.float32([0.1, 0.9]):
        assert all(np.isfinite(x).all() for x in slopes(hurst, starts, ends))
