"""The loop over the steps of a grid, and what it keeps for gradients."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import equinox.internal as eqxi
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


__all__ = ["Plan", "march"]

BLOCK = 4096
"""The longest run of steps of which every state is kept for the backward pass."""


class Plan(eqx.Module):
    """Which steps to take, and after which of them to save. The `k`-th time is where step `first + marks[k]` starts."""

    first: int | Int[Array, ""]
    rows: int | None = eqx.field(static=True)
    """The number of gaps, if all have `per_row` steps."""
    per_row: int | None = eqx.field(static=True)
    marks: Any
    """Integers of shape `(t,)`, if the gaps differ. A NumPy array where they are known."""
    steps: int | None = eqx.field(static=True)
    """The number of steps in all, or `None` if it depends on traced times."""

    def every(self) -> "Plan":
        """The same steps, saved after each."""
        return Plan(self.first, self.steps, 1, None, self.steps)


def march(
    step: Callable, carry: tuple, plan: Plan, adjoint: diffrax.AbstractAdjoint | None
) -> tuple[tuple, Float[Array, "t d"]]:
    """Run `carry = step(i, carry)` over the steps of a plan, and stack `carry[0]` at its times.

    **Arguments:**

    - `step`: one step; `i` is its number on the grid of the noise.
    - `carry`: its first entry is the state.
    - `plan`: which steps.
    - `adjoint`: what is kept for the backward pass. `None`: the state before each step, and the square root of it where
      a gap has more than 4096; the noise is drawn again. `RecursiveCheckpointAdjoint(checkpoints=c)`: `c` states a gap.
      `DirectAdjoint`, `ForwardMode`: everything, for forward mode or for small solves.

    **Returns:** the last carry, and the states of shape `(t, d)`.
    """
    if plan.rows is None:
        return _ragged(step, carry, plan, adjoint)
    x0 = carry[0]
    run = _differentiable(lambda c, i: (step(i, c), None), plan.per_row, adjoint)

    def row(c, r):
        c = run(c, plan.first + r * plan.per_row + jnp.arange(plan.per_row))
        return c, c[0]

    carry, xs = jax.lax.scan(row, carry, jnp.arange(plan.rows))
    return carry, jnp.concatenate([x0[None], xs])


def _differentiable(body, length, adjoint):
    """A loop over `length` steps that keeps what `adjoint` says."""
    over = lambda f, c, i: jax.lax.scan(f, c, i)[0]
    if isinstance(adjoint, diffrax.DirectAdjoint | diffrax.ForwardMode):
        return lambda c, i: over(body, c, i)
    kept = adjoint.checkpoints if isinstance(adjoint, diffrax.RecursiveCheckpointAdjoint) else None
    if kept is not None and kept < length:
        return lambda c, i: eqxi.scan(body, c, i, kind="checkpointed", checkpoints=kept)[0]
    once = jax.checkpoint(body, prevent_cse=False)
    if length <= BLOCK:
        return lambda c, i: over(once, c, i)
    size = int(length**0.5)
    block = jax.checkpoint(lambda c, i: (over(once, c, i), None), prevent_cse=False)

    def blocks(c, i):
        whole = length // size * size
        return over(once, over(block, c, i[:whole].reshape(-1, size)), i[whole:])

    return blocks


def _ragged(step, carry, plan, adjoint):
    """The same over gaps with unequal numbers of steps, known or not."""
    x0 = carry[0]
    marks = jnp.asarray(plan.marks)
    saved = jnp.zeros((marks.shape[0], *x0.shape), x0.dtype).at[0].set(x0)

    def body(state):
        i, row, carry, saved = state
        carry = step(plan.first + i, carry)
        done = i + 1 == marks[row + 1]
        return i + 1, row + done, carry, saved.at[row + 1].set(carry[0], pred=done)

    kind = "checkpointed"
    if isinstance(adjoint, diffrax.ForwardMode):
        kind = "lax"
    elif isinstance(adjoint, diffrax.DirectAdjoint):
        kind = "lax" if plan.steps is None else "bounded"
    kept = adjoint.checkpoints if isinstance(adjoint, diffrax.RecursiveCheckpointAdjoint) else None
    zero = jnp.zeros((), marks.dtype)
    _, _, carry, saved = eqxi.while_loop(
        lambda state: state[0] < marks[-1],
        body,
        (zero, zero, carry, saved),
        max_steps=plan.steps,
        buffers=lambda state: state[3],
        kind=kind,
        checkpoints=min(plan.steps or BLOCK, BLOCK) if kept is None else kept,
    )
    return carry, saved


def with_meter(step: Callable, meter: diffrax.AbstractProgressMeter, plan: Plan) -> Callable:
    """A step that also moves a progress meter, whose state is the last entry of the carry."""
    total = plan.steps if plan.steps is not None else plan.marks[-1]

    def metered(i, carry: Any):
        *carry, state = carry
        carry = step(i, tuple(carry))
        return *carry, meter.step(state, jnp.asarray((i - plan.first + 1) / total, float))

    return metered
