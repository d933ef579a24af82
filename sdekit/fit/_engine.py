"""The device side of a fit: one program runs a chunk of steps.

The loop has a dynamic length, so that the last, shorter chunk and a chunk that stops early run the same program. It is
compiled once for a problem of given structure and shapes, and kept between calls of `fit`.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array, Key, PyTree
from ..data import AbstractRecord
from ._mesh import lay
from ._state import FitState, Problem


__all__ = ["probe", "run"]

VALIDATION = np.uint32(0xFFFFFFFF)
"""What validation folds into the key: no step has this number. The same key each time, so that two validation losses
differ by their parameters alone."""


def _inputs(problem: Problem, state: FitState, data: AbstractRecord) -> tuple[AbstractRecord, Key]:
    step = 0 if problem.optimiser.deterministic else state.step
    batch_key, objective_key = jax.random.split(jax.random.fold_in(state.key, step))
    return problem.batch(data, key=batch_key), objective_key


def _loss(problem, state, data):
    batch, key = _inputs(problem, state, data)
    return problem.loss(state.params, batch, key=key, step=state.step)


def _gradient(problem, state, data):
    batch, key = _inputs(problem, state, data)
    loss = lambda params: problem.loss(params, batch, key=key, step=state.step)
    (value, metrics), grad = jax.value_and_grad(loss, has_aux=True)(state.params)
    return value, metrics, problem.replicate(grad), lambda params: loss(params)[0]


def _step(problem: Problem, state: FitState, data: AbstractRecord) -> tuple[FitState, Array, dict[str, Array], Array]:
    value, metrics, grad, value_fn = _gradient(problem, state, data)
    params, opt_state = problem.optimiser.update(grad, state.opt_state, state.params, value=value, value_fn=value_fn)
    # The loop needs the same types after a step as before; some optimisers widen their scalars.
    same = lambda new, old: jax.tree.map(lambda a, b: jnp.asarray(a, b.dtype), new, old)
    params, opt_state = problem.replicate((same(params, state.params), same(opt_state, state.opt_state)))
    state = dataclasses.replace(state, params=params, opt_state=opt_state, step=state.step + 1)
    return state, value, metrics, _size(grad)


def _size(tree: PyTree[Array]) -> Array:
    """The largest magnitude in a PyTree; NaN if there is one."""
    return jnp.stack([jnp.max(jnp.abs(x), initial=0.0) for x in jax.tree.leaves(tree)]).max()


@eqx.filter_jit
def run(
    problem: Problem,
    state: FitState,
    data: AbstractRecord,
    valid: AbstractRecord | None,
    count: Array,
    tolerance: Array,
) -> tuple[FitState, dict[str, Array]]:
    """Run at most `count >= 1` steps, then validate.

    Stops early at a step whose loss, gradient or new parameters are not finite, and after a step whose gradient was
    below `tolerance * max(1, |loss|)`.

    **Returns:** the new state, and a row of scalars: the loss and the metrics (means over the steps, or the last values
    if the optimiser is deterministic), `gradient` (its largest magnitude at the last step), and the flags `done`,
    `healthy`, `converged`.
    """
    spec = eqx.filter_eval_shape(_loss, problem, state, data)
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, jnp.promote_types(x.dtype, spec[0].dtype)), spec)
    mean = not problem.optimiser.deterministic

    def going(carry):
        _, _, _, done, healthy, converged = carry
        return (done < count) & healthy & ~converged

    def body(carry):
        state, totals, _, done, _, _ = carry
        state, loss, metrics, gradient = _step(problem, state, data)
        healthy = jnp.isfinite(loss) & jnp.isfinite(gradient) & jnp.isfinite(_size(state.params))
        converged = gradient <= tolerance * jnp.maximum(1, jnp.abs(loss))
        totals = jax.tree.map(lambda t, x: t + x if mean else jnp.asarray(x, t.dtype), totals, (loss, metrics))
        return state, totals, jnp.asarray(gradient, zeros[0].dtype), done + 1, healthy, converged

    start = (state, zeros, zeros[0], jnp.zeros((), jnp.int32), jnp.array(True), jnp.array(False))
    state, totals, gradient, done, healthy, converged = jax.lax.while_loop(going, body, start)
    loss, metrics = jax.tree.map(lambda t: t / done, totals) if mean else totals
    row = {"loss": loss, **metrics, "gradient": gradient, "done": done, "healthy": healthy, "converged": converged}
    if valid is not None:
        state, validation = _validate(problem, state, valid)
        row = {**row, **validation}
    return state, problem.replicate(row)


def _validate(problem, state, valid):
    valid = lay(valid, problem.mesh)
    loss, metrics = problem.loss(state.params, valid, key=jax.random.fold_in(state.key, VALIDATION))
    better = loss < state.best_loss
    keep = lambda new, old: jax.tree.map(lambda a, b: jnp.where(better, a, b), new, old)
    best = keep(state.params, state.best)
    best_loss = jnp.asarray(keep(loss, state.best_loss), state.best_loss.dtype)
    stale = jnp.where(better, 0, state.stale + 1)
    best, best_loss, stale = problem.replicate((best, best_loss, stale))
    state = dataclasses.replace(state, best=best, best_loss=best_loss, stale=stale)
    row = {"valid_loss": loss, **{f"valid_{name}": value for name, value in metrics.items()}, "stale": stale}
    return state, row


@eqx.filter_jit
def probe(
    problem: Problem, state: FitState, data: AbstractRecord
) -> tuple[Array, dict[str, Array], PyTree[Array], PyTree[Array], Array]:
    """What the next step sees, to explain a failure: loss, metrics, which leaves of the gradient and of the new
    parameters are finite, and the size of the gradient a little beside these parameters."""
    value, metrics, grad, _ = _gradient(problem, state, data)
    after = _step(problem, state, data)[0].params
    finite = lambda tree: jax.tree.map(lambda x: jnp.isfinite(x).all(), tree)
    beside = dataclasses.replace(state, params=jax.tree.map(lambda x: x + 0.1, state.params))
    size = _size(_gradient(problem, beside, data)[2])
    return problem.replicate((value, metrics, finite(grad), finite(after), size))
