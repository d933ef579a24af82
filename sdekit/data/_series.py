"""Time series, regular or not, complete or not."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float

from .._errors import require
from .._types import Array, as_float, is_concrete
from ._checks import cast_times, last_true, pad_rows, pad_times, require_all, require_rows
from ._clock import AS_GIVEN, Clock, clock_for
from ._frames import read_frame
from ._items import AbstractTimeline
from ._text import count, span


__all__ = ["Series"]


class Series(AbstractTimeline):
    """One time series, or a stack of them: `ts`, `ys`, `mask`.

    Entries where `mask` is false are missing or padding: their value is 0 and never used. Padded times continue after
    the last time so that `ts` increases everywhere.

    **Arguments:**

    - `ts`: increasing times, shape `(t,)` or `(n, t)`; `(t,)` with stacked values is shared by all items.
    - `ys`: values, shape `(t, d)` or `(n, t, d)`; one dimension less for a single component.
    - `mask`: where a value was observed, of the shape of `ys` or of `ts`; all, if not given.
    - `clock`: how `ts` came from the user's times.
    - `names`: a name for each component.

    **Raises:** `ValueError` for times that do not increase, shapes that do not fit, or NaN where a value is observed.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Series

        ys = jnp.array([1.0, jnp.nan, 3.0])
        series = Series(jnp.array([0.0, 0.5, 2.0]), ys, jnp.isfinite(ys))
        series  # Series(3 times, 1 component, 2 observed, 0..2)
        ```
    """

    ts: Float[Array, "*n t"]
    ys: Float[Array, "*n t d"]
    mask: Bool[Array, "*n t d"]
    clock: Clock = eqx.field(static=True)
    """Undoes what was done to the user's times."""
    names: tuple[str, ...] = eqx.field(static=True)
    """The names of the components, or `()`."""

    def __init__(
        self,
        ts: ArrayLike,
        ys: ArrayLike,
        mask: ArrayLike | None = None,
        *,
        clock: Clock = AS_GIVEN,
        names: Sequence[str] = (),
    ):
        ts, ys = cast_times(ts, "ts"), as_float(ys)
        require(ts.ndim in (1, 2), "ts", "must have shape (t,) or (n, t)", ts, "pass one axis of times")
        require(ts.shape[-1] > 0, "ts", "must not be empty", ts, "pass at least one time")
        if ys.shape == ts.shape:
            ys = ys[..., None]
        if ts.ndim == 1 and ys.ndim == 3:
            ts = jnp.broadcast_to(ts[None], (ys.shape[0], ts.shape[0]))
        require(
            ys.ndim == ts.ndim + 1 and ys.shape[:-1] == ts.shape,
            "ys", f"must have shape (*ts.shape, d) with ts.shape = {ts.shape}", ys, "pass one row of values a time",
        )  # fmt: skip
        require(ys.shape[0] > 0 and ys.shape[-1] > 0, "ys", "must not be empty", ys, "pass at least one item")
        mask = jnp.ones(ys.shape, bool) if mask is None else jnp.asarray(mask, bool)
        if mask.shape == ts.shape:
            mask = jnp.broadcast_to(mask[..., None], ys.shape)
        require(mask.shape == ys.shape, "mask", f"must have the shape of ys, {ys.shape}", mask, "pass one flag a value")
        if is_concrete((ts, ys, mask)):
            require_rows(ts, "ts")
            seen = np.isfinite(np.asarray(ys)) | ~np.asarray(mask)
            remedy = "mark missing values by `mask=jnp.isfinite(ys)`"
            require_all(seen, "ys", "must be finite where it is observed", ys, remedy)
        names = tuple(str(name) for name in names)
        require(len(names) in (0, ys.shape[-1]), "names", f"must be {ys.shape[-1]} names", names, "name each component")
        self.ts = ts
        self.ys = jnp.where(mask, ys, jnp.zeros((), ys.dtype))
        self.mask = mask
        self.clock = clock
        self.names = names

    @classmethod
    def from_list(
        cls,
        ts: Sequence[ArrayLike],
        ys: Sequence[ArrayLike],
        *,
        unit: str = "",
        scale: float = 1.0,
        rebase: bool = False,
        names: Sequence[str] = (),
    ) -> Self:
        """A stack of series of unequal lengths. NaN is read as missing.

        **Arguments:**

        - `ts`: for each item its times `(t_i,)`, numbers or dates.
        - `ys`: for each item its values, `(t_i,)` or `(t_i, d)`.
        - `unit`: the unit of the record's times; for dates one that `Clock` knows, days by default.
        - `scale`: how many of the given units make one of the record's, for numbers.
        - `rebase`: whether the earliest time of all becomes 0, for numbers; dates always count from the first.
        - `names`: a name for each component.

        **Returns:** a record with a leading axis, padded to the longest.

        **Raises:** `ValueError` as the constructor does, naming the item.

        !!! example

            ```python
            from sdekit.data import Series
            Series.from_list([[0.0, 1.0], [0.0, 0.5, 2.0]], [[1.0, 2.0], [3.0, float("nan"), 5.0]])
            ```
        """
        require(len(ts) > 0, "ts", "must not be empty", ts, "pass at least one item")
        require(len(ys) == len(ts), "ys", f"must have one entry an item, {len(ts)}", len(ys), "pass as many as in ts")
        times = [np.asarray(row) for row in ts]
        clock = clock_for(np.concatenate([row.ravel() for row in times]), unit=unit, scale=scale, rebase=rebase)
        rows = [_rows(y, len(t), k) for k, (t, y) in enumerate(zip(times, ys, strict=True))]
        length, d = max(len(t) for t in times), rows[0].shape[-1]
        padded = []
        for k, (t, row) in enumerate(zip(times, rows, strict=True)):
            require(t.ndim == 1 and len(t) > 0, f"ts[{k}]", "must be a vector that is not empty", t, "drop the item")
            require(row.shape[-1] == d, f"ys[{k}]", f"must have {d} components as ys[0]", row, "pass the same columns")
            read = clock.read(t)
            require_rows(read, f"ts[{k}]")
            padded.append(pad_times(read, length))
        values = pad_rows(rows, length, np.nan)
        return cls(np.stack(padded), values, np.isfinite(values), clock=clock, names=names)

    @classmethod
    def from_pandas(
        cls,
        frame: Any,
        *,
        time: str | None = None,
        values: Sequence[str] | None = None,
        item: str | None = None,
        unit: str = "",
        scale: float = 1.0,
        rebase: bool = False,
    ) -> Self:
        """A record from a DataFrame in long form. NaN is read as missing.

        **Arguments:**

        - `frame`: a `pandas.DataFrame`, or a `pandas.Series` of values by time.
        - `time`: the column of times, numbers or dates; the index if not given.
        - `values`: the columns of values; all other columns that hold numbers if not given.
        - `item`: the column that says which item a row belongs to; without it there is one item, without an axis.
        - `unit`, `scale`, `rebase`: as in `from_list`.

        **Returns:** one series, or a stack in order of first appearance.

        **Raises:** `ValueError` for a missing column, a missing time, times that do not increase; `ImportError` without
        pandas.

        !!! example

            ```python
            import pandas as pd
            from sdekit.data import Series

            days = pd.to_datetime(["2024-01-01", "2024-01-03", "2024-01-10"])
            frame = pd.DataFrame({"price": [1.0, None, 3.0]}, index=days)
            Series.from_pandas(frame, unit="days").ts  # [0., 2., 9.]
            ```
        """
        ts, columns, names = read_frame(frame, time=time, values=values, item=item)
        record = cls.from_list(ts, columns, unit=unit, scale=scale, rebase=rebase, names=names)
        return record if item is not None else record[0]

    @property
    def dim(self) -> int:
        """The number of components `d`."""
        return self.ys.shape[-1]

    @property
    def is_item(self) -> bool:
        return self.ts.ndim == 1

    @property
    def length(self) -> int:
        return self.ts.shape[-1]

    @property
    def lengths(self) -> Array:
        seen = self.mask.any(-1)
        return last_true(seen)

    def pad(self, length: int) -> Self:
        extra = [(0, 0)] * (self.ts.ndim - 1) + [(0, max(length - self.length, 0)), (0, 0)]
        new = pad_times(self.ts, length), jnp.pad(self.ys, extra), jnp.pad(self.mask, extra)
        return eqx.tree_at(lambda s: (s.ts, s.ys, s.mask), self, new)

    def split_time(self, fraction: float | None = None, *, t: float | None = None) -> tuple[Self, Self]:
        """Cut every item in time: the past up to a time, and the future after it, for forecasting.

        **Arguments:**

        - `fraction`: the share of each item's rows (less its padding) that is past; or
        - `t`: the last time of the past, in the record's unit.

        **Returns:** `(past, future)`, on the same clock; each keeps the leading axis if there was one.

        **Raises:** `ValueError` unless exactly one is given, or if an item has no row on one side.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.data import Series
            past, future = Series(jnp.arange(10.0), jnp.ones(10)).split_time(0.8)
            ```
        """
        require(
            (fraction is None) != (t is None), "fraction, t", "must be given one at a time", (fraction, t), "drop one"
        )
        ts, lengths = np.atleast_2d(np.asarray(self.ts)), np.atleast_1d(np.asarray(self.lengths))
        if fraction is not None:
            require(0 < fraction < 1, "fraction", "must lie strictly between 0 and 1", fraction, "pass e.g. 0.8")
            cuts = np.round(fraction * lengths).astype(int)
        else:
            cuts = (ts <= t).sum(-1)
        bad = (cuts < 1) | (cuts >= lengths)
        if bad.any():
            k = int(np.argmax(bad))
            given = fraction if t is None else t
            problem = (
                f"leaves item {k} (of {lengths[k]} rows, {ts[k, 0]:g}..{ts[k, lengths[k] - 1]:g}) empty on one side"
            )
            require(False, "fraction" if t is None else "t", problem, given, "cut inside, or drop the item")
        past = self._window(np.zeros_like(cuts), cuts)
        return past, self._window(cuts, lengths)

    def _window(self, start: np.ndarray, stop: np.ndarray) -> Self:
        stacked = self.stack()
        ts, ys, mask = (np.asarray(x) for x in (stacked.ts, stacked.ys, stacked.mask))
        parts = [slice(a, b) for a, b in zip(start, stop, strict=True)]
        length = int((stop - start).max())
        new = type(self)(
            np.stack([pad_times(ts[k, p], length) for k, p in enumerate(parts)]),
            pad_rows([ys[k, p] for k, p in enumerate(parts)], length, 0),
            pad_rows([mask[k, p] for k, p in enumerate(parts)], length, False),
            clock=self.clock,
            names=self.names,
        )
        return new[0] if self.is_item else new

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        ys = jnp.where(self.mask, values(self.ys), jnp.zeros((), self.ys.dtype))
        return eqx.tree_at(lambda s: (s.ts, s.ys), self, (times(self.ts), ys))

    def _values(self):
        return self.ys, self.mask, self.ys.dtype

    def _scale_of_time(self) -> tuple[float, float]:
        ts = np.asarray(self.stack().ts, np.float64)
        ends = np.maximum(np.atleast_1d(np.asarray(self.lengths)), 1) - 1
        return float(ts.min()), float(ts[np.arange(len(ts)), ends].max() - ts.min())

    def _log_jacobian(self, log_scale: Array, log_time_scale: Array) -> Array:
        return -(self.mask.reshape(-1, self.dim).sum(0) * log_scale).sum()

    def _summary(self) -> str:
        items = [] if self.is_item else [count(len(self), "item")]
        size = [count(self.length, "time"), count(self.dim, "component")]
        if not is_concrete(self):
            return ", ".join([*items, *size])
        ts = np.atleast_2d(np.asarray(self.ts))
        ends = np.maximum(np.atleast_1d(np.asarray(self.lengths)), 1) - 1
        last = ts[np.arange(len(ts)), ends].max()
        return ", ".join([*items, *size, f"{int(self.observed())} observed", span(self.clock, ts.min(), last)])


def _rows(y: ArrayLike, length: int, k: int) -> np.ndarray:
    """Values of one item as `(t, d)`, `None` and NaN both NaN, in their own floating-point dtype."""
    y = np.asarray(y)
    y = y if np.issubdtype(y.dtype, np.floating) else y.astype(np.float64)
    y = y[:, None] if y.ndim == 1 else y
    fits = y.ndim == 2 and len(y) == length
    require(fits, f"ys[{k}]", f"must have one row for each of {length} times", y, "pass an array of shape (t, d)")
    inf = np.isinf(y)
    require_all(~inf, f"ys[{k}]", "must be finite, or NaN for missing", y, "replace infinite values")
    return y
