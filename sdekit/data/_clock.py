"""Where the zero of a record's times lies, and what one unit of them is."""

import dataclasses
from typing import Any

import numpy as np

from .._errors import fault, require


__all__ = ["Clock"]

_SECONDS = {
    "seconds": 1.0,
    "minutes": 60.0,
    "hours": 3600.0,
    "days": 86400.0,
    "weeks": 7 * 86400.0,
    "years": 365.25 * 86400.0,
}


@dataclasses.dataclass(frozen=True)
class Clock:
    """How the user's times became the model's: `ts = (times - origin) / scale`.

    Absolute times (unix seconds, dates) do not survive float32; a record keeps small numbers and this clock, which
    plots and tables use to undo the change. Hashable: it is a static part of a record.

    **Arguments:**

    - `origin`: the user's time that became 0: a number in the user's unit, or an ISO date such as `"1871-01-01"`.
    - `unit`: the name of the unit of `ts`. For dates one of seconds, minutes, hours, days, weeks, years (of 365.25
      days); otherwise any word.
    - `scale`: how many of the user's units make one unit of `ts`, e.g. 86400 from unix seconds to days. Not for dates.

    **Raises:** `ValueError` for a scale that is not positive, an unknown unit or a date that cannot be read.

    !!! example

        ```python
        import numpy as np
        from sdekit.data import Clock

        clock = Clock("2024-01-01", "days")
        clock.read(np.array(["2024-01-03"], dtype="datetime64[D]"))  # [2.]
        clock.undo(np.array([2.0]))  # 2024-01-03
        ```
    """

    origin: float | str = 0.0
    unit: str = ""
    scale: float = 1.0

    def __post_init__(self):
        require(self.scale > 0, "scale", "must be positive", self.scale, "pass how many source units make one of ts")
        if isinstance(self.origin, str):
            require(self.unit in _SECONDS, "unit", "is not a unit for dates", self.unit, f"use one of {list(_SECONDS)}")
            require(self.scale == 1.0, "scale", "is given by `unit` for dates", self.scale, "leave it at 1")
            np.datetime64(self.origin)

    @property
    def is_calendar(self) -> bool:
        """Whether the user's times are dates."""
        return isinstance(self.origin, str)

    def read(self, times: Any) -> np.ndarray:
        """The model's times, in float64, from the user's.

        **Arguments:**

        - `times`: numbers, or anything that NumPy reads as `datetime64` when the origin is a date.

        **Returns:** a float64 array of the same shape.

        **Raises:** `ValueError` for a missing date (NaT), or for dates where numbers are due and vice versa.

        !!! example

            ```python
            from sdekit.data import Clock
            Clock(1.3e9, "days", 86400.0).read([1.3e9 + 43200.0])  # [0.5]
            ```
        """
        times = np.asarray(times)
        dates = np.issubdtype(times.dtype, np.datetime64)
        if not self.is_calendar:
            require(not dates, "times", "are dates, but the clock's origin is a number", times, "give an ISO origin")
            return (times.astype(np.float64) - float(self.origin)) / self.scale
        times = times if dates else times.astype("datetime64[ns]")
        missing = np.isnat(times)
        if missing.any():
            i = int(np.argmax(missing))
            raise ValueError(fault(f"times[{i}]", "must be a date", str(times.ravel()[i]), "drop the rows without one"))
        origin = np.datetime64(str(self.origin), "ns")
        seconds = (times.astype("datetime64[ns]") - origin) / np.timedelta64(1, "s")
        return seconds / _SECONDS[self.unit]

    def undo(self, ts: Any) -> np.ndarray:
        """The user's times from the model's.

        **Arguments:**

        - `ts`: times of the model, any shape.

        **Returns:** a float64 array, or `datetime64[us]` if the origin is a date. Dates are right to what the dtype of
        `ts` resolves: float64 days to a microsecond, float32 days since the origin to some seconds a year.

        !!! example

            ```python
            from sdekit.data import Clock
            Clock(1871.0, "years").undo([0.0, 1.0])  # [1871., 1872.]
            ```
        """
        ts = np.asarray(ts, np.float64)
        if not self.is_calendar:
            return float(self.origin) + self.scale * ts
        microseconds = np.round(ts * _SECONDS[self.unit] * 1e6).astype("timedelta64[us]")
        return np.datetime64(str(self.origin), "us") + microseconds

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{unit.strip()} since {self.origin}" if self.origin != 0.0 else unit.strip()


AS_GIVEN = Clock()
"""Times that are the user's own."""


def clock_for(times: np.ndarray, *, unit: str = "", scale: float = 1.0, rebase: bool = False) -> Clock:
    """The clock that fits the user's times: dates count from the first (days by default), numbers only if asked."""
    if np.issubdtype(times.dtype, np.datetime64):
        require(times.size > 0, "times", "must not be empty", times, "pass at least one time")
        missing = np.isnat(times)
        if missing.any():
            i = int(np.argmax(missing))
            raise ValueError(fault(f"times[{i}]", "must be a date", "NaT", "drop the rows without one"))
        return Clock(str(times.min().astype("datetime64[us]")), unit or "days", scale)
    return Clock(float(times.min()) if rebase and times.size else 0.0, unit, scale)
