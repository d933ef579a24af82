r"""Latent SDEs of series that are seen densely and sharply, whose true law is known: drift and diffusion are learned.

The prior is $dX = f(X)\,dt + g(X)\,dW$ with $f$ a perceptron and $g_i(x_i)$ one a component, seen with Gaussian noise
of unknown size. It is trained twice with as many steps: by `ELBO`, through a solve of the controlled prior, and by
`SDEMatching`, over marginals.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist

from .._process import AbstractDiffusion
from .._types import Array, Key, Times
from ..data import Series
from ..inference import ELBO, AbstractObjective, GaussianObservation, LatentSDE, SDEMatching
from ..nets import (
    AbstractEncoder,
    AbstractMarginals,
    AffineControl,
    BetweenContext,
    BetweenEncoder,
    BoundedDiffusion,
    GaussianHead,
    GRUEncoder,
    MarginalMLP,
    MLPField,
)
from ..processes import Diagonal, Diffusion
from ..solve import solve


__all__ = ["BATCH", "MATCHED", "OBJECTIVES", "SOLVED", "Toy"]

BATCH = 64
SOLVED, MATCHED = "ELBO", "SDE matching"
OBJECTIVES: dict[str, AbstractObjective] = {SOLVED: ELBO(steps=2, shared=True), MATCHED: SDEMatching(times=16)}


@dataclasses.dataclass(frozen=True)
class Toy:
    """A law that is known, and the sizes of what learns it. All in the units of the series.

    **Arguments:**

    - `make`: gives the diffusion, diagonal, with the law of its first state.
    - `times`: how many times there are, from 0 to 1.
    - `noise`: the deviation of an observation.
    - `low`, `high`: the bounds of the diffusion that is learned.
    - `width`: of all networks.
    - `scales`: what the noise of each component is called, and its true size.
    - `steps`: in each gap, of the paths that the evidence is taken over.

    !!! example

        ```python
        import jax
        import sdekit as sk
        from sdekit.experiments._toys import Toy

        toy = Toy(lambda: sk.processes.GeometricBrownianMotion(1.0, 0.5), 11, 0.1, 0.01, 4.0, 8, {})
        series, states = toy.draw(4, jax.random.key(0))
        ```
    """

    make: Callable[[], AbstractDiffusion]
    times: int
    noise: float
    low: float
    high: float
    width: int
    scales: Mapping[str, float]
    steps: int = 8

    @functools.cached_property
    def truth(self) -> AbstractDiffusion:
        return self.make()

    @functools.cached_property
    def ts(self) -> Times:
        return jnp.linspace(0.0, 1.0, self.times)

    @property
    def gap(self) -> float:
        return 1 / (self.times - 1)

    def draw(self, n: int, key: Key) -> tuple[Series, Array]:
        """Series, and the states that they see."""
        first, second = jax.random.split(key)
        states = cast(Any, solve(self.truth, self.ts, key=first, n=n, steps=25)).xs
        return Series(self.ts, states + self.noise * jax.random.normal(second, states.shape)), states

    def build(self, data: Any, key: Key) -> dict[str, LatentSDE]:
        """The prior with a control for a posterior, and with marginals."""
        d, keys = self.truth.dim, jax.random.split(key, 7)
        start = dist.Normal(data.ys[:, 0].mean(0), data.ys[:, 0].std(0)).to_event(1)
        drift = MLPField(d, self.width, 2, key=keys[0])
        diffusion = BoundedDiffusion(d, 16, 1, low=self.low, high=self.high, key=keys[1])
        base = Diffusion(drift, diffusion, start, structure=Diagonal)
        prior = lambda: (base, GaussianObservation(jnp.full(d, 2 * self.noise)))
        solved = cast(Any, LatentSDE)(
            *prior(),
            GRUEncoder(dim=d, width=self.width, size=16, gap=self.gap, key=keys[2]),
            AffineControl(dim=d, noise=d, context=16, width=self.width, depth=2, key=keys[3]),
            GaussianHead(context=16, n=d, width=self.width, depth=1, key=keys[4]),
            initial=start,
            dt=self.gap / 8,
        )
        encoder = _Through(d, self.width // 2, self.noise, self.gap, key=keys[5])
        marginals = _Corrected(d, encoder.size, self.width, self.noise, key=keys[6])
        matched = cast(Any, LatentSDE)(*prior(), encoder, marginals, initial=start, dt=self.gap / 8)
        return {SOLVED: solved, MATCHED: matched}


class _Through(AbstractEncoder):
    """A context that begins with the observations themselves, on curves through them, corrected in units of the noise.

    A recurrent network cannot pass a value on to a part in a thousand, which sharp observations ask for. What it needs
    for the correction, second differences in units of the noise, is told beside the values, less what a network
    expects them to be at such values: what is left is noise, of the data and of the path.
    """

    inner: BetweenEncoder
    bend: MLPField
    unit: float = eqx.field(static=True)
    dim: int = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __init__(self, dim: int, width: int, unit: float, gap: float, *, key: Key):
        first, second = jax.random.split(key)
        self.inner = BetweenEncoder(4 * dim, width, dim + 17, gap=gap, key=first)
        self.bend = MLPField(dim, 2 * width, 2, key=second)
        self.unit, self.dim, self.size = unit, dim, dim + 17

    def __call__(self, series: Series) -> BetweenContext:
        ys = jnp.where(series.mask, series.ys, 0)
        expected = jax.vmap(lambda y: self.bend(0.0, y))(ys[1:-1])
        bends = (ys[:-2] - 2 * ys[1:-1] + ys[2:]) / (5 * self.unit) - expected
        bends = jnp.pad(bends, ((1, 1), (0, 0)))
        near = jnp.pad(bends, ((1, 1), (0, 0)))
        told = jnp.concatenate([ys, bends, near[:-2], near[2:]], axis=1)
        context = self.inner(Series(series.ts, told, jnp.repeat(series.mask, 4, axis=1)))
        scale = jnp.where(jnp.arange(self.size - 1) < self.dim, self.unit, 1.0).astype(ys.dtype)[None]
        parts = lambda c: (c.values, c.after, c.before)
        values, after, before = (scale * part for part in parts(context))
        return eqx.tree_at(parts, context, (values.at[:, : self.dim].add(ys), after, before))


class _Corrected(AbstractMarginals):
    """Means that stand where the context begins, moved and spread in units of the noise."""

    inner: MarginalMLP
    unit: float = eqx.field(static=True)

    def __init__(self, dim: int, context: int, width: int, unit: float, *, key: Key):
        self.inner = MarginalMLP(
            dim, context, width, 2, full=dim > 1, spread=unit, floor=unit / 10, frequencies=(), key=key
        )
        self.unit = unit

    def __call__(self, t, context):
        mean, root = self.inner(t, context)
        return context[: mean.shape[0]] + self.unit * mean, root
