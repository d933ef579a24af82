"""Fractional noise as a driver: weights as functions of the index, gradients, the law of what is read out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sdekit as sk
from sdekit.noise import GammaMax, MandelbrotVanNess, MarkovApproximation, MarkovFractional, RiemannLiouville


KINDS = [(RiemannLiouville(), None), (MandelbrotVanNess(), None), (MandelbrotVanNess(), 0)]


def covariance(driver, ts):
    """Of the noise of one component at times, from the contract: modes on one Brownian motion, a readout, a start."""
    rates, k = np.asarray(driver.rates, np.float64), driver.modes
    read = np.stack([np.asarray(driver.readout(t), np.float64) for t in ts])
    start = np.asarray(driver.start, np.float64)
    c0 = np.asarray(driver.readout(0.0), np.float64)
    law = start @ start.T
    still = np.concatenate([rates, np.zeros(driver.still)])
    value = np.empty((len(ts), len(ts)))
    for i, s in enumerate(ts):
        for j, t in enumerate(ts):
            a, b = read[i] * np.exp(-still * s) - c0, read[j] * np.exp(-still * t) - c0
            low, both = min(s, t), rates[:, None] + rates
            grown = np.exp(-rates[:, None] * (s - low) - rates * (t - low)) * -np.expm1(-both * low) / both
            value[i, j] = a @ law @ b + read[i, :k] @ grown @ read[j, :k]
    return value


@pytest.mark.float32
@pytest.mark.parametrize(("kind", "past_terms"), KINDS)
def test_a_fixed_driver_is_its_markov_approximation(kind, past_terms):
    driver = MarkovFractional(jnp.array(0.7), 5, 2.0, kind=kind, past_terms=past_terms)
    exact = MarkovApproximation(float(driver.hurst), 5, 2.0, kind=kind, past_terms=past_terms)
    ts = np.linspace(0.0, 2.0, 6)
    np.testing.assert_allclose(covariance(driver, ts), exact.covariance(ts, ts), atol=2e-6)
    np.testing.assert_allclose(driver.error, exact.error, rtol=1e-3)
    assert driver.size == driver.modes + driver.still == driver.readout(0.3).shape[0] == driver.start.shape[0]
    assert driver.steady
    assert not sk.named_parameters(driver)


@pytest.mark.float32
@pytest.mark.parametrize(("kind", "past_terms"), KINDS)
def test_a_learned_driver_has_the_weights_and_the_slopes_of_every_index(kind, past_terms):
    within = (0.15, 0.9)
    driver = MarkovFractional(jnp.array([0.2, 0.5, 0.85]), 5, 1.5, kind=kind, within=within, past_terms=past_terms)
    read = jax.jit(lambda d, h, t: MarkovFractional.readout(_with(d, h), t))
    rates = np.asarray(driver.rates, np.float64)
    single = driver.rates.dtype == jnp.float32
    from sdekit.noise._markov import Lift, past_functions

    lift = Lift(5, 1.5, kind, driver.grid, driver.still, 2.0**-24)

    def exact(h, t):
        past = past_functions(lift.past((h,))[0], 1.5, np.array([t]))[0]
        return np.concatenate([lift.weights((h,), rates)[0], past])

    tolerance = 1e-4 if single else 1e-9
    for h in ([0.15, 0.4, 0.9], [0.3, 0.5, 0.7]):
        found = read(driver, jnp.array(h), 0.8)
        scale = np.abs(found).max()
        np.testing.assert_allclose(found, np.stack([exact(x, 0.8) for x in h]), atol=tolerance * scale)
        step = 1e-4
        slopes = np.stack([(exact(x + step, 0.8) - exact(x - step, 0.8)) / (2 * step) for x in h])
        jacobian = jax.jacrev(lambda h: read(driver, h, 0.8))(jnp.array(h))
        own = jnp.stack([jacobian[i, :, i] for i in range(3)])
        np.testing.assert_allclose(own, slopes, atol=(3e-3 if single else 1e-5) * np.abs(slopes).max())


def _with(driver, hurst):
    import equinox as eqx

    return eqx.tree_at(lambda d: d.hurst, driver, hurst)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize(
    ("kind", "gamma", "horizon"),
    [(RiemannLiouville(), 2.0, 1e-8), (RiemannLiouville(), 2.0, 1e8), (MandelbrotVanNess(), 1e8, 1.0)],
)
def test_values_and_gradients_are_finite_for_all_rates(dtype, kind, gamma, horizon):
    driver = MarkovFractional(
        jnp.asarray(0.3, dtype), 20, horizon, kind=kind, grid=GammaMax(gamma), within=(0.05, 0.95), past_terms=None
    )
    slopes = jax.jit(jax.grad(lambda d: (d.readout(horizon / 2) ** 2).mean()))
    for h in (0.05, 0.5, 0.95):
        value = driver.readout(horizon / 2)
        slope = slopes(_with(driver, jnp.asarray(h, dtype))).hurst
        assert value.dtype == slope.dtype == dtype
        assert np.isfinite(value).all() and np.isfinite(slope)


@pytest.mark.float32
def test_the_index_is_a_parameter_inside_its_range():
    driver = MarkovFractional([0.3, 0.6], 3, within=(0.2, 0.8))
    assert sorted(sk.named_parameters(driver)) == ["hurst"]
    back = sk.constrain(sk.unconstrain(driver))
    np.testing.assert_allclose(back.hurst, driver.hurst, rtol=1e-5)
    raw = sk.unconstrain(driver)
    far = sk.constrain(_with(raw, raw.hurst + 30.0))
    assert (np.asarray(far.hurst) <= 0.8).all()
    assert jax.jit(lambda d: d.readout(0.1))(driver).shape == (2, 3)
    with pytest.raises(ValueError, match=r"`MarkovFractional.hurst` must satisfy"):
        MarkovFractional(0.9, 3, within=(0.2, 0.8))
    with pytest.raises(ValueError, match="`within` must be a range inside"):
        MarkovFractional(0.5, 3, within=(0.8, 0.2))
    with pytest.raises(ValueError, match="must be known when a driver is built"):
        jax.jit(lambda h: MarkovFractional(h, 3).readout(0.0))(0.5)
