"""The names of shapes, and how numbers enter the library."""

from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, ArrayLike, Bool, Float, Int, PRNGKeyArray, PyTree


__all__ = [
    "Array",
    "ArrayLike",
    "Key",
    "Law",
    "Mask",
    "PyTree",
    "RealScalar",
    "State",
    "States",
    "Times",
    "as_float",
    "as_vector",
    "is_concrete",
]

Key = PRNGKeyArray
"""A typed JAX key, `jax.random.key(seed)`."""

RealScalar = Float[Array, ""] | Int[Array, ""] | float | int
"""A time, a step or a rate: a Python number or an array of shape `()`."""

State = Float[Array, " d"]
"""The state of a process at one time. A state is always a vector; a scalar process has `d = 1`."""

Times = Float[Array, " t"]
"""Increasing times of one path or one series."""

States = Float[Array, "t d"]
"""States at the times of one path."""

Mask = Bool[Array, "t d"]
"""True where a number was observed."""

Law = dist.Distribution
"""A probability law: an object of `numpyro.distributions`, with event shape `(d,)` for a state."""


def as_float(x: ArrayLike) -> Array:
    """A floating-point array with a definite dtype.

    The dtype of a floating-point array is kept; Python numbers and integers take JAX's default (float32, or float64
    where the user enabled it). Never weakly typed, so that a model built from Python numbers compiles once.

    **Arguments:**

    - `x`: a number or an array of any shape.

    **Returns:** a floating-point `jax.Array` of the same shape.

    !!! example

        ```python
        from sdekit._types import as_float
        as_float(1).dtype  # float32
        ```
    """
    dtype = getattr(x, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jnp.inexact):
        dtype = jnp.result_type(float)
    return jnp.asarray(x, dtype=jax.dtypes.canonicalize_dtype(dtype))


def as_vector(x: ArrayLike) -> Array:
    """`as_float`, with a scalar made a vector of length one.

    **Arguments:**

    - `x`: a number or an array of shape `()` or `(d,)`.

    **Returns:** an array of shape `(d,)`.

    !!! example

        ```python
        from sdekit._types import as_vector
        as_vector(1.0).shape  # (1,)
        ```
    """
    x = as_float(x)
    return x[None] if x.ndim == 0 else x


def is_concrete(*xs: Any) -> bool:
    """Whether the values are known now, that is, none of them is being traced.

    **Arguments:**

    - `xs`: PyTrees.

    **Returns:** `True` if no leaf is a tracer.

    !!! example

        ```python
        from sdekit._types import is_concrete
        is_concrete(1.0)  # True
        ```
    """
    return not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(xs))
