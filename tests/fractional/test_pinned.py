"""Bridges whose state is pinned and whose modes are not: Gaussian conditioning, and the control that leads there."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import sdekit as sk
from sdekit.fractional import PinnedFractionalBridge
from sdekit.inference import GaussianObservation, Observed, OptimalControl
from sdekit.noise import MandelbrotVanNess, MarkovFractional
from sdekit.processes import Controlled, DrivenOrnsteinUhlenbeck
from sdekit.solve import solve

from ..noise.drivers import Modes, covariance


DRIVER = Modes(jnp.array([0.3, 20.0, 3e3]), jnp.array([0.5, -0.6, 3.0]), direct=0.2)
BRIDGE = PinnedFractionalBridge(DRIVER, start=[0.3, -0.2], end=[1.0, -1.5], t1=1.5, scale=[0.8, 1.3])


def conditioned(bridge, ts, i):
    """Mean and covariance of component `i` at `ts`, given both ends, from the covariance of the noise."""
    end, scale = float(bridge.t1), float(bridge.scale[i])
    cov = scale**2 * covariance(bridge.driver, [*ts, end])
    mean = bridge.start[i] + cov[:-1, -1] / cov[-1, -1] * (bridge.end[i] - bridge.start[i])
    return np.asarray(mean), cov[:-1, :-1] - np.outer(cov[:-1, -1], cov[-1, :-1]) / cov[-1, -1]


@pytest.mark.parametrize("still", [0, 1])
def test_marginals_are_those_of_conditioned_gaussians(still):
    bridge = eqx.tree_at(lambda b: b.driver, BRIDGE, Modes(DRIVER.rates, DRIVER.weights, 0.2, still))
    look = eqx.filter_jit(lambda t: (bridge.marginal(t).mean, bridge.marginal(t).variance))
    ts = np.array([1e-3, 0.4, 1.4, 1.499])
    for k, t in enumerate(ts):
        mean, variance = look(jnp.asarray(t))
        for i in range(2):
            exact, cov = conditioned(bridge, ts, i)
            np.testing.assert_allclose(mean[i], exact[k], rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(variance[i], cov[k, k], rtol=1e-6)
    mean, variance = look(bridge.t1)
    np.testing.assert_allclose(mean[:2], bridge.end, rtol=1e-12)
    np.testing.assert_allclose(variance[:2], 0, atol=1e-14)


def test_paths_keep_the_coupling_and_have_the_law_of_bridges():
    """Both ends of each path; each of 6 covariances of 20,000 paths at 3 times, for one false alarm in 1e6."""
    ts, n = np.array([0.1, 0.8, 1.4]), 20_000
    path = BRIDGE.sample(jnp.asarray([0.0, *ts, 1.5]), key=jax.random.key(0), n=n)
    np.testing.assert_array_equal(path.xs[:, 0, :2], jnp.broadcast_to(BRIDGE.start, (n, 2)))
    np.testing.assert_allclose(path.xs[:, -1, :2], jnp.broadcast_to(BRIDGE.end, (n, 2)), atol=1e-7)
    mean, cov = conditioned(BRIDGE, ts, 1)
    xs = np.asarray(path.xs[:, 1:4, 1])
    error = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / n)
    far = stats.norm.isf(1e-6 / 18)
    assert (np.abs(np.cov(xs.T) - cov) / error).max() < far
    assert (np.abs(xs.mean(0) - mean) / np.sqrt(np.diag(cov) / n)).max() < far


def test_the_control_leads_there_step_by_step():
    """Means and deviations of 5,000 paths, 1e-6 tails, and 2 % of the deviation for the steps; the end is near."""
    driver = Modes(DRIVER.rates[:2], DRIVER.weights[:2], direct=0.2)
    bridge, n = eqx.tree_at(lambda b: b.driver, BRIDGE, driver), 5000
    path = solve(bridge, jnp.array([0.0, 0.6, 1.2, 1.5]), key=jax.random.key(1), n=n, dt=0.01)
    far = stats.norm.isf(1e-6 / 16)
    for i in range(2):
        mean, cov = conditioned(bridge, [0.6, 1.2], i)
        sd = np.sqrt(np.diag(cov))
        xs = np.asarray(path.xs[:, 1:3, i])
        assert (np.abs(xs.mean(0) - mean) < (far / np.sqrt(n) + 0.02) * sd).all()
        assert (np.abs(xs.std(0) / sd - 1) < far / np.sqrt(2 * n) + 0.02).all()
        assert np.abs(np.asarray(path.xs[:, -1, i]) - bridge.end[i]).std() < 0.15 * sd.max()


def test_the_control_is_that_of_an_observation_without_noise():
    """Against the information filter, its observation as sharp as float64 bears."""
    process = DrivenOrnsteinUhlenbeck(DRIVER, None, 0.0, 0.8)
    model = Observed(process, GaussianObservation(1e-5, matrix=process.reads))
    mask = jnp.array([[False], [True]])
    control = OptimalControl(model, sk.Series(jnp.array([0.0, 1.5]), jnp.array([[0.0], [1.0]]), mask))
    bridge = PinnedFractionalBridge(DRIVER, 0.0, 1.0, 1.5, 0.8)
    x, z = jnp.array([0.4]), jnp.array([[0.3, -0.2, 0.001]])
    for t in (0.0, 0.7, 1.45):
        np.testing.assert_allclose(bridge.control(t, x, z), control(t, x, z), rtol=1e-5)
    mean, variance = bridge.forecast(0.7, x, z)
    a, _, q = process.discretise(0.7, 1.5)
    np.testing.assert_allclose(mean, (a @ jnp.concatenate([x, z[0]]))[:1], rtol=1e-9)
    np.testing.assert_allclose(variance, q[0, 0], rtol=1e-7)
    # A bridge model: the end forecast by a network, here one that knows it.
    model = Controlled(bridge.base, DRIVER, lambda t, x, z: bridge.pull(t, x, z, jnp.ones(1)))
    np.testing.assert_allclose(model.control(0.7, x, z), bridge.control(0.7, x, z), rtol=1e-12)


@pytest.mark.parametrize("past_terms", [0, 3])
def test_a_noise_with_a_past_starts_from_what_the_end_says_of_it(past_terms):
    """The past is drawn given the end: the mean of all modes at 0 by Bayes' rule, from the unpinned law."""
    driver = MarkovFractional(0.7, 3, kind=MandelbrotVanNess(), past_terms=past_terms)
    bridge = PinnedFractionalBridge(driver, 0.0, 1.0)
    free = bridge.unpinned
    a, _, q = free.discretise(0.0, 1.0)
    prior = np.zeros((free.dim, free.dim))
    prior[1:, 1:] = np.asarray(driver.start @ driver.start.T)
    cross = prior @ np.asarray(a)[0]
    total = np.asarray(a)[0] @ cross + float(q[0, 0])
    np.testing.assert_allclose(bridge.initial.mean, cross / total, rtol=1e-8, atol=1e-12)
    found = bridge.initial.covariance_matrix
    np.testing.assert_allclose(found, prior - np.outer(cross, cross) / total, atol=1e-8 * np.abs(prior).max())
    law = bridge.marginal(1.0)
    np.testing.assert_allclose([law.mean[0], law.variance[0]], [1.0, 0.0], atol=1e-7)


def test_a_bridge_can_be_built_for_each_pair_of_ends_under_vmap():
    driver, ts = Modes(DRIVER.rates[:2], DRIVER.weights[:2]), jnp.linspace(0.0, 1.0, 5)
    start = jnp.linspace(-1.0, 1.0, 4)[:, None]
    end = jnp.sin(3 * start)
    build = lambda a, b, k: PinnedFractionalBridge(driver, a, b).sample(ts, key=k).xs[:, 0]
    xs = jax.jit(jax.vmap(build))(start, end, jax.random.split(jax.random.key(1), 4))
    np.testing.assert_array_equal(xs[:, 0], start[:, 0])
    np.testing.assert_allclose(xs[:, -1], end[:, 0], atol=1e-12)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"t1.*later than 0"):
        PinnedFractionalBridge(DRIVER, t1=0.0)
    with pytest.raises(ValueError, match=r"driver.*another number of components"):
        PinnedFractionalBridge(Modes(jnp.ones(1), jnp.ones((3, 1))), jnp.zeros(2))
    with pytest.raises(ValueError, match=r"driver.*alike at all times"):
        PinnedFractionalBridge(Modes(jnp.ones(1), jnp.ones(1), steady=False))
