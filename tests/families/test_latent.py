"""A latent SDE as a newcomer writes it: amortised posterior, importance weights integrated along the solve.

The prior is an Ornstein-Uhlenbeck process seen through noise, so that the evidence is known exactly (Kalman): the bound
must stay below it, come near it, and give its parameters back (Li, Wong, Chen, Duvenaud 2020).
"""

from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
import optax
import pytest

import sdekit as sk
from sdekit.data import Series
from sdekit.inference import (
    AbstractObjective,
    GaussianObservation,
    MarginalLikelihood,
    Observed,
    confidence,
)
from sdekit.processes import AbstractNumericalDiffusion, Ito, OrnsteinUhlenbeck, Scalar


GRID = jnp.linspace(0.0, 4.0, 81)
DECAYS = jnp.array([0.3, 1.0, 3.0, 10.0, 40.0])


def encode(series, t):
    """What the posterior looks at: how many observations lie ahead of `t`, and their sum, discounted at each rate."""
    lag = series.ts - t
    ahead = series.mask[:, 0] & (lag >= 0)
    weights = jnp.where(ahead, jnp.exp(-jnp.outer(DECAYS, jnp.where(ahead, lag, 0.0))), 0.0)
    return weights.sum(1), weights @ series.ys[:, 0]


def network(size, key):
    """A small network that starts at zero, so that the posterior starts at the prior."""
    mlp = eqx.nn.MLP(len(DECAYS), size, 16, 2, jax.nn.softplus, key=key)
    return eqx.tree_at(lambda m: (m.layers[-1].weight, m.layers[-1].bias), mlp, replace_fn=jnp.zeros_like)


class Posterior(AbstractNumericalDiffusion):
    """The prior with a control added to its noise, given one series. State `(x, log dQ/dP of the path so far)`."""

    prior: Observed
    network: eqx.nn.MLP
    series: Series
    initial: dist.Distribution
    interpretation: ClassVar = Ito
    structure: ClassVar = Scalar
    dim = 2

    def control(self, t, x):
        count, total = encode(self.series, t)
        gains = self.network(jnp.log1p(count))
        return gains[:-1] @ (total - count * x) + gains[-1:] * count[:1]

    def drift(self, t, x):
        u, process = self.control(t, x[:1]), self.prior.process
        return jnp.append(process.drift(t, x[:1]) + process.diffusion(t, x[:1]).mv(u), 0.5 * (u @ u))

    def diffusion(self, t, x):
        u, g = self.control(t, x[:1]), self.prior.process.diffusion(t, x[:1])
        return lx.MatrixLinearOperator(jnp.concatenate([g.as_matrix(), u[None]]))


class LatentSDE(sk.AbstractParametric):
    """An observed prior, the network of the control, and the network of the initial posterior."""

    prior: Observed
    control: eqx.nn.MLP
    start: eqx.nn.MLP

    def posterior(self, series):
        count, total = encode(series, GRID[0])
        gains = self.start(jnp.log1p(count))
        initial = dist.Normal((gains[:-2] @ total + gains[-2])[None], jnp.exp(gains[-1:])).to_event(1)
        return Posterior(self.prior, self.control, series, initial)


class ELBO(AbstractObjective):
    """Minus the importance-weighted bound (Burda et al. 2016) by a few paths a series.

    The paths are solved on a common grid and read at the series' own times. One path a series biases the parameters
    towards models whose posterior is easy; a few remove most of that.
    """

    paths: int = eqx.field(static=True, default=4)

    def log_weight(self, model, item, key):
        posterior, prior = model.posterior(item), model.prior.process.initial
        first, rest = jax.random.split(key)
        x0 = posterior.initial.sample(first)
        start = jnp.append(x0, posterior.initial.log_prob(x0) - prior.log_prob(x0))
        path = sk.solve(posterior, GRID, key=rest, x0=start, dt=0.05, solver=diffrax.Euler())
        ts = jnp.where(item.mask[:, 0], item.ts, GRID[0])
        xs = jax.vmap(path)(ts)[:, :1]
        return jax.vmap(model.prior.observation.log_prob)(xs, item.ys, item.mask).sum() - path.xs[-1, 1]

    def __call__(self, model, batch, *, key):
        batch = batch.stack()
        keys = jax.random.split(key, len(batch))
        one = lambda item, key: jax.vmap(lambda k: self.log_weight(model, item, k))(jax.random.split(key, self.paths))
        logs = jax.vmap(one)(batch, keys)
        elbo = (jax.nn.logsumexp(logs, axis=1) - jnp.log(self.paths)).mean()
        return -elbo, {"elbo": elbo}


@pytest.mark.slow
def test_the_bound_is_below_the_evidence_and_gives_the_parameters_back():
    rng = np.random.default_rng(0)
    truth = Observed(OrnsteinUhlenbeck(rate=1.0, mean=0.5, scale=0.9), GaussianObservation(0.5))
    ts = [np.sort(rng.uniform(0.0, 4.0, k)) for k in rng.integers(8, 14, 24)]
    ys = []
    for k, t in enumerate(ts):
        y = np.array(truth.sample(jnp.asarray(t), key=jax.random.fold_in(jax.random.key(1), k)).xs)
        y[rng.uniform(size=y.shape) < 0.15] = np.nan
        ys.append(y)
    data = Series.from_list(ts, ys)
    k1, k2, k3 = jax.random.split(jax.random.key(2), 3)
    start = Observed(OrnsteinUhlenbeck(rate=0.6, mean=0.0, scale=0.6), GaussianObservation(0.8))
    fit = sk.fit(
        LatentSDE(start, network(6, k1), network(7, k2)), ELBO(), data, key=k3, steps=600,
        optimiser=optax.adam(optax.cosine_decay_schedule(2e-2, 600)), progress=False,
    )  # fmt: skip
    table = confidence(fit.model.prior, MarginalLikelihood(), data)
    for name, value in sk.named_parameters(truth).items():
        i = table.names.index(name)
        assert abs(table.estimate[i] - float(value[0])) < 3 * table.standard_error[i], (name, table)
    evidence = -MarginalLikelihood()(fit.model.prior, data, key=k1)[0]
    elbo = np.asarray([-ELBO()(fit.model, data, key=jax.random.fold_in(k1, i))[0] for i in range(10)])
    # The path is read between grid points along straight lines, which costs or gains up to 0.1 a series.
    assert elbo.mean() < evidence + 0.1 + 3 * elbo.std() / np.sqrt(10)
    assert elbo.mean() > evidence - 0.4, (elbo.mean(), evidence)
