"""What a fit writes down: one row a chunk."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


__all__ = ["History"]

_FIRST, _LAST = ("step", "loss"), ("gradient", "seconds")


class History(Mapping[str, np.ndarray]):
    """The course of a fit: a mapping from column to NumPy array, one row a chunk of steps.

    Columns: `step` (steps taken at the end of the chunk); `loss` and the metrics of the objective (means over the steps
    of the chunk; for a deterministic optimiser the values at its last step); `valid_loss` and `valid_...` at the end
    of the chunk, where there is validation; `gradient` (the largest magnitude in unconstrained coordinates at the last
    step); `seconds` (wall clock since the start, compilation included).

    **Arguments:**

    - `columns`: arrays of one length, by name.

    !!! example

        ```python
        from sdekit.fit import History
        history = History({"step": [50, 100], "loss": [1.0, 0.5]})
        history["loss"][-1]  # 0.5
        ```
    """

    def __init__(self, columns: Mapping[str, Any]):
        self._columns = {name: np.asarray(values) for name, values in columns.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._columns:
            raise KeyError(f"no column {name!r}; the columns are {', '.join(self._columns)}")
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def rows(self) -> int:
        """The number of rows: chunks run."""
        return min((len(c) for c in self._columns.values()), default=0)

    def __repr__(self) -> str:
        return f"History({self.rows} rows: {', '.join(self._columns)})"

    def extend(self, rows: list[dict[str, float]]) -> "History":
        """The history with more rows; a column that is absent on one side is NaN there.

        **Arguments:**

        - `rows`: one dictionary a chunk.

        **Returns:** a new `History`.

        !!! example

            ```python
            from sdekit.fit import History
            History({"step": [50], "loss": [1.0]}).extend([{"step": 100, "loss": 0.5}])
            ```
        """
        if not rows:
            return self
        names = [*self._columns, *(n for n in rows[0] if n not in self._columns)]
        middle = [n for n in names if n not in _FIRST + _LAST]
        names = [n for n in (*_FIRST, *middle, *_LAST) if n in names]
        old = {n: self._columns.get(n, np.full(self.rows, np.nan)) for n in names}
        new = {n: np.array([row.get(n, np.nan) for row in rows]) for n in names}
        return History({n: np.concatenate([old[n], new[n]]) if self.rows else new[n] for n in names})

    def to_pandas(self) -> Any:
        """The history as a `pandas.DataFrame`, indexed by `step`. Needs the extra `sdekit[data]`.

        **Returns:** a data frame with one row a chunk.

        !!! example

            ```python
            from sdekit.fit import History
            History({"step": [50, 100], "loss": [1.0, 0.5]}).to_pandas()
            ```
        """
        import pandas as pd

        return pd.DataFrame(self._columns).set_index("step")
