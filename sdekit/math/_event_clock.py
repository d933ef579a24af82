"""The random numbers of jump processes: a unit exponential and a uniform number for each event of each lane."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, UInt32

from .._types import Key
from ._threefry import _cipher, _key_words, _negative_log


__all__ = ["clock_words", "event_clock"]

_STREAM = 0x65766E74


def clock_words(key: Key) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
    """The two words that key the clock of one path, apart from every other use of the key.

    **Arguments:**

    - `key`: a JAX key, of any generator.

    **Returns:** two words, dtype uint32.

    !!! example

        ```python
        import jax
        from sdekit.math import clock_words
        clock_words(jax.random.key(0))
        ```
    """
    return _key_words(key, _STREAM)


def event_clock(
    k0: UInt32[Array, "..."], k1: UInt32[Array, "..."], event: UInt32[Array, "..."], dtype
) -> Complex[Array, "..."]:
    r"""A unit exponential number (real part) and a uniform one on [0, 1) (imaginary part) for an event.

    A pure function of the words and the number of the event: one block of Threefry-2x32 with 20 rounds, its first word
    inverted to the exponential number and its second the uniform one, each a multiple of $2^{-32}$ in probability (in
    float32, 31 and 24 bits). They come as one complex array because XLA computes an elementwise array once but two that
    share a cipher twice.

    **Arguments:**

    - `k0`, `k1`: words of `clock_words`.
    - `event`: the number of the event, from 0.
    - `dtype`: float32 or float64.

    **Returns:** complex64 or complex128 of the broadcast shape.

    Source: Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3* (2011), section 4.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.math import clock_words, event_clock
        event_clock(*clock_words(jax.random.key(0)), jnp.arange(3, dtype=jnp.uint32), jnp.float32)
        ```
    """
    w0, w1 = _cipher(k0, k1, event, jnp.zeros_like(event))
    if jnp.dtype(dtype) == jnp.float64:
        q = (w0.astype(jnp.float64) + 0.5) * 2.0**-32
        return jax.lax.complex(-jnp.log(q), w1.astype(jnp.float64) * 2.0**-32)
    return jax.lax.complex(_exponential(w0), _uniform(w1))


def _exponential(word: UInt32[Array, "..."]) -> Float[Array, "..."]:
    q = (word & np.uint32(0x7FFFFFFF)).astype(jnp.int32).astype(jnp.float32) * np.float32(2.0**-31)
    return _negative_log(q + np.float32(2.0**-32))


def _uniform(word: UInt32[Array, "..."]) -> Float[Array, "..."]:
    return (word >> np.uint32(8)).astype(jnp.int32).astype(jnp.float32) * np.float32(2.0**-24)
