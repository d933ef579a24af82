"""An observation law behind a network."""

from collections.abc import Callable

from jaxtyping import Bool, Float

from .._types import Array, Key, State
from ._observation import AbstractObservation


__all__ = ["Decoded"]


class Decoded(AbstractObservation):
    """An observation law of what a decoder makes of the state: `observation` given `network(x)`.

    **Arguments:**

    - `network`: a function or module from a state `(d,)` to what `observation` takes, `(e,)`.
    - `observation`: the law of an observation given that.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        from sdekit.inference import Decoded, GaussianObservation

        law = Decoded(eqx.nn.MLP(2, 5, 16, 1, key=jax.random.key(0)), GaussianObservation(0.1))
        law.sample(jnp.zeros(2), key=jax.random.key(1)).shape  # (5,)
        ```
    """

    network: Callable[[State], Float[Array, " k"]]
    observation: AbstractObservation

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        return self.observation.log_prob(self.network(x), y, mask)

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        return self.observation.sample(self.network(x), key=key)
