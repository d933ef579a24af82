"""Populations seen at a few times, without knowing who is who."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec
from jaxtyping import ArrayLike, Bool, Float

from .._errors import require
from .._types import Array, Key, as_float, is_concrete
from ..math import random_order
from ._checks import cast_times, pad_rows, require_all, require_rows
from ._clock import AS_GIVEN, Clock, clock_for
from ._frames import read_snapshots
from ._items import split_count
from ._record import AbstractRecord
from ._text import count, span


__all__ = ["Snapshots"]


class Snapshots(AbstractRecord):
    """Clouds of particles `xs[k]` at times `ts[k]`, with nothing to link a particle to one at another time.

    The items of this record are the particles: `len` is the size of the largest cloud, `draw` draws particles at each
    time independently, `partition` shards the axis of particles, indexing picks along it; `at` picks times. There is no
    single item. Masked particles are padding: they stand at 0 with weight 0.

    **Arguments:**

    - `ts`: increasing times, shape `(k,)`.
    - `xs`: positions, shape `(k, n, d)`.
    - `mask`: which particles there are, shape `(k, n)`; all, if not given.
    - `weights`: weights that are not negative, shape `(k, n)`; equal, if not given. Normalised at each time.
    - `clock`, `names`: the clock, the names of the components.

    **Raises:** `ValueError` for times that do not increase, positions that are not finite, negative weights, a time
    without particles, or shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Snapshots

        Snapshots(jnp.array([0.0, 1.0]), jnp.zeros((2, 50, 3)))  # Snapshots(2 times, 50 particles, 3 components, 0..1)
        ```
    """

    ts: Float[Array, " k"]
    xs: Float[Array, "k n d"]
    mask: Bool[Array, "k n"]
    weights: Float[Array, "k n"]
    """Sum to 1 at each time."""
    clock: Clock = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    """The names of the components, or `()`."""
    even: bool = eqx.field(static=True)
    """Whether all particles are known to be there, with equal weights: then a draw costs no look at the others."""

    def __init__(
        self,
        ts: ArrayLike,
        xs: ArrayLike,
        mask: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        *,
        clock: Clock = AS_GIVEN,
        names: Sequence[str] = (),
    ):
        ts, xs = cast_times(ts, "ts"), as_float(xs)
        require(ts.ndim == 1 and ts.size > 0, "ts", "must have shape (k,) with k > 0", ts, "pass one time a cloud")
        fits = xs.ndim == 3 and xs.shape[0] == ts.shape[0] and xs.size > 0
        require(fits, "xs", f"must have shape ({ts.shape[0]}, n, d)", xs, "pass one cloud a time, padded and masked")
        whole = mask is None and weights is None
        mask = jnp.ones(xs.shape[:2], bool) if mask is None else jnp.asarray(mask, bool)
        require(mask.shape == xs.shape[:2], "mask", f"must have shape {xs.shape[:2]}", mask, "pass one flag a particle")
        weights = jnp.ones(mask.shape, xs.dtype) if weights is None else as_float(weights).astype(xs.dtype)
        require(weights.shape == mask.shape, "weights", f"must have shape {mask.shape}", weights, "one a particle")
        names = tuple(str(name) for name in names)
        require(len(names) in (0, xs.shape[-1]), "names", f"must be {xs.shape[-1]} names", names, "name each component")
        if is_concrete((ts, xs, mask, weights)):
            require_rows(ts, "ts")
            seen = np.asarray(mask)
            require_all(
                np.asarray(seen.any(-1)), "mask", "leaves no particle at this time", seen.any(-1), "drop the time"
            )
            ok = np.isfinite(np.asarray(xs)) | ~seen[..., None]
            require_all(
                np.asarray(ok), "xs", "must be finite where there is a particle", xs, "mask or drop the particle"
            )
            w = np.asarray(weights)
            require_all(
                np.asarray((np.isfinite(w) & (w >= 0)) | ~seen), "weights", "must not be negative", w, "pass masses"
            )
            whole = bool(seen.all() and (w == w[:, :1]).all())
            total = np.where(seen, w, 0).sum(-1)
            require_all(total > 0, "weights", "sum to zero at this time", total, "give some particle a positive weight")
        weights = jnp.where(mask, weights, jnp.zeros((), weights.dtype))
        self.ts = ts
        self.xs = jnp.where(mask[..., None], xs, jnp.zeros((), xs.dtype))
        self.mask = mask
        self.weights = weights / weights.sum(-1, keepdims=True)
        self.clock = clock
        self.names = names
        self.even = whole

    @classmethod
    def from_list(
        cls,
        ts: ArrayLike,
        xs: Sequence[ArrayLike],
        weights: Sequence[ArrayLike] | None = None,
        *,
        unit: str = "",
        scale: float = 1.0,
        rebase: bool = False,
        names: Sequence[str] = (),
    ) -> Self:
        """Snapshots of unequal sizes.

        **Arguments:**

        - `ts`: the times, numbers or dates.
        - `xs`: for each time its cloud, `(n_k, d)` or `(n_k,)`.
        - `weights`: for each time its weights `(n_k,)`.
        - `unit`, `scale`, `rebase`: as in `Series.from_list`.
        - `names`: a name for each component.

        **Returns:** a record padded to the largest cloud.

        **Raises:** `ValueError` as the constructor does, naming the time.

        !!! example

            ```python
            from sdekit.data import Snapshots
            Snapshots.from_list([0.0, 1.0], [[[0.0, 0.0]], [[1.0, 1.0], [2.0, 2.0]]])
            ```
        """
        times = np.asarray(ts)
        require(times.ndim == 1 and times.size > 0, "ts", "must be a vector that is not empty", times, "pass times")
        require(len(xs) == len(times), "xs", f"must have {len(times)} clouds, as ts", len(xs), "one cloud a time")
        clock = clock_for(times, unit=unit, scale=scale, rebase=rebase)
        rows = []
        for k, x in enumerate(xs):
            row = np.asarray(x)
            row = row if np.issubdtype(row.dtype, np.floating) else row.astype(np.float64)
            row = row[:, None] if row.ndim == 1 else row
            fits = row.ndim == 2 and (not rows or row.shape[1] == rows[0].shape[1])
            require(fits, f"xs[{k}]", "must have shape (n_k, d) with one d for all", row, "pass the same columns")
            rows.append(row)
        size = max(len(row) for row in rows)
        mask = np.arange(size) < np.array([len(row) for row in rows])[:, None]
        padded = None
        if weights is not None:
            masses = [np.asarray(w, np.float64) for w in weights]
            fits = [len(w) for w in masses] == [len(row) for row in rows]
            require(fits, "weights", "must have a weight for each particle", [len(w) for w in masses], "match xs")
            padded = pad_rows(masses, size, 0)
        return cls(clock.read(times), pad_rows(rows, size, 0), mask, padded, clock=clock, names=names)

    @classmethod
    def from_pandas(
        cls,
        frame: Any,
        *,
        time: str,
        values: Sequence[str] | None = None,
        weight: str | None = None,
        unit: str = "",
        scale: float = 1.0,
        rebase: bool = False,
    ) -> Self:
        """Snapshots from a DataFrame with a row for each particle; rows of one time form a cloud.

        **Arguments:**

        - `frame`: a `pandas.DataFrame`.
        - `time`: the column of times, numbers or dates.
        - `values`: the columns of positions; all other columns of numbers if not given.
        - `weight`: the column of weights.
        - `unit`, `scale`, `rebase`: as in `Series.from_list`.

        **Returns:** a record, its times in order.

        **Raises:** `ValueError` for a missing column or a missing position.

        !!! example

            ```python
            import pandas as pd
            from sdekit.data import Snapshots

            frame = pd.DataFrame({"day": [0, 0, 3], "gene": [0.1, 0.4, 2.0]})
            Snapshots.from_pandas(frame, time="day")
            ```
        """
        ts, xs, weights, names = read_snapshots(frame, time=time, values=values, weight=weight)
        return cls.from_list(ts, xs, weights, unit=unit, scale=scale, rebase=rebase, names=names)

    @property
    def dim(self) -> int:
        """The number of components `d`."""
        return self.xs.shape[-1]

    @property
    def is_item(self) -> bool:
        return False

    @property
    def sizes(self) -> Array:
        """The number of particles at each time, shape `(k,)`."""
        return self.mask.sum(-1)

    def __len__(self) -> int:
        return self.xs.shape[1]

    def __getitem__(self, index) -> Self:
        if isinstance(index, int | np.integer):
            n = len(self)
            if not -n <= index < n:
                raise IndexError(f"particle {index} of snapshots that have {n}")
            index = [int(index)]
        index = np.asarray(index) if isinstance(index, Sequence) else index
        parts = self.xs[:, index], self.mask[:, index], self._weights(self.weights[:, index])
        return eqx.tree_at(lambda s: (s.xs, s.mask, s.weights), self, parts)

    @staticmethod
    def _weights(w: Array) -> Array:
        total = w.sum(-1, keepdims=True)
        return w / jnp.where(total > 0, total, 1)

    def at(self, index) -> Self:
        """The snapshots at some of the times: what trains on even times and is held out at odd ones.

        **Arguments:**

        - `index`: an integer, a slice or an index array over the axis of times.

        **Returns:** snapshots; an integer gives one time, with its axis.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.data import Snapshots

            cells = Snapshots(jnp.arange(5.0), jnp.zeros((5, 20, 2)))
            train, held_out = cells.at(slice(0, None, 2)), cells.at(slice(1, None, 2))
            ```
        """
        if isinstance(index, int | np.integer):
            if not -len(self.ts) <= index < len(self.ts):
                raise IndexError(f"time {index} of snapshots at {len(self.ts)} times")
            index = [int(index)]
        index = np.asarray(index) if isinstance(index, Sequence) else index
        picked = jax.tree.map(lambda x: x[index], self)
        require(picked.ts.shape[0] > 0, "index", "picks no time", index, "pick at least one of the times")
        if is_concrete(picked.ts):
            require_rows(picked.ts, "ts[index]")
        return picked

    def cloud(self, k: int) -> Float[Array, "n_k d"]:
        """The particles at time `k` without padding. Not for use under `jit`: the shape depends on the data.

        **Arguments:**

        - `k`: the position of the time.

        **Returns:** an array of shape `(n_k, d)`.

        !!! example

            ```python
            from sdekit.data import Snapshots
            Snapshots.from_list([0.0, 1.0], [[1.0], [2.0, 3.0]]).cloud(0).shape  # (1, 1)
            ```
        """
        return self.xs[k][np.asarray(self.mask[k])]

    def stack(self) -> Self:
        return self

    def draw(self, size: int, *, key: Key) -> Self:
        """`size` particles at each time, drawn independently over times: no padding, equal weights.

        The draw is systematic over shuffled particles: a particle of weight `w` appears `size * w` times, rounded up or
        down at random. With equal weights and `size` not above the cloud it is a draw without replacement; a smaller
        cloud repeats its particles as evenly as can be.
        """
        require(size >= 1, "size", "must be positive", size, "draw at least one particle")
        keys = jax.random.split(key, self.ts.shape[0])
        if self.even and size < 2**15:
            xs = jax.vmap(lambda x, k: x[_evenly(x.shape[0], size, k)])(self.xs, keys)
        else:
            xs = jax.vmap(lambda x, m, w, k: x[_systematic(m, w, size, k)])(self.xs, self.mask, self.weights, keys)
        flags, weights = jnp.ones(xs.shape[:2], bool), jnp.full(xs.shape[:2], 1 / size, xs.dtype)
        return eqx.tree_at(lambda s: (s.xs, s.mask, s.weights), self, (xs, flags, weights))

    def partition(self, axis: str):
        specs = PartitionSpec(), *(PartitionSpec(None, axis),) * 3
        return eqx.tree_at(lambda s: (s.ts, s.xs, s.mask, s.weights), self, specs)

    def observed(self) -> Array:
        return self.mask.sum()

    def split(self, fraction: float, *, key: Key) -> tuple[Self, Self]:
        keys = jax.random.split(key, self.ts.shape[0])
        parts: tuple[list, list] = [], []
        for mask, k in zip(np.asarray(self.mask), keys, strict=True):
            there = np.flatnonzero(mask)
            there = there[np.asarray(jax.random.permutation(k, len(there)))]
            cut = split_count(len(there), fraction)
            parts[0].append(there[:cut])
            parts[1].append(there[cut:])
        return self._pick(parts[0]), self._pick(parts[1])

    def _pick(self, index: list[np.ndarray]) -> Self:
        xs, weights = np.asarray(self.xs), np.asarray(self.weights)
        size = max(map(len, index))
        rows = [(xs[k, i], weights[k, i], np.ones(len(i), bool)) for k, i in enumerate(index)]
        new = [pad_rows(column, size, 0) for column in zip(*rows, strict=True)]
        return type(self)(self.ts, new[0], new[2], new[1], clock=self.clock, names=self.names)

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        xs = jnp.where(self.mask[..., None], values(self.xs), jnp.zeros((), self.xs.dtype))
        return eqx.tree_at(lambda s: (s.ts, s.xs), self, (times(self.ts), xs))

    def join(self, *others: Self) -> Self:
        records = [self, *others]
        for k, record in enumerate(others, start=1):
            same = record.ts.shape == self.ts.shape and bool(jnp.all(record.ts == self.ts)) and record.dim == self.dim
            same = same and (record.clock, record.names) == (self.clock, self.names)
            remedy = "join clouds at the same times, of the same components, with the same clock"
            require(same, f"records[{k}]", f"must be like the first, {self}", record, remedy)
        # Weights are masses of a particle: a cloud counts by how many particles it has.
        masses = [record.weights * record.sizes[:, None] for record in records]
        whole = [jnp.concatenate(x, axis=1) for x in ([r.xs for r in records], [r.mask for r in records], masses)]
        return type(self)(self.ts, *whole, clock=self.clock, names=self.names)

    def _values(self):
        return self.xs, jnp.broadcast_to(self.mask[..., None], self.xs.shape), self.xs.dtype

    def _scale_of_time(self) -> tuple[float, float]:
        return float(self.ts[0]), float(self.ts[-1] - self.ts[0])

    def _log_jacobian(self, log_scale: Array, log_time_scale: Array) -> Array:
        return -self.mask.sum() * log_scale.sum()

    def _summary(self) -> str:
        if not is_concrete(self):
            return (
                f"{count(len(self.ts), 'time')}, up to {count(len(self), 'particle')}, {count(self.dim, 'component')}"
            )
        sizes = np.asarray(self.sizes)
        many = (
            count(int(sizes[0]), "particle") if (sizes == sizes[0]).all() else f"{sizes.min()}..{sizes.max()} particles"
        )
        ends = span(self.clock, float(self.ts[0]), float(self.ts[-1]))
        return f"{count(len(self.ts), 'time')}, {many}, {count(self.dim, 'component')}, {ends}"


def _evenly(n: int, size: int, key: Key) -> Array:
    """As `_systematic` with equal weights, at the cost of the draw alone: each particle as often as any, within one."""
    shuffle, start = jax.random.split(key)
    i, whole, part = jnp.arange(size, dtype=jnp.int32), n // size, n % size
    places = i * whole + (i * part + jax.random.randint(start, (), 0, size, jnp.int32)) // size
    return random_order(places, n, key=shuffle)


def _systematic(mask: Array, weights: Array, size: int, key: Key) -> Array:
    """Indices of `size` particles by systematic sampling of the weights over a random order of the particles."""
    shuffle, start = jax.random.split(key)
    order = jax.random.permutation(shuffle, mask.shape[0])
    # In units of the mean weight equal weights sum to whole numbers, which floating point holds without error.
    scale = mask.sum().astype(weights.dtype)
    total = jnp.cumsum(jnp.where(mask, weights * scale, 0)[order])
    points = (jax.random.uniform(start, (), weights.dtype) + jnp.arange(size, dtype=weights.dtype)) / size * total[-1]
    position = jnp.searchsorted(total, points, side="right")
    last = jnp.max(jnp.where(weights[order] > 0, jnp.arange(mask.shape[0]), 0))
    return order[jnp.minimum(position, last)]
