r"""Likelihood estimators of the Hurst index: exact, and Whittle's.

Mean and scale are profiled out, so that one dimension is left; its maximum is a zero of the score.
"""

import math
from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..math import toeplitz_whiten
from ._hurst import AbstractDiagnostic, AbstractHurstEstimator, HurstEstimate
from ._readings import AbstractReading
from ._sequences import FGN, AbstractSequence


__all__ = ["AbstractLikelihoodFit", "ExactLikelihood", "ExactMLE", "Whittle", "WhittleLikelihood"]

_LOW, _HIGH = 0.002, 0.998
"""Where the maximum is looked for."""
_STEPS = 40
_STARTS = tuple(np.linspace(0.06, 0.94, 9))

Hurst = Float[Array, ""]


class AbstractLikelihoodFit(AbstractDiagnostic):
    """A log-likelihood of the Hurst index with the scale profiled out: call it at any index.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.fractional import Noise, Whittle
        estimate = Whittle(of=Noise())(jax.random.normal(jax.random.key(0), (512,)))
        jax.vmap(estimate.diagnostic)(jnp.array([0.4, 0.5, 0.6]))
        ```
    """

    @abstractmethod
    def __call__(self, hurst: Hurst) -> Float[Array, ""]:
        """The log-likelihood at the best scale (and mean)."""

    @abstractmethod
    def information(self, hurst: Hurst) -> Float[Array, ""]:
        """The Fisher information about the index, less what is spent on the scale."""

    @abstractmethod
    def scale(self, hurst: Hurst) -> Float[Array, ""]:
        """The best scale at an index, in the units of the series, for steps of length 1."""


