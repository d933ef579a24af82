r"""Constructors of the paths of linear diffusions, from data at time 0 to noise at time 1."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .._errors import require
from .._parameters import AbstractParametric
from .._types import Array, RealScalar
from ._path import AffinePath
from ._paths import constant, root, smooth
from ._schedule import RootSchedule, SmoothSchedule


__all__ = [
    "from_sde",
    "geometric_brownian",
    "mean_reverting",
    "ouve",
    "resfusion",
    "sub_variance_preserving",
    "variance_exploding",
    "variance_preserving",
]


def _integral(low, high, t):
    return low * t + (high - low) * t**2 / 2


def _decayed(low, high, t):
    return jnp.exp(-_integral(low, high, t) / 2)


def _lost(low, high, t):
    return -jnp.expm1(-_integral(low, high, t))


def _gained(low, high, t):
    return -jnp.expm1(-_integral(low, high, t) / 2)


def _exploding(low, high, t):
    return low**2 * jnp.expm1(2 * math.log(high / low) * t)


def _exponential(rate, t):
    return jnp.exp(-rate * t)


def _reverted(rate, t):
    return -jnp.expm1(-rate * t)


def _ouve_variance(rate, low, high, t):
    speed = math.log(high / low)
    total = rate + speed
    return low**2 * speed / total * jnp.exp(-2 * rate * t) * jnp.expm1(2 * total * t)


def _scaled_loss(scale, low, high, t):
    return scale**2 * _lost(low, high, t)


def _residual(low, high, t):
    return 2 * _decayed(low, high, t) - 1


def _line(slope, t):
    return slope * t


def _ordered(low: float, high: float) -> None:
    require(0 < low <= high, "low, high", "must be positive and in order", (low, high), "pass 0 < low <= high")


def variance_preserving(low: float = 0.1, high: float = 20.0) -> AffinePath:
    r"""$dX = -\tfrac12 \beta X\,dt + \sqrt\beta\,dW$ with $\beta$ linear: $\alpha = e^{-B/2}$, $\gamma^2 = 1 - e^{-B}$.

    **Arguments:**

    - `low`, `high`: $\beta$ at times 0 and 1; $B = \int\beta$.

    **Returns:** an `AffinePath`, data at time 0.

    **Raises:** `ValueError` unless `0 < low <= high`.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.variance_preserving().alpha(1.0)  # 0.0066
        ```

    Source: Song et al. (2021), Score-based generative modeling through SDEs, equation (11).
    """
    _ordered(low, high)
    return AffinePath(alpha=smooth(_decayed, low, high), gamma=root(_lost, low, high))


def sub_variance_preserving(low: float = 0.1, high: float = 20.0) -> AffinePath:
    r"""As `variance_preserving`, with less noise: $\gamma = 1 - e^{-B}$, $g^2 = \beta(1 - e^{-2B})$.

    **Arguments:**

    - `low`, `high`: $\beta$ at times 0 and 1.

    **Returns:** an `AffinePath`, data at time 0.

    **Raises:** `ValueError` unless `0 < low <= high`.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.sub_variance_preserving().gamma(0.0)  # 0.0
        ```

    Source: Song et al. (2021), equation (13).
    """
    _ordered(low, high)
    return AffinePath(alpha=smooth(_decayed, low, high), gamma=smooth(_lost, low, high))


def variance_exploding(low: float = 0.01, high: float = 50.0) -> AffinePath:
    r"""$dX = g\,dW$ with $\gamma^2 = \sigma^2(t) - \sigma^2(0)$, $\sigma$ geometric from `low` to `high`.

    **Arguments:**

    - `low`, `high`: $\sigma$ at times 0 and 1, in units of the data.

    **Returns:** an `AffinePath`, data at time 0.

    **Raises:** `ValueError` unless `0 < low < high`.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.variance_exploding().gamma(1.0)  # 50.0
        ```

    Source: Song et al. (2021), equation (9) and appendix C.
    """
    _ordered(low, high)
    require(low < high, "low", "must be below high", low, "pass low < high")
    return AffinePath(alpha=smooth(constant, 1.0), gamma=root(_exploding, low, high))


def ouve(mean: ArrayLike, rate: float = 1.5, low: float = 0.05, high: float = 0.5) -> AffinePath:
    r"""$dX = \theta(m - X)\,dt + g\,dW$ with $g$ geometric, of speech enhancement: drift to the noisy $m$.

    **Arguments:**

    - `mean`: $m$, shape `(d,)`.
    - `rate`: $\theta > 0$.
    - `low`, `high`: $g = \sigma\sqrt{2\log(\text{high}/\text{low})}$ with $\sigma$ from `low` to `high`.

    **Returns:** an `AffinePath`, data at time 0. At time 1 its mean is still $e^{-\theta}(x_0 - m)$ away from $m$.

    **Raises:** `ValueError` for numbers that are not positive or not in order.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.ouve(mean=[0.0]).alpha(1.0)  # 0.223
        ```

    Source: Richter et al. (2023), Speech enhancement and dereverberation with diffusion-based generative models,
    equations (7) to (10).
    """
    _ordered(low, high)
    require(low < high, "low", "must be below high", low, "pass low < high")
    require(rate > 0, "rate", "must be positive", rate, "pass a number above 0")
    variance = root(_ouve_variance, rate, low, high)
    return AffinePath(smooth(_exponential, rate), None, variance, smooth(_reverted, rate), mean)


def mean_reverting(mean: ArrayLike, scale: float = 1.0, low: float = 0.1, high: float = 20.0) -> AffinePath:
    r"""$dX = \theta(m - X)\,dt + g\,dW$ with $g^2 = 2 \lambda^2 \theta$: to the law $N(m, \lambda^2)$, of restoration.

    **Arguments:**

    - `mean`: $m$, shape `(d,)`; another one for each image by `path.about(mean)`.
    - `scale`: $\lambda > 0$.
    - `low`, `high`: $2\theta$ at times 0 and 1, linear in between.

    **Returns:** an `AffinePath`, data at time 0: $\alpha = e^{-\Theta}$, $\gamma^2 = \lambda^2(1 - e^{-2\Theta})$.

    **Raises:** `ValueError` for numbers that are not positive or not in order.

    !!! example

        ```python
        import sdekit.interpolants as si
        path = si.mean_reverting(mean=[1.0, 0.0])
        ```

    Source: Luo et al. (2023), Image restoration with mean-reverting SDEs; Li et al. (2025), MaRS.
    """
    _ordered(low, high)
    require(scale > 0, "scale", "must be positive", scale, "pass a number above 0")
    gamma = root(_scaled_loss, scale, low, high)
    return AffinePath(smooth(_decayed, low, high), None, gamma, smooth(_gained, low, high), mean)


def resfusion(mean: ArrayLike, low: float = 0.1, high: float = 20.0) -> AffinePath:
    r"""Noise and residual at once: $x_t = \sqrt{\bar a}\,x_0 + (1 - \sqrt{\bar a})(m - x_0) + \sqrt{1 - \bar a}\,z$.

    Time is scaled so that $\sqrt{\bar a} = 1/2$ at $t = 1$, where the state no longer depends on the data.

    **Arguments:**

    - `mean`: the degraded datum $m$, shape `(d,)`.
    - `low`, `high`: $\beta$ of the schedule at times 0 and 1 of the diffusion that is cut short.

    **Returns:** an `AffinePath`, data at time 0.

    **Raises:** `ValueError` unless `0 < low <= high` and the diffusion is long enough to be cut there.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.resfusion(mean=[0.0]).alpha(1.0)  # 0.0
        ```

    Source: Shi et al. (2024), Resfusion: denoising diffusion probabilistic models for image restoration based on
    prior residual noise.
    """
    _ordered(low, high)
    end, slope = 2 * math.log(2), (high - low) / 2
    require((low + high) / 2 >= end, "high", "is too small to reach the cut", high, "pass (low + high) / 2 >= 1.39")
    time = end / low if slope == 0 else (math.sqrt(low**2 + 4 * slope * end) - low) / (2 * slope)
    first, last = low * time, (low + (high - low) * time) * time
    gamma = root(_lost, first, last)
    return AffinePath(smooth(_residual, first, last), None, gamma, smooth(_gained, first, last), mean)


def geometric_brownian(rate: float, scale: float, dim: int = 1) -> AffinePath:
    r"""$dX = \mu X\,dt + \sigma X\,dW$ in the coordinate $\log x$: for positive data, see `Pushforward`.

    $\log x_t = \log x_0 + (\mu - \sigma^2/2)\,t + \sigma\sqrt t\,z$.

    **Arguments:**

    - `rate`: $\mu$, over the whole unit of time.
    - `scale`: $\sigma > 0$, likewise.
    - `dim`: the number of components.

    **Returns:** an `AffinePath` of logarithms, data at time 0.

    **Raises:** `ValueError` if `scale` is not positive.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.geometric_brownian(0.0, 2.0).gamma(1.0)  # 2.0
        ```

    Source: Dale meets Langevin: multiplicative denoising diffusion models (2025), arXiv 2510.02730.
    """
    require(scale > 0, "scale", "must be positive", scale, "pass a number above 0")
    ones = jnp.ones(dim)
    drift = smooth(_line, rate - scale**2 / 2)
    return AffinePath(smooth(constant, 1.0), None, root(_line, scale**2), drift, ones)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def _quadrature(function, t):
    """The integral of a smooth function from 0 to `t`."""
    nodes = jnp.asarray((_NODES + 1) / 2, t.dtype)
    return t * jnp.sum(jnp.asarray(_WEIGHTS / 2, t.dtype) * function(t * nodes))


class _Decay(AbstractParametric):
    """The signal of a linear diffusion."""

    drift: Callable

    def __call__(self, t):
        return jnp.exp(self.log(t))

    def log(self, t):
        return _quadrature(jnp.vectorize(self.drift), t)


class _Variance(AbstractParametric):
    """The variance of a linear diffusion."""

    decay: _Decay
    diffusion: Callable

    def __call__(self, t):
        def at(u):
            return self.diffusion(u) ** 2 * jnp.exp(2 * (self.decay.log(t) - self.decay.log(u)))

        return _quadrature(jnp.vectorize(at), t)


def from_sde(drift: Callable[[RealScalar], Array], diffusion: Callable[[RealScalar], Array]) -> AffinePath:
    r"""The path of $dX = f(t) X\,dt + g(t)\,dW$ on [0, 1], by quadrature: what `AffinePath.linear_sde` undoes.

    $\alpha = e^{\int f}$ and $\gamma^2 = \int_0^t g^2(u)\,(\alpha(t)/\alpha(u))^2\,du$.

    **Arguments:**

    - `drift`, `diffusion`: $f$ and $g$, smooth functions of the time.

    **Returns:** an `AffinePath`, data at time 0.

    !!! example

        ```python
        import sdekit.interpolants as si
        path = si.from_sde(lambda t: -1.0 + 0 * t, lambda t: 1.4 + 0 * t)
        path.alpha(1.0)  # 0.368
        ```

    Source: Song et al. (2021), appendix B.
    """
    decay = _Decay(drift)
    return AffinePath(alpha=SmoothSchedule(decay), gamma=RootSchedule(_Variance(decay, diffusion)))
