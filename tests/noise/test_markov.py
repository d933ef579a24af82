"""Markov approximations of fractional noise: the acceptance table, their covariance, parity with the paper's grid."""

import mpmath as mp
import numpy as np
import pytest

from sdekit.noise import BayerBreneis, GammaMax, MandelbrotVanNess, MarkovApproximation, RiemannLiouville


HURSTS = (0.1, 0.3, 0.7, 0.9)
BARS = {5: (0.18, 0.023, 0.0032, 0.0020), 10: (0.072, 0.0036, 1.3e-4, 9e-5), 20: (0.022, 4e-4, 4e-6, 2e-6)}
FIXED_GRID = {  # relative errors of type II on the grid of the paper, computed with 50 digits
    1: (0.628, 0.177, 0.215, 0.392, 0.521), 2: (0.490, 0.106, 9.6e-3, 0.111, 0.219),
    3: (0.490, 9.2e-2, 1.0e-3, 1.22e-2, 8.6e-3), 5: (0.479, 8.8e-2, 4.1e-6, 1.16e-2, 7.7e-3),
    7: (0.463, 8.0e-2, 7.0e-9, 9.5e-3, 6.1e-3), 10: (0.441, 6.9e-2, 1.7e-13, 6.9e-3, 4.0e-3),
}  # fmt: skip


@pytest.mark.parametrize("terms", BARS)
@pytest.mark.parametrize("rounding", [2.0**-53, 2.0**-24])
def test_the_optimal_grid_meets_its_bars(terms, rounding):
    errors = [MarkovApproximation(h, terms, 1.0, rounding=rounding).error for h in HURSTS]
    assert (np.array(errors) <= BARS[terms]).all()


def exact_error(approximation, weights=None):
    """The relative error of a type II approximation from the normal equations with 60 digits."""
    with mp.workdps(60):
        a, T = mp.mpf(approximation.hurst) + mp.mpf(1) / 2, mp.mpf(approximation.horizon)
        rates = [mp.mpf(float(g)) for g in approximation.rates]
        factor = mp.sqrt(2 * a - 1) * mp.gamma(a)
        weights = [mp.mpf(float(w)) / factor for w in (approximation.weights if weights is None else weights)]
        low = lambda s, x: mp.gammainc(s, 0, x, regularized=True) if x < 300 else mp.mpf(1)
        b = [T * g**-a * low(a, g * T) - a * g ** (-a - 1) * low(a + 1, g * T) for g in rates]
        c = T ** (2 * a) / ((2 * a - 1) * (2 * a) * mp.gamma(a) ** 2)
        A = lambda x: (T + mp.expm1(-x * T) / x) / x
        pairs = list(zip(weights, rates, strict=True))
        quadratic = sum(u * v * A(g + h) for u, g in pairs for v, h in pairs)
        return float(mp.sqrt((quadratic - 2 * sum(w * x for w, x in zip(weights, b, strict=True)) + c) / c))


