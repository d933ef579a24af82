"""Stationary Gaussian sequences with a Hurst index: their autocovariance and their spectrum, each in closed form."""

import math
from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from .._parameters import AbstractParametric, constraints, parameter
from .._types import as_float, is_concrete
from ..math import fgn_autocovariance, fou_autocovariance, hurwitz_zeta


__all__ = ["ARFIMA", "FGN", "FOU", "AbstractSequence"]

Hurst = Float[Array, ""]
Frequencies = Float[Array, " m"]

_DIRECT = 24
"""Terms of the folded spectrum of `FOU` that are summed as they are, on either side."""
_WIDEST = 20.0
"""The largest rate a step of `FOU`: beyond, steps are independent to all digits that matter."""


class AbstractSequence(eqx.Module):
    """A family of stationary Gaussian sequences of unit scale, with the Hurst index as its only free parameter.

    Autocovariance and spectral density belong together: $\\gamma_k = \\int_{-\\pi}^{\\pi} f(w) e^{ikw} dw$.

    !!! example

        ```python
        from sdekit.fractional import AbstractSequence, FGN
        isinstance(FGN(), AbstractSequence)  # True
        ```
    """

    @abstractmethod
    def autocovariance(self, hurst: Hurst, n: int) -> Float[Array, " n"]:
        """The autocovariance at lags 0 to `n - 1`."""

    @abstractmethod
    def log_spectrum(self, hurst: Hurst, frequencies: Frequencies) -> Frequencies:
        """The logarithm of the spectral density at frequencies in (0, pi], in radians a step."""


def _folded(a: Float[Array, ""], w: Frequencies, first: int = 0) -> Frequencies:
    r"""$\sum_{j \ge first} |w + 2\pi j|^{-a} + \sum_{j \ge first + 1} |w - 2 \pi j|^{-a}$."""
    q = w / (2 * math.pi)
    both = hurwitz_zeta(a, jnp.stack([q + first, first + 1 - q]))
    return (2 * math.pi) ** -a * jnp.sum(both, axis=0)


class FGN(AbstractSequence):
    r"""Fractional Gaussian noise of unit variance: the increments of fractional Brownian motion.

    $\gamma_k = \frac12(|k+1|^{2H} - 2|k|^{2H} + |k-1|^{2H})$ and
    $f(w) = \frac{1}{\pi}\sin(\pi H)\Gamma(2H+1)(1 - \cos w)\sum_j |w + 2\pi j|^{-2H-1}$; the sum is computed to all
    digits by two Hurwitz zeta functions.

    Source: Sinai (1976); Beran (1994), Statistics for long-memory processes, equation 2.17.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fractional import FGN
        FGN().log_spectrum(jnp.array(0.7), jnp.array([0.1, 1.0]))
        ```
    """

    def autocovariance(self, hurst: Hurst, n: int) -> Float[Array, " n"]:
        return fgn_autocovariance(hurst, jnp.arange(n, dtype=hurst.dtype))

    def log_spectrum(self, hurst: Hurst, frequencies: Frequencies) -> Frequencies:
        front = jnp.log(jnp.sin(math.pi * hurst) / math.pi) + gammaln(2 * hurst + 1)
        smooth = jnp.log(2 * jnp.sin(frequencies / 2) ** 2)
        return front + smooth + jnp.log(_folded(2 * hurst + 1, frequencies))


