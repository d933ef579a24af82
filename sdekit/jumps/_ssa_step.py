"""One event of Gillespie's direct method, for one lane or many: elementwise, without a branch."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from .._types import Array
from ._propensities import bound_columns, choose, net_change, propensity_columns


__all__ = ["Lanes", "event"]


class Lanes(NamedTuple):
    """What each lane carries. Time is kept as what remains until the next time to be seen: it loses no digits."""

    event: Array
    """The number of the next event of this path, uint32."""
    left: Array
    """Time until the path is next seen."""
    used: Array
    """The hazard that has passed since the last event: the clock goes on over times that are seen."""
    xs: tuple[Array, ...]
    """Counts, an array a species."""
    seen: Array
    """Whether the next time to be seen is reached: the lane waits."""
    bad: Array | None
    """Whether a propensity was negative, not a number, or beyond its bound; `None` where that cannot be."""


def event(network: Any, lanes: Lanes, clock: Array, until: Array) -> tuple[Lanes, Array]:
    """The lanes after one event, or at the time `until`, and the running position of the reaction that fired."""
    stoichiometry = network.stoichiometry
    xs = [x.astype(clock.real.dtype) for x in lanes.xs]
    wait = clock.real - lanes.used
    bounds = bound_columns(network, until - lanes.left, xs)
    total = choose(bounds)[-1]
    arrives = wait >= lanes.left * total
    seen = lanes.seen | arrives
    go = ~seen
    left = lanes.left - wait / jnp.where(go, total, 1)
    v = clock.imag * total
    columns = propensity_columns(network, until - left, xs) if network.is_time_dependent else bounds
    sums = choose(columns)
    moved = [x + jnp.where(go, net_change(stoichiometry, s, sums, v), jnp.int32(0)) for s, x in enumerate(lanes.xs)]
    zero = jnp.zeros((), lanes.left.dtype)
    used = jnp.where(go, zero, jnp.where(lanes.seen, lanes.used, lanes.used + lanes.left * total))
    bad = lanes.bad
    if bad is not None:
        wrong = jnp.zeros_like(bad) | ~jnp.isfinite(total)
        for a, b in zip(columns, bounds, strict=True):
            wrong = wrong | ~(a >= 0) | ~(a <= b * (1 + 1e-4))
        bad = bad | (wrong & ~lanes.seen)
    left = jnp.where(lanes.seen, lanes.left, jnp.where(arrives, zero, left))
    fired = sum((v >= total).astype(jnp.int32) for total in sums)
    return Lanes(lanes.event + go.astype(jnp.uint32), left, used, tuple(moved), seen, bad), jnp.where(go, fired, -1)
