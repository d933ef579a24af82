"""Exponentially weighted counts of events, with a derivative for the decay that costs one more recursion."""

import functools

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from ..math import linear_recurrence


__all__ = ["decayed"]


def decayed(
    gaps: Float[Array, " e"], jumps: Float[Array, "e *s"], decay: Float[Array, "*d"]
) -> Float[Array, "e *s"]:
    r"""$x_n = e^{-\beta g_n} x_{n-1} + j_n$ from $x_{-1} = 0$: the state just after each event.

    By an associative scan. The derivative with respect to the decay is a recursion of the same kind,
    $d_n = e^{-\beta g_n} (d_{n-1} + g_n x_{n-1})$ with $\partial x_n / \partial \beta = -d_n$, so that reverse mode
    never goes through the scan: Ozaki (1979), Maximum likelihood estimation of Hawkes' self-exciting point processes.

    **Arguments:**

    - `gaps`: shape `(e,)`.
    - `jumps`: shape `(e, *s)`; taken as constant.
    - `decay`: broadcasts to `*s`.

    **Returns:** shape `(e, *s)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import decayed
        decayed(jnp.array([0.5, 1.0]), jnp.ones((2, 1)), jnp.ones(1))  # [[1.], [1.3679]]
        ```
    """
    return _decayed(gaps, jumps, jnp.broadcast_to(decay, jumps.shape[1:]))


def _run(gaps, jumps, decay):
    a = jnp.exp(-decay[None] * gaps.reshape((-1,) + (1,) * decay.ndim))
    return a, linear_recurrence(a, jumps, jnp.zeros(decay.shape, jumps.dtype))


@functools.partial(jax.custom_jvp)
def _decayed(gaps, jumps, decay):
    return _run(gaps, jumps, decay)[1]


def _rule(primals, tangents):
    gaps, jumps, decay = primals
    a, x = _run(gaps, jumps, decay)
    zero = jnp.zeros((1, *decay.shape), x.dtype)
    before = jnp.concatenate([zero, x[:-1]])
    dx = jnp.zeros_like(x)
    times, _, decays = tangents
    if not isinstance(decays, SymbolicZero):
        g = gaps.reshape((-1,) + (1,) * decay.ndim)
        slope = linear_recurrence(a, a * g * before, zero[0])
        dx = dx - jax.lax.stop_gradient(slope) * decays[None]
    if not isinstance(times, SymbolicZero):
        t = times.reshape((-1,) + (1,) * decay.ndim)
        dx = dx + linear_recurrence(a, -decay[None] * t * a * before, zero[0])
    return x, dx


_decayed.defjvp(_rule, symbolic_zeros=True)
