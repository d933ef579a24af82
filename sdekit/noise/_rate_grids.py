"""How the rates of the modes are chosen."""

import abc
import dataclasses
import functools

import numpy as np
from scipy.optimize import minimize

from .._errors import require
from ._grid_starts import START_HURSTS, STARTS
from ._targets import AbstractTarget, StartedTarget


__all__ = ["AbstractRateGrid", "BayerBreneis", "GammaMax", "OptimalGrid"]

_LOWEST, _WIDEST = 1e-7, 60.0


class AbstractRateGrid(abc.ABC):
    """A rule for the rates of Ornstein-Uhlenbeck modes: equally spaced in the logarithm.

    !!! example

        ```python
        from sdekit.noise import AbstractRateGrid, GammaMax, MarkovApproximation
        isinstance(GammaMax(20.0), AbstractRateGrid)
        MarkovApproximation(0.7, 5, 1.0, grid=GammaMax(20.0)).rates  # 1/20, ..., 20
        ```
    """

    @abc.abstractmethod
    def rates(self, target: AbstractTarget, terms: int, horizon: float) -> np.ndarray:
        """The rates, increasing, per unit of time, shape `(terms,)`.

        **Arguments:**

        - `target`: what is to be met.
        - `terms`: how many rates.
        - `horizon`: the length of time that matters.
        """


@dataclasses.dataclass(frozen=True)
class OptimalGrid(AbstractRateGrid):
    r"""The geometric grid whose best weights miss least, found once for each problem and kept.

    For one Hurst index the smallest and the largest rate minimise the relative path error. For a range of indices they
    minimise $\max_H \log E_H + \frac14\,\mathrm{mean}_H \log(E_H + \frac{1}{100}\max_H E_H)$: nearly the smallest worst
    error, without giving away a factor of ten at the easier indices.

    !!! example

        ```python
        from sdekit.noise import MarkovApproximation, OptimalGrid
        MarkovApproximation(0.7, 10, 1.0, grid=OptimalGrid()).error  # 1.2e-4
        ```
    """

    def rates(self, target: AbstractTarget, terms: int, horizon: float) -> np.ndarray:
        return _optimal(target, terms) / horizon


@dataclasses.dataclass(frozen=True)
class GammaMax(AbstractRateGrid):
    r"""The fixed grid of the paper, $\gamma_k = r^{k - (K + 1)/2 - \mathrm{offset}}$, with largest rate `gamma_max`.

    The rates do not follow the horizon: they are per unit of time as they stand.

    **Arguments:**

    - `gamma_max`: the largest rate, above 1; without an offset the smallest is its inverse.
    - `offset`: moves the grid down by so many places.

    Source: Daems et al. (2024), "Variational Inference for SDEs Driven by Fractional Noise".

    !!! example

        ```python
        from sdekit.noise import GammaMax, MarkovApproximation
        MarkovApproximation(0.7, 5, 1.0, grid=GammaMax(20.0)).error  # 1.2e-2
        ```
    """

    gamma_max: float = 20.0
    offset: float = 0.0

    def rates(self, target: AbstractTarget, terms: int, horizon: float) -> np.ndarray:
        require(self.gamma_max > 1, "gamma_max", "must be above 1", self.gamma_max, "pass the largest rate, e.g. 20.0")
        reach = terms - 1 - 2 * self.offset
        if terms == 1:
            return np.ones(1)
        require(reach > 0, "offset", "must leave a largest rate above 1", self.offset, "pass an offset below (K - 1)/2")
        places = np.arange(1, terms + 1) - (terms + 1) / 2 - self.offset
        return self.gamma_max ** (2 * places / reach)


@dataclasses.dataclass(frozen=True)
class BayerBreneis(AbstractRateGrid):
    r"""A geometric grid by rule, from $e^{-\alpha\sqrt{K}/((d - H)A)}$ to $e^{\alpha\sqrt{K}/(HA)}$, over the horizon.

    Here $A = \sqrt{1/H + 1/(d - H)}$, $\alpha = 1.06418$ and $d = 3/2$ for $H < 1/2$, $5/2$ above. The error falls at
    the rate $e^{-\alpha\sqrt{K}/A}$, with constants 2 to 1000 times those of `OptimalGrid`. For a range of indices it
    reaches as far as any of them asks.

    Source: Bayer and Breneis (2023), "Markovian approximations of stochastic Volterra equations with the fractional
    kernel", whose $\alpha$ it is.

    !!! example

        ```python
        from sdekit.noise import BayerBreneis, MarkovApproximation
        MarkovApproximation(0.3, 10, 1.0, grid=BayerBreneis()).error  # 4.1e-2
        ```
    """

    def rates(self, target: AbstractTarget, terms: int, horizon: float) -> np.ndarray:
        low, high = [], []
        for h in target.hursts:
            d = 1.5 if h < 0.5 else 2.5
            reach = 1.06418 * np.sqrt(terms) / np.sqrt(1 / h + 1 / (d - h))
            low.append(-reach / (d - h))
            high.append(reach / h)
        if terms == 1:
            return np.exp([(min(low) + max(high)) / 2]) / horizon
        return np.exp(np.linspace(min(low), max(high), terms)) / horizon


@functools.lru_cache(maxsize=1024)
def _optimal(target: AbstractTarget, terms: int) -> np.ndarray:
    """A scan and a simplex search over the logarithms of the smallest rate and of the ratio of largest to smallest."""
    rates = lambda p: np.exp(np.linspace(p[0], p[0] + (p[1] if terms > 1 else 0), terms))

    def cost(p: np.ndarray) -> float:
        inside = np.array([np.clip(p[0], np.log(_LOWEST), np.log(1e3)), np.clip(p[1], 0.05, _WIDEST)])
        errors = target.errors(rates(inside))
        worst = errors.max()
        spread = np.mean(np.log(errors + worst / 100)) / 4 if len(errors) > 1 else 0.0
        return float(np.log(worst) + spread + ((p - inside) ** 2).sum())

    options = {"xatol": 1e-3, "fatol": 1e-4, "maxiter": 200}
    starts = _starts(target, terms)
    starts.sort(key=cost)
    found = [minimize(cost, start, method="Nelder-Mead", options=options) for start in starts[:2]]
    low, span = min(found, key=lambda r: r.fun).x
    best = rates((np.clip(low, np.log(_LOWEST), np.log(1e3)), np.clip(span, 0.05, _WIDEST)))
    best.setflags(write=False)
    return best


def _starts(target: AbstractTarget, terms: int) -> list[np.ndarray]:
    """From the table for one index of Riemann-Liouville noise; else a scan."""
    if isinstance(target, StartedTarget) and len(target.hursts) == 1 and terms in STARTS:
        near = np.searchsorted(START_HURSTS, target.hursts[0])
        return [np.array(p) for p in STARTS[terms][max(near - 2, 0) : near + 2]]
    spans = np.linspace(1.0, min(4 + 3.4 * terms, 48), 12) if terms > 1 else [1.0]
    return [np.array([low, span]) for low in np.log([0.003, 0.02, 0.1, 0.4, 1.5]) for span in spans]
