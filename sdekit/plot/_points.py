"""Point processes: intensities with their events, rescaled gaps, who excites whom."""

from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from .._errors import require
from ..data import Clock, Events
from ..points import AbstractAutoregressive, Residuals, qq_band
from ._labels import clock_of, time_axis, user_times
from ._style import FAINT, INK, PALETTE, SOFT, dress, panels, pyplot, styled


__all__ = ["excitation", "intensity", "rescaled"]


@styled
def intensity(
    process: AbstractAutoregressive, record: Events, *, ax: Any = None, clock: Clock | None = None, points: int = 1200
) -> Any:
    """The intensity of each kind along one sequence, its events as ticks below.

    **Arguments:**

    - `process`: the process.
    - `record`: one sequence.
    - `ax`: axes to draw on; a new figure if not given.
    - `clock`: gives back the user's own times; that of the record if not given.
    - `points`: how many times to draw at, besides those just before and after each event.

    **Returns:** the axes.

    **Raises:** `ValueError` for a stack of sequences, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit import plot
        from sdekit.points import ExponentialHawkes
        hawkes = ExponentialHawkes(0.5, 0.6, 1.5)
        events = hawkes.sample(jnp.array([0.0, 20.0]), key=jax.random.key(0)).to_record()
        ax = plot.intensity(hawkes, events)
        ```
    """
    require(record.is_item, "record", "must be one sequence", record.ts, "index it, e.g. record[0]")
    clock = clock_of(record, clock)
    t0, t1 = float(record.t0), float(record.t1)
    ts = np.asarray(record.ts, np.float64)[np.asarray(record.mask)]
    after = np.minimum(ts + 1e-6 * (t1 - t0), t1)
    grid = np.sort(np.concatenate([np.linspace(t0, t1, points), ts, after]))
    rates = np.asarray(process.intensities(grid, record))  # pyright: ignore[reportArgumentType]
    (ax,) = panels(1, ax)
    kinds = np.zeros(len(ts), int) if record.num_marks is None else np.asarray(record.marks)[np.asarray(record.mask)]
    top = float(rates.max())
    for k in range(rates.shape[1]):
        colour = PALETTE[k % len(PALETTE)]
        ax.plot(user_times(grid, clock), rates[:, k], color=colour, lw=1.0, label=f"kind {k}")
        own = user_times(ts[kinds == k], clock)
        ax.vlines(own, -0.1 * top, -0.03 * top, color=colour, lw=0.8)
    ax.margins(x=0.01)
    if rates.shape[1] > 1:
        ax.legend(frameon=False, fontsize=8, ncols=min(rates.shape[1], 4))
    return dress(ax, x=time_axis(ax, clock), y="intensity")


@styled
def rescaled(found: Residuals | ArrayLike, *, ax: Any = None, level: float = 0.95, label: str = "") -> Any:
    """Rescaled gaps against the quantiles of unit exponentials, with a band for the whole plot.

    **Arguments:**

    - `found`: what `points.residuals` returns, or its values.
    - `ax`: axes to draw on; a new figure if not given.
    - `level`: the probability that all points of the truth stay in the band.
    - `label`: a name for the legend.

    **Returns:** the axes.

    **Raises:** `ImportError` without matplotlib.

    !!! example

        ```python
        import numpy as np
        from sdekit import plot
        ax = plot.rescaled(np.random.default_rng(0).exponential(size=200))
        ```
    """
    values = np.sort(np.asarray(found.values if isinstance(found, Residuals) else found, np.float64))
    expected, lower, upper = qq_band(len(values), level)
    (ax,) = panels(1, ax, size=(3.4, 3.2))
    top = max(float(expected[-1]), float(values[-1])) * 1.03
    ax.fill_between(expected, lower, np.minimum(upper, top), color=FAINT, lw=0, alpha=0.6)
    ax.plot([0, top], [0, top], color=SOFT, lw=0.7)
    ax.plot(expected, values, ".", ms=2.5, color=INK if not label else None, label=label or None)
    ax.set_xlim(0, float(expected[-1]) * 1.03)
    ax.set_ylim(0, top)
    if label:
        ax.legend(frameon=False, fontsize=8)
    return dress(ax, x="unit exponential", y="rescaled gap")


@styled
def excitation(matrix: ArrayLike, *, ax: Any = None, names: list[str] | None = None) -> Any:
    """A branching matrix: how many events of the kind of a row follow from one of the kind of a column.

    **Arguments:**

    - `matrix`: shape `(k, k)`.
    - `ax`: axes to draw on; a new figure if not given.
    - `names`: of the kinds.

    **Returns:** the axes.

    **Raises:** `ValueError` for a matrix that is not square, `ImportError` without matplotlib.

    !!! example

        ```python
        from sdekit import plot
        ax = plot.excitation([[0.3, 0.1], [0.2, 0.4]])
        ```
    """
    values = np.asarray(matrix, np.float64)
    square = values.ndim == 2 and values.shape[0] == values.shape[1]
    require(square, "matrix", "must be square", values, "pass process.branching_matrix()")
    (ax,) = panels(1, ax, size=(3.6, 3.2))
    scale = float(np.abs(values).max()) or 1.0
    low = -scale if (values < 0).any() else 0.0
    image = ax.imshow(values, cmap="RdBu_r" if low else "Blues", vmin=low, vmax=scale)
    pyplot().colorbar(image, ax=ax, shrink=0.85)
    places = range(values.shape[0])
    if names is not None:
        ax.set_xticks(places, names, rotation=90)
        ax.set_yticks(places, names)
    elif len(places) <= 20:
        ax.set_xticks(places)
        ax.set_yticks(places)
    return dress(ax, x="kind that excites", y="kind excited")
