"""Kernels against their spectral or integral representations, and as covariances."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.special
from hypothesis import given, strategies as st

from sdekit.processes._gaussian import GaussianProcess
from sdekit.processes._kernels import (
    Exponential,
    Matern32,
    Matern52,
    Periodic,
    RationalQuadratic,
    SquaredExponential,
)


KERNELS = (Exponential, Matern32, Matern52, SquaredExponential, RationalQuadratic, Periodic)
TAU = np.array([1e-3, 0.1, 0.7, 2.0, 9.0])
POSITIVE = st.floats(0.2, 3.0)


@given(POSITIVE, POSITIVE)
def test_matern_kernels_are_bessel_functions(scale, length):
    for kernel, nu in ((Exponential, 0.5), (Matern32, 1.5), (Matern52, 2.5)):
        z = np.sqrt(2 * nu) * TAU / length
        exact = scale**2 * 2 ** (1 - nu) / scipy.special.gamma(nu) * z**nu * scipy.special.kv(nu, z)
        np.testing.assert_allclose(kernel(scale, length)(TAU), exact, rtol=1e-9)
        np.testing.assert_allclose(kernel(scale, length)(-TAU), exact, rtol=1e-9)


@given(POSITIVE, POSITIVE, POSITIVE)
def test_rational_quadratic_is_a_mixture_and_periodic_a_projection(scale, length, shape):
    # Inverse squared lengths follow a Gamma law with shape `shape` and mean 1 / length^2.
    for tau in TAU[1:4]:
        mixture = lambda g, tau=tau: np.exp(-g * tau**2 / 2) * np.exp(-shape * g * length**2) * g ** (shape - 1)
        weight = (shape * length**2) ** shape / scipy.special.gamma(shape)
        value = (
            scipy.integrate.quad(mixture, 0, 1 / length**2)[0] + scipy.integrate.quad(mixture, 1 / length**2, np.inf)[0]
        )
        kernel = RationalQuadratic(scale, length, shape)
        np.testing.assert_allclose(kernel(tau), scale**2 * weight * value, rtol=1e-6)
        # The squared exponential of points on a circle.
        turn = 2 * np.pi * tau / shape
        chord = np.hypot(np.cos(turn) - 1, np.sin(turn))
        np.testing.assert_allclose(
            Periodic(scale, length, shape)(tau), SquaredExponential(scale, length)(chord), rtol=1e-9
        )


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_are_covariances_with_the_variance_of_their_scale(kernel):
    ts = jnp.array([0.0, 0.1, 0.35, 1.0, 1.05, 4.0])
    cov = GaussianProcess(kernel(scale=1.5)).covariance(ts, ts)
    np.testing.assert_allclose(np.diag(cov), 2.25, rtol=1e-14)
    assert np.linalg.eigvalsh(cov).min() > -1e-13


def test_kernels_add_and_multiply():
    a, b = Matern32(1.5, 0.4), Periodic(1.0, 2.0, 0.3)
    np.testing.assert_allclose((a + b * b)(TAU), a(TAU) + b(TAU) ** 2, rtol=1e-14)
    with pytest.raises(ValueError, match=r"Matern32\.length"):
        Matern32(length=-1.0)
