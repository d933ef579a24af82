"""Densities of fully observed Markov processes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given, strategies as st
from scipy.stats import multivariate_normal, norm

from sdekit.data import Series
from sdekit.inference import MarginalLikelihood, TransitionLikelihood, gaussian_step, ito_drift, log_prob
from sdekit.processes import Additive, Diffusion, OrnsteinUhlenbeck, Stratonovich

from .helpers import dense_prior, linear_sde


PAIR = linear_sde(3, 2)
value = eqx.filter_jit(lambda likelihood, model, series: likelihood.log_prob(model, series))


def dense(process, ts, ys, mask):
    mean, cov = dense_prior(process, ts)
    i, n = mask.reshape(-1), mask.size
    return multivariate_normal(mean.reshape(-1)[i], cov.reshape(n, n)[np.ix_(i, i)]).logpdf(ys.reshape(-1)[i])


@given(seed=st.integers(0, 2**32 - 1))
def test_transitions_and_initial_law_make_the_dense_density(seed):
    rng = np.random.default_rng(seed)
    ts = np.cumsum(rng.exponential(0.5, 8) + 1e-3)
    ys = rng.normal(size=(8, 2))
    mask = np.repeat(rng.uniform(size=(8, 1)) > 0.4, 2, axis=1)
    mask[0] = True
    series = Series(ts, np.where(mask, ys, np.nan), mask)
    exact = dense(PAIR, ts, ys, mask)
    assert value(TransitionLikelihood(include_initial=True), PAIR, series) == pytest.approx(exact, rel=1e-9)
    assert log_prob(PAIR, series) == pytest.approx(exact, rel=1e-9)
    first = multivariate_normal(PAIR.initial.mean, PAIR.initial.covariance_matrix).logpdf(ys[0])
    assert value(TransitionLikelihood(), PAIR, series) == pytest.approx(exact - first, rel=1e-8)


@given(seed=st.integers(0, 2**32 - 1))
def test_rows_seen_in_part_are_integrated_out_where_that_is_linear_gaussian(seed):
    rng = np.random.default_rng(seed)
    ts = np.cumsum(rng.exponential(0.5, 8) + 1e-2)
    ys, mask = rng.normal(size=(8, 2)), rng.uniform(size=(8, 2)) > 0.3
    mask[2] = [True, False]
    series = Series(ts, np.where(mask, ys, np.nan), mask)
    exact = dense(PAIR, ts, ys, mask)
    assert log_prob(PAIR, series) == pytest.approx(exact, rel=1e-8)
    assert value(MarginalLikelihood(), PAIR, series) == pytest.approx(exact, rel=1e-8)


def test_rows_seen_in_part_are_refused_elsewhere():
    mask = np.array([[True, True], [True, False], [True, True]])
    series = Series(np.arange(3.0), np.zeros((3, 2)), mask)
    process = Diffusion(lambda _t, x: -x, lambda _t, _x: jnp.ones(2), dist.Delta(jnp.zeros(2), event_dim=1))
    with pytest.raises(ValueError, match="observed in part"):
        TransitionLikelihood().log_prob(process, series)
    with pytest.raises(Exception, match="observed in part"):
        value(TransitionLikelihood(), process, series)
    with pytest.raises(ValueError, match="no density in closed form"):
        log_prob(process, series)
    late = Series(np.arange(3.0), np.zeros((3, 2)), np.repeat([[False], [True], [True]], 2, axis=1))
    with pytest.raises(ValueError, match="first time"):
        TransitionLikelihood(include_initial=True).log_prob(process, late)


def test_an_item_without_observations_has_density_one_and_no_gradient():
    series = Series(np.arange(3.0), np.zeros(3), np.zeros(3, bool))
    for likelihood in (TransitionLikelihood(), MarginalLikelihood()):
        total, slope = eqx.filter_value_and_grad(lambda m: likelihood.log_prob(m, series))(OrnsteinUhlenbeck(1.0))
        assert total == 0 and slope.rate == 0


def test_loss_is_the_mean_over_the_items(key):
    ts = np.array([[0.0, 0.5, 2.0], [1.0, 1.1, 1.9]])
    ys = np.array([[0.1, -0.2, 0.4], [0.0, 0.3, 0.5]])
    data, model = Series(ts, ys), OrnsteinUhlenbeck(1.3, 0.2, 0.7)
    loss, metrics = TransitionLikelihood()(model, data, key=key)
    decay = np.exp(-1.3 * np.diff(ts))
    law = norm(0.2 + (ys[:, :-1] - 0.2) * decay, np.sqrt(0.49 * (1 - decay**2) / 2.6))
    exact = law.logpdf(ys[:, 1:]).sum(axis=1).mean()
    assert loss == pytest.approx(-exact, rel=1e-12)
    assert metrics["log_prob"] == pytest.approx(exact, rel=1e-12)
    single, _ = TransitionLikelihood()(model, data[0], key=key)
    assert single == pytest.approx(-law.logpdf(ys[:, 1:])[0].sum(), rel=1e-12)


def test_pseudo_likelihood_is_the_euler_density_with_a_full_diffusion():
    g = jnp.array([[0.5, 0.2], [0.1, 0.7]])
    process = Diffusion(
        lambda _t, x: jnp.stack([x[1], -jnp.sin(x[0])]), lambda _t, _x: g, dist.Delta(jnp.zeros(2), event_dim=1)
    )
    ts, ys = np.array([0.0, 0.1, 0.3]), np.array([[0.0, 1.0], [0.2, 0.8], [0.1, 0.9]])
    exact = 0.0
    for k in (1, 2):
        h = ts[k] - ts[k - 1]
        f = np.array([ys[k - 1, 1], -np.sin(ys[k - 1, 0])])
        exact += multivariate_normal(ys[k - 1] + f * h, g @ g.T * h).logpdf(ys[k])
    assert value(TransitionLikelihood(), process, Series(ts, ys)) == pytest.approx(exact, rel=1e-10)


def test_pseudo_likelihood_of_diagonal_noise():
    scale = jnp.array([0.5, 0.2, 0.0])
    process = Diffusion(
        lambda _t, x: -x.at[2].set(0.0),
        lambda _t, _x: scale,
        dist.Delta(jnp.zeros(3), event_dim=1),
        structure=Additive,
    )
    ts, ys = np.array([0.0, 0.2]), np.array([[0.3, 1.0, 0.7], [0.2, 0.8, 0.7]])
    exact = norm(ys[0, :2] * 0.8, scale[:2] * np.sqrt(0.2)).logpdf(ys[1, :2]).sum()
    assert value(TransitionLikelihood(), process, Series(ts, ys)) == pytest.approx(exact, rel=1e-10)
    ys[1, 2] = 0.71
    assert value(TransitionLikelihood(), process, Series(ts, ys)) == -np.inf


def test_substeps_remove_the_bias_of_a_linear_drift():
    exact = OrnsteinUhlenbeck(1.5, 0.3, 0.8)
    process = Diffusion(exact.drift, exact.diffusion, exact.initial)
    step = jax.jit(gaussian_step, static_argnums=4)
    x, law = jnp.array([1.0]), exact.transition(0.0, 0.5, jnp.array([1.0]))
    gaps = []
    for n in (1, 10, 100, 1000):
        mean, cov = step(process, 0.0, 0.5, x, n)
        gaps.append(abs(mean[0] - law.mean[0]) + abs(cov[0, 0] - law.variance[0]))
    assert np.all(np.diff(np.log10(gaps))[1:] < -0.9)
    assert gaps[-1] < 2e-3


def test_noise_of_less_than_full_rank():
    """A kicked position: one Euler step cannot reach the data, two can."""
    process = Diffusion(
        lambda _t, x: jnp.stack([x[1], -x[0]]),
        lambda _t, _x: jnp.array([[0.0], [0.5]]),
        dist.Delta(jnp.zeros(2), event_dim=1),
    )
    series = Series(np.array([0.0, 0.2]), np.array([[0.0, 1.0], [0.19, 0.95]]))
    assert value(TransitionLikelihood(), process, series) == -np.inf
    assert np.isfinite(value(TransitionLikelihood(substeps=4), process, series))


def test_drift_of_a_stratonovich_equation():
    """For g(x) = x the correction is x / 2."""
    process = Diffusion(
        lambda _t, x: -x, lambda _t, x: x, dist.Delta(jnp.ones(2), event_dim=1), interpretation=Stratonovich
    )
    x = jnp.array([2.0, -3.0])
    np.testing.assert_allclose(ito_drift(process, 0.0, x), -x / 2, rtol=1e-12)
