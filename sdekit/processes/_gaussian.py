"""Gaussian processes, by dense algebra."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import numpyro.distributions as dist
from jaxtyping import Array, ArrayLike, Bool, Float

from .._errors import require
from .._parameters import constraints, parameter
from .._process import (
    AbstractBridged,
    AbstractConditioned,
    AbstractDensity,
    AbstractGaussianProcess,
    AbstractMarginal,
    AbstractProcess,
)
from .._types import Key, Law, RealScalar, State, Times, as_float
from ..data import Series
from ..math import counter_normal, gaussian_factor, gaussian_log_prob, gaussian_root
from ..paths import Provenance, SampledPath
from ._continue import AbstractContinued
from ._kernels import AbstractKernel
from ._stable import scalars


__all__ = ["AbstractDenseGaussian", "ConditionedGaussian", "GaussianProcess"]


def _extra(process: "AbstractDenseGaussian", ts: Array, dtype: Any) -> Array:
    """What is added to the diagonal before a matrix is factored."""
    default = 1e-5 if jnp.finfo(dtype).bits < 64 else 1e-10
    return (default if process.jitter is None else process.jitter) * process.reference_variance(ts)


def deviations_of(
    process: "AbstractDenseGaussian", ts: Times, ys: Float[Array, " t"]
) -> tuple[Float[Array, " t"], Float[Array, "t t"]]:
    """The values less their means, and their covariance with the jitter of the process."""
    cov = process.covariance(ts, ts)
    return ys - process.mean(ts), cov + jnp.diag(_extra(process, ts, cov.dtype))


def _item(series: Series) -> tuple[Array, Array, Array]:
    require(series.is_item, "series", "must be a single series", series.ys, "index the stack, or map over it")
    require(series.dim == 1, "series", "must have one component", series.ys, "pass values of shape (t,)")
    return series.ts, series.ys[:, 0], series.mask[:, 0]


class AbstractDenseGaussian(
    AbstractGaussianProcess, AbstractDensity, AbstractConditioned, AbstractBridged, AbstractMarginal
):
    """A scalar Gaussian process whose density, conditioning, bridges and draws are by dense algebra, O(t^3) in time.

    A final class gives `mean`, `covariance`, `reference_variance` and `contrasts`.

    !!! example

        ```python
        from sdekit.processes import AbstractDenseGaussian, GaussianProcess, Matern32
        isinstance(GaussianProcess(Matern32()), AbstractDenseGaussian)  # True
        ```
    """

    jitter: eqx.AbstractVar[float | None]
    """Every variance counts `1 + jitter` times where a matrix is factored; `None` for 1e-10 (1e-5 in float32)."""

    @property
    def dim(self) -> int:
        return 1

    def marginal(self, t: RealScalar) -> Law:
        ts = as_float(t)[None]
        return dist.Normal(self.mean(ts), jnp.sqrt(self.covariance(ts, ts)[0])).to_event(1)

    def log_prob(self, record: Series) -> Float[Array, ""]:
        ts, ys, mask = _item(record)
        deviations, cov = self.contrasts(ts, ys, mask)
        return gaussian_log_prob(jnp.zeros_like(deviations), cov, deviations, mask)

    def condition(self, series: Series) -> "ConditionedGaussian":
        return ConditionedGaussian(self, series)

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> AbstractProcess:
        from ._pinned import GaussianProcessBridge

        return GaussianProcessBridge(self, t0, x0, t1, x1)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        cov = self.covariance(ts, ts)
        root = gaussian_root(cov, _extra(self, ts, cov.dtype))
        xs = self.mean(ts) + root @ counter_normal(key, 0, ts.shape, cov.dtype)
        return SampledPath(ts, xs[:, None], Provenance("exact"))

    @abc.abstractmethod
    def reference_variance(self, ts: Times) -> Float[Array, " t"]:
        """The variance at each time before any conditioning: what rounding errors, and so the jitter, scale with."""

    @abc.abstractmethod
    def contrasts(
        self, ts: Times, ys: Float[Array, " t"], mask: Bool[Array, " t"]
    ) -> tuple[Float[Array, " t"], Float[Array, "t t"]]:
        """What `log_prob` is computed from: one combination an observed value, less its mean, and their covariance.

        The map from values to combinations has determinant 1 or -1. `deviations_of` gives the values as they are; a
        process whose covariance is nearly singular gives combinations that depend on one another less.
        """


class GaussianProcess(AbstractDenseGaussian, AbstractContinued):
    """A stationary Gaussian process with a kernel and a constant mean.

    **Arguments:**

    - `kernel`: the covariance function.
    - `mean`: the mean; kept as the field `level`, because `mean(ts)` gives the mean at times.
    - `jitter`: every variance counts `1 + jitter` times where a matrix is factored (in draws, densities and
        conditioning): 1e-10 by default, 1e-5 in float32; 0 for the exact law, which smooth kernels on dense grids
        make singular to rounding (the result is then NaN, never silently repaired).

    Densities integrate missing entries out. For noisy observations wrap it in an observation model.

    Source: Rasmussen and Williams (2006), chapter 2.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.data import Series
        from sdekit.processes import GaussianProcess, Matern32

        process = GaussianProcess(Matern32(scale=1.0, length=2.0), mean=3.0)
        series = Series(jnp.array([0.0, 1.0, 2.5]), jnp.array([3.1, 2.7, 3.9]))
        process.log_prob(series)
        forecast = process.condition(series).sample(jnp.linspace(2.5, 6.0, 10), key=jax.random.key(0), n=100)
        ```
    """

    kernel: AbstractKernel
    level: Float[Array, ""] = parameter()
    jitter: float | None = eqx.field(static=True, default=None)
    summed: ClassVar[bool] = False

    def __init__(self, kernel: AbstractKernel, mean: ArrayLike = 0.0, *, jitter: float | None = None):
        self.kernel, self.jitter = kernel, jitter
        (self.level,) = scalars(mean, like=kernel)

    def mean(self, ts: Times) -> Float[Array, " t"]:
        return jnp.broadcast_to(self.level, ts.shape)

    def covariance(self, ss: Float[Array, " s"], ts: Times) -> Float[Array, "s t"]:
        return self.kernel(ts[None, :] - ss[:, None])

    def reference_variance(self, ts: Times) -> Float[Array, " t"]:
        return self.kernel(jnp.zeros_like(ts))

    def contrasts(self, ts, ys, mask):
        return deviations_of(self, ts, ys)

    def autocovariance(self, lags: Any, step: Any) -> Any:
        return self.kernel(jnp.asarray(lags * step, self.level.dtype))


class ConditionedGaussian(AbstractDenseGaussian):
    """A Gaussian process given a series: what forecasting and interpolation sample from. May be conditioned again.

    **Arguments:**

    - `prior`: the process before.
    - `series`: a single series of one component; entries that are missing count nothing.
    - `noise_variance`: of independent noise on each observation, shape `()` or `(t,)`; none by default.

    Factors the covariance of the observations once, when built, with the jitter of `prior`. Draws and densities have
    that of `prior` or, where it has none, the default of 1e-10 (1e-5 in float32) of the variance before: a draw at an
    observed time misses the observation by 1e-5 (3e-3) standard deviations.

    Source: Rasmussen and Williams (2006), equations 2.23 and 2.24.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Series
        from sdekit.processes import ConditionedGaussian, Exponential, GaussianProcess

        series = Series(jnp.array([0.0, 1.0]), jnp.array([1.0, 2.0]))
        posterior = ConditionedGaussian(GaussianProcess(Exponential()), series, noise_variance=0.1)
        posterior.mean(jnp.array([0.5]))
        ```
    """

    prior: AbstractDenseGaussian
    used: Bool[Array, " t"]
    ts: Float[Array, " t"] = parameter(constraints.real_vector, trainable=False)
    factor: Float[Array, "t t"] = parameter(constraints.real_matrix, trainable=False)
    white: Float[Array, " t"] = parameter(constraints.real_vector, trainable=False)
    jitter: float | None = eqx.field(static=True)

    def __init__(self, prior: AbstractDenseGaussian, series: Series, noise_variance: ArrayLike = 0.0):
        self.ts, ys, mask = _item(series)
        cov = prior.covariance(self.ts, self.ts)
        noise = _extra(prior, self.ts, cov.dtype) + jnp.asarray(noise_variance, cov.dtype)
        self.factor, self.white, self.used = gaussian_factor(prior.mean(self.ts), cov, ys, mask, noise)
        # At observed times the covariance is singular: draws need a jitter where the prior needs none.
        self.prior, self.jitter = prior, prior.jitter or None

    def _gain(self, ts: Times) -> Float[Array, "o t"]:
        cross = jnp.where(self.used[:, None], self.prior.covariance(self.ts, ts), 0)
        return jsl.solve_triangular(self.factor, cross, lower=True)

    def mean(self, ts: Times) -> Float[Array, " t"]:
        return self.prior.mean(ts) + self._gain(ts).T @ self.white

    def covariance(self, ss: Float[Array, " s"], ts: Times) -> Float[Array, "s t"]:
        return self.prior.covariance(ss, ts) - self._gain(ss).T @ self._gain(ts)

    def reference_variance(self, ts: Times) -> Float[Array, " t"]:
        return self.prior.reference_variance(ts)

    def contrasts(self, ts, ys, mask):
        return deviations_of(self, ts, ys)
