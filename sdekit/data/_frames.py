"""Rows of a pandas DataFrame in long form, cut into items."""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._errors import fault, require


__all__ = ["optional", "read_frame"]


def optional(module: str, extra: str = "data") -> Any:
    """Import an optional package, or say how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = {"sklearn": "scikit-learn"}.get(module.split(".")[0], module.split(".")[0])
        raise ImportError(
            f'This needs the package `{package}`, which is not installed. Install it by pip install "sdekit[{extra}]".'
        ) from error


def read_frame(
    frame: Any, *, time: str | None, values: Sequence[str] | None, item: str | None
) -> tuple[list[np.ndarray], list[np.ndarray], tuple[str, ...]]:
    """`(times, columns, names)`: for each item its times and its values `(t, d)`, and the names of the columns."""
    pandas = optional("pandas")
    if isinstance(frame, pandas.Series):
        frame = frame.to_frame(name="value" if frame.name is None else frame.name)
    require(len(frame) > 0, "frame", "must not be empty", frame.shape, "pass at least one row")
    known = [str(c) for c in frame.columns]
    for argument, column in (("time", time), ("item", item)):
        if column is not None and column not in frame.columns:
            raise ValueError(fault(argument, "is not a column of the frame", column, f"use one of {known}"))
    if values is None:
        numbers = frame.select_dtypes(["number", "bool"]).columns
        values = [c for c in numbers if c not in (time, item)]
        require(len(values) > 0, "frame", "has no column of numbers besides time and item", known, "name the `values`")
    values = [values] if isinstance(values, str) else list(values)
    for column in values:
        if column not in frame.columns:
            raise ValueError(fault("values", "names a column that is not in the frame", column, f"use {known}"))
    times = column_times(frame.index if time is None else frame[time])
    columns = frame[values].to_numpy(dtype=np.float64, na_value=np.nan)
    groups = groups_of(None if item is None else frame[item], len(frame))
    return [times[g] for g in groups], [columns[g] for g in groups], tuple(str(v) for v in values)


def groups_of(labels: Any, rows: int) -> list[np.ndarray]:
    """The positions of each item's rows, items in order of first appearance."""
    if labels is None:
        return [np.arange(rows)]
    pandas = optional("pandas")
    codes, _ = pandas.factorize(labels)
    if (codes < 0).any():
        i = int(np.argmax(codes < 0))
        raise ValueError(fault(f"item[{i}]", "must name an item", None, "drop the rows without one"))
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def column_times(column: Any) -> np.ndarray:
    """A column or index of times as float64 or datetime64; time zones are taken to UTC, periods to their start."""
    pandas = optional("pandas")
    if isinstance(column, pandas.PeriodIndex):
        column = column.to_timestamp()
    index = pandas.Index(column)
    if isinstance(index, pandas.DatetimeIndex):
        index = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
        return index.to_numpy()
    if index.dtype == object or pandas.api.types.is_string_dtype(index.dtype):
        remedy = "convert it by pandas.to_datetime or astype(float)"
        raise ValueError(fault("time", "must hold numbers or dates", str(index[:3].tolist()), remedy))
    return index.to_numpy(dtype=np.float64, na_value=np.nan)


def panel_frame(
    frame: Any,
    time: str,
    state: str,
    item: str,
    covariates: Sequence[str],
    states: Sequence[Any] | None,
    entries: list[Any],
    censored: dict[Any, Sequence[Any]],
) -> dict[str, Any]:
    """The arguments of `Panel.from_list` from a frame with a row for each observation."""
    require(len(frame) > 0, "frame", "must not be empty", frame.shape, "pass at least one row")
    known = [str(c) for c in frame.columns]
    for argument, column in [
        ("time", time),
        ("state", state),
        ("item", item),
        *(("covariates", c) for c in covariates),
    ]:
        if column not in frame.columns:
            raise ValueError(fault(argument, "is not a column of the frame", column, f"use one of {known}"))
    seen = frame[state].dropna()
    if states is None:
        states = sorted(s for s in seen.unique().tolist() if s not in censored)
    codes = {label: k for k, label in enumerate(states)} | {c: len(states) + j for j, c in enumerate(censored)}
    for argument, labels in [(state, seen.unique().tolist()), ("entries", entries), *censored.items()]:
        for label in labels:
            if label not in codes:
                raise ValueError(fault(str(argument), "names an unknown state", label, f"use one of {list(states)}"))
    numbers = frame[state].map(codes).to_numpy(dtype=np.float64, na_value=np.nan)
    exact = frame[state].isin(entries).to_numpy()
    times = column_times(frame[time])
    groups = groups_of(frame[item], len(frame))
    columns = frame[list(covariates)].to_numpy(dtype=np.float64)
    return {
        "ts": [times[g] for g in groups],
        "states": [numbers[g] for g in groups],
        "covariates": [columns[g] for g in groups] if covariates else None,
        "kinds": [exact[g].astype(np.int8) for g in groups] if entries else None,
        "num_states": len(states),
        "censored": [[codes[label] for label in members] for members in censored.values()],
        "names": tuple(str(c) for c in covariates),
        "labels": tuple(str(s) for s in states),
    }


def events_frame(
    frame: Any, time: str | None, mark: str | None, item: str | None, marks: Sequence[Any] | None
) -> tuple[list[np.ndarray], list[np.ndarray] | None, int | None]:
    """For each sequence its times and its marks, and the number of marks, from a frame with a row for each event."""
    require(len(frame) > 0, "frame", "must not be empty", frame.shape, "use from_list for sequences without events")
    known = [str(c) for c in frame.columns]
    for argument, column in [("time", time), ("mark", mark), ("item", item)]:
        if column is not None and column not in frame.columns:
            raise ValueError(fault(argument, "is not a column of the frame", column, f"use one of {known}"))
    times = column_times(frame.index if time is None else frame[time])
    groups = groups_of(None if item is None else frame[item], len(frame))
    ts = [times[g] for g in groups]
    if mark is None:
        return ts, None, None
    column = frame[mark]
    if column.dtype.kind == "f" and marks is None:
        values = column.to_numpy()
        return ts, [values[g] for g in groups], None
    labels = sorted(column.dropna().unique().tolist()) if marks is None else list(marks)
    codes = column.map({label: k for k, label in enumerate(labels)})
    if codes.isna().any():
        i = int(np.argmax(codes.isna().to_numpy()))
        raise ValueError(fault(f"{mark}[{i}]", "is an unknown mark", column.iloc[i], f"use one of {labels}"))
    values = codes.to_numpy().astype(np.int64)
    return ts, [values[g] for g in groups], len(labels)


def read_snapshots(
    frame: Any, *, time: str, values: Sequence[str] | None, weight: str | None
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray] | None, tuple[str, ...]]:
    """The distinct times in order, a cloud for each, its weights, and the names of the columns."""
    numbers = frame.select_dtypes(["number", "bool"]).columns
    values = [c for c in numbers if c not in (time, weight)] if values is None else values
    times, columns, names = read_frame(frame, time=time, values=list(values), item=None)
    if weight is not None and weight not in frame.columns:
        raise ValueError(fault("weight", "is not a column of the frame", weight, f"use one of {list(frame.columns)}"))
    ts, codes = np.unique(times[0], return_inverse=True)
    masses = None if weight is None else frame[weight].to_numpy(np.float64)
    groups = [np.flatnonzero(codes == k) for k in range(len(ts))]
    return ts, [columns[0][g] for g in groups], None if masses is None else [masses[g] for g in groups], names
