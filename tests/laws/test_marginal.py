"""What every marginal law promises: it is the law of a path at that time."""

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given

from sdekit import processes as sp
from sdekit.evaluate import assert_covariance, assert_law, assert_mean

from .cases import COMPONENTS, MATRICES, PATHS, TIMES, between, ids, joint, seeds


few = hypothesis.settings(max_examples=3)
FIXED = [c for c in COMPONENTS if c.name not in ("OrnsteinUhlenbeck",)]


@pytest.mark.parametrize("case", **ids(FIXED))
@few
@given(seed=seeds)
def test_from_a_fixed_start_it_is_the_transition(case, seed):
    # 1000 paths find a distance of 0.15.
    process = case.build(np.random.default_rng(seed))
    expected = case.oracle(process, 0.0, TIMES[-1], np.asarray(process.initial.mean))
    xs = process.sample(jnp.asarray(TIMES), key=jax.random.key(seed), n=PATHS).xs[:, -1]
    assert_law(xs, expected.cdf, effect=0.15)
    law = process.marginal(TIMES[-1])
    np.testing.assert_allclose(law.mean, expected.mean(), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(law.variance, expected.var(), rtol=1e-8)


def spread(case, rng):
    """A process of the class, started from a normal law with correlated components."""
    root = jnp.asarray(rng.normal(size=(2, 2)))
    law = dist.MultivariateNormal(jnp.asarray(rng.normal(size=2)), root @ root.T)
    process = case.build(rng)
    if isinstance(process, sp.BrownianMotion):
        return sp.BrownianMotion(process.scale, process.drift_rate, law)
    if isinstance(process, sp.LinearSDE):
        return sp.LinearSDE(process.matrix, process.offset, process.scale, law)
    if isinstance(process, sp.TimeDependentLinearSDE):
        return sp.TimeDependentLinearSDE(process.matrix, process.offset, process.scale, law)
    return type(process)(process.rate, process.mean, process.scale, law)


@pytest.mark.parametrize("case", **ids([*COMPONENTS[:2], *MATRICES[:3]]))
@given(seed=seeds)
def test_from_a_normal_start_it_is_the_affine_image(case, seed):
    process = spread(case, np.random.default_rng(seed))
    mean, cov = joint(process, np.array([0.0, 0.8]))
    law = process.marginal(0.8)
    np.testing.assert_allclose(law.mean, mean[2:], rtol=1e-9, atol=1e-9)
    found = law.covariance_matrix if isinstance(law, dist.MultivariateNormal) else np.diag(law.variance)
    np.testing.assert_allclose(found, cov[2:, 2:], rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_geometric_brownian_motion_from_a_log_normal_start(seed):
    rng = np.random.default_rng(seed)
    loc, scale = rng.normal(size=2), between(rng, 0.1, 1)
    start = dist.LogNormal(jnp.asarray(loc), jnp.asarray(scale)).to_event(1)
    process = sp.GeometricBrownianMotion(rng.normal(size=2), between(rng, 0.1, 1), start)
    law = process.marginal(0.8)
    mu, sigma = np.asarray(process.rate), np.asarray(process.scale)
    np.testing.assert_allclose(law.mean, np.exp(loc + scale**2 / 2 + mu * 0.8), rtol=1e-9)
    np.testing.assert_allclose(law.variance, law.mean**2 * np.expm1(scale**2 + sigma**2 * 0.8), rtol=1e-9)


@pytest.mark.parametrize("case", **ids([COMPONENTS[3], MATRICES[0]]))
def test_a_stationary_start_stays(case):
    process = case.build(np.random.default_rng(1))
    process = type(process)(process.rate, process.mean, process.scale)
    xs = np.asarray(process.sample(jnp.asarray(TIMES), key=jax.random.key(1), n=2000).xs)
    law = process.stationary()
    np.testing.assert_allclose(process.marginal(3.0).mean, law.mean)
    for i in (0, 3):
        assert_mean(xs[:, i], law.mean)
        cov = law.covariance_matrix if isinstance(law, dist.MultivariateNormal) else np.diag(law.variance)
        assert_covariance(xs[:, i], cov)


@pytest.mark.parametrize(
    "process",
    [
        sp.CoxIngersollRoss(1.0, 1.0, 1.0, dist.Gamma(jnp.ones(1)).to_event(1)),
        sp.SquaredBessel(1.0, dist.Gamma(jnp.ones(1)).to_event(1)),
        sp.Benes(initial=dist.Normal(jnp.zeros(1)).to_event(1)),
        sp.GeometricBrownianMotion(initial=dist.Gamma(jnp.ones(1)).to_event(1)),
        sp.BrownianMotion(initial=dist.Cauchy(jnp.zeros(1)).to_event(1)),
        sp.LinearSDE(-jnp.eye(1), initial=dist.Cauchy(jnp.zeros(1)).to_event(1)),
    ],
    ids=lambda p: type(p).__name__,
)
def test_a_start_without_a_closed_form_is_refused(process):
    with pytest.raises(ValueError, match="for a marginal in closed form"):
        process.marginal(1.0)
