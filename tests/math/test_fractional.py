"""Fractional covariances against mpmath: closed forms at high precision and quadrature of the spectral density."""

import functools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from sdekit.math import fbm_covariance, fgn_autocovariance, fou_autocovariance, fou_started_covariance, time_gaps


HURST = st.floats(0.02, 0.98)
_fou = jax.jit(fou_autocovariance)
_started = jax.jit(fou_started_covariance)
_fbm = jax.jit(fbm_covariance)
_fgn = jax.jit(fgn_autocovariance)


def spectral(hurst, x):
    """gamma(2H + 1) sin(pi H) / pi times the integral of cos(w x) w^(1 - 2H) / (1 + w^2)."""
    with mp.workdps(25):
        h, x = mp.mpf(hurst), mp.mpf(x)
        p = 1 / (2 - 2 * h)  # w = u^p takes the singularity at 0 away
        low = p * mp.quad(lambda u: mp.cos(u**p * x) / (1 + u ** (2 * p)), mp.linspace(0, 1, 5))
        tail = lambda w: mp.cos(w * x) * w ** (1 - 2 * h) / (1 + w * w)
        at_zero = lambda u: 1 / (2 * h * (1 + u ** (1 / h)))  # w = u^(-1 / 2H)
        high = mp.quadosc(tail, [1, mp.inf], omega=x) if x else mp.quad(at_zero, mp.linspace(0, 1, 5))
        return float(mp.gamma(2 * h + 1) * mp.sin(mp.pi * h) / mp.pi * (low + high))


def closed(hurst, x):
    """gamma(2H + 1) cosh(x) / 2 - x^2H 1F2(1; H + 1/2, H + 1; x^2 / 4) / 2, with the digits that cancel added."""
    with mp.workdps(40 + int(x)):
        h, x = mp.mpf(hurst), mp.mpf(x)
        value = mp.gamma(2 * h + 1) * mp.cosh(x) - x ** (2 * h) * mp.hyp1f2(1, h + 0.5, h + 1, x * x / 4)
        return value / 2


@pytest.mark.parametrize("hurst", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("x", [0.0, 0.3, 7.0])
def test_fou_is_the_transform_of_its_spectral_density(hurst, x):
    value = float(_fou(jnp.array(hurst), jnp.array(x)))
    np.testing.assert_allclose(value, spectral(hurst, x), atol=1e-10)
    np.testing.assert_allclose(float(closed(hurst, x)), spectral(hurst, x), atol=1e-10)  # of the oracle below


GRID = np.r_[0, 1e-9, 1e-4, 0.03, 0.5, 0.99, 1.01, 2.0, 3.99, 4.01, 7.0, 19.9, 20.1, 35.9, 36.1, 90.0]


@given(HURST)
def test_fou_in_both_precisions_on_the_host_and_through_its_derivative(hurst):
    exact = np.array([float(closed(hurst, x)) for x in GRID])
    np.testing.assert_allclose(_fou(jnp.array(hurst), jnp.array(GRID)), exact, atol=1e-13)
    np.testing.assert_allclose(fou_autocovariance(hurst, GRID), exact, atol=1e-13)
    half, single = np.float32(hurst), GRID.astype(np.float32)
    rounded = np.array([float(closed(float(half), float(x))) for x in single])
    value = _fou(half, single)
    assert value.dtype == jnp.float32
    np.testing.assert_allclose(value, rounded, atol=4e-6)
    by_hurst, by_x = _gradients(hurst, GRID)
    slope = lambda f: float((f(1) - f(-1)) * mp.mpf(10) ** 15 / 2)
    with mp.workdps(60):
        h, e = mp.mpf(hurst), mp.mpf(10) ** -15
        exact_by_hurst = [slope(lambda i, y=x: closed(h + i * e, y)) for x in GRID]
        exact_by_x = [slope(lambda i, y=x: closed(h, mp.mpf(y) + i * e)) for x in GRID[3:]]
    np.testing.assert_allclose(by_hurst, exact_by_hurst, atol=1e-11)
    np.testing.assert_allclose(by_x[3:], exact_by_x, rtol=1e-9, atol=1e-11)
    assert by_x[0] == 0


@jax.jit
def _gradients(hurst, xs):
    one = jax.grad(lambda h, x: fou_autocovariance(h, x), argnums=(0, 1))
    return jax.vmap(one, in_axes=(None, 0))(hurst, xs)


def test_fou_with_index_one_half_is_ou():
    x = jnp.asarray(GRID)
    np.testing.assert_allclose(_fou(jnp.array(0.5), x), jnp.exp(-x) / 2, atol=1e-15)
    s, t = x[:, None], x[None, :]
    ou = (jnp.exp(-jnp.abs(s - t)) - jnp.exp(-s - t)) / 2
    np.testing.assert_allclose(_started(jnp.array(0.5), 1.0, x, x), ou, atol=1e-14)


@pytest.mark.parametrize(("hurst", "s", "t"), [(0.2, 0.3, 0.7), (0.8, 0.3, 0.7), (0.3, 0.8, 2.5), (0.7, 3.0, 3.0)])
def test_started_fou_from_the_definition(hurst, s, t):
    # X_t = B_t - int_0^t exp(-(t - u)) B_u du, with the covariance of B under two integrals.
    with mp.workdps(20):
        a = 2 * hurst
        k = lambda u, v: (u**a + v**a - abs(u - v) ** a) / 2
        over = lambda v, end: mp.quad(lambda u: mp.exp(u - end) * k(u, v), sorted({0, min(v, end), end}))
        cross = k(s, t) - over(s, t) - over(t, s)
        both = mp.quad(lambda v: mp.exp(v - t) * over(v, s), sorted({0, min(s, t), t}))
        exact = float(cross + both)
    value = float(_started(jnp.array(hurst), 1.0, jnp.array([s]), jnp.array([t]))[0, 0])
    np.testing.assert_allclose(value, exact, rtol=1e-7)


def test_started_fou_keeps_its_digits_at_small_times():
    # To first order the process is fractional Brownian motion; the covariance differs by a relative O(t).
    for dtype, t in ((np.float64, 1e-8), (np.float32, 1e-5)):
        ts = np.array([0.0, 0.5, 1.0], dtype) * dtype(t)
        hurst = dtype(0.9)
        np.testing.assert_allclose(
            _started(hurst, dtype(1), ts, ts), _fbm(hurst, ts, ts), rtol=2 * t + 2e-5 * (dtype is np.float32)
        )


@given(HURST, st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=3, max_size=3))
def test_fbm_covariance_is_the_formula(hurst, times):
    t = np.array(times)
    with mp.workdps(700):
        a = 2 * mp.mpf(hurst)
        k = lambda u, v: float((abs(mp.mpf(u)) ** a + abs(mp.mpf(v)) ** a - abs(mp.mpf(u) - mp.mpf(v)) ** a) / 2)
        exact = np.array([[k(u, v) for v in t] for u in t])
    np.testing.assert_allclose(_fbm(hurst, t, t), exact, rtol=1e-11, atol=1e-200)
    by_hurst = _fbm_by_hurst(hurst, t)
    np.testing.assert_allclose(by_hurst, (_fbm(hurst + 1e-6, t, t) - _fbm(hurst - 1e-6, t, t)) / 2e-6, atol=1e-5)


