"""A series from a CSV file, with every liberty taken said in a note and every fault said in one line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import fault, require
from ..data import Series


__all__ = ["read_csv"]

_TIME_NAMES = ("time", "date", "datetime", "timestamp", "year", "month", "day", "t", "ts")
_UNITS = ((200 * 86400.0, "years"), (0.5 * 86400.0, "days"), (1800.0, "hours"), (0.0, "seconds"))
LEAST = 12
"""The fewest observed values that a fit is tried on."""


def read_csv(path: Path | str, *, time: str | None = None, values: Sequence[str] = ()) -> tuple[Series, list[str]]:
    """Read one series from a CSV file. Empty cells are missing values; dates and numbers are both times.

    **Arguments:**

    - `path`: the file, with a line of column names.
    - `time`: the column of times; found by its name or its content if not given, else rows are one unit apart.
    - `values`: the columns of values; the first column of numbers if not given.

    **Returns:** the series, and notes on what was assumed.

    **Raises:** `ValueError` or `FileNotFoundError` that says in one line what to change. `ImportError` without pandas.

    !!! example

        ```python
        from pathlib import Path
        from sdekit.experiments import read_csv

        rows = [f"2024-01-{day:02d},{day % 5}" for day in range(1, 21)]
        Path("flow.csv").write_text("\\n".join(["date,flow", *rows]))
        series, notes = read_csv("flow.csv")
        ```
    """
    frame = _frame(Path(path))
    notes: list[str] = []
    time = _time_column(frame, time, values)
    if time is None:
        notes.append("no column of times was found: rows are taken to be one unit apart (name it by --time)")
        frame = frame.assign(row=np.arange(len(frame), dtype=float))
        time = "row"
    frame[time] = _times(frame[time], time)
    columns = _value_columns(frame, time, values)
    if not values:
        notes.append(f"values are taken from the column {columns[0]!r} (choose by --value)")
    for column in columns:
        frame[column] = _numbers(frame[column], column)
    frame = _in_order(frame[[time, *columns]], time, notes)
    frame = _trimmed(frame, columns, notes)
    series = Series.from_pandas(frame, time=time, values=columns, unit=_unit(frame[time]))
    observed = int(series.observed())
    require(
        observed >= LEAST, "values", f"must hold at least {LEAST} observed values", observed, "pass a longer series"
    )
    for column in columns:
        low, high = frame[column].min(), frame[column].max()
        require(low < high, f"column {column!r}", "must vary", low, "choose another column by --value")
    return series, notes


def _frame(path: Path) -> Any:
    from ..data._frames import optional

    pandas = optional("pandas")
    if not path.is_file():
        raise FileNotFoundError(fault("file", "does not exist", str(path), "check the name, or pass `nile`"))
    head = path.read_text(errors="replace").partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        frame = pandas.read_csv(path, sep=separator, skipinitialspace=True, decimal="," if separator == ";" else ".")
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(
            fault("file", f"is not a table ({error})", str(path), "pass comma-separated columns")
        ) from error
    require(len(frame) > 0, "file", "has no rows", str(path), "pass a line of names and a line a time")
    return frame.rename(columns=lambda name: str(name).strip())


def _known(frame: Any, name: str, argument: str) -> None:
    known = ", ".join(frame.columns)
    require(name in frame.columns, argument, "is not a column of the file", name, f"use one of {known}")


def _time_column(frame: Any, time: str | None, values: Sequence[str]) -> str | None:
    if time is not None:
        _known(frame, time, "--time")
        return time
    free = [name for name in frame.columns if name not in values]
    named = [name for name in free if name.lower() in _TIME_NAMES]
    dates = [name for name in free if frame[name].dtype.kind not in "fiub" and _looks_like_dates(frame[name])]
    return next(iter([*named, *dates]), None)


def _looks_like_dates(column: Any) -> bool:
    import pandas as pd

    text = column.dropna().astype(str)
    return len(text) > 0 and bool(pd.to_datetime(text, errors="coerce", format="mixed").notna().all())


def _first(bad: Any) -> int:
    return int(np.argmax(np.asarray(bad)))


def _times(column: Any, name: str) -> Any:
    import pandas as pd

    missing = column.isna()
    if missing.any():
        row = _first(missing)
        raise ValueError(fault(f"column {name!r}", f"has no time in row {row + 1}", None, "fill it or drop the row"))
    if column.dtype.kind in "fiu":
        return column.astype(float)
    dates: Any = pd.to_datetime(column.astype(str), errors="coerce", format="mixed", utc=True)
    bad = dates.isna()
    if bad.any():
        row = _first(bad)
        problem = f"must hold numbers or dates, row {row + 1} does not"
        raise ValueError(fault(f"column {name!r}", problem, column.iloc[row], "correct it, or choose by --time"))
    return dates.dt.tz_localize(None)


def _value_columns(frame: Any, time: str, values: Sequence[str]) -> list[str]:
    for name in values:
        _known(frame, name, "--value")
        require(name != time, "--value", "is the column of times", name, "choose another column by --time or --value")
    if values:
        return list(values)
    numbers = [name for name in frame.columns if name != time and frame[name].dtype.kind in "fiu"]
    require(bool(numbers), "file", "has no column of numbers", ", ".join(frame.columns), "name one by --value")
    return numbers[:1]


def _numbers(column: Any, name: str) -> Any:
    import pandas as pd

    numbers: Any = pd.to_numeric(column, errors="coerce")
    bad = numbers.isna() & column.notna()
    if bad.any():
        row = _first(bad)
        problem = f"must hold numbers, row {row + 1} does not"
        raise ValueError(fault(f"column {name!r}", problem, column.iloc[row], "leave the cell empty if it is missing"))
    infinite = ~np.isfinite(numbers) & numbers.notna()
    if infinite.any():
        row = _first(infinite)
        raise ValueError(
            fault(f"column {name!r}", f"must be finite, row {row + 1} is not", numbers.iloc[row], "empty it")
        )
    return numbers.astype(float)


def _in_order(frame: Any, time: str, notes: list[str]) -> Any:
    if not frame[time].is_monotonic_increasing:
        frame = frame.sort_values(time, kind="stable")
        notes.append(f"rows were sorted by {time!r}")
    same = frame[time].duplicated()
    if same.any():
        value = str(frame[time].iloc[_first(same)])
        raise ValueError(fault(f"column {time!r}", "has a time twice", value, "average these rows, or keep one"))
    return frame.reset_index(drop=True)


def _trimmed(frame: Any, columns: list[str], notes: list[str]) -> Any:
    """Without the rows before the first and after the last that are observed."""
    seen = np.flatnonzero(frame[columns].notna().all(axis=1))
    require(seen.size > 0, "values", "are missing in every row", ", ".join(columns), "choose other columns by --value")
    cut = len(frame) - (seen[-1] + 1 - seen[0])
    if cut:
        notes.append(f"{cut} rows without values at the ends were left out")
    return frame.iloc[seen[0] : seen[-1] + 1]


def _unit(times: Any) -> str:
    if times.dtype.kind != "M":
        return ""
    gap = float(np.median(np.diff(times.to_numpy()) / np.timedelta64(1, "s"))) if len(times) > 1 else 0.0
    return next(unit for least, unit in _UNITS if gap >= least)
