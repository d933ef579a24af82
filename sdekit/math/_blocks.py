"""The scans of a long chain with one transition matrix, cut into blocks that run side by side."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._errors import require


__all__ = ["chain_expectations", "lane_expectations"]

_WARM = 96
"""So many steps are run ahead of a block to find the vector with which it is entered."""


def _sum(x: Array) -> Array:
    """The sum over states, written out: as a reduction it would be a loop of its own in every step."""
    total = x[0]
    for row in x[1:]:
        total = total + row
    return total


def _inverse(x: Array) -> Array:
    """One over it, and zero where there is nothing to divide by."""
    some = x >= jnp.finfo(x.dtype).tiny
    return jnp.where(some, 1 / jnp.where(some, x, 1), 0)


def _apply(matrix: Array, x: Array) -> Array:
    """The product, written out, of a matrix `(n, n)` and columns `(n, ...)`: it fuses with what is around it."""
    out = jnp.zeros((matrix.shape[0], *x.shape[1:]), x.dtype)
    for column, row in zip(matrix.T, x, strict=True):
        out = out + column.reshape(-1, *[1] * row.ndim) * row[None]
    return out


def _unit(x: Array) -> tuple[Array, Array]:
    """Columns scaled to sum one, and the logs of the sums; a column of zeros stays one."""
    total = x.sum(0)
    safe = jnp.where(total > 0, total, 1)
    return x / safe[None], jnp.where(total > 0, jnp.log(safe), -jnp.inf)


def _forward(matrix: Array, start: Array, e: Array) -> tuple[Array, Array]:
    """The columns of all blocks taken along their steps, `v -> e * (matrix.T @ v) / sum(v)`.

    Scaling by the sum of the column before makes one loop of a whole step. Returns the last columns and those before
    each step."""

    def step(x, w):
        return w * (_apply(matrix.T, x) * _inverse(_sum(x))[None]), x

    return jax.lax.scan(step, start, e)


def _ahead(matrix: Array, end: Array, e: Array) -> tuple[Array, Array]:
    """The same from the end, `u -> e * (matrix @ u) / sum(u)`: what is ahead of each step, that step included."""

    def step(u, w):
        new = w * (_apply(matrix, u) * _inverse(_sum(u))[None])
        return new, new

    return jax.lax.scan(step, end, e, reverse=True)


def _scaled_ahead(matrix: Array, end: Array, e: Array, scale: Array) -> tuple[Array, Array]:
    """The same with the scales of the way forward, so that it gives laws without a division (Rabiner, section V.A).

    What a state that the data exclude would lead to may overflow; its law is zero, whatever that is."""
    most = jnp.finfo(e.dtype).max / (4 * len(matrix))

    def step(u, inputs):
        w, c = inputs
        new = jnp.minimum(w * _apply(matrix, u) * c[None], most)
        return new, new

    return jax.lax.scan(step, end, (e, scale), reverse=True)


def _through(matrix: Array, e: Array, backward: bool) -> tuple[Array, Array]:
    """What each block does to a column: products of its steps, column `i` the image of state `i`; and its scale."""
    n, blocks = e.shape[1:]
    start = jnp.broadcast_to(jnp.eye(n, dtype=e.dtype)[:, :, None], (n, n, blocks))

    def step(carry, w):
        x, log = carry
        x, more = _unit(_apply(matrix, x) * w[:, None, :])
        return (x, log + more), None

    (x, log), _ = jax.lax.scan(step, (start, jnp.zeros((n, blocks), e.dtype)), e, reverse=backward)
    return x, log


def _exact_entries(matrix: Array, e: Array, first: Array, backward: bool) -> Array:
    """The columns with which each block is entered, from what each block does to every state."""
    x, log = _through(matrix, e, backward)

    def step(v, block):
        x, log = block
        weight = jnp.where(v > 0, jnp.log(jnp.where(v > 0, v, 1)), -jnp.inf) + log
        top = weight.max()
        new, _ = _unit(x @ jnp.exp(weight - jnp.where(jnp.isfinite(top), top, 0)))
        return new, v

    blocks = (jnp.moveaxis(x, 2, 0), log.T)
    return jax.lax.scan(step, first, blocks, reverse=backward)[1].T


def _sweep(run, warm, matrix: Array, first: Array, e: Array, needed: Array, backward: bool) -> tuple[Array, Array]:
    """What `run` gives with each block entered rightly.

    A chain forgets: a few steps ahead of a block lead from any column to that with which it is entered (`warm`).
    Whether they did is seen at the end, where each block must hand over what the next began with; if not, the blocks
    run again from what was handed over, and if that is not enough, from entries found without guessing. `needed` says
    which blocks must be entered rightly.
    """
    length, n, blocks = e.shape
    if blocks == 1:
        return run(first[:, None])
    steps = e[:_WARM] if backward else e[max(length - _WARM, 0) :]

    def handed(x):
        x = x * _inverse(_sum(x))[None]
        return jnp.concatenate([x[:, 1:], first[:, None]] if backward else [first[:, None], x[:, :-1]], 1)

    def settled(entry, found):
        gap = jnp.abs(handed(found[0]) - entry)
        return ((gap <= 256 * jnp.finfo(e.dtype).eps * entry) | ~needed[None]).all()

    def again(carry):
        i, entry, found, _ = carry
        entry = handed(found[0])
        found = run(entry)
        return i + 1, entry, found, settled(entry, found)

    entry = handed(warm(matrix, jnp.full((n, blocks), 1 / n, e.dtype), steps)[0])
    found = run(entry)
    # A chain that remembers longer than the few steps forgets over whole blocks; exact entries cost about `n` passes.
    state = (0, entry, found, settled(entry, found))
    *_, found, good = jax.lax.while_loop(lambda c: ~c[3] & (c[0] < n), again, state)
    exact = lambda: run(_exact_entries(matrix if backward else matrix.T, e, first, backward))
    return jax.lax.cond(good, lambda: found, exact)


def lane_expectations(
    first: Float[Array, " n"],
    matrix: Float[Array, "n n"],
    start: Float[Array, " n"],
    seen: Float[Array, "length n lanes"],
    real: Bool[Array, "length lanes"],
) -> tuple[Float[Array, " n"], Float[Array, "length n lanes"], Float[Array, "n n"], Float[Array, ""]]:
    """`chain_expectations` of a chain that lies in lanes: step `l` of lane `b` is step `b * length + l` of the chain.

    **Arguments:**

    - `first`: weights of the states at the first time.
    - `matrix`: the transition matrix, rows that sum to one.
    - `start`: the log-likelihood of what was seen at the first time, in each state.
    - `seen`: the log-likelihood of what each step leads to, in each state.
    - `real`: which steps are steps of the chain, all those before the first that is not; the others fill the last
        lanes, and what they lead to counts nothing.

    **Returns:** the law of the first state; those of the states that each step leads to; the expected numbers of
    transitions; the log-likelihood.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import lane_expectations
        P = jnp.array([[0.9, 0.1], [0.2, 0.8]])
        lane_expectations(jnp.array([0.5, 0.5]), P, jnp.zeros(2), jnp.zeros((5, 2, 2)), jnp.ones((5, 2), bool))[0]
        ```
    """
    n = len(first)
    seen = jnp.where(real[:, None], seen, 0)
    shift, top = _top(start), _top(seen.transpose(1, 0, 2))
    start, e = first * jnp.exp(start - shift), jnp.exp(seen - top[:, None])
    forward = lambda entry: _forward(matrix, entry, e)
    last, before = _sweep(forward, _forward, matrix, start, e, real[0], False)
    sums = jax.vmap(_sum)(before)
    scale, ends = _inverse(sums), _apply(matrix.T, last)

    def backward(entry):
        # The column behind the last step of a block, such that its product with what came before sums to one.
        return _scaled_ahead(matrix, entry * _inverse(_sum(ends * entry))[None], e, scale)

    _, ahead = _sweep(backward, _ahead, matrix, jnp.full(n, 1 / n, e.dtype), e, real[-1], True)
    logs = lambda x: jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1)), -jnp.inf)
    scales = jnp.concatenate([sums[1:], _sum(last)[None]])
    log_prob = logs(start.sum()) + jnp.where(real, logs(scales), 0).sum() + shift + top.sum()
    laws = ahead * jax.vmap(lambda x: _apply(matrix.T, x))(before)
    pairs = jnp.einsum("lib,ljb->lij", before, jnp.where(real[:, None], ahead, 0)).sum(0)
    law = start * (matrix @ ahead[0, :, 0])
    return law * _inverse(law.sum()), laws, matrix * pairs, log_prob


def _top(seen: Array) -> Array:
    """The largest of the logs over the first axis; zero where all is impossible."""
    top = seen.max(0)
    return jnp.where(jnp.isfinite(top), top, 0)


def chain_expectations(
    first: Float[Array, " n"], matrix: Float[Array, "n n"], seen: Float[Array, "t n"], blocks: int = 256
) -> tuple[Float[Array, "t n"], Float[Array, "n n"], Float[Array, ""]]:
    """What EM needs of one long chain with one transition matrix: as `chain_smooth`, at many times its speed.

    The series is cut into blocks that run side by side. A block is entered with the column that the steps before lead
    to from any start, which is checked to the last digits; where the chain does not forget so fast, what a block does
    to each state is found for all blocks at once, and a scan over blocks finds the entries. Under `vmap` both are done.

    **Arguments:**

    - `first`: weights of the states at the first time, shape `(n,)`.
    - `matrix`: the transition matrix, shape `(n, n)`; its rows sum to one.
    - `seen`: the log-likelihood of what was seen at each time in each state, shape `(t, n)`.
    - `blocks`: how many blocks to cut the series into.

    **Returns:** the laws of the states at each time, shape `(t, n)`; the expected numbers of transitions, shape
    `(n, n)`; and the log-likelihood. To differentiate, take `chain_log_prob`.

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
    fill = jnp.zeros((blocks * length + 1 - t, n), seen.dtype)
    real = jnp.arange(blocks)[None] * length + jnp.arange(length)[:, None] < t - 1
    lanes = jnp.concatenate([seen[1:], fill]).reshape(blocks, length, n).transpose(1, 2, 0)
    law, laws, moves, log_prob = lane_expectations(first, matrix, seen[0], lanes, real)
    laws = jnp.concatenate([law[None], laws.transpose(2, 0, 1).reshape(-1, n)[: t - 1]])
    return laws, moves, log_prob
