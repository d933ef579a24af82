"""The outcome laws of the models of lung function: a measured share of the best, death, an acute event."""

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Bool, Float

from .._errors import fault
from .._parameters import constraints, parameter
from .._types import Array, Key, State
from ..inference import AbstractObservation


__all__ = ["MeasuredOutcome", "NormalOutcome"]

_ACUTE, _DEAD = 1, 2
"""Where an observation `(fev, acute, dead)` has what; an acute event is given, not explained."""


def _alive_or_dead(alive: Array, y: Array) -> Array:
    """The log-densities of all states, death last."""
    dead = y[_DEAD] > 0
    alive = jnp.where(dead, -jnp.inf, alive)
    return jnp.concatenate([alive, jnp.where(dead, 0.0, -jnp.inf)[None].astype(alive.dtype)])


def _no_draws(law: AbstractObservation) -> TypeError:
    name = type(law).__name__
    return TypeError(fault("observation", "has no law of the acute events, which are given", name, "draw states alone"))


class NormalOutcome(AbstractObservation):
    """Normal in each living state, its mean moved by an acute event."""

    mean: Float[Array, " s"] = parameter()
    scale: Float[Array, " s"] = parameter(constraints.positive)
    effect: Float[Array, ""] = parameter(default=0.0)

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        y = jnp.where(mask, y, 0)
        alive = norm.logpdf(y[0], self.mean + self.effect * y[_ACUTE], self.scale)
        return jnp.where(mask[_DEAD], _alive_or_dead(alive, y)[jnp.argmax(x)], 0)

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        raise _no_draws(self)


class MeasuredOutcome(AbstractObservation):
    """A truncated normal, or a uniform law where `uniform` says so, measured with a normal error."""

    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)
    uniform: tuple[bool, ...] = eqx.field(static=True)
    mean: Float[Array, " s"] = parameter(trainable=False)
    scale: Float[Array, " s"] = parameter(trainable=False)
    error: Float[Array, ""] = parameter(constraints.positive)
    effect: Float[Array, ""] = parameter(default=0.0)

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        y = jnp.where(mask, y, 0)
        z = jnp.where(y[_DEAD] > 0, 50.0, y[0]) - self.effect * y[_ACUTE]
        low, high = jnp.asarray(self.lower), jnp.asarray(self.upper)
        flat = (norm.cdf((z - low) / self.error) - norm.cdf((z - high) / self.error)) / (high - low)
        total = jnp.sqrt(self.scale**2 + self.error**2)
        middle = (z * self.scale**2 + self.mean * self.error**2) / total**2
        spread = self.scale * self.error / total
        inside = norm.cdf((high - middle) / spread) - norm.cdf((low - middle) / spread)
        whole = norm.cdf((high - self.mean) / self.scale) - norm.cdf((low - self.mean) / self.scale)
        cut = jnp.log(inside) - jnp.log(whole) + norm.logpdf(z, self.mean, total)
        alive = jnp.where(jnp.asarray(self.uniform), jnp.log(flat), cut)
        return jnp.where(mask[_DEAD], _alive_or_dead(alive, y)[jnp.argmax(x)], 0)

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        raise _no_draws(self)
