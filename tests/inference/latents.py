"""A latent SDE whose posterior is known: the exact control and start of a linear Gaussian model, for any driver."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from sdekit._lifted import brownian_gain
from sdekit.data import Series
from sdekit.inference import GaussianObservation, LatentSDE, Observed
from sdekit.nets import AbstractEncoder, AheadContext, ControlMLP, GaussianHead, GRUEncoder, next_observed
from sdekit.noise import AbstractDriver, BrownianDriver
from sdekit.processes import DrivenOrnsteinUhlenbeck


NOISE = 0.3


class Toy(AbstractDriver):
    """Two modes that move and start somewhere random, one that does not, and the Brownian motion itself."""

    rates: jax.Array
    still: ClassVar[int] = 1
    steady: ClassVar[bool] = True
    direct: ClassVar[float] = 0.3

    def readout(self, t):
        return jnp.stack([jnp.array(0.8), jnp.array(-0.5), 0.7 * t])

    @property
    def start(self):
        return jnp.array([[0.4, 0.0], [0.2, 0.0], [0.0, 1.0]])


DRIVERS = {"brownian": BrownianDriver(), "modes": Toy(jnp.array([0.5, 6.0]))}
START = dist.Normal(jnp.array([0.2]), jnp.array([0.6])).to_event(1)


def driven(name):
    return DrivenOrnsteinUhlenbeck(DRIVERS[name], rate=0.9, mean=0.4, scale=0.8, start=START)


def evidence(name, series, noise=NOISE):
    process = driven(name)
    return Observed(process, GaussianObservation(noise, matrix=process.reads)).log_prob(series)


def back(a, b, q, j, h):
    """From `exp(-x' J x / 2 + h' x)` of the later state to that of the earlier one."""
    inner = jnp.linalg.solve(jnp.eye(len(h)) + j @ q, jnp.concatenate([j @ a, (h - j @ b)[:, None]], axis=1))
    return a.T @ inner[:, :-1], a.T @ inner[:, -1]


class BackwardInformation(AbstractEncoder):
    """At each row the density of what is observed there and later, as a function of the state: `J` and `h`."""

    process: DrivenOrnsteinUhlenbeck
    noise: float

    @property
    def size(self):
        return self.process.dim**2 + self.process.dim + 1

    def __call__(self, series):
        d = self.process.dim
        c = self.process.reads[0]

        def step(carry, row):
            j, h, after = carry
            t, y, seen = row
            earlier = back(*self.process.discretise(t, after), j, h)
            j = earlier[0] + jnp.where(seen, 1, 0) * jnp.outer(c, c) / self.noise**2
            h = earlier[1] + jnp.where(seen, y, 0) * c / self.noise**2
            return (j, h, t), jnp.concatenate([j.ravel(), h])

        # Rows without observations hold what the next observed one does.
        following, seen = next_observed(series)
        zero = (jnp.zeros((d, d)), jnp.zeros(d), series.ts[-1] + 1.0)
        rows = (series.ts, series.ys[:, 0], series.mask[:, 0])
        _, values = jax.lax.scan(step, zero, rows, reverse=True)
        return AheadContext(series.ts, values[jnp.searchsorted(series.ts, following)], following, seen)


def unpack(context, d):
    return context[: d * d].reshape(d, d), context[d * d : d * d + d], context[-1]


class ExactControl(eqx.Module):
    """The Brownian motion is pulled along the gradient of the log-density of what lies ahead."""

    process: DrivenOrnsteinUhlenbeck

    def __call__(self, t, x, z, context):
        j, h, lag = unpack(context, self.process.dim)
        j, h = back(*self.process.discretise(t, t + lag), j, h)
        driver = self.process.driver
        moved = self.process.scale * brownian_gain(driver, t, 1)
        g = jnp.concatenate([moved, jnp.ones(driver.modes), jnp.zeros(driver.still)])
        return (g @ (h - j @ jnp.concatenate([x, z.ravel()])))[None]


class ExactStart(eqx.Module):
    process: DrivenOrnsteinUhlenbeck
    mean: jax.Array
    root: jax.Array

    def __call__(self, context):
        j, h, _ = unpack(context, self.process.dim)
        precision = jnp.eye(self.root.shape[1]) + self.root.T @ j @ self.root
        cov = jnp.linalg.inv(precision)
        return dist.MultivariateNormal(cov @ self.root.T @ (h - j @ self.mean), covariance_matrix=cov)


def exact(name, dt=0.02, noise=NOISE):
    """The model with its own posterior."""
    process = driven(name)
    encoder, control = BackwardInformation(process, noise), ExactControl(process)
    plain = LatentSDE(process.base, GaussianObservation(noise), encoder, control, driver=process.driver, dt=dt)
    where = plain.placement()
    return eqx.tree_at(
        lambda m: m.head, plain, ExactStart(process, where.mean, where.root), is_leaf=lambda x: x is None
    )


def amortised(name, key=0, awake=0.0):
    """The same prior with small networks; `awake` moves what starts at zero."""
    process = driven(name)
    keys = jax.random.split(jax.random.key(key), 4)
    n = 1 + process.driver.start.shape[1]
    control = ControlMLP(1, 1, 5, 8, 1, driver=process.driver, key=keys[1])
    head = GaussianHead(5, n, 8, 1, key=keys[2])
    stir = lambda net, k: eqx.tree_at(
        lambda m: m.mlp.layers[-1].weight,
        net,
        awake * jax.random.normal(k, net.mlp.layers[-1].weight.shape),
    )
    return LatentSDE(
        process.base, GaussianObservation(NOISE), GRUEncoder(1, 8, 5, key=keys[0]), stir(control, keys[3]),
        stir(head, jax.random.fold_in(keys[3], 1)), process.driver, dt=0.05,
    )  # fmt: skip


def example(seed=0, t=6, missing=True, size=1.0):
    """One series with irregular times and, if asked, rows that are missing."""
    rng = np.random.default_rng(seed)
    ts = np.append(0.0, np.cumsum(rng.uniform(0.1, 0.5, t - 1)))
    ys = size * rng.normal(size=(t, 1))
    mask = np.ones((t, 1), bool)
    if missing:
        mask[2] = False
    return Series(ts, np.where(mask, ys, 0.0), mask)


def stack(*series):
    return Series(*(jnp.stack([getattr(s, name) for s in series]) for name in ("ts", "ys", "mask")))