_fbm_by_hurst = jax.jit(jax.jacfwd(lambda h, t: fbm_covariance(h, t, t)))


@given(HURST)
def test_fgn_keeps_its_digits_at_all_lags(hurst):
    lags = np.r_[0:12, 100.0, 1e4, 1e8]
    with mp.workdps(60):
        a = 2 * mp.mpf(hurst)
        f = lambda k: float(((k + 1) ** a - 2 * k**a + abs(k - 1) ** a) / 2) if k else 1.0
        exact = np.array([f(mp.mpf(k)) for k in lags])
    np.testing.assert_allclose(fgn_autocovariance(hurst, lags), exact, rtol=1e-12, atol=1e-15)
    rounded = float(np.float32(hurst))
    single = _fgn(np.float32(hurst), lags.astype(np.float32))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, fgn_autocovariance(rounded, lags), rtol=2e-5, atol=3e-7)


def test_reverse_mode_gradients_are_finite_everywhere():
    ts = jnp.array([0.0, 1e-6, 0.5, 1.0, 30.0])
    fs = {
        "fbm": lambda h: fbm_covariance(h, ts, ts),
        "fgn": lambda h: fgn_autocovariance(h, ts),
        "fou": lambda h: fou_autocovariance(h, jnp.abs(ts[:, None] - ts[None, :])),
        "started": lambda h: fou_started_covariance(h, 1.0, ts, ts),
    }
    for name, f in fs.items():
        gradient = jax.jit(jax.vmap(jax.grad(functools.partial(lambda g, h: g(h).sum(), f))))
        assert np.isfinite(gradient(jnp.array([0.1, 0.5, 0.9]))).all(), name


def test_times_that_agree_to_rounding_agree():
    # Under jit `h * i - h * j` is fused and rounded once; 1e-17 to the power 2 H would be seen.
    f = jax.jit(lambda h: tuple(jnp.diagonal(g) for g in _rough(h * jnp.arange(1.0, 40.0))))
    fbm, fou, started = f(0.1)
    times = 0.1 * np.arange(1.0, 40.0)
    np.testing.assert_allclose(fbm, times**0.2, rtol=1e-14)
    np.testing.assert_allclose(fou, float(mp.gamma(1.2)) / 2, rtol=1e-14)
    one = lambda t: _started(jnp.array(0.1), 1.0, jnp.array([t]), jnp.array([t]))[0, 0]
    np.testing.assert_allclose(started, [one(t) for t in times], rtol=1e-11)


def _rough(ts):
    hurst = jnp.array(0.1)
    gaps = time_gaps(ts, ts)
    return fbm_covariance(hurst, ts, ts), fou_autocovariance(hurst, gaps), fou_started_covariance(hurst, 1.0, ts, ts)
