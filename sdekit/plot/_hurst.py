"""What an estimate of the Hurst index was read off: a spectrum, a likelihood, or straight lines."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from .._errors import fault, require
from ..fractional import AbstractDiagnostic, AbstractLikelihoodFit, HurstEstimate, Scaling, WhittleLikelihood
from ._labels import end_labels
from ._style import FAINT, PALETTE, SOFT, dress, panels, pyplot, styled


__all__ = ["hurst", "profile_likelihood", "scaling", "spectrum"]


_Kind = TypeVar("_Kind", bound=AbstractDiagnostic)


def _read(estimate: HurstEstimate, kind: type[_Kind], what: str, remedy: str) -> _Kind:
    require(np.ndim(estimate.hurst) == 0, "estimate", "must be of one series", estimate.hurst, "index the batch")
    if not isinstance(estimate.diagnostic, kind):
        raise TypeError(fault("estimate", f"has no {what}", estimate.diagnostic.title, remedy))
    return estimate.diagnostic


def _result(estimate: HurstEstimate) -> str:
    return f"H = {float(estimate.hurst):.3f} ± {float(estimate.standard_error):.3f}"


def _plain_ticks(axis: Any) -> None:
    """Few ticks with plain numbers on a logarithmic axis, however short it is."""
    ticker = pyplot().matplotlib.ticker
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    subs = (1.0,) if decades > 2 else (1.0, 3.0) if decades > 1 else (1.0, 2.0, 5.0) if decades > 0.5 else range(1, 10)
    axis.set_major_locator(ticker.LogLocator(subs=tuple(map(float, subs)), numticks=12))
    if decades < 5:
        axis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())
    axis.set_minor_locator(ticker.NullLocator())


@styled
def spectrum(estimate: HurstEstimate, *, ax: Any = None, bins: int = 24, colour: str = PALETTE[0]) -> Any:
    """The periodogram of a series and the spectrum that was fitted to it, both axes logarithmic.

    Small points are the periodogram; large ones its means over bands of equal ratio, with intervals where a mean of
    exponential variables falls in 95 of 100 cases if the fit is right.

    **Arguments:**

    - `estimate`: of `sdekit.fractional.Whittle`.
    - `ax`: axes to draw on; a new figure if not given.
    - `bins`: the number of bands, at most.
    - `colour`: of the points.

    **Returns:** the axes.

    **Raises:** `TypeError` for an estimate of another kind, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        from sdekit.fractional import Noise, Whittle
        ax = plot.spectrum(Whittle(of=Noise())(jax.random.normal(jax.random.key(0), (512,))))
        ```
    """
    fit = _read(estimate, WhittleLikelihood, "periodogram", "use plot.hurst, or estimate by Whittle")
    w, periodogram = np.asarray(fit.frequencies, np.float64), np.asarray(fit.periodogram, np.float64)
    fitted = np.exp(np.asarray(fit.log_spectrum(estimate.hurst), np.float64))
    (ax,) = panels(1, ax, size=(5.2, 3.2))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.plot(w, periodogram, ".", color=colour, ms=2.0, alpha=0.3, mew=0, zorder=1)
    edges = np.geomspace(w[0] * (1 - 1e-9), w[-1] * (1 + 1e-9), bins + 1)
    band = np.digitize(w, edges)
    for k in np.unique(band):
        inside = band == k
        count = int(inside.sum())
        low, high = stats.gamma.ppf((0.025, 0.975), count) / count
        # The ratio to the fit is what has a known law; it is drawn about the fit in the middle of the band.
        at, level = np.exp(np.log(w[inside]).mean()), np.exp(np.log(fitted[inside]).mean())
        ax.vlines(at, low * level, high * level, color=FAINT, lw=3.0, zorder=2)
        ax.plot(at, level * np.mean(periodogram[inside] / fitted[inside]), "o", color=colour, ms=3.6, mew=0, zorder=4)
    ax.plot(w, fitted, color=PALETTE[1], lw=1.4, zorder=3)
    centre = np.quantile(periodogram, [0.005, 1.0])
    ax.set_ylim(0.5 * centre[0], 3 * max(centre[1], fitted.max()))
    _plain_ticks(ax.xaxis)
    _plain_ticks(ax.yaxis)
    end_labels(ax, w[-1], [fitted[-1]], ["fitted"], PALETTE[1])
    return dress(ax, x="frequency (radians a step)", y="spectral density", title=f"{fit.title}, {_result(estimate)}")


@styled
def profile_likelihood(
    estimate: HurstEstimate, *, ax: Any = None, level: float = 0.95, points: int = 61, colour: str = PALETTE[0]
) -> Any:
    """The log-likelihood of the Hurst index at the best scale, less its maximum.

    The dashed line is where the likelihood-ratio interval ends; the band is the interval of the standard error. The two
    agree where the likelihood is near a parabola.

    **Arguments:**

    - `estimate`: of `sdekit.fractional.ExactMLE` or `Whittle`.
    - `ax`: axes to draw on; a new figure if not given.
    - `level`: the probability of the intervals.
    - `points`: at how many indices the likelihood is computed.
    - `colour`: of the curve.

    **Returns:** the axes.

    **Raises:** `TypeError` for an estimate without a likelihood, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        from sdekit.fractional import ExactMLE, Noise
        ax = plot.profile_likelihood(ExactMLE(of=Noise())(jax.random.normal(jax.random.key(0), (128,))))
        ```
    """
    fit = _read(estimate, AbstractLikelihoodFit, "likelihood", "use plot.hurst, or estimate by ExactMLE")
    found, error = float(estimate.hurst), float(estimate.standard_error)
    ends = max(found - 3.2 * error, 0.003), min(found + 3.2 * error, 0.997)
    at = np.linspace(ends[0], ends[1], points)
    curve = _curve(fit, jnp.asarray(at, estimate.hurst.dtype))
    values = np.asarray(curve, np.float64) - float(_curve(fit, estimate.hurst[None])[0])
    drop = -0.5 * stats.chi2.ppf(level, 1)
    low, high = (float(end) for end in estimate.interval(level))
    (ax,) = panels(1, ax, size=(4.6, 3.0))
    ax.axvspan(low, high, color=FAINT, alpha=0.55, lw=0, zorder=1)
    ax.axvline(found, color=SOFT, lw=0.7, zorder=2)
    ax.axhline(drop, color=SOFT, lw=0.7, ls=(0, (4, 3)), zorder=2)
    ax.plot(at, values, color=colour, zorder=3)
    ax.set_xlim(*ends)
    ax.set_ylim(max(float(values.min()), -8.0), 0.9)
    ax.annotate(
        f"{100 * level:g}%", (ends[1], drop), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5,
        color=SOFT, annotation_clip=False,
    )  # fmt: skip
    dress(
        ax,
        x="Hurst index",
        y="log-likelihood less its maximum",
        title=f"{estimate.diagnostic.title}, {_result(estimate)}",
    )
    return ax


@jax.jit
def _curve(fit: AbstractLikelihoodFit, hursts: Any) -> Any:
    return jax.lax.map(fit, hursts)


@styled
def scaling(estimate: HurstEstimate, *, ax: Any = None, colours: tuple[str, ...] = PALETTE) -> Any:
    """The points and straight lines that an index was read off, both axes logarithmic.

    **Arguments:**

    - `estimate`: of `sdekit.fractional.Variations`, `DFA`, `RescaledRange` or `StructureFunctions`.
    - `ax`: axes to draw on; a new figure if not given.
    - `colours`: one a line.

    **Returns:** the axes.

    **Raises:** `TypeError` for an estimate without a regression, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        from sdekit.fractional import DFA, Noise
        ax = plot.scaling(DFA(of=Noise())(jax.random.normal(jax.random.key(0), (512,))))
        ```
    """
    found = _read(estimate, Scaling, "regression", "use plot.hurst, or plot.profile_likelihood")
    x, ys, lines = (np.exp(np.asarray(v, np.float64)) for v in (found.log_scales, found.log_values, found.fitted))
    (ax,) = panels(1, ax, size=(4.8, 3.2))
    ax.set_xscale("log")
    ax.set_yscale("log")
    used = [colours[c % len(colours)] for c in range(len(ys))]
    order = np.argsort(x)
    for y, line, colour in zip(ys, lines, used, strict=True):
        ax.plot(x, y, "o", color=colour, ms=3.6, mew=0, alpha=0.8, zorder=3)
        ax.plot(x[order], line[order], color=colour, lw=1.0, zorder=2)
    _plain_ticks(ax.xaxis)
    _plain_ticks(ax.yaxis)
    if len(ys) == 1:
        end_labels(ax, x.max(), [lines[0, order[-1]]], [f"slope {float(found.slopes[0]):.3f}"], used)
    else:
        rows = zip(np.asarray(found.powers), np.asarray(found.hursts), strict=True)
        end_labels(ax, x.max(), list(lines[:, order[-1]]), [f"q = {q:g}: {h:.3f}" for q, h in rows], used)
    return dress(ax, x=found.scale_name, y=found.value_name, title=f"{found.title}, {_result(estimate)}")


def hurst(estimate: HurstEstimate, *, ax: Any = None) -> Any:
    """What an estimate of the Hurst index was read off: the picture that fits the estimator.

    `spectrum` for Whittle's likelihood, `profile_likelihood` for the exact one, `scaling` for regressions.

    **Arguments:**

    - `estimate`: what an estimator of `sdekit.fractional` returned.
    - `ax`: axes to draw on; a new figure if not given.

    **Returns:** the axes.

    **Raises:** `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        from sdekit.fractional import Noise, Variations
        ax = plot.hurst(Variations(of=Noise())(jax.random.normal(jax.random.key(0), (512,))))
        ```
    """
    if isinstance(estimate.diagnostic, WhittleLikelihood):
        return spectrum(estimate, ax=ax)
    if isinstance(estimate.diagnostic, AbstractLikelihoodFit):
        return profile_likelihood(estimate, ax=ax)
    return scaling(estimate, ax=ax)
