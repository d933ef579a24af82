"""Riemann-Liouville and multifractional motions: the hybrid scheme within its bound, and what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from sdekit.evaluate import assert_covariance
from sdekit.processes import FractionalBrownianMotion, Hybrid, MultifractionalMotion, RiemannLiouvilleMotion


@pytest.mark.parametrize(("hurst", "kappa", "steps"), [(0.05, 1, 3), (0.3, 2, 6), (0.9, 3, 5)])
def test_error_of_the_hybrid_scheme_is_the_distance_of_its_kernel(hurst, kappa, steps):
    """The mean square distance of two integrals of one Brownian motion is the integral of the squared difference."""
    total, alpha = mp.mpf(0), mp.mpf(hurst) - 0.5
    for k in range(kappa + 1, steps + 1):
        mean = mp.quad(lambda y: y**alpha, [k - 1, k])
        total += mp.quad(lambda y, m=mean: (y**alpha - m) ** 2, [k - 1, k])
    np.testing.assert_allclose(Hybrid(kappa).error(hurst, steps), float(mp.sqrt(2 * hurst * total)), rtol=1e-9)


@pytest.mark.parametrize(("hurst", "kappa"), [(0.05, 1), (0.3, 2), (0.5, 1), (0.9, 3)])
@pytest.mark.parametrize("late", [0, 3])
def test_hybrid_draws_have_the_covariance_within_the_bound(hurst, kappa, late):
    ts = np.linspace(0.0, 2.0, 9)[late:]
    method = Hybrid(kappa)
    motion = RiemannLiouvilleMotion(hurst, 1.5, method)
    path = motion.sample(ts, key=jax.random.key(5), n=20_000)
    assert path.made.solver == "hybrid"
    exact = 1.5**2 * ts ** (2 * hurst)
    # All entries are off by at most e_s sd_t + e_t sd_s + e_s e_t; false-alarm rate 1e-6.
    e = 1.5 * 0.25**hurst * method.error(hurst, 8)
    bound = 2 * e * np.sqrt(exact.max()) + e**2
    scheme = RiemannLiouvilleMotion(hurst, 1.5)
    cov = scheme.covariance(jnp.asarray(ts), jnp.asarray(ts))
    assert_covariance(path.xs[..., 0], cov, tolerance=bound + 1e-12)
    assert bound < 0.5 * exact.max()


def test_hybrid_covariance_is_that_of_its_formula():
    """The map from Brownian increments on a fine grid, by brute force: no draw, no bound."""
    hurst, kappa, n, fine = 0.3, 1, 4, 400
    method = Hybrid(kappa)
    xs = np.asarray(
        RiemannLiouvilleMotion(hurst, 1.0, method).sample(np.arange(n + 1.0), key=jax.random.key(1), n=40_000).xs
    )
    alpha, u = hurst - 0.5, (np.arange(n * fine) + 0.5) / fine
    kernel = np.zeros((n + 1, n * fine))
    for i in range(1, n + 1):
        k = np.ceil(i - u)
        # Means over the cells of the fine grid, so that the singularity is integrated.
        low, high = np.maximum(i - u - 0.5 / fine, 0), np.maximum(i - u + 0.5 / fine, 0)
        near = (high ** (alpha + 1) - low ** (alpha + 1)) / (alpha + 1) * fine
        far = (np.maximum(k, 1) ** (alpha + 1) - np.maximum(k - 1, 0) ** (alpha + 1)) / (alpha + 1)
        kernel[i] = np.where(u > i, 0, np.where(k <= kappa, near, far))
    cov = 2 * hurst * kernel @ kernel.T / fine
    # The last cell loses part of the square of the singularity: below 0.02 for 400 cells a step.
    assert_covariance(xs[..., 0], cov, tolerance=0.02, effect=0.15)


def test_long_paths_are_fast_and_have_the_roughness():
    ts = np.linspace(0, 1, 2**16 + 1)
    path = RiemannLiouvilleMotion(0.2, method=Hybrid(3)).sample(ts, key=jax.random.key(0)).xs[:, 0]
    # E|B_{t+h} - B_t|^2 tends to c h^2H, c = 2H Gamma(H + 1/2)^2 / (Gamma(2H + 1) sin(pi H)).
    c = float(0.4 * mp.gamma(0.7) ** 2 / (mp.gamma(1.4) * mp.sin(0.2 * mp.pi)))
    np.testing.assert_allclose(np.mean(np.diff(np.asarray(path)) ** 2) * (2**16) ** 0.4, c, rtol=0.03)


@eqx.filter_jit
def _cov(model, ts):
    return model.covariance(ts, ts)


def test_special_cases():
    ts = jnp.array([0.5, 1.0, 3.0])
    brownian = _cov(RiemannLiouvilleMotion(0.5, 2.0), ts)
    np.testing.assert_allclose(brownian, _cov(FractionalBrownianMotion(0.5, 2.0), ts), rtol=1e-12)
    constant = _cov(MultifractionalMotion(0.3, 2.0), ts)
    np.testing.assert_allclose(constant, _cov(RiemannLiouvilleMotion(0.3, 2.0), ts), rtol=1e-12)
    rising = MultifractionalMotion(lambda t: 0.3 + 0.1 * t)
    np.testing.assert_allclose(jnp.diagonal(_cov(rising, ts)), ts ** (0.6 + 0.2 * ts), rtol=1e-12)


def test_what_is_wrong_is_named():
    hybrid = RiemannLiouvilleMotion(0.3, method=Hybrid())
    with pytest.raises(ValueError, match="must be a regular grid from 0 on"):
        hybrid.sample(jnp.array([0.0, 0.1, 0.5]), key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"`Hybrid\.kappa`"):
        Hybrid(0)
    with pytest.raises(ValueError, match="must not be negative"):
        RiemannLiouvilleMotion(0.3).sample(jnp.array([-1.0, 1.0]), key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"`MultifractionalMotion\.hurst` must lie in \(0, 1\)"):
        MultifractionalMotion(lambda t: t).covariance(jnp.ones(1), jnp.ones(1))
