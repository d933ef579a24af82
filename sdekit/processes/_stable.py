"""Small functions that stay finite, with finite gradients, where the textbook formula does not."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import fault
from .._types import Array


__all__ = ["expm1_ratio", "safe_sqrt", "scalars", "to_dtype", "vectors"]

_SERIES = [1 / math.factorial(k + 1) for k in range(16)]


def expm1_ratio(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """`expm1(z) / z`, with its limit 1 at 0 and accurate derivatives there."""
    near = jnp.abs(z) < 0.5
    small = jnp.where(near, z, 0.0)
    large = jnp.where(near, 1.0, z)
    series = jnp.zeros_like(small)
    for c in reversed(_SERIES):
        series = series * small + c
    return jnp.where(near, series, jnp.expm1(large) / large)


def safe_sqrt(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The square root, 0 with derivative 0 where `x <= 0`."""
    ok = x > 0
    return jnp.where(ok, jnp.sqrt(jnp.where(ok, x, 1.0)), 0.0)


def to_dtype(*xs: Any) -> Any:
    """The floating dtype in which arrays and Python numbers (or lists) meet: the numbers follow the arrays."""
    dtype = jnp.result_type(*(0.0 if getattr(x, "dtype", None) is None else x for x in xs))
    if not jnp.issubdtype(dtype, jnp.inexact):
        dtype = jnp.result_type(float)
    return jax.dtypes.canonicalize_dtype(dtype)


def scalars(*values: Any, like: Any = ()) -> list[Float[Array, "..."]]:
    """Numbers and arrays in the dtype in which they, and the leaves of `like`, meet: defaults follow what was given."""
    dtype = to_dtype(*values, *jax.tree.leaves(like))
    return [jnp.asarray(v, dtype) for v in values]


def vectors(owner: str, /, **named: ArrayLike) -> list[Float[Array, " d"]]:
    """Parameters of independent components, broadcast to one shape `(d,)` and one dtype.

    **Raises:** `ValueError` naming the parameter whose shape does not fit.
    """
    dtype = to_dtype(*named.values())
    size = 1
    for name, value in named.items():
        shape = np.shape(value)
        if len(shape) > 1 or (shape and shape[0] != size and 1 not in (size, shape[0])):
            problem = f"must be a number or have the shape of the others, ({size},)"
            raise ValueError(fault(f"{owner}.{name}", problem, value, "pass a scalar, or one entry a component"))
        size = max(size, *shape) if shape else size
    return [jnp.broadcast_to(jnp.asarray(v, dtype), (size,)) for v in named.values()]
