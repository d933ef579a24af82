"""Completely monotone kernels of Volterra noise, evaluated in float64 on the host."""

import abc
import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.special import rgamma

from .._errors import require
from ..math import gauss_legendre


__all__ = [
    "AbstractVolterraKernel",
    "BernsteinKernel",
    "FunctionKernel",
    "GammaKernel",
    "MittagLefflerKernel",
    "PowerKernel",
]

# A contour around the negative half-line, in units of one over the time, with the weights of its trapezoidal rule.
_ANGLES = (2 * np.arange(28) + 1) * np.pi / 28 - np.pi
_TURN = 0.6407 * _ANGLES
_CONTOUR = 28 * (-0.4814 + 0.6122 * _ANGLES / np.tan(_TURN) + 0.2645j * _ANGLES)
_SLOPE = 0.6122 / np.tan(_TURN) - 0.6122 * _TURN / np.sin(_TURN) ** 2 + 0.2645j
_CONTOUR_WEIGHTS = np.exp(_CONTOUR) * _SLOPE / 1j


class AbstractVolterraKernel(abc.ABC):
    r"""The kernel $k$ of a Volterra noise $\int_0^t k(t - s)\,dB_s$, with $k(s) \sim s^{H - 1/2}$ at 0. Hashable.

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import AbstractVolterraKernel, PowerKernel
        kernel = PowerKernel(0.1)
        isinstance(kernel, AbstractVolterraKernel), kernel(np.array([1.0]))
        ```
    """

    hurst: float
    """The index $H > 0$ of the behaviour at 0; 1/2 for a kernel that is bounded there."""

    @abc.abstractmethod
    def __call__(self, s: np.ndarray) -> np.ndarray:
        """The kernel at positive times, of the shape of `s`."""


@dataclasses.dataclass(frozen=True)
class PowerKernel(AbstractVolterraKernel):
    r"""$k(s) = \eta\sqrt{2H}\,s^{H - 1/2}$, as in rough Bergomi: Riemann-Liouville noise of variance $\eta^2 t^{2H}$.

    **Arguments:**

    - `hurst`: $H$ in (0, 1).
    - `scale`: $\eta$.

    Source: Bayer, Friz and Gatheral (2016), "Pricing under rough volatility".

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import PowerKernel
        PowerKernel(0.1, scale=1.9)(np.array([0.5, 1.0]))
        ```
    """

    hurst: float
    scale: float = 1.0

    def __call__(self, s: np.ndarray) -> np.ndarray:
        return self.scale * np.sqrt(2 * self.hurst) * np.asarray(s, np.float64) ** (self.hurst - 0.5)


@dataclasses.dataclass(frozen=True)
class GammaKernel(AbstractVolterraKernel):
    r"""$k(s) = s^{H - 1/2} e^{-\lambda s} / \Gamma(H + 1/2)$, of Brownian semistationary processes.

    **Arguments:**

    - `hurst`: $H$ in (0, 1).
    - `rate`: $\lambda \ge 0$.

    Source: Barndorff-Nielsen and Schmiegel (2009), "Brownian semistationary processes and volatility/intermittency".

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import GammaKernel
        GammaKernel(0.1, rate=2.0)(np.array([0.5, 1.0]))
        ```
    """

    hurst: float
    rate: float

    def __call__(self, s: np.ndarray) -> np.ndarray:
        s = np.asarray(s, np.float64)
        return s ** (self.hurst - 0.5) * np.exp(-self.rate * s) * rgamma(self.hurst + 0.5)


