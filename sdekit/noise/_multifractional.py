"""Noise whose Hurst index changes with time, as a driver."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike, Float

from .._errors import require
from .._parameters import parameter
from .._types import Array, RealScalar, as_float, is_concrete
from ._driver import AbstractDriver
from ._fractional import mode_root, past_count
from ._hurst_table import HurstTable, hurst_table
from ._kinds import AbstractFractionalKind, RiemannLiouville
from ._markov import Lift
from ._rate_grids import AbstractRateGrid, OptimalGrid
from ._targets import ROUNDING


__all__ = ["MultifractionalDriver"]

_TYPE_TWO, _OPTIMAL = RiemannLiouville(), OptimalGrid()


class MultifractionalDriver(AbstractDriver):
    r"""Multifractional noise: $\hat B_t = \sum_k w_k(H(t))\,Y^k_t$, one set of modes, weights that follow $H(t)$.

    It stands for $B_t = c_{H(t)} \int_0^t (t - s)^{H(t) - 1/2}\,dW_s$ (with unit scale, variance $t^{2H(t)}$), and with
    `MandelbrotVanNess` for the process that has the past as well. `hurst` is any function of the time, a network
    included, with values inside `within`; outside it the series of the weights mean nothing.

    Source: Peltier and Lévy Véhel (1995) for the process; Tong et al. (2022), "Learning Fractional White Noises in
    Neural Stochastic Differential Equations", for $H(t)$ as a function to be learned.

    !!! example

        ```python
        import sdekit as sk
        curve = sk.noise.HurstCurve([0.0, 1.0], [0.3, 0.7], within=(0.2, 0.8))
        driver = sk.noise.MultifractionalDriver(curve, within=(0.2, 0.8))
        driver.readout(0.5)
        sk.named_parameters(driver)  # {"hurst.values": [0.3, 0.7]}
        ```
    """

    still: int = eqx.field(static=True)
    within: tuple[float, float] = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    kind: AbstractFractionalKind = eqx.field(static=True)
    grid: AbstractRateGrid = eqx.field(static=True)
    hurst: Callable[[Any], Float[Array, "*m"]]
    table: HurstTable = eqx.field(metadata={"trainable": False})
    error: Float[Array, ""] = parameter(trainable=False)
    """The largest relative root-mean-square path error of a constant index in the range."""
    rates: Float[Array, " modes"] = parameter(trainable=False)
    root: Float[Array, "j r"] = parameter(trainable=False)
    steady: ClassVar[bool] = False
    direct: ClassVar[float] = 0.0

    def __init__(
        self,
        hurst: Callable[[Any], Float[Array, "*m"]],
        within: tuple[float, float],
        terms: int = 5,
        horizon: RealScalar = 1.0,
        kind: AbstractFractionalKind = _TYPE_TWO,
        grid: AbstractRateGrid = _OPTIMAL,
        past_terms: int | None = None,
        dtype: DTypeLike | None = None,
    ):
        """**Arguments:**

        - `hurst`: a function from the time to the index, shape `()`, or `(m,)` for one a component; a `HurstCurve` for
            values on a grid.
        - `within`: the range of its values.
        - `terms`, `horizon`, `kind`, `grid`, `past_terms`: as for `MarkovFractional`.
        - `dtype`: of the numbers; that of the values of `hurst` by default.

        **Raises:** `ValueError` for numbers out of range, values of `hurst` outside `within` at one of 33 times on the
        horizon, or a past without terms.
        """
        low, high = self.within = (float(within[0]), float(within[1]))
        require(0 < low < high < 1, "within", "must be a range inside (0, 1)", within, "pass e.g. (0.1, 0.9)")
        remedy = "build the driver outside `jit`"
        require(is_concrete(horizon), "horizon", "must be known when a driver is built", horizon, remedy)
        still = past_count(kind, past_terms)
        problem, remedy = "must be positive for a kind with a past", "drop it, or use `kind=RiemannLiouville()`"
        require(not kind.has_past or still > 0, "past_terms", problem, still, remedy)
        values = as_float(hurst(as_float(0.0)))
        self._check(hurst, float(horizon))
        dtype = jnp.dtype(values.dtype if dtype is None else dtype)
        lift = Lift(terms, float(horizon), kind, grid, still, ROUNDING)
        rates, self.table, error = hurst_table(lift, values, self.within, dtype)
        self.error = jnp.asarray(error, dtype)
        self.hurst, self.rates = hurst, jnp.asarray(rates, dtype)
        self.root = jnp.asarray(mode_root(rates, still, False), dtype)
        self.still, self.horizon, self.kind, self.grid = still, lift.horizon, kind, grid

    def _check(self, hurst: Callable, horizon: float) -> None:
        some = jax.vmap(hurst)(as_float(np.linspace(0, horizon, 33)))
        if is_concrete(some):
            low, high = self.within
            inside = bool(((some > low - 1e-6) & (some < high + 1e-6)).all())
            remedy = "widen the range, or end the function with `low + (high - low) * sigmoid(...)`"
            require(inside, "hurst", f"must stay within ({low}, {high})", some, remedy)

    @property
    def start(self) -> Float[Array, "j r"]:
        return self.root

    def readout(self, t: RealScalar) -> Float[Array, " j"] | Float[Array, "m j"]:
        return self.table(jnp.asarray(self.hurst(t), self.rates.dtype), t)
