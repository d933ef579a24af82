"""The loop over a fixed grid: Diffrax's solvers, stepped by number."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import equinox.internal as eqxi
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._process import AbstractDiffusion
from .._types import State
from ..noise import AbstractBrownian, AbstractNoise
from ._terms import Held, terms


__all__ = ["Plan", "Stepper", "march"]


class Plan(eqx.Module):
    """Which steps to take, and after which of them to save. Step `first + marks[k]` starts at the `k`-th time."""

    first: int | Int[Array, ""]
    rows: int | None = eqx.field(static=True)
    """The number of gaps, if all have `per_row` steps."""
    per_row: int | None = eqx.field(static=True)
    marks: Int[Array, " t"] | None
    steps: int | None = eqx.field(static=True)
    """The number of steps in all, or `None` if it depends on traced times."""


class Stepper(eqx.Module):
    """One step of a solver on a grid."""

    process: AbstractDiffusion
    solver: diffrax.AbstractSolver
    noise: AbstractNoise

    def _terms(self, step):
        noise = self.noise
        value = noise.levy(step) if isinstance(noise, AbstractBrownian) else noise.increment(step)
        control = Held(value) if isinstance(noise, AbstractBrownian) else _Driven(value)
        mixing = noise.mixing if isinstance(noise, AbstractBrownian) else None
        return terms(self.process, self.solver, control, mixing, noise.grid.width(step))

    def init(self, step, x: State) -> Any:
        return self.solver.init(self._terms(step), *self.noise.grid.interval(step), x, None)

    def __call__(self, step, x: State, state: Any) -> tuple[State, Any]:
        t0, t1 = self.noise.grid.interval(step)
        y, _, _, state, result = self.solver.step(self._terms(step), t0, t1, x, None, state, False)
        if result is not diffrax.RESULTS.successful:
            y = jnp.where(result == diffrax.RESULTS.successful, y, jnp.nan)
        return y, state


class _Driven(diffrax.AbstractPath):
    """As `Held`, for noise that is not Brownian."""

    value: Array

    @property
    def t0(self):
        return -jnp.inf

    @property
    def t1(self):
        return jnp.inf

    def evaluate(self, t0, t1=None, left=True):
        return self.value


def march(
    step: Callable, carry: Any, plan: Plan, adjoint: diffrax.AbstractAdjoint | None
) -> tuple[Any, Float[Array, "t d"]]:
    """Run `carry = step(i, carry)` over the steps of a plan, and stack `carry[0]` at the marks."""
    first = carry[0]
    if plan.rows is None:
        return _ragged(step, carry, plan, adjoint)
    body = lambda c, i: (step(i, c), None)
    inner = _differentiable(body, plan.per_row, adjoint)

    def row(c, r):
        c = inner(c, plan.first + r * plan.per_row + jnp.arange(plan.per_row))
        return c, c[0]

    carry, xs = jax.lax.scan(row, carry, jnp.arange(plan.rows))
    return carry, jnp.concatenate([first[None], xs])


_BLOCK = 4096
"""Longest run of steps of which every state is kept for the backward pass."""


def _differentiable(body, length, adjoint):
    """A scan over `length` steps, and what it keeps for the backward pass."""
    over = lambda f, c, i: jax.lax.scan(f, c, i)[0]
    if isinstance(adjoint, diffrax.DirectAdjoint | diffrax.ForwardMode):
        return lambda c, i: over(body, c, i)
    if isinstance(adjoint, diffrax.RecursiveCheckpointAdjoint) and adjoint.checkpoints is not None:
        kept = adjoint.checkpoints
        if kept < length:
            return lambda c, i: eqxi.scan(body, c, i, kind="checkpointed", checkpoints=kept)[0]
    # Keep the state before each step, draw its noise again in the backward pass.
    once = jax.checkpoint(body, prevent_cse=False)
    if length <= _BLOCK:
        return lambda c, i: over(once, c, i)
    size = int(length**0.5)
    block = jax.checkpoint(lambda c, i: (over(once, c, i), None), prevent_cse=False)

    def blocks(c, i):
        whole = length // size * size
        c = over(block, c, i[:whole].reshape(-1, size))
        return over(once, c, i[whole:])

    return blocks


def _ragged(step, carry, plan, adjoint):
    """The same over gaps of unequal numbers of steps."""
    first = carry[0]
    saved = jnp.zeros((plan.marks.shape[0], *first.shape), first.dtype).at[0].set(first)
    marks = jnp.asarray(plan.marks)
    total = marks[-1]

    def body(state):
        i, row, carry, saved = state
        carry = step(plan.first + i, carry)
        done = i + 1 == marks[row + 1]
        saved = saved.at[row + 1].set(carry[0], pred=done)
        return i + 1, row + done, carry, saved

    kind = "checkpointed"
    if isinstance(adjoint, diffrax.DirectAdjoint):
        kind = "bounded"
    elif isinstance(adjoint, diffrax.ForwardMode):
        kind = "lax"
    kept = getattr(adjoint, "checkpoints", None) or min(plan.steps or _BLOCK, _BLOCK)
    _, _, carry, saved = eqxi.while_loop(
        lambda state: state[0] < total,
        body,
        (jnp.zeros((), total.dtype), jnp.zeros((), total.dtype), carry, saved),
        max_steps=plan.steps,
        buffers=lambda state: state[3],
        kind=kind,
        checkpoints=kept,
    )
    return carry, saved
