"""Bridges of processes with memory: conditioning in NumPy, exact ends, the Brownian case."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.evaluate import assert_covariance, assert_mean
from sdekit.processes import (
    BrownianBridge,
    Exponential,
    FractionalBrownianMotion,
    FractionalOrnsteinUhlenbeck,
    GaussianProcess,
    OrnsteinUhlenbeck,
    RiemannLiouvilleMotion,
)


MODELS = {
    "fbm": FractionalBrownianMotion(0.3, 1.5),
    "riemann-liouville": RiemannLiouvilleMotion(0.8, 1.5),
    "fou": FractionalOrnsteinUhlenbeck(0.7, 1.0, 2.0, 0.7),
    "fou from 0": FractionalOrnsteinUhlenbeck(0.7, 1.0, 2.0, 0.7, start=0.0),
    "gaussian": GaussianProcess(Exponential(1.0, 2.0), 0.5, jitter=0.0),
}
INSIDE = np.array([0.5, 0.75, 1.0, 1.25, 1.5])


# Ends on a regular grid with the times, and from the start of the process on an irregular one.
CASES = [*((name, 0.25, 1.75) for name in MODELS if name != "fou from 0"), ("fbm", 0.0, 1.8), ("fou from 0", 0.0, 1.8)]


@eqx.filter_jit
def _law(model, ts):
    return model.mean(ts), model.covariance(ts, ts)


@pytest.mark.parametrize(("name", "t0", "t1"), CASES)
def test_law_is_that_of_conditioning(name, t0, t1):
    model, every = MODELS[name], jnp.asarray(np.r_[t0, t1, INSIDE])
    mean, cov = (np.asarray(v) for v in _law(model, every))
    seen = np.flatnonzero(np.diag(cov)[:2] > 0)
    pins = np.array([-0.4 if 0 in seen else mean[0], 1.3])
    bridge = model.bridge(t0, pins[:1], t1, pins[1:])
    gain = np.linalg.solve(cov[np.ix_(seen, seen)], cov[seen, 2:]).T
    exact = np.r_[pins, mean[2:] + gain @ (pins - mean[:2])[seen]]
    spread = np.zeros_like(cov)
    spread[2:, 2:] = cov[2:, 2:] - gain @ cov[seen, 2:]
    found_mean, found_cov = _law(bridge, every)
    np.testing.assert_allclose(found_mean, exact, atol=1e-10)
    np.testing.assert_allclose(found_cov, spread, atol=1e-10)
    order = np.argsort(every)
    xs = np.asarray(bridge.sample(np.asarray(every)[order], key=jax.random.key(0), n=10_000).xs[..., 0])
    np.testing.assert_array_equal(xs[:, [0, -1]], np.tile(pins, (10_000, 1)))
    inner = order[1:-1]
    assert_mean(xs[:, 1:-1], exact[inner], effect=0.15, tolerance=1e-9)
    assert_covariance(xs[:, 1:-1], spread[np.ix_(inner, inner)], effect=0.15, tolerance=1e-9)


def test_markov_cases_are_known():
    ts, ends = jnp.array([0.3, 0.9]), (0.2, jnp.array([0.5]), 1.4, jnp.array([-1.0]))
    fractional = FractionalBrownianMotion(0.5, 2.0).bridge(*ends)
    brownian = BrownianBridge(0.5, -1.0, 0.2, 1.4, 2.0)
    stationary = FractionalOrnsteinUhlenbeck(0.5, 1.3, 0.4, 0.7).bridge(*ends)
    ou = OrnsteinUhlenbeck(1.3, 0.4, 0.7).bridge(*ends)
    for one, two in ((fractional, brownian), (stationary, ou)):
        mean, cov = _law(one, ts)
        laws = [two.marginal(t) for t in ts]
        np.testing.assert_allclose(mean, [law.mean[0] for law in laws], rtol=1e-9)
        np.testing.assert_allclose(jnp.diagonal(cov), [law.variance[0] for law in laws], rtol=1e-9)


def test_a_bridge_may_be_pinned_again_and_built_under_jit():
    motion, ts = FractionalBrownianMotion(0.3), jnp.array([0.4, 0.5])
    twice = motion.bridge(0.2, jnp.ones(1), 1.4, jnp.zeros(1)).bridge(0.3, jnp.ones(1), 0.6, jnp.ones(1))
    np.testing.assert_allclose(twice.mean(jnp.array([0.3, 0.6])), 1.0)
    direct = motion.covariance(ts, ts)
    pins = jnp.array([0.2, 0.3, 0.6, 1.4])
    cross = motion.covariance(pins, ts)
    exact = direct - cross.T @ jnp.linalg.solve(motion.covariance(pins, pins), cross)
    np.testing.assert_allclose(twice.covariance(ts, ts), exact, atol=1e-10)

    @jax.jit
    def slope(hurst, x):
        value = lambda h: FractionalBrownianMotion(h).bridge(0.2, x, 1.4, x).marginal(0.5).variance[0]
        return jax.grad(value)(hurst), value(hurst), value(hurst + 1e-6)

    found, low, high = slope(0.3, jnp.ones(1))
    np.testing.assert_allclose(found, (high - low) / 1e-6, rtol=1e-4)


def test_what_is_wrong_is_named():
    motion = FractionalBrownianMotion(0.3)
    with pytest.raises(ValueError, match=r"GaussianProcessBridge\.t1` must be later"):
        motion.bridge(1.0, jnp.zeros(1), 0.5, jnp.zeros(1))
    with pytest.raises(ValueError, match=r"GaussianProcessBridge\.x0` must be 0\.0, which is certain"):
        motion.bridge(0.0, jnp.ones(1), 0.5, jnp.zeros(1))
    with pytest.raises(ValueError, match=r"GaussianProcessBridge\.x1` must have shape \(1,\)"):
        motion.bridge(0.0, jnp.zeros(1), 0.5, jnp.zeros(2))
    with pytest.raises(ValueError, match=r"`ts` must lie in \[0\.0, 0\.5\]"):
        motion.bridge(0.0, jnp.zeros(1), 0.5, jnp.zeros(1)).sample(jnp.array([0.1, 0.7]), key=jax.random.key(0))
