"""Flows: matrix exponentials, finite differences, padding, learning."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import pytest
import scipy.linalg

import sdekit as sk
from sdekit.data import Series
from sdekit.inference import forecast
from sdekit.neural import FlowError, NeuralODE


A = np.array([[0.0, 1.0], [-2.0, -0.3]])
TS = np.array([0.0, 0.1, 0.7, 2.0])
START = dist.Delta(jnp.array([1.0, -0.5]), event_dim=1)


class Matrix(eqx.Module):
    a: jax.Array

    def __call__(self, t, x):
        return self.a @ x


def model(**options):
    return NeuralODE(Matrix(jnp.asarray(A)), START, **options)


def exact(x0, ts=TS):
    return np.stack([scipy.linalg.expm(A * (t - ts[0])) @ x0 for t in ts])


@pytest.mark.parametrize("options", [{"rtol": 1e-8, "atol": 1e-10}, {"steps": 20}], ids=str)
def test_a_linear_flow_is_a_matrix_exponential(options):
    m = model(**options)
    path = m.sample(jnp.asarray(TS), key=jax.random.key(0))
    np.testing.assert_allclose(path.xs, exact(np.array([1.0, -0.5])), atol=1e-6)
    assert path.made.solver == "Tsit5"


def test_steps_of_order_five():
    errors = [np.abs(model(steps=k).flow(START.v, jnp.asarray(TS))[-1] - exact(START.v)[-1]).max() for k in (2, 4)]
    assert 2**4 < errors[0] / errors[1] < 2**7


def test_a_flow_from_random_starts_carries_their_law():
    """Linear: the covariance is E C E^T. 4000 paths; each entry within 5.5 standard errors, 1e-7 by the normal law."""
    law = dist.MultivariateNormal(jnp.array([1.0, 0.0]), jnp.diag(jnp.array([0.25, 1.0])))
    m = NeuralODE(Matrix(jnp.asarray(A)), law, steps=10)
    xs = np.asarray(m.sample(jnp.array([0.0, 1.3]), key=jax.random.key(0), n=4000).xs[:, 1])
    e = scipy.linalg.expm(1.3 * A)
    cov = e @ np.diag([0.25, 1.0]) @ e.T
    np.testing.assert_array_less(np.abs(xs.mean(0) - e @ [1.0, 0.0]), 5.5 * np.sqrt(np.diag(cov) / 4000))
    spread = np.sqrt((np.outer(np.diag(cov), np.diag(cov)) + cov**2) / 4000)
    np.testing.assert_array_less(np.abs(np.cov(xs.T) - cov), 5.5 * spread)


def test_the_future_goes_on_from_the_last_whole_row():
    series = Series(TS, exact(np.array([1.0, -0.5])), np.array([[True] * 2, [True] * 2, [True] * 2, [True, False]]))
    path = forecast(model(steps=20), series, jnp.array([2.5, 3.0]), key=jax.random.key(0), n=2)
    expected = exact(np.array([1.0, -0.5]), np.array([0.0, 2.5, 3.0]))[1:]
    np.testing.assert_allclose(path.xs, np.broadcast_to(expected, (2, 2, 2)), atol=1e-6)


def loss(m, data):
    return eqx.filter_jit(FlowError())(m, data, key=jax.random.key(0))[0]


def test_the_loss_starts_at_the_first_whole_row_and_counts_what_was_observed():
    ys = np.random.default_rng(0).normal(size=(5, 2))
    ts = np.array([0.0, 0.3, 0.5, 1.1, 1.6])
    mask = np.array([[True, False], [True, True], [False, True], [False, False], [True, True]])
    series = Series(ts, ys, mask)
    gaps = (exact(ys[1], ts[1:]) - ys[1:])[1:][mask[2:]]
    expected = (gaps**2).mean()
    for steps in (20, None):
        m = model(steps=steps, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(loss(m, series), expected, rtol=1e-6)
        np.testing.assert_allclose(loss(m, series.pad(7)), expected, rtol=1e-6)


def test_gradients_are_finite_differences():
    series = Series(TS, exact(np.array([1.0, -0.5])) + 0.1).pad(6)
    m = model(steps=5)
    gradient = eqx.filter_jit(eqx.filter_grad(lambda m: FlowError()(m, series, key=jax.random.key(0))[0]))(m)
    nudged = lambda e: eqx.tree_at(lambda m: m.field.a, m, m.field.a.at[1, 0].add(e))
    slope = (loss(nudged(1e-5), series) - loss(nudged(-1e-5), series)) / 2e-5
    np.testing.assert_allclose(gradient.field.a[1, 0], slope, rtol=1e-6)


def test_a_field_is_learned():
    starts = np.random.default_rng(1).normal(size=(16, 2))
    data = Series(np.linspace(0.0, 1.0, 6), np.stack([exact(x, np.linspace(0.0, 1.0, 6)) for x in starts]))
    begin = NeuralODE(Matrix(jnp.zeros((2, 2))), START, steps=4)
    optimiser = optax.adam(optax.cosine_decay_schedule(0.1, 300))
    fit = sk.fit(begin, FlowError(), data, key=jax.random.key(0), steps=300, optimiser=optimiser, progress=False)
    np.testing.assert_allclose(fit.model.field.a, A, atol=1e-3)


def test_faults_are_named():
    with pytest.raises(ValueError, match=r"NeuralODE\.initial"):
        NeuralODE(Matrix(jnp.asarray(A)), dist.Normal(0.0, 1.0))
    with pytest.raises(ValueError, match=r"NeuralODE\.field"):
        NeuralODE(lambda t, x: x[:1], START)
    with pytest.raises(TypeError, match="`model` must be a NeuralODE"):
        FlowError()(sk.processes.OrnsteinUhlenbeck(rate=1.0), Series(TS, TS), key=jax.random.key(0))
    blind = Series(TS, np.zeros((4, 2)), np.array([[True, False]] * 4))
    with pytest.raises((ValueError, RuntimeError), match="must have a row that is observed whole"):
        FlowError()(model(steps=1), blind, key=jax.random.key(0))
