"""Autocovariances against closed forms, and spectra against the autocovariances that they are the transforms of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from sdekit.fractional import ARFIMA, FGN, FOU
from sdekit.processes import FractionalOrnsteinUhlenbeck


HURSTS = (0.05, 0.3, 0.5, 0.8, 0.97)
SEQUENCES = {
    "FGN": FGN(),
    "ARFIMA": ARFIMA(),
    "slow FOU": FOU(0.2),
    "FOU": FOU(1.0),
    "fast FOU": FOU(20.0),
}


@jax.jit
def _both(sequence, hurst, w):
    return jnp.exp(sequence.log_spectrum(hurst, w)), sequence.autocovariance(hurst, 6)


def _pole(sequence, hurst, w):
    """What the spectrum does at 0, without the factor `w^(1 - 2H)`; the rest is smooth."""
    front = np.sin(np.pi * hurst) * scipy.special.gamma(2 * hurst + 1) / (2 * np.pi)
    if isinstance(sequence, FOU):
        return front / (float(sequence.rate) ** 2 + w**2)
    if isinstance(sequence, ARFIMA):
        return (2 * np.sin(w / 2) / w) ** (1 - 2 * hurst) / (2 * np.pi)
    return front * (2 * np.sin(w / 2) / w) ** 2


@pytest.mark.parametrize("hurst", HURSTS)
@pytest.mark.parametrize("name", SEQUENCES)
def test_the_spectrum_is_the_transform_of_the_autocovariance(name, hurst):
    sequence, power = SEQUENCES[name], 1 - 2 * hurst
    jacobi, jacobi_weight = scipy.special.roots_jacobi(200, 0, power)
    plain, plain_weight = scipy.special.roots_legendre(200)
    near, w = (jacobi + 1) * np.pi / 2, (plain + 1) * np.pi / 2
    density, expected = _both(sequence, jnp.array(hurst), jnp.asarray(w))
    rest = np.asarray(density) - _pole(sequence, hurst, w) * w**power
    k = np.arange(6)[:, None]
    found = np.cos(k * near) @ (jacobi_weight * _pole(sequence, hurst, near)) * (np.pi / 2) ** (1 + power)
    found = found + np.cos(k * w) @ (plain_weight * rest) * np.pi / 2
    np.testing.assert_allclose(2 * found, expected, atol=1e-8 * float(expected[0]))


@pytest.mark.parametrize("d", [-0.4, -0.1, 0.25, 0.45])
def test_arfima_has_hoskings_autocovariance(d):
    k = np.arange(8)
    gamma = scipy.special.gamma
    exact = gamma(1 - 2 * d) * gamma(k + d) / (gamma(d) * gamma(1 - d) * gamma(k + 1 - d))
    np.testing.assert_allclose(ARFIMA().autocovariance(jnp.array(d + 0.5), 8), exact, rtol=1e-10)


def test_fou_is_the_process_at_regular_times():
    process = FractionalOrnsteinUhlenbeck(hurst=0.3, rate=2.0, scale=1.7)
    ts = 0.25 * jnp.arange(7.0)
    scale = 1.7 * 0.25**0.3
    found = scale**2 * FOU(0.5).autocovariance(jnp.array(0.3), 7)
    np.testing.assert_allclose(found, process.covariance(ts[:1], ts)[0], rtol=1e-10)


def test_rates_out_of_the_domain_are_named():
    with pytest.raises(ValueError, match=r"FOU\.rate"):
        FOU(25.0)
    with pytest.raises(ValueError, match=r"FOU\.rate"):
        FOU(-1.0)
