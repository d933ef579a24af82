"""Fractional noise by modes: normal equations, least squares and the past, against mpmath from the definitions."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from sdekit.math import (
    exponential_rows,
    fit_weights,
    kernel_rule,
    kernel_sides,
    past_expansion,
    past_variance,
    power_sides,
    scaled_gamma_tail,
    started_constant,
    started_matrix,
    started_vector,
    stationary_constant,
    stationary_matrix,
    stationary_vector,
)


HURST = st.floats(0.05, 0.95)
RATES = np.array([1e-8, 1e-3, 0.2, 0.49, 0.51, 0.99, 1.01, 2.9, 3.1, 20.0, 300.0, 1e5, 1e8])


@pytest.mark.parametrize("hurst", [0.05, 0.3, 0.5, 0.75, 0.95])
def test_the_normal_equations_follow_from_their_definitions(hurst):
    """By adaptive quadrature of the kernels: the past in `u`, then the time, and the time alone for started modes."""
    a, rates = hurst + 0.5, np.array([0.07, 1.3, 11.0])
    with mp.workdps(20):
        k = lambda s: mp.mpf(s) ** (a - 1) / mp.gamma(a)
        # Started: the mean of the product of two integrals up to t, over t, is a single integral of weight 1 - s.
        one = lambda f: mp.quad(lambda x: (1 - x**p) * f(x**p) * p * x ** (p - 1), [0, 0.1, 0.5, 1])
        p = 1 / (2 * mp.mpf(hurst)) if hurst < 0.5 else mp.mpf(1)
        b = [one(lambda s, g=g: k(s) * mp.exp(-g * s)) for g in rates]
        A = [[one(lambda s, g=g, h=h: mp.exp(-(g + h) * s)) for h in rates] for g in rates]
        np.testing.assert_allclose(started_vector(hurst, rates), np.array(b, float), rtol=1e-10)
        np.testing.assert_allclose(started_matrix(rates), np.array(A, float), rtol=1e-10)
        # Stationary: what the past adds. One exponential in u can be integrated by hand on one side.
        past = [
            mp.quad(
                lambda t, g=g: mp.expm1(-g * t) * (_tail(a, g, t) - 1 / mp.mpf(g) ** a), [0, 0.05, 0.3, 1]
            )
            for g in rates
        ]  # fmt: skip
        np.testing.assert_allclose(
            stationary_vector(hurst, rates), np.array(b, float) + np.array(past, float), rtol=1e-9
        )
        bend = lambda g, h: mp.quad(lambda t: mp.expm1(-g * t) * mp.expm1(-h * t) / (g + h), [0, 0.3, 1])
        A_past = np.array([[bend(mp.mpf(g), mp.mpf(h)) for h in rates] for g in rates], float)
        np.testing.assert_allclose(stationary_matrix(rates), started_matrix(rates) + A_past, rtol=1e-10)


def _tail(a, g, t):
    """The integral of `(t + u)^(a - 1) exp(-g u) / gamma(a)` over `u > 0`, for an exponential `exp(-g (t + u))`."""
    return mp.exp(g * t) * mp.gammainc(a, g * t, mp.inf, regularized=True) / mp.mpf(g) ** a


@given(HURST)
def test_the_normal_equations_keep_their_digits_at_all_rates(hurst):
    with mp.workdps(60):
        a = mp.mpf(hurst) + mp.mpf(1) / 2
        low = lambda s, x: mp.gammainc(s, 0, x, regularized=True)
        high = lambda s, x: mp.gammainc(s, x, mp.inf, regularized=True)
        zs = [mp.mpf(float(g)) for g in RATES]
        started = [z**-a * (low(a, z) - a / z * low(a + 1, z)) for z in zs]
        last = lambda z: (mp.exp(-z) - mp.exp(z) * high(a, z)) / z ** (a + 1)
        stationary = [2 * z**-a - 1 / (z * mp.gamma(a + 1)) + last(z) for z in zs[:-2]]
        phi = lambda x: (x + mp.expm1(-x)) / x**2
        both = [[(g * phi(g) + h * phi(h)) / (g + h) for h in zs] for g in zs]
        sums = [[phi(g + h) for h in zs] for g in zs]
        v = 1 / (mp.gamma(2 * a) * mp.sin(mp.pi * mp.mpf(hurst)))
        np.testing.assert_allclose(started_vector(hurst, RATES), np.array(started, float), rtol=1e-12)
        np.testing.assert_allclose(stationary_vector(hurst, RATES)[:-2], np.array(stationary, float), rtol=1e-11)
        np.testing.assert_allclose(started_matrix(RATES), np.array(sums, float), rtol=1e-13)
        np.testing.assert_allclose(stationary_matrix(RATES), np.array(both, float), rtol=1e-13)
        np.testing.assert_allclose(stationary_constant(hurst), float(v / (2 * a)), rtol=1e-12)
        np.testing.assert_allclose(
            started_constant(hurst), float(1 / ((2 * a - 1) * 2 * a * mp.gamma(a) ** 2)), rtol=1e-12
        )
    far = RATES[-2:]  # e^z Q(a, z) ~ z^(a - 1) / gamma(a)
    leading = 2 * far ** (-hurst - 0.5) - 1 / (far * float(mp.gamma(hurst + 1.5)))
    np.testing.assert_allclose(stationary_vector(hurst, far), leading, rtol=1e-4)


@given(HURST, st.floats(1.0, 600.0))
def test_the_tail_of_the_gamma_function_has_full_precision(hurst, z):
    with mp.workdps(400):
        exact = mp.exp(mp.mpf(z)) * mp.gammainc(mp.mpf(hurst) + 0.5, mp.mpf(z), mp.inf, regularized=True)
    np.testing.assert_allclose(scaled_gamma_tail(hurst + 0.5, np.array(z)), float(exact), rtol=1e-12)


@given(HURST, st.integers(1, 6), st.floats(0.5, 8.0))
def test_least_squares_solves_the_normal_equations(hurst, terms, log_largest):
    rates = np.geomspace(0.1, 10**log_largest, terms)
    rule = kernel_rule(rates.max())
    rows = exponential_rows(rates, rule)
    sides, left = power_sides(np.array([hurst]), rule)
    np.testing.assert_allclose(rows.T @ rows, started_matrix(rates), rtol=1e-11)
    np.testing.assert_allclose(rows.T @ sides[:, 0], started_vector(hurst, rates), rtol=1e-10)
    np.testing.assert_allclose((sides**2).sum() + left, started_constant(hurst), rtol=1e-11)
    weights, missed = fit_weights(rows, sides, 0.0)
    with mp.workdps(60):
        exact = mp.lu_solve(mp.matrix(_exact_matrix(rates)), mp.matrix(_exact_vector(hurst, rates)))
    exact = np.array([float(w) for w in exact])
    size = np.abs(exact).max() * np.linalg.cond(rows / np.linalg.norm(rows, axis=0))
    np.testing.assert_allclose(weights[:, 0], exact, atol=1e-11 * size)
    quadratic = (
        started_constant(hurst) - 2 * exact @ started_vector(hurst, rates) + exact @ started_matrix(rates) @ exact
    )
    np.testing.assert_allclose(missed + left, quadratic, rtol=1e-6, atol=1e-11 * size**2)


def _exact_matrix(rates):
    phi = lambda x: (x + mp.expm1(-x)) / x**2
    return [[phi(mp.mpf(float(g)) + mp.mpf(float(h))) for h in rates] for g in rates]


def _exact_vector(hurst, rates):
    a, zs = mp.mpf(hurst) + mp.mpf(1) / 2, [mp.mpf(float(g)) for g in rates]
    low = lambda s, x: mp.gammainc(s, 0, x, regularized=True)
    return [z**-a * (low(a, z) - a / z * low(a + 1, z)) for z in zs]


@pytest.mark.parametrize("hurst", [0.1, 0.5, 0.9])
def test_the_slopes_of_the_weights_in_the_index(hurst):
    rates, step = np.geomspace(0.1, 1e4, 8), 1e-5
    rule = kernel_rule(rates.max())
    rows = exponential_rows(rates, rule)
    weights = lambda h, order: fit_weights(rows, power_sides(np.array([h]), rule, order)[0], 0.0)[0][:, 0]
    difference = (weights(hurst + step, 0) - weights(hurst - step, 0)) / (2 * step)
    np.testing.assert_allclose(weights(hurst, 1), difference, rtol=1e-6, atol=1e-6 * np.abs(difference).max())


def test_any_kernel_is_met_as_the_power_is():
    rule = kernel_rule(1e4)
    sides, left = power_sides(np.array([0.3]), rule)
    kernel = lambda s: s**-0.2 / float(mp.gamma(0.8))
    side, below = kernel_sides(kernel, rule, -0.2)
    np.testing.assert_allclose(side, sides[:, 0], rtol=1e-12)
    np.testing.assert_allclose(below, left[0], rtol=1e-12)


@pytest.mark.parametrize("hurst", [0.05, 0.3, 0.5, 0.7, 0.95])
def test_the_past_is_what_the_two_kinds_differ_by(hurst):
    np.testing.assert_allclose(
        past_variance(hurst), stationary_constant(hurst) - started_constant(hurst), rtol=1e-9, atol=1e-15
    )


TRUNCATION = {  # relative errors of 1 to 8 Karhunen-Loeve terms, found with another quadrature
    0.1: (6.9e-2, 1.7e-2, 5.8e-3, 2.3e-3, 1.0e-3, 4.8e-4, 2.4e-4, 1.3e-4),
    0.3: (4.3e-2, 9.3e-3, 2.7e-3, 9.1e-4, 3.5e-4, 1.5e-4, 6.7e-5, 3.2e-5),
    0.7: (3.3e-2, 5.0e-3, 1.0e-3, 2.7e-4, 8.2e-5, 2.8e-5, 1.0e-5, 4.1e-6),
    0.9: (4.0e-2, 4.6e-3, 8.2e-4, 1.8e-4, 5.0e-5, 1.5e-5, 5.1e-6, 1.8e-6),
}


@pytest.mark.parametrize("hurst", TRUNCATION)
def test_the_past_has_the_truncation_errors_known_of_it(hurst):
    errors = [np.sqrt(past_expansion(hurst, m)[1] / stationary_constant(hurst)) for m in range(1, 9)]
    np.testing.assert_allclose(errors, TRUNCATION[hurst], rtol=0.05)
