"""Gradients that keep no state between saved times: the steps are taken back, one by one."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from .._errors import check_traced, require
from .._types import Array
from ._ees import EES25
from ._loop import Plan


__all__ = ["Reversible", "march_reversibly", "reversible", "undo"]


class Reversible(diffrax.AbstractAdjoint):
    """Gradients in memory that does not grow with the number of steps.

    Keeps the states at the saved times alone. The backward pass takes the steps back one by one, drawing the same
    increments again, and pulls the gradient through each. For `diffrax.ReversibleHeun`, whose steps can be undone
    exactly, and for `EES25`, whose steps can nearly be. Costs one more step, backwards, for each. Ask `solve` for many
    paths with `n` rather than by `vmap`, which would hold a gradient of all parameters for each path.

    What the way back has lost to rounding, or to a step that was undone nearly, is known at each saved time, where it
    starts afresh: a loss above `rtol` raises an error when the gradient is taken. Reverse mode alone, and once: neither
    `jvp` nor second derivatives.

    **Arguments:**

    - `rtol`: how far a state that was reconstructed may lie from the saved one, relative to the largest of the path.

    !!! example

        ```python
        import diffrax, jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.solve import Reversible, solve
        def loss(rate):
            model = sk.processes.OrnsteinUhlenbeck(rate=rate, mean=0.0, scale=0.3)
            ts, key = jnp.array([0.0, 1.0]), jax.random.key(0)
            path = solve(model, ts, key=key, n=8, dt=0.01, solver=diffrax.ReversibleHeun(), adjoint=Reversible())
            return jnp.mean(path.xs[:, -1] ** 2)
        jax.grad(loss)(1.0)
        ```

    Source: Kidger, Foster, Li and Lyons, *Efficient and accurate gradients for neural SDEs* (2021), algorithm 2.
    """

    rtol: float = eqx.field(static=True, default=1e-3)

    def __check_init__(self):
        require(self.rtol > 0, "rtol", "must be positive", self.rtol, "pass e.g. 1e-3")

    def loop(self, **kwargs):
        raise NotImplementedError("`Reversible` is for `sdekit.solve.solve`, not for `diffrax.diffeqsolve`.")


def reversible(solver: Any) -> bool:
    """Whether the steps of a solver can be taken back."""
    return isinstance(solver, diffrax.ReversibleHeun | EES25)


def undo(solver: Any, there: Any, back: Any, ends: tuple, carry: tuple) -> tuple:
    """The state before a step, and what the solver kept, from those after it.

    **Arguments:**

    - `solver`: a reversible solver.
    - `there`, `back`: the terms of the step, and those of the step backwards.
    - `ends`: where the step starts and where it ends.
    - `carry`: the state after the step, and what the solver kept.
    """
    (t0, t1), (y1, kept) = ends, carry
    if not isinstance(solver, diffrax.ReversibleHeun):
        y0, _, _, kept, _ = solver.step(back, t1, t0, y1, None, kept, False)
        return y0, kept
    leading, field = kept
    control = there.contr(t0, t1)
    before = 2 * y1 - leading - there.prod(field, control)
    field_before = there.vf(t0, before, None)
    both = jax.tree.map(jnp.add, field_before, field)
    return y1 - there.prod(both, control) / 2, (before, field_before)


class _Way(eqx.Module):
    """What is differentiated: the step, with all that it closes over, and where it starts."""

    step: Callable
    carry: tuple


def march_reversibly(
    step: Callable, back: Callable, carry: tuple, keys: Any, plan: Plan, rtol: float
) -> Float[Array, "t n d"]:
    """Run `carry = step(i, keys, carry)` over the steps of a plan, and stack `carry[0]` at its times.

    For reverse mode: `back(i, keys, carry)` undoes a step. Paths are stepped together rather than mapped over, so that
    the gradient of what they share is summed over the paths in each step.
    """
    args = jnp.zeros((), jnp.int32), keys, carry
    step = eqx.filter_closure_convert(step, *args)
    back = eqx.filter_closure_convert(back, *args)
    still = jax.tree.map(lambda x: jax.lax.stop_gradient(x) if eqx.is_inexact_array(x) else x, back)
    return _march(_Way(step, carry), still, keys, _bounds(plan), rtol)


def _bounds(plan: Plan) -> tuple[Int[Array, " r"], Any]:
    """The first step of each gap, and how many it has: a number if all have as many."""
    if plan.rows is None:
        marks = jnp.asarray(plan.marks)
        return plan.first + marks[:-1], jnp.diff(marks)
    assert plan.per_row is not None
    return plan.first + jnp.arange(plan.rows) * plan.per_row, plan.per_row


def _number(i: Any) -> Int[Array, ""]:
    return jnp.asarray(i, jnp.int32)


def _each(counts: Any, body: Callable, carry: Any, count: Any) -> Any:
    """A loop over a gap; of a length known to the compiler where all gaps have as many steps."""
    return jax.lax.fori_loop(0, counts if isinstance(counts, int) else count, body, carry)


def _forwards(way: _Way, keys, bounds):
    firsts, counts = bounds

    def gap(carry, at):
        first, count = at
        carry = _each(counts, lambda j, c: way.step(_number(first + j), keys, c), carry, count)
        return carry, carry

    _, saved = jax.lax.scan(gap, way.carry, (firsts, jnp.broadcast_to(jnp.asarray(counts), firsts.shape)))
    return saved


@eqx.filter_custom_vjp
def _march(way, back, keys, bounds, rtol):
    saved = _forwards(way, keys, bounds)[0]
    return jnp.concatenate([way.carry[0][None], saved])


@_march.def_fwd
def _march_fwd(perturbed, way, back, keys, bounds, rtol):
    saved = _forwards(way, keys, bounds)
    return jnp.concatenate([way.carry[0][None], saved[0]]), saved


@_march.def_bwd
def _march_bwd(saved, gradient, perturbed, way, back, keys, bounds, rtol):
    firsts, counts = bounds
    shared, rest = eqx.partition(way.step, perturbed.step)
    zeros = lambda tree: jax.tree.map(jnp.zeros_like, eqx.filter(tree, eqx.is_inexact_array))
    befores = jax.tree.map(lambda x, y: jnp.concatenate([x[None], y[:-1]]), way.carry[0], saved[0])

    def gap(state, at):
        first, count, carry, before, pulled = at
        total, d_carry = state
        d_carry = (d_carry[0] + pulled, *d_carry[1:])

        def one(j, state):
            total, d_carry, carry = state
            i = _number(first + count - 1 - j)
            carry = back(i, keys, carry)
            _, pull = eqx.filter_vjp(lambda s, c: eqx.combine(s, rest)(i, keys, c), shared, carry)
            d_shared, d_carry = pull(d_carry)
            return jax.tree.map(jnp.add, total, d_shared), d_carry, carry

        total, d_carry, carry = _each(counts, one, (total, d_carry, carry), count)
        return (total, d_carry), jnp.max(jnp.abs(carry[0] - before))

    each = jnp.broadcast_to(jnp.asarray(counts), firsts.shape)
    start = zeros(shared), zeros(way.carry)
    rows = firsts, each, saved, befores, gradient[1:]
    (total, d_carry), lost = jax.lax.scan(gap, start, rows, reverse=True)
    total, (first, *others) = _checked((total, d_carry), jnp.max(lost), jnp.max(jnp.abs(befores)), rtol)
    return _Way(total, (first + gradient[0], *others))


def _checked(gradients, lost, size, rtol):
    """An error if the way back ended elsewhere than where the path began, on every gradient that may be used."""
    bad = ~(lost <= rtol * size) & jnp.isfinite(size)
    remedy = "take smaller steps `dt`, save more times `ts`, use solver=EES25(), or adjoint=None"
    return check_traced(gradients, bad, "adjoint", "Reversible lost the path on its way back", remedy)