def _frequencies(n: int) -> np.ndarray:
    return 2 * np.pi * np.arange(1, (n - 1) // 2 + 1) / n


def _information(sequence: AbstractSequence, hurst: Hurst, n: int) -> Float[Array, ""]:
    """The sum over Fourier frequencies of the squared slope of the log-spectrum, less its mean: that is the scale's."""
    w = jnp.asarray(_frequencies(n), hurst.dtype)
    _, slope = jax.jvp(lambda h: sequence.log_spectrum(h, w), (hurst,), (jnp.ones_like(hurst),))
    return jnp.sum((slope - jnp.mean(slope)) ** 2)


class WhittleLikelihood(AbstractLikelihoodFit):
    r"""Whittle's log-likelihood: at Fourier frequencies the periodogram is exponential with the spectrum as its mean.

    $\ell(H) = -\sum_j [\log\hat\sigma^2 f_H(w_j) + 1]$, $\hat\sigma^2 = \frac1m\sum_j I_j / f_H(w_j)$.

    **Arguments:**

    - `sequence`: the family of spectra.
    - `periodogram`: $I_j = |\sum_t x_t e^{-i w_j t}|^2 / (2\pi n)$ at the Fourier frequencies $w_j = 2 \pi j/n$ between
        0 and $\pi$, shape `(m,)`.
    - `length`: $n$.

    Source: Whittle (1953); Beran (1994), section 6.1.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fractional import FGN, WhittleLikelihood
        WhittleLikelihood(FGN(), jnp.ones(31), 64)(jnp.array(0.6))
        ```
    """

    sequence: AbstractSequence
    periodogram: Float[Array, " m"]
    length: int = eqx.field(static=True)

    @property
    def title(self) -> str:
        return "Whittle likelihood"

    @property
    def frequencies(self) -> Float[Array, " m"]:
        """The Fourier frequencies, in radians a step."""
        return jnp.asarray(_frequencies(self.length), self.periodogram.dtype)

    def log_spectrum(self, hurst: Hurst) -> Float[Array, " m"]:
        """The fitted log-spectrum at an index, with the best scale."""
        return self.sequence.log_spectrum(hurst, self.frequencies) + 2 * jnp.log(self.scale(hurst))

    def scale(self, hurst: Hurst) -> Float[Array, ""]:
        shape = self.sequence.log_spectrum(hurst, self.frequencies)
        return jnp.sqrt(jnp.mean(self.periodogram * jnp.exp(-shape)))

    def __call__(self, hurst: Hurst) -> Float[Array, ""]:
        return -jnp.sum(self.log_spectrum(hurst) + 1)

    def information(self, hurst: Hurst) -> Float[Array, ""]:
        return _information(self.sequence, hurst, self.length)


class ExactLikelihood(AbstractLikelihoodFit):
    r"""The Gaussian log-likelihood of a stationary sequence, at the best mean and scale.

    With $L$ the Cholesky factor of the correlation matrix,
    $\ell(H) = -\frac n2[\log(2\pi\hat\sigma^2) + 1] - \log\det L$ and $n\hat\sigma^2 = |L^{-1}(x - \hat\mu)|^2$, where
    $\hat\mu$ is the mean by generalised least squares.

    **Arguments:**

    - `sequence`: the family of autocovariances.
    - `x`: the series, shape `(n,)`.

    Source: Dahlhaus (1989), Efficient parameter estimation for self-similar processes; Beran (1994), chapter 5.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.fractional import ExactLikelihood, FGN
        ExactLikelihood(FGN(), jax.random.normal(jax.random.key(0), (64,)))(jnp.array(0.6))
        ```
    """

    sequence: AbstractSequence
    x: Float[Array, " n"]

    @property
    def title(self) -> str:
        return "exact likelihood"

    def _parts(self, hurst: Hurst) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
        n = self.x.shape[0]
        both = jnp.stack([self.x, jnp.ones_like(self.x)], axis=1)
        white, log_det = toeplitz_whiten(self.sequence.autocovariance(hurst, n), both)
        y, one = white[:, 0], white[:, 1]
        mean = jnp.dot(one, y) / jnp.dot(one, one)
        return mean, jnp.mean((y - mean * one) ** 2), log_det

    def mean(self, hurst: Hurst) -> Float[Array, ""]:
        """The best mean at an index."""
        return self._parts(hurst)[0]

    def scale(self, hurst: Hurst) -> Float[Array, ""]:
        return jnp.sqrt(self._parts(hurst)[1])

    def __call__(self, hurst: Hurst) -> Float[Array, ""]:
        _, variance, log_det = self._parts(hurst)
        return -0.5 * (self.x.shape[0] * (jnp.log(2 * math.pi * variance) + 1) + log_det)

    def information(self, hurst: Hurst) -> Float[Array, ""]:
        return _information(self.sequence, hurst, self.x.shape[0])


def _maximise(
    score: Callable[[Hurst], Hurst], information: Callable[[Hurst], Hurst], start: Hurst, low: Hurst, high: Hurst
) -> Hurst:
    """A zero of a falling score in a bracket: Fisher scoring at first, then secants; bisection where these leave it."""
    tolerance = 0.03 * float(np.sqrt(np.finfo(start.dtype).eps))

    def unfinished(state):
        count, *_, moved = state
        return (count < _STEPS) & (moved > tolerance)

    def step(state):
        count, low, high, x, before, score_before, _ = state
        s, expected = score(x), information(x)
        low, high = jnp.where(s > 0, x, low), jnp.where(s > 0, high, x)
        secant = (score_before - s) / jnp.where(x == before, 1, x - before)
        sound = (count > 0) & (secant > 0.2 * expected) & (secant < 5 * expected)
        new = x + s / jnp.where(sound, secant, expected)
        # Not `clip`: towards an end of the bracket by halves, so that a score without a zero leads to the edge.
        new = jnp.where(new >= high, 0.5 * (x + high), jnp.where(new <= low, 0.5 * (x + low), new))
        return count + 1, low, high, new, x, s, jnp.abs(new - x)

    zero = jnp.zeros_like(start)
    state = (0, low, high, start, start, zero, zero + 1)
    return jax.lax.while_loop(unfinished, step, state)[3]


def _score(fit: AbstractLikelihoodFit) -> Callable[[Hurst], Hurst]:
    return lambda h: jax.jvp(fit, (h,), (jnp.ones_like(h),))[1]


def _edges(dtype: np.dtype) -> tuple[Array, Array]:
    return jnp.asarray(_LOW, dtype), jnp.asarray(_HIGH, dtype)


def _finish(fit: AbstractLikelihoodFit, hurst: Hurst) -> HurstEstimate:
    low, high = _edges(hurst.dtype)
    edge = (hurst < 2 * low) | (hurst > 2 * high - 1)
    return HurstEstimate(hurst, 1 / jnp.sqrt(fit.information(hurst)), edge, fit)


def _whittle(sequence: AbstractSequence, y: Float[Array, " n"]) -> WhittleLikelihood:
    n = y.shape[0]
    waves = jnp.fft.rfft(y - jnp.mean(y))[1 : (n - 1) // 2 + 1]
    return WhittleLikelihood(sequence, (waves.real**2 + waves.imag**2) / (2 * math.pi * n), n)


def _best_whittle(fit: WhittleLikelihood) -> Hurst:
    """From the best of a few indices, between its neighbours: other models may have several maxima on other data."""
    dtype = fit.periodogram.dtype
    starts = jnp.asarray(_STARTS, dtype)
    best = jnp.argmax(jax.vmap(fit)(starts))
    low, high = _edges(dtype)
    ends = jnp.concatenate([low[None], starts, high[None]])
    return _maximise(_score(fit), fit.information, starts[best], ends[best], ends[best + 2])


class Whittle(AbstractHurstEstimator):
    """The Hurst index that maximises Whittle's likelihood, with the scale profiled out. O(n log n).

    Nearly as good as the exact likelihood for a noise of a few hundred values or more, whatever its mean; the standard
    error is from the Fisher information, and holds if the sequence is what it is said to be.

    **Arguments:**

    - `sequence`: the family of spectra: `FGN()`, `ARFIMA()`, `FOU(rate)`.
    - `of`: what the series is, `Noise()` or `Path()`.

    Source: Whittle (1953); Paxson (1997), whose approximate sum is exact here; Fox and Taqqu (1986), theorem 2.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.fractional import Path, Whittle
        from sdekit.processes import FractionalBrownianMotion
        path = FractionalBrownianMotion(hurst=0.3).sample(jnp.linspace(0.0, 1.0, 513), key=jax.random.key(0))
        Whittle(of=Path())(path.xs[:, 0])  # about 0.3
        ```
    """

    sequence: AbstractSequence = FGN()
    of: AbstractReading = eqx.field(kw_only=True)

    def least(self) -> int:
        return 16

    def estimate(self, x: Float[Array, " n"]) -> HurstEstimate:
        fit = _whittle(self.sequence, self.of.noise(x))
        return _finish(fit, _best_whittle(fit))


class ExactMLE(AbstractHurstEstimator):
    """The Hurst index that maximises the exact Gaussian likelihood, with mean and scale profiled out. O(n^2).

    Starts at Whittle's estimate; about five evaluations of the score lead to the maximum. The standard error is from
    the Fisher information of the sequence (its large-sample form), and holds if the sequence is what it is said to be.

    **Arguments:**

    - `sequence`: the family of autocovariances: `FGN()`, `ARFIMA()`, `FOU(rate)`.
    - `of`: what the series is, `Noise()` or `Path()`.

    Source: Dahlhaus (1989), Efficient parameter estimation for self-similar processes, theorem 3.2.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.fractional import ExactMLE, Path
        from sdekit.processes import FractionalBrownianMotion
        path = FractionalBrownianMotion(hurst=0.3).sample(jnp.linspace(0.0, 1.0, 513), key=jax.random.key(0))
        ExactMLE(of=Path())(path.xs[:, 0])  # about 0.3
        ```
    """

    sequence: AbstractSequence = FGN()
    of: AbstractReading = eqx.field(kw_only=True)

    def least(self) -> int:
        return 16

    def estimate(self, x: Float[Array, " n"]) -> HurstEstimate:
        y = self.of.noise(x)
        fit = ExactLikelihood(self.sequence, y)
        start = jnp.clip(_best_whittle(_whittle(self.sequence, y)), 0.03, 0.97)
        return _finish(fit, _maximise(_score(fit), fit.information, start, *_edges(y.dtype)))
