"""The house style: one quiet look, put on the axes it draws and on nothing else."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import require


__all__ = ["PALETTE", "dress", "panels", "save", "style", "styled"]

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5f6368")
"""Colours that readers with any colour vision tell apart (Okabe and Ito, 2008), less black and yellow."""

INK, SOFT, FAINT = "#24292f", "#6e7781", "#d0d7de"
"""Data and text; axes and remarks; rules and bands that should not be looked at first."""

_RC = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 9.0,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.labelsize": 9.0,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "lines.solid_capstyle": "round",
    "lines.linewidth": 1.2,
    "svg.hashsalt": "sdekit",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def pyplot() -> Any:
    """`matplotlib.pyplot`, or an error that says what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("`sdekit.plot` needs matplotlib. Install it by `pip install sdekit[plot]`.") from error
    return plt


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The settings of the house within a `with` block; the settings outside are left as they were.

    **Raises:** `ImportError` if matplotlib is missing, saying what to install.

    !!! example

        ```python
        import matplotlib.pyplot as plt
        import sdekit.plot
        with sdekit.plot.style():
            fig, ax = plt.subplots()
        ```
    """
    with pyplot().rc_context(_RC):
        yield


def styled(draw: Callable) -> Callable:
    """A drawing function that runs in the style."""

    @functools.wraps(draw)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with style():
            return draw(*args, **kwargs)

    return inside


def dress(ax: Any, *, x: str = "", y: str = "", title: str = "") -> Any:
    """Bare the axes and name them. Works on axes that somebody else made."""
    ax.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(SOFT)
        ax.spines[side].set_linewidth(0.6)
    ax.tick_params(length=3, width=0.6, color=SOFT, labelcolor=SOFT, labelsize=8)
    ax.set_xlabel(x or ax.get_xlabel(), color=SOFT, fontsize=9)
    ax.set_ylabel(y or ax.get_ylabel(), color=SOFT, fontsize=9)
    if title:
        ax.set_title(title, loc="left", fontsize=9.5, color=INK, pad=8)
    return ax


def panels(count: int, ax: Any, *, size: tuple[float, float] = (6.2, 2.9), sharex: bool = True) -> list[Any]:
    """`count` axes, one above another: those given, or those of a new figure."""
    if ax is not None:
        given = list(np.ravel(np.asarray(ax, object)))
        require(len(given) == count, "ax", f"must hold {count} axes", len(given), "pass one a component, or none")
        return given
    height = size[1] if count == 1 else 0.55 * size[1] * count + 0.5
    _, axes = pyplot().subplots(count, 1, sharex=sharex, squeeze=False, figsize=(size[0], height))
    return list(axes[:, 0])


def same_shape(axes: list[Any]) -> Any:
    """One axes by itself, or an array of them."""
    return axes[0] if len(axes) == 1 else np.asarray(axes, object)


def save(figure: Any, path: str | Path, *, dpi: int = 200) -> Path:
    """Write a figure to a file, cropped, without the date, so that the same figure gives the same file.

    **Arguments:**

    - `figure`: a figure, axes of it, or an array of axes.
    - `path`: the file; its suffix (`.png`, `.pdf`, `.svg`) is the format. Folders that are missing are made.
    - `dpi`: dots an inch, for `.png`.

    **Returns:** the path.

    **Raises:** `ValueError` if the suffix is of no format that matplotlib writes.

    !!! example

        ```python
        import jax
        import sdekit as sk
        from sdekit import plot

        ts = jax.numpy.linspace(0.0, 5.0, 50)
        ax = plot.paths(sk.processes.OrnsteinUhlenbeck(rate=1.0).sample(ts, key=jax.random.key(0), n=20))
        plot.save(ax, "paths.svg")
        ```
    """
    path = Path(path)
    first = np.ravel(np.asarray(figure, object))[0]
    figure = getattr(first, "figure", first)
    formats = figure.canvas.get_supported_filetypes()
    known = path.suffix.lstrip(".") in formats
    require(known, "path", "must end in the name of a format", str(path), f"use one of {', '.join(sorted(formats))}")
    path.parent.mkdir(parents=True, exist_ok=True)
    date = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix, {})
    with style():
        figure.savefig(path, dpi=dpi, bbox_inches="tight", pad_inches=0.08, metadata=date)
    return path
