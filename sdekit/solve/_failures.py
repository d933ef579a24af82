"""Saying where a solve broke, and why."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._errors import SolveError
from .._types import Array, Key
from ._choose import solver_name
from ._tasks import AbstractTask, AdaptiveTask, FixedTask, Outcome


__all__ = ["raise_if_broken"]


def raise_if_broken(task: AbstractTask, out: Outcome, ok: Array, key: Key | None, x0: Array | None, single: bool):
    """Raise a `SolveError` if a state is not finite, or a solve with adapted steps stopped early.

    Path `i` is solved again, saved at every step, to name the time: only when something broke, so that a sound solve
    pays for one reduction.
    """
    if bool(ok):
        return
    xs = np.asarray(out.xs)[None] if single else np.asarray(out.xs)
    path = int(np.argmax(~np.isfinite(xs).all((1, 2))))
    who = "the path" if single else f"path {path}"
    if not single:
        key = None if key is None else jax.random.fold_in(key, path)
        x0 = x0[path] if x0 is not None and x0.ndim == 2 else x0
    if isinstance(task, AdaptiveTask):
        raise SolveError(_adaptive_message(task, out, who, None if single else path))
    raise SolveError(_fixed_message(task, who, key, x0, xs[path]))


def _adaptive_message(task, out, who, path):
    pick = (lambda x: x) if path is None else (lambda x: x[path])
    t = float(pick(out.reached))
    name = solver_name(task.solver)
    if bool(pick(out.result == diffrax.RESULTS.max_steps_reached)):
        return (
            f"`solve` stopped: {who} took `max_steps` = {task.max_steps} steps and reached t = {t:.6g} of"
            f" {float(task.ts[-1]):.6g} ({name}, adaptive). Likely cause: tolerances too tight for the noise, or a"
            " solution that explodes. Raise `max_steps`, loosen rtol and atol, or give the controller a `dtmin`."
        )
    return (
        f"`solve` stopped: {who} reached t = {t:.6g} of {float(task.ts[-1]):.6g} ({name}, adaptive), and no step from"
        " there gave a finite state. Likely cause: the drift or the diffusion is not finite there, or the solution"
        " explodes. Check them at that time, or give the controller a `dtmin` with force_dtmin=True."
    )


def _fixed_message(task, who, key, x0, xs):
    name, plan = solver_name(task.solver), task.plan
    if not isinstance(task, FixedTask) or plan.steps is None:
        i = int(np.argmax(~np.isfinite(xs).all(1)))
        return f"`solve` lost {who} before time number {i} ({name}): the state is not finite. Take smaller steps `dt`."
    every = eqx.tree_at(lambda s: s.plan, task, plan.every(), is_leaf=lambda x: x is None)
    states = np.asarray(eqx.filter_jit(every)(key, x0).xs)
    bad = ~np.isfinite(states).all(1)
    i = int(np.argmax(bad))
    if i == 0:
        where = "its initial state is not finite"
        return f"`solve` could not start {who}: {where}, {states[0].tolist()}. Check `x0`, or `initial` of the process."
    grid = task.noise.grid if task.noise is not None else task.grid
    t0, t1 = (float(t) for t in grid.interval(plan.first + i - 1))
    component = int(np.argmax(~np.isfinite(states[i])))
    return (
        f"`solve` lost {who}: component {component} is not finite at t = {t1:.6g} (step {i} of {plan.steps}, {name},"
        f" dt = {t1 - t0:.3g}); at t = {t0:.6g} the state was"
        f" {np.array2string(states[i - 1], precision=4, threshold=6)}. {_cause(task, t0, states[i - 1], states[0])}"
    )


def _cause(task, t, x, x0):
    """The likely cause and the remedy, from the fields at the last finite state."""
    if np.abs(x).max() > 1e3 * (1 + np.abs(x0).max()):
        return (
            "The state has grown without bound: the steps are too long for the drift, or the solution explodes. Take"
            " smaller steps `dt`."
        )
    drift = np.asarray(task.process.drift(jnp.asarray(t), jnp.asarray(x)))
    diffusion = np.asarray(task.process.diffusion(jnp.asarray(t), jnp.asarray(x)).as_matrix())
    for name, value in (("drift", drift), ("diffusion", diffusion)):
        if not np.isfinite(value).all():
            return (
                f"The {name} is not finite there: the state has left its domain. Take smaller steps `dt`, or a process"
                " written in coordinates without a boundary (e.g. the logarithm)."
            )
    return (
        "A stage of the solver left the domain of the process, or a derivative of the diffusion is not finite there."
        " Take smaller steps `dt`, or solver=diffrax.Euler()."
    )
