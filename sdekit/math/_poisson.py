"""Poisson numbers that are a pure function of a key, a step and a lane."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._errors import require
from .._types import Key
from ._threefry import _cipher, _key_words, _lanes, _word


__all__ = ["counter_poisson"]

_LARGE = 10.0
"""From this mean on numbers come from rejection."""
_TRIES = 255
"""One try is accepted with a probability above .7: so many fail with a probability below 1e-130."""
_LAWS = tuple(
    math.lgamma(k + 1) - (k * math.log(k) - k if k else 0) - math.log(2 * math.pi * max(k, 1)) / 2 for k in range(3)
)
r"""$\log k! - k \log k + k - \log(2 \pi k)/2$ where the series is short of digits."""


def counter_poisson(
    key: Key, step: int | Array, mean: Float[Array, "*shape"], *, stream: int | Array = 0
) -> Int[Array, "*shape"]:
    r"""Poisson numbers that are a pure function of `(key, stream, step, lane)` and of their mean.

    Means below ten: by inversion, adding up probabilities until they exceed a uniform number (of 24 bits in float32, 53
    in float64). Others: by transformed rejection, with the logarithm of a probability found without cancellation, so
    that float32 is as good at a mean of 10,000 as at 10. Both loops stop when all lanes have their number; what
    a lane gets does not depend on the others. Under `vmap` and `jit` as `counter_normal`.

    **Arguments:** as `counter_bits`, and

    - `mean`: the means, of any shape with fewer than $2^{24}$ entries, float32 or float64, below $2^{24}$ or $2^{30}$.

    **Returns:** numbers of that shape, int32; -1 where a mean is negative or NaN.

    **Raises:** `ValueError` for a shape with too many entries.

    Source: Hormann (1993), The transformed rejection method for generating Poisson random variables, Insurance:
    Mathematics and Economics 12(1), algorithm PTRS; Loader (2000), Fast and accurate computation of binomial
    probabilities, for the logarithm.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.math import counter_poisson
        counter_poisson(jax.random.key(0), 7, jnp.array([0.1, 3.0, 500.0]))
        ```
    """
    require(mean.size < 2**24, "mean", "must hold fewer than 2^24 numbers", mean.shape, "split the draw over steps")
    k0, k1 = _key_words(key, stream)
    c0, lane = jnp.broadcast_to(_word(step, "step"), mean.shape), _lanes(mean.shape)
    words = lambda i: _cipher(k0, k1, c0, lane | (jnp.asarray(i, jnp.uint32) << np.uint32(24)))
    few = _inverted(*words(0), jnp.where(mean < _LARGE, mean, 0))
    many = _rejected(words, jnp.where(mean >= _LARGE, mean, 0))
    return jnp.where(mean >= 0, jnp.where(mean < _LARGE, few, many), -1)


def _inverted(w0: Array, w1: Array, mean: Array) -> Array:
    """How many of the distribution function's values are at most a uniform number."""
    dtype = mean.dtype
    if dtype == jnp.float64:
        high, low = (w0 >> np.uint32(5)).astype(dtype), (w1 >> np.uint32(6)).astype(dtype)
        u = (high * 2.0**26 + low) * 2.0**-53
    else:
        u = (w0 >> np.uint32(8)).astype(jnp.int32).astype(dtype) * np.float32(2.0**-24)
    # Beyond the mode, a probability that small no longer changes the sum.
    least = jnp.finfo(dtype).eps / 8

    def more(carry):
        i, p, total, _ = carry
        return ((u >= total) & ((i <= mean) | (p > least))).any()

    def add(carry):
        i, p, total, k = carry
        p = p * mean / i
        return i + 1, p, total + p, k + (u >= total).astype(jnp.int32)

    p = jnp.exp(-mean)
    start = (jnp.ones((), dtype), p, p, jnp.zeros(mean.shape, jnp.int32))
    return jax.lax.while_loop(more, add, start)[3]


def _rejected(words, mean: Array) -> Array:
    """Hormann's PTRS for means of ten and more; zero for others."""
    dtype = mean.dtype
    large = mean > 0
    m = jnp.maximum(mean, _LARGE)
    b = 0.931 + 2.53 * jnp.sqrt(m)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    most = 0.9277 - 3.6224 / (b - 2)

    def attempt(i):
        w0, w1 = words(i)
        u, v = _centred(w0, dtype), _centred(w1, dtype) + 0.5
        edge = 0.5 - jnp.abs(u)
        k = jnp.floor((2 * a / edge + b) * u + m + 0.43)
        quick = (edge >= 0.07) & (v <= most)
        out = (k < 0) | ((edge < 0.013) & (v > edge))
        chance, root = _probability(jnp.maximum(k, 0), m)
        return k, quick | (~out & (v * inverse_alpha * root <= (a / edge**2 + b) * chance))

    def body(carry):
        i, k, done = carry
        new, good = attempt(i)
        return i + 1, jnp.where(done, k, jnp.where(good, new, k)), done | good

    more = lambda carry: (carry[0] < _TRIES) & ~carry[2].all()
    _, k, _ = jax.lax.while_loop(more, body, (jnp.zeros((), jnp.int32), jnp.zeros_like(m), ~large))
    return jnp.where(large, k, 0).astype(jnp.int32)


def _centred(word: Array, dtype) -> Array:
    """A word as a number between -1/2 and 1/2, neither of them."""
    signed = jax.lax.bitcast_convert_type(word, jnp.int32)
    if dtype == jnp.float64:
        return (signed.astype(dtype) + 0.5) * 2.0**-32
    return ((signed >> np.int32(8)).astype(dtype) + np.float32(0.5)) * np.float32(2.0**-24)


def _probability(k: Array, m: Array) -> tuple[Array, Array]:
    r"""$e^{-m} m^k / k!$ times the root of $2 \pi k$, and that root: by the deviance, and Stirling's series."""
    gap = (k - m) / m
    deviance = m * (k / m * jnp.log1p(jnp.maximum(gap, -0.999999)) - gap)
    some = jnp.maximum(k, 1)
    z = 1 / some
    rest = z * (1 / 12 - z**2 * (1 / 360 - z**2 * (1 / 1260 - z**2 / 1680)))
    for i, value in enumerate(_LAWS):
        rest = jnp.where(k == i, value, rest)
    return jnp.exp(-deviance - rest), jnp.sqrt(2 * jnp.pi * some)
