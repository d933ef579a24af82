"""Forecasts against exact predictive laws."""

import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
import pytest
from jaxtyping import Array, Float

from sdekit import parameter
from sdekit.data import Events, Series
from sdekit.evaluate import assert_covariance, assert_law, assert_mean
from sdekit.inference import GaussianObservation, Observed, condition, forecast, log_prob
from sdekit.processes import (
    AbstractNumericalDiffusion,
    Additive,
    BrownianMotion,
    CoxIngersollRoss,
    Ito,
    OrnsteinUhlenbeck,
)

from .helpers import SmoothKernel


PAST = Series(jnp.array([0.0, 0.5, 1.0, 1.5]), jnp.array([0.2, 0.1, 0.4, 9.0]), jnp.array([1, 1, 1, 0], bool))
AHEAD = jnp.array([1.2, 2.0])
N = 20_000


def test_an_observed_markov_process_starts_from_its_last_state(key):
    model = OrnsteinUhlenbeck(0.8, 0.3, 0.6)
    paths = forecast(model, PAST, AHEAD, key=key, n=N)
    assert paths.xs.shape == (N, 2, 1)
    h = np.array([0.2, 1.0])
    mean = 0.3 + (0.4 - 0.3) * np.exp(-0.8 * h)
    var = 0.36 * (1 - np.exp(-1.6 * h)) / 1.6
    cov = np.diag(var) + np.array([[0, 1], [1, 0]]) * var[0] * np.exp(-0.8 * 0.8)
    assert_mean(paths.xs[..., 0], mean, effect=0.03)
    assert_covariance(paths.xs[..., 0], cov, effect=0.02)


def test_a_process_with_another_transition_law(key):
    model = CoxIngersollRoss(0.8, 0.3, 0.4)
    paths = forecast(model, PAST, AHEAD, key=key, n=N)
    law = model.transition(1.0, 2.0, jnp.array([0.4]))
    assert_law(paths.xs[:, 1, 0], law.base_dist.cdf, effect=0.05)


class Drifting(AbstractNumericalDiffusion):
    """Brownian motion with drift that does not know its transition law."""

    speed: Float[Array, ""] = parameter()
    scale: Float[Array, ""] = parameter()
    dim = 1
    initial = dist.Delta(jnp.zeros(1), event_dim=1)
    interpretation = Ito
    structure = Additive

    def drift(self, t, x):
        return jnp.broadcast_to(self.speed, x.shape)

    def diffusion(self, t, x):
        return lx.DiagonalLinearOperator(jnp.broadcast_to(self.scale, x.shape))


def test_a_diffusion_without_closed_form_is_solved(key):
    """Constant coefficients, for which the solver is exact."""
    paths = forecast(Drifting(0.5, 0.3), PAST, AHEAD, key=key, n=N)
    np.testing.assert_array_equal(paths.ts, AHEAD)
    assert_mean(paths.xs[..., 0], 0.4 + 0.5 * np.array([0.2, 1.0]), effect=0.02)
    assert_covariance(paths.xs[..., 0], 0.09 * np.array([[0.2, 0.2], [0.2, 1.0]]), effect=0.01)


def test_a_noisy_process_is_filtered_first(key):
    model = Observed(BrownianMotion(0.5, 0.0, dist.Normal(0.0, 1.0).expand([1]).to_event(1)), GaussianObservation(0.2))
    ts, ys = np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.1, 0.4])
    prior = 1.0 + 0.25 * np.minimum(ts[:, None], ts[None, :])
    cross = 1.0 + 0.25 * np.minimum(AHEAD[:, None], ts[None, :])
    gain = cross @ np.linalg.inv(prior + 0.04 * np.eye(3))
    new = 1.0 + 0.25 * np.minimum(AHEAD[:, None], AHEAD[None, :])
    paths = forecast(model, PAST, AHEAD, key=key, n=N)
    assert_mean(paths.xs[..., 0], gain @ ys, effect=0.03)
    assert_covariance(paths.xs[..., 0], new - gain @ cross.T + 0.04 * np.eye(2), effect=0.03)


def test_a_gaussian_process_is_conditioned(key):
    paths = forecast(SmoothKernel(0.7), PAST, AHEAD, key=key, n=3)
    assert paths.xs.shape == (3, 2, 1) and bool(jnp.isfinite(paths.xs).all())


def test_times_must_lie_ahead_and_the_past_must_be_one_series(key):
    model = OrnsteinUhlenbeck(1.0)
    with pytest.raises(ValueError, match=r"after the last observed time 1\.0"):
        forecast(model, PAST, jnp.array([0.9, 2.0]), key=key)
    with pytest.raises(ValueError, match="one series"):
        forecast(model, PAST.stack(), AHEAD, key=key)
    with pytest.raises(ValueError, match="observed row"):
        condition(CoxIngersollRoss(0.8, 0.3, 0.4), Series(PAST.ts, PAST.ys, jnp.zeros(4, bool)))


def test_a_record_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="must be a Series"):
        log_prob(OrnsteinUhlenbeck(1.0), Events.from_list([jnp.array([0.1, 0.4])], t1=1.0))
