"""Residuals: over time, their correlations, and their law."""

from typing import Any

import numpy as np
from jaxtyping import ArrayLike
from scipy import stats

from .._errors import require
from ..data import Clock
from ._calibration import _tails, _values, qq
from ._labels import time_axis, user_times
from ._style import FAINT, INK, PALETTE, SOFT, dress, panels, pyplot, styled


__all__ = ["acf", "diagnostics", "residuals"]


@styled
def acf(
    values: ArrayLike, *, ax: Any = None, lags: int | None = None, level: float = 0.95, colour: str = PALETTE[0]
) -> Any:
    r"""The autocorrelation of a series at regular steps, with the band of white noise, $\pm z / \sqrt n$.

    **Arguments:**

    - `values`: a series, shape `(n,)`; NaN is a gap: pairs across it are left out.
    - `ax`: axes to draw on; a new figure if not given.
    - `lags`: the largest lag, below `n`; $10 \log_{10} n$ if not given.
    - `level`: the probability of the band.
    - `colour`: of the stems.

    **Returns:** the axes.

    **Raises:** `ValueError` for fewer than four values, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        ax = plot.acf(jax.random.normal(jax.random.key(0), (200,)))
        ```

    Source: Brockwell and Davis (1991), Time series: theory and methods, section 7.2.
    """
    x = np.asarray(values, np.float64).ravel()
    seen = np.isfinite(x)
    n = int(seen.sum())
    require(n >= 4, "values", "must hold at least 4 values", x, "pass a longer series")
    most = min(len(x) - 1, int(10 * np.log10(n))) if lags is None else lags
    require(1 <= most < len(x), "lags", f"must lie between 1 and {len(x) - 1}", lags, "pass a smaller lag")
    centred = np.where(seen, x - x[seen].mean(), 0.0)
    variance = (centred**2).sum() / n
    rho = np.empty(most)
    for k in range(1, most + 1):
        pairs = (seen[k:] & seen[:-k]).sum()
        # Divided by n where nothing is missing, as usual, so that the estimate is positive definite.
        rho[k - 1] = (centred[k:] * centred[:-k]).sum() / max(pairs + k * n / len(x), 1.0) / variance
    bound = stats.norm.ppf(_tails(level)[1]) / np.sqrt(n)
    (ax,) = panels(1, ax, size=(4.2, 2.6))
    ax.axhspan(-bound, bound, color=FAINT, alpha=0.55, lw=0, zorder=1)
    ax.axhline(0.0, color=SOFT, lw=0.6, zorder=2)
    at = np.arange(1, most + 1)
    ax.vlines(at, 0.0, rho, color=colour, lw=1.2, zorder=3)
    ax.plot(at, rho, "o", color=colour, ms=2.8, mew=0, zorder=4)
    reach = max(1.25 * np.abs(rho).max(), 2.2 * bound)
    ax.set_ylim(-min(reach, 1.05), min(reach, 1.05))
    ax.xaxis.get_major_locator().set_params(integer=True)
    return dress(ax, x="lag", y="autocorrelation")


@styled
def residuals(
    values: ArrayLike,
    ts: ArrayLike | None = None,
    *,
    ax: Any = None,
    clock: Clock | None = None,
    colour: str = PALETTE[0],
) -> Any:
    """Standardised residuals over time, with lines at -2 and 2; those beyond 3 are ringed.

    **Arguments:**

    - `values`: residuals with variance 1 under the model, shape `(n,)`; NaN where missing.
    - `ts`: their times, shape `(n,)`; their number if not given.
    - `ax`: axes to draw on; a new figure if not given.
    - `clock`: gives back the user's own times, e.g. `data.clock`.
    - `colour`: of the points.

    **Returns:** the axes.

    **Raises:** `ValueError` for shapes that do not match, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        ax = plot.residuals(jax.random.normal(jax.random.key(0), (200,)))
        ```
    """
    z = np.asarray(values, np.float64).ravel()
    require(z.size > 0, "values", "must not be empty", z, "pass residuals")
    clock = Clock() if clock is None else clock
    times = np.arange(len(z)) if ts is None else user_times(np.asarray(ts).ravel(), clock)
    require(len(times) == len(z), "ts", f"must hold {len(z)} times", len(times), "pass one time a residual")
    (ax,) = panels(1, ax, size=(6.2, 2.2))
    for level in (-2, 2):
        ax.axhline(level, color=FAINT, lw=0.8, zorder=1)
    ax.axhline(0.0, color=SOFT, lw=0.6, zorder=1)
    ax.plot(times, z, "o", color=colour, ms=2.4 if len(z) <= 500 else 1.4, mew=0, alpha=0.8, zorder=2)
    far = np.abs(np.nan_to_num(z)) > 3
    ax.plot(times[far], z[far], "o", mfc="none", mec=PALETTE[1], mew=0.8, ms=6, zorder=3)
    reach = max(3.3, 1.1 * float(np.nanmax(np.abs(z), initial=0.0)))
    ax.set_ylim(-reach, reach)
    ax.margins(x=0.01)
    label = "number" if ts is None else time_axis(ax, clock)
    return dress(ax, x=label, y="residual")


def _histogram(z: np.ndarray, ax: Any, colour: str) -> None:
    x = _values(z, "values", 3)
    reach = max(3.5, float(np.abs(x).max()))
    bins = int(np.clip(np.sqrt(len(x)), 8, 40))
    ax.hist(x, bins=bins, range=(-reach, reach), density=True, color=colour, alpha=0.45, lw=0, zorder=2)
    grid = np.linspace(-reach, reach, 200)
    ax.plot(grid, stats.norm.pdf(grid), color=INK, lw=0.9, zorder=3)
    ax.annotate(
        "N(0, 1)", (0.62, stats.norm.pdf(0.62)), xytext=(6, 2), textcoords="offset points", fontsize=7.5,
        color=INK,
    )  # fmt: skip
    dress(ax, x="residual", y="density")


@styled
def diagnostics(
    values: ArrayLike,
    ts: ArrayLike | None = None,
    *,
    clock: Clock | None = None,
    lags: int | None = None,
    colour: str = PALETTE[0],
) -> Any:
    """Four views of standardised one-step residuals: over time, their law, their quantiles, their autocorrelation.

    Under the model they are independent and standard normal.

    **Arguments:**

    - `values`: residuals, shape `(n,)`; NaN where missing.
    - `ts`: their times, shape `(n,)`.
    - `clock`: gives back the user's own times, e.g. `data.clock`.
    - `lags`: the largest lag of the autocorrelation.
    - `colour`: of points and bars.

    **Returns:** an array of four axes of a new figure.

    **Raises:** `ValueError` for fewer than four residuals, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        axes = plot.diagnostics(jax.random.normal(jax.random.key(0), (200,)))
        ```
    """
    figure = pyplot().figure(figsize=(7.4, 4.6))
    grid = figure.add_gridspec(2, 3, height_ratios=(1.0, 1.15))
    top = figure.add_subplot(grid[0, :])
    below = [figure.add_subplot(grid[1, k]) for k in range(3)]
    residuals(values, ts, ax=top, clock=clock, colour=colour)
    _histogram(np.asarray(values), below[0], colour)
    qq(values, ax=below[1], colour=colour)
    acf(values, ax=below[2], lags=lags, colour=colour)
    below[1].set_xlabel("standard normal quantile", color=SOFT)
    below[1].set_ylabel("residual quantile", color=SOFT)
    return np.array([top, *below], object)
