"""Models against one another."""

import math
from typing import Any

import numpy as np

from .._errors import require
from ..evaluate import Report
from ._style import FAINT, INK, PALETTE, SOFT, dress, pyplot, styled


__all__ = ["comparison"]


@styled
def comparison(
    report: Report, metrics: tuple[str, ...] | None = None, *, ax: Any = None, colour: str = PALETTE[0]
) -> Any:
    """A report as points with one standard error, a panel a metric and a row a model; the best is in colour.

    An arrow says which way is better; a line says where an ideal model would be; a bar is an expected figure with its
    tolerance.

    **Arguments:**

    - `report`: a `Report`.
    - `metrics`: which metrics to show; all, if not given.
    - `ax`: as many axes as metrics to draw on; a new figure if not given.
    - `colour`: of the best model of each metric.

    **Returns:** an array of axes, one a metric.

    **Raises:** `ValueError` for an empty report or a metric that is not in it, `ImportError` without matplotlib.

    !!! example

        ```python
        from sdekit import plot
        from sdekit.evaluate import Report, Row
        low = -float("inf")
        rows = (Row("ou", "CRPS", 0.31, 0.02, low), Row("persistence", "CRPS", 0.42, 0.03, low))
        axes = plot.comparison(Report(rows))
        ```
    """
    names = report.metrics if metrics is None else tuple(metrics)
    require(len(names) > 0, "report", "must not be empty", len(report), "evaluate at least one metric")
    for name in names:
        require(name in report.metrics, "metrics", f"must be among {report.metrics}", name, "use the report's names")
    models = report.models
    columns = len(names) if ax is not None or len(names) <= 4 else -(-len(names) // -(-len(names) // 4))
    axes = _axes(ax, len(names), columns, len(models))
    at = np.arange(len(models))[::-1]
    for k, (panel, metric) in enumerate(zip(axes, names, strict=True)):
        best = report.best(metric)
        rows = {r.model: r for r in report if r.metric == metric}
        for y, model in zip(at, models, strict=True):
            _point(panel, rows.get(model), float(y), colour if model == best else SOFT)
        ideal = next((r.ideal for r in rows.values() if r.ideal is not None), None)
        if ideal is not None and math.isfinite(ideal):
            panel.axvline(ideal, color=INK, lw=0.7, ls=(0, (4, 3)), zorder=1)
        arrow = "" if ideal is None or math.isfinite(ideal) else ("  →" if ideal > 0 else "  ←")
        panel.set_ylim(-0.6, len(models) - 0.4)
        panel.set_yticks(at, models if k % columns == 0 else [""] * len(models))
        panel.margins(x=0.12)
        panel.locator_params(axis="x", nbins=4)
        dress(panel, title=metric + arrow)
        panel.spines["left"].set_visible(False)
        panel.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9)
        for y in at:
            panel.axhline(y, color=FAINT, lw=0.5, zorder=0)
    return np.array(axes, object)


def _axes(ax: Any, count: int, columns: int, models: int) -> list[Any]:
    if ax is not None:
        given = list(np.ravel(np.asarray(ax, object)))
        require(len(given) == count, "ax", f"must hold {count} axes", len(given), "pass one a metric, or none")
        return given
    rows = -(-count // columns)
    size = (1.2 + 1.75 * columns, rows * (0.75 + 0.27 * models))
    figure, axes = pyplot().subplots(rows, columns, squeeze=False, figsize=size)
    figure.get_layout_engine().set(wspace=0.06, hspace=0.06)
    for spare in axes.ravel()[count:]:
        spare.set_visible(False)
    return list(axes.ravel()[:count])


def _point(panel: Any, row: Any, y: float, colour: str) -> None:
    if row is None or row.value is None or not math.isfinite(row.value):
        text = "no value" if row is None or row.value is None else f"{row.value}"
        panel.annotate(
            text, (0.5, y), xycoords=("axes fraction", "data"), ha="center", va="center", fontsize=7, color=SOFT,
            bbox={"fc": "white", "ec": "none", "pad": 1.5},
        )  # fmt: skip
        return
    if row.expected is not None:
        half = row.tolerance or 0.0
        panel.plot([row.expected - half, row.expected + half], [y, y], color=PALETTE[1], lw=7, alpha=0.45, zorder=1.5,
                   solid_capstyle="butt")  # fmt: skip
    if row.error is not None and math.isfinite(row.error):
        panel.hlines(y, row.value - row.error, row.value + row.error, color=colour, lw=1.3, zorder=2)
    panel.plot(row.value, y, "o", color=colour, ms=4.5, mew=0, zorder=3)
