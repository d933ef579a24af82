"""Couplings: how the points of two samples are paired."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._types import Array, Key, as_float


__all__ = ["AbstractCoupling", "Independent", "Paired"]


class AbstractCoupling(eqx.Module):
    """A joint law of two samples, from which pairs are drawn.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.transport.Independent, sk.transport.AbstractCoupling)
        ```
    """

    @abc.abstractmethod
    def pair(
        self, x0: Float[Array, "n d"], x1: Float[Array, "m d"], *, key: Key
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
        """`n` pairs from the coupling of the two samples, row `i` of the one with row `i` of the other."""


class Independent(AbstractCoupling):
    """Pairs at random: the product of the two laws.

    The points of `x0` stay in order; those of `x1` are drawn without replacement where there are as many, else with it.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk

        x = jnp.arange(4.0)[:, None]
        x0, x1 = sk.transport.Independent().pair(x, 10 + x, key=jax.random.key(0))
        ```
    """

    def pair(self, x0: ArrayLike, x1: ArrayLike, *, key: Key) -> tuple[Array, Array]:
        x0, x1 = points_of(x0, x1)
        n, m = x0.shape[0], x1.shape[0]
        index = jax.random.permutation(key, m) if n == m else jax.random.randint(key, (n,), 0, m)
        return x0, x1[index]


class Paired(AbstractCoupling):
    """Pairs as they were given: row `i` with row `i`.

    **Raises:** `ValueError` for samples of different sizes.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk

        x = jnp.arange(4.0)[:, None]
        x0, x1 = sk.transport.Paired().pair(x, 10 + x, key=jax.random.key(0))  # x1 is 10 + x
        ```
    """

    def pair(self, x0: ArrayLike, x1: ArrayLike, *, key: Key) -> tuple[Array, Array]:
        x0, x1 = points_of(x0, x1)
        remedy = "give as many points on both sides, or use Independent()"
        require(x0.shape[0] == x1.shape[0], "x1", f"must have {x0.shape[0]} rows, as x0", x1, remedy)
        return x0, x1


def points_of(x0: ArrayLike, x1: ArrayLike) -> tuple[Array, Array]:
    x0, x1 = as_float(x0), as_float(x1)
    for name, x in (("x0", x0), ("x1", x1)):
        require(x.ndim >= 2 and x.shape[0] > 0, name, "must have shape (n, d), n > 0", x, "one row a point")
    require(x0.shape[1:] == x1.shape[1:], "x1", f"must have points of shape {x0.shape[1:]}", x1, "pair like with like")
    return x0, x1


def as_many(x: Array, n: int, *, key: Key) -> Array:
    """`n` points: where there are other than that, each is repeated `n/m` times, rounded up or down at random."""
    m = x.shape[0]
    if n == m:
        return x
    shuffle, start = jax.random.split(key)
    order = jax.random.permutation(shuffle, m)
    # Systematic: the fractional copies are spread evenly over a random order.
    return x[order[(jnp.arange(n) * m + jax.random.randint(start, (), 0, n)) // n]]
