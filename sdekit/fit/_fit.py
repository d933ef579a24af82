"""The one training loop."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from .._types import Key, PyTree
from ..data import AbstractRecord
from ..inference import AbstractObjective
from ._checkpoint import load, save
from ._diagnose import explain, require_gradient
from ._engine import run
from ._history import History
from ._mesh import place, to_host
from ._optimiser import AbstractOptimiser
from ._prepare import Plan, prepare, resumed
from ._progress import progress_bar
from ._result import Fit
from ._state import FitState, finish


__all__ = ["fit"]

_FLAGS = ("done", "healthy", "converged", "stale")
GRADIENT = "the gradient is below the tolerance"
LOSS = "the loss has settled within the tolerance"


def fit(
    model: PyTree,
    objective: AbstractObjective,
    data: AbstractRecord,
    *,
    key: Key,
    steps: int = 1000,
    optimiser: AbstractOptimiser | optax.GradientTransformation | None = None,
    batch_size: int | None = None,
    valid: AbstractRecord | float | None = None,
    patience: int | None = None,
    frozen: Callable[[Any], Any] | None = None,
    tolerance: float | None = None,
    chunk: int = 50,
    checkpoint: str | os.PathLike | None = None,
    resume: Fit | None = None,
    progress: bool = True,
    callbacks: Sequence[Callable[[Fit], Any]] = (),
    mesh: Mesh | None = None,
) -> Fit:
    """Fit any model to any record by minimising an objective.

    Parameters move in unconstrained coordinates. The randomness of step `s` is `fold_in(key, s)` and nothing else, so a
    fit that was stopped and went on equals one that was not, to the last bit. Steps run on the device in chunks, with
    one synchronisation with the host a chunk; a second call with the same structures and shapes compiles nothing.

    **Arguments:**

    - `model`: any PyTree of modules; a process, a network, or a tuple of them.
    - `objective`: turns the model and a batch into a loss and metrics; an `AbstractScheduled` one changes with the
        step, and validates by the end of its schedule.
    - `data`: a record, one item or a stack of them.
    - `key`: a JAX key.
    - `steps`: the number of steps in all, those of `resume` or of the checkpoint included.
    - `optimiser`: a transformation of `optax` (default `optax.adam(1e-2)`), `FullBatch(optax.lbfgs())` for a
        deterministic loss, or any `AbstractOptimiser`.
    - `batch_size`: items a step, drawn without replacement; `None` for all of them.
    - `valid`: a record, or a fraction of the items of `data` to hold out (chosen by `key`). Its loss is taken at the
        end of each chunk, with one key throughout.
    - `patience`: stop after so many chunks without a lower validation loss.
    - `frozen`: a function from the model to the parts to hold fixed.
    - `tolerance`: stop when the largest entry of the gradient (unconstrained coordinates) falls below
        `tolerance * max(1, |loss|)`, or when the loss of two successive chunks differs by less than that.
    - `chunk`: steps between two looks at the host: history row, validation, checkpoint, progress.
    - `checkpoint`: a file (or a directory for `fit.ckpt`) rewritten after each chunk. If it exists, the fit goes on
        from it; it must have been written with the same arguments, `steps` apart.
    - `resume`: an earlier fit to go on from.
    - `progress`: whether to show a progress bar. It changes no result.
    - `callbacks`: functions called on the host after each chunk with the fit so far.
    - `mesh`: a `jax.sharding.Mesh` with an axis "data", over which batches are laid. Results agree with one device up
        to the order of the sums over a batch. With several processes, the first one writes checkpoints, on a file
        system that all of them read.

    **Returns:** a `Fit`.

    **Raises:** `ValueError` or `TypeError` for arguments that do not fit together, before any step; `FitError` when a
    loss, a gradient or a parameter stops being finite, with the last good `Fit` in its field `fit`.

    !!! example

        ```python
        import jax, jax.numpy as jnp, optax
        import sdekit as sk
        from sdekit.fit import FullBatch, fit

        class NegativeLogLikelihood(sk.inference.AbstractObjective):
            def __call__(self, model, batch, *, key):
                def one(item):
                    step = lambda t0, t1, x, y: model.transition(t0, t1, x).log_prob(y)
                    return -jax.vmap(step)(item.ts[:-1], item.ts[1:], item.ys[:-1], item.ys[1:]).sum()
                return jax.vmap(one)(batch).mean(), {}

        truth = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=2.0, scale=0.5)
        path = truth.sample(jnp.linspace(0.0, 20.0, 201), key=jax.random.key(0))
        data = sk.data.Series(path.ts, path.xs)
        start = sk.processes.OrnsteinUhlenbeck(rate=0.5, mean=0.0, scale=1.0)
        fit(start, NegativeLogLikelihood(), data, key=jax.random.key(1), steps=50,
            optimiser=FullBatch(), tolerance=1e-5, progress=False)
        ```
    """
    plan = prepare(
        model, objective, data, key=key, steps=steps, optimiser=optimiser, batch_size=batch_size, valid=valid,
        patience=patience, frozen=frozen, tolerance=tolerance, chunk=chunk, checkpoint=checkpoint, mesh=mesh,
    )  # fmt: skip
    state, course, stopped = _start(plan, resume)
    with progress_bar(steps, course.step, progress and plan.leads) as show:
        while stopped is None and course.step < steps:
            state, stopped = _chunk(plan, state, course, steps)
            if plan.path is not None and plan.leads:
                save(plan.path, to_host(state, plan.mesh), course.history, plan.fingerprint, stopped)
            show(course.step, course.last)
            for callback in callbacks:
                callback(_result(plan, state, course, stopped or "running"))
    return _result(plan, state, course, stopped or "all steps taken")


class _Course:
    """The history while it grows, and the clock."""

    def __init__(self, history: History):
        self._history, self._rows = history, []
        self.step = int(history["step"][-1]) if history.rows else 0
        self.last = {name: float(column[-1]) for name, column in history.items()} if history.rows else {}
        self._zero = time.perf_counter() - self.last.get("seconds", 0.0)

    @property
    def history(self) -> History:
        self._history, self._rows = self._history.extend(self._rows), []
        return self._history

    def add(self, row: dict[str, np.ndarray]) -> None:
        self.step += int(row["done"])
        values = {name: float(value) for name, value in row.items() if name not in _FLAGS}
        self.last = {"step": self.step, **values, "seconds": time.perf_counter() - self._zero}
        self._rows.append(self.last)


def _start(plan: Plan, resume: Fit | None) -> tuple[FitState, _Course, str | None]:
    """Where the fit begins: at an earlier fit, at the checkpoint if there is one, or at the model as given."""
    state, history, stopped = plan.first, History({}), None
    if resume is not None:
        state, history = resumed(plan, resume), resume.history
    elif plan.path is not None and plan.path.exists():
        state, history, stopped = load(plan.path, state, plan.fingerprint)
    return place(state, plan.mesh), _Course(history), stopped


def _chunk(plan: Plan, state: FitState, course: _Course, steps: int) -> tuple[FitState, str | None]:
    """Run one chunk, look at it, and write its row."""
    start, before = course.step, course.last.get("loss")
    # Chunks end at multiples of their length, however the fit was interrupted.
    count = min(plan.chunk - start % plan.chunk, steps - start)
    count = place(np.asarray(count, np.int32), plan.mesh)  # not a static number: one program for all
    new, row = run(plan.problem, state, plan.train, plan.valid, count, plan.threshold)
    row = jax.device_get(row)  # the one synchronisation of the chunk
    if not (row["healthy"] and np.isfinite(row.get("valid_loss", 0.0))):
        raise explain(plan, state, start, row, _result(plan, state, course, "a number that is not finite"))
    if start == 0 and row["gradient"] == 0:
        require_gradient(plan, state)
    course.add(row)
    return new, _verdict(plan, row, before)


def _verdict(plan: Plan, row: dict[str, np.ndarray], before: float | None) -> str | None:
    """Why to stop, if there is a reason."""
    if row["converged"]:
        return GRADIENT
    if plan.patience is not None and row["stale"] >= plan.patience:
        return f"no lower validation loss in {plan.patience} chunks"
    loss = float(row["loss"])
    if plan.tolerance is not None and before is not None and abs(loss - before) <= plan.tolerance * max(1.0, abs(loss)):
        return LOSS
    return None


def _result(plan: Plan, state: FitState, course: _Course, stopped: str) -> Fit:
    state = to_host(state, plan.mesh)
    model = finish(state.params, plan.rest)
    best = model if state.best is None else finish(state.best, plan.rest)
    return Fit(model, best, course.history, state, stopped in (GRADIENT, LOSS), stopped)
