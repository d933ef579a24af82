"""Paths of point processes: events on a window."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
from jaxtyping import ArrayLike, Bool, Float, Int

from .._types import Array, is_concrete
from ..data import Clock, Events
from ._path import AbstractPath
from ._sampled import Provenance
from ._times import query


__all__ = ["EventPath"]


class EventPath(AbstractPath):
    """Events at `ts` with `marks` on a window `[t0, t1]`. Called at a time it counts the events so far.

    Laid out and validated as `Events`: padded times are `t1`, padded marks 0.

    **Arguments:**

    - `ts`: times in order, shape `(e,)` or `(n, e)`.
    - `marks`: integers of that shape, or real marks, or `None`.
    - `mask`: which entries are events; all, if not given.
    - `t0`, `t1`: the window.
    - `num_marks`: the number of kinds of events; needed under `jit` with integer marks.
    - `made`: how the path was made.
    - `full`: whether the room for events ran out before `t1`, so that later events are missing; one flag a path.

    **Raises:** `ValueError` as `Events` does; events at one time are accepted.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.paths import EventPath

        path = EventPath(jnp.array([0.5, 1.2]), jnp.array([1, 0]), t1=2.0, num_marks=2)
        path(1.0)  # [0, 1]
        ```
    """

    ts: Float[Array, "*n e"]
    marks: Int[Array, "*n e"] | Float[Array, "*n e"] | Float[Array, "*n e m"] | None
    mask: Bool[Array, "*n e"]
    t0: Float[Array, "*n"]
    t1: Float[Array, "*n"]
    num_marks: int | None = eqx.field(static=True)
    made: Provenance
    full: Bool[Array, "*n"] | None = None

    def __init__(
        self,
        ts: ArrayLike,
        marks: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        *,
        t0: ArrayLike = 0.0,
        t1: ArrayLike,
        num_marks: int | None = None,
        made: Provenance = Provenance("given"),  # noqa: B008
        full: Bool[Array, "*n"] | None = None,
    ):
        events = Events(ts, marks, mask, t0=t0, t1=t1, num_marks=num_marks, ties=True)
        self.ts, self.marks, self.mask = events.ts, events.marks, events.mask
        self.t0, self.t1, self.num_marks = events.t0, events.t1, events.num_marks
        self.made, self.full = made, full

    def __call__(self, t: ArrayLike) -> Array:
        """The number of events in `[t0, t]`: shape `()`, or `(m,)` by mark; the shape of `t` before `m`."""
        t = query(t, self.t0, self.t1, self.ts.dtype)

        def count(ts, mask, marks):
            line = (1,) * t.ndim + (-1,)
            so_far = mask.reshape(line) & (ts.reshape(line) <= t[..., None])
            if self.num_marks is None:
                return so_far.sum(-1)
            kinds = jax.nn.one_hot(marks, self.num_marks, dtype=bool)
            return (so_far[..., None] & kinds.reshape((1,) * t.ndim + kinds.shape)).sum(-2)

        marks = None if self.num_marks is None else self.marks
        if self.is_single:
            return count(self.ts, self.mask, marks)
        return jax.vmap(count)(self.ts, self.mask, marks)

    @property
    def is_single(self) -> bool:
        return self.ts.ndim == 1

    def __len__(self) -> int:
        return 1 if self.is_single else self.ts.shape[0]

    def _index(self, index) -> Self:
        return jax.tree.map(lambda x: x[index], self)

    def stacked(self) -> Self:
        return self

    def to_events(self, *, clock: Clock | None = None) -> Events:
        """The path as data, with the clock of the record that its times belong to.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import EventPath
            EventPath(jnp.array([0.5, 1.2]), t1=2.0).to_events()
            ```
        """
        window = {"t0": self.t0, "t1": self.t1, "num_marks": self.num_marks}
        return Events(self.ts, self.marks, self.mask, **window, ties=True, clock=clock or Clock())

    def to_record(self) -> Events:
        return self.to_events()

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        new = times(self.ts), times(self.t0), times(self.t1)
        return eqx.tree_at(lambda p: (p.ts, p.t0, p.t1), self, new)

    def _summary(self) -> str:
        many = "" if self.is_single else f"{len(self)} path{'' if len(self) == 1 else 's'}, "
        marks = "" if self.marks is None else (f", {self.num_marks} marks" if self.num_marks else ", real marks")
        if not is_concrete(self):
            return f"{many}up to {self.ts.shape[-1]} events{marks}, {self.made}"
        n = int(self.mask.sum())
        window = f"window {float(self.t0.min()):g}..{float(self.t1.max()):g}"
        return f"{many}{n} event{'' if n == 1 else 's'}{marks}, {window}, {self.made}"
