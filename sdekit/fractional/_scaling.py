"""Estimators that read the Hurst index off a straight line: some fluctuation against a scale, both in logarithms."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from ..math import cumulative_sum
from ._hurst import AbstractDiagnostic, AbstractHurstEstimator, HurstEstimate
from ._readings import AbstractReading


__all__ = ["DFA", "RescaledRange", "Scaling", "StructureFunctions"]

Sizes = tuple[int, ...]


class Scaling(AbstractDiagnostic):
    r"""Straight lines through logarithms: $\log v_c(s) = b_c + a_c \log s$, one line a moment, with $a_c = p_c H_c$.

    **Arguments:**

    - `log_scales`: $\log s$, shape `(s,)`.
    - `log_values`: $\log v$, shape `(c, s)`.
    - `slopes`, `intercepts`: of the lines, shape `(c,)`.
    - `slope_errors`: standard errors of the slopes, shape `(c,)`.
    - `powers`: how the slopes go with the index, $p_c$, shape `(c,)`.
    - `name`, `scale_name`, `value_name`: what was measured, for figures.

    !!! example

        ```python
        import jax
        from sdekit.fractional import Path, StructureFunctions
        walk = jax.random.normal(jax.random.key(0), (512,)).cumsum()
        StructureFunctions(of=Path())(walk).diagnostic.hursts  # one for each q
        ```
    """

    log_scales: Float[Array, " s"]
    log_values: Float[Array, "c s"]
    slopes: Float[Array, " c"]
    intercepts: Float[Array, " c"]
    slope_errors: Float[Array, " c"]
    powers: Float[Array, " c"]
    name: str = eqx.field(static=True)
    scale_name: str = eqx.field(static=True)
    value_name: str = eqx.field(static=True)

    @property
    def title(self) -> str:
        return self.name

    @property
    def hursts(self) -> Float[Array, " c"]:
        """The index of each line."""
        return self.slopes / self.powers

    @property
    def fitted(self) -> Float[Array, "c s"]:
        """The lines at the scales."""
        return self.intercepts[:, None] + self.slopes[:, None] * self.log_scales[None, :]


def outside(hurst: Float[Array, ""]) -> Array:
    """Whether a line gives an index that no fractional process has, or nearly so."""
    return (hurst < 0.02) | (hurst > 0.98)


def window_sizes(n: int, least: int, most: int, count: int = 14) -> Sizes:
    """About `count` whole numbers in equal ratios."""
    return tuple(int(s) for s in np.unique(np.geomspace(least, max(most, least + 3), count).round()))


def _sizes(given: Sizes | None, default: Sizes, least: int, most: int) -> Sizes:
    sizes = default if given is None else given
    inside = len(sizes) >= 3 and all(least <= s <= most for s in sizes) and len(set(sizes)) == len(sizes)
    problem = f"must be at least 3 different whole numbers between {least} and {most} for this series"
    require(inside, "sizes", problem, sizes, "leave them out, or pass a longer series")
    return sizes


def _whole(xs: tuple) -> Sizes:
    return tuple(int(x) for x in xs)


def _line(x: Float[Array, " s"], ys: Float[Array, "c s"]) -> tuple[Array, Array, Array]:
    """Least squares: slopes, intercepts, standard errors of the slopes."""
    centred = x - jnp.mean(x)
    spread = jnp.sum(centred**2)
    slopes = ys @ centred / spread
    intercepts = jnp.mean(ys, axis=1) - slopes * jnp.mean(x)
    rest = ys - intercepts[:, None] - slopes[:, None] * x[None, :]
    return slopes, intercepts, jnp.sqrt(jnp.sum(rest**2, axis=1) / (x.shape[0] - 2) / spread)


def _one_line(sizes: Sizes, log_values: Float[Array, " s"], title: str, scale_name: str, value_name: str):
    x = jnp.log(jnp.asarray(sizes, log_values.dtype))
    slopes, intercepts, errors = _line(x, log_values[None])
    ones = jnp.ones_like(slopes)
    found = Scaling(x, log_values[None], slopes, intercepts, errors, ones, title, scale_name, value_name)
    return HurstEstimate(slopes[0], errors[0], outside(slopes[0]), found)


class DFA(AbstractHurstEstimator):
    """Detrended fluctuation analysis: the spread about local polynomials against the length of the window.

    Windows are laid from both ends. Biased upwards for rough series, by +0.02 at `H = 0.1` and a thousand values.
    The standard error is that of the regression; points share data, so that it is indicative only.

    **Arguments:**

    - `order`: the degree of the polynomials.
    - `sizes`: lengths of windows; by default fourteen in equal ratios, from 10 to a quarter of the path.
    - `of`: what the series is, `Noise()` or `Path()`; a noise is summed first.

    **Raises:** `ValueError` for a negative order or sizes that do not fit the series.

    Source: Peng et al. (1994), Mosaic organization of DNA nucleotides; Kantelhardt et al. (2001).

    !!! example

        ```python
        import jax
        from sdekit.fractional import DFA, Noise
        DFA(of=Noise())(jax.random.normal(jax.random.key(0), (1024,)))  # about 0.5
        ```
    """

    order: int = eqx.field(static=True, default=1)
    sizes: Sizes | None = eqx.field(static=True, default=None)
    of: AbstractReading = eqx.field(kw_only=True)

    def __check_init__(self):
        require(self.order >= 0, "DFA.order", "must not be negative", self.order, "pass 1")

    def least(self) -> int:
        return 4 * (self.order + 8)

    def estimate(self, x: Float[Array, " n"]) -> HurstEstimate:
        path = self.of.path(x)
        n = path.shape[0]
        first = max(10, self.order + 4) if n >= 80 else self.order + 3
        sizes = _sizes(self.sizes, window_sizes(n, first, n // 4), self.order + 2, n // 2)
        logs = jnp.stack([0.5 * jnp.log(self._variance(path, s)) for s in sizes])
        return _one_line(sizes, logs, "DFA", "window (steps)", "fluctuation")

    def _variance(self, path: Float[Array, " n"], size: int) -> Float[Array, ""]:
        used = path.shape[0] // size * size
        windows = jnp.concatenate([path[:used], path[path.shape[0] - used :]]).reshape(-1, size)
        windows = windows - windows[:, :1]
        powers = np.polynomial.legendre.legvander(np.linspace(-1, 1, size), self.order)
        basis = jnp.asarray(np.linalg.qr(powers)[0], path.dtype)
        return jnp.mean((windows - (windows @ basis) @ basis.T) ** 2)


def _expected_range(size: int) -> float:
    """The expected rescaled range of independent Gaussian values, exactly (Anis and Lloyd 1976, equation 1.3)."""
    i = np.arange(1, size)
    front = math.exp(math.lgamma((size - 1) / 2) - math.lgamma(size / 2)) / math.sqrt(math.pi)
    return float(front * np.sqrt((size - i) / i).sum())


class RescaledRange(AbstractHurstEstimator):
    """Hurst's rescaled range: the range of summed deviations in a window, over the standard deviation in it.

    By default what independent values give is divided out, and the slope of 1/2 put back. Biased towards 1/2 all the
    same, and wide; here because it is the oldest and the literature quotes it. The standard error is that of the
    regression; points share data, so that it is indicative only.

    **Arguments:**

    - `corrected`: whether to divide by the exact expectation for independent Gaussian values.
    - `sizes`: lengths of windows; by default fourteen in equal ratios from 10 to half the series.
    - `of`: what the series is, `Noise()` or `Path()`; a path is differenced first.

    **Raises:** `ValueError` for sizes that do not fit the series.

    Source: Hurst (1951); Anis and Lloyd (1976) for the expectation; Weron (2002), section 2.

    !!! example

        ```python
        import jax
        from sdekit.fractional import Noise, RescaledRange
        RescaledRange(of=Noise())(jax.random.normal(jax.random.key(0), (1024,)))  # about 0.5
        ```
    """

    corrected: bool = eqx.field(static=True, default=True)
    sizes: Sizes | None = eqx.field(static=True, default=None)
    of: AbstractReading = eqx.field(kw_only=True)

    def least(self) -> int:
        return 32

    def estimate(self, x: Float[Array, " n"]) -> HurstEstimate:
        noise = self.of.noise(x)
        n = noise.shape[0]
        path = jnp.concatenate([jnp.zeros(1, noise.dtype), cumulative_sum(noise - jnp.mean(noise))])
        sizes = _sizes(self.sizes, window_sizes(n, 10, n // 2), 3, n)
        logs = jnp.stack([jnp.log(self._ratio(noise, path, s)) for s in sizes])
        if self.corrected:
            usual = np.array([math.log(_expected_range(s)) - 0.5 * math.log(s) for s in sizes])
            logs = logs - jnp.asarray(usual, logs.dtype)
        name = "rescaled range" + (", corrected" if self.corrected else "")
        return _one_line(sizes, logs, "rescaled range", "window (steps)", name)

    def _ratio(self, noise: Float[Array, " n"], path: Float[Array, " m"], size: int) -> Float[Array, ""]:
        windows = noise[: noise.shape[0] // size * size].reshape(-1, size)
        # Sums of deviations in a window: the path less the straight line between its values at the two ends.
        starts = path[: windows.size + 1 : size]
        rise = jnp.asarray(np.arange(size) / size, path.dtype)[None, :] * (starts[1:] - starts[:-1])[:, None]
        sums = path[: windows.size].reshape(-1, size) - starts[:-1, None] - rise
        spread, deviation = jnp.ptp(sums, axis=1), jnp.std(windows, axis=1)
        # A window in which nothing moves has no ratio, and is left out of the mean.
        moves = deviation > 0
        ratio = jnp.where(moves, spread / jnp.where(moves, deviation, 1), 0)
        return jnp.sum(ratio) / jnp.sum(moves)


class StructureFunctions(AbstractHurstEstimator):
    r"""Moments of increments against the lag: $\langle |X_{t+\Delta} - X_t|^q\rangle \sim \Delta^{q H_q}$.

    A monofractal path has the same $H_q$ for every $q$: see `estimate.diagnostic.hursts`. The estimate is the slope of
    $\zeta_q = q H_q$ against $q$ through 0. The standard error is that of the regressions; points share data, so that
    it is indicative only, and here several times too small.

    **Arguments:**

    - `qs`: the moments, positive.
    - `lags`: whole numbers of steps.
    - `of`: what the series is, `Noise()` or `Path()`; a noise is summed first.

    **Raises:** `ValueError` for moments that are not positive, or fewer than three lags.

    Source: Gatheral, Jaisson and Rosenbaum (2018), Volatility is rough, section 2.

    !!! example

        ```python
        import jax
        from sdekit.fractional import Path, StructureFunctions
        walk = jax.random.normal(jax.random.key(0), (1024,)).cumsum()
        StructureFunctions(of=Path())(walk)  # about 0.5
        ```
    """

    qs: tuple[float, ...] = eqx.field(static=True, default=(0.5, 1.0, 2.0), converter=lambda q: tuple(map(float, q)))
    lags: Sizes = eqx.field(static=True, default=tuple(range(1, 31)), converter=_whole)
    of: AbstractReading = eqx.field(kw_only=True)

    def __check_init__(self):
        good = len(self.qs) > 0 and all(q > 0 for q in self.qs)
        require(good, "StructureFunctions.qs", "must be positive", self.qs, "pass e.g. (0.5, 1, 2)")
        good = len(set(self.lags)) == len(self.lags) >= 3 and min(self.lags) >= 1
        require(good, "StructureFunctions.lags", "must be 3 or more different lags", self.lags, "pass range(1, 31)")

    def least(self) -> int:
        return max(self.lags) + 2

    def moments(self, x: Float[ArrayLike, " n"]) -> Float[Array, "q l"]:
        """The moments of the increments, shape `(q, l)`: one row a moment, one column a lag."""
        path = self.of.path(jnp.asarray(x))
        n, at = path.shape[0], jnp.arange(path.shape[0])

        def moment(lag: Array) -> Float[Array, " q"]:
            inside = at < n - lag
            gaps = jnp.where(inside, jnp.abs(path[jnp.minimum(at + lag, n - 1)] - path), 0)
            return jnp.stack([jnp.sum(gaps**q) for q in self.qs]) / (n - lag)

        return jax.lax.map(moment, jnp.asarray(self.lags)).T

    def estimate(self, x: Float[Array, " n"]) -> HurstEstimate:
        logs = jnp.log(self.moments(x))
        lags, qs = jnp.log(jnp.asarray(self.lags, logs.dtype)), jnp.asarray(self.qs, logs.dtype)
        slopes, intercepts, errors = _line(lags, logs)
        names = ("structure functions", "lag (steps)", "moment of increments")
        found = Scaling(lags, logs, slopes, intercepts, errors, qs, *names)
        hurst, error = (jnp.dot(qs, each) / jnp.dot(qs, qs) for each in (slopes, errors))
        return HurstEstimate(hurst, error, outside(hurst), found)
