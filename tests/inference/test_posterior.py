"""Draws of conditioned processes, and dense Gaussian processes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.stats import multivariate_normal

from sdekit.data import Series
from sdekit.evaluate import assert_covariance, assert_mean
from sdekit.inference import GaussianObservation, Observed, condition, log_prob
from sdekit.processes import BrownianMotion, OrnsteinUhlenbeck

from .helpers import SmoothKernel


N = 20_000


def test_draws_have_the_joint_law_of_dense_conditioning(key):
    """False alarm 1e-6 an assertion; errors of 0.03 in the mean would be found."""
    rate, scale, noise = 0.8, 0.6, 0.3
    ts, query = np.array([0.0, 0.7, 1.0, 2.4]), np.array([0.3, 1.0, 3.0])
    ys, mask = np.array([0.5, -0.2, 9.0, 0.4]), np.array([True, True, False, True])
    kernel = lambda s, t: scale**2 / (2 * rate) * np.exp(-rate * np.abs(s[:, None] - t[None, :]))
    seen = ts[mask]
    gain = kernel(query, seen) @ np.linalg.inv(kernel(seen, seen) + noise**2 * np.eye(3))
    mean = gain @ ys[mask]
    cov = kernel(query, query) - gain @ kernel(seen, query)
    model = Observed(OrnsteinUhlenbeck(rate, 0.0, scale), GaussianObservation(noise))
    given = model.condition(Series(ts, ys, mask))
    latent = given.process.sample(jnp.asarray(query), key=key, n=N).xs[..., 0]
    assert_mean(latent, mean, effect=0.03)
    assert_covariance(latent, cov, effect=0.03)
    seen_again = given.sample(jnp.asarray(query), key=key, n=N).xs[..., 0]
    assert_mean(seen_again, mean, effect=0.04)
    assert_covariance(seen_again, cov + noise**2 * np.eye(3), effect=0.04)
    law = given.marginal(3.0)
    np.testing.assert_allclose(law.mean, mean[2:], rtol=1e-10)
    np.testing.assert_allclose(law.variance, cov[2, 2] + noise**2, rtol=1e-10)


def test_states_seen_without_noise_are_bridged(key):
    process = BrownianMotion(0.5, 0.2, dist.Normal(0.0, 1.0).expand([1]).to_event(1))
    given = condition(process, Series(jnp.array([0.0, 2.0]), jnp.array([1.0, 3.0])))
    law = given.marginal(0.5)
    np.testing.assert_allclose(law.mean, [1.5], rtol=1e-12)
    np.testing.assert_allclose(law.variance, [0.25 * 0.5 * 1.5 / 2], rtol=1e-12)
    path = given.sample(jnp.array([0.0, 0.5, 2.0]), key=key, n=7).xs[..., 0]
    np.testing.assert_allclose(path[:, 0], 1.0, atol=1e-12)
    np.testing.assert_allclose(path[:, 2], 3.0, atol=1e-12)
    assert np.all(np.std(path[:, 1]) > 0)


def test_times_before_the_series_are_refused(key):
    given = condition(OrnsteinUhlenbeck(1.0), Series(jnp.array([0.0, 2.0]), jnp.array([1.0, 3.0])))
    with pytest.raises(Exception, match="before the first time of the series"):
        given.sample(jnp.array([-1.0, 1.0]), key=key)


def gaussian_problem():
    ts = np.array([0.1, 0.5, 1.1, 1.9, 2.0])
    ys = np.random.default_rng(0).normal(size=(5, 2))
    mask = np.ones((5, 2), bool)
    mask[1, 0] = mask[3] = False
    matrix, scale = np.array([[1.0], [-0.5]]), np.array([0.2, 0.4])
    process = SmoothKernel(0.7)
    k = np.asarray(process.covariance(jnp.asarray(ts), jnp.asarray(ts)))
    cov = np.kron(k, matrix @ matrix.T) + np.kron(np.eye(5), np.diag(scale**2))
    mean = np.kron(0.3 * ts, matrix[:, 0])
    return process, ts, ys, mask, matrix, scale, mean, cov


def test_evidence_of_a_gaussian_process_is_the_dense_density():
    process, ts, ys, mask, matrix, scale, mean, cov = gaussian_problem()
    i = mask.reshape(-1)
    exact = multivariate_normal(mean[i], cov[np.ix_(i, i)]).logpdf(ys.reshape(-1)[i])
    series = Series(ts, np.where(mask, ys, np.nan), mask)
    model = Observed(process, GaussianObservation(scale, matrix))
    assert model.log_prob(series) == pytest.approx(exact, rel=1e-10)
    slopes = eqx.filter_grad(lambda m: m.log_prob(series))(model)
    assert all(bool(jnp.isfinite(g).all()) for g in jax.tree.leaves(slopes))
    bare = multivariate_normal(0.3 * ts, process.covariance(jnp.asarray(ts), jnp.asarray(ts))).logpdf(ys[:, 0])
    assert log_prob(process, Series(ts, ys[:, 0])) == pytest.approx(bare, rel=1e-8)


def test_conditioned_gaussian_process(key):
    process, ts, ys, mask, matrix, scale, mean, cov = gaussian_problem()
    i, query = mask.reshape(-1), np.array([0.3, 1.5, 2.5])
    cross = np.kron(process.covariance(jnp.asarray(query), jnp.asarray(ts)), matrix.T)[:, i]
    gain = cross @ np.linalg.inv(cov[np.ix_(i, i)])
    exact_mean = 0.3 * query + gain @ (ys.reshape(-1) - mean)[i]
    exact_cov = np.asarray(process.covariance(jnp.asarray(query), jnp.asarray(query))) - gain @ cross.T
    series = Series(ts, np.where(mask, ys, np.nan), mask)
    given = Observed(process, GaussianObservation(scale, matrix)).condition(series).process
    m, p = given.moments(jnp.asarray(query))
    np.testing.assert_allclose(m, exact_mean, rtol=1e-9)
    np.testing.assert_allclose(p, exact_cov, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(given.marginal(1.5).variance, exact_cov[1:2, 1], rtol=1e-9)
    draws = given.sample(jnp.asarray(query), key=key, n=N).xs[..., 0]
    assert_mean(draws, exact_mean, effect=0.06)
    assert_covariance(draws, exact_cov, effect=0.06)
