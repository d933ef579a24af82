"""Volterra noise of other kernels, and noise whose index changes with time."""

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings, strategies as st

import sdekit as sk
from sdekit.noise import (
    BayerBreneis,
    BernsteinKernel,
    FunctionKernel,
    GammaKernel,
    HurstCurve,
    MandelbrotVanNess,
    MarkovApproximation,
    MarkovFractional,
    MittagLefflerKernel,
    MultifractionalDriver,
    PowerKernel,
    VolterraDriver,
)


@given(st.floats(0.02, 0.48), st.floats(0.01, 1.0))
@settings(max_examples=4)
def test_the_mittag_leffler_kernel_is_its_power_series(hurst, rate):
    s = np.array([1e-9, 1e-3, 0.2, 1.0])
    with mp.workdps(60):
        a = mp.mpf(hurst) + mp.mpf(1) / 2
        term = lambda x, n: (-rate * mp.mpf(x) ** a) ** n / mp.gamma(a * n + a)
        exact = [float(mp.mpf(x) ** (a - 1) * mp.fsum(term(x, n) for n in range(60))) for x in s]
    found = MittagLefflerKernel(hurst, rate)(s)
    np.testing.assert_allclose(found, exact, rtol=1e-7)
    np.testing.assert_allclose(found * s ** (0.5 - hurst), exact * s ** (0.5 - hurst), atol=2e-9)


def test_a_kernel_is_the_transform_of_its_measure():
    s = np.array([1e-4, 0.3, 1.0, 50.0])
    np.testing.assert_allclose(BernsteinKernel(lambda g: np.exp(-g), 0.5)(s), 1 / (1 + s), rtol=1e-9)
    h = 0.3
    power = lambda g: g ** (-h - 0.5) * float(mp.rgamma(0.5 - h))
    np.testing.assert_allclose(BernsteinKernel(power, h)(s), s ** (h - 0.5), rtol=1e-9)


