"""What a fit found and how it got there."""

from typing import Any

import numpy as np

from .._errors import require
from ..fit import Fit, History
from ..inference import ParameterTable
from ._labels import end_labels
from ._style import FAINT, INK, PALETTE, dress, panels, styled


__all__ = ["history", "parameters"]


@styled
def parameters(
    table: ParameterTable, truth: dict[str, float] | None = None, *, ax: Any = None, colour: str = PALETTE[0]
) -> Any:
    """Estimates with their intervals, a row a parameter, and the numbers beside them.

    The axis is logarithmic where all intervals are positive and of different sizes.

    **Arguments:**

    - `table`: a `ParameterTable`, as `inference.confidence` returns.
    - `truth`: true values by name, where they are known: drawn as bars.
    - `ax`: axes to draw on; a new figure if not given.
    - `colour`: of points and lines.

    **Returns:** the axes.

    **Raises:** `ValueError` for an empty table, `ImportError` without matplotlib.

    !!! example

        ```python
        import numpy as np
        from sdekit import plot
        from sdekit.inference import ParameterTable

        one = np.ones(2)
        ax = plot.parameters(ParameterTable(("rate", "scale"), one, 0.1 * one, 0.8 * one, 1.2 * one, 0.95, -10.0, 100))
        ```
    """
    k = len(table.names)
    require(k > 0, "table", "must not be empty", k, "fit a model with parameters")
    estimate, low, high = (np.asarray(v, np.float64) for v in (table.estimate, table.lower, table.upper))
    (ax,) = panels(1, ax, size=(5.6, 0.7 + 0.28 * k))
    at = np.arange(k)[::-1]
    ax.hlines(at, low, high, color=colour, lw=1.4, zorder=2)
    ax.plot(estimate, at, "o", color=colour, ms=4.5, mew=0, zorder=3)
    for name, value in (truth or {}).items():
        require(name in table.names, "truth", f"must name parameters of {table.names}", name, "use the table's names")
        row = at[table.names.index(name)]
        ax.vlines(value, row - 0.3, row + 0.3, color=PALETTE[1], lw=1.4, zorder=4)
    shown = np.concatenate([low, high, estimate])
    shown = shown[np.isfinite(shown)]
    if shown.size and shown.min() > 0 and shown.max() > 30 * shown.min():
        ax.set_xscale("log")
    if shown.size and shown.min() < 0 < shown.max():
        ax.axvline(0.0, color=FAINT, lw=0.8, zorder=1)
    for row, e, a, b in zip(at, estimate, low, high, strict=True):
        ax.annotate(
            _interval(e, a, b), (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=INK,
            annotation_clip=False,
        )  # fmt: skip
    ax.set_yticks(at, table.names)
    ax.set_ylim(-0.6, k - 0.4)
    dress(ax, x=f"estimate and {100 * table.level:g}% interval" + (", truth in colour" if truth else ""))
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9)
    return ax


def _interval(e: float, a: float, b: float) -> str:
    """The three numbers to the second digit of the half-width."""
    width = (b - a) / 2
    if not np.isfinite(width) or width <= 0:
        return f"{e:.4g}"
    places = max(1 - int(np.floor(np.log10(width))), 0)
    if places > 6 or abs(e) >= 1e6:
        return f"{e:.4g}  ({a:.4g}, {b:.4g})"
    minus = lambda v: f"{v:.{places}f}".replace("-", "−")
    return f"{minus(e)}  ({minus(a)}, {minus(b)})"


@styled
def history(fit: Fit | History, *, ax: Any = None, metrics: tuple[str, ...] = ("loss", "valid_loss")) -> Any:
    """The course of a fit: the loss against the steps taken, and where validation was best.

    The axis is logarithmic where all values are positive and span two powers of ten.

    **Arguments:**

    - `fit`: what `fit` returned, or its history.
    - `ax`: axes to draw on; a new figure if not given.
    - `metrics`: columns of the history to draw; those that are absent are left out.

    **Returns:** the axes.

    **Raises:** `ValueError` for a history without rows or without any of the columns, `ImportError` without matplotlib.

    !!! example

        ```python
        from sdekit import plot
        from sdekit.fit import History
        ax = plot.history(History({"step": [50, 100, 150], "loss": [9.0, 3.0, 2.5], "valid_loss": [9.5, 3.5, 3.6]}))
        ```
    """
    course = fit.history if isinstance(fit, Fit) else fit
    require(course.rows > 0, "fit", "has no history", course, "fit for at least one chunk of steps")
    names = [m for m in metrics if m in course and np.isfinite(course[m]).any()]
    require(bool(names), "metrics", "are in no column of the history", metrics, f"choose from {', '.join(course)}")
    (ax,) = panels(1, ax, size=(5.2, 2.7))
    steps = course["step"]
    drawn = np.concatenate([course[m][np.isfinite(course[m])] for m in names])
    if drawn.min() > 0 and drawn.max() > 100 * drawn.min():
        ax.set_yscale("log")
    for k, name in enumerate(names):
        seen = np.isfinite(course[name])
        ax.plot(steps[seen], course[name][seen], color=PALETTE[k], lw=1.2, marker="o" if seen.sum() < 3 else None, ms=3)
    if "valid_loss" in names:
        best = int(np.nanargmin(course["valid_loss"]))
        k = names.index("valid_loss")
        ax.plot(steps[best], course["valid_loss"][best], "o", mfc="white", mec=PALETTE[k], mew=1.2, ms=5, zorder=4)
        ax.annotate(
            f"best, step {int(steps[best])}", (steps[best], course["valid_loss"][best]), xytext=(0, 9),
            textcoords="offset points", ha="center", va="bottom", fontsize=7.5, color=PALETTE[k],
        )  # fmt: skip
    ax.margins(x=0.01)
    dress(ax, x="step", y=names[0] if len(names) == 1 else "loss")
    last = [course[m][np.isfinite(course[m])][-1] for m in names]
    words = {"loss": "training", "valid_loss": "validation"}
    if len(names) > 1:
        end_labels(ax, steps[-1], last, [words.get(m, m) for m in names], list(PALETTE[: len(names)]))
    return ax
