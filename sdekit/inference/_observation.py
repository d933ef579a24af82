"""The word: an observation law says how a state is seen."""

import abc

from jaxtyping import Bool, Float

from .._parameters import AbstractParametric
from .._types import Array, Key, State


__all__ = ["AbstractObservation"]


class AbstractObservation(AbstractParametric):
    """The law of an observation `y` given the state `x`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.inference import AbstractObservation

        class Rounded(AbstractObservation):  # a new law: two methods
            def log_prob(self, x, y, mask):
                return jnp.where(jnp.all((jnp.round(x) == y) | ~mask), 0.0, -jnp.inf)

            def sample(self, x, *, key):
                return jnp.round(x)

        Rounded().sample(jnp.array([0.7]), key=jax.random.key(0))
        ```
    """

    @abc.abstractmethod
    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        """The log-density of the observed entries of `y`; entries where `mask` is false count nothing."""

    @abc.abstractmethod
    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        """Draw an observation of `x`."""
