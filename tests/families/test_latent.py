"""A latent SDE as a newcomer writes it: amortised posterior, ELBO with the path divergence integrated along the solve.

The prior is an Ornstein-Uhlenbeck process seen through noise, so that the evidence is known exactly (Kalman): the bound
must stay below it, come near it, and give its parameters back (Li, Wong, Chen, Duvenaud 2020).
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
import optax

import sdekit as sk
from sdekit.data import Series
from sdekit.inference import (
    AbstractObjective,
    GaussianObservation,
    MarginalLikelihood,
    Observed,
    confidence,
    girsanov_energy,
)
from sdekit.noise import Brownian, Grid
from sdekit.processes import AbstractDiffusion, AbstractNumericalDiffusion, Additive, Ito, OrnsteinUhlenbeck


def following(series, t):
    """What the posterior looks at: how far off the next two observations are, and their values."""
    seen = series.mask[:, 0]
    ahead = seen & (series.ts >= t)
    first = jnp.argmax(ahead)
    second = jnp.argmax(ahead & (jnp.arange(len(seen)) > first))
    one, two = ahead.any(), ahead.sum() > 1
    lag = lambda i, ok: jnp.where(ok, jnp.exp(t - series.ts[i]), 0.0)
    value = lambda i, ok: jnp.where(ok, series.ys[i, 0], 0.0)
    return jnp.stack([lag(first, one), value(first, one), lag(second, two), value(second, two)])


class Controlled(AbstractDiffusion):
    """The prior with the control of the network added to its noise, given one series."""

    prior: Observed
    network: eqx.nn.MLP
    series: Series
    initial: dist.Distribution
    interpretation: ClassVar = Ito
    structure: ClassVar = Additive
    dim = 1

    def drift(self, t, x):
        u = self.network(jnp.concatenate([x, following(self.series, t)]))
        return self.prior.process.drift(t, x) + self.prior.process.diffusion(t, x).mv(u)

    def diffusion(self, t, x):
        return self.prior.process.diffusion(t, x)

    def draw(self, ts, *, key):
        return sk.solve(self, ts, key=key)


class WithDivergence(AbstractNumericalDiffusion):
    """State `(x, divergence of the path so far)`."""

    posterior: Controlled
    interpretation: ClassVar = Ito
    structure: ClassVar = Additive
    dim = 2

    @property
    def initial(self):
        return self.posterior.initial

    def drift(self, t, x):
        rate = girsanov_energy(self.posterior, self.posterior.prior.process, t, x[:1])
        return jnp.append(self.posterior.drift(t, x[:1]), rate)

    def diffusion(self, t, x):
        return lx.DiagonalLinearOperator(jnp.append(lx.diagonal(self.posterior.diffusion(t, x[:1])), 0.0))


class LatentSDE(sk.AbstractParametric):
    """An observed prior, the network of the control, and the network of the initial posterior."""

    prior: Observed
    control: eqx.nn.MLP
    start: eqx.nn.MLP

    def posterior(self, series):
        mean, log_scale = self.start(following(series, series.ts[0]))
        initial = dist.Normal(mean[None], jnp.exp(log_scale)[None]).to_event(1)
        return Controlled(self.prior, self.control, series, initial)


class ELBO(AbstractObjective):
    """Minus the evidence lower bound by one path a series."""

    steps: int = eqx.field(static=True, default=6)

    def bound(self, model, item, key):
        posterior = model.posterior(item)
        first, rest = jax.random.split(key)
        x0 = posterior.initial.sample(first)
        noise = Brownian(Grid(item.ts, self.steps), dim=2, key=rest)
        path = sk.solve(WithDivergence(posterior), item.ts, noise=noise, x0=jnp.append(x0, 0.0))
        fit = jax.vmap(model.prior.observation.log_prob)(path.xs[:, :1], item.ys, item.mask).sum()
        divergence = dist.kl_divergence(posterior.initial, model.prior.process.initial).sum()
        return fit - path.xs[-1, 1] - divergence

    def __call__(self, model, batch, *, key):
        batch = batch.stack()
        keys = jax.random.split(key, len(batch))
        elbo = jax.vmap(lambda item, k: self.bound(model, item, k))(batch, keys).mean()
        return -elbo, {"elbo": elbo}


def test_the_bound_is_below_the_evidence_and_gives_the_parameters_back():
    rng = np.random.default_rng(0)
    truth = Observed(OrnsteinUhlenbeck(rate=1.0, mean=0.5, scale=0.9), GaussianObservation(0.3))
    ts = [np.sort(rng.uniform(0.0, 4.0, k)) for k in rng.integers(8, 14, 48)]
    ys = []
    for k, t in enumerate(ts):
        y = np.array(truth.sample(jnp.asarray(t), key=jax.random.fold_in(jax.random.key(1), k)).xs)
        y[rng.uniform(size=y.shape) < 0.15] = np.nan
        ys.append(y)
    data = Series.from_list(ts, ys)
    k1, k2, k3 = jax.random.split(jax.random.key(2), 3)
    mlp = lambda i, o, k: eqx.nn.MLP(i, o, 24, 2, jax.nn.softplus, key=k)
    start = Observed(OrnsteinUhlenbeck(rate=0.5, mean=0.0, scale=0.5), GaussianObservation(0.5))
    fit = sk.fit(
        LatentSDE(start, mlp(5, 1, k1), mlp(4, 2, k2)), ELBO(), data, key=k3, steps=1200,
        optimiser=optax.adam(optax.cosine_decay_schedule(1e-2, 1200)), progress=False,
    )  # fmt: skip
    table = confidence(fit.model.prior, MarginalLikelihood(), data)
    for name, value in sk.named_parameters(truth).items():
        i = table.names.index(name)
        assert abs(table.estimate[i] - float(value[0])) < 3 * table.standard_error[i], (name, table)
    evidence = -MarginalLikelihood()(fit.model.prior, data, key=k1)[0]
    elbo = np.asarray([-ELBO()(fit.model, data, key=jax.random.fold_in(k1, i))[0] for i in range(10)])
    assert elbo.mean() < evidence + 3 * elbo.std() / np.sqrt(10)
    assert elbo.mean() > evidence - 0.5, (elbo.mean(), evidence)
