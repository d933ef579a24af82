"""Event times, with or without marks, on a window of observation."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int

from .._errors import require
from .._types import Array, Key, RealScalar, is_concrete
from ._checks import cast_times, pad_rows
from ._clock import AS_GIVEN, Clock, clock_for
from ._event_checks import read_marks, require_events, take, window_end
from ._frames import events_frame
from ._items import AbstractTimeline
from ._text import count, span


__all__ = ["Events"]


class Events(AbstractTimeline):
    """One sequence of events on a window `[t0, t1]`, or a stack of sequences: `ts`, `marks`, `mask`, `t0`, `t1`.

    Everything in the window was seen: the silence after the last event counts. Padded times are `t1`, padded marks 0.

    **Arguments:**

    - `ts`: event times in order, shape `(e,)` or `(n, e)`.
    - `marks`: integers `0 .. num_marks - 1` of the shape of `ts`, or real marks of that shape or with one more axis;
      `None` for events without marks.
    - `mask`: which entries are events; all, if not given. Padding comes last.
    - `t0`, `t1`: the window, numbers or one a sequence, shape `(n,)`.
    - `num_marks`: how many kinds of events there are; the largest mark plus one, if not given.
    - `ties`: whether several events may have one time. Without it a tie is an error, since a simple point process has
      none; see `dequantise`.
    - `clock`: how the times came from the user's.

    **Raises:** `ValueError` for times out of order, ties, events outside the window, unknown marks, an empty window.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events

        Events(jnp.array([0.5, 1.2]), jnp.array([0, 1]), t0=0.0, t1=2.0)  # Events(2 events, 2 marks, window 0..2)
        ```
    """

    ts: Float[Array, "*n e"]
    marks: Int[Array, "*n e"] | Float[Array, "*n e"] | Float[Array, "*n e m"] | None
    mask: Bool[Array, "*n e"]
    t0: Float[Array, "*n"]
    t1: Float[Array, "*n"]
    num_marks: int | None = eqx.field(static=True)
    """The number of kinds of events; `None` if there are no marks or they are real numbers."""
    clock: Clock = eqx.field(static=True)

    def __init__(
        self,
        ts: ArrayLike,
        marks: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        *,
        t0: ArrayLike = 0.0,
        t1: ArrayLike,
        num_marks: int | None = None,
        ties: bool = False,
        clock: Clock = AS_GIVEN,
    ):
        ts = cast_times(ts, "ts")
        require(ts.ndim in (1, 2), "ts", "must have shape (e,) or (n, e)", ts, "pass one axis of times")
        if ts.shape[-1] == 0:  # one padded entry keeps every reduction defined
            ts = jnp.zeros((*ts.shape[:-1], 1), ts.dtype)
            mask = jnp.zeros(ts.shape, bool)
            marks = (
                None if marks is None else jnp.zeros((*ts.shape, *np.shape(marks)[ts.ndim :]), jnp.asarray(marks).dtype)
            )
        mask = jnp.ones(ts.shape, bool) if mask is None else jnp.asarray(mask, bool)
        require(mask.shape == ts.shape, "mask", f"must have the shape of ts, {ts.shape}", mask, "one flag an event")
        t0, t1 = (window_end(t, ts, name) for t, name in ((t0, "t0"), (t1, "t1")))
        if marks is not None:
            marks, num_marks = read_marks(marks, ts, mask, num_marks)
        else:
            require(num_marks is None, "num_marks", "is given, but there are no marks", num_marks, "pass marks")
        if is_concrete((ts, marks, mask, t0, t1)):
            require_events(ts, marks, mask, t0, t1, num_marks, ties)
        self.ts = jnp.where(mask, ts, t1[..., None])
        flags = mask if marks is None else mask.reshape(mask.shape + (1,) * (marks.ndim - ts.ndim))
        self.marks = None if marks is None else jnp.where(flags, marks, jnp.zeros((), marks.dtype))
        self.mask = mask
        self.t0 = t0
        self.t1 = t1
        self.num_marks = num_marks
        self.clock = clock

    @classmethod
    def from_list(
        cls,
        ts: Sequence[ArrayLike],
        marks: Sequence[ArrayLike] | None = None,
        *,
        t0: ArrayLike | None = None,
        t1: ArrayLike,
        num_marks: int | None = None,
        ties: bool = False,
        unit: str = "",
        scale: float = 1.0,
        rebase: bool = False,
    ) -> Self:
        """A stack of sequences of unequal lengths; a sequence may be empty.

        **Arguments:**

        - `ts`, `marks`: for each sequence a row.
        - `t0`, `t1`: the windows, in the user's times: one for all or one a sequence. `t0` is 0 if not given.
        - `num_marks`, `ties`: as in the constructor.
        - `unit`, `scale`: as in `Series.from_list`.
        - `rebase`: whether every window starts at 0: each sequence then counts from its own `t0`.

        **Returns:** a record with a leading axis, padded to the longest.

        **Raises:** `ValueError` as the constructor does.

        !!! example

            ```python
            from sdekit.data import Events
            Events.from_list([[0.5, 1.2], []], [[0, 1], []], t1=2.0, num_marks=2)
            ```
        """
        n = len(ts)
        require(n > 0, "ts", "must not be empty", ts, "pass at least one sequence")
        rows = [np.asarray(row) for row in ts]
        dates = any(np.issubdtype(row.dtype, np.datetime64) for row in rows)
        require(t0 is not None or not dates, "t0", "must be given with dates", t0, "pass the start of the window")
        starts = np.zeros(()) if t0 is None else np.asarray(t0)
        clock = clock_for(starts.ravel(), unit=unit, scale=scale, rebase=rebase)
        start = np.broadcast_to(clock.read(starts), (n,))
        stop = np.broadcast_to(clock.read(np.asarray(t1)), (n,))
        shift = start if rebase else np.zeros(n)
        read = [clock.read(row) - s if len(row) else np.zeros(0) for row, s in zip(rows, shift, strict=True)]
        if shift.any():  # every sequence has its own origin: only the unit is shared
            clock = Clock(0.0, clock.unit, clock.scale)
        length = max(1, max(len(row) for row in rows))
        mask = np.arange(length) < np.array([len(row) for row in rows])[:, None]
        padded = None
        if marks is not None:
            require(len(marks) == n, "marks", f"must have {n} rows, as ts", len(marks), "one row a sequence")
            kinds = [np.asarray(row) for row in marks]
            for k, (a, b) in enumerate(zip(kinds, rows, strict=True)):
                require(len(a) == len(b), f"marks[{k}]", f"must have {len(b)} entries, as ts[{k}]", a, "one an event")
            full = [row for row in kinds if len(row)] or [np.zeros(0, int)]
            padded = pad_rows([row if len(row) else full[0][:0] for row in kinds], length, 0)
        return cls(
            pad_rows(read, length, 0.0), padded, mask,
            t0=start - shift, t1=stop - shift, num_marks=num_marks, ties=ties, clock=clock,
        )  # fmt: skip

    @classmethod
    def from_pandas(
        cls,
        frame: Any,
        *,
        time: str | None = None,
        mark: str | None = None,
        item: str | None = None,
        t0: Any = None,
        t1: Any = None,
        marks: Sequence[Any] | None = None,
        ties: bool = False,
        unit: str = "",
        scale: float = 1.0,
        rebase: bool = False,
    ) -> Self:
        """A record from a DataFrame with a row for each event.

        **Arguments:**

        - `frame`: a `pandas.DataFrame`.
        - `time`: the column of times, numbers or dates; the index if not given.
        - `mark`: the column of marks; a column of floating-point numbers is read as real marks, any other as labels.
        - `item`: the column that says which sequence a row belongs to; without it there is one, without an axis. A
          sequence without events does not appear in a frame: use `from_list`.
        - `t0`, `t1`: the window in the user's times, one for all sequences. The first and the last time of all, if not
          given: then the first event is certain, and the window should rather be stated.
        - `marks`: the labels in the order of their codes; all that occur, sorted, if not given.
        - `ties`, `unit`, `scale`, `rebase`: as in `from_list`.

        **Returns:** one sequence, or a stack in order of first appearance.

        **Raises:** `ValueError` for a missing column, an unknown mark, times out of order.

        !!! example

            ```python
            import pandas as pd
            from sdekit.data import Events

            frame = pd.DataFrame({"when": [0.5, 1.5], "what": ["buy", "sell"]})
            Events.from_pandas(frame, time="when", mark="what", t0=0.0, t1=2.0)
            ```
        """
        ts, kinds, num_marks = events_frame(frame, time, mark, item, marks)
        every = np.concatenate(ts)
        start = every.min() if t0 is None else np.asarray(t0, every.dtype if every.dtype.kind == "M" else None)
        stop = every.max() if t1 is None else np.asarray(t1, every.dtype if every.dtype.kind == "M" else None)
        options = {"unit": unit, "scale": scale, "rebase": rebase, "ties": ties, "num_marks": num_marks}
        record = cls.from_list(ts, kinds, t0=start, t1=stop, **options)
        return record if item is not None else record[0]

    @property
    def is_item(self) -> bool:
        return self.ts.ndim == 1

    @property
    def length(self) -> int:
        return self.ts.shape[-1]

    @property
    def lengths(self) -> Array:
        return self.mask.sum(-1)

    def before(self, t: RealScalar) -> Self:
        """The history at `t`: the same record with the events at or after `t` masked. Works under `jit`.

        **Arguments:**

        - `t`: a time, in the record's unit.

        **Returns:** a record of the same shape and window, for `intensity(t, history)`.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.data import Events
            Events(jnp.array([0.5, 1.2]), t1=2.0).before(1.0).observed()  # 1
            ```
        """
        mask = self.mask & (self.ts < t)
        return self._masked(mask)

    def _masked(self, mask: Array) -> Self:
        ts = jnp.where(mask, self.ts, self.t1[..., None])
        new = eqx.tree_at(lambda e: (e.ts, e.mask), self, (ts, mask))
        if self.marks is None:
            return new
        flags = mask.reshape(mask.shape + (1,) * (self.marks.ndim - mask.ndim))
        return eqx.tree_at(lambda e: e.marks, new, jnp.where(flags, self.marks, jnp.zeros((), self.marks.dtype)))

    def gaps(self) -> Float[Array, "*n e"]:
        """The time since the event before (or since `t0`), 0 for padding. Small numbers, safe in float32."""
        before = jnp.concatenate([self.t0[..., None], self.ts[..., :-1]], axis=-1)
        return jnp.where(self.mask, self.ts - before, jnp.zeros((), self.ts.dtype))

    def dequantise(self, cell: float, *, key: Key) -> Self:
        """Spread times that were recorded in cells (whole seconds) uniformly over their cells; breaks ties.

        A continuous density can put arbitrary mass on recorded grid points; scores of recorded times are comparable
        only after this. Every time moves from `t` to a uniform draw on `[t, t + cell)`; the window ends a cell later.

        **Arguments:**

        - `cell`: the resolution of the recording, in the record's unit.
        - `key`: a JAX key.

        **Returns:** a record of the same shape, its events in order again.

        **Raises:** `ValueError` for a cell that is not positive.

        !!! example

            ```python
            import jax, jax.numpy as jnp
            from sdekit.data import Events

            seconds = Events(jnp.array([1.0, 1.0, 4.0]), t1=10.0, ties=True)
            seconds.dequantise(1.0, key=jax.random.key(0))
            ```
        """
        require(cell > 0, "cell", "must be positive", cell, "pass the resolution of the recording")
        u = jax.random.uniform(key, self.ts.shape, self.ts.dtype)
        t1 = self.t1 + cell
        ts = jnp.where(self.mask, self.ts + cell * u, t1[..., None])
        # Padding sorts last: it stands at t1, which no event passes, and a stable sort keeps it behind equal times.
        order = jnp.argsort(ts, axis=-1, stable=True)
        new = eqx.tree_at(lambda e: (e.ts, e.t1), self, (jnp.take_along_axis(ts, order, -1), t1))
        if self.marks is None:
            return new
        return eqx.tree_at(lambda e: e.marks, new, take(self.marks, order))

    def split_time(self, fraction: float | None = None, *, t: float | None = None) -> tuple[Self, Self]:
        """Cut every window in time: the past up to a time, and the future after it, for forecasting.

        **Arguments:**

        - `fraction`: the share of each window that is past; or
        - `t`: the last time of the past, in the record's unit.

        **Returns:** `(past, future)`, padded to the same length, with windows `[t0, t]` and `[t, t1]`.

        **Raises:** `ValueError` unless exactly one is given, inside the window.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.data import Events
            past, future = Events(jnp.array([0.5, 1.2]), t1=2.0).split_time(t=1.0)
            ```
        """
        require(
            (fraction is None) != (t is None), "fraction, t", "must be given one at a time", (fraction, t), "drop one"
        )
        if t is None:
            share = 0.0 if fraction is None else fraction
            require(0 < share < 1, "fraction", "must lie strictly between 0 and 1", fraction, "pass e.g. 0.8")
            cut = self.t0 + share * (self.t1 - self.t0)
        else:
            inside = bool(jnp.all((self.t0 < t) & (t < self.t1)))
            require(inside, "t", "must lie inside every window", t, "cut between t0 and t1")
            cut = jnp.full(self.t0.shape, t, self.t0.dtype)
        early = self.mask & (self.ts <= cut[..., None])
        past = eqx.tree_at(lambda e: e.t1, self, cut)._masked(early)
        shift = early.sum(-1)
        position = jnp.arange(self.length).reshape((1,) * shift.ndim + (-1,))
        index = (position + shift[..., None]) % self.length
        rolled = jax.tree.map(lambda x: take(x, index), (self.ts, self.marks, self.mask & ~early))
        future = eqx.tree_at(lambda e: (e.t0, e.ts), self, (cut, rolled[0]))
        if self.marks is not None:
            future = eqx.tree_at(lambda e: e.marks, future, rolled[1])
        return past, future._masked(rolled[2])

    def pad(self, length: int) -> Self:
        more = max(length - self.length, 0)
        wide = lambda x: jnp.pad(x, [(0, more if i == self.ts.ndim - 1 else 0) for i in range(x.ndim)])
        mask = wide(self.mask)
        new = eqx.tree_at(lambda e: (e.ts, e.mask), self, (wide(self.ts), mask))
        if self.marks is not None:
            new = eqx.tree_at(lambda e: e.marks, new, wide(self.marks))
        return new._masked(mask)

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        new = times(self.ts), times(self.t0), times(self.t1)
        return eqx.tree_at(lambda e: (e.ts, e.t0, e.t1), self, new)

    def _values(self):
        return None, None, self.ts.dtype

    def _scale_of_time(self) -> tuple[float, float]:
        total = float((self.t1 - self.t0).sum())
        return float(self.t0.min()), total / max(int(self.observed()), 1)

    def _log_jacobian(self, log_scale: Array, log_time_scale: Array) -> Array:
        return -self.mask.sum() * log_time_scale

    def _summary(self) -> str:
        items = [] if self.is_item else [count(len(self), "sequence")]
        kind = [] if self.marks is None else ["real marks" if self.num_marks is None else count(self.num_marks, "mark")]
        if not is_concrete(self):
            return ", ".join([*items, f"up to {count(self.length, 'event')}", *kind])
        window = span(self.clock, float(self.t0.min()), float(self.t1.max()))
        return ", ".join([*items, count(int(self.observed()), "event"), *kind, f"window {window}"])
