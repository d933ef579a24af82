"""Riemann-Liouville covariances against mpmath: quadrature of the integral, and the hypergeometric function."""

import functools
import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from sdekit.math import multifractional_covariance, riemann_liouville_covariance


HURST = st.floats(0.02, 0.98)
TIMES = np.r_[0.0, 1e-9, 0.3, 0.6 - 1e-9, 0.6, 0.61, 1.2, 1.3, 7.0]
_cov = jax.jit(multifractional_covariance)


@functools.cache
def closed(g, h, s, t):
    """By Euler's integral for 2F1, with 30 digits."""
    if s > t:
        return closed(h, g, t, s)
    if s == 0:
        return 0.0
    with mp.workdps(30):
        g, h, s, t = (mp.mpf(x) for x in (g, h, s, t))
        value = t ** (h - 0.5) * s ** (g + 0.5) / (g + 0.5) * mp.hyp2f1(0.5 - h, 1, 1.5 + g, s / t)
        return float(2 * mp.sqrt(g * h) * value)


def table(g, h, ss, ts):
    return np.array([[closed(float(g), float(h), float(s), float(t)) for t in ts] for s in ss])


def integral(g, h, s, t):
    """2 sqrt(g h) times the integral of (t - u)^(h - 1/2) (s - u)^(g - 1/2) over [0, s], with v = (s - u)^(g + 1/2)."""
    with mp.workdps(25):
        b, gap = mp.mpf(g) + 0.5, mp.mpf(t) - mp.mpf(s)
        f = lambda w: (gap + w ** (1 / b)) ** (mp.mpf(h) - 0.5) / b
        cuts = [mp.mpf(0), *(x for x in (gap**b / 30, gap**b) if 0 < x < mp.mpf(s) ** b), mp.mpf(s) ** b]
        return float(2 * mp.sqrt(mp.mpf(g) * h) * mp.quad(f, cuts))


@pytest.mark.parametrize("pair", [(0.1, 0.1), (0.9, 0.9), (0.2, 0.8), (0.7, 0.15)])
def test_covariance_is_the_integral_of_the_kernels(pair):
    g, h = pair
    for s, t in ((0.3, 0.35), (0.4, 2.0), (1.0, 1.0 + 1e-4)):
        exact = integral(g, h, s, t)
        np.testing.assert_allclose(
            multifractional_covariance(g, h, np.array([s]), np.array([t]))[0, 0], exact, atol=1e-10
        )
        np.testing.assert_allclose(closed(g, h, s, t), exact, atol=1e-10)  # of the oracle below


@given(HURST, HURST)
@example(0.5, 0.5)
@example(0.3, 0.7)  # a logarithm where their sum is 1
@example(0.3, 0.7 + 1e-9)
@example(0.98, 0.98)
def test_both_precisions_and_the_host(g, h):
    deviations = np.sqrt(np.outer(TIMES ** (2 * g), TIMES ** (2 * h))) + 1e-300
    exact = table(g, h, TIMES, TIMES)
    host = multifractional_covariance(g, h, TIMES, TIMES)
    assert isinstance(host, np.ndarray)
    np.testing.assert_array_less(np.abs(host - exact) / deviations, 2e-14)
    np.testing.assert_array_less(np.abs(_cov(jnp.array(g), jnp.array(h), TIMES, TIMES) - exact) / deviations, 2e-14)
    g, h, single = np.float32(g), np.float32(h), TIMES.astype(np.float32)
    value = _cov(g, h, single, single)
    assert value.dtype == jnp.float32
    np.testing.assert_array_less(np.abs(value - table(g, h, single, single)) / deviations, 5e-6)


@jax.jit
def _slopes(g, h):
    ts = jnp.asarray(TIMES)
    return jax.jacrev(lambda g, h: multifractional_covariance(g, h, ts, ts), argnums=(0, 1))(g, h)


@pytest.mark.parametrize("pair", [(0.5, 0.5), (0.3, 0.7), (0.1, 0.2), (0.9, 0.8)])
def test_derivatives_in_the_indices(pair):
    found, some = _slopes(*pair), (0, 2, 3, 4, 6)
    with mp.workdps(30):
        e = mp.mpf(10) ** -10
        for i in range(2):
            for j, k in itertools.product(some, some):
                s, t = TIMES[j], TIMES[k]
                up, down = ([mp.mpf(x) + sign * e * (i == m) for m, x in enumerate(pair)] for sign in (1, -1))
                exact = 0.0 if s * t == 0 else float((_mp(*up, s, t) - _mp(*down, s, t)) / (2 * e))
                np.testing.assert_allclose(found[i][j, k], exact, rtol=1e-9, atol=1e-12)


def _mp(g, h, s, t):
    g, h, s, t = (h, g, t, s) if s > t else (g, h, s, t)
    s, t = mp.mpf(s), mp.mpf(t)
    value = t ** (h - 0.5) * s ** (g + 0.5) / (g + 0.5) * mp.hyp2f1(0.5 - h, 1, 1.5 + g, s / t)
    return 2 * mp.sqrt(g * h) * value


@given(HURST, st.floats(0.1, 10))
def test_closed_forms(hurst, factor):
    cov = riemann_liouville_covariance(hurst, TIMES, TIMES)
    np.testing.assert_allclose(np.diag(cov), TIMES ** (2 * hurst), rtol=1e-13)
    scaled = riemann_liouville_covariance(hurst, factor * TIMES, factor * TIMES)
    np.testing.assert_allclose(scaled, factor ** (2 * hurst) * cov, rtol=1e-8)
    assert np.linalg.eigvalsh(cov).min() > -1e-12 * cov.max()
    brownian = riemann_liouville_covariance(0.5, TIMES, TIMES)
    np.testing.assert_allclose(brownian, np.minimum(TIMES[:, None], TIMES), rtol=1e-14)


def test_negative_times_are_refused_or_nan():
    with pytest.raises(ValueError, match="`ts` must not be negative"):
        riemann_liouville_covariance(0.3, np.ones(1), -np.ones(1))
    assert np.isnan(_cov(0.3, 0.3, jnp.ones(1), -jnp.ones(1))).all()
