"""The word: a path is what a process is sampled to."""

import abc
from typing import Self

import equinox as eqx

from .._types import Array, RealScalar


__all__ = ["AbstractPath"]


class AbstractPath(eqx.Module):
    """A path of a process, or a stack of `n` of them along a leading axis. Data: plain arrays, no randomness left."""

    ts: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def __call__(self, t: RealScalar) -> Array:
        """The state at time `t` (of every path, if this is a stack)."""

    @abc.abstractmethod
    def stacked(self) -> Self:
        """A stack as `vmap` leaves it, with what all its paths share kept once (a grid of times, say)."""
