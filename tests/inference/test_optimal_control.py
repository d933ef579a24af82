"""The exact control against the evidence that a filter gives, for many noisy and missing observations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import sdekit as sk
from sdekit.inference import GaussianObservation, Observed, OptimalControl
from sdekit.processes import Controlled, DrivenOrnsteinUhlenbeck
from sdekit.solve import ExponentialIntegrator, solve

from ..noise.drivers import Modes


@pytest.mark.slow
def test_the_bound_under_the_exact_control_is_the_evidence():
    """With path weights every path gives the evidence, up to the step; the mean of 512 is within 5 standard errors."""
    driver = Modes(jnp.array([0.2, 3.0, 60.0]), jnp.array([0.6, 0.5, 0.8]))
    process = DrivenOrnsteinUhlenbeck(driver, rate=1.2, mean=0.3, scale=0.9)
    model = Observed(process, GaussianObservation(0.5, matrix=process.reads))
    ts = jnp.array([0.0, 0.25, 0.3, 0.6, 0.9, 1.0])
    ys = jnp.array([0.0, 0.8, jnp.nan, -0.4, 0.5, 0.1])[:, None]
    mask = jnp.isfinite(ys).at[0].set(False)
    series = sk.Series(ts, jnp.where(mask, ys, 0.0), mask)
    control = OptimalControl(model, series)
    posterior = Controlled(process.base, driver, control, martingale=True)
    solver = ExponentialIntegrator(trapezoid=True)
    path = solve(posterior, ts, key=jax.random.key(0), n=512, dt=0.0025, solver=solver)
    x, _, weights = jax.vmap(jax.vmap(posterior.parts))(path.xs)
    see = jax.vmap(jax.vmap(lambda x, y, m: GaussianObservation(0.5).log_prob(x, y, m)), in_axes=(0, None, None))
    bound = np.asarray(see(x, series.ys, series.mask).sum(1) - weights[:, -1].sum(1))
    evidence = float(model.log_prob(series))
    assert bound.std() < 0.15
    assert abs(bound.mean() - evidence) < stats.norm.isf(1e-7) * bound.std() / np.sqrt(512) + 0.005


def test_the_control_is_the_gradient_of_the_log_likelihood_to_come():
    """Against the filter's evidence of what lies ahead, differentiated in the state."""
    driver = Modes(jnp.array([0.5, 8.0]), jnp.array([0.7, -0.3]))
    process = DrivenOrnsteinUhlenbeck(driver, rate=0.8, scale=0.9)
    model = Observed(process, GaussianObservation(0.4, matrix=process.reads))
    series = sk.Series(jnp.array([0.0, 0.5, 1.0]), jnp.array([0.3, -0.2, 0.9]))
    state = jnp.array([0.4, -0.3, 0.2])

    def ahead(state):
        """log N of the two later observations given the state at 0.2, by dense algebra."""
        a1, b1, q1 = process.discretise(0.2, 0.5)
        a2, b2, q2 = process.discretise(0.5, 1.0)
        mean = jnp.stack([(a1 @ state + b1)[0], (a2 @ (a1 @ state + b1) + b2)[0]])
        cross = (a2 @ q1)[0, 0]
        cov = jnp.array([[q1[0, 0], cross], [cross, (a2 @ q1 @ a2.T + q2)[0, 0]]]) + 0.16 * jnp.eye(2)
        gap = jnp.array([-0.2, 0.9]) - mean
        return -0.5 * gap @ jnp.linalg.solve(cov, gap)

    gain = process.diffusion(0.2, state).as_matrix()[:, 0]
    found = OptimalControl(model, series)(0.2, state[:1], state[1:][None])
    np.testing.assert_allclose(found, [gain @ jax.grad(ahead)(state)], rtol=1e-9)


def test_no_control_after_the_last_observation_and_only_for_linear_models():
    process = DrivenOrnsteinUhlenbeck(sk.noise.BrownianDriver(), rate=1.0)
    model = Observed(process, GaussianObservation(0.4, matrix=process.reads))
    control = OptimalControl(model, sk.Series(jnp.array([0.0, 1.0]), jnp.array([0.0, 2.0])))
    assert float(control(1.5, jnp.ones(1), jnp.zeros((1, 0)))[0]) == 0
    assert float(control(0.5, jnp.ones(1), jnp.zeros((1, 0)))[0]) > 0
    with pytest.raises(ValueError, match="linear Gaussian diffusion"):
        OptimalControl(Observed(sk.processes.DoubleWell(), GaussianObservation(0.4)), sk.Series([0.0, 1.0], [0.0, 1.0]))
