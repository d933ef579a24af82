"""What a series is: a noise, or the path that sums it. Half of all wrong Hurst indices come from mixing the two up."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..math import cumulative_sum


__all__ = ["AbstractReading", "Noise", "Path"]


class AbstractReading(eqx.Module):
    """How an estimator reads a series, so that each can be given either form.

    !!! example

        ```python
        from sdekit.fractional import AbstractReading, Noise
        isinstance(Noise(), AbstractReading)  # True
        ```
    """

    @abstractmethod
    def noise(self, x: Float[Array, " n"]) -> Float[Array, " m"]:
        """The series as a stationary sequence."""

    @abstractmethod
    def path(self, x: Float[Array, " n"]) -> Float[Array, " m"]:
        """The series as a path with stationary increments."""


class Noise(AbstractReading):
    """The series is stationary: increments (fractional Gaussian noise), or the states of a stationary process.

    As a path it is summed, less its mean, from 0.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fractional import Noise
        Noise().path(jnp.array([1.0, 3.0, 2.0]))  # 0, -1, 0, 0
        ```
    """

    def noise(self, x: Float[Array, " n"]) -> Float[Array, " m"]:
        return x

    def path(self, x: Float[Array, " n"]) -> Float[Array, " m"]:
        return jnp.concatenate([jnp.zeros(1, x.dtype), cumulative_sum(x - jnp.mean(x))])


class Path(AbstractReading):
    """The series is a path with stationary increments: fractional Brownian motion, a log-price, a log-volatility.

    As a noise it is differenced.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fractional import Path
        Path().noise(jnp.array([1.0, 3.0, 2.0]))  # 2, -1
        ```
    """

    def noise(self, x: Float[Array, " n"]) -> Float[Array, " m"]:
        return jnp.diff(x)

    def path(self, x: Float[Array, " n"]) -> Float[Array, " m"]:
        return x
