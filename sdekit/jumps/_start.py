"""Where a chain starts."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._parameters import AbstractParametric, constraints, parameter
from .._types import Array, as_float


__all__ = ["AbstractStart", "Conditional", "Given", "Stationary", "balance"]


def balance(Q: Float[Array, "n n"]) -> Float[Array, " n"]:
    """The solution of `p Q = 0`, `sum p = 1`: one balance equation is replaced by the sum."""
    n = Q.shape[0]
    A = jnp.concatenate([Q.T[:-1], jnp.ones((1, n), Q.dtype)])
    return jnp.linalg.solve(A, jnp.zeros(n, Q.dtype).at[-1].set(1))


class AbstractStart(AbstractParametric):
    """The law of the first state of a chain.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import AbstractStart

        class First(AbstractStart):  # a new law: two methods
            def probabilities(self, generator):
                return jnp.eye(generator.shape[0])[0]

            def weights(self, generator):
                return self.probabilities(generator)
        ```
    """

    @abc.abstractmethod
    def probabilities(self, generator: Float[Array, "n n"]) -> Float[Array, " n"]:
        """The law that paths start from, given the generator at the start."""

    @abc.abstractmethod
    def weights(self, generator: Float[Array, "n n"]) -> Float[Array, " n"]:
        """The weights of the first state in a likelihood."""


class Stationary(AbstractStart):
    """The stationary law of the generator at the start.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import Stationary
        Stationary().probabilities(jnp.array([[-1.0, 1.0], [2.0, -2.0]]))  # 2/3, 1/3
        ```
    """

    def probabilities(self, generator: Float[Array, "n n"]) -> Float[Array, " n"]:
        return balance(generator)

    def weights(self, generator: Float[Array, "n n"]) -> Float[Array, " n"]:
        return balance(generator)


class Conditional(AbstractStart):
    """Nothing is said of the first state: likelihoods are conditional on it, paths start anywhere alike.

    The likelihood of panel data in most of the literature, and of the R package msm.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import Conditional
        Conditional().weights(jnp.zeros((3, 3)))  # 1, 1, 1
        ```
    """

    def probabilities(self, generator: Float[Array, "n n"]) -> Float[Array, " n"]:
        n = generator.shape[0]
        return jnp.full(n, 1 / n, generator.dtype)

    def weights(self, generator: Float[Array, "n n"]) -> Float[Array, " n"]:
        return jnp.ones(generator.shape[0], generator.dtype)


class Given(AbstractStart):
    """Probabilities of the states, fixed or free in a fit.

    **Raises:** `ValueError` if they are not probabilities.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import Given
        Given(jnp.array([0.9, 0.1, 0.0]))
        ```
    """

    values: Float[Array, " n"] = parameter(constraints.simplex, trainable=lambda start: start.free, converter=as_float)
    free: bool = eqx.field(static=True, default=False)
    """Whether a fit moves them; then none may be 0."""

    def probabilities(self, generator: Float[Array, "n n"]) -> Float[Array, " n"]:
        n = generator.shape[0]
        require(self.values.shape == (n,), "Given.values", f"must have shape ({n},)", self.values, "one a state")
        return self.values

    def weights(self, generator: Float[Array, "n n"]) -> Float[Array, " n"]:
        return self.probabilities(generator)


def is_free(process: Any) -> bool:
    """Whether the law of the first state of a rate model moves in a fit."""
    return isinstance(process.initial, Given) and process.initial.free


def estimate_start(process: Any, first: Float[Array, " n"]) -> Any:
    """The rate model with the start that the expected numbers of first states give, if it is free."""
    if not is_free(process):
        return process
    start = jnp.maximum(first / first.sum(), jnp.finfo(first.dtype).tiny)
    return eqx.tree_at(lambda p: p.initial.values, process, start)
