"""The word: noise is sampled once on a grid from a key, and replays."""

import abc

import diffrax
import equinox as eqx

from .._types import Array, RealScalar


__all__ = ["AbstractNoise"]


class AbstractNoise(diffrax.AbstractPath):
    """A driving noise: a Diffrax path, fixed by its key. The same object replays, coarsens and differentiates."""

    t0: eqx.AbstractVar[RealScalar]
    t1: eqx.AbstractVar[RealScalar]

    @abc.abstractmethod
    def increment(self, step: Array) -> Array:
        """The increment over step number `step` of the noise's own grid, shape `(m,)`."""