@pytest.mark.parametrize("hurst", [0.05, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("terms", [5, 10, 20])
def test_the_error_is_that_of_the_weights_also_after_a_cast(hurst, terms):
    approximation = MarkovApproximation(hurst, terms, 2.5, rounding=2.0**-53)
    np.testing.assert_allclose(approximation.error, exact_error(approximation), rtol=1e-6)
    if terms <= 10:
        single = MarkovApproximation(hurst, terms, 2.5)
        cast = exact_error(single, single.weights.astype(np.float32))
        np.testing.assert_allclose(cast, approximation.error, rtol=2e-3)


@pytest.mark.parametrize("terms", FIXED_GRID)
def test_the_fixed_grid_has_the_errors_of_the_paper(terms):
    hursts, exact = (0.1, 0.3, 0.5, 0.7, 0.9), 2.0**-53
    errors = [MarkovApproximation(h, terms, 1.0, grid=GammaMax(20.0), rounding=exact).error for h in hursts]
    np.testing.assert_allclose(errors, FIXED_GRID[terms], rtol=0.05)


@pytest.mark.parametrize("grid", [GammaMax(20.0), BayerBreneis()])
@pytest.mark.parametrize("hurst", HURSTS)
def test_the_covariance_keeps_its_digits_on_grids_that_are_ill_conditioned(grid, hurst):
    found = MarkovApproximation(hurst, 15, 1.0, grid=grid)
    ts = np.linspace(0.1, 1, 6)
    exact = found.kind.covariance(hurst, ts, ts)
    # The error of a path bounds that of the covariance: |E X Y - E X'Y'| <= |X - X'| |Y| + |X'| |Y - Y'|.
    assert np.abs(found.covariance(ts, ts) - exact).max() <= 4 * found.error * exact.max()


def test_a_stationary_mixture_on_the_fixed_grid_has_the_errors_of_the_paper():
    kind = MandelbrotVanNess()
    error = lambda h, k: MarkovApproximation(h, k, 1.0, kind=kind, grid=GammaMax(20.0), past_terms=0).error
    np.testing.assert_allclose(
        [error(h, 5) for h in (0.1, 0.3, 0.5, 0.7, 0.9)], [0.554, 0.129, 0.113, 0.313, 0.714], rtol=5e-3
    )
    np.testing.assert_allclose(
        [error(h, 20) for h in (0.1, 0.3, 0.5, 0.7, 0.9)], [0.504, 0.097, 0.067, 0.225, 0.638], rtol=2e-2
    )


def test_the_past_as_gaussians_meets_its_bars():
    errors = [MarkovApproximation(h, 5, 1.0, kind=MandelbrotVanNess(), past_terms=4).error for h in HURSTS]
    assert (np.array(errors) <= (0.20, 0.03, 3e-3, 3e-3)).all()


@pytest.mark.parametrize("kind", [RiemannLiouville(), RiemannLiouville(unit=False), MandelbrotVanNess()], ids=str)
@pytest.mark.parametrize("hurst", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("horizon", [0.2, 30.0])
def test_the_covariance_approaches_that_of_the_kind(kind, hurst, horizon):
    ts = horizon * np.linspace(0, 1, 8)
    found = MarkovApproximation(hurst, 12, horizon, kind=kind, past_terms=8 if kind.has_past else 0)
    exact = kind.covariance(hurst, ts, ts)
    np.testing.assert_allclose(found.covariance(ts, ts), exact, atol=3e-3 * exact.max())
    np.testing.assert_allclose(np.diag(exact), kind.variance(hurst, ts), rtol=1e-12)
    if kind.unit:
        np.testing.assert_allclose(kind.variance(hurst, np.ones(1)), 1, rtol=1e-12)


def test_the_rule_reaches_the_errors_known_of_it():
    errors = [MarkovApproximation(h, 10, 1.0, grid=BayerBreneis(), rounding=2.0**-53).error for h in HURSTS]
    np.testing.assert_allclose(errors, [0.24, 0.041, 5.7e-3, 4.0e-3], rtol=0.03)


@pytest.mark.parametrize("kind", [RiemannLiouville(), MandelbrotVanNess()], ids=str)
def test_time_rescales(kind):
    one, ten = (MarkovApproximation(0.4, 4, horizon, kind=kind) for horizon in (1.0, 10.0))
    ts = np.linspace(0, 1, 5)
    np.testing.assert_allclose(ten.rates * 10, one.rates)
    np.testing.assert_allclose(
        ten.covariance(10 * ts, 10 * ts), 10**0.8 * one.covariance(ts, ts), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hurst": 1.0}, "`hurst` must lie strictly between 0 and 1"),
        ({"terms": 0}, "`terms` must be at least 1"),
        ({"horizon": 0.0}, "`horizon` must be positive"),
        ({"past_terms": 3}, "`past_terms` must be 0 for a kind without a past"),
        ({"grid": GammaMax(0.5)}, "`gamma_max` must be above 1"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MarkovApproximation(**{"hurst": 0.7, **arguments})
