"""Random numbers that are a pure function of a key, a step and a lane."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, UInt32

from .._errors import require
from .._types import Key


__all__ = ["counter_bits", "counter_normal", "counter_uniform", "threefry2x32"]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_DOMAIN = (0x73646B69, 0x742E6D61)
"""The key under which stream numbers are enciphered. Keeps our draws apart from those of `jax.random`."""

# Rational approximation of sqrt(2) erfinv(x) / x in -log(1 - x^2) on [0, 22]: minimax in relative error (1.3e-7), found
# by iteratively reweighted least squares against scipy.special.ndtri. All coefficients are positive: nothing cancels.
_NUMERATOR = (1.2533142966517807, 0.4547004323856018, 0.09055629403086246, 0.012001127029729728,
              0.001013810636716337, 2.895538304811649e-05)  # fmt: skip
_DENOMINATOR = (1.0, 0.10100221733817721, 0.03276692399514592, 0.0023331713948510392,
                0.00016969899733574212, 9.880961051237867e-07)  # fmt: skip
# (log(1 + f) - f) / f^2 on [sqrt(1/2) - 1, sqrt(2) - 1], minimax to 4e-8 in log(1 + f), found the same way.
_LOGARITHM = (-0.5000058438504533, 0.33335261401860267, -0.249614649194707, 0.19888276787075945,
              -0.1732599732297071, 0.16335648039438302, -0.10034613959489765)  # fmt: skip


def _cipher(k0, k1, x0, x1):
    # Written with operators alone, and unrolled: XLA fuses it into whatever consumes it, and NumPy can run it too.
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(_PARITY))
    x0, x1 = x0 + k0, x1 + k1
    for group in range(5):
        for r in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = ((x1 << np.uint32(r)) | (x1 >> np.uint32(32 - r))) ^ x0
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def threefry2x32(
    key_data: UInt32[Array, "2"], c0: UInt32[Array, "..."], c1: UInt32[Array, "..."]
) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """The block cipher Threefry-2x32 with 20 rounds: two random words for a key and a counter of two words.

    Purely elementwise, so that XLA fuses it with what uses the bits; the same cipher as `jax.random` uses, which runs
    it as a loop over memory.

    **Arguments:**

    - `key_data`: two words, dtype uint32.
    - `c0`, `c1`: the counter, dtype uint32, any shapes that broadcast.

    **Returns:** two arrays of words, dtype uint32, of the broadcast shape.

    Source: Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3* (2011), section 4.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import threefry2x32
        zero = jnp.uint32(0)
        threefry2x32(jnp.zeros(2, jnp.uint32), zero, zero)  # 0x6b200159, 0x99ba4efe
        ```
    """
    return _cipher(key_data[0], key_data[1], jnp.asarray(c0, jnp.uint32), jnp.asarray(c1, jnp.uint32))


def _word(value: int | Array, name: str) -> Array | np.ndarray:
    if isinstance(value, int):
        require(0 <= value < 2**32, name, "must be in [0, 2^32)", value, "fold the higher bits into the key")
        return np.full((), value, np.uint32)
    return jnp.asarray(value).astype(jnp.uint32)


def _key_words(key: Key, stream: int | Array) -> tuple[Array, Array]:
    data = jax.random.key_data(key) if jnp.issubdtype(jnp.asarray(key).dtype, jax.dtypes.prng_key) else key
    words = [data[i] for i in range(data.shape[0])]
    k0, k1 = words[0], words[1 % len(words)]
    for i in range(2, len(words), 2):  # other generators hold more than two words: encipher the rest
        k0, k1 = _cipher(k0, k1, words[i], words[(i + 1) % len(words)])
    with np.errstate(over="ignore"):
        s0, s1 = _cipher(np.uint32(_DOMAIN[0]), np.uint32(_DOMAIN[1]), _word(stream, "stream"), np.uint32(0))
    return k0 ^ s0, k1 ^ s1


def _lanes(shape: tuple[int, ...]) -> Array:
    size = math.prod(shape)
    require(size < 2**32, "shape", "must hold fewer than 2^32 numbers", shape, "split the draw over several steps")
    return jax.lax.iota(jnp.uint32, size).reshape(shape)


def _blocks(key: Key, step: int | Array, index: Array, stream: int | Array) -> tuple[Array, Array]:
    k0, k1 = _key_words(key, stream)
    return _cipher(k0, k1, jnp.broadcast_to(_word(step, "step"), index.shape), index)


def counter_bits(
    key: Key, step: int | Array, shape: tuple[int, ...], *, stream: int | Array = 0
) -> UInt32[Array, "*shape"]:
    """Random words that are a pure function of `(key, stream, step, lane)`, lane being the flat index in `shape`.

    Draw step 7 without having drawn steps 0 to 6; draw it again and get the same. A draw of a longer shape begins with
    the draw of the shorter one. Elementwise, so that `vmap` over `key` or `step` costs nothing beyond the numbers. Two
    lanes share a block of the cipher. As with every JAX key: do not use `key` for another purpose as well.

    **Arguments:**

    - `key`: a JAX key, of any generator.
    - `step`: an integer in [0, 2^32), which may be traced.
    - `shape`: the shape of the draw.
    - `stream`: an integer; draws from different streams (levels, Levy areas, ...) are independent. Free when static.

    **Returns:** words of shape `shape`, dtype uint32.

    **Raises:** `ValueError` for a static step or stream outside its range, or a shape with 2^32 numbers or more.

    !!! example

        ```python
        import jax
        from sdekit.math import counter_bits
        counter_bits(jax.random.key(0), 7, (3,))
        ```
    """
    lane = _lanes(shape)
    w0, w1 = _blocks(key, step, lane >> np.uint32(1), stream)
    return jnp.where((lane & np.uint32(1)) == 0, w0, w1)


def _double_words(key: Key, step: int | Array, shape: tuple[int, ...], stream: int | Array) -> tuple[Array, Array]:
    return _blocks(key, step, _lanes(shape), stream)


def counter_uniform(
    key: Key, step: int | Array, shape: tuple[int, ...], dtype: DTypeLike = float, *, stream: int | Array = 0
) -> Float[Array, "*shape"]:
    """Uniform numbers on [0, 1) that are a pure function of `(key, stream, step, lane)`.

    **Arguments:** as `counter_bits`, and

    - `dtype`: a floating-point dtype. Numbers have 24 random bits in float32 and 53 in float64; narrower types are
      rounded down from float32, so that 1 is never returned.

    **Returns:** numbers of shape `shape`.

    !!! example

        ```python
        import jax
        from sdekit.math import counter_uniform
        counter_uniform(jax.random.key(0), 7, (3,))
        ```
    """
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    if dtype == jnp.float64:
        w0, w1 = _double_words(key, step, shape, stream)
        high, low = (w0 >> np.uint32(5)).astype(dtype), (w1 >> np.uint32(6)).astype(dtype)
        return (high * 2.0**26 + low) * 2.0**-53
    bits = min(jnp.finfo(dtype).nmant + 1, 24)
    words = counter_bits(key, step, shape, stream=stream) >> np.uint32(32 - bits)
    return (words.astype(jnp.int32).astype(jnp.float32) * np.float32(2.0**-bits)).astype(dtype)


def _horner(coefficients: tuple[float, ...], x: Array) -> Array:
    y = jnp.full_like(x, np.float32(coefficients[-1]))
    for c in coefficients[-2::-1]:
        y = y * x + np.float32(c)
    return y


def _negative_log(y: Float[Array, "..."]) -> Float[Array, "..."]:
    # `jnp.log` guards against zero, infinity and subnormals, which cannot occur here and cost half its time.
    i = jax.lax.bitcast_convert_type(y, jnp.int32)
    exponent = (i - np.int32(0x3F3504F3)) >> np.int32(23)
    f = jax.lax.bitcast_convert_type(i - (exponent << np.int32(23)), jnp.float32) - np.float32(1)
    return -(exponent.astype(jnp.float32) * np.float32(math.log(2)) + (f + f * f * _horner(_LOGARITHM, f)))


def _normal_float32(words: UInt32[Array, "..."]) -> Float[Array, "..."]:
    # One bit is the sign; the other 31 are the probability q of a larger absolute value, so that small q keep their
    # relative precision: tails reach 6.3 standard deviations, against 5.4 through a uniform number in (-1, 1).
    q = (words & np.uint32(0x7FFFFFFF)).astype(jnp.int32).astype(jnp.float32) * np.float32(2.0**-31)
    q = q + np.float32(2.0**-32)
    x = np.float32(1) - q
    w = _negative_log(q * (np.float32(2) - q))
    z = x * _horner(_NUMERATOR, w) / _horner(_DENOMINATOR, w)
    signed = jax.lax.bitcast_convert_type(z, jnp.uint32) ^ (words & np.uint32(0x80000000))
    return jax.lax.bitcast_convert_type(signed, jnp.float32)


def _normal_float64(w0: UInt32[Array, "..."], w1: UInt32[Array, "..."]) -> Float[Array, "..."]:
    # 1 - q is exact: q is an odd multiple of 2^-53.
    high, low = (w0 & np.uint32(0x7FFFFFFF)).astype(jnp.float64), (w1 >> np.uint32(11)).astype(jnp.float64)
    q = (high * 2.0**21 + low) * 2.0**-52 + 2.0**-53
    z = jax.lax.erf_inv(1 - q) * math.sqrt(2)
    return jnp.where(w0 >> np.uint32(31) == 0, z, -z)


def counter_normal(
    key: Key, step: int | Array, shape: tuple[int, ...], dtype: DTypeLike = float, *, stream: int | Array = 0
) -> Float[Array, "*shape"]:
    """Standard normal numbers that are a pure function of `(key, stream, step, lane)`.

    By inversion: one number from 32 bits in float32 (relative error below 1e-6, tails to 6.3 standard deviations), from
    53 bits in float64 (tails to 8.2).

    **Arguments:** as `counter_bits`, and

    - `dtype`: a floating-point dtype; narrower types than float32 are rounded from it.

    **Returns:** numbers of shape `shape`.

    !!! example

        ```python
        import jax
        from sdekit.math import counter_normal
        key = jax.random.key(0)
        increments = jax.vmap(lambda step: counter_normal(key, step, (2,)))(jax.numpy.arange(100))
        ```
    """
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    if dtype == jnp.float64:
        return _normal_float64(*_double_words(key, step, shape, stream))
    return _normal_float32(counter_bits(key, step, shape, stream=stream)).astype(dtype)
