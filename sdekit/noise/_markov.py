r"""Markov approximations: the weights of Ornstein-Uhlenbeck modes that stand for fractional noise, and their error."""

import dataclasses
from typing import NamedTuple

import numpy as np

from .._errors import require
from ..math import PAST_RATES, past_expansion, stationary_constant
from ._kinds import AbstractFractionalKind, RiemannLiouville
from ._rate_grids import AbstractRateGrid, OptimalGrid
from ._targets import ROUNDING, AbstractTarget, StartedTarget, StationaryTarget


__all__ = ["Lift", "MarkovApproximation", "modes_covariance", "past_functions"]

_TYPE_TWO, _OPTIMAL = RiemannLiouville(), OptimalGrid()


class Lift(NamedTuple):
    """What is to be lifted and how, without the index: the numbers behind `MarkovApproximation` and the drivers."""

    terms: int
    horizon: float
    kind: AbstractFractionalKind
    grid: AbstractRateGrid
    past_terms: int
    rounding: float

    @property
    def stationary(self) -> bool:
        """Whether the modes themselves carry the past, in their stationary law."""
        return self.kind.has_past and self.past_terms == 0

    def check(self, hursts: tuple[float, ...]) -> None:
        inside = all(0 < h < 1 for h in hursts)
        require(inside, "hurst", "must lie strictly between 0 and 1", hursts, "pass an index in (0, 1)")
        require(self.terms >= 1, "terms", "must be at least 1", self.terms, "pass the number of modes, e.g. 5")
        positive = np.isfinite(self.horizon) and self.horizon > 0
        require(positive, "horizon", "must be positive", self.horizon, "pass the length of time that matters")
        require(self.past_terms >= 0, "past_terms", "must not be negative", self.past_terms, "pass 0 or more")
        problem = "must be 0 for a kind without a past"
        ok = self.past_terms == 0 or self.kind.has_past
        require(ok, "past_terms", problem, self.past_terms, "drop it, or use `kind=MandelbrotVanNess()`")

    def target(self, hursts: tuple[float, ...]) -> AbstractTarget:
        return (StationaryTarget if self.stationary else StartedTarget)(hursts, self.rounding)

    def rates(self, hursts: tuple[float, ...]) -> np.ndarray:
        """Per unit of time."""
        return self.grid.rates(self.target(hursts), self.terms, self.horizon)

    def scales(self, hursts: tuple[float, ...]) -> np.ndarray:
        """What turns weights on the unit horizon into weights: the kind's factor, and self-similarity."""
        return np.array([self.kind.factor(h) * self.horizon ** (h - 0.5) for h in hursts])

    def weights(self, hursts: tuple[float, ...], rates: np.ndarray) -> np.ndarray:
        """Shape `(h, k)`."""
        return (self.target(hursts).weights(rates * self.horizon) * self.scales(hursts)).T

    def past(self, hursts: tuple[float, ...]) -> np.ndarray:
        """The coefficients of the functions of the past, shape `(h, past_terms, r)`."""
        if self.past_terms == 0:
            return np.zeros((len(hursts), 0, len(PAST_RATES)))
        scales = np.array([self.kind.factor(h) * self.horizon**h for h in hursts])
        return scales[:, None, None] * np.stack([past_expansion(h, self.past_terms)[0] for h in hursts])

    def errors(self, hursts: tuple[float, ...], rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The relative root-mean-square errors over the horizon of weights `(h, k)` as they are used."""
        target = self.target(hursts)
        misses = target.misses(rates * self.horizon, weights.T.astype(np.float64) / self.scales(hursts))
        totals = target.totals()
        if self.past_terms:
            misses = misses + np.array([past_expansion(h, self.past_terms)[1] for h in hursts])
            totals = np.array([stationary_constant(h) for h in hursts])
        return np.sqrt(misses / totals)


def past_functions(past: np.ndarray, horizon: float, ts: np.ndarray) -> np.ndarray:
    """The functions of the past at times, shape `(t, m)`, from coefficients `(m, r)`."""
    return -np.expm1(-PAST_RATES * (np.asarray(ts, np.float64) / horizon)[:, None]) @ past.T


def modes_covariance(
    rates: np.ndarray, weights: np.ndarray, stationary: bool, ss: np.ndarray, ts: np.ndarray
) -> np.ndarray:
    """The covariance of a readout of modes that start at 0, or of its increment from 0 for stationary modes."""
    s, t = np.asarray(ss, np.float64)[:, None], np.asarray(ts, np.float64)[None, :]
    low, gap = np.minimum(s, t), np.abs(t - s)
    both = rates[:, None] + rates
    value = np.zeros(gap.shape)
    for j, w in enumerate(weights):
        if stationary:
            q = w * (weights / both[j]).sum()
            moved = np.exp(-rates[j] * gap) - np.exp(-rates[j] * s) - np.exp(-rates[j] * t) + 1
            value += q * moved
        else:
            grown = -np.expm1(-both[j] * low[..., None]) / both[j]
            value += w * np.exp(-rates[j] * gap) * (grown * weights).sum(-1)
    return value


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class MarkovApproximation:
    r"""Fractional noise by Ornstein-Uhlenbeck modes, $\hat B_t = \sum_k w_k (Y^k_t - Y^k_0)$, on one Brownian motion.

    The weights minimise the mean of $\int_0^T (\hat B_t - B_t)^2\,dt$ for the rates of the grid. A kind with a past has
    it added by `past_terms` independent Gaussians on the functions of its Karhunen-Loeve expansion, or, for
    `past_terms=0`, carried by modes in their stationary law (as in the paper; much less exact above $H = 1/2$).
    All numbers are float64 and on the host.

    Source: Daems et al. (2024), "Variational Inference for SDEs Driven by Fractional Noise", for the optimal
    coefficients, with the least squares posed in the kernels; Harms and Stefanovits (2019) for the representation.

    !!! example

        ```python
        from sdekit.noise import MandelbrotVanNess, MarkovApproximation
        MarkovApproximation(0.7, terms=5, horizon=1.0).error  # 3.0e-3
        MarkovApproximation(0.7, 5, 1.0, kind=MandelbrotVanNess(), past_terms=4).error  # 2.7e-3
        ```
    """

    hurst: float
    """The Hurst index."""
    horizon: float
    """The length of time on which the error is least."""
    kind: AbstractFractionalKind
    """What is approximated."""
    grid: AbstractRateGrid
    """How the rates were chosen."""
    rates: np.ndarray
    """The rates of the modes, increasing, per unit of time, shape `(terms,)`."""
    weights: np.ndarray
    """The weights, shape `(terms,)`."""
    past: np.ndarray
    r"""Coefficients of the past, $\psi_m(t) = \sum_r C_{mr}(1 - e^{-\gamma_r t})$; `(past_terms, r)`."""
    error: float
    r"""The relative error $(E\int_0^T (\hat B - B)^2 dt / E\int_0^T B^2 dt)^{1/2}$ of these very weights."""

    def __init__(
        self,
        hurst: float,
        terms: int = 5,
        horizon: float = 1.0,
        kind: AbstractFractionalKind = _TYPE_TWO,
        grid: AbstractRateGrid = _OPTIMAL,
        past_terms: int | None = None,
        rounding: float = ROUNDING,
    ):
        """**Arguments:**

        - `hurst`: the Hurst index in (0, 1), a known number.
        - `terms`: the number of modes `K`.
        - `horizon`: the length of time `T` on which the error is least.
        - `kind`: `RiemannLiouville()` or `MandelbrotVanNess()`.
        - `grid`: `OptimalGrid()`, `GammaMax(20.0)` or `BayerBreneis()`.
        - `past_terms`: how many Gaussians carry the past; 4 by default for a kind that has one, else 0.
        - `rounding`: the relative error of each term that the weights are to bear; smaller ones let ill-conditioned
            grids (the fixed one from 10 modes on) have huge weights, whose cancellation only `error` survives.

        **Raises:** `ValueError` for numbers out of range, or a past of a kind that has none.
        """
        hurst, horizon = float(hurst), float(horizon)
        past_terms = (4 if kind.has_past else 0) if past_terms is None else past_terms
        lift = Lift(terms, horizon, kind, grid, past_terms, rounding)
        lift.check((hurst,))
        rates = lift.rates((hurst,))
        weights = lift.weights((hurst,), rates)
        error = float(lift.errors((hurst,), rates, weights)[0])
        values = (hurst, horizon, kind, grid, rates, weights[0], lift.past((hurst,))[0], error)
        for field, value in zip(dataclasses.fields(self), values, strict=True):
            object.__setattr__(self, field.name, value)

    @property
    def stationary(self) -> bool:
        """Whether the modes start in their stationary law, and not at 0."""
        return self.kind.has_past and len(self.past) == 0

    def covariance(self, ss: np.ndarray, ts: np.ndarray) -> np.ndarray:
        """The covariance of the approximation itself, for all pairs of times.

        **Arguments:**

        - `ss`, `ts`: times, not negative, shapes `(s,)` and `(t,)`.

        **Returns:** the matrix, shape `(s, t)`.
        """
        value = modes_covariance(self.rates, self.weights, self.stationary, ss, ts)
        past = [past_functions(self.past, self.horizon, x) for x in (ss, ts)]
        return value + past[0] @ past[1].T

    def __repr__(self) -> str:
        past = f", {len(self.past)} for the past" if len(self.past) else ""
        return (
            f"MarkovApproximation(hurst={self.hurst:g}, kind={self.kind}, grid={self.grid}, horizon={self.horizon:g}:"
            f" {len(self.rates)} modes with rates {self.rates[0]:.3g} to {self.rates[-1]:.3g}{past},"
            f" error {self.error:.2g})"
        )
