"""From values at observed times to what a path gains between them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from .._types import Times


class Intervals(NamedTuple):
    """For each time the interval between it and its neighbour, the last observed one on the side of time 0."""

    starts: Times
    ends: Times
    neighbour: Int[Array, " t"]
    has: Bool[Array, " t"]
    """Whether there is a neighbour; else the interval reaches to time 0."""
    late: Bool[Array, " t"]
    """Whether the time is not negative, so that its neighbour lies before it."""


def intervals(ts: Times, mask: Bool[Array, " t"]) -> Intervals:
    """The intervals of the observed times and time 0: they do not overlap. Those of other times are empty."""
    index = jnp.arange(ts.shape[0])
    before = jax.lax.cummax(jnp.where(mask, index, -1))
    before = jnp.concatenate([jnp.full(1, -1), before[:-1]])
    after = jax.lax.cummin(jnp.where(mask, index, ts.shape[0]), reverse=True)
    after = jnp.concatenate([after[1:], jnp.full(1, ts.shape[0])])
    late = ts >= 0
    neighbour = jnp.clip(jnp.where(late, before, after), 0, ts.shape[0] - 1)
    found = jnp.where(late, before >= 0, after < ts.shape[0])
    has = found & (late == (ts[neighbour] >= 0))
    other = jnp.where(mask, jnp.where(has, ts[neighbour], 0), ts)
    return Intervals(jnp.minimum(ts, other), jnp.maximum(ts, other), neighbour, has, late)
