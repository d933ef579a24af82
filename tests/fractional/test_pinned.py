"""Bridges of fractional noise: against Gaussian conditioning in NumPy, the control against its equation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit as sk

from ..laws.cases import joint
from ..noise.drivers import Modes, covariance
from .test_forward import assert_standard


RATES, WEIGHTS = jnp.array([0.3, 4.0, 30.0]), jnp.array([1.2, -0.4, 0.7])
START, END, SCALE = np.array([1.0, -0.5]), np.array([2.0, 0.3]), np.array([0.7, 1.3])
TIMES = np.array([0.2, 0.9, 1.4])
DRIVERS = {
    "plain": Modes(RATES, WEIGHTS, direct=0.5),
    "with a mode that never moves": Modes(RATES, WEIGHTS, direct=0.5, still=1),
}


def bridge_of(driver):
    return sk.fractional.PinnedFractionalBridge(driver, START, END, 1.5, SCALE)


def conditioned(driver):
    """Mean and covariance of each component of the states at TIMES, given both ends."""
    k = covariance(driver, [*TIMES, 1.5])
    gain = k[:-1, -1] / k[-1, -1]
    return gain, k[:-1, :-1] - np.outer(gain, k[-1, :-1])


@pytest.mark.parametrize("name", DRIVERS)
def test_states_are_those_of_the_noise_given_its_end(name):
    driver = DRIVERS[name]
    bridge = bridge_of(driver)
    gain, cov = conditioned(driver)
    mean, found = joint(bridge, [0.0, *TIMES])
    n = bridge.dim
    for i in range(2):
        rows = n * np.arange(1, 4) + i
        np.testing.assert_allclose(mean[rows], START[i] + gain * (END[i] - START[i]), rtol=1e-7)
        np.testing.assert_allclose(found[np.ix_(rows, rows)], SCALE[i] ** 2 * cov, rtol=1e-6, atol=1e-9)
        law = bridge.marginal(0.9)
        np.testing.assert_allclose(law.mean[i], mean[rows[1]], rtol=1e-9)
        np.testing.assert_allclose(law.variance[i], SCALE[i] ** 2 * cov[1, 1], rtol=1e-7)


@pytest.mark.parametrize("name", DRIVERS)
def test_the_control_is_the_slope_of_the_log_density_of_the_end(name):
    bridge, rng = bridge_of(DRIVERS[name]), np.random.default_rng(0)
    state = jnp.asarray(rng.normal(size=bridge.dim))
    for t in (0.0, 0.7, 1.45):
        a, b, q = bridge.unpinned.discretise(t, 1.5)

        def log_density(s, a=a, b=b, q=q):
            return dist.Normal(a[:2] @ s + b[:2], jnp.sqrt(jnp.diagonal(q)[:2])).log_prob(jnp.asarray(END)).sum()

        exact = bridge.diffusion(t, state).transpose().mv(jax.grad(log_density)(state))
        x, z, _ = bridge.parts(state)
        np.testing.assert_allclose(bridge.control(t, x, z), exact, rtol=1e-6)
        mean, variance = bridge.forecast(t, x, z)
        np.testing.assert_allclose(mean, (a @ state + b)[:2], rtol=1e-8)
        np.testing.assert_allclose(variance, jnp.diagonal(q)[:2], rtol=1e-8)


def test_the_control_is_the_limit_of_that_for_an_end_seen_with_little_noise():
    bridge = bridge_of(DRIVERS["plain"])
    model = sk.Observed(bridge.unpinned, sk.GaussianObservation(1e-4, matrix=bridge.unpinned.reads))
    near = sk.inference.OptimalControl(model, sk.Series(jnp.array([0.0, 1.5]), jnp.asarray([END, END])))
    x, z = jnp.array([0.4, -0.2]), jnp.asarray(np.random.default_rng(1).normal(size=(2, 3)))
    np.testing.assert_allclose(bridge.control(0.7, x, z), near(0.7, x, z), rtol=1e-5)


@pytest.mark.parametrize("hurst", [0.3, 0.5, 0.9])
def test_paths_end_where_they_are_pinned_with_the_law_in_between(hurst):
    driver = sk.noise.MarkovFractional(hurst, 4)
    bridge = bridge_of(driver)
    ts = jnp.array([0.0, *TIMES, 1.5])
    xs = np.asarray(eqx.filter_jit(lambda b, k: b.sample(ts, key=k, n=2000).xs)(bridge, jax.random.key(4)))
    np.testing.assert_array_equal(xs[:, 0, :2], np.broadcast_to(START, (2000, 2)))
    np.testing.assert_array_equal(xs[:, -1, :2], np.broadcast_to(END, (2000, 2)))
    free, k = joint(bridge.unpinned, [0.0, *TIMES, 1.5])
    rows = bridge.dim * np.arange(1, 5)
    cov = k[np.ix_(rows, rows)]
    gain = cov[:-1, -1] / cov[-1, -1]
    rest = cov[:-1, :-1] - np.outer(gain, cov[-1, :-1])
    seen = xs[:, 1:4, 0] - (START[0] + gain * (END[0] - START[0]))
    assert np.all(free[rows] == START[0])
    assert_standard(np.linalg.solve(np.linalg.cholesky(rest), seen.T).T)


def test_steps_of_the_controlled_equation_have_the_law_of_the_bridge():
    driver = DRIVERS["plain"]
    bridge = bridge_of(driver)
    ts = jnp.array([0.0, *TIMES])
    solved = eqx.filter_jit(lambda b, k: sk.solve(b, ts, key=k, dt=0.002, n=2000).xs)
    xs = np.asarray(solved(bridge, jax.random.key(5)))
    gain, cov = conditioned(driver)
    for i in range(2):
        seen = xs[:, 1:, i] - (START[i] + gain * (END[i] - START[i]))
        assert_standard(np.linalg.solve(np.linalg.cholesky(SCALE[i] ** 2 * cov), seen.T).T, bias=0.03)


def test_without_memory_it_is_the_brownian_bridge():
    bridge = bridge_of(sk.noise.BrownianDriver())
    plain = sk.processes.BrownianBridge(START, END, 0.0, 1.5, SCALE)
    x = jnp.array([0.3, 0.4])
    found, exact = bridge.transition(0.3, 0.8, x), plain.transition(0.3, 0.8, x)
    np.testing.assert_allclose(found.mean, exact.mean, rtol=1e-12)
    np.testing.assert_allclose(found.variance, exact.variance, rtol=1e-12)


def test_pairs_are_kept():
    """For each pair of ends that is drawn, a bridge of its own: the pairs of first and last states are the pairs."""
    driver, ts = sk.noise.MarkovFractional(0.7, 3), jnp.linspace(0.0, 1.0, 5)
    start = jax.random.normal(jax.random.key(0), (8, 1))
    end = jnp.sin(3 * start)

    def one(a, b, k):
        return sk.fractional.PinnedFractionalBridge(driver, a, b).sample(ts, key=k).xs[:, 0]

    xs = jax.jit(jax.vmap(one))(start, end, jax.random.split(jax.random.key(1), 8))
    np.testing.assert_array_equal(xs[:, 0], start[:, 0])
    np.testing.assert_array_equal(xs[:, -1], end[:, 0])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="t1"):
        sk.fractional.PinnedFractionalBridge(DRIVERS["plain"], t1=-1.0)
    with pytest.raises(ValueError, match="driver"):
        sk.fractional.PinnedFractionalBridge(Modes(RATES, WEIGHTS, steady=False))
    with pytest.raises(ValueError, match="rows"):
        bridge_of(Modes(RATES, jnp.ones((3, 3))))
