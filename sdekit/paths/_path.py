"""The word: a path is what a process is sampled to."""

import abc
from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import numpy as np

from .._errors import require
from .._types import Array, RealScalar
from ..data import AbstractRecord


__all__ = ["AbstractPath"]


class AbstractPath(eqx.Module):
    """A path of a process, or a stack of `n` of them along a leading axis. Data: plain arrays, no randomness left.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk

        model = sk.processes.OrnsteinUhlenbeck(rate=1.0)
        paths = model.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0), n=5)
        len(paths), paths[0](0.25)
        ```
    """

    ts: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def __call__(self, t: RealScalar) -> Array:
        """The state at time `t` (of every path, if this is a stack).

        Outside the times of the path there is no state: an error, at once for concrete times and at run time under
        `jit`. Never an extrapolation.
        """

    @property
    @abc.abstractmethod
    def is_single(self) -> bool:
        """Whether this is one path, without the leading axis."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """The number of paths (1 for a single path)."""

    @abc.abstractmethod
    def _index(self, index) -> Self:
        """Pick along the leading axis."""

    @abc.abstractmethod
    def stacked(self) -> Self:
        """A stack as `vmap` leaves it, with what all its paths share kept once (a grid of times, say)."""

    @abc.abstractmethod
    def to_record(self) -> AbstractRecord:
        """The path as data, completely observed: for tests, for plots, for fitting a model to draws."""

    @abc.abstractmethod
    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        """The path with its times and its values passed through two functions, as records do."""

    @abc.abstractmethod
    def _summary(self) -> str:
        """What `repr` says of the path, without the name of its class."""

    def __getitem__(self, index) -> Self:
        """An integer gives a path; a slice or an index array gives a stack."""
        require(not self.is_single, "index", "cannot pick from a single path", index, "sample with n= for a stack")
        if isinstance(index, int | np.integer) and not -len(self) <= index < len(self):
            raise IndexError(f"path {index} of a stack of {len(self)}")
        return self._index(np.asarray(index) if isinstance(index, list | tuple) else index)

    def __iter__(self):
        require(not self.is_single, "path", "is a single path and cannot be iterated over", self, "sample with n=")
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        if all(eqx.is_array(leaf) for leaf in jax.tree.leaves(self)):
            return f"{type(self).__name__}({self._summary()})"
        return eqx.tree_pformat(self)
