"""Words on a figure: axes that carry the user's own times, and labels at the ends of lines that do not collide."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import Clock, Series
from ._style import SOFT


__all__ = ["end_labels", "time_axis", "user_times"]


def clock_of(data: Any, clock: Clock | None) -> Clock:
    """The clock given, or that of the data, or none."""
    if clock is not None:
        return clock
    return data.clock if isinstance(data, Series) else Clock()


def user_times(ts: Any, clock: Clock) -> np.ndarray:
    """The user's own times: numbers with the origin added back, or dates."""
    return clock.undo(np.asarray(ts))


def time_axis(ax: Any, clock: Clock) -> str:
    """Ticks for dates where the times are dates; the label of the axis."""
    if clock.is_calendar:
        import matplotlib.dates as mdates

        locator = mdates.AutoDateLocator(minticks=4, maxticks=8)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
        return ""
    return f"time ({clock.unit})" if clock.unit and clock.scale == 1.0 else "time"


def spread(heights: Sequence[float], gap: float) -> np.ndarray:
    """The nearest positions to `heights` (in least squares) that keep their order and lie `gap` apart."""
    order = np.argsort(heights, kind="stable")
    target = np.asarray(heights, float)[order] - gap * np.arange(len(order))
    blocks: list[list[float]] = []
    for value in target:
        blocks.append([value, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            v, n = blocks.pop()
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + v * n) / (blocks[-1][1] + n), blocks[-1][1] + n]
    flat = np.concatenate([np.full(int(n), v) for v, n in blocks]) + gap * np.arange(len(order))
    out = np.empty(len(order))
    out[order] = flat
    return out


def end_labels(
    ax: Any, x: Any, heights: Sequence[float], texts: Sequence[str], colours: Sequence[str] | str = SOFT
) -> None:
    """Write texts to the right of a point of the time axis, at the given heights in data units, moved apart."""
    colours = [colours] * len(texts) if isinstance(colours, str) else list(colours)
    ax.figure.draw_without_rendering()
    pixels = [ax.transData.transform((0.0, h))[1] for h in heights]
    size = 7.5
    moved = spread(pixels, 1.25 * size * ax.figure.dpi / 72)
    for text, h, before, after, colour in zip(texts, heights, pixels, moved, colours, strict=True):
        shift = (after - before) * 72 / ax.figure.dpi
        ax.annotate(
            text, (x, h), xytext=(4, shift), textcoords="offset points", va="center", ha="left", fontsize=size,
            color=colour, annotation_clip=False,
        )  # fmt: skip
