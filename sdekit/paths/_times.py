"""Queries of a path: inside its times or not at all."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .._errors import check_traced, fault
from .._types import Array, is_concrete


__all__ = ["interval", "query"]


def query(t: ArrayLike, first: Array, last: Array, dtype) -> Array:
    """The times `t`, checked to lie in `[first, last]` up to the rounding of their dtype, and clipped to it."""
    given = t
    t = jnp.asarray(t, dtype)
    slack = 8 * jnp.finfo(dtype).eps * jnp.maximum(jnp.abs(first), jnp.abs(last))
    low, high = jnp.max(first - slack), jnp.min(last + slack)
    # Written so that NaN is outside.
    outside = ~((t >= low) & (t <= high))
    remedy = "sample the path at times that cover it; there is no extrapolation"
    if not is_concrete(outside):
        t = check_traced(t, outside, "t", "lies outside the times of the path", remedy)
    elif np.asarray(outside).any():
        window = f"[{float(jnp.max(first)):g}, {float(jnp.min(last)):g}]"
        raise ValueError(fault("t", f"lies outside the times of the path, {window}", given, remedy))
    return jnp.clip(t, jnp.max(first), jnp.min(last))


def interval(ts: Array, t: Array) -> Array:
    """The last `i` with `ts[i] <= t`, at least 0."""
    return jnp.maximum(jnp.searchsorted(ts, t, side="right") - 1, 0)
