r"""Toys of the plane with known entropies, and the protocol in which flows on them are compared.

The network is 3 -> 128 x 3 -> 2 with SELU, trained by flow matching on straight lines between independent ends: Adam at
$10^{-3}$, batches of 256 from a pool of 200,000 points on each side. Likelihoods are those of the probability flow,
with the exact divergence and 50 Runge-Kutta steps, on 2000 new points.
"""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from .._draws import draws
from .._types import Array, Key, Law, RealScalar, State
from ..data import Snapshots
from ..interpolants import AffinePath, Field, GenerativeDiffusion, Velocity, flow_matching, log_prob
from ..nets import MLPField
from ..paths import SampledPath
from ..solve import solve
from ..transport import sliced_wasserstein
from ._training import single


__all__ = [
    "CHECKERBOARD_ENTROPY", "MOONS_ENTROPY", "POOL", "Waves", "checkerboard", "eight_gaussians", "leak", "moons",
    "pairs", "plain_field", "sampled", "scores", "standard_normal",
]  # fmt: skip

POOL, POINTS, SAMPLES, PROJECTIONS = 200_000, 2000, 5000, 500
CHECKERBOARD_ENTROPY = float(np.log(32))
"""Of eight cells of side 2, in nats."""
MOONS_ENTROPY = 2.567
"""By quadrature: arcs of radius 3, spread evenly over squares of side 0.6."""


class Waves(eqx.Module):
    """A perceptron of time and state, and of their sines and cosines at the frequencies 1, 2 and 4."""

    mlp: eqx.nn.MLP
    turn: float = eqx.field(static=True)
    """The angle of a unit of time."""

    def __init__(self, width: int, depth: int, key: Key, turn: float = 2 * np.pi):
        self.turn = turn
        self.mlp = eqx.nn.MLP(3 * 7, 2, width, depth, jax.nn.silu, key=key)

    def __call__(self, t: RealScalar, x: State) -> State:
        own = jnp.append(x, self.turn * jnp.asarray(t, x.dtype))
        phases = jnp.concatenate([own, 2 * own, 4 * own])
        return self.mlp(jnp.concatenate([own, jnp.sin(phases), jnp.cos(phases)]))


def checkerboard(n: int, key: Key) -> Array:
    """Even on eight cells of side 2 of the square [-4, 4]^2, shape `(n, 2)`."""
    keys = jax.random.split(key, 3)
    x = jax.random.uniform(keys[0], (n,), minval=-2.0, maxval=2.0)
    lower = 2.0 * jax.random.bernoulli(keys[2], 0.5, (n,))
    y = jax.random.uniform(keys[1], (n,)) - lower + jnp.floor(x) % 2
    return single(2 * jnp.stack([x, y], axis=1))


def leak(x: Array) -> Array:
    """The share of points off the cells of the checkerboard."""
    inside = jnp.all(jnp.abs(x) <= 4, axis=1)
    cell = jnp.floor(x / 2).astype(int).sum(1) % 2 == 0
    return 1 - jnp.mean(inside & cell)


def moons(n: int, key: Key) -> Array:
    """Two half circles of radius 3, and noise even on [0, 0.6]^2: those of torchcfm, from torchdyn; shape `(n, 2)`."""
    keys = jax.random.split(key, 3)
    half = jax.random.bernoulli(keys[0], 0.5, (n,))
    turn = jax.random.uniform(keys[1], (n,), maxval=jnp.pi)
    x = jnp.where(half, jnp.cos(turn), 1 - jnp.cos(turn))
    y = jnp.where(half, jnp.sin(turn), 0.5 - jnp.sin(turn))
    return single(3 * (jnp.stack([x, y], axis=1) + jax.random.uniform(keys[2], (n, 2), maxval=0.2)) - 1)


def standard_normal(dim: int = 2) -> Law:
    """$N(0, I)$."""
    return dist.Normal(jnp.zeros(dim, jnp.float32), jnp.float32(1)).to_event(1)


def eight_gaussians(variance: float = 0.1**0.5, radius: float = 5.0) -> Law:
    r"""Eight on a circle. The variance of torchcfm's is $\sqrt{0.1}$: its `var` of 0.1 is rooted once."""
    angle = jnp.arange(8) * (jnp.pi / 4)
    means = single(radius * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1))
    normal = dist.Normal(means, jnp.float32(variance**0.5)).to_event(1)
    return dist.MixtureSameFamily(dist.Categorical(logits=jnp.zeros(8, jnp.float32)), normal)


def pairs(base: Law, data: Array, key: Key) -> Snapshots:
    """As many draws of the base as there are data, at the times 0 and 1."""
    x0 = draws(base, data.shape[0], key)
    return Snapshots(jnp.array([0.0, 1.0], data.dtype), jnp.stack([x0.astype(data.dtype), data]))


def plain_field(key: Key, path: AffinePath | None = None, **network: Any) -> Field:
    """The network of the protocol as a velocity; its linear layers begin as PyTorch's."""
    size = {"width": 128, "depth": 3, "out_scale": 1.0, "activation": jax.nn.selu} | network
    net = single(MLPField(2, **size, time=True, key=key))
    return Field(flow_matching() if path is None else path, Velocity(net))


@eqx.filter_jit
def nll(field: Field, base: Law, x: Array, steps: int = 50) -> Array:
    """Nats a point, shape `(n,)`."""
    return -jax.vmap(lambda y: log_prob(field, y, base, steps=steps))(x)


def sampled(field: Field, base: Law, key: Key, n: int = SAMPLES, steps: int = 50) -> Array:
    """Where the flow takes draws of the base, by Heun's method."""
    import diffrax

    process = GenerativeDiffusion(field, 0.0, base)
    ts = jnp.array([0.0, 1.0], jnp.float32)
    path = solve(process, ts, key=key, n=n, steps=steps, solver=diffrax.Heun())
    return cast(SampledPath, path).xs[:, -1]


def scores(field: Field, base: Law, data: Any, key: Key, points: int = POINTS) -> dict[str, float]:
    """The negative log-likelihood of new data and the sliced W2 distance of samples from others."""
    keys = jax.random.split(key, 4)
    found = sampled(field, base, keys[0])
    distance = sliced_wasserstein(found, data(SAMPLES, keys[1]), key=keys[2], projections=PROJECTIONS)
    losses = nll(field, base, data(points, keys[3]))
    error = float(losses.std() / points**0.5)
    return {"NLL": float(losses.mean()), "NLL, error": error, "sliced W2": float(distance), "leak": float(leak(found))}
