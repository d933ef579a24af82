"""How the next event is drawn: at once, by inversion of the compensator, or by thinning under a bound."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._errors import fault, require
from .._types import Key, RealScalar
from ._next import AbstractDirect, AbstractNextEvent, draw_kind, total_log_intensity


__all__ = ["AbstractEventSampler", "Direct", "Inversion", "Thinning"]


class Step(NamedTuple):
    """One attempt at the next event: it came at `gap`, or nothing happened until `gap`."""

    gap: Float[Array, ""]
    kind: Int[Array, ""]
    happened: Bool[Array, ""]
    inflation: Float[Array, ""]
    violated: Bool[Array, ""]


class AbstractEventSampler(eqx.Module):
    """A way to draw the next event.

    !!! example

        ```python
        from sdekit.points import AbstractEventSampler, Thinning
        isinstance(Thinning(), AbstractEventSampler)  # True
        ```
    """

    @abc.abstractmethod
    def step(
        self, law: AbstractNextEvent, after: RealScalar, limit: RealScalar, inflation: RealScalar, *, key: Key
    ) -> Step:
        """One attempt, given that nothing happened until `after`; what comes after `limit` does not matter."""


class Direct(AbstractEventSampler):
    """Draws the next event at once, where its law says how (`AbstractDirect`).

    For an exponential Hawkes process this is the exact algorithm of Dassios and Zhao (2013).

    **Raises:** `TypeError` for a law that does not say how.

    !!! example

        ```python
        import jax
        from sdekit.points import Direct, Poisson, simulate
        simulate(Poisson(2.0), 0.0, 5.0, key=jax.random.key(0), sampler=Direct())
        ```
    """

    def step(self, law, after, limit, inflation, *, key):
        if not isinstance(law, AbstractDirect):
            remedy = "use Inversion() or Thinning()"
            raise TypeError(fault("sampler", "needs a law that can be drawn from at once", type(law).__name__, remedy))
        gap, kind = law.sample(after, key=key)
        return Step(gap, kind, gap < limit, inflation, jnp.zeros((), bool))


class Inversion(AbstractEventSampler):
    r"""Solves $\Lambda(g) - \Lambda(\text{after}) = E$ with a unit exponential `E`, by bisection.

    Needs a compensator that is cheap; exact up to $2^{-n}$ of what is left of the window.

    **Arguments:**

    - `iterations`: how often the interval is halved.

    !!! example

        ```python
        import jax
        from sdekit.points import Inversion, Poisson, simulate
        simulate(Poisson(2.0), 0.0, 5.0, key=jax.random.key(0), sampler=Inversion())
        ```
    """

    iterations: int = eqx.field(static=True, default=52)

    def __check_init__(self):
        require(self.iterations >= 1, "iterations", "must be positive", self.iterations, "pass e.g. 52")

    def step(self, law, after, limit, inflation, *, key):
        k1, k2 = jax.random.split(key)
        dtype = jnp.result_type(after)
        target = law.log_survival(after) - jax.random.exponential(k1, dtype=dtype)
        happened = law.log_survival(limit) < target
        gap = invert(law, target, after, limit, self.iterations)
        gap = jnp.where(happened, gap, limit)
        return Step(gap, draw_kind(law, gap, key=k2), happened, inflation, jnp.zeros((), bool))


def invert(law: AbstractNextEvent, target: Array, low: RealScalar, high: RealScalar, iterations: int) -> Array:
    """The gap at which the log-survival falls to `target`, in `[low, high]`."""

    def halve(_, ends):
        a, b = ends
        middle = a + (b - a) / 2
        early = law.log_survival(middle) > target
        return jnp.where(early, middle, a), jnp.where(early, b, middle)

    a, b = jax.lax.fori_loop(0, iterations, halve, (jnp.asarray(low), jnp.asarray(high, jnp.result_type(low))))
    return a + (b - a) / 2


class Thinning(AbstractEventSampler):
    """Ogata's thinning: proposals from a bound of the intensity, accepted with the probability of their ratio.

    The bound is that of the law of the next event on a window ahead. It is checked at every proposal: where the
    intensity
    is above it, that is counted (`path.made.violations`), the bound is raised twofold and the proposal made anew. Every
    proposal has fresh random numbers, and nothing stands in for an event that did not come.

    **Arguments:**

    - `window`: how far ahead a bound is asked for, in the unit of time; to the end, if not given.

    **Raises:** `ValueError` for a window that is not positive.

    Source: Ogata (1981), On Lewis' simulation method for point processes, Algorithm 2.

    !!! example

        ```python
        import jax
        from sdekit.points import Poisson, Thinning, simulate
        simulate(Poisson(2.0), 0.0, 5.0, key=jax.random.key(0), sampler=Thinning(window=1.0))
        ```
    """

    window: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        ok = self.window is None or self.window > 0
        require(ok, "window", "must be positive", self.window, "pass e.g. a mean gap, or None")

    def step(self, law, after, limit, inflation, *, key):
        k1, k2, k3 = jax.random.split(key, 3)
        end = limit if self.window is None else jnp.minimum(limit, after + self.window)
        bound = inflation * law.bound(after, end)
        gap = after + jax.random.exponential(k1, dtype=jnp.result_type(after)) / bound
        inside = gap < end
        ratio = jnp.exp(total_log_intensity(law, jnp.minimum(gap, end))) / bound
        violated = inside & (ratio > 1 + 1e-6)
        accepted = inside & ~violated & (jax.random.uniform(k2, dtype=jnp.result_type(after)) < ratio)
        gap = jnp.where(violated, after, jnp.minimum(gap, end))
        inflation = jnp.where(violated, 2 * inflation, jnp.where(accepted, jnp.ones_like(inflation), inflation))
        return Step(gap, draw_kind(law, gap, key=k3), accepted, inflation, violated)