KERNELS = [
    PowerKernel(0.3, 1.9),
    GammaKernel(0.3, 2.0),
    MittagLefflerKernel(0.3, 0.5),
    BernsteinKernel(lambda g: g * np.exp(-g), 0.5),
    FunctionKernel(lambda s: s * np.exp(-s), 1.5),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
def test_the_error_of_a_kernel_is_what_quadrature_finds(kernel):
    driver = VolterraDriver(kernel, 6, 2.0, dtype=jnp.float64)
    p = 1 / (2 * kernel.hurst) if kernel.hurst < 0.5 else 1.0
    x, w = np.polynomial.legendre.leggauss(60)
    u = np.concatenate([2.0**-k * (0.75 + 0.25 * x) for k in range(60)])  # panels that halve towards 0
    w = np.concatenate([2.0**-k * 0.25 * w for k in range(60)])
    s, w = 2.0 * u**p, w * 2.0 * p * u ** (p - 1)
    missed = kernel(s) - np.exp(-np.asarray(driver.rates) * s[:, None]) @ np.asarray(driver.weights)
    error = np.sqrt((w * (2.0 - s) * missed**2).sum() / (w * (2.0 - s) * kernel(s) ** 2).sum())
    np.testing.assert_allclose(driver.error, error, rtol=1e-3, atol=1e-13)
    assert driver.error < 0.02


def test_the_power_kernel_is_riemann_liouville_noise():
    driver = VolterraDriver(PowerKernel(0.3), 5, 3.0, dtype=jnp.float64)
    known = MarkovApproximation(0.3, 5, 3.0)
    np.testing.assert_allclose(driver.error, known.error, rtol=1e-6)
    np.testing.assert_allclose(driver.rates, known.rates, rtol=1e-2)
    rule = VolterraDriver(PowerKernel(0.3), 5, 3.0, grid=BayerBreneis(), dtype=jnp.float64)
    np.testing.assert_allclose(rule.weights, MarkovApproximation(0.3, 5, 3.0, grid=BayerBreneis()).weights, rtol=1e-7)
    assert VolterraDriver(PowerKernel(0.3), 2).weights.dtype == jnp.result_type(float)
    assert jax.jit(lambda d: d.readout(0.2))(driver).shape == (5,)
    assert driver.steady and not sk.named_parameters(driver)


def test_faulty_kernels_are_refused():
    with pytest.raises(ValueError, match="`hurst` must lie strictly between 0 and 1/2"):
        MittagLefflerKernel(0.6, 1.0)
    with pytest.raises(ValueError, match="`kernel` must be finite at positive times"):
        VolterraDriver(FunctionKernel(lambda s: np.where(s > 0.5, np.nan, 1.0)), 3)
    with pytest.raises(ValueError, match=r"`kernel\.hurst` must be positive"):
        VolterraDriver(PowerKernel(-0.1), 3)


WITHIN = (0.2, 0.8)


@pytest.mark.float32
@pytest.mark.parametrize("kind", [None, MandelbrotVanNess()])
def test_a_changing_index_reads_the_modes_of_the_constant_one(kind):
    kind = {} if kind is None else {"kind": kind}
    curve = HurstCurve([0.0, 0.5, 1.0], [[0.3, 0.6], [0.5, 0.6], [0.7, 0.6]], within=WITHIN)
    driver = MultifractionalDriver(curve, WITHIN, **kind)
    np.testing.assert_allclose(curve(0.25), [0.4, 0.6], rtol=1e-6)
    constant = MarkovFractional(curve(0.25), within=WITHIN, **kind)
    np.testing.assert_array_equal(driver.rates, constant.rates)
    np.testing.assert_allclose(driver.readout(0.25), constant.readout(0.25), rtol=1e-5, atol=1e-6)
    assert driver.readout(0.25).shape == (2, driver.size)
    assert not driver.steady
    assert sorted(sk.named_parameters(driver)) == ["hurst.values"]
    slope = eqx.filter_grad(lambda d: d.readout(0.25).sum())(driver).hurst.values
    assert np.isfinite(slope).all() and np.abs(slope[:2, 0]).min() > 0 and np.abs(slope[2]).max() == 0


def test_a_changing_index_has_the_covariance_of_its_definition():
    ts = np.array([0.2, 0.6, 1.0])
    index = lambda t: 0.3 + 0.3 * t
    driver = MultifractionalDriver(index, WITHIN, terms=15, dtype=jnp.float64)
    weights = np.stack([driver.readout(jnp.asarray(t)) for t in ts])
    rates = np.asarray(driver.rates)
    for i, s in enumerate(ts):
        for j, t in enumerate(ts):
            low, p, q = min(s, t), float(index(s)) - 0.5, float(index(t)) - 0.5
            if i == j:
                exact = s ** (2 * p + 1)
            else:
                near, far = (p, q) if s < t else (q, p)
                f = lambda u: (max(s, t) - u) ** far
                exact = scipy.integrate.quad(f, 0, low, weight="alg", wvar=(0, near))[0]
                exact *= np.sqrt((2 * p + 1) * (2 * q + 1))
            both = rates[:, None] + rates
            grown = np.exp(-rates[:, None] * (s - low) - rates * (t - low)) * -np.expm1(-both * low) / both
            np.testing.assert_allclose(weights[i] @ grown @ weights[j], exact, rtol=0.01)


def test_indices_outside_the_range_are_refused():
    with pytest.raises(ValueError, match="`hurst` must stay within"):
        MultifractionalDriver(lambda t: 0.5 + t, WITHIN)
    with pytest.raises(ValueError, match=r"`HurstCurve.values` must satisfy"):
        HurstCurve([0.0, 1.0], [0.1, 0.5], within=WITHIN)
    with pytest.raises(ValueError, match="`past_terms` must be positive"):
        MultifractionalDriver(lambda t: 0.5 + 0 * t, WITHIN, kind=MandelbrotVanNess(), past_terms=0)
    with pytest.raises(ValueError, match="`values` must have a value for each"):
        HurstCurve([0.0, 1.0], [0.5], within=WITHIN)