class ARFIMA(AbstractSequence):
    r"""Fractionally integrated white noise, ARFIMA(0, d, 0) with $d = H - 1/2$ and unit innovations.

    $f(w) = \frac{1}{2\pi}|2 \sin(w/2)|^{-2d}$, $\gamma_0 = \Gamma(1 - 2d)/\Gamma(1 - d)^2$ and
    $\gamma_k = \gamma_{k-1}(k - 1 + d)/(k - d)$.

    Source: Hosking (1981), Fractional differencing, theorem 1.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fractional import ARFIMA
        ARFIMA().autocovariance(jnp.array(0.5), 3)  # 1, 0, 0
        ```
    """

    def autocovariance(self, hurst: Hurst, n: int) -> Float[Array, " n"]:
        d, k = hurst - 0.5, jnp.arange(1, n, dtype=hurst.dtype)
        first = jnp.exp(gammaln(1 - 2 * d) - 2 * gammaln(1 - d))
        return first * jnp.concatenate([jnp.ones(1, hurst.dtype), jnp.cumprod((k - 1 + d) / (k - d))])

    def log_spectrum(self, hurst: Hurst, frequencies: Frequencies) -> Frequencies:
        return -math.log(2 * math.pi) + (1 - 2 * hurst) * jnp.log(2 * jnp.sin(frequencies / 2))


class FOU(AbstractParametric, AbstractSequence):
    r"""The states of a stationary fractional Ornstein-Uhlenbeck process at regular times, with a known rate.

    For $dX = -\theta X\,dt + \sigma\,dB^H$ seen at steps $h$; the unit of time is the step, so that the scale is
    $\sigma h^H$. The spectrum is folded:

    $$f(w) = \frac{\sin(\pi H)\Gamma(2H+1)}{2\pi}\sum_j\frac{|w + 2\pi j|^{1-2H}}{(\theta h)^2 + (w + 2\pi j)^2}.$$

    To learn the rate as well, fit `FractionalOrnsteinUhlenbeck` with `MarginalLikelihood`.

    **Arguments:**

    - `rate`: $\theta h$, the rate times the step, in (0, 20].

    **Raises:** `ValueError` for a rate out of that domain.

    Source: Cheridito, Kawaguchi and Maejima (2003), remark 2.4; folding as in Paxson (1997), here to all digits: terms
    near 0 as they are, the rest by their expansion in $(\theta h / w)^2$ and Hurwitz zeta functions.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fractional import FOU
        FOU(rate=0.1).log_spectrum(jnp.array(0.3), jnp.array([0.1, 1.0]))
        ```
    """

    rate: Float[Array, ""] = parameter(constraints.positive)

    def __init__(self, rate: ArrayLike):
        self.rate = as_float(rate)
        if is_concrete(self.rate):
            small = bool(np.asarray(self.rate) <= _WIDEST)
            require(small, "FOU.rate", f"must be at most {_WIDEST:g} a step", rate, "observe more often")

    def autocovariance(self, hurst: Hurst, n: int) -> Float[Array, " n"]:
        rate = self.rate.astype(hurst.dtype)
        lags = jnp.arange(n, dtype=hurst.dtype)
        return rate ** (-2 * hurst) * fou_autocovariance(hurst, rate * lags)

    def log_spectrum(self, hurst: Hurst, frequencies: Frequencies) -> Frequencies:
        rate, w = self.rate.astype(hurst.dtype), frequencies
        front = jnp.log(jnp.sin(math.pi * hurst) / (2 * math.pi)) + gammaln(2 * hurst + 1)
        term = lambda x: x ** (1 - 2 * hurst) / (rate**2 + x**2)
        # Far away: x^-(2H+1) (1 - (rate/x)^2 + ...), with rate / x below 20 / (48 pi) = 0.13. Scans, because the terms
        # written out would be long to compile.
        orders = jnp.arange(_FAR - 1, -1, -1, dtype=hurst.dtype)
        series = lambda total, m: (
            total + (-1) ** m * rate ** (2 * m) * _folded(2 * hurst + 1 + 2 * m, w, _DIRECT),
            None,
        )
        total, _ = jax.lax.scan(series, jnp.zeros_like(w), orders)
        shifts = 2 * math.pi * jnp.arange(_DIRECT - 1, -1, -1, dtype=hurst.dtype)
        direct = lambda total, s: (total + term(w + s) + term(s + 2 * math.pi - w), None)
        total, _ = jax.lax.scan(direct, total, shifts)
        return front + jnp.log(total)


_FAR = 9
"""Terms of the expansion: (20 / (48 pi))^(2 * 9) is below 2e-16."""
