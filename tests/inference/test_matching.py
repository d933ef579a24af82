"""The bound of a posterior that is known by its marginals, against evidence in closed form and against a solve."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
import pytest

from sdekit._process import Additive, Diagonal, General, Ito, Stratonovich
from sdekit.data import Series
from sdekit.inference import ELBO, GaussianObservation, LatentSDE, SDEMatching
from sdekit.nets import (
    AbstractEncoder,
    AbstractMarginals,
    BetweenEncoder,
    ConstantContext,
    ControlMLP,
    FirstFrames,
    GaussianHead,
    MarginalMLP,
)
from sdekit.noise import MarkovFractional
from sdekit.processes import BrownianMotion, Diffusion, OrnsteinUhlenbeck

from . import latents


class Whole(AbstractEncoder):
    """All of a series, as numbers."""

    rows: int

    @property
    def size(self):
        return 3 * self.rows

    def __call__(self, series):
        return ConstantContext(jnp.concatenate([series.ts, series.ys[:, 0], series.mask[:, 0]]))


class Smoothed(AbstractMarginals):
    """The exact smoothing laws of an Ornstein-Uhlenbeck process, by conditioning of its covariance."""

    process: OrnsteinUhlenbeck
    noise: float

    def prior(self, t):
        p = self.process
        start, mean = p.initial.mean, p.mean
        return mean[0] + (start[0] - mean[0]) * jnp.exp(-p.rate[0] * t)

    def cov(self, s, t):
        rate, scale = self.process.rate[0], self.process.scale[0]
        free = scale**2 / (2 * rate)
        return free * jnp.exp(-rate * jnp.abs(t - s)) + (self.process.initial.variance[0] - free) * jnp.exp(
            -rate * (s + t)
        )

    def __call__(self, t, context):
        ts, ys, mask = jnp.split(context, 3)
        k = self.cov(ts[:, None], ts[None]) * jnp.outer(mask, mask)
        k = k + jnp.diag(jnp.where(mask > 0, self.noise**2, 1.0))
        across = self.cov(ts, t) * mask
        gain = jnp.linalg.solve(k, across)
        mean = self.prior(t) + gain @ (mask * (ys - self.prior(ts)))
        return mean[None], jnp.sqrt(self.cov(t, t) - gain @ across)[None, None]


def exact():
    process = latents.driven("brownian").base
    whole = OrnsteinUhlenbeck(process.rate, process.mean, process.scale, latents.START)
    return LatentSDE(whole, GaussianObservation(latents.NOISE), Whole(6), Smoothed(whole, latents.NOISE))


@eqx.filter_jit
def look(objective, model, series, key):
    return objective.look(model, series, key=key)


def test_the_bound_at_the_exact_marginals_is_the_evidence(key):
    """5 standard errors: a false-alarm rate of 1e-6."""
    series = latents.example()
    found = look(SDEMatching(times=8, paths=4000), exact(), series, key)
    values = np.asarray(found.log_likelihood - found.energy - found.kl_start)
    gap = values.mean() - latents.evidence("brownian", series)
    assert abs(gap) < 5 * values.std() / np.sqrt(len(values)), gap


@pytest.mark.parametrize("rows", [1, 2])
def test_rows_stand_for_all_rows(rows, key):
    """5 standard errors: a false-alarm rate of 1e-6."""
    model, data = neural("additive", key), series()
    some = look(SDEMatching(times=1, rows=rows, paths=20_000), model, data, key)
    every = look(SDEMatching(times=1, paths=20_000), model, data, jax.random.fold_in(key, 1))
    a, b = np.asarray(some.log_likelihood), np.asarray(every.log_likelihood)
    assert abs(a.mean() - b.mean()) < 5 * np.sqrt((a.var() + b.var()) / len(a))
    assert a.var() > b.var()


def mixed(t, x):
    turn = 0.3 * jnp.sin(x[0] + t)
    return lx.MatrixLinearOperator(jnp.array([[0.8 + 0.2 * jnp.tanh(x[1]), turn], [-0.2, 0.7 + 0.2 * jnp.cos(x[0])]]))


CASES = {
    "additive": (Additive, Ito, lambda t, x: jnp.array([0.6, 0.9])),
    "diagonal": (Diagonal, Ito, lambda t, x: 0.7 + 0.2 * jnp.sin(x + t)),
    "general": (General, Stratonovich, mixed),
}


def neural(case, key):
    structure, sense, diffusion = CASES[case]
    keys = jax.random.split(key, 2)
    start = dist.Normal(jnp.array([0.1, -0.2]), jnp.array([0.5, 0.4])).to_event(1)
    drift = lambda t, x: jnp.array([x[1], -jnp.sin(x[0])])
    base = Diffusion(drift, diffusion, start, structure=structure, interpretation=sense)
    encoder = BetweenEncoder(dim=2, width=6, size=5, gap=0.3, key=keys[0])
    marginals = MarginalMLP(dim=2, context=encoder.size, width=8, depth=1, full=True, spread=0.5, key=keys[1])
    stir = lambda w: 5 * w  # away from the small initial weights
    marginals = eqx.tree_at(lambda m: m.mlp.layers[-1].weight, marginals, replace_fn=stir)
    return LatentSDE(base, GaussianObservation(jnp.full(2, 0.5)), encoder, marginals)


def series():
    ys = np.array([[0.3, -0.1], [0.0, 0.4], [-0.5, 0.2]])
    mask = np.array([[True, True], [True, False], [True, True]])
    return Series(np.array([0.0, 0.4, 0.9]), np.where(mask, ys, 0), mask)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_solve_of_the_same_posterior_gives_the_same_bound(case, key):
    """The paths have the marginals: all parts agree within 5 standard errors and the error of the step."""
    model = neural(case, key)
    ours = look(SDEMatching(times=16, paths=20_000), model, series(), key)
    theirs = look(ELBO(steps=64, paths=20_000), model, series(), key)
    for name in ("log_likelihood", "energy"):
        a, b = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        error = np.sqrt((a.var() + b.var()) / len(a))
        assert abs(a.mean() - b.mean()) < 5 * error + 0.01 * abs(b.mean()), (name, a.mean(), b.mean(), error)
    assert np.allclose(ours.kl_start, theirs.kl_start, rtol=1e-10)


def test_padding_and_what_is_masked_change_nothing(key):
    model, short = neural("additive", key), series()
    pad = lambda a, tail: np.concatenate([np.asarray(a), tail])
    padded = Series(pad(short.ts, [1.0, 1.1]), pad(short.ys, np.zeros((2, 2))), pad(short.mask, np.zeros((2, 2), bool)))
    context, longer = (model.encoder(s) for s in (short, padded))
    for t in (0.0, 0.35, 0.9, 2.0):
        assert np.allclose(context(t), longer(t), rtol=1e-12, atol=1e-14)
    a, b = (look(SDEMatching(times=4, paths=3), model, s, key) for s in (short, padded))
    assert np.allclose(a.energy, b.energy, rtol=1e-10)
    nothing = Series(short.ts, np.zeros((3, 2)), np.zeros((3, 2), bool))
    assert np.all(np.asarray(model.encoder(nothing)(0.5)) == 0)


def test_the_loss_is_a_mean_with_finite_gradients(key):
    model = neural("diagonal", key)
    batch = Series(*(jnp.stack([getattr(series(), name)] * 2) for name in ("ts", "ys", "mask")))
    objective = SDEMatching(times=4, paths=2, kl_weight=0.5)
    once = eqx.filter_jit(eqx.filter_value_and_grad(lambda m: objective(m, batch, key=key), has_aux=True))
    (loss, metrics), grads = once(model)
    parts = [look(objective, model, series(), k) for k in jax.random.split(key, 2)]
    each = [jnp.mean(p.log_likelihood - 0.5 * p.energy) - 0.5 * p.kl_start for p in parts]
    assert np.isclose(loss, -np.mean(each), rtol=1e-10)
    assert np.isclose(metrics["elbo"], metrics["log_likelihood"] - metrics["kl_path"] - metrics["kl_start"])
    assert all(np.all(np.isfinite(g)) for g in jax.tree.leaves(grads))
    assert all(np.any(g != 0) for g in jax.tree.leaves(grads.encoder))


def test_marginals_do_not_jump_and_are_smooth_between_rows(key):
    model = neural("additive", key)
    context = model.encoder(series())
    mean = jax.jit(lambda t: model.control(t, context(t))[0])
    for t in (0.2, 0.5, 1.3):
        slope = jax.jvp(mean, (t,), (1.0,))[1]
        assert np.allclose(slope, (mean(t + 1e-5) - mean(t - 1e-5)) / 2e-5, rtol=1e-6, atol=1e-8)
    for t in (0.0, 0.4, 0.9):
        assert np.allclose(mean(t - 1e-9), mean(t + 1e-9), atol=1e-8)


def test_what_does_not_fit_is_refused(key):
    model = neural("additive", key)
    parts = dict(base=model.base, observation=model.observation, encoder=model.encoder, control=model.control)
    with pytest.raises(ValueError, match="Brownian motion as the driver"):
        LatentSDE(**parts, driver=MarkovFractional(0.3))
    with pytest.raises(ValueError, match="not used with marginals"):
        LatentSDE(**parts, head=GaussianHead(8, 2, 4, 1, key=key))
    with pytest.raises(ValueError, match="must have a density"):
        LatentSDE(**parts, initial=dist.Delta(jnp.zeros(2), event_dim=1))
    with pytest.raises(ValueError, match="must give shapes"):
        LatentSDE(BrownianMotion(), GaussianObservation(0.1), model.encoder, model.control, initial=latents.START)
    encoder = FirstFrames(1, 2, 4, 1, 4, key=key)
    plain = LatentSDE(BrownianMotion(), GaussianObservation(0.1), encoder, ControlMLP(1, 1, 4, 4, 1, key=key))
    with pytest.raises(TypeError, match="must be marginals"):
        SDEMatching(times=2)(plain, latents.example(), key=key)
    for bad in ({"times": 0}, {"rows": 0}, {"paths": 0}, {"kl_weight": -1.0}):
        with pytest.raises(ValueError, match="SDEMatching"):
            SDEMatching(**bad)
    for bad in ({"floor": -1.0}, {"spread": 0.0}, {"width": 0}):
        with pytest.raises(ValueError, match="MarginalMLP"):
            MarginalMLP(**{"dim": 1, "context": 1, "width": 1, "depth": 1, "key": key, **bad})
    for bad in ({"size": 1}, {"width": 0}, {"gap": 0.0}):
        with pytest.raises(ValueError, match="BetweenEncoder"):
            BetweenEncoder(**{"dim": 1, "width": 1, "size": 2, "key": key, **bad})
