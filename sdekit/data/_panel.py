"""Subjects seen in one of a few states at a few irregular times."""

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int

from .._errors import require
from .._types import Array, as_float, is_concrete
from ._checks import as_int, cast_times, last_true, pad_rows, pad_times, require_all, require_rows
from ._clock import AS_GIVEN, Clock, clock_for
from ._frames import panel_frame
from ._items import AbstractItems
from ._text import count, span


__all__ = ["Panel", "Seen"]


class Seen(enum.IntEnum):
    """What an observation of a state says about the way there from the observation before.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Panel, Seen

        # Ill at a visit at 1, dead at exactly 2.5.
        kinds = jnp.array([Seen.SNAPSHOT, Seen.SNAPSHOT, Seen.ENTRY])
        Panel(jnp.array([0.0, 1.0, 2.5]), jnp.array([0, 1, 2]), kinds=kinds)
        ```
    """

    SNAPSHOT = 0
    """The subject is in the state at this time; nothing is known of the time between."""
    ENTRY = 1
    """The subject entered the state at exactly this time, from a state not seen: a death with a known date."""
    JUMP = 2
    """The subject was in the state seen before until exactly this time, when it entered this one (or, if it is the
    same, stayed)."""


class Panel(AbstractItems):
    """One subject seen in discrete states at irregular times, or a stack of subjects: `ts`, `states`, `mask`.

    Where `mask` is false the state is missing or padding; its code is 0 and never used. The kind of a subject's first
    observation says nothing and is not used.

    **Arguments:**

    - `ts`: increasing times, shape `(t,)` or `(n, t)`.
    - `states`: codes `0 .. num_states - 1`, of the shape of `ts`. The code `num_states + j` says that the state is only
      known to lie in `censored[j]`.
    - `mask`: where a state was observed; everywhere, if not given.
    - `covariates`: numbers known at each time, shape `(t, c)` or `(n, t, c)`; held from then to the next time.
    - `kinds`: how each state was seen, codes of `Seen`; all `Seen.SNAPSHOT`, if not given.
    - `num_states`: the number of states; the largest code plus one, if not given.
    - `censored`: sets of states for codes beyond the states.
    - `clock`, `names`, `labels`: the clock, the names of the covariates, the names of the states.

    **Raises:** `ValueError` for times that do not increase, unknown codes, covariates that are not finite, or shapes
    that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Panel

        Panel(jnp.array([0.0, 1.0, 2.5]), jnp.array([0, 1, 2]))  # Panel(3 times, 3 states, 3 observed, 0..2.5)
        ```
    """

    ts: Float[Array, "*n t"]
    states: Int[Array, "*n t"]
    mask: Bool[Array, "*n t"]
    covariates: Float[Array, "*n t c"] | None
    kinds: Int[Array, "*n t"]
    num_states: int = eqx.field(static=True)
    censored: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    clock: Clock = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    """The names of the covariates, or `()`."""
    labels: tuple[str, ...] = eqx.field(static=True)
    """The names of the states, or `()`."""

    def __init__(
        self,
        ts: ArrayLike,
        states: ArrayLike,
        mask: ArrayLike | None = None,
        *,
        covariates: ArrayLike | None = None,
        kinds: ArrayLike | None = None,
        num_states: int | None = None,
        censored: Sequence[Sequence[int]] = (),
        clock: Clock = AS_GIVEN,
        names: Sequence[str] = (),
        labels: Sequence[str] = (),
    ):
        ts, states = cast_times(ts, "ts"), as_int(states, "states")
        require(ts.ndim in (1, 2), "ts", "must have shape (t,) or (n, t)", ts, "pass one axis of times")
        require(ts.size > 0, "ts", "must not be empty", ts, "pass at least one time")
        require(states.shape == ts.shape, "states", f"must have the shape of ts, {ts.shape}", states, "one code a time")
        mask = jnp.ones(ts.shape, bool) if mask is None else jnp.asarray(mask, bool)
        require(mask.shape == ts.shape, "mask", f"must have the shape of ts, {ts.shape}", mask, "one flag a time")
        kinds = jnp.zeros(ts.shape, jnp.int8) if kinds is None else as_int(kinds, "kinds").astype(jnp.int8)
        require(kinds.shape == ts.shape, "kinds", f"must have the shape of ts, {ts.shape}", kinds, "one code a time")
        if covariates is not None:
            covariates = as_float(covariates)
            fits = covariates.ndim == ts.ndim + 1 and covariates.shape[:-1] == ts.shape
            require(fits, "covariates", f"must have shape {ts.shape} + (c,)", covariates, "pass one row a time")
        censored = tuple(tuple(int(s) for s in states_) for states_ in censored)
        if num_states is None:
            require(is_concrete((states, mask)), "num_states", "must be given under jit", None, "pass num_states=")
            require(not censored, "num_states", "must be given with censored sets", None, "pass num_states=")
            num_states = int(np.where(np.asarray(mask), np.asarray(states), 0).max()) + 1
        for j, members in enumerate(censored):
            fits = len(members) > 0 and all(0 <= s < num_states for s in members)
            require(
                fits, f"censored[{j}]", f"must hold states 0..{num_states - 1}", members, "list the possible states"
            )
        require(len(labels) in (0, num_states), "labels", f"must be {num_states} names", labels, "name each state")
        columns = 0 if covariates is None else covariates.shape[-1]
        require(len(names) in (0, columns), "names", f"must be {columns} names", names, "name each covariate")
        if is_concrete((ts, states, mask, covariates, kinds)):
            _validate(ts, states, mask, covariates, kinds, num_states + len(censored), num_states)
        self.ts = ts
        self.states = jnp.where(mask, states, 0)
        self.mask = mask
        self.covariates = covariates
        self.kinds = jnp.where(mask, kinds, 0)
        self.num_states = num_states
        self.censored = censored
        self.clock = clock
        self.names = tuple(str(name) for name in names)
        self.labels = tuple(str(label) for label in labels)

    @classmethod
    def from_list(
        cls,
        ts: Sequence[ArrayLike],
        states: Sequence[ArrayLike],
        *,
        covariates: Sequence[ArrayLike] | None = None,
        kinds: Sequence[ArrayLike] | None = None,
        unit: str = "",
        scale: float = 1.0,
        rebase: bool = False,
        **options: Any,
    ) -> Self:
        """A stack of subjects, each seen at its own times. NaN among the states is read as missing.

        **Arguments:**

        - `ts`, `states`, `covariates`, `kinds`: for each subject a row, as the constructor takes them.
        - `unit`, `scale`, `rebase`: as in `Series.from_list`.
        - `options`: `num_states`, `censored`, `names`, `labels`, passed to the constructor.

        **Returns:** a record with a leading axis, padded to the longest.

        **Raises:** `ValueError` as the constructor does, naming the subject.

        !!! example

            ```python
            from sdekit.data import Panel
            Panel.from_list([[0.0, 1.0], [0.0, 0.5, 2.0]], [[0, 1], [0, 0, 1]])
            ```
        """
        require(len(ts) > 0, "ts", "must not be empty", ts, "pass at least one subject")
        require(len(states) == len(ts), "states", f"must have {len(ts)} rows, as ts", len(states), "one row a subject")
        times = [np.asarray(row) for row in ts]
        clock = clock_for(np.concatenate([t.ravel() for t in times]), unit=unit, scale=scale, rebase=rebase)
        length = max(len(t) for t in times)
        read = []
        for k, t in enumerate(times):
            require(t.ndim == 1 and len(t) > 0, f"ts[{k}]", "must be a vector that is not empty", t, "drop the subject")
            row = clock.read(t)
            require_rows(row, f"ts[{k}]")
            read.append(pad_times(row, length))

        def padded(rows, argument, fill, dtype):
            rows = [np.asarray(row, dtype) for row in rows]
            for k, (row, t) in enumerate(zip(rows, times, strict=True)):
                require(len(row) == len(t), f"{argument}[{k}]", f"must have {len(t)} entries", row, "one entry a time")
            return pad_rows(rows, length, fill)

        codes = padded(states, "states", np.nan, np.float64)
        seen = ~np.isnan(codes)
        return cls(
            np.stack(read),
            np.where(seen, codes, 0),
            seen,
            covariates=None if covariates is None else padded(covariates, "covariates", 0, np.float64),
            kinds=None if kinds is None else padded(kinds, "kinds", 0, np.int8),
            clock=clock,
            **options,
        )

    @classmethod
    def from_pandas(
        cls,
        frame: Any,
        *,
        time: str,
        state: str,
        item: str,
        covariates: Sequence[str] = (),
        states: Sequence[Any] | None = None,
        entries: Sequence[Any] = (),
        censored: Mapping[Any, Sequence[Any]] | None = None,
        unit: str = "",
        scale: float = 1.0,
        rebase: bool = False,
    ) -> Self:
        """A record from a DataFrame with a row for each observation.

        **Arguments:**

        - `frame`: a `pandas.DataFrame`.
        - `time`, `state`, `item`: the columns of times, states and subjects.
        - `covariates`: the columns of covariates.
        - `states`: the labels of the states in the order of their codes; all labels that occur, sorted, if not given.
        - `entries`: labels of states whose times are exact times of entry (deaths).
        - `censored`: for each label that stands for a set, the labels in the set.
        - `unit`, `scale`, `rebase`: as in `Series.from_list`.

        **Returns:** a stack of subjects in order of first appearance.

        **Raises:** `ValueError` for a missing column, an unknown state, times that do not increase.

        !!! example

            ```python
            import pandas as pd
            from sdekit.data import Panel

            frame = pd.DataFrame({"id": [1, 1, 2, 2], "age": [60.0, 62.0, 50.0, 57.0], "state": [1, 2, 1, 3]})
            Panel.from_pandas(frame, time="age", state="state", item="id", entries=[3])
            ```
        """
        table = panel_frame(frame, time, state, item, covariates, states, list(entries), dict(censored or {}))
        return cls.from_list(**table, unit=unit, scale=scale, rebase=rebase)

    @property
    def is_item(self) -> bool:
        return self.ts.ndim == 1

    @property
    def length(self) -> int:
        return self.ts.shape[-1]

    @property
    def lengths(self) -> Array:
        return last_true(self.mask)

    def possible(self) -> Bool[Array, "*n t s"]:
        """Which states each observation allows: one, the members of a censored set, or all where nothing was seen.

        **Returns:** Booleans of shape `(t, num_states)`, with the leading axis if there is one.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.data import Panel

            panel = Panel(jnp.arange(2.0), jnp.array([0, 2]), num_states=2, censored=[(0, 1)])
            panel.possible()  # [[True, False], [True, True]]
            ```
        """
        table = np.concatenate(
            [np.eye(self.num_states, dtype=bool), np.zeros((len(self.censored), self.num_states), bool)]
        )
        for j, members in enumerate(self.censored):
            table[self.num_states + j, list(members)] = True
        return jnp.where(self.mask[..., None], jnp.asarray(table)[self.states], True)

    def pad(self, length: int) -> Self:
        extra = [(0, 0)] * (self.ts.ndim - 1) + [(0, max(length - self.length, 0))]
        rest = [jnp.pad(x, extra) for x in (self.states, self.mask, self.kinds)]
        where = lambda p: (p.ts, p.states, p.mask, p.kinds)
        new = eqx.tree_at(where, self, (pad_times(self.ts, length), *rest))
        if self.covariates is None:
            return new
        return eqx.tree_at(lambda p: p.covariates, new, jnp.pad(self.covariates, [*extra, (0, 0)]))

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        return eqx.tree_at(lambda p: p.ts, self, times(self.ts))

    def _values(self):
        return None, None, self.ts.dtype

    def _scale_of_time(self) -> tuple[float, float]:
        ts = np.asarray(self.stack().ts, np.float64)
        ends = np.maximum(np.atleast_1d(np.asarray(self.lengths)), 1) - 1
        return float(ts.min()), float(ts[np.arange(len(ts)), ends].max() - ts.min())

    def _log_jacobian(self, log_scale: Array, log_time_scale: Array) -> Array:
        first = jnp.cumsum(self.mask, -1) == 1
        exact = self.mask & ~first & (self.kinds != Seen.SNAPSHOT)
        return -exact.sum() * log_time_scale

    def _summary(self) -> str:
        items = [] if self.is_item else [count(len(self), "subject")]
        size = [count(self.length, "time"), count(self.num_states, "state")]
        if self.covariates is not None:
            size.append(count(self.covariates.shape[-1], "covariate"))
        if not is_concrete(self):
            return ", ".join([*items, *size])
        ts = np.atleast_2d(np.asarray(self.ts))
        ends = np.maximum(np.atleast_1d(np.asarray(self.lengths)), 1) - 1
        last = ts[np.arange(len(ts)), ends].max()
        return ", ".join([*items, *size, f"{int(self.observed())} observed", span(self.clock, ts.min(), last)])


def _validate(ts, states, mask, covariates, kinds, codes: int, num_states: int) -> None:
    require_rows(ts, "ts")
    states, mask = np.asarray(states), np.asarray(mask)
    known = ((states >= 0) & (states < codes)) | ~mask
    more = f", or {num_states}..{codes - 1} for a censored set" if codes > num_states else ""
    problem = f"is not a known state, 0..{num_states - 1}{more}"
    require_all(known, "states", problem, states, "count states from 0, pass num_states, or mask what is missing")
    kinds = np.asarray(kinds)
    require_all((kinds >= 0) & (kinds <= max(Seen)), "kinds", "is not a code of Seen", kinds, "use Seen.SNAPSHOT, ...")
    exact_set = (kinds != Seen.SNAPSHOT) & (states >= num_states) & mask
    require_all(~exact_set, "kinds", "cannot be exact for a censored state", kinds, "use Seen.SNAPSHOT there")
    if covariates is not None:
        values = np.asarray(covariates)
        require_all(np.isfinite(values), "covariates", "must be finite", values, "carry the last value forward")
