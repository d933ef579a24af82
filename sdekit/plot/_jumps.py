"""Paths that jump, and events."""

from typing import Any

import numpy as np

from .._errors import require
from ..data import Clock, Events
from ..paths import EventPath, JumpPath
from ._labels import end_labels, time_axis, user_times
from ._style import FAINT, INK, PALETTE, dress, panels, styled


__all__ = ["events", "jumps"]


@styled
def events(record: Events | EventPath, *, ax: Any = None, clock: Clock | None = None, most: int = 40) -> Any:
    """Events as ticks on their window, a row a sequence, coloured by mark.

    **Arguments:**

    - `record`: sequences of events, or paths of a point process.
    - `ax`: axes to draw on; a new figure if not given.
    - `clock`: gives back the user's own times; that of the record if it has one.
    - `most`: draw no more than so many sequences.

    **Returns:** the axes.

    **Raises:** `ImportError` without matplotlib.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit import plot
        from sdekit.data import Events
        ax = plot.events(Events(jnp.array([0.5, 1.2, 1.3]), t0=0.0, t1=2.0))
        ```
    """
    clock = clock or (record.clock if isinstance(record, Events) else Clock())
    ts, mask = (np.atleast_2d(np.asarray(v))[:most] for v in (record.ts, record.mask))
    t0, t1 = (np.atleast_1d(np.asarray(v))[:most] for v in (record.t0, record.t1))
    kinds = None if record.num_marks is None else np.atleast_2d(np.asarray(record.marks))[:most]
    rows = len(ts)
    (ax,) = panels(1, ax, size=(6.2, 0.75 + max(0.16 * rows, 0.35)))
    for k in range(rows):
        y = rows - 1 - k
        ax.hlines(y, user_times(t0[k], clock), user_times(t1[k], clock), color=FAINT, lw=0.6, zorder=1)
        for m in [None] if kinds is None else range(record.num_marks or 0):
            here = mask[k] if m is None or kinds is None else mask[k] & (kinds[k] == m)
            colour = INK if m is None else PALETTE[m % len(PALETTE)]
            ax.vlines(user_times(ts[k][here], clock), y - 0.36, y + 0.36, color=colour, lw=0.8, zorder=2)
    ax.set_ylim(-0.7, rows - 0.3)
    ax.margins(x=0.01)
    dress(ax, x=time_axis(ax, clock), y="sequence" if rows > 1 else "")
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])
    if kinds is not None and record.num_marks and record.num_marks <= len(PALETTE):
        names = [f"mark {m}" for m in range(record.num_marks)]
        end_labels(
            ax, user_times(t1.max(), clock), [(rows - 1) / 2] * len(names), names[::-1], PALETTE[: len(names)][::-1]
        )
    return ax


@styled
def jumps(path: JumpPath, *, ax: Any = None, clock: Clock | None = None, most: int = 20, component: int = 0) -> Any:
    """Paths on discrete states as steps, constant between jumps.

    **Arguments:**

    - `path`: one path or a stack.
    - `ax`: axes to draw on; a new figure if not given.
    - `clock`: gives back the user's own times.
    - `most`: draw no more than so many paths.
    - `component`: which count to draw, if a state is a vector of counts.

    **Returns:** the axes.

    **Raises:** `ValueError` for a component that is not there, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit import plot
        from sdekit.paths import JumpPath
        ax = plot.jumps(JumpPath(jnp.array([0.0, 0.7, 1.9]), jnp.array([0, 2, 1]), t1=3.0))
        ```
    """
    clock = clock or Clock()
    ts, states, t1 = np.asarray(path.ts), np.asarray(path.states), np.atleast_1d(np.asarray(path.t1))
    if states.ndim > ts.ndim:
        d = states.shape[-1]
        require(0 <= component < d, "component", f"must be below {d}", component, "count from 0")
        states = states[..., component]
    ts, states = np.atleast_2d(ts)[:most], np.atleast_2d(states)[:most]
    (ax,) = panels(1, ax, size=(6.2, 2.4))
    many = len(ts) > 1
    for k in range(len(ts)):
        times = user_times(np.append(ts[k], t1[k]), clock)
        values = np.append(states[k], states[k, -1])
        colour = PALETTE[k % len(PALETTE)] if many and len(ts) <= len(PALETTE) else PALETTE[0]
        alpha = 1.0 if len(ts) <= len(PALETTE) else 0.4
        ax.step(times, values, where="post", color=colour, lw=1.0, alpha=alpha, solid_joinstyle="miter")
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.margins(x=0.01)
    return dress(ax, x=time_axis(ax, clock), y="state")
