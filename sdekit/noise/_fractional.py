"""Fractional noise as a driver: a readout of Ornstein-Uhlenbeck modes, its Hurst index known or learned."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._parameters import constraints, parameter
from .._types import Array, RealScalar, as_float, is_concrete
from ._driver import AbstractDriver
from ._hurst_table import HurstTable, hurst_table
from ._kinds import AbstractFractionalKind, RiemannLiouville
from ._markov import Lift
from ._rate_grids import AbstractRateGrid, OptimalGrid
from ._targets import ROUNDING


__all__ = ["MarkovFractional"]

_TYPE_TWO, _OPTIMAL = RiemannLiouville(), OptimalGrid()


def past_count(kind: AbstractFractionalKind, past_terms: int | None) -> int:
    """How many Gaussians carry the past, where it was not said."""
    return (4 if kind.has_past else 0) if past_terms is None else past_terms


def mode_root(rates: np.ndarray, still: int, stationary: bool) -> np.ndarray:
    r"""A root of the covariance of all modes at time 0: of $1/(\gamma_i + \gamma_j)$, or 0; 1 for those held still."""
    k = len(rates)
    if stationary:
        size, vectors = np.linalg.eigh(1 / (rates[:, None] + rates))
        return vectors * np.sqrt(np.maximum(size, 0))
    return np.concatenate([np.zeros((k, still)), np.eye(still)])


class MarkovFractional(AbstractDriver):
    r"""Fractional noise by its Markov approximation, $\hat B_t = \sum_k w_k(H)(Y^k_t - Y^k_0)$, as a driver.

    The Hurst index is fixed, or, with `within=(low, high)`, a parameter that `fit` moves inside that range. One set of
    rates serves the whole range; the weights are Chebyshev series in $H$, built in float64 and evaluated in the dtype
    of `hurst`, so that gradients are those of polynomials. A kind with a past adds `past_terms` modes that never move:
    its Karhunen-Loeve Gaussians, read through the functions $\psi_m(t; H)$. They hold up to the horizon.

    Source: Daems et al. (2024), "Variational Inference for SDEs Driven by Fractional Noise".

    !!! example

        ```python
        import sdekit as sk
        driver = sk.noise.MarkovFractional(0.7, terms=5, horizon=1.0)
        driver.readout(0.0), driver.error  # the five weights, 3.0e-3
        learned = sk.noise.MarkovFractional(0.6, within=(0.2, 0.8))
        sk.named_parameters(learned)  # {"hurst": 0.6}
        ```
    """

    still: int = eqx.field(static=True)
    within: tuple[float, float] | None = eqx.field(static=True)
    horizon: float = eqx.field(static=True)
    kind: AbstractFractionalKind = eqx.field(static=True)
    grid: AbstractRateGrid = eqx.field(static=True)
    table: HurstTable = eqx.field(metadata={"trainable": False})
    error: Float[Array, ""] = parameter(trainable=False)
    """The relative root-mean-square path error over the horizon: the largest of all components, and over `within`."""
    hurst: Float[Array, "*m"] = parameter(
        lambda self: constraints.unit_interval if self.within is None else constraints.interval(*self.within),
        trainable=lambda self: self.within is not None,
    )
    rates: Float[Array, " modes"] = parameter(trainable=False)
    root: Float[Array, "j r"] = parameter(trainable=False)
    steady: ClassVar[bool] = True
    direct: ClassVar[float] = 0.0

    def __init__(
        self,
        hurst: ArrayLike,
        terms: int = 5,
        horizon: RealScalar = 1.0,
        kind: AbstractFractionalKind = _TYPE_TWO,
        grid: AbstractRateGrid = _OPTIMAL,
        within: tuple[float, float] | None = None,
        past_terms: int | None = None,
        rounding: float = ROUNDING,
    ):
        """**Arguments:**

        - `hurst`: the Hurst index, shape `()`, or `(m,)` for one a component.
        - `terms`: the number of modes.
        - `horizon`: the length of time on which the error is least; known when the driver is built.
        - `kind`: `RiemannLiouville()` or `MandelbrotVanNess()`.
        - `grid`: `OptimalGrid()`, `GammaMax(20.0)` or `BayerBreneis()`.
        - `within`: `None` for a fixed index, or the range that a learned one stays in.
        - `past_terms`: how many Gaussians carry the past, 4 by default for `MandelbrotVanNess`; 0 leaves it to the
            modes, started from their stationary law as in the paper.
        - `rounding`: the relative error of each term that the weights are to bear, as in `MarkovApproximation`.

        **Raises:** `ValueError` for numbers out of range, and for a fixed index that is traced.
        """
        hurst = as_float(hurst)
        require(hurst.ndim <= 1, "hurst", "must be a number or a vector", hurst, "pass one index, or one a component")
        known = is_concrete(horizon) and (within is not None or is_concrete(hurst))
        remedy = "build the driver outside `jit`, or give a range to learn it in: `within=(0.1, 0.9)`"
        require(known, "hurst, horizon", "must be known when a driver is built", (hurst, horizon), remedy)
        if within is not None:
            low, high = within = (float(within[0]), float(within[1]))
            require(0 < low < high < 1, "within", "must be a range inside (0, 1)", within, "pass e.g. (0.1, 0.9)")
        still = past_count(kind, past_terms)
        lift = Lift(terms, float(horizon), kind, grid, still, rounding)
        self.hurst, self.within = hurst, within
        rates, self.table, error = hurst_table(lift, hurst, within, hurst.dtype)
        self.error = jnp.asarray(error, hurst.dtype)
        self.rates = jnp.asarray(rates, hurst.dtype)
        self.root = jnp.asarray(mode_root(rates, still, lift.stationary), hurst.dtype)
        self.still, self.horizon, self.kind, self.grid = still, lift.horizon, kind, grid

    @property
    def start(self) -> Float[Array, "j r"]:
        return self.root

    def readout(self, t: RealScalar) -> Float[Array, " j"] | Float[Array, "m j"]:
        return self.table(self.hurst, t)
