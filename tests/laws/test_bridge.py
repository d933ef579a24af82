"""What every bridge promises."""

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from sdekit.evaluate import assert_covariance, assert_mean
from sdekit.processes import AbstractLinearGaussian, BrownianBridge, BrownianMotion, GaussianBridge, OrnsteinUhlenbeck

from .cases import BRIDGED, DENSE, PATHS, affine, ids, joint, seeds, traced


few = hypothesis.settings(max_examples=3)
T0, T1 = 0.2, 1.4


@traced
def ratio(process, t0, x0, t1, x1, s, ys):
    """The density of the bridge in the middle, from the process, and from the bridge itself; and both drifts there."""
    p = lambda a, b, x, y: process.transition(a, b, x).log_prob(y)
    bridge = process.bridge(t0, x0, t1, x1)
    by_bayes = jax.vmap(lambda y: p(t0, s, x0, y) + p(s, t1, y, x1) - p(t0, t1, x0, x1))(ys)

    def doob(y):
        g = process.diffusion(s, y).as_matrix()
        return process.drift(s, y) + g @ g.T @ jax.grad(lambda y: p(s, t1, y, x1))(y)

    own = jax.vmap(bridge.marginal(s).log_prob)(ys)
    return by_bayes, own, jax.vmap(doob)(ys), jax.vmap(lambda y: bridge.drift(s, y))(ys)


@pytest.mark.parametrize("case", **ids(BRIDGED))
@few
@given(seed=seeds)
def test_marginal_is_bayes_rule_and_drift_is_doobs(case, seed):
    rng = np.random.default_rng(seed)
    process = case.build(rng)
    hypothesis.assume(well_spread(process))
    x0, x1 = rng.normal(size=(2, 2))
    ys = (x0 + x1) / 2 + rng.normal(size=(20, 2)) * 0.3
    by_bayes, own, doob, drift = ratio(process, T0, x0, T1, x1, 0.9, ys)
    np.testing.assert_allclose(own, by_bayes, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(drift, doob, rtol=1e-5, atol=1e-5 * np.abs(doob).max())


def well_spread(process):
    """Whether densities have digits to compare: not if noise reaches a direction only through another."""
    if not isinstance(process, AbstractLinearGaussian):
        return True
    return np.linalg.cond(np.asarray(affine(process, 0.9, T1)[2])) < 1e5


@pytest.mark.parametrize("case", **ids(DENSE))
@few
@given(seed=seeds)
def test_joint_law_is_that_of_conditioning(case, seed):
    """The joint Gaussian of the process at four times, conditioned on the last in NumPy."""
    rng = np.random.default_rng(seed)
    process = case.build(rng)
    hypothesis.assume(well_spread(process))
    x0, x1 = (jnp.asarray(v) for v in rng.normal(size=(2, 2)))
    ts = np.array([T0, 0.5, 0.9, T1])
    bridge = process.bridge(T0, x0, T1, x1)
    # The process itself, started at x0: the same chain without the end.
    mean, cov = joint(process, ts, start=np.asarray(x0))
    k = 6
    gain = np.linalg.solve(cov[k:, k:], cov[k:, :k]).T
    expected_mean = mean[:k] + gain @ (np.asarray(x1) - mean[k:])
    expected_cov = cov[:k, :k] - gain @ cov[k:, :k]
    found_mean, found_cov = joint(bridge, ts)
    np.testing.assert_allclose(found_mean[:k], expected_mean, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found_cov[:k, :k], expected_cov, rtol=1e-6, atol=1e-7 * np.abs(cov).max())
    np.testing.assert_allclose(found_mean[k:], x1, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found_cov[k:, k:], 0, atol=1e-12)


@given(seed=seeds)
@few
def test_closed_forms(seed):
    """Notes on the Ornstein-Uhlenbeck bridge: hyperbolic sines; on the Brownian bridge: straight lines."""
    rng = np.random.default_rng(seed)
    k, s = rng.uniform(0.1, 3), rng.uniform(0.2, 2)
    a, b = rng.normal(size=2)
    span, t = 1.5, 0.6
    law = OrnsteinUhlenbeck(k, 0.0, s).bridge(0.0, jnp.array([a]), span, jnp.array([b])).marginal(t)
    sinh = np.sinh
    mean = (a * sinh(k * (span - t)) + b * sinh(k * t)) / sinh(k * span)
    variance = s**2 / k * sinh(k * t) * sinh(k * (span - t)) / sinh(k * span)
    np.testing.assert_allclose([law.mean[0], law.variance[0]], [mean, variance], rtol=1e-9)
    one = BrownianBridge(a, b, 0.0, span, s)
    two = GaussianBridge(BrownianMotion(s, 0.7), 0.0, jnp.array([a]), span, jnp.array([b]))
    for x, y in zip(affine(one, 0.2, 0.9), affine(two, 0.2, 0.9), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", **ids([DENSE[1], DENSE[2], DENSE[4]]))
def test_draws_end_where_they_must_and_vary_between(case):
    rng = np.random.default_rng(2)
    process = case.build(rng)
    x0, x1 = (jnp.asarray(v) for v in rng.normal(size=(2, 2)))
    bridge = process.bridge(T0, x0, T1, x1)
    ts = np.array([0.5, 0.7, 0.9, T1])
    xs = np.asarray(bridge.sample(jnp.asarray(ts), key=jax.random.key(2), n=PATHS).xs)
    np.testing.assert_allclose(xs[:, -1], np.broadcast_to(x1, (PATHS, 2)), atol=1e-6)
    mean, cov = joint(bridge, np.array([T0, *ts]))
    assert_mean(xs.reshape(PATHS, -1), mean[2:], tolerance=1e-6)
    assert_covariance(xs.reshape(PATHS, -1), cov[2:, 2:], tolerance=1e-6)


def test_times_outside_the_span_are_refused():
    bridge = BrownianBridge(0.0, 1.0)
    with pytest.raises(RuntimeError, match="between the two ends"):
        bridge.sample(jnp.array([0.0, 1.5]), key=jax.random.key(0)).xs.block_until_ready()
    with pytest.raises(ValueError, match="later than t0"):
        BrownianBridge(0.0, 1.0, 2.0, 1.0)
    with pytest.raises(ValueError, match="x1"):
        OrnsteinUhlenbeck([1.0, 2.0]).bridge(0.0, jnp.zeros(2), 1.0, jnp.zeros(3))
    with pytest.raises(TypeError, match="linear Gaussian"):
        GaussianBridge(OrnsteinUhlenbeck, 0.0, jnp.zeros(1), 1.0, jnp.zeros(1))
