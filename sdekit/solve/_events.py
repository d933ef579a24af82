r"""Stopping at the first passage of a level, also when it happens between two steps.

Between two steps a diffusion is nearly a Brownian bridge. Let $a$ and $b$ be the signed distances to the level before
and after a step of length $h$, and $s^2$ the variance of the distance per unit time. The bridge touches the level with
probability 1 if $ab \le 0$ and $\exp(-2ab / (s^2 h))$ otherwise; given that it does, $\tau = u h / (h + u)$ with
$u \sim$ inverse Gaussian of mean $|a| h / |b|$ and shape $a^2 / s^2$. Both are exact for Brownian motion with drift.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Bool, Float

from .._process import AbstractDiffusion
from .._types import Array, RealScalar, State, as_float
from ..math import counter_normal, counter_uniform
from ..paths import SampledPath


__all__ = ["AbstractEvent", "FirstPassage", "LevelCrossing", "Stopped", "passage"]

_STREAM = 16
"""Noise takes the first streams of a key; events begin here."""


class AbstractEvent(eqx.Module):
    """When to stop: where a distance, a function of time and state, comes to zero.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.solve import AbstractEvent, FirstPassage
        event = FirstPassage(1.0)
        isinstance(event, AbstractEvent), event.distance(0.0, jnp.array([0.2]))  # (True, 0.8)
        ```
    """

    bridge: eqx.AbstractVar[bool]
    """Whether crossings between steps are drawn too. Without, a path that comes back within a step is missed."""

    @abc.abstractmethod
    def distance(self, t: RealScalar, x: State) -> Float[Array, ""]:
        """The signed distance to the level. Its sign at the first time says on which side the path starts."""

    @abc.abstractmethod
    def place(self, t: RealScalar, x: State) -> State:
        """The state, near the level, put on the level."""


class FirstPassage(AbstractEvent):
    """The first time that a component reaches a level.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.solve import FirstPassage, solve
        model = sk.processes.BrownianMotion()
        out = solve(model, jnp.array([0.0, 1.0]), key=jax.random.key(0), n=100, dt=0.02, event=FirstPassage(1.0))
        out.hit.mean()  # near 2 Phi(-1) = 0.317
        ```
    """

    level: Float[Array, ""] = eqx.field(converter=as_float)
    component: int = eqx.field(static=True, default=0)
    bridge: bool = eqx.field(static=True, default=True)

    def distance(self, t, x):
        return self.level.astype(x.dtype) - x[self.component]

    def place(self, t, x):
        return x.at[self.component].set(self.level.astype(x.dtype))


class LevelCrossing(AbstractEvent):
    """The first time that a function of time and state reaches zero.

    The chance of a crossing between steps uses the variance of the function to first order, so it is exact for linear
    functions of Brownian motion and an approximation otherwise.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.solve import LevelCrossing
        leaves_unit_disc = LevelCrossing(lambda t, x: 1 - jnp.sum(x**2))
        ```
    """

    function: Callable[[RealScalar, State], ArrayLike]
    bridge: bool = eqx.field(static=True, default=True)

    def distance(self, t, x):
        return jnp.asarray(self.function(t, x), x.dtype).reshape(())

    def place(self, t, x):
        return x


class Stopped(eqx.Module):
    """Paths held from an event on, and when it happened; what `solve` returns when it is given an event.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.solve import FirstPassage, solve
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0)
        out = solve(model, jnp.array([0.0, 5.0]), key=jax.random.key(0), n=10, dt=0.05, event=FirstPassage(1.0))
        out.path.xs.shape, out.time.shape, out.hit.shape
        ```
    """

    path: SampledPath
    """States at the times that were asked for; those after the event are the state at the event."""
    time: Float[Array, "*n"]
    """When the event happened; the last time where it did not."""
    hit: Bool[Array, "*n"]
    """Whether it happened."""


def _variance(event, process, t, x, mixing):
    """The variance per unit time of the distance, to first order."""
    slope = jax.grad(event.distance, argnums=1)(t, x)
    row = process.diffusion(t, x).T.mv(slope)
    return jnp.sum((row if mixing is None else row @ mixing) ** 2)


def passage(
    event: AbstractEvent,
    process: AbstractDiffusion,
    key: Any,
    step: Array,
    start: tuple[Array, State],
    end: tuple[Array, State],
    mixing: Array | None,
) -> tuple[Bool[Array, ""], Float[Array, ""], State]:
    """Whether the event happens during one step, when, and the state then."""
    (t0, x0), (t1, x1) = start, end
    a, b = event.distance(t0, x0), event.distance(t1, x1)
    a, b = jax.lax.stop_gradient((a, b))
    h = (t1 - t0).astype(a.dtype)
    crossed = (a == 0) | (a * b <= 0)
    if not event.bridge:
        w = jnp.where(crossed, a / jnp.where(a == b, 1.0, a - b), 1.0)
        return crossed, t0 + (w * h).astype(t0.dtype), event.place(t1, x0 + w * (x1 - x0))
    s2 = jax.lax.stop_gradient(_variance(event, process, t0, x0, mixing))
    u = counter_uniform(key, step, (2,), a.dtype, stream=_STREAM)
    z = counter_normal(key, step, (), a.dtype, stream=_STREAM + 1)
    noisy = s2 > 0
    safe = jnp.where(noisy, s2, 1.0)
    touch = noisy & (u[0] < jnp.exp(-2 * jnp.maximum(a * b, 0.0) / (safe * h)))
    w = jnp.where(crossed, a / jnp.where(a == b, 1.0, a - b), 1.0)
    drawn = _bridge_passage(jnp.abs(a), jnp.abs(b), safe, h, z, u[1])
    wait = jnp.where(noisy, drawn, w * h)
    t = jnp.minimum(t0 + wait.astype(t0.dtype), t1)
    x = x0 + (wait / h).astype(x0.dtype) * (x1 - x0)
    return crossed | touch, t, event.place(t, x)


def _bridge_passage(a, b, s2, h, normal, uniform):
    """When a Brownian bridge from `a` to `b` over `h` first touches 0, given that it does."""
    # The inverse Gaussian draw of Michael, Schucany and Haas (1976): both roots are mean / q and mean * q.
    tiny = jnp.finfo(a.dtype).tiny ** 0.5
    a, b = jnp.maximum(a, tiny), jnp.maximum(b, tiny)
    c = h * s2 * normal**2 / a / b / 2
    q = 1 + c + jnp.sqrt(c) * jnp.sqrt(2 + c)
    f = jnp.where(uniform * (1 + 1 / q) <= 1, 1 / q, q)
    return jnp.where(jnp.isfinite(f), h * a * f / (b + a * f), h)
