"""A driver whose clock starts at another time than 0."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from .._parameters import parameter
from .._types import RealScalar, as_float
from ._driver import AbstractDriver


__all__ = ["Since"]


class Since(AbstractDriver):
    r"""A noise that starts at a time $s$ in place of 0: $N_t$ of another driver, read at $t - s$.

    The functions of a past are read by the time since the start. Whatever else the other driver reads by its clock (a
    Hurst index that changes with time) moves along.

    **Arguments:**

    - `driver`: the driver.
    - `time`: when its clock says 0; a number, traced or not. Not trained.

    **Raises:** `ValueError` for a time that is not a number.

    !!! example

        ```python
        import sdekit as sk
        driver = sk.noise.MarkovFractional(0.7, kind=sk.noise.MandelbrotVanNess())
        sk.noise.Since(driver, 5.0).readout(5.3)  # driver.readout(0.3)
        ```

    Source: Mandelbrot and Van Ness (1968), for increments whose law does not depend on the time.
    """

    driver: AbstractDriver
    time: Float[Array, ""] = parameter(trainable=False)

    def __init__(self, driver: AbstractDriver, time: ArrayLike):
        time = as_float(time)
        require(time.ndim == 0, "Since.time", "must be a number", time, "pass the first time, e.g. series.ts[0]")
        self.driver, self.time = driver, time

    @property
    def rates(self) -> Float[Array, " modes"]:
        return self.driver.rates

    @property
    def still(self) -> int:
        return self.driver.still

    @property
    def steady(self) -> bool:
        return self.driver.steady

    @property
    def direct(self) -> float:
        return self.driver.direct

    @property
    def start(self) -> Float[Array, "j r"]:
        return self.driver.start

    def readout(self, t: RealScalar) -> Float[Array, " j"] | Float[Array, "m j"]:
        return self.driver.readout(jnp.asarray(t, self.time.dtype) - self.time)
