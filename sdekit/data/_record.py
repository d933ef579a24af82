"""What every record shares: items on a first axis, and random batches of them."""

import abc
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
import jax
from jax.sharding import PartitionSpec

from .._types import Array, Key, PyTree
from ._affine import Affine, standardise


__all__ = ["AbstractRecord"]


class AbstractRecord(eqx.Module):
    """Data on their way into a model: padded, masked, validated when built.

    A record is one *item* (one series, one subject, one sequence) or a stack of items along a leading axis. Models and
    their densities take one item; `fit` and `evaluate` stack, draw and map.

    !!! example

        ```python
        import jax
        from sdekit.data import AbstractRecord, Series

        def loss(record: AbstractRecord):  # engines know no more of data than this
            return record.stack().draw(2, key=jax.random.key(0)).observed()

        loss(Series.from_list([[0.0], [1.0], [2.0]], [[1.0], [2.0], [3.0]]))  # 2
        ```
    """

    @property
    @abc.abstractmethod
    def is_item(self) -> bool:
        """Whether this is a single item, without the leading axis."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """The number of items (1 for a single item)."""

    @abc.abstractmethod
    def __getitem__(self, index) -> Self:
        """An integer gives an item; a slice or an index array gives a record."""

    @abc.abstractmethod
    def stack(self) -> Self:
        """The record with a leading axis, added if it is a single item."""

    @abc.abstractmethod
    def draw(self, size: int, *, key: Key) -> Self:
        """A random batch of `size` items without replacement, as a record. Pure: works under `jit` and `scan`."""

    @abc.abstractmethod
    def partition(self, axis: str) -> PyTree[PartitionSpec]:
        """How a batch is laid over the mesh axis `axis`: a PyTree of `PartitionSpec` of the record's structure."""

    @abc.abstractmethod
    def observed(self) -> Array:
        """The number of observed values in all items, shape `()`."""

    @abc.abstractmethod
    def split(self, fraction: float, *, key: Key) -> tuple[Self, Self]:
        """Two records that share the items at random: about `fraction` of them in the first, the rest in the second."""

    @abc.abstractmethod
    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        """The record with its times and its observed values passed through two elementwise functions.

        Padding stays padding. `times` must be increasing. What has no values (states, marks) passes unchanged.
        """

    @abc.abstractmethod
    def join(self, *others: Self) -> Self:
        """One record with the items of all, in order. Shorter ones are padded."""

    def standardise(self, *, times: bool = False) -> tuple[Self, Affine]:
        """The record with values of mean 0 and standard deviation 1, and the map that did it.

        **Arguments:**

        - `times`: whether times change too: the first becomes 0, and the unit the span of the record (of events: the
          mean time between them).

        **Returns:** `(record, affine)`; `affine.inverse` undoes it on records and on sampled paths. A constant
        component keeps its scale. Statistics are of all items and of what is observed.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.data import Series
            small, affine = Series(jnp.arange(5.0), jnp.arange(5.0) ** 2).standardise()
            ```
        """
        values, mask, dtype = self._values()
        affine = standardise(values, mask, self._scale_of_time() if times else None, dtype)
        return affine(self), affine

    @abc.abstractmethod
    def _values(self) -> tuple[Array | None, Array | None, Any]:
        """The values `(..., d)` with their mask, or twice `None`, and the dtype to compute in."""

    @abc.abstractmethod
    def _scale_of_time(self) -> tuple[float, float]:
        """The first time, and a length of time that suits the record."""

    @abc.abstractmethod
    def _log_jacobian(self, log_scale: Array, log_time_scale: Array) -> Array:
        """Minus the sum of log-scales over everything in the record that has a density."""

    @abc.abstractmethod
    def _summary(self) -> str:
        """What `repr` says of the record, without the name of its class."""

    def __repr__(self) -> str:
        # Inside transformations the leaves may be anything: specs, shapes, None.
        if all(eqx.is_array(leaf) for leaf in jax.tree.leaves(self)):
            return f"{type(self).__name__}({self._summary()})"
        return eqx.tree_pformat(self)
