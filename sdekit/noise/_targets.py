"""What rates are to stand for, over the unit horizon, with the factor 1 / gamma(H + 1/2): weights and errors."""

import abc
import dataclasses

import numpy as np

from .._errors import require
from ..math import (
    KernelRule,
    exponential_rows,
    fit_weights,
    kernel_rule,
    kernel_sides,
    power_sides,
    started_constant,
    stationary_constant,
    stationary_matrix,
    stationary_vector,
)
from ._kernels import AbstractVolterraKernel


__all__ = ["ROUNDING", "AbstractTarget", "KernelTarget", "StartedTarget", "StationaryTarget"]

ROUNDING = 2.0**-24
"""Weights that survive rounding to float32, and whose squares survive the rounding of covariances in float64."""


class AbstractTarget(abc.ABC):
    """Kernels, one a column, to be met by exponentials of common rates. Hashable, so that what is found is kept."""

    hursts: tuple[float, ...]
    """The Hurst index of each kernel, or the index that its behaviour at 0 is that of."""

    @abc.abstractmethod
    def weights(self, rates: np.ndarray) -> np.ndarray:
        """The best weights, shape `(k, h)`."""

    @abc.abstractmethod
    def totals(self) -> np.ndarray:
        """The mean square of each noise, integrated over [0, 1], shape `(h,)`."""

    @abc.abstractmethod
    def misses(self, rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The mean square of what given weights, shape `(k, h)`, leave of each noise, shape `(h,)`."""

    @abc.abstractmethod
    def errors(self, rates: np.ndarray) -> np.ndarray:
        """The relative root-mean-square errors of the best weights, shape `(h,)`."""


@dataclasses.dataclass(frozen=True)
class StartedTarget(AbstractTarget):
    """Riemann-Liouville noise by modes that start at 0: least squares in the kernels."""

    hursts: tuple[float, ...]
    rounding: float

    def weights(self, rates: np.ndarray) -> np.ndarray:
        rule = kernel_rule(rates.max())
        return fit_weights(exponential_rows(rates, rule), power_sides(np.array(self.hursts), rule)[0], self.rounding)[0]

    def totals(self) -> np.ndarray:
        return np.array([started_constant(h) for h in self.hursts])

    def misses(self, rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        rule = kernel_rule(rates.max())
        sides, below = power_sides(np.array(self.hursts), rule)
        return ((exponential_rows(rates, rule) @ weights - sides) ** 2).sum(0) + below

    def errors(self, rates: np.ndarray) -> np.ndarray:
        rule = kernel_rule(rates.max())
        sides, below = power_sides(np.array(self.hursts), rule)
        missed = fit_weights(exponential_rows(rates, rule), sides, self.rounding)[1]
        return np.sqrt((missed + below) / self.totals())


@dataclasses.dataclass(frozen=True)
class KernelTarget(AbstractTarget):
    """Volterra noise of any kernel by modes that start at 0, with times in units of the horizon."""

    kernel: AbstractVolterraKernel
    horizon: float
    rounding: float

    @property
    def hursts(self) -> tuple[float, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (self.kernel.hurst,)

    def _sides(self, rule: KernelRule) -> tuple[np.ndarray, np.ndarray]:
        side, below = kernel_sides(lambda s: self.kernel(s * self.horizon), rule, self.kernel.hurst - 0.5)
        remedy = "check its formula at small and large times"
        require(bool(np.isfinite(side).all()), "kernel", "must be finite at positive times", side, remedy)
        return side[:, None], np.array([below])

    def weights(self, rates: np.ndarray) -> np.ndarray:
        rule = kernel_rule(rates.max())
        return fit_weights(exponential_rows(rates, rule), self._sides(rule)[0], self.rounding)[0]

    def totals(self) -> np.ndarray:
        sides, below = self._sides(kernel_rule(1.0))
        return (sides**2).sum(0) + below

    def misses(self, rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        rule = kernel_rule(rates.max())
        sides, below = self._sides(rule)
        return ((exponential_rows(rates, rule) @ weights - sides) ** 2).sum(0) + below

    def errors(self, rates: np.ndarray) -> np.ndarray:
        return np.sqrt(self.misses(rates, self.weights(rates)) / self.totals())


@dataclasses.dataclass(frozen=True)
class StationaryTarget(AbstractTarget):
    """Mandelbrot-Van Ness noise by modes in their stationary law: the normal equations, in closed form."""

    hursts: tuple[float, ...]
    rounding: float

    def weights(self, rates: np.ndarray) -> np.ndarray:
        matrix = stationary_matrix(rates)
        scale = 1 / np.sqrt(np.diag(matrix))
        size, vectors = np.linalg.eigh(matrix * scale[:, None] * scale)
        # The matrix itself is known to 1e-16: what lies below that is not there.
        size = np.maximum(size, 0) + max(self.rounding, 3e-8) ** 2
        inner = vectors.T @ (scale[:, None] * self._vectors(rates))
        return scale[:, None] * (vectors @ (inner / size[:, None]))

    def _vectors(self, rates: np.ndarray) -> np.ndarray:
        return np.stack([stationary_vector(h, rates) for h in self.hursts], axis=1)

    def totals(self) -> np.ndarray:
        return np.array([stationary_constant(h) for h in self.hursts])

    def misses(self, rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        product = stationary_matrix(rates) @ weights - 2 * self._vectors(rates)
        return np.maximum(self.totals() + (weights * product).sum(0), 0)

    def errors(self, rates: np.ndarray) -> np.ndarray:
        return np.sqrt(self.misses(rates, self.weights(rates)) / self.totals())
