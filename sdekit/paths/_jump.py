"""Paths that jump: constant between jumps, continuous from the right."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int

from .._errors import fault, require
from .._types import Array, Times, as_float, is_concrete
from ..data import Clock, Panel, Seen
from ._path import AbstractPath
from ._sampled import Provenance, SampledPath
from ._times import interval, query


__all__ = ["JumpPath"]


class JumpPath(AbstractPath):
    """A path on discrete states: `states[j]` from `ts[j]` until `ts[j + 1]`, the last until `t1`.

    `ts[0]` is the start, not a jump. Padded entries stand at `t1` and repeat the last state.

    **Arguments:**

    - `ts`: the start and the times of the jumps, increasing, shape `(j,)` or `(n, j)`.
    - `states`: the states entered, integers of the shape of `ts`, or counts `(..., j, d)` such as molecule numbers.
    - `t1`: the end of the path, a number or shape `(n,)`.
    - `mask`: which entries there are, first the true ones; all, if not given.
    - `made`: how the path was made.

    **Raises:** `ValueError` for shapes that do not fit, or times that do not increase or pass `t1`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.paths import JumpPath

        path = JumpPath(jnp.array([0.0, 0.7, 1.9]), jnp.array([0, 2, 1]), t1=3.0)
        path(0.7)  # 2
        ```
    """

    ts: Float[Array, "*n j"]
    states: Int[Array, "*n j"] | Int[Array, "*n j d"]
    mask: Bool[Array, "*n j"]
    t1: Float[Array, "*n"]
    made: Provenance

    def __init__(
        self,
        ts: ArrayLike,
        states: ArrayLike,
        t1: ArrayLike,
        mask: ArrayLike | None = None,
        made: Provenance = Provenance("given"),  # noqa: B008
    ):
        ts, states = as_float(ts), jnp.asarray(states)
        require(ts.ndim in (1, 2) and ts.size > 0, "ts", "must have shape (j,) or (n, j)", ts, "start with the start")
        whole = jnp.issubdtype(states.dtype, jnp.integer)
        require(whole, "states", "must be integers", states, "use SampledPath for states that are real numbers")
        fits = states.ndim in (ts.ndim, ts.ndim + 1) and states.shape[: ts.ndim] == ts.shape
        require(fits, "states", f"must have shape {ts.shape} or {ts.shape} + (d,)", states, "one state an entry")
        mask = jnp.ones(ts.shape, bool) if mask is None else jnp.asarray(mask, bool)
        require(mask.shape == ts.shape, "mask", f"must have the shape of ts, {ts.shape}", mask, "one flag an entry")
        t1 = jnp.broadcast_to(as_float(t1).astype(ts.dtype), ts.shape[:-1])
        if is_concrete((ts, mask, t1)):
            _validate(np.asarray(ts), np.asarray(mask), np.asarray(t1))
        last = jnp.maximum(mask.sum(-1, keepdims=True) - 1, 0)
        held = jnp.minimum(_positions(ts.shape[-1], ts.ndim), last)
        index = held.reshape(held.shape + (1,) * (states.ndim - ts.ndim))
        self.ts = jnp.where(mask, ts, t1[..., None])
        self.states = jnp.take_along_axis(states, index, ts.ndim - 1)
        self.mask = mask
        self.t1 = t1
        self.made = made

    def __call__(self, t: ArrayLike) -> Array:
        """The state at `t` (the state entered, at a jump): shape `()` or `(d,)`, with the shape of `t` before `d`."""
        t = query(t, self.ts[..., 0], self.t1, self.ts.dtype)
        at = lambda ts, states: states[interval(ts, t)]
        return at(self.ts, self.states) if self.is_single else jax.vmap(at)(self.ts, self.states)

    @property
    def is_single(self) -> bool:
        return self.ts.ndim == 1

    def __len__(self) -> int:
        return 1 if self.is_single else self.ts.shape[0]

    def _index(self, index) -> Self:
        return jax.tree.map(lambda x: x[index], self)

    def stacked(self) -> Self:
        return self

    def jumps(self) -> Int[Array, "*n"]:
        """The number of jumps of each path.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import JumpPath
            JumpPath(jnp.array([0.0, 0.7]), jnp.array([0, 1]), t1=3.0).jumps()  # 1
            ```
        """
        return self.mask.sum(-1) - 1

    def durations(self) -> Float[Array, "*n j"]:
        """How long each state was held, 0 for padding; they sum to the length of the path.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import JumpPath
            JumpPath(jnp.array([0.0, 0.7]), jnp.array([0, 1]), t1=3.0).durations()  # [0.7, 2.3]
            ```
        """
        ends = jnp.concatenate([self.ts[..., 1:], self.t1[..., None]], -1)
        return jnp.where(self.mask, ends - self.ts, jnp.zeros((), self.ts.dtype))

    def at_times(self, ts: Times) -> SampledPath:
        """The states at given times, as real numbers: for plots, means and quantiles.

        **Arguments:**

        - `ts`: increasing times inside the path, shape `(t,)`.

        **Returns:** a `SampledPath`; a state that is one integer has `d = 1`.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import JumpPath
            JumpPath(jnp.array([0.0, 0.7]), jnp.array([0, 1]), t1=3.0).at_times(jnp.arange(4.0))
            ```
        """
        xs = self(ts).astype(self.ts.dtype)
        return SampledPath(jnp.asarray(ts), xs[..., None] if self.states.ndim == self.ts.ndim else xs, self.made)

    def to_panel(self, ts: Times | None = None, *, num_states: int | None = None, clock: Clock | None = None) -> Panel:
        """The path as data: seen at given times, or all of it.

        **Arguments:**

        - `ts`: increasing times, shape `(t,)`; if not given, every jump is seen (`Seen.JUMP`), and the end.
        - `num_states`: the number of states; needed under `jit`.
        - `clock`: the clock of the record that the times belong to.

        **Returns:** a panel, a subject a path.

        **Raises:** `ValueError` if a state is not one integer.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import JumpPath
            JumpPath(jnp.array([0.0, 0.7]), jnp.array([0, 1]), t1=3.0).to_panel()
            ```
        """
        scalar = self.states.ndim == self.ts.ndim
        require(scalar, "states", "must be one integer each", self.states, "number the states, or use at_times")
        clock = clock or Clock()
        if ts is not None:
            ts = jnp.asarray(ts)
            states = self(ts)
            ts = ts if self.is_single else jnp.broadcast_to(ts[None], states.shape)
            return Panel(ts, states, num_states=num_states, clock=clock)
        # The end follows the last jump, unless it is one; beyond it times must still increase, and nothing is seen.
        j = self.ts.shape[-1]
        count = self.mask.sum(-1, keepdims=True)
        gap = jnp.maximum(self.t1 - self.ts[..., 0], 1)[..., None]
        ends = (jnp.where(self.mask, self.ts, -jnp.inf).max(-1) == self.t1)[..., None]
        beyond = self.t1[..., None] + gap * jnp.maximum(_positions(j + 1, self.ts.ndim) - count + ends, 0)
        edge = [(0, 0)] * (self.ts.ndim - 1) + [(0, 1)]
        times = jnp.where(jnp.pad(self.mask, edge), jnp.pad(self.ts, edge), beyond.astype(self.ts.dtype))
        seen = _positions(j + 1, self.ts.ndim) <= count - ends
        states = jnp.concatenate([self.states, self.states[..., -1:]], -1)
        kinds = jnp.full(times.shape, Seen.JUMP)
        return Panel(times, states, seen, kinds=kinds, num_states=num_states, clock=clock)

    def to_record(self) -> Panel:
        return self.to_panel()

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        return eqx.tree_at(lambda p: (p.ts, p.t1), self, (times(self.ts), times(self.t1)))

    def _summary(self) -> str:
        many = "" if self.is_single else f"{len(self)} path{'' if len(self) == 1 else 's'}, "
        if not is_concrete(self):
            return f"{many}up to {self.ts.shape[-1] - 1} jumps, {self.made}"
        window = f"{float(self.ts[..., 0].min()):g}..{float(self.t1.max()):g}"
        n = int(self.jumps().sum())
        return f"{many}{n} jump{'' if n == 1 else 's'}, {window}, {self.made}"


def _positions(length: int, ndim: int) -> Array:
    """`0 .. length - 1` along the last of `ndim` axes."""
    return jnp.arange(length).reshape((1,) * (ndim - 1) + (-1,))


def _validate(ts: np.ndarray, mask: np.ndarray, t1: np.ndarray) -> None:
    ts, mask, t1 = np.atleast_2d(ts), np.atleast_2d(mask), np.atleast_1d(t1)
    for k in range(len(ts)):
        where = f"path {k}: ts" if len(ts) > 1 else "ts"
        require(
            bool(mask[k, 0]) and not (mask[k, 1:] & ~mask[k, :-1]).any(),
            "mask",
            "must be true first",
            mask[k],
            "pad at the end",
        )
        row = ts[k, mask[k]]
        require(np.isfinite(row).all(), where, "must be finite", row, "drop jumps without a time")
        bad = np.flatnonzero(np.diff(row) <= 0)
        if bad.size:
            i = int(bad[0]) + 1
            raise ValueError(fault(f"{where}[{i}]", f"must be later than {row[i - 1]:g}", row[i], "sort the jumps"))
        require(row[-1] <= t1[k], "t1", f"must not be earlier than the last jump at {row[-1]:g}", t1[k], "pass the end")
