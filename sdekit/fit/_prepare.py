"""The arguments of a fit, checked and brought together."""

import dataclasses
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from .._errors import fault, require
from .._mesh import require_mesh
from .._types import Array, Key, PyTree
from ..data import AbstractRecord
from ..inference import AbstractObjective
from ._checkpoint import checkpoint_path, fingerprint
from ._engine import VALIDATION
from ._mesh import place
from ._optimiser import as_optimiser
from ._result import Fit
from ._state import FitState, Problem, begin, divide, leaf_names


__all__ = ["Plan", "prepare", "resumed"]


@dataclasses.dataclass(frozen=True)
class Plan:
    """A fit that is ready to run."""

    problem: Problem
    first: FitState
    """The state before the first step."""
    rest: PyTree
    """The model less its trainable leaves, on this process."""
    train: AbstractRecord
    valid: AbstractRecord | None
    names: list[str]
    chunk: int
    tolerance: float | None
    threshold: Array
    """The tolerance on the device; negative, and so never met, if there is none."""
    patience: int | None
    path: Path | None
    fingerprint: dict[str, str]

    @property
    def mesh(self) -> Mesh | None:
        return self.problem.mesh

    @property
    def leads(self) -> bool:
        """Whether this process writes checkpoints and shows progress."""
        return self.mesh is None or jax.process_index() == 0


def prepare(
    model: PyTree,
    objective: AbstractObjective,
    data: AbstractRecord,
    *,
    key: Key,
    steps: int,
    optimiser: Any,
    batch_size: int | None,
    valid: AbstractRecord | float | None,
    patience: int | None,
    frozen: Callable[[Any], Any] | None,
    tolerance: float | None,
    chunk: int,
    checkpoint: str | os.PathLike | None,
    mesh: Mesh | None,
) -> Plan:
    """Check the arguments of `fit` and bring them together.

    **Arguments:** those of `fit`.

    **Returns:** a `Plan`.

    **Raises:** `ValueError` or `TypeError` naming the argument, its value and the remedy.
    """
    _check_types(objective, data)
    require(steps >= 1, "steps", "must be at least 1", steps, "pass a positive number of steps")
    require(chunk >= 1, "chunk", "must be at least 1", chunk, "pass a positive number of steps")
    good = tolerance is None or tolerance > 0
    require(good, "tolerance", "must be positive", tolerance, "pass e.g. 1e-6, or None to take all steps")
    good = patience is None or (valid is not None and patience >= 1)
    require(good, "patience", "needs `valid` and at least one chunk", patience, "pass valid=0.2, or drop patience")
    optimiser = as_optimiser(optimiser)
    train, held_out = _hold_out(data, valid, key=key)
    _check_batch(batch_size, len(train), optimiser.deterministic)
    size, argument = (len(train), "data") if batch_size is None else (batch_size, "batch_size")
    mesh = require_mesh(mesh, size, argument, "pass a batch_size that is one")
    params, rest = divide(model, frozen)
    first = begin(params, optimiser, key=key, validated=held_out is not None)
    parts = {}
    if checkpoint is not None:
        shapes = eqx.filter_eval_shape(lambda: (params, first.opt_state))
        settings = {"batch_size": batch_size, "chunk": chunk, "tolerance": tolerance, "patience": patience}
        parts = fingerprint(
            parameters=shapes, frozen=rest, objective=objective, optimiser=optimiser, data=train, valid=held_out,
            key=key, **settings,
        )  # fmt: skip
    placed = place((rest, objective, train, held_out, optimiser), mesh)
    return Plan(
        problem=Problem(placed[0], placed[1], placed[4], batch_size, mesh),
        first=first,
        rest=rest,
        train=placed[2],
        valid=placed[3],
        names=leaf_names(model, frozen),
        chunk=chunk,
        tolerance=tolerance,
        threshold=place(jnp.asarray(-1.0 if tolerance is None else tolerance, jnp.result_type(float)), mesh),
        patience=patience,
        path=None if checkpoint is None else checkpoint_path(checkpoint),
        fingerprint=parts,
    )


def _check_types(objective: Any, data: Any) -> None:
    for name, value, kind in (("objective", objective, AbstractObjective), ("data", data, AbstractRecord)):
        if not isinstance(value, kind):
            remedy = f"pass an instance of {kind.__name__}"
            raise TypeError(fault(name, f"must be a {kind.__name__}", type(value).__name__, remedy))
    require(len(data) > 0, "data", "must not be empty", len(data), "pass a record with at least one item")


def _check_batch(batch_size: int | None, items: int, deterministic: bool) -> None:
    if batch_size is None:
        return
    require(batch_size >= 1, "batch_size", "must be at least 1", batch_size, "pass a positive number of items")
    problem = f"must not exceed the {items} items to train on"
    require(batch_size <= items, "batch_size", problem, batch_size, "pass a smaller one, or None for all items")
    remedy = "pass batch_size=None, or wrap the optimiser in `Optax` to step on random batches"
    require(not deterministic, "batch_size", "must be None for a deterministic optimiser", batch_size, remedy)


def _hold_out(
    data: AbstractRecord, valid: AbstractRecord | float | None, *, key: Key
) -> tuple[AbstractRecord, AbstractRecord | None]:
    """The records to train on and to validate on, both stacked."""
    data = data.stack()
    if valid is None:
        return data, None
    if isinstance(valid, AbstractRecord):
        require(len(valid) > 0, "valid", "must not be empty", len(valid), "pass a record with items, or None")
        return data, valid.stack()
    n = len(data)
    ok = 0 < valid < 1 and n > 1
    require(ok, "valid", f"must leave items on both sides of {n}", valid, "pass a fraction in (0, 1), or a record")
    return data.split(1 - valid, key=jax.random.fold_in(jax.random.fold_in(key, VALIDATION), 0))


def _shown(tree: PyTree) -> str:
    """Shapes and dtypes, without the addresses of objects that print them."""
    return re.sub(r" at 0x[0-9a-f]+", "", eqx.tree_pformat(eqx.filter_eval_shape(lambda: tree), width=10**6))


def resumed(plan: Plan, fit: Fit) -> FitState:
    """The state of an earlier fit, checked to suit this one.

    **Arguments:**

    - `plan`: the fit that is to go on.
    - `fit`: the earlier fit.

    **Returns:** a `FitState`.

    **Raises:** `ValueError` if parameters, optimiser state or key do not agree.
    """
    state, first = fit.state, plan.first
    for name, new, old in (("parameters", first.params, state.params), ("optimiser", first.opt_state, state.opt_state)):
        here, there = (_shown(x) for x in (new, old))
        if jax.tree.structure(new) != jax.tree.structure(old) or here != there:
            raise ValueError(
                f"`resume`: the {name} of that fit do not suit this one:\n  there {there}\n  here  {here}\n"
                "Pass the model, `frozen` and `optimiser` of that fit."
            )
    here, there = jax.random.key_data(first.key), jax.random.key_data(state.key)
    same = bool(jnp.array_equal(here, there))
    require(same, "key", "must be the key of the fit to resume", here, "pass key=fit.state.key")
    if plan.valid is None or state.best is None:
        return dataclasses.replace(state, best=first.best, best_loss=first.best_loss, stale=first.stale)
    return state
