"""Fractional diffusions from data to noise: moments against differential equations, scores against densities."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats
from scipy.integrate import solve_ivp
from scipy.linalg import block_diag, expm

import sdekit as sk

from ..laws.cases import joint
from ..noise.drivers import Modes


RATES, WEIGHTS, DIRECT = np.array([0.3, 4.0, 30.0]), np.array([1.2, -0.4, 0.7]), 0.5
driver = Modes(jnp.asarray(RATES), jnp.asarray(WEIGHTS), direct=DIRECT, still=1)
data = dist.Normal(jnp.array([0.5, -1.0]), jnp.array([0.2, 0.3])).to_event(1)
FORWARD = {
    "VP": sk.fractional.FractionalVP(driver, data, 0.3, 6.0, 1.5),
    "VE": sk.fractional.FractionalVE(driver, data, 0.1, 4.0, 1.5),
}
moments = eqx.filter_jit(lambda forward, t: forward.moments(t))


def coefficients(name, forward):
    """Drift rate and volatility of a component, in NumPy."""
    f, end = float(forward.factor[0]), 1.5
    if name == "VP":
        beta = lambda t: 0.3 + 5.7 * t / end
        return lambda t: -0.5 * beta(t), lambda t: f * np.sqrt(beta(t))
    return lambda t: 0.0, lambda t: f * 0.1 * 40 ** (t / end) * np.sqrt(2 * np.log(40) / end)


def by_equation(name, forward, t1, start=None):
    """Mean map and covariance of (x, z) of a component at `t1`, by their differential equations."""
    a, g = coefficients(name, forward)
    k = 5

    def slope(t, flat):
        phi, p = flat.reshape(2, k, k)
        m = np.diag([a(t), *-RATES, 0.0])
        m[0, 1:] = g(t) * np.append(-WEIGHTS * RATES, np.cos(t))
        gain = np.array([g(t) * (DIRECT + WEIGHTS.sum()), 1.0, 1.0, 1.0, 0.0])
        return np.concatenate([(m @ phi).ravel(), (m @ p + p @ m.T + np.outer(gain, gain)).ravel()])

    start = np.diag([0.0, 0.0, 0.0, 0.0, 1.0]) if start is None else start
    found = solve_ivp(
        slope, (0, t1), np.concatenate([np.eye(k).ravel(), start.ravel()]), "DOP853", rtol=1e-11, atol=1e-13
    )
    return found.y[:, -1].reshape(2, k, k)


@pytest.mark.parametrize("name", FORWARD)
def test_moments_obey_their_equations(name):
    forward = FORWARD[name]
    for t in (1e-3, 0.4, 1.5):
        phi, p = by_equation(name, forward, t)
        found = moments(forward, jnp.asarray(t))
        np.testing.assert_allclose(found.covariance[0], p, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(found.mean, phi[0, 0], rtol=1e-9)
        np.testing.assert_allclose(found.variance[0], p[0, 0], rtol=1e-8)


def test_moments_for_constant_rates_are_those_of_van_loan():
    steady = Modes(jnp.asarray(RATES), jnp.asarray(WEIGHTS), direct=DIRECT)
    forward = sk.fractional.FractionalVP(steady, beta_min=3.0, beta_max=3.0, normalise=False)
    g, n = np.sqrt(3.0), 4
    m = np.diag([-1.5, *-RATES])
    m[0, 1:] = -g * WEIGHTS * RATES
    gain = np.array([g * (DIRECT + WEIGHTS.sum()), 1.0, 1.0, 1.0])
    # The block holds e^18, so that the oracle has eight digits.
    block = expm(0.6 * np.block([[-m, np.outer(gain, gain)], [np.zeros((n, n)), m.T]]))
    np.testing.assert_allclose(
        moments(forward, jnp.asarray(0.6)).covariance[0], block[n:, n:].T @ block[:n, n:], rtol=1e-7
    )


@pytest.mark.parametrize("name", FORWARD)
def test_transitions_multiply_to_the_law_of_the_equations(name):
    forward = FORWARD[name]
    mean, cov = joint(forward, [0.0, 0.2, 0.9, 1.5])
    blocks = []
    for s in (0.2, 0.3):
        phi, p = by_equation(name, forward, 1.5, np.diag([s**2, 0.0, 0.0, 0.0, 1.0]))
        blocks.append(p)
    # From a block a component to the order of the state: all x, then the modes of each.
    order = np.array([0, 5, 1, 2, 3, 4, 6, 7, 8, 9])
    np.testing.assert_allclose(cov[-10:, -10:], block_diag(*blocks)[order][:, order], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(mean[-10:], np.append(phi[0, 0] * np.array([0.5, -1.0]), np.zeros(8)), atol=1e-9)
    law = forward.marginal(1.5)
    np.testing.assert_allclose(law.variance, np.diag(cov)[-10:], rtol=1e-7)


def test_moments_are_those_of_simulated_paths():
    forward, n = FORWARD["VP"], 2000
    lifted = sk.processes.Lifted(forward.base, driver)
    path = eqx.filter_jit(lambda p, k: sk.solve(p, jnp.array([0.0, 1.5]), key=k, dt=1.5 / 256, n=n))(
        lifted, jax.random.key(3)
    )
    x, z = path.xs[:, -1, :2], path.xs[:, -1, 2:].reshape(n, 2, 4)
    m, std = forward.moments(1.5), np.array([0.2, 0.3])
    rest = np.asarray(x) - np.asarray(m.mean) * np.array([0.5, -1.0])
    seen = np.concatenate([rest[:, :, None], z], axis=2)
    for i in range(2):
        cov = np.asarray(m.covariance[0])
        cov = cov + np.diag([(float(m.mean) * std[i]) ** 2, 0, 0, 0, 0])
        assert_standard(np.linalg.solve(np.linalg.cholesky(cov), seen[:, i].T).T, bias=0.02)


def assert_standard(white, bias=0.0):
    """Independent standard normals? False alarms at 1e-6 in all; deviations of 15 % at 2,000 rows are seen."""
    n, k = white.shape
    level = 1e-6 / (4 * k**2)
    np.testing.assert_array_less(np.abs(white.mean(0)), stats.norm.isf(level) / np.sqrt(n) + bias)
    squares = (white**2).sum(0)
    assert (squares * (1 - bias) < stats.chi2.isf(level, n)).all()
    assert (squares * (1 + bias) > stats.chi2.ppf(level, n)).all()
    across = np.corrcoef(white.T)[np.triu_indices(k, 1)]
    np.testing.assert_array_less(np.abs(np.arctanh(across)), stats.norm.isf(level) / np.sqrt(n - 3) + bias)


def test_samples_at_a_time_have_the_moments():
    forward, x0 = FORWARD["VE"], jnp.array([2.0, -1.0])
    draw = jax.jit(jax.vmap(lambda k: forward.sample_at(0.7, x0, key=k)))
    x, z = draw(jax.random.split(jax.random.key(5), 2000))
    _, cov = by_equation("VE", forward, 0.7)
    seen = np.concatenate([(np.asarray(x) - np.asarray(x0))[:, :, None], z], axis=2)
    white = np.linalg.solve(np.linalg.cholesky(cov), seen.transpose(1, 2, 0))
    assert_standard(white.transpose(2, 0, 1).reshape(2000, 10))


def test_without_memory_they_are_the_ordinary_diffusions():
    vp = sk.fractional.FractionalVP(sk.noise.BrownianDriver())
    ve = sk.fractional.FractionalVE(sk.noise.BrownianDriver())
    for t in (0.01, 0.3, 1.0):
        integral = 0.1 * t + 19.9 * t**2 / 2
        np.testing.assert_allclose(moments(vp, jnp.asarray(t)).mean, np.exp(-integral / 2), rtol=1e-13)
        np.testing.assert_allclose(moments(vp, jnp.asarray(t)).variance, -np.expm1(-integral), rtol=1e-12)
        np.testing.assert_allclose(moments(ve, jnp.asarray(t)).variance, 1e-4 * (5000 ** (2 * t) - 1), rtol=1e-12)


@pytest.mark.parametrize("hurst", [0.1, 0.5, 0.9])
def test_the_noise_at_the_horizon_has_the_same_size_for_all_hurst_indices(hurst):
    memory = sk.noise.MarkovFractional(hurst, 3)
    vp, ve = sk.fractional.FractionalVP(memory), sk.fractional.FractionalVE(memory)
    np.testing.assert_allclose(moments(vp, jnp.asarray(1.0)).variance, -np.expm1(-10.05), rtol=1e-9)
    np.testing.assert_allclose(moments(ve, jnp.asarray(1.0)).variance, 50.0**2 - 1e-4, rtol=1e-9)
    plain = sk.fractional.FractionalVP(memory, normalise=False)
    assert float(plain.factor[0]) == 1.0


def test_scores_are_gradients_of_the_densities():
    forward, t, rng = FORWARD["VP"], 0.6, np.random.default_rng(0)
    phi, p = by_equation("VP", forward, t)
    x0, x, z = (jnp.asarray(rng.normal(size=s)) for s in ((2,), (2,), (2, 4)))
    seen = np.concatenate([np.asarray(x - phi[0, 0] * x0)[:, None], z], axis=1)
    found = forward.conditional_score(t, x0, x, z)
    np.testing.assert_allclose(
        np.concatenate([found[0][:, None], found[1]], axis=1), -np.linalg.solve(p, seen.T).T, rtol=1e-7
    )
    law = sk.fractional.AugmentedLaw(forward.moments(t), x0)
    flat = jnp.concatenate([x, z.ravel()])
    exact = sum(stats.multivariate_normal(np.zeros(5), p).logpdf(row) for row in seen)
    np.testing.assert_allclose(law.log_prob(flat), exact, rtol=1e-8)
    np.testing.assert_allclose(jax.grad(law.log_prob)(flat)[:2], found[0], rtol=1e-9)
    # Of data that are Gaussian: the score of the residual is known, and that of state and modes follows.
    m, r = forward.moments(t), forward.residual(t, x, z)
    mean, std = np.array([0.5, -1.0]), np.array([0.2, 0.3])
    own = (m.mean * mean - r) / (m.mean**2 * std**2 + m.rest**2)
    got = forward.augmented_score(t, own, z)
    for i in range(2):
        whole = p + np.diag([(phi[0, 0] * std[i]) ** 2, 0, 0, 0, 0])
        at = np.append(x[i] - phi[0, 0] * mean[i], z[i])
        np.testing.assert_allclose(np.append(got[0][i], got[1][i]), -np.linalg.solve(whole, at), rtol=1e-7)


def test_the_law_of_state_and_modes_is_a_distribution():
    law = sk.fractional.AugmentedLaw(FORWARD["VE"].moments(1.0), jnp.array([1.0, 2.0]))
    assert law.sample(jax.random.key(0), (3, 2)).shape == (3, 2, 10)
    assert law.log_prob(law.sample(jax.random.key(1), (3, 2))).shape == (3, 2)
    np.testing.assert_array_equal(law.mean[:2], [1.0, 2.0])
    np.testing.assert_allclose(law.variance[2:6], np.diag(law.moments.covariance[0])[1:], rtol=1e-10)


@pytest.mark.parametrize("hurst", [0.3, 0.9])
def test_float32_keeps_the_small_variance_that_the_data_are_read_through(hurst):
    low, high = (
        sk.fractional.FractionalVP(
            sk.noise.MarkovFractional(jnp.asarray(hurst, kind), 3), dist.Delta(jnp.zeros(1, kind), event_dim=1)
        )
        for kind in (jnp.float32, jnp.float64)
    )
    for t in (0.02, 0.3, 1.0):
        found, exact = moments(low, jnp.asarray(t, jnp.float32)), moments(high, jnp.asarray(t))
        assert found.rest.dtype == found.root.dtype == jnp.float32
        np.testing.assert_allclose(found.rest, exact.rest, rtol=1e-3)
        np.testing.assert_allclose(found.variance, exact.variance, rtol=1e-4)


def test_moments_have_gradients_in_the_time_and_the_weights():
    forward = FORWARD["VP"]

    def size(t, weights):
        moved = eqx.tree_at(lambda f: f.driver.weights, forward, weights)
        return jnp.log(moved.moments(t).rest[0])

    size = jax.jit(size)
    found = jax.jit(jax.grad(size, (0, 1)))(jnp.asarray(0.5), driver.weights)
    h = 1e-5
    up, down = (size(0.5 + s * h, driver.weights) for s in (1, -1))
    np.testing.assert_allclose(found[0], (up - down) / (2 * h), rtol=1e-6)
    one = jnp.array([0.0, h, 0.0])
    np.testing.assert_allclose(
        found[1][1], (size(0.5, driver.weights + one) - size(0.5, driver.weights - one)) / (2 * h), rtol=1e-6
    )


def test_what_does_not_fit_is_refused():
    moving = Modes(jnp.asarray(RATES), jnp.asarray(WEIGHTS), steady=False)
    with pytest.raises(ValueError, match="driver"):
        sk.fractional.FractionalVP(moving)
    with pytest.raises(ValueError, match="start"):
        sk.fractional.FractionalVP(driver, dist.Normal(0.0, 1.0))
    with pytest.raises(ValueError, match="sigma_max"):
        sk.fractional.FractionalVE(driver, sigma_min=2.0, sigma_max=1.0)
    with pytest.raises(ValueError, match="beta_min"):
        sk.fractional.FractionalVP(driver, beta_min=-1.0)
    rows = Modes(jnp.asarray(RATES), jnp.ones((3, 3)))
    with pytest.raises(ValueError, match="rows"):
        sk.fractional.FractionalVP(rows, data)
