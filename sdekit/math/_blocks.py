"""The scans of a long chain with one transition matrix, cut into blocks that run side by side."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require


__all__ = ["chain_expectations"]


def _unit(x: Array) -> tuple[Array, Array]:
    """Columns scaled to sum one, and the logs of the sums; a column of zeros stays one."""
    total = x.sum(0)
    safe = jnp.where(total > 0, total, 1)
    return x / safe[None], jnp.where(total > 0, jnp.log(safe), -jnp.inf)


def _through(matrix: Array, e: Array, backward: bool) -> tuple[Array, Array]:
    """What each block does to a vector: products of its steps, column `i` the image of state `i`; and its scale.

    `e` has shape `(steps, n, blocks)`. Forward a step is `v -> e * (P^T v)`, backward `v -> P (e * v)`.
    """
    n, blocks = e.shape[1:]
    start = jnp.broadcast_to(jnp.eye(n, dtype=e.dtype)[:, :, None], (n, n, blocks))

    def step(carry, w):
        x, log = carry
        w = w[:, None, :]
        x = x * w if backward else x
        x = jnp.dot(matrix, x.reshape(n, -1)).reshape(n, n, blocks)
        x, more = _unit(x if backward else x * w)
        return (x, log + more), None

    (x, log), _ = jax.lax.scan(step, (start, jnp.zeros((n, blocks), e.dtype)), e, reverse=backward)
    return x, log


def _entries(x: Array, log: Array, first: Array, backward: bool) -> Array:
    """The vector with which each block is entered, shape `(n, blocks)`, columns of sum one."""

    def step(v, block):
        x, log = block
        weight = jnp.where(v > 0, jnp.log(jnp.where(v > 0, v, 1)), -jnp.inf) + log
        top = weight.max()
        new, _ = _unit(x @ jnp.exp(weight - jnp.where(jnp.isfinite(top), top, 0)))
        return new, v

    blocks = (jnp.moveaxis(x, 2, 0), log.T)
    return jax.lax.scan(step, first, blocks, reverse=backward)[1].T


def chain_expectations(
    first: Float[Array, " n"], matrix: Float[Array, "n n"], seen: Float[Array, "t n"], blocks: int = 256
) -> tuple[Float[Array, "t n"], Float[Array, "n n"], Float[Array, ""]]:
    """What EM needs of one long chain with one transition matrix: as `chain_smooth`, at several times its speed.

    The series is cut into blocks. What a block does to each state is found for all blocks at once; a scan over blocks
    finds the vector with which each is entered; and all blocks run again at once from there.

    **Arguments:**

    - `first`: weights of the states at the first time, shape `(n,)`.
    - `matrix`: the transition matrix, shape `(n, n)`.
    - `seen`: the log-likelihood of what was seen at each time in each state, shape `(t, n)`.
    - `blocks`: how many blocks to cut the series into.

    **Returns:** the laws of the states at each time, shape `(t, n)`; the expected numbers of transitions, shape
    `(n, n)`; and the log-likelihood.

    **Raises:** `ValueError` for shapes that do not fit.

    Source: the scans of Rabiner (1989), regrouped by the associativity of matrix products; Sarkka and
    Garcia-Fernandez (2021), Temporal parallelization of Bayesian smoothers, IEEE Transactions on Automatic Control.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import chain_expectations
        P = jnp.array([[0.9, 0.1], [0.2, 0.8]])
        laws, moves, log_prob = chain_expectations(jnp.array([0.5, 0.5]), P, jnp.zeros((100, 2)), blocks=8)
        ```
    """
    require(seen.ndim == 2, "seen", "must have shape (t, n)", seen, "pass one row a time")
    t, n = seen.shape
    require(first.shape == (n,), "first", f"must have shape ({n},)", first, "pass one weight a state")
    require(matrix.shape == (n, n), "matrix", f"must have shape ({n}, {n})", matrix, "pass one row a state")
    blocks = max(1, min(blocks, (t - 1) // 4))
    length = -(-(t - 1) // blocks)
    top = seen.max(1)
    top = jnp.where(jnp.isfinite(top), top, 0)
    e = jnp.exp(seen - top[:, None])
    a0, l0 = _unit(first * e[0])
    # Steps that fill the last block see nothing: the law moves on, and no likelihood is gained or lost.
    fill = blocks * length - (t - 1)
    e_steps = jnp.concatenate([e[1:], jnp.ones((fill, n), e.dtype)])
    e_steps = e_steps.reshape(blocks, length, n).transpose(1, 2, 0)
    entry = _entries(*_through(matrix.T, e_steps, False), a0, False)

    def forward(a, w):
        new, scale = _unit(jnp.dot(matrix.T, a) * w)
        return new, (a, new, scale)

    _, (before, after, scales) = jax.lax.scan(forward, entry, e_steps)
    flat = lambda x: x.transpose(2, 0, 1).reshape(-1, n)
    real = flat(jnp.ones_like(after))[:, 0].cumsum() <= t - 1
    log_prob = l0 + jnp.where(real, scales.T.reshape(-1), 0).sum() + top.sum()
    ones = jnp.full(n, 1 / n, e.dtype)
    exit_ = _entries(*_through(matrix, e_steps, True), ones, True)

    def backward(b, w):
        return _unit(jnp.dot(matrix, w * b))[0], b

    _, betas = jax.lax.scan(backward, exit_, e_steps, reverse=True)
    laws, _ = _unit((after * betas).transpose(1, 0, 2).reshape(n, -1))
    laws = laws.reshape(n, length, blocks).transpose(1, 0, 2)
    ahead = e_steps * betas
    total = (before * jnp.einsum("ij,ljb->lib", matrix, ahead)).sum(1, keepdims=True)
    ahead = jnp.where(real.reshape(blocks, length).T[:, None, :], ahead / total, 0)
    moves = matrix * jnp.einsum("lib,ljb->ij", before, ahead)
    start = a0 * (matrix @ (e_steps[0, :, 0] * betas[0, :, 0]))
    return jnp.concatenate([(start / start.sum())[None], flat(laws)[: t - 1]]), moves, log_prob
