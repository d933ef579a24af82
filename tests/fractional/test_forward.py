"""Fractional diffusions whose coefficients change in time: moments, transitions and the way back against equations."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import block_diag

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


def test_the_drift_back_is_that_of_anderson():
    """From the dense law of Gaussian data, by its own equation."""
    forward, t, weight = FORWARD["VP"], 0.6, (1 + 0.7**2) / 2
    phi, _ = by_equation("VP", forward, t)
    state = jnp.asarray(np.random.default_rng(0).normal(size=10))

    def score(r_t, r):
        m = forward.moments(r_t)
        return (m.mean * data.mean - r) / (m.mean**2 * data.variance + m.rest**2)

    reverse = sk.fractional.Reversed(forward, score, 0.7)
    full = np.zeros(10)
    order = np.array([[0, 2, 3, 4, 5], [1, 6, 7, 8, 9]])
    for i, rows in enumerate(order):
        _, p = by_equation("VP", forward, t, np.diag([float(data.variance[i]), 0.0, 0.0, 0.0, 1.0]))
        full[rows] = -np.linalg.solve(p, np.asarray(state)[rows] - phi[0, 0] * float(data.mean[i]) * np.eye(5)[0])
    g = np.asarray(forward.diffusion(t, state).as_matrix())
    exact = weight * g @ (g.T @ full) - np.asarray(forward.drift(t, state))
    np.testing.assert_allclose(reverse.drift(1.5 - t, state), exact, rtol=1e-6)
    np.testing.assert_allclose(reverse.diffusion(1.5 - t, state).as_matrix(), 0.7 * g, rtol=1e-12)
