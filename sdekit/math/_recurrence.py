"""Linear recurrences in logarithmic depth."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._errors import require


__all__ = ["affine_recurrence", "cumulative_sum", "linear_recurrence"]

_BLOCK = 32


def cumulative_sum(x: Float[Array, " t"]) -> Float[Array, " t"]:
    """The running sums of a vector, by products with small triangular matrices.

    XLA's own cumulative sum is several times slower on CPU; rounding errors are of the same size.

    **Arguments:**

    - `x`: shape `(t,)`.

    **Returns:** sums of the first 1, 2, ..., t entries, shape `(t,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import cumulative_sum
        cumulative_sum(jnp.ones(3))  # 1, 2, 3
        ```
    """
    n = x.shape[0]
    # Not the fast, rounded products of accelerators: these are sums.
    times = lambda y, triangle: jnp.matmul(y, triangle, precision=jax.lax.Precision.HIGHEST)
    if n <= 2 * _BLOCK:
        return times(x, jnp.triu(jnp.ones((n, n), x.dtype)))
    rows = -(-n // _BLOCK)
    inner = times(jnp.pad(x, (0, rows * _BLOCK - n)).reshape(rows, _BLOCK), jnp.triu(jnp.ones((_BLOCK,) * 2, x.dtype)))
    before = jnp.concatenate([jnp.zeros(1, x.dtype), cumulative_sum(inner[:-1, -1])])
    return (inner + before[:, None]).reshape(-1)[:n]


def _forget(reset: Array | None, steps: int) -> Array:
    """Where a step takes no account of the one before: at resets and at the start. What is forgotten may be NaN."""
    ok = reset is None or reset.shape == (steps,)
    require(ok, "reset", f"must have shape ({steps},)", reset, "pass one flag a step")
    first = jnp.arange(steps) == 0
    return first if reset is None else first | reset


def linear_recurrence(
    a: Float[Array, "t *s"], b: Float[Array, "t *s"], x0: Float[Array, "*s"], reset: Bool[Array, " t"] | None = None
) -> Float[Array, "t *s"]:
    """The states of $x_i = a_i x_{i-1} + b_i$, elementwise, by an associative scan.

    **Arguments:**

    - `a`, `b`: the coefficients, shape `(t, *s)`.
    - `x0`: the state before the first step, shape `(*s)`.
    - `reset`: where true, step `i` starts again from `x0` in place of $x_{i-1}$, shape `(t,)`.

    **Returns:** the states after each step, shape `(t, *s)`.

    **Raises:** `ValueError` for shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import linear_recurrence
        linear_recurrence(jnp.full(3, 0.5), jnp.ones(3), jnp.array(0.0))  # 1, 1.5, 1.75
        ```
    """
    require(a.shape == b.shape, "b", f"must have the shape of a, {a.shape}", b, "broadcast it")
    require(x0.shape == a.shape[1:], "x0", f"must have shape {a.shape[1:]}", x0, "pass one state")
    forget = _forget(reset, a.shape[0])
    first = forget.reshape(forget.shape + (1,) * x0.ndim)
    b = jnp.where(first, a * x0[None] + b, b)

    def compose(left, right):
        (a1, b1, _), (a2, b2, forgets) = left, right
        f = forgets.reshape(forgets.shape + (1,) * x0.ndim)
        return a2 * jnp.where(f, 0, a1), a2 * jnp.where(f, 0, b1) + b2, left[2] | forgets

    return jax.lax.associative_scan(compose, (a, b, forget))[1]


def affine_recurrence(
    A: Float[Array, "t d d"], b: Float[Array, "t d"], x0: Float[Array, " d"], reset: Bool[Array, " t"] | None = None
) -> Float[Array, "t d"]:
    """The states of $x_i = A_i x_{i-1} + b_i$ with matrices, by an associative scan.

    **Arguments:**

    - `A`: shape `(t, d, d)`.
    - `b`: shape `(t, d)`.
    - `x0`: the state before the first step, shape `(d,)`.
    - `reset`: where true, step `i` starts again from `x0`, shape `(t,)`.

    **Returns:** the states after each step, shape `(t, d)`.

    **Raises:** `ValueError` for shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import affine_recurrence
        A = jnp.broadcast_to(0.5 * jnp.eye(2), (3, 2, 2))
        affine_recurrence(A, jnp.ones((3, 2)), jnp.zeros(2))
        ```
    """
    steps, d = b.shape
    require(A.shape == (steps, d, d), "A", f"must have shape ({steps}, {d}, {d})", A, "pass one matrix a step")
    require(x0.shape == (d,), "x0", f"must have shape ({d},)", x0, "pass one state")
    forget = _forget(reset, steps)
    b = jnp.where(forget[:, None], A @ x0 + b, b)

    def compose(left, right):
        (A1, b1, _), (A2, b2, forgets) = left, right
        A1, b1 = jnp.where(forgets[:, None, None], 0, A1), jnp.where(forgets[:, None], 0, b1)
        return A2 @ A1, jnp.einsum("...ij,...j->...i", A2, b1) + b2, left[2] | forgets

    return jax.lax.associative_scan(compose, (A, b, forget))[1]
