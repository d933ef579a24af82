"""Why a fit stopped being finite, or never moved."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from .._errors import FitError, fault
from .._types import PyTree
from ._engine import probe, run
from ._mesh import place
from ._state import FitState


__all__ = ["explain", "require_gradient"]


def explain(plan: Any, before: FitState, start: int, row: dict[str, np.ndarray], fit: Any) -> FitError:
    """The error for a chunk that met a number that is not finite.

    The chunk is run again from its start up to the bad step, which gives the same bits, and that step is taken apart.

    **Arguments:**

    - `plan`: the prepared fit.
    - `before`, `start`: the state before the chunk, and its step.
    - `row`: what the chunk reported.
    - `fit`: the last good `Fit`, handed over in the error.

    **Returns:** a `FitError` to raise.
    """
    done = int(row["done"])
    last = start + done - 1
    kept = f"The fit up to step {start} is in the field `fit` of this error"
    kept += f", and in {plan.path}." if plan.path is not None and start else "."
    if bool(row["healthy"]):
        what = f"The validation loss is {float(row['valid_loss'])} at step {last + 1}, with a finite training loss"
        return FitError(f"{what}. {kept} Check the held-out items.", fit)
    state = before
    if done > 1:
        count = place(np.asarray(done - 1, np.int32), plan.mesh)
        state, _ = run(plan.problem, before, plan.train, plan.valid, count, plan.threshold)
    loss, metrics, grad, after, _ = jax.device_get(probe(plan.problem, state, plan.train))
    bad = [name for name, value in metrics.items() if not np.isfinite(value)]
    when = "the first step, before any parameter moved" if last == 0 else f"step {last}"
    what = f"A number is not finite at {when} (steps {start} to {last} of this chunk): "
    if not np.isfinite(loss):
        what += f"the loss is {float(loss)}" + (f", with metrics {', '.join(bad)}" if bad else "")
        leaf = _first(plan.names, grad)
        what += f", and its gradient is not finite first in `{leaf}`" if leaf else ", though its gradient is finite"
    elif _first(plan.names, grad):
        what += f"the loss is {float(loss):.6g}, but its gradient is not finite first in `{_first(plan.names, grad)}`"
    else:
        leaf = _first(plan.names, after)
        what += f"the optimiser moved `{leaf}` out of the finite numbers" if leaf else "the loss overflows in its sum"
    remedy = (
        "Check the model and the data at the initial parameters: `objective(model, data, key=key)`."
        if last == 0
        else "Lower the learning rate, clip the gradient (`optax.clip_by_global_norm`), or use float64."
    )
    return FitError(f"{what}. {kept} {remedy}", fit)


def _first(names: Sequence[str], finite: PyTree) -> str | None:
    """The name of the first leaf that is not finite."""
    flags = jax.tree.leaves(finite)
    return next((name for name, ok in zip(names, flags, strict=True) if not ok), None)


def require_gradient(plan: Any, before: FitState) -> None:
    """Raise if the loss has a gradient of exactly zero at the start and beside it: the objective forgets the model.

    **Arguments:**

    - `plan`: the prepared fit.
    - `before`: its first state.

    **Raises:** `ValueError`.
    """
    *_, size = probe(plan.problem, before, plan.train)
    if float(size) == 0:
        raise ValueError(
            fault(type(plan.problem.objective).__name__, "does not depend on a trainable parameter through a gradient",
                  0.0, "use the model that is passed in, without `stop_gradient`, rounding or counting")
        )  # fmt: skip
