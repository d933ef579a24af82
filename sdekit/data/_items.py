"""Records whose items lie along a leading axis of every array."""

import abc
from collections.abc import Sequence
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from .._errors import require
from .._types import Array, Key
from ..math import distinct
from ._record import AbstractRecord


__all__ = ["AbstractItems", "AbstractTimeline", "concatenate"]


class AbstractItems(AbstractRecord):
    """A record of items that are alike in shape: what `Series`, `Panel` and `Events` share.

    !!! example

        ```python
        from sdekit.data import Series
        record = Series.from_list([[0.0, 1.0], [0.5]], [[1.0, 2.0], [3.0]])
        [int(item.lengths) for item in record]  # [2, 1]
        ```
    """

    mask: eqx.AbstractVar[Array]
    """True where something was observed."""

    @property
    @abc.abstractmethod
    def length(self) -> int:
        """The padded length of the time axis, the same for all items."""

    @abc.abstractmethod
    def pad(self, length: int) -> Self:
        """The record with its time axis padded to `length`. Nothing that a model computes changes."""

    @property
    @abc.abstractmethod
    def lengths(self) -> Array:
        """How many entries of each item are not padding: shape `()` for an item, `(n,)` for a stack."""

    def __len__(self) -> int:
        return 1 if self.is_item else self.mask.shape[0]

    def __getitem__(self, index) -> Self:
        require(
            not self.is_item,
            "index",
            f"cannot pick from a single item of a {type(self).__name__}",
            index,
            "use stack() for a leading axis, or split_time to cut in time",
        )
        if isinstance(index, int | np.integer):
            n = len(self)
            if not -n <= index < n:
                raise IndexError(f"item {index} of a record that has {n} items")
        elif isinstance(index, Sequence):
            index = np.asarray(index)
        return jax.tree.map(lambda x: x[index], self)

    def __iter__(self):
        stacked = self.stack()
        return (stacked[i] for i in range(len(stacked)))

    def stack(self) -> Self:
        return jax.tree.map(lambda x: x[None], self) if self.is_item else self

    def draw(self, size: int, *, key: Key) -> Self:
        stacked, n = self.stack(), len(self)
        require(1 <= size <= n, "size", f"must be between 1 and the number of items, {n}", size, "draw a smaller batch")
        index = distinct(n, size, key=key)
        return jax.tree.map(lambda x: x[index], stacked)

    def partition(self, axis: str):
        return jax.tree.map(lambda _: PartitionSpec(axis), self)

    def observed(self) -> Array:
        return self.mask.sum()

    def split(self, fraction: float, *, key: Key) -> tuple[Self, Self]:
        stacked, n = self.stack(), len(self)
        count = split_count(n, fraction)
        index = jax.random.permutation(key, n)
        return stacked[index[:count]], stacked[index[count:]]

    def join(self, *others: Self) -> Self:
        records = [self, *others]
        length = max(r.length for r in records)
        records = [r.stack().pad(length) for r in records]
        for k, record in enumerate(records[1:], start=1):
            require(
                jax.tree.structure(record) == jax.tree.structure(records[0]),
                f"records[{k}]",
                f"must be like the first, {records[0]}: the same class, names, clock and optional parts",
                record,
                "build both with the same clock and columns",
            )
        return jax.tree.map(lambda *xs: jnp.concatenate(xs), *records)


class AbstractTimeline(AbstractItems):
    """A record that can be cut in time, to hold the future out: `Series` and `Events`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import AbstractTimeline, Events
        isinstance(Events(jnp.array([0.5, 1.2]), t1=2.0), AbstractTimeline)  # True
        ```
    """

    @abc.abstractmethod
    def split_time(self, fraction: float | None = None, *, t: float | None = None) -> tuple[Self, Self]:
        """The past up to a share of every item, or up to the time `t`, and the future after it."""


def split_count(n: int, fraction: float) -> int:
    """How many of `n` items go into the first part of a split, checked so that neither part is empty."""
    require(0 < fraction < 1, "fraction", "must lie strictly between 0 and 1", fraction, "pass e.g. 0.8")
    require(n >= 2, "record", "must have at least 2 items to be split", n, "use split_time to cut one item in time")
    return min(max(round(fraction * n), 1), n - 1)


def concatenate(records: Sequence[AbstractRecord]) -> AbstractRecord:
    """One record with the items of several.

    **Arguments:**

    - `records`: records of one class, with the same clock, names and optional parts. Lengths may differ.

    **Returns:** a record; shorter items are padded.

    **Raises:** `ValueError` if there is none, or if they differ in class, clock, names or number of components.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Series, concatenate

        a = Series(jnp.arange(3.0), jnp.zeros(3))
        b = Series(jnp.arange(5.0), jnp.ones(5))
        len(concatenate([a, b]))  # 2
        ```
    """
    records = list(records)
    require(len(records) > 0, "records", "must not be empty", records, "pass at least one record")
    for k, record in enumerate(records):
        same = type(record) is type(records[0])
        require(same, f"records[{k}]", f"must be a {type(records[0]).__name__}", record, "join records of one class")
    return records[0].join(*records[1:])
