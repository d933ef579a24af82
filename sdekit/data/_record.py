"""What every record shares: items on a first axis, and random batches of them."""

import abc
from typing import Self

import equinox as eqx
from jax.sharding import PartitionSpec

from .._types import Array, Key, PyTree


__all__ = ["AbstractRecord"]


class AbstractRecord(eqx.Module):
    """Data on their way into a model: padded, masked, validated when built.

    A record is one *item* (one series, one subject, one sequence) or a stack of items along a leading axis. Models and
    their densities take one item; `fit` and `evaluate` stack, draw and map.
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
