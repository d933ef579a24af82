"""The kinds of fractional Brownian motion: where its past begins, and how it is scaled."""

import abc
import dataclasses

import numpy as np
from scipy.special import gamma

from ..math import fbm_covariance, riemann_liouville_covariance


__all__ = ["AbstractFractionalKind", "MandelbrotVanNess", "RiemannLiouville"]


class AbstractFractionalKind(abc.ABC):
    r"""A kind of fractional Brownian motion, with kernel $(t - s)^{H - 1/2} / \Gamma(H + 1/2)$ up to a factor.

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import AbstractFractionalKind, RiemannLiouville
        kind = RiemannLiouville()
        isinstance(kind, AbstractFractionalKind), kind.variance(0.7, np.array([1.0]))  # True, 1
        ```
    """

    @property
    @abc.abstractmethod
    def has_past(self) -> bool:
        """Whether the noise was driven before time 0 too."""

    @abc.abstractmethod
    def factor(self, hurst: float) -> float:
        r"""The factor on the kernel $(t - s)^{H - 1/2} / \Gamma(H + 1/2)$; 1 unless `unit`."""

    @abc.abstractmethod
    def covariance(self, hurst: float, ss: np.ndarray, ts: np.ndarray) -> np.ndarray:
        """The covariance of all pairs of times `ss >= 0`, `ts >= 0`, shape `(s, t)`, in float64 on the host."""

    def variance(self, hurst: float, ts: np.ndarray) -> np.ndarray:
        """The variance at times `ts >= 0`, of the shape of `ts`, in float64 on the host."""
        one = np.ones(1)
        return self.covariance(hurst, one, one)[0, 0] * np.asarray(ts, np.float64) ** (2 * hurst)


@dataclasses.dataclass(frozen=True)
class RiemannLiouville(AbstractFractionalKind):
    r"""Fractional Brownian motion of type II: $B_t = \frac{1}{\Gamma(a)}\int_0^t (t - s)^{a - 1}\,dW_s$, $a = H + 1/2$.

    For $s < t$ the covariance is $\frac{t^{a - 1} s^a}{a\,\Gamma(a)^2}\,{}_2F_1(1 - a, 1; 1 + a; s/t)$. Increments are
    not stationary. All of the noise on $[0, t]$ is a function of the Brownian motion on $[0, t]$.

    **Arguments:**

    - `unit`: whether to scale to variance 1 at time 1 (by $\sqrt{2H}\,\Gamma(a)$).

    Source: Lévy (1953); Marinucci and Robinson (1999), who name it type II.

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import RiemannLiouville
        RiemannLiouville(unit=False).variance(0.7, np.array([1.0, 2.0]))
        ```
    """

    unit: bool = True

    @property
    def has_past(self) -> bool:
        return False

    def factor(self, hurst: float) -> float:
        return float(np.sqrt(2 * hurst) * gamma(hurst + 0.5)) if self.unit else 1.0

    def covariance(self, hurst: float, ss: np.ndarray, ts: np.ndarray) -> np.ndarray:
        scale = self.factor(hurst) ** 2 / (2 * hurst * gamma(hurst + 0.5) ** 2)
        return scale * riemann_liouville_covariance(hurst, np.asarray(ss, np.float64), np.asarray(ts, np.float64))


@dataclasses.dataclass(frozen=True)
class MandelbrotVanNess(AbstractFractionalKind):
    r"""Fractional Brownian motion of type I, with stationary increments and a past that reaches to $-\infty$.

    $B_t = \frac{1}{\Gamma(a)}\int_{-\infty}^t [(t - s)^{a - 1} - (-s)_+^{a - 1}]\,dW_s$ with $a = H + 1/2$ has variance
    $V_H t^{2H}$, $V_H = 1 / (\Gamma(2H + 1)\sin \pi H)$.

    **Arguments:**

    - `unit`: whether to scale to variance 1 at time 1 (by $V_H^{-1/2}$), as is usual.

    Source: Mandelbrot and Van Ness (1968), definition 2.1.

    !!! example

        ```python
        import numpy as np
        from sdekit.noise import MandelbrotVanNess
        MandelbrotVanNess().covariance(0.7, np.array([1.0]), np.array([1.0, 2.0]))
        ```
    """

    unit: bool = True

    @property
    def has_past(self) -> bool:
        return True

    def factor(self, hurst: float) -> float:
        return float(np.sqrt(gamma(2 * hurst + 1) * np.sin(np.pi * hurst))) if self.unit else 1.0

    def covariance(self, hurst: float, ss: np.ndarray, ts: np.ndarray) -> np.ndarray:
        scale = self.factor(hurst) ** 2 / (gamma(2 * hurst + 1) * np.sin(np.pi * hurst))
        ss, ts = np.asarray(ss, np.float64), np.asarray(ts, np.float64)
        return scale * fbm_covariance(np.float64(hurst), ss, ts)
