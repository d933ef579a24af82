"""The word: an observation law says how a state is seen."""

import abc

from jaxtyping import Bool, Float

from .._parameters import AbstractParametric
from .._types import Array, Key, State


__all__ = ["AbstractObservation"]


class AbstractObservation(AbstractParametric):
    """The law of an observation `y` given the state `x`."""

    @abc.abstractmethod
    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        """The log-density of the observed entries of `y`; entries where `mask` is false count nothing."""

    @abc.abstractmethod
    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        """Draw an observation of `x`."""
