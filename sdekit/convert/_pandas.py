"""Records and paths as tables."""

import functools
from typing import Any

import numpy as np

from .._errors import fault
from ..data import Clock, Events, Panel, Seen, Series, Snapshots
from ..data._clock import AS_GIVEN
from ..data._frames import optional
from ..paths import EventPath, JumpPath, SampledPath


__all__ = ["to_pandas"]


def to_pandas(x: Any, *, clock: Clock | None = None, names: tuple[str, ...] = ()) -> Any:
    """A record or a path as a `pandas.DataFrame` in long form: a row for each time, event or particle.

    **Arguments:**

    - `x`: a `Series`, `Panel`, `Events`, `Snapshots`, `SampledPath`, `JumpPath` or `EventPath`.
    - `clock`: for a path, the clock of the record that its times belong to (`data.clock`). A record has its own.
    - `names`: for a path, the names of its components.

    **Returns:** a frame with a column `time` in the user's own times (dates where they were dates), a column `item`,
    `subject`, `sequence` or `path` if there is a leading axis, and the values. What is missing is NaN; padding is left
    out.

    **Raises:** `TypeError` for anything else, `ImportError` without pandas.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.convert import to_pandas
        from sdekit.data import Series

        to_pandas(Series(jnp.arange(3.0), jnp.ones(3), names=("level",)))
        ```
    """
    table = _table(x, clock or AS_GIVEN, tuple(names))
    return optional("pandas").DataFrame(table)


@functools.singledispatch
def _table(x: Any, _clock: Clock, _names: tuple[str, ...]) -> dict[str, np.ndarray]:
    known = "Series, Panel, Events, Snapshots, SampledPath, JumpPath, EventPath"
    raise TypeError(fault("x", "has no table", type(x).__name__, f"pass one of {known}"))


def columns(names: tuple[str, ...], d: int) -> tuple[str, ...]:
    """The names of the components, `x0, x1, ...` if they have none; `x` for a single one."""
    return names or (("x",) if d == 1 else tuple(f"x{i}" for i in range(d)))


def _rows(keep: np.ndarray, single: bool, label: str) -> dict[str, np.ndarray]:
    """The column that says which item a row belongs to."""
    return {} if single else {label: np.nonzero(keep)[0]}


@_table.register
def _(x: Series, _clock: Clock, _names: tuple[str, ...]) -> dict[str, np.ndarray]:
    stacked = x.stack()
    keep = np.arange(x.length) < np.asarray(stacked.lengths)[:, None]
    ys = np.where(np.asarray(stacked.mask), np.asarray(stacked.ys), np.nan)[keep]
    table = _rows(keep, x.is_item, "item") | {"time": x.clock.undo(np.asarray(stacked.ts)[keep])}
    return table | {name: ys[:, i] for i, name in enumerate(columns(x.names, x.dim))}


@_table.register
def _(x: Panel, _clock: Clock, _names: tuple[str, ...]) -> dict[str, np.ndarray]:
    stacked = x.stack()
    keep = np.arange(x.length) < np.asarray(stacked.lengths)[:, None]
    mask, codes = np.asarray(stacked.mask)[keep], np.asarray(stacked.states)[keep]
    labels = [*(x.labels or range(x.num_states)), *(set_name(s, x.labels) for s in x.censored)]
    states = np.array([labels[c] if m else None for c, m in zip(codes, mask, strict=True)], dtype=object)
    kinds = np.array([Seen(k).name.lower() for k in np.asarray(stacked.kinds)[keep]], dtype=object)
    table = _rows(keep, x.is_item, "subject") | {"time": x.clock.undo(np.asarray(stacked.ts)[keep])}
    table |= {"state": states, "seen": kinds}
    if stacked.covariates is None:
        return table
    values = np.asarray(stacked.covariates)[keep]
    extra = x.names or tuple(f"z{i}" for i in range(values.shape[1]))
    return table | {name: values[:, i] for i, name in enumerate(extra)}


def set_name(members: tuple[int, ...], labels: tuple[str, ...]) -> str:
    """`{1, 2}` for a censored set."""
    return "{" + ", ".join(str(labels[s] if labels else s) for s in members) + "}"


@_table.register
def _(x: Events, _clock: Clock, _names: tuple[str, ...]) -> dict[str, np.ndarray]:
    stacked = x.stack()
    keep = np.asarray(stacked.mask)
    table = _rows(keep, x.is_item, "sequence") | {"time": x.clock.undo(np.asarray(stacked.ts)[keep])}
    if stacked.marks is None:
        return table
    marks = np.asarray(stacked.marks)[keep]
    if marks.ndim == 1:
        return table | {"mark": marks}
    return table | {f"mark{i}": marks[:, i] for i in range(marks.shape[1])}


@_table.register
def _(x: Snapshots, _clock: Clock, _names: tuple[str, ...]) -> dict[str, np.ndarray]:
    keep = np.asarray(x.mask)
    xs = np.asarray(x.xs)[keep]
    table = {"time": x.clock.undo(np.asarray(x.ts))[np.nonzero(keep)[0]]}
    table |= {name: xs[:, i] for i, name in enumerate(columns(x.names, x.dim))}
    return table | {"weight": np.asarray(x.weights)[keep]}


@_table.register
def _(x: SampledPath, clock: Clock, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    xs = np.asarray(x.xs)[None] if x.is_single else np.asarray(x.xs)
    n, t, d = xs.shape
    table = {} if x.is_single else {"path": np.repeat(np.arange(n), t)}
    table |= {"time": np.tile(clock.undo(np.asarray(x.ts)), n)}
    return table | {name: xs[..., i].ravel() for i, name in enumerate(columns(names, d))}


@_table.register
def _(x: JumpPath, clock: Clock, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    ts, mask, states = (np.asarray(a)[None] if x.is_single else np.asarray(a) for a in (x.ts, x.mask, x.states))
    table = _rows(mask, x.is_single, "path") | {"time": clock.undo(ts[mask])}
    if states.ndim == 2:
        return table | {"state": states[mask]}
    values = states[mask]
    return table | {name: values[:, i] for i, name in enumerate(columns(names, values.shape[1]))}


@_table.register
def _(x: EventPath, clock: Clock, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    table = _table(x.to_events(clock=clock), clock, names)
    return {"path" if name == "sequence" else name: column for name, column in table.items()}
