"""Volterra noise of any completely monotone kernel, as a driver."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike, Float

from .._errors import require
from .._parameters import parameter
from .._types import Array, RealScalar, is_concrete
from ._driver import AbstractDriver
from ._kernels import AbstractVolterraKernel
from ._rate_grids import AbstractRateGrid, OptimalGrid
from ._targets import ROUNDING, KernelTarget


__all__ = ["VolterraDriver"]

_OPTIMAL = OptimalGrid()


class VolterraDriver(AbstractDriver):
    r"""Volterra noise $\int_0^t k(t - s)\,dB_s$ by Ornstein-Uhlenbeck modes: $k(s) \approx \sum_j w_j e^{-\gamma_j s}$.

    The weights minimise $\int_0^T (T - s)(k(s) - \sum_j w_j e^{-\gamma_j s})^2\,ds$, the mean of the squared path error
    integrated over the horizon. Rough Bergomi has `PowerKernel`, rough Heston `MittagLefflerKernel`.

    Source: Bayer and Breneis (2023), "Markovian approximations of stochastic Volterra equations with the fractional
    kernel", for the idea; the weights are those of Daems et al. (2024), for any kernel.

    !!! example

        ```python
        import sdekit as sk
        driver = sk.noise.VolterraDriver(sk.noise.PowerKernel(0.1), terms=10, horizon=1.0)
        driver.error  # 6.8e-2
        ```
    """

    kernel: AbstractVolterraKernel = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    grid: AbstractRateGrid = eqx.field(static=True)
    error: Float[Array, ""] = parameter(trainable=False)
    """The relative root-mean-square path error over the horizon."""
    rates: Float[Array, " modes"] = parameter(trainable=False)
    weights: Float[Array, " modes"] = parameter(trainable=False)
    still: ClassVar[int] = 0
    steady: ClassVar[bool] = True
    direct: ClassVar[float] = 0.0

    def __init__(
        self,
        kernel: AbstractVolterraKernel,
        terms: int = 10,
        horizon: RealScalar = 1.0,
        grid: AbstractRateGrid = _OPTIMAL,
        dtype: DTypeLike | None = None,
    ):
        """**Arguments:**

        - `kernel`: the kernel.
        - `terms`: the number of modes.
        - `horizon`: the length of time on which the error is least; known when the driver is built.
        - `grid`: how the rates are chosen.
        - `dtype`: of the numbers; JAX's default by default.

        **Raises:** `ValueError` for numbers out of range or a kernel that is not finite.
        """
        require(terms >= 1, "terms", "must be at least 1", terms, "pass the number of modes, e.g. 10")
        require(is_concrete(horizon), "horizon", "must be known when a driver is built", horizon, "build outside `jit`")
        require(float(horizon) > 0, "horizon", "must be positive", horizon, "pass the length of time that matters")
        require(kernel.hurst > 0, "kernel.hurst", "must be positive", kernel.hurst, "pass a square-integrable kernel")
        dtype = jnp.dtype(jnp.result_type(float) if dtype is None else dtype)
        self.kernel, self.horizon, self.grid = kernel, float(horizon), grid
        target = KernelTarget(kernel, self.horizon, ROUNDING)
        rates = grid.rates(target, terms, self.horizon)
        weights = target.weights(rates * self.horizon)[:, 0]
        self.rates, self.weights = jnp.asarray(rates, dtype), jnp.asarray(weights, dtype)
        used = np.asarray(self.weights, np.float64)[:, None]
        error = np.sqrt(target.misses(rates * self.horizon, used) / target.totals())[0]
        self.error = jnp.asarray(error, dtype)

    @property
    def start(self) -> Float[Array, "j r"]:
        return jnp.zeros((self.modes, 0), self.rates.dtype)

    def readout(self, t: RealScalar) -> Float[Array, " j"]:
        return self.weights
