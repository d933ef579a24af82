"""Small positive semi-definite matrices: factor, solve and density that stay exact where the matrix is singular.

Covariances in filtering are singular all the time: a state known exactly, a component without noise, two rows at the
same time. LAPACK's Cholesky gives NaN there. Here a pivot that is zero to rounding is skipped, which for a positive
semi-definite matrix is exact (the rest of its column is zero too), and the gradients stay finite.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._types import Array


__all__ = ["degenerate_log_prob", "psd_cholesky", "psd_solve", "symmetric", "whiten"]

_UNROLL = 8
_LOG_2PI = 1.8378770664093453


def symmetric(a: Float[Array, "*n d d"]) -> Float[Array, "*n d d"]:
    """The symmetric part of a matrix."""
    return (a + jnp.swapaxes(a, -1, -2)) / 2


def _loop(count, body, init):
    """A loop of static length, unrolled where it is short: XLA then fuses it, and no LAPACK call is paid."""
    if count > _UNROLL:
        return jax.lax.fori_loop(0, count, body, init)
    for j in range(count):
        init = body(j, init)
    return init


def psd_cholesky(a: Float[Array, "d d"]) -> Float[Array, "d d"]:
    r"""The lower-triangular $L$ with $L L^\top = a$, with a zero column where the pivot is zero to rounding.

    **Arguments:**

    - `a`: a symmetric positive semi-definite matrix, shape `(d, d)`.

    **Returns:** `L`, shape `(d, d)`.
    """
    d = a.shape[-1]
    threshold = 10 * d * jnp.finfo(a.dtype).eps * jax.lax.stop_gradient(jnp.diagonal(a))
    rows = jnp.arange(d)

    def column(j, carry):
        rest, factor = carry
        pivot = rest[j, j]
        ok = pivot > threshold[j]
        root = jnp.sqrt(jnp.where(ok, pivot, 1.0))
        col = jnp.where(ok & (rows >= j), rest[:, j] / root, 0.0)
        return rest - col[:, None] * col[None, :], factor.at[:, j].set(col)

    return _loop(d, column, (a, jnp.zeros_like(a)))[1]


def whiten(factor: Float[Array, "d d"], b: Float[Array, "d k"]) -> tuple[Float[Array, "d k"], Float[Array, "d k"]]:
    r"""Solve $L z = b$ where zero pivots of $L$ give $z = 0$.

    **Arguments:**

    - `factor`: `L` of `psd_cholesky`.
    - `b`: right-hand sides, shape `(d, k)`.

    **Returns:** `z`, and the residual at the zero pivots (zero where `b` lies in the range of `L`), both `(d, k)`.
    """
    d = factor.shape[-1]
    pivots = jnp.diagonal(factor)

    def row(j, carry):
        z, gap = carry
        rest = b[j] - factor[j] @ z
        ok = pivots[j] > 0
        zero = jnp.zeros_like(rest)
        z = z.at[j].set(jnp.where(ok, rest / jnp.where(ok, pivots[j], 1.0), zero))
        return z, gap.at[j].set(jnp.where(ok, zero, rest))

    start = jnp.zeros((d, b.shape[-1]), jnp.result_type(factor, b))
    return _loop(d, row, (start, start))


def psd_solve(factor: Float[Array, "d d"], b: Float[Array, "d k"]) -> Float[Array, "d k"]:
    r"""Solve $L L^\top x = b$ for `b` in the range of $L L^\top$ (any solution where there are many).

    **Arguments:**

    - `factor`: `L` of `psd_cholesky`.
    - `b`: right-hand sides, shape `(d, k)`.

    **Returns:** `x`, shape `(d, k)`.
    """
    z, _ = whiten(factor, b)
    flipped, _ = whiten(factor.T[::-1, ::-1], z[::-1])
    return flipped[::-1]


def degenerate_log_prob(
    residual: Float[Array, " e"], factor: Float[Array, "e e"], count: Float[Array, ""], scale: Float[Array, ""]
) -> Float[Array, ""]:
    """The log-density of `N(0, L L^T)` at `residual`, on the subspace where the law lives.

    **Arguments:**

    - `residual`: observation less mean, shape `(e,)`, zero at missing entries.
    - `factor`: `L` of `psd_cholesky` of the covariance, with unit rows at missing entries.
    - `count`: the number of missing entries, taken off the number that carry the constant `log 2 pi`.
    - `scale`: the size of the numbers whose difference `residual` is: it decides what counts as rounding.

    **Returns:** the log-density; minus infinity if the residual leaves the subspace.
    """
    z, gap = whiten(factor, residual[:, None])
    pivots = jnp.diagonal(factor)
    ok = pivots > 0
    off = jnp.any(jnp.abs(gap) > 100 * jnp.finfo(factor.dtype).eps * (scale + jnp.max(pivots)))
    free = ok.sum() - count
    value = -0.5 * (jnp.sum(z**2) + free * _LOG_2PI) - jnp.sum(jnp.log(jnp.where(ok, pivots, 1.0)))
    return jnp.where(off, -jnp.inf, value)
