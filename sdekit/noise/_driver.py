"""The word: a driving noise with a Markov lift, read from Ornstein-Uhlenbeck modes on one Brownian motion."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from .._parameters import AbstractParametric, parameter
from .._types import Array, RealScalar, as_float


__all__ = ["AbstractDriver", "BrownianDriver"]


class AbstractDriver(AbstractParametric):
    r"""The law of a noise read from modes, $N_t = b B_t + c(t) \cdot Z_t - c(0) \cdot Z_0$, from time 0 on.

    The first `modes` entries of $Z$ are Ornstein-Uhlenbeck processes on the one Brownian motion $B$,
    $dZ_j = -\gamma_j Z_j\,dt + dB$; the last `still` entries are Gaussians that never move. $Z_0$ is centred with the
    root `start`. A noise of `m` components has `m` independent copies, each read by its own row of `c` or all alike:

    $$dN = c'(t) \cdot Z\,dt - \sum_j c_j \gamma_j Z_j\,dt + \bar c(t)\,dB, \qquad
    \bar c = b + \sum_{j \le modes} c_j.$$

    A control $u$ that shifts the Brownian motion, $dB \to dB + u\,dt$, moves every mode and, through them, the noise.

    !!! example

        ```python
        import sdekit as sk
        driver = sk.noise.BrownianDriver()
        driver.size, driver.direct  # no modes, and the Brownian motion itself
        ```
    """

    rates: eqx.AbstractVar[Float[Array, " modes"]]
    r"""The rates $\gamma_j \ge 0$ of the modes that move, per unit of time. Never trained."""
    still: eqx.AbstractVar[int]
    """How many modes never move."""
    steady: eqx.AbstractVar[bool]
    """Whether the coefficients of the modes that move are the same at all times."""
    direct: eqx.AbstractVar[float]
    """The coefficient `b` of the Brownian motion itself."""

    @abc.abstractmethod
    def readout(self, t: RealScalar) -> Float[Array, " j"] | Float[Array, "m j"]:
        """The coefficients `c(t)` of all `j = modes + still` modes: `(j,)` for all components, or a row for each."""

    @property
    @abc.abstractmethod
    def start(self) -> Float[Array, "j r"]:
        r"""A root of the covariance of $Z_0$: `r` columns, none where all modes start at 0."""

    @property
    def modes(self) -> int:
        """How many modes move."""
        return self.rates.shape[0]

    @property
    def size(self) -> int:
        """The number `j` of modes of one component, those that never move included."""
        return self.modes + self.still


class BrownianDriver(AbstractDriver):
    """Brownian motion as a driver: no modes.

    !!! example

        ```python
        import sdekit as sk
        sk.noise.BrownianDriver().size  # 0
        ```
    """

    rates: Float[Array, " modes"] = parameter(trainable=False)
    still: ClassVar[int] = 0
    steady: ClassVar[bool] = True
    direct: ClassVar[float] = 1.0

    def __init__(self):
        self.rates = as_float(jnp.zeros(0))

    def readout(self, t: RealScalar) -> Float[Array, " j"]:
        return self.rates

    @property
    def start(self) -> Float[Array, "j r"]:
        return jnp.zeros((0, 0), self.rates.dtype)
