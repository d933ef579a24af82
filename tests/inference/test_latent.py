"""The latent SDE against exact results: evidence by a Kalman filter, posteriors in closed form, for any driver."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import pytest

import sdekit as sk
from sdekit.data import Series
from sdekit.evaluate import assert_mean
from sdekit.inference import (
    ELBO,
    Decoded,
    GaussianObservation,
    LatentSDE,
    Observed,
    PoissonObservation,
    forecast,
    kl_rates,
    posterior_collapse,
)
from sdekit.inference._elbo import graded_times
from sdekit.nets import ControlMLP, FirstFrames, GaussianHead
from sdekit.processes import Additive, Diffusion

from . import latents


each = pytest.mark.parametrize("name", list(latents.DRIVERS))


@eqx.filter_jit
def look(objective, model, series, key):
    return objective.look(model, series, key=key)


def log_weights(bound):
    return np.asarray(bound.log_likelihood - bound.energy - bound.martingale - bound.log_start)


def analytic(bound):
    return np.asarray(bound.log_likelihood - bound.energy - bound.kl_start)


@each
def test_the_bound_at_the_exact_posterior_is_the_evidence(name, key):
    series, model = latents.example(), latents.exact(name)
    evidence = float(latents.evidence(name, series))
    bound = look(ELBO(paths=400, importance=True, steps=128), model, series, key)
    # The control is held over a step: the weights spread by about the root of it, the bound falls short by about it.
    logs = log_weights(bound)
    assert logs.std() < 0.25
    assert abs(logs.mean() - evidence) < 0.08
    assert_mean(analytic(bound), evidence, tolerance=0.04)


@each
def test_the_gap_shrinks_with_the_step(name, key):
    series, model = latents.example(), latents.exact(name)
    spread = [log_weights(look(ELBO(paths=400, importance=True, steps=s), model, series, key)).std() for s in (8, 128)]
    # Their spread falls with the root of the step: a factor 4 from 8 to 128, known to about 5 % each.
    assert 2.5 < spread[0] / spread[1] < 6.5


@each
def test_weights_by_any_posterior_average_to_the_evidence(name, key):
    series, model = latents.example(t=3, missing=False, size=0.4), latents.amortised(name, awake=1.0)
    bound = look(ELBO(paths=20_000, importance=True, steps=16), model, series, key)
    weights = np.exp(log_weights(bound) - float(latents.evidence(name, series)))
    assert np.abs(np.asarray(bound.energy)).mean() > 0.01
    assert np.std(weights) < 10
    assert_mean(weights, 1.0, tolerance=0.01)  # the state is stepped to second order


def test_the_importance_weighted_bound_grows_with_the_paths_to_the_evidence(key):
    series, model = latents.example(t=3, missing=False, size=0.4), latents.amortised("brownian")
    evidence = float(latents.evidence("brownian", series))
    logs = log_weights(look(ELBO(paths=2**15, importance=True, steps=16), model, series, key))
    bounds = [jax.nn.logsumexp(logs.reshape(-1, k), axis=1).mean() - math.log(k) for k in (1, 4, 16, 256)]
    # The same draws in larger groups: by Jensen each mean is above the last without any error of sampling.
    assert (np.diff(bounds) > 0).all()
    assert bounds[0] < evidence - 1
    assert abs(bounds[-1] - evidence) < 0.1


def test_the_loss_is_a_mean_over_series_of_the_bound(key):
    model = latents.amortised("modes", awake=0.3)
    data = latents.stack(latents.example(0), latents.example(1))
    keys = jax.random.split(key, 2)
    objective = ELBO(paths=3, steps=4)
    loss, metrics = eqx.filter_jit(lambda k: objective(model, data, key=k))(key)
    bounds = [look(objective, model, series, k) for series, k in zip(data, keys, strict=True)]
    values = [analytic(b).mean() for b in bounds]
    np.testing.assert_allclose(loss, -np.mean(values), rtol=1e-5)
    np.testing.assert_allclose(metrics["elbo"], np.mean(values), rtol=1e-5)
    parts = metrics["log_likelihood"] - metrics["kl_path"] - metrics["kl_start"]
    np.testing.assert_allclose(parts, metrics["elbo"], rtol=1e-5)
    np.testing.assert_allclose(metrics["elbo_per_value"], np.sum(values) / data.mask.sum(), rtol=1e-5)
    # A weighted one: the loss takes the weight, the metrics do not.
    half, same = eqx.filter_jit(lambda k: ELBO(paths=3, steps=4, kl_weight=0.5)(model, data, key=k))(key)
    np.testing.assert_allclose(same["elbo"], metrics["elbo"], rtol=1e-5)
    np.testing.assert_allclose(half, loss - 0.5 * (metrics["kl_path"] + metrics["kl_start"]), rtol=1e-5)


def test_padding_and_what_is_masked_change_nothing(key):
    model, objective = latents.amortised("modes", awake=0.3), ELBO(paths=2, importance=True, steps=4)
    series = latents.example()
    other = Series(series.ts, jnp.where(series.mask, series.ys, jnp.nan), series.mask).pad(9)
    for bound in (objective, ELBO(paths=2, importance=True, steps=4, grade=0.6)):
        for found, expected in zip(look(bound, model, other, key), look(bound, model, series, key), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_graded_steps_are_a_geometric_progression_and_equal_ones_for_grade_one(key):
    ts = jnp.array([0.0, 1.0, 1.5])
    graded = np.diff(graded_times(ts, 4, 0.5))
    np.testing.assert_allclose(graded, np.array([8, 4, 2, 1, 4, 2, 1, 0.5]) / 15, rtol=1e-5)
    np.testing.assert_allclose(graded_times(ts, 4, 1.0), [0, 0.25, 0.5, 0.75, 1, 1.125, 1.25, 1.375, 1.5], rtol=1e-6)
    np.testing.assert_array_equal(graded_times(jnp.array([0.0, 1.0, 1.0]), 2, 0.5)[3:], 1.0)
    # The times of equal steps, solved one step each, are the same bound as `steps` of the engine.
    model, series = latents.amortised("modes", awake=0.3), latents.example()
    near = look(ELBO(paths=2, steps=4, grade=1 - 1e-6), model, series, key)
    for found, expected in zip(near, look(ELBO(paths=2, steps=4), model, series, key), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_shifting_all_times_changes_nothing_though_the_noise_has_a_past(key):
    # The control knows no time of its own; the third mode of the driver is read by the time since the first row.
    control = ControlMLP(1, 1, 5, 8, 1, driver=latents.DRIVERS["modes"], frequencies=(), key=key)
    stirred = jax.random.normal(key, control.mlp.layers[-1].weight.shape) * 0.3
    control = eqx.tree_at(lambda m: m.mlp.layers[-1].weight, control, stirred)
    model = eqx.tree_at(lambda m: m.control, latents.amortised("modes", awake=0.3), control)
    objective, series = ELBO(paths=2, importance=True, steps=4), latents.example()
    later = Series(series.ts + 8.0, series.ys, series.mask)
    for found, expected in zip(look(objective, model, later, key), look(objective, model, series, key), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    ts = jnp.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(model.sample(ts + 8, key=key).xs, model.sample(ts, key=key).xs, rtol=1e-4, atol=1e-5)
    found, expected = (kl_rates(model, s, key=key, n=2, steps=2).values for s in (later, series))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@each
def test_graded_steps_tighten_the_bound_of_sharp_observations(name, key):
    noise, series = 0.03, latents.example(size=0.5)
    model, evidence = latents.exact(name, noise=noise), float(latents.evidence(name, series, noise))
    gaps = []
    for grade in (1.0, 0.5):
        bound = look(ELBO(paths=400, importance=True, steps=8, grade=grade), model, series, key)
        gaps.append(evidence - log_weights(bound).mean())
    assert 0 < gaps[1] < 0.5 * gaps[0], gaps


def test_series_that_share_their_times_give_the_same_loss(key):
    model = latents.amortised("modes", awake=0.3)
    one, two = latents.example(0), latents.example(1)
    data = latents.stack(one, Series(one.ts, two.ys, two.mask))
    loss = eqx.filter_jit(lambda o, d: o(model, d, key=key)[0])
    np.testing.assert_allclose(loss(ELBO(steps=3, shared=True), data), loss(ELBO(steps=3), data), rtol=1e-4)
    with pytest.raises(Exception, match="must be alike for all series"):
        loss(ELBO(steps=3, shared=True), latents.stack(one, two)).block_until_ready()


def test_a_permuted_batch_gives_permuted_bounds(key):
    model, objective = latents.amortised("brownian", awake=0.3), ELBO(steps=4)
    data = latents.stack(*(latents.example(seed) for seed in range(4)))
    keys = jax.random.split(key, 4)
    many = eqx.filter_jit(lambda d, k: jax.vmap(lambda s, k: objective.look(model, s, key=k))(d, k))
    order = np.array([2, 0, 3, 1])
    for found, expected in zip(many(data[order], keys[order]), many(data, keys), strict=True):
        np.testing.assert_allclose(found, expected[order], rtol=1e-4, atol=1e-5)


def test_gradients_are_finite_and_reach_every_parameter(key):
    model = latents.amortised("modes", awake=0.1)
    series = latents.example()
    data = Series(series.ts, jnp.where(series.mask, series.ys, jnp.nan), series.mask).pad(8)
    loss = lambda m: ELBO(paths=2, importance=True, steps=3)(m, data, key=key)[0]
    gradient = eqx.filter_jit(eqx.filter_grad(loss))(model)
    free = sk.trainable(model)
    leaves = jax.tree_util.tree_flatten_with_path(eqx.filter(gradient, free))[0]
    assert leaves
    for path, leaf in leaves:
        assert np.isfinite(leaf).all(), path
        assert np.any(leaf), path


@pytest.mark.slow
def test_a_short_fit_raises_the_bound_with_annealing(key):
    model = latents.amortised("brownian")
    model = eqx.tree_at(lambda m: m.initial, model, latents.START, is_leaf=lambda x: x is None)
    data = latents.stack(*(latents.example(seed) for seed in range(8)))
    objective = ELBO(kl_weight=optax.linear_schedule(0.1, 1.0, 20), steps=4)
    fit = sk.fit(model, objective, data, key=key, steps=60, chunk=20, optimiser=optax.adam(2e-2), progress=False)
    history = fit.history["elbo"]
    assert history[-1] > history[0] + 0.5, history
    assert not np.allclose(fit.model.initial.mean, model.initial.mean)
    _, first = objective.at(0)(model, data, key=key)
    _, last = objective(model, data, key=key)
    assert first.keys() == last.keys()


@pytest.mark.slow
def test_smoothing_has_the_moments_of_the_exact_posterior_and_forecasts_follow_the_prior(key):
    series, model, process = latents.example(), latents.exact("modes"), latents.driven("modes")
    law = Observed(process, GaussianObservation(latents.NOISE, matrix=process.reads)).condition(series).process
    end = float(series.ts[-1])
    ts = jnp.concatenate([series.ts[1:3], jnp.array([0.5 * end + 0.01, end, end + 1.0])])
    paths = model.smooth(series, jnp.sort(ts), key=key, n=2000)
    assert paths.xs.shape == (2000, 5, 1)
    mean, cov = law.marginals(jnp.sort(ts))
    spread = jnp.sqrt(cov[:, 0, 0])
    # Five standard errors of 2000 draws, and what the step of the control costs.
    np.testing.assert_allclose(paths.xs.mean(0)[:, 0], mean[:, 0], atol=0.11 * float(spread.max()) + 0.005)
    np.testing.assert_allclose(paths.xs.std(0)[:, 0] / spread, 1.0, atol=0.1)
    later = jnp.array([end + 0.5, end + 1.0])
    np.testing.assert_array_equal(model.forecast(series, later, key=key, n=3).xs.shape, (3, 2, 1))
    seen = forecast(model, series, later, key=key, n=4000)
    variance = law.marginals(later)[1][:, 0, 0] + latents.NOISE**2
    np.testing.assert_allclose(seen.xs.var(0)[:, 0] / variance, 1.0, atol=0.14)
    with pytest.raises(ValueError, match="after the last observed time"):
        model.forecast(series, jnp.array([end]), key=key)
    with pytest.raises(Exception, match="before the first time"):
        model.smooth(series, jnp.array([-1.0, 0.0]), key=key)


def test_prior_paths_are_paths_of_observations(key):
    model, process = latents.amortised("modes"), latents.driven("modes")
    xs = model.sample(jnp.array([0.0, 1.0]), key=key, n=4000).xs[:, 1, 0]
    variance = float(process.marginal(1.0).covariance_matrix[0, 0]) + latents.NOISE**2
    assert abs(np.var(xs) / variance - 1) < 5.5 * math.sqrt(2 / 4000)
    assert model.dim == 1


@pytest.mark.slow
def test_a_collapsed_posterior_is_found_and_one_that_works_is_not(key):
    data = latents.stack(latents.example(0), latents.example(1))
    table = posterior_collapse(latents.amortised("modes"), data, key=key, n=4)
    assert table.units == 0
    np.testing.assert_allclose(table.kl_path, 0, atol=1e-12)
    np.testing.assert_allclose(table.kl_start, 0, atol=1e-12)
    model = latents.exact("modes")
    table = posterior_collapse(model, data, key=key, n=16)
    assert table.units == 1 and table.signal[0] > 0.1
    assert "yes" in str(table)
    # The rates add up to the divergence of the paths, which the state carries.
    rates = kl_rates(model, data[0], key=key, n=400, steps=16)
    assert rates.values.shape == (5, 1)
    total = (jnp.diff(rates.ts)[:, None] * rates.values).sum()
    energy = look(ELBO(paths=400, steps=16), model, data[0], key).energy
    assert abs(total - energy.mean()) < 10 * energy.std() / math.sqrt(400)


@pytest.mark.slow
def test_two_components_a_decoder_and_counts(key):
    d, e = 2, 3
    keys = jax.random.split(key, 4)
    base = Diffusion(
        lambda t, x: -x, lambda t, x: 0.5 * jnp.ones(d), dist.Delta(jnp.zeros(d), event_dim=1), structure=Additive
    )
    model = LatentSDE(
        base,
        Decoded(eqx.nn.MLP(d, e, 8, 1, key=keys[0]), PoissonObservation()),
        FirstFrames(e, 2, 8, 1, 4, key=keys[1]),
        ControlMLP(d, d, 4, 8, 1, key=keys[2]),
        initial=dist.Normal(jnp.zeros(d), jnp.ones(d)).to_event(1),
        head=GaussianHead(4, d, 8, 1, key=keys[3]),
    )
    series = Series(jnp.array([0.0, 0.5, 1.0]), jnp.ones((3, e)))
    loss, metrics = ELBO(paths=2, dt=0.25)(model, series, key=key)
    assert np.isfinite(loss) and metrics["kl_path"] == 0
    assert {"initial.base_dist.loc", "initial.base_dist.scale"} <= set(sk.named_parameters(model))
    assert model.sample(series.ts, key=key, n=2).xs.shape == (2, 3, e)
    assert posterior_collapse(model, series, key=key, n=2, steps=2).signal.shape == (d,)


def test_what_does_not_fit_is_refused(key):
    base, seen = sk.processes.OrnsteinUhlenbeck(rate=1.0), sk.GaussianObservation(0.1)
    encoder = FirstFrames(1, 2, 4, 1, 3, key=key)
    control = ControlMLP(1, 1, 3, 4, 1, key=key)
    with pytest.raises(ValueError, match=r"LatentSDE\.head"):
        LatentSDE(base, seen, encoder, control, GaussianHead(3, 2, 4, 1, key=key))
    with pytest.raises(ValueError, match=r"LatentSDE\.control"):
        LatentSDE(base, seen, encoder, ControlMLP(1, 2, 3, 4, 1, key=key))
    positive = dist.LogNormal(jnp.zeros(1), 1.0).to_event(1)
    with pytest.raises(ValueError, match=r"LatentSDE\.initial"):
        LatentSDE(sk.processes.OrnsteinUhlenbeck(1.0, 0.0, 1.0, positive), seen, encoder, control)
    model = LatentSDE(base, seen, encoder, control)
    with pytest.raises(TypeError, match="must be a LatentSDE"):
        ELBO()(base, latents.example(), key=key)
    with pytest.raises(ValueError, match=r"ELBO\.paths"):
        ELBO(paths=0)
    with pytest.raises(ValueError, match=r"ELBO\.kl_weight"):
        ELBO(kl_weight=-1.0)
    with pytest.raises(ValueError, match="one series"):
        model.posterior(latents.example().stack())
