"""Fractional Brownian motion and the fractional Ornstein-Uhlenbeck process, exactly."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, ArrayLike, Float

from .._errors import fault, require
from .._parameters import constraints, law_field, parameter
from .._process import AbstractGaussianProcess, AbstractGridded, AbstractProcess, AbstractStationary
from .._types import Key, Law, Times, as_vector, is_concrete
from ..math import (
    circulant_sample,
    circulant_spectrum,
    counter_normal,
    cumulative_sum,
    fbm_covariance,
    fbm_increment_covariance,
    fgn_autocovariance,
    fou_autocovariance,
    fou_innovation_covariance,
    fou_memory,
    fou_started_covariance,
    time_gaps,
)
from ..paths import Provenance, SampledPath
from ._continue import AbstractContinued
from ._fixed import components
from ._gaussian import AbstractDenseGaussian, deviations_of
from ._intervals import intervals
from ._stable import scalars


__all__ = ["FractionalBrownianMotion", "FractionalOrnsteinUhlenbeck"]

_HURST = constraints.open_interval(0.0, 1.0)
_LEAD = 4
"""A grid that starts late is drawn from time 0 on if that makes it at most this much longer."""
_LONGEST = 2**20
"""The most lags of an embedding that is longer than it need be for the grid."""


def _regular_step(ts: np.ndarray) -> tuple[float, float] | None:
    """The step of evenly spaced times and how far they are from it; `None` if that is more than their rounding."""
    if len(ts) < 2:
        return None
    times = np.asarray(ts, np.float64)
    step = (times[-1] - times[0]) / (len(times) - 1)
    rounding = 4 * float(np.finfo(ts.dtype).eps if ts.dtype.kind == "f" else 0.0) * np.abs(times).max()
    even = np.abs(times - (times[0] + step * np.arange(len(times)))).max() <= rounding
    return (float(step), float(rounding)) if even and rounding < step / 4 else None


def _grid_from_zero(ts: np.ndarray) -> tuple[float, int] | None:
    """The step of a regular grid that continues one from time 0, and how many points that adds in front."""
    regular = _regular_step(ts)
    if regular is None:
        return None
    step, rounding = regular
    lead = round(float(ts[0]) / step)
    fits = 0 <= lead <= _LEAD * len(ts) and abs(float(ts[0]) - lead * step) <= rounding * (1 + lead)
    return (step, lead) if fits else None


class _GriddedBrownian(AbstractProcess):
    """Fractional Brownian motion on a regular grid from time 0: sums of circulant noise."""

    process: "FractionalBrownianMotion"
    root: Float[Array, " size"]
    step: Float[Array, ""]
    lead: int
    dim: ClassVar[int] = 1

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        noise = circulant_sample(self.root, key, self.lead + ts.shape[0] - 1)
        sums = jnp.concatenate([jnp.zeros(1, noise.dtype), cumulative_sum(noise)])[self.lead :]
        xs = self.process.scale * self.step**self.process.hurst * sums
        return SampledPath(ts, xs[:, None], Provenance("exact"))


class _Rooted(AbstractProcess):
    """A Gaussian process at given times, by a root of its covariance that was found in float64 on the host."""

    process: AbstractGaussianProcess
    root: Float[Array, "t t"]
    dim: ClassVar[int] = 1

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        xs = self.process.mean(ts) + self.root @ counter_normal(key, 0, ts.shape, self.root.dtype)
        return SampledPath(ts, xs[:, None], Provenance("exact"))


def _rooted(process: AbstractGaussianProcess, cov: np.ndarray, dtype: Any) -> AbstractProcess:
    # Eigenvectors and not Cholesky: rows without variance, and paths so smooth that the matrix is singular, are fine.
    values, vectors = np.linalg.eigh(cov)
    return _Rooted(process, jnp.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), dtype))


class FractionalBrownianMotion(AbstractDenseGaussian, AbstractContinued, AbstractGridded):
    r"""Fractional Brownian motion: centred, Gaussian, $E[B_s B_t] = \frac{\sigma^2}{2}(|s|^{2H}+|t|^{2H}-|t-s|^{2H})$.

    Starts at 0 at time 0 and has variance $\sigma^2$ at time 1 (not the variance of the Mandelbrot-Van Ness integral
    with a Gamma function in front). Brownian motion for `hurst = 1/2`, rough below, persistent above.

    **Arguments:**

    - `hurst`: the Hurst index $H$ in (0, 1).
    - `scale`: the standard deviation $\sigma$ at time 1.

    `sample` draws in O(t log t) on regular grids that start at 0 or a whole number of steps later; elsewhere by a dense
    root of the covariance, O(t^3) once and O(t^2) a path. Both are found in float64 on the host and are exact; they
    give different paths for the same key. Where times or parameters are traced (inside `jit`) it takes Cholesky in the
    dtype of the model. Densities are exact, by Cholesky without jitter of the covariance of the increments: float32
    agrees with float64 to 0.01 for 1000 times, for every `hurst` from 0.02 to 0.98.

    Source: Mandelbrot and Van Ness (1968); Davies and Harte (1987) for the regular grid.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import FractionalBrownianMotion
        FractionalBrownianMotion(hurst=0.3).sample(jnp.linspace(0.0, 1.0, 101), key=jax.random.key(0), n=10)
        ```
    """

    hurst: Float[Array, ""] = parameter(_HURST)
    scale: Float[Array, ""] = parameter(constraints.positive)
    jitter: ClassVar[float | None] = 0.0
    summed: ClassVar[bool] = True

    def __init__(self, hurst: ArrayLike, scale: ArrayLike = 1.0):
        self.hurst, self.scale = scalars(hurst, scale)

    def mean(self, ts: Times) -> Float[Array, " t"]:
        return jnp.zeros(ts.shape, jnp.result_type(ts, self.scale))

    def covariance(self, ss: Float[Array, " s"], ts: Times) -> Float[Array, "s t"]:
        return self.scale**2 * fbm_covariance(self.hurst, ss, ts)

    def reference_variance(self, ts: Times) -> Float[Array, " t"]:
        return self.scale**2 * jax.vmap(lambda t: fbm_covariance(self.hurst, t[None], t[None])[0, 0])(ts)

    def contrasts(self, ts, ys, mask):
        at = intervals(ts, mask)
        ys = jnp.where(mask, ys, 0)
        gained = jnp.where(at.late, 1, -1) * (ys - jnp.where(at.has, ys[at.neighbour], 0))
        return gained, self.scale**2 * fbm_increment_covariance(self.hurst, at.starts, at.ends)

    def autocovariance(self, lags: Any, step: Any) -> Any:
        return (self.scale * step**self.hurst) ** 2 * fgn_autocovariance(self.hurst, lags)

    def on_grid(self, ts: np.ndarray) -> AbstractProcess:
        grid = _grid_from_zero(ts)
        dtype = jnp.result_type(jnp.asarray(ts), self.hurst, self.scale)
        if grid is None:
            times = np.asarray(ts, np.float64)
            return _rooted(self, float(self.scale) ** 2 * fbm_covariance(self.hurst, times, times), dtype)
        step, lead = grid
        root = circulant_spectrum(lambda k: fgn_autocovariance(self.hurst, k), lead + len(ts) - 1)
        return _GriddedBrownian(self, jnp.asarray(root, dtype), jnp.asarray(step, dtype), lead)


class _GriddedOU(AbstractProcess):
    """A fractional Ornstein-Uhlenbeck process on a regular grid: circulant draws of the stationary process."""

    process: "FractionalOrnsteinUhlenbeck"
    root: Float[Array, " size"]
    lead: int
    dim: ClassVar[int] = 1

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        p, (first, rest) = self.process, jax.random.split(key)
        z = p._spread() * circulant_sample(self.root, rest, self.lead + ts.shape[0])
        if p.start is None:
            xs = p.level + z
        else:
            # The process from a fixed start is the stationary one less what is left of its own start.
            decay = jnp.exp(-p.rate * ts)
            xs = p.level + z[self.lead :] + decay * (jnp.asarray(p.start.sample(first), z.dtype)[0] - p.level - z[0])
        return SampledPath(ts, xs[:, None], Provenance("exact"))


class FractionalOrnsteinUhlenbeck(AbstractDenseGaussian, AbstractStationary, AbstractContinued, AbstractGridded):
    r"""$dX = \theta(\mu - X)\,dt + \sigma\,dB^H$, driven by fractional Brownian motion of unit variance at time 1.

    Stationary by default. The covariance is exact for every Hurst index (`sdekit.math.fou_autocovariance`), as are
    draws and densities; equal to the Ornstein-Uhlenbeck process for `hurst = 1/2`.

    **Arguments:**

    - `hurst`: the Hurst index $H$ in (0, 1).
    - `rate`: $\theta$, positive, per unit of time.
    - `mean`: the long-run mean $\mu$; kept as the field `level`, because `mean(ts)` gives the mean at times.
    - `scale`: $\sigma$, positive.
    - `start`: the state at time 0: a number, or a Gaussian law of event shape `(1,)` (`Delta` or `Normal`)
        independent of the noise after time 0; times are then not negative. `None` for the stationary process, whose
        state at any time depends on the noise before.

    `sample` and densities work as those of `FractionalBrownianMotion`; stationary paths may start at any time of a
    regular grid. In float32, densities are those of the noise between observations, and agree with float64
    to 0.03 for 1000 times (the worst is `hurst = 0.98` on random times; 0.01 on regular grids).

    **Raises:** `ValueError` for a `start` that is not Gaussian.

    Source: Cheridito, Kawaguchi and Maejima (2003).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import FractionalOrnsteinUhlenbeck
        process = FractionalOrnsteinUhlenbeck(hurst=0.7, rate=1.0, mean=0.0, scale=1.0)
        process.sample(jnp.linspace(0.0, 10.0, 101), key=jax.random.key(0), n=10)
        ```
    """

    hurst: Float[Array, ""] = parameter(_HURST)
    rate: Float[Array, ""] = parameter(constraints.positive)
    level: Float[Array, ""] = parameter()
    scale: Float[Array, ""] = parameter(constraints.positive)
    start: Law | None = law_field()
    jitter: ClassVar[float | None] = 0.0
    summed: ClassVar[bool] = False

    def __init__(
        self,
        hurst: ArrayLike,
        rate: ArrayLike,
        mean: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        start: Law | ArrayLike | None = None,
    ):
        self.hurst, self.rate, self.level, self.scale = scalars(hurst, rate, mean, scale)
        law = (
            start
            if start is None or isinstance(start, dist.Distribution)
            else dist.Delta(as_vector(scalars(start, like=self.rate)[0]), event_dim=1)
        )
        if law is not None and not isinstance(components(law), dist.Delta | dist.Normal):
            problem = "must be a number, Delta or Normal"
            raise ValueError(fault("FractionalOrnsteinUhlenbeck.start", problem, law, "pass the state at time 0"))
        self.start = law

    def _spread(self) -> Float[Array, ""]:
        return self.scale * self.rate**-self.hurst

    def _stationary_variance(self) -> Float[Array, ""]:
        return self._spread() ** 2 * jnp.exp(jax.scipy.special.gammaln(2 * self.hurst + 1)) / 2

    def stationary(self) -> Law:
        return dist.Normal(self.level, jnp.sqrt(self._stationary_variance())).expand([1]).to_event(1)

    def mean(self, ts: Times) -> Float[Array, " t"]:
        if self.start is None:
            return jnp.broadcast_to(self.level, ts.shape)
        return self.level + (jnp.asarray(self.start.mean, self.rate.dtype)[0] - self.level) * jnp.exp(-self.rate * ts)

    def covariance(self, ss: Float[Array, " s"], ts: Times) -> Float[Array, "s t"]:
        return self._covariance(jnp.asarray, ss, ts)

    def _covariance(self, number: Any, ss: Any, ts: Any) -> Any:
        """The covariance in JAX, or in float64 on the host with `number = np.float64` and NumPy times."""
        hurst, rate, scale = (number(x) for x in (self.hurst, self.rate, self.scale))
        unit = (scale * rate**-hurst) ** 2
        if self.start is None:
            return unit * fou_autocovariance(hurst, rate * time_gaps(ss, ts))
        spread = number(jnp.asarray(self.start.variance, self.rate.dtype)[0])
        decay = (np if number is np.float64 else jnp).exp(-rate * (ss[:, None] + ts[None, :]))
        return unit * fou_started_covariance(hurst, rate, ss, ts) + spread * decay

    def reference_variance(self, ts: Times) -> Float[Array, " t"]:
        if self.start is None:
            return jnp.broadcast_to(self._stationary_variance(), ts.shape)
        return jax.vmap(lambda t: self.covariance(t[None], t[None])[0, 0])(ts)

    def contrasts(self, ts, ys, mask):
        if jnp.finfo(jnp.result_type(ts, self.rate)).bits == 64:
            return deviations_of(self, ts, ys)
        # In single precision what the noise adds between observations, which keeps the digits that rho has lost.
        # From the first observation on, or from time 0 where the process starts there.
        origin = 0.0 if self.start is not None else ts[jnp.argmax(mask)]
        at = intervals(ts - origin, mask)
        z = jnp.where(mask, ys - self.mean(ts), 0)
        decay = jnp.exp(-self.rate * (at.ends - at.starts))
        left = jnp.where(at.has, z[at.neighbour], 0)
        cov = self._spread() ** 2 * fou_innovation_covariance(self.hurst, self.rate * at.starts, self.rate * at.ends)
        first = (~at.has & mask).astype(cov.dtype)
        if self.start is not None:
            variance = jnp.asarray(self.start.variance, cov.dtype)[0]
            return z - decay * left, cov + variance * jnp.diag((first * decay) ** 2)
        row = self._spread() ** 2 * fou_memory(self.hurst, self.rate * at.starts, self.rate * at.ends)
        either = first[:, None] + first[None, :]
        cov = jnp.where(either > 0, first[:, None] * row[None, :] + first[None, :] * row[:, None], cov)
        return z - decay * left, jnp.where(jnp.diag(first > 0), self._stationary_variance(), cov)

    def autocovariance(self, lags: Any, step: Any) -> Any:
        remedy = "leave `start` out for the stationary process, or draw from `process.condition(series)`"
        require(self.start is None, "FractionalOrnsteinUhlenbeck.start", "must be None to continue", self.start, remedy)
        known = is_concrete((self.rate, step))
        x = float(self.rate) * float(step) * lags if known else self.rate * step * lags
        return self._spread() ** 2 * fou_autocovariance(self.hurst, x)

    def on_grid(self, ts: np.ndarray) -> AbstractProcess:
        dtype = jnp.result_type(jnp.asarray(ts), self.hurst, self.rate, self.scale)
        regular = _regular_step(ts) if self.start is None else _grid_from_zero(ts)
        if regular is not None:
            lead = 0 if self.start is None else int(regular[1])
            x, size = float(self.rate) * regular[0], lead + len(ts)
            # Smooth processes embed only in much longer circulants; beyond a million points that is no gain.
            extend = max(0, min(8, int(np.log2(_LONGEST / size))))
            try:
                root = circulant_spectrum(lambda k: fou_autocovariance(self.hurst, x * k), size, extend=extend)
            except ValueError:  # not even then: a dense root is exact as well
                pass
            else:
                return _GriddedOU(self, jnp.asarray(root, dtype), lead)
        times = np.asarray(ts, np.float64)
        return _rooted(self, self._covariance(np.float64, times, times), dtype)
