"""Paths and ensembles over time, with the data."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._errors import require
from ..data import Clock, Series
from ..paths import SampledPath
from ._labels import clock_of, end_labels, time_axis, user_times
from ._style import INK, PALETTE, SOFT, dress, panels, same_shape, styled


__all__ = ["fan", "paths"]


def _states(path: SampledPath, least: int) -> np.ndarray:
    xs = np.asarray(path.xs)
    xs = xs[None] if xs.ndim == 2 else xs
    require(xs.shape[0] >= least, "path", f"must be a stack of at least {least} paths", xs, "sample with n=")
    return xs


def _components(dim: int, data: Series | None, component: int | None) -> list[int]:
    if data is not None:
        require(data.dim == dim, "data.ys", f"must have {dim} component(s), as the path", data.ys, "match the model")
    require(component is None or 0 <= component < dim, "component", f"must be below {dim}", component, "count from 0")
    return list(range(dim)) if component is None else [component]


def _name(data: Series | None, j: int, dim: int) -> str:
    if data is not None and data.names:
        return data.names[j]
    return "x" if dim == 1 else f"x$_{{{j + 1}}}$"


def _observations(ax: Any, data: Series, j: int, clock: Clock) -> None:
    """Every item: points where they are few, else a thin line; gaps where values are missing."""
    stacked = data.stack()
    many = len(stacked) > 1
    for ts, ys, mask in zip(*(np.asarray(v) for v in (stacked.ts, stacked.ys, stacked.mask)), strict=True):
        seen = mask[:, j]
        if not seen.any():
            continue
        last = np.flatnonzero(seen)[-1] + 1
        times, values = user_times(ts[:last], clock), np.where(seen, ys[:, j], np.nan)[:last]
        few = seen.sum() <= 150 and not many
        ax.plot(
            times, values, color=INK, lw=0.6 if few or many else 0.8, alpha=0.6 if many else 0.9, zorder=4,
            marker="o" if few else None, ms=2.4, mew=0,
        )  # fmt: skip


@styled
def paths(
    path: SampledPath,
    data: Series | None = None,
    *,
    ax: Any = None,
    component: int | None = None,
    clock: Clock | None = None,
    most: int = 100,
    colour: str = PALETTE[0],
) -> Any:
    """A bundle of paths as thin lines, with the data in ink on top.

    **Arguments:**

    - `path`: one path or a stack, states of shape `(t, d)` or `(n, t, d)`.
    - `data`: a series, or a stack, to draw with it.
    - `ax`: axes to draw on (an array of `d`, if all components are drawn); a new figure if not given.
    - `component`: which component to draw; all, one above another, if not given.
    - `clock`: gives back the user's own times; that of `data` if not given.
    - `most`: draw no more than so many paths.
    - `colour`: of the paths.

    **Returns:** the axes: one, or an array with one a component.

    **Raises:** `ValueError` for shapes that do not fit, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import plot

        path = sk.processes.OrnsteinUhlenbeck(rate=1.0).sample(jnp.linspace(0.0, 5.0, 50), key=jax.random.key(0), n=20)
        ax = plot.paths(path)
        ```
    """
    xs = _states(path, 1)
    clock, dim = clock_of(data, clock), xs.shape[-1]
    wanted = _components(dim, data, component)
    axes = panels(len(wanted), ax)
    times = user_times(path.ts, clock)
    shown = xs[:most]
    for row, j in zip(axes, wanted, strict=True):
        alpha = float(np.clip(2.2 / np.sqrt(len(shown)), 0.1, 1.0))
        row.plot(times, shown[:, :, j].T, color=colour, lw=0.6 if len(shown) > 1 else 1.0, alpha=alpha, zorder=2)
        if data is not None:
            _observations(row, data, j, clock)
        row.margins(x=0.01)
        label = time_axis(row, clock)
        dress(row, x=label if row is axes[-1] else "", y=_name(data, j, dim))
    return same_shape(axes)


@styled
def fan(
    path: SampledPath,
    data: Series | None = None,
    *,
    ax: Any = None,
    levels: Sequence[float] = (0.5, 0.8, 0.95),
    component: int | None = None,
    clock: Clock | None = None,
    colour: str = PALETTE[0],
) -> Any:
    """A fan chart: central intervals of an ensemble at each time, its median, and the data.

    **Arguments:**

    - `path`: a stack of paths, states of shape `(n, t, d)`.
    - `data`: a series, or a stack, to draw with it.
    - `ax`: axes to draw on (an array of `d`, if all components are drawn); a new figure if not given.
    - `levels`: probabilities of the intervals, each below 1.
    - `component`: which component to draw; all, one above another, if not given.
    - `clock`: gives back the user's own times; that of `data` if not given.
    - `colour`: of the fan.

    **Returns:** the axes: one, or an array with one a component.

    **Raises:** `ValueError` for a single path or levels outside (0, 1), `ImportError` without matplotlib.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import plot

        path = sk.processes.OrnsteinUhlenbeck(rate=1.0).sample(jnp.linspace(0.0, 5.0, 50), key=jax.random.key(0), n=500)
        ax = plot.fan(path)
        ```

    Source: Britton, Fisher and Whitley (1998), The Inflation Report projections: understanding the fan chart.
    """
    xs = _states(path, 2)
    levels = sorted(levels, reverse=True)
    ok = bool(levels) and all(0 < v < 1 for v in levels)
    require(ok, "levels", "must be probabilities between 0 and 1", levels, "pass e.g. (0.5, 0.9)")
    clock, dim = clock_of(data, clock), xs.shape[-1]
    wanted = _components(dim, data, component)
    axes = panels(len(wanted), ax)
    times = user_times(path.ts, clock)
    for row, j in zip(axes, wanted, strict=True):
        ends = []
        for k, level in enumerate(levels):
            low, high = np.quantile(xs[:, :, j], [(1 - level) / 2, (1 + level) / 2], axis=0)
            shade = 0.13 + 0.10 * k
            row.fill_between(times, low, high, color=colour, alpha=min(shade, 0.5), lw=0, zorder=1 + 0.1 * k)
            ends.append((high[-1], f"{100 * level:g}%"))
        median = np.median(xs[:, :, j], axis=0)
        row.plot(times, median, color=colour, lw=1.2, zorder=3)
        if data is not None:
            _observations(row, data, j, clock)
        row.margins(x=0.01)
        label = time_axis(row, clock)
        dress(row, x=label if row is axes[-1] else "", y=_name(data, j, dim))
        ends.append((median[-1], "median"))
        colours = [SOFT] * len(levels) + [colour]
        end_labels(row, times[-1], [h for h, _ in ends], [t for _, t in ends], colours)
    return same_shape(axes)
