"""Gauss-Legendre quadrature."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._types import RealScalar


__all__ = ["gauss_legendre", "integrate"]


@functools.cache
def _rule(n: int) -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.legendre.leggauss(n)
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights


def gauss_legendre(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The nodes and weights of Gauss-Legendre quadrature on [-1, 1], exact for polynomials of degree `2 n - 1`.

    **Arguments:**

    - `n`: the number of nodes.

    **Returns:** nodes and weights, float64 NumPy arrays of shape `(n,)`, computed once and read-only.

    **Raises:** `ValueError` if `n < 1`.

    !!! example

        ```python
        from sdekit.math import gauss_legendre
        x, w = gauss_legendre(3)
        (w * x**4).sum()  # 2 / 5
        ```
    """
    require(n >= 1, "n", "must be a positive number of nodes", n, "pass n >= 1")
    return _rule(n)


def integrate(
    f: Callable[[Float[Array, ""]], Float[Array, "*s"]], a: RealScalar, b: RealScalar, n: int = 16
) -> Float[Array, "*s"]:
    """The integral of `f` over `[a, b]` by Gauss-Legendre quadrature with `n` nodes.

    **Arguments:**

    - `f`: a function of a number, of any shape; it is mapped over the nodes.
    - `a`, `b`: the ends of the interval; may be traced.
    - `n`: the number of nodes. For functions that are not smooth split the interval at the kinks.

    **Returns:** the integral, of the shape of `f`'s value.

    **Raises:** `ValueError` if `n < 1`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import integrate
        integrate(jnp.exp, 0.0, 1.0, 8)  # e - 1
        ```
    """
    nodes, weights = gauss_legendre(n)
    dtype = jnp.result_type(a, b, float)
    half, centre = (b - a) / 2, (a + b) / 2
    values = jax.vmap(f)(centre + half * jnp.asarray(nodes, dtype))
    return half * jnp.tensordot(jnp.asarray(weights, values.dtype), values, axes=1)
