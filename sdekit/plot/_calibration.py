"""Laws against samples: quantiles and probability integral transforms."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import ArrayLike
from scipy import stats

from .._errors import require
from ._style import FAINT, INK, PALETTE, SOFT, dress, panels, styled


__all__ = ["pit", "qq"]


def _values(x: ArrayLike, name: str, least: int) -> np.ndarray:
    x = np.asarray(x, np.float64).ravel()
    x = x[~np.isnan(x)]
    require(x.size >= least, name, f"must hold at least {least} values", x, "pass more")
    return x


@styled
def qq(
    samples: ArrayLike,
    law: Callable[[np.ndarray], Any] | ArrayLike | None = None,
    *,
    ax: Any = None,
    level: float = 0.95,
    most: int = 2000,
    colour: str = PALETTE[0],
) -> Any:
    """Quantiles of samples against those of a law, with a pointwise band.

    **Arguments:**

    - `samples`: independent draws, any shape; NaN is left out.
    - `law`: the quantile function (inverse of the distribution function), vectorised; or a second sample; the standard
        normal law if not given.
    - `ax`: axes to draw on; a new figure if not given.
    - `level`: the probability of the band, exact for each order statistic of draws from the law.
    - `most`: draw no more than so many points.
    - `colour`: of the points.

    **Returns:** the axes.

    **Raises:** `ValueError` for fewer than three values, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        ax = plot.qq(jax.random.normal(jax.random.key(0), (200,)))
        ```

    Source: Aldor-Noiman et al. (2013), The power to see: a new graphical test of normality, section 2.
    """
    x = np.sort(_values(samples, "samples", 3))
    n, xlabel = len(x), "quantile of the law"
    if law is None:
        quantile, xlabel = stats.norm.ppf, "quantile of the standard normal law"
    elif callable(law):
        quantile = law
    else:
        other = _values(law, "law", 3)
        quantile, xlabel = lambda p: np.quantile(other, p, method="weibull"), "quantile of the second sample"
    rank = np.arange(1, n + 1)
    low, high = (np.asarray(quantile(stats.beta.ppf(p, rank, n + 1 - rank))) for p in _tails(level))
    theory = np.asarray(quantile(rank / (n + 1)))
    shown = np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))
    (ax,) = panels(1, ax, size=(3.6, 3.5))
    ax.fill_between(theory, low, high, color=FAINT, alpha=0.55, lw=0, zorder=1)
    ends = theory[[0, -1]]
    ax.plot(ends, ends, color=SOFT, lw=0.7, zorder=2)
    ax.plot(theory[shown], x[shown], "o", color=colour, ms=2.6, mew=0, alpha=0.85, zorder=3)
    ax.annotate(
        f"{100 * level:g}% band", (0.97, 0.04), xycoords="axes fraction", ha="right", va="bottom", fontsize=7.5,
        color=SOFT,
    )  # fmt: skip
    return dress(ax, x=xlabel, y="quantile of the sample")


def _tails(level: float) -> tuple[float, float]:
    require(0 < level < 1, "level", "must lie between 0 and 1", level, "pass e.g. 0.95")
    return (1 - level) / 2, (1 + level) / 2


@styled
def pit(values: ArrayLike, *, ax: Any = None, bins: int = 10, level: float = 0.95, colour: str = PALETTE[0]) -> Any:
    """A histogram of probability integral transforms, with the band where bars fall if the forecast is calibrated.

    A hump is a forecast too wide, a bowl one too narrow, a slope one that is biased.

    **Arguments:**

    - `values`: transforms in [0, 1], e.g. of `sdekit.evaluate.pit`, any shape; NaN is left out.
    - `ax`: axes to draw on; a new figure if not given.
    - `bins`: the number of bars.
    - `level`: the probability of the band of each bar, binomial, for independent values.
    - `colour`: of the bars.

    **Returns:** the axes.

    **Raises:** `ValueError` for values outside [0, 1], `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        ax = plot.pit(jax.random.uniform(jax.random.key(0), (500,)))
        ```

    Source: Gneiting, Balabdaoui and Raftery (2007), Probabilistic forecasts, calibration and sharpness.
    """
    u = _values(values, "values", 2)
    require(bool(((u >= 0) & (u <= 1)).all()), "values", "must lie in [0, 1]", u, "pass probabilities")
    require(bins >= 2, "bins", "must be at least 2", bins, "pass e.g. 10")
    counts, edges = np.histogram(u, bins=bins, range=(0.0, 1.0))
    scale = bins / len(u)
    low, high = (scale * stats.binom.ppf(p, len(u), 1 / bins) for p in _tails(level))
    (ax,) = panels(1, ax, size=(4.2, 2.8))
    ax.bar(edges[:-1], scale * counts, width=1 / bins, align="edge", color=colour, alpha=0.45, lw=0, zorder=2)
    ax.bar(edges[:-1], scale * counts, width=1 / bins, align="edge", fill=False, ec="white", lw=1.0, zorder=2.1)
    ax.axhspan(low, high, color=INK, alpha=0.08, lw=0, zorder=3)
    ax.axhline(1.0, color=INK, lw=0.7, zorder=3.1)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, max(1.15 * high, 1.08 * scale * counts.max()))
    ax.annotate(
        f"{100 * level:g}% band", (1.0, high), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5,
        color=SOFT, annotation_clip=False,
    )  # fmt: skip
    ax.annotate(
        "uniform", (1.0, 1.0), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5, color=INK,
        annotation_clip=False,
    )  # fmt: skip
    return dress(ax, x="probability integral transform", y="relative frequency")
