"""A random permutation that is evaluated where it is needed."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from .._errors import require
from .._types import Key


__all__ = ["distinct", "random_order"]

_ROUNDS = 6
_FEW = 16
"""From this many items for each that is drawn, a network is cheaper than a sort of all."""


def random_order(index: Int[Array, "..."], n: int, *, key: Key) -> Int[Array, "..."]:
    """The images of `index` under a random permutation of `0 .. n - 1`, at a cost that does not depend on `n`.

    A few points of a large cloud without replacement: images of different indices are different. It is a Feistel
    network on a grid of about the root of `n` by the root of `n`, with a hash keyed by `key` in each of its rounds.

    **Arguments:**

    - `index`: integers in `[0, n)`, any shape.
    - `n`: the length of the permutation, below 2^31.
    - `key`: a JAX key.

    **Returns:** integers in `[0, n)`, of the same shape.

    **Raises:** `ValueError` for an `n` out of range.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.math import random_order
        random_order(jnp.arange(4), 1_000_000, key=jax.random.key(0))
        ```

    Source: Luby and Rackoff (1988), How to construct pseudorandom permutations from pseudorandom functions; Black and
    Rogaway (2002), Ciphers with arbitrary finite domains.
    """
    require(1 <= n < 2**31, "n", "must lie in [1, 2^31)", n, "order fewer items")
    wide = math.isqrt(n - 1) + 1
    high = -(-n // wide)
    salts = jax.random.bits(key, (_ROUNDS,), jnp.uint32)

    def scramble(i):
        left, right = i // high, i % high
        for k in range(0, _ROUNDS, 2):
            left = (left + _hash(right ^ salts[k]) % wide) % wide
            right = (right + _hash(left ^ salts[k + 1]) % high) % high
        return left * high + right

    # The grid is a little larger than `n`: what falls outside is scrambled again, which is a permutation still.
    first = scramble(jnp.asarray(index).astype(jnp.uint32))
    out = jax.lax.while_loop(lambda i: (i >= n).any(), lambda i: jnp.where(i >= n, scramble(i), i), first)
    return out.astype(jnp.asarray(index).dtype)


def distinct(n: int, size: int, *, key: Key) -> Int[Array, " size"]:
    """`size` different integers below `n` in a random order: one sort of all where they are many, else their images
    under `random_order`, which cost the same for any `n`.

    **Arguments:**

    - `n`: the number of items.
    - `size`: how many are drawn, at most `n`.
    - `key`: a JAX key.

    **Returns:** integers in `[0, n)`.

    **Raises:** `ValueError` for a size out of range.

    !!! example

        ```python
        import jax
        from sdekit.math import distinct
        distinct(1_000_000, 4, key=jax.random.key(0))
        ```
    """
    require(1 <= size <= n, "size", f"must be between 1 and the number of items, {n}", size, "draw fewer")
    if n > _FEW * size:
        return random_order(jnp.arange(size, dtype=jnp.int32), n, key=key)
    return jax.random.choice(key, n, (size,), replace=False)


def _hash(x: Array) -> Array:
    """The finaliser of MurmurHash3 on 32 bits."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)