@dataclasses.dataclass(frozen=True)
class BernsteinKernel(AbstractVolterraKernel):
    r"""$k(s) = \int_0^\infty e^{-\gamma s}\mu(\gamma)\,d\gamma$: a completely monotone kernel by its measure's density.

    By Gauss-Legendre panels in $\log \gamma s$; towards 0 the density is taken to go on as the power that it is there.

    **Arguments:**

    - `density`: $\mu$, a function of an array of rates.
    - `hurst`: the index $H$ of the behaviour at 0, that is $\mu(\gamma) \sim \gamma^{-H - 1/2}$ for large rates.

    Source: Bernstein's theorem; Abi Jaber and El Euch (2019), "Multifactor approximation of rough volatility models".

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import BernsteinKernel
        kernel = BernsteinKernel(lambda rates: np.exp(-rates), hurst=0.5)
        kernel(np.array([1.0]))  # 1 / (1 + s)
        ```
    """

    density: Callable[[np.ndarray], np.ndarray]
    hurst: float

    def __call__(self, s: np.ndarray) -> np.ndarray:
        s = np.asarray(s, np.float64)
        x, w = gauss_legendre(12)
        edges = np.concatenate([np.linspace(-120, -8, 29), np.linspace(-8, 4, 13)[1:]])
        half, centre = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
        log, weight = (centre + half * x).reshape(-1), (half * w).reshape(-1)
        rates = np.exp(log) / s[..., None]
        value = (self.density(rates) * rates * np.exp(-np.exp(log)) * weight).sum(-1)
        first = np.exp(edges[0]) / s
        at, after = self.density(first), self.density(first * np.e)
        safe = np.where(at > 0, at, 1.0)
        power = 1 + np.log(np.where(after > 0, after, 1.0) / safe)  # of `density * rate` at the lower end
        return value + np.where(at > 0, at * first / np.where(power > 0, power, np.inf), 0.0)


@dataclasses.dataclass(frozen=True)
class MittagLefflerKernel(AbstractVolterraKernel):
    r"""$k(s) = s^{a - 1} E_{a, a}(-\lambda s^a)$, $a = H + 1/2$: the kernel of rough Heston with its mean reversion.

    The resolvent of $\lambda s^{a - 1} / \Gamma(a)$, over $\lambda$. By inversion of its Laplace transform
    $1 / (z^a + \lambda)$ on Talbot's contour, as improved by Weideman (2006).

    **Arguments:**

    - `hurst`: $H$ in (0, 1/2).
    - `rate`: $\lambda > 0$.

    **Raises:** `ValueError` for an index or a rate out of range.

    Source: El Euch and Rosenbaum (2019), "The characteristic function of rough Heston models".

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import MittagLefflerKernel
        MittagLefflerKernel(0.1, rate=0.3)(np.array([0.5, 1.0]))
        ```
    """

    hurst: float
    rate: float

    def __post_init__(self):
        ok = 0 < self.hurst < 0.5
        require(ok, "hurst", "must lie strictly between 0 and 1/2", self.hurst, "use `GammaKernel` for smoother noise")
        require(self.rate > 0, "rate", "must be positive", self.rate, "use `PowerKernel` for no mean reversion")

    def __call__(self, s: np.ndarray) -> np.ndarray:
        s = np.asarray(s, np.float64)
        z = _CONTOUR / s[..., None]
        return (_CONTOUR_WEIGHTS / (z ** (self.hurst + 0.5) + self.rate)).real.sum(-1) / s


@dataclasses.dataclass(frozen=True)
class FunctionKernel(AbstractVolterraKernel):
    r"""Any kernel, as a function of positive times in NumPy.

    Sums of exponentials with real rates do well for completely monotone kernels and their differences; the error of the
    driver says how well.

    **Arguments:**

    - `function`: a function of an array of times.
    - `hurst`: the index $H$ of the behaviour $s^{H - 1/2}$ at 0; 1/2 for a kernel that is bounded there.

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import FunctionKernel
        FunctionKernel(lambda s: 1 / (1 + s), hurst=0.5)(np.array([1.0]))
        ```
    """

    function: Callable[[np.ndarray], np.ndarray]
    hurst: float = 0.5

    def __call__(self, s: np.ndarray) -> np.ndarray:
        return np.asarray(self.function(np.asarray(s, np.float64)), np.float64)
