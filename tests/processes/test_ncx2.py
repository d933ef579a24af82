"""The noncentral chi-square law, held to mpmath where SciPy loses digits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from sdekit.evaluate import assert_law, assert_mean
from sdekit.processes import NoncentralChi2


ROWS = 60
log_prob = jax.jit(lambda x, k, c: NoncentralChi2(k, c).log_prob(x))
cdf = jax.jit(lambda x, k, c: NoncentralChi2(k, c).cdf(x))
gradient = jax.jit(jax.vmap(jax.grad(lambda x, k, c: NoncentralChi2(k, c).log_prob(x), (0, 1, 2))))


def exact(x, k, c):
    """Forty digits, from the Bessel function."""
    with mp.workdps(40):
        x, k, c = mp.mpf(float(x)), mp.mpf(float(k)), mp.mpf(float(c))
        nu = k / 2 - 1
        if c == 0:
            return nu * mp.log(x) - x / 2 - k / 2 * mp.log(2) - mp.loggamma(k / 2)
        bessel = mp.besseli(nu, mp.sqrt(c * x), maxterms=10**6)
        return -mp.log(2) - (x + c) / 2 + nu / 2 * mp.log(x / c) + mp.log(bessel)


def draw(seed):
    """Parameters over many decades, and states in the bulk and far in the tails."""
    rng = np.random.default_rng(seed)
    k, c = 10 ** rng.uniform(-2, 3.3, ROWS), 10 ** rng.uniform(-4, 4, ROWS)
    c[:3] = 0
    bulk = (k + c) + np.sqrt(2 * (k + 2 * c)) * rng.uniform(-3, 3, ROWS)
    tail = 10 ** rng.uniform(-4, 4, ROWS)
    return np.where((rng.random(ROWS) < 0.6) & (bulk > 0), bulk, tail), k, c


@settings(max_examples=4)
@given(seed=st.integers(0, 2**31))
def test_log_density_to_thirteen_digits(seed):
    x, k, c = draw(seed)
    found = np.asarray(log_prob(x, k, c))
    expected = np.array([float(exact(*row)) for row in zip(x, k, c, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=2e-13, atol=2e-12)


@settings(max_examples=4)
@given(seed=st.integers(0, 2**31))
def test_gradients_are_those_of_forty_digits(seed):
    x, k, c = draw(seed)
    found = np.stack(gradient(*(jnp.asarray(v) for v in (x, k, c))), -1)[3:13]
    x, k, c = (v[3:13] for v in (x, k, c))
    with mp.workdps(40):
        for i, row in enumerate(zip(x, k, c, strict=True)):
            for j in range(3):
                step = mp.mpf(float(row[j])) * mp.mpf("1e-12")
                up, down = (
                    [mp.mpf(float(v)) + (s * step if m == j else 0) for m, v in enumerate(row)] for s in (1, -1)
                )
                slope = (exact_mp(*up) - exact_mp(*down)) / (2 * step)
                np.testing.assert_allclose(found[i, j], float(slope), rtol=1e-9, atol=1e-10)


def exact_mp(x, k, c):
    nu = k / 2 - 1
    bessel = mp.besseli(nu, mp.sqrt(c * x), maxterms=10**6)
    return -mp.log(2) - (x + c) / 2 + nu / 2 * mp.log(x / c) + mp.log(bessel)


@settings(max_examples=4)
@given(seed=st.integers(0, 2**31))
def test_distribution_function_is_scipys(seed):
    x, k, c = draw(seed)
    np.testing.assert_allclose(cdf(x, k, c), stats.ncx2.cdf(x, k, c), rtol=1e-10, atol=1e-12)


def test_no_noncentrality_is_the_chi_square_law_with_finite_gradients():
    x, k = (jnp.tile(jnp.array(v), ROWS // 3) for v in ([0.5, 3.0, 90.0], [0.3, 2.0, 100.0]))
    c = jnp.zeros(ROWS)
    np.testing.assert_allclose(log_prob(x, k, c), stats.chi2.logpdf(x, k), rtol=1e-12)
    # d log p / dc at 0 is (x / k - 1) / 2, from the first term of the mixture.
    np.testing.assert_allclose(gradient(x, k, c)[2], (x / k - 1) / 2, rtol=1e-10)


def test_outside_and_at_the_edge():
    law = NoncentralChi2(jnp.array([1.0, 2.0, 3.0]), 1.0)
    np.testing.assert_array_equal(law.log_prob(-1.0), -np.inf)
    np.testing.assert_array_equal(law.cdf(-1.0), 0)
    np.testing.assert_allclose(law.log_prob(0.0), [np.inf, np.log(0.5) - 0.5, -np.inf])


def test_float32_keeps_its_digits():
    x, k, c = draw(0)
    x, k, c = (v.astype(np.float32) for v in (x, np.minimum(k, 100), np.minimum(c, 1e3)))
    found = log_prob(x, k, c)
    assert found.dtype == jnp.float32
    expected = np.array([float(exact(*row)) for row in zip(x, k, c, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-4)


N = 3000


@jax.jit
def draws(df, nc, key):
    """Draws, their slopes in both parameters, and the slopes of their squares."""
    one = lambda df, nc, k: NoncentralChi2(df, nc, 0.5).sample(k)
    both = lambda k: (one(df, nc, k), *jax.jacfwd(one, (0, 1))(df, nc, k))
    x, by_df, by_nc = jax.vmap(both)(jax.random.split(key, N))
    return x, by_df, by_nc, 2 * x * by_df, 2 * x * by_nc


@pytest.mark.parametrize("df", [0.4, 3.0])
def test_draws_and_their_derivatives(df):
    """Draws have the law; the mean slope of a function of draws is the slope of its expectation."""
    # 3000 draws find a distance of 0.08.
    nc = 1.3
    x, *slopes = draws(df, nc, jax.random.key(17))
    assert_law(x, stats.ncx2(df, nc, scale=0.5).cdf, effect=0.08)
    # E X = c (df + nc) and E X^2 = c^2 (2 (df + 2 nc) + (df + nc)^2), with c = 1/2.
    total = df + nc
    for found, expected in zip(slopes, (0.5, 0.5, 0.5 + total / 2, 1 + total / 2), strict=True):
        assert_mean(found, expected)
