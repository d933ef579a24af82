"""Exponentially weighted counts of events, with a derivative for the decay that costs one more recursion."""

import math

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float


__all__ = ["decayed"]

_SHORT = 48


def decayed(gaps: Float[Array, " e"], jumps: Float[Array, "e *s"], decay: Float[Array, "*d"]) -> Float[Array, "e *s"]:
    r"""$x_n = e^{-\beta g_n} x_{n-1} + j_n$ from $x_{-1} = 0$: the state just after each event.

    Long sequences are cut into rows that run side by side; what a row carries into the next is added at the end. The
    derivative with respect to the decay is a recursion of the same kind,
    $d_n = e^{-\beta g_n} (d_{n-1} + g_n x_{n-1})$ with $\partial x_n / \partial \beta = -d_n$, so that reverse mode
    never goes through the scan.

    **Arguments:**

    - `gaps`: shape `(e,)`.
    - `jumps`: shape `(e, *s)`; taken as constant.
    - `decay`: broadcasts to `*s`.

    **Returns:** shape `(e, *s)`.

    Source: Ozaki (1979), Maximum likelihood estimation of Hawkes' self-exciting point processes, equations 3 to 6.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import decayed
        decayed(jnp.array([0.5, 1.0]), jnp.ones((2, 1)), jnp.ones(1))  # [[1.], [1.3679]]
        ```
    """
    decay = jnp.asarray(decay)
    return _decayed(gaps, jumps, decay.reshape((1,) * (jumps.ndim - decay.ndim) + decay.shape))


def _wide(x, decay):
    return x.reshape((-1,) + (1,) * (decay.ndim - 1))


def _chain(fade, jumps):
    """`x_n = fade_n x_{n-1} + jumps_n` along the first axis, step by step."""

    def step(x, inputs):
        a, b = inputs
        x = a * x + b
        return x, x

    return jax.lax.scan(step, jnp.zeros(jumps.shape[1:], jumps.dtype), (fade, jumps))[1]


def _products(fade):
    """Cumulative products along the first axis: fewer exponentials than of cumulative sums."""

    def step(x, a):
        x = a * x
        return x, x

    return jax.lax.scan(step, jnp.ones(fade.shape[1:], fade.dtype), fade)[1]


def _run(gaps, jumps, decay):
    n = gaps.shape[0]
    if n <= _SHORT:
        return _chain(jnp.exp(-decay * _wide(gaps, decay)), jumps)
    columns = 2 ** round(math.log2(math.sqrt(n)))
    rows = -(-n // columns)

    def cut(x):  # (columns, rows, ...): a step of the scan moves all rows at once
        x = jnp.pad(x, [(0, rows * columns - n)] + [(0, 0)] * (x.ndim - 1))
        return jnp.swapaxes(x.reshape(rows, columns, *x.shape[1:]), 0, 1)

    g, j = cut(gaps), cut(jumps)
    wide = g.reshape(*g.shape, *(1,) * (decay.ndim - 1))
    fade = jnp.exp(-decay[None] * wide)
    inner, since = _chain(fade, j), _products(fade)
    carried = _chain(since[-1], inner[-1])
    carried = jnp.concatenate([jnp.zeros((1, *carried.shape[1:]), carried.dtype), carried[:-1]])
    x = inner + since * carried[None]
    return jnp.swapaxes(x, 0, 1).reshape(rows * columns, *jumps.shape[1:])[:n]


@jax.custom_jvp
def _decayed(gaps, jumps, decay):
    return _run(gaps, jumps, decay)


def _rule(primals, tangents):
    gaps, jumps, decay = primals
    x = _run(gaps, jumps, decay)
    before = jnp.concatenate([jnp.zeros((1, *x.shape[1:]), x.dtype), x[:-1]])
    fade = jnp.exp(-decay * _wide(gaps, decay))
    dx = jnp.zeros_like(x)
    times, _, decays = tangents
    if not isinstance(decays, SymbolicZero):
        slope = _run(gaps, fade * _wide(gaps, decay) * before, decay)
        dx = dx - slope * decays
    if not isinstance(times, SymbolicZero):
        dx = dx + _run(gaps, -decay * _wide(times, decay) * fade * before, decay)
    return x, dx


_decayed.defjvp(_rule, symbolic_zeros=True)
