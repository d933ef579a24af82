"""Chains: what state when, and how fast from where to where."""

from typing import Any

import numpy as np

from .._errors import require
from ..data import Clock, Panel
from ..jumps import AbstractHomogeneous
from ..paths import JumpPath
from ._labels import time_axis, user_times
from ._style import FAINT, INK, PALETTE, dress, panels, styled


__all__ = ["rate_matrix", "timeline"]


@styled
def timeline(record: Panel | JumpPath, *, ax: Any = None, clock: Clock | None = None, most: int = 40) -> Any:
    """State timelines: a row a subject, coloured by state, each state held until the next is seen.

    **Arguments:**

    - `record`: a panel, or paths of a jump process.
    - `ax`: axes to draw on; a new figure if not given.
    - `clock`: gives back the user's own times; that of the record if it has one.
    - `most`: draw no more than so many rows.

    **Returns:** the axes.

    **Raises:** `ImportError` without matplotlib.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit import plot
        from sdekit.data import Panel
        ax = plot.timeline(Panel(jnp.array([0.0, 1.0, 2.5]), jnp.array([0, 1, 2])))
        ```
    """
    clock = clock or (record.clock if isinstance(record, Panel) else Clock())
    ts, states, mask = (np.atleast_2d(np.asarray(v))[:most] for v in (record.ts, record.states, record.mask))
    rows, top = len(ts), int(states[mask].max()) if mask.any() else 0
    (ax,) = panels(1, ax, size=(6.2, 0.75 + max(0.14 * rows, 0.35)))
    for k in range(rows):
        y, t, s = rows - 1 - k, ts[k][mask[k]], states[k][mask[k]]
        end = float(np.atleast_1d(np.asarray(record.t1))[k]) if isinstance(record, JumpPath) else t[-1]
        edges = user_times(np.append(t, end), clock)
        for i in range(top + 1):
            here = s == i
            colour = PALETTE[i % len(PALETTE)]
            ax.hlines(np.full(here.sum(), y), edges[:-1][here], edges[1:][here], color=colour, lw=3.2)
    for i in range(min(top + 1, len(PALETTE))):
        label = record.labels[i] if isinstance(record, Panel) and record.labels else f"state {i}"
        ax.plot([], [], color=PALETTE[i], lw=3.2, label=label)
    ax.legend(frameon=False, fontsize=8, labelcolor=INK, loc="center left", bbox_to_anchor=(1.0, 0.5))
    ax.set_ylim(-0.7, rows - 0.3)
    ax.margins(x=0.01)
    dress(ax, x=time_axis(ax, clock), y="subject" if rows > 1 else "")
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])
    return ax


@styled
def rate_matrix(
    model: AbstractHomogeneous | Any, errors: Any = None, *, ax: Any = None, labels: tuple[str, ...] = (),
    spread: float = 1.96,
) -> Any:  # fmt: skip
    """Rates as a heat map, with the number in each cell and, if errors are given, its interval.

    **Arguments:**

    - `model`: a rate model with one generator, or a generator of shape `(n, n)`.
    - `errors`: standard errors of the log-rates, shape `(n, n)`; intervals are `rate * exp(-+ spread * error)`.
    - `ax`: axes to draw on; a new figure if not given.
    - `labels`: names of the states.
    - `spread`: how many standard errors an interval reaches.

    **Returns:** the axes.

    **Raises:** `ValueError` for shapes that do not fit, `ImportError` without matplotlib.

    !!! example

        ```python
        from sdekit import plot
        from sdekit.jumps import RateMatrix
        ax = plot.rate_matrix(RateMatrix([[0.0, 1.0], [2.0, 0.0]]))
        ```
    """
    Q = np.asarray(model.generator() if isinstance(model, AbstractHomogeneous) else model, float)
    n = len(Q)
    require(Q.shape == (n, n), "model", "must be a model or a generator (n, n)", Q, "pass one row a state")
    fits = errors is None or np.shape(errors) == (n, n)
    require(fits, "errors", f"must have shape ({n}, {n})", errors, "pass one a transition")
    require(len(labels) in (0, n), "labels", f"must be {n} names", labels, "name each state")
    (ax,) = panels(1, ax, size=(0.8 * n + 1.2, 0.7 * n + 0.8))
    rates = np.where(np.eye(n, dtype=bool) | (Q <= 0), np.nan, Q)
    ax.imshow(rates, cmap="Blues", vmin=0, vmax=np.nanmax(rates) * 1.4)
    for i in range(n):
        for j in range(n):
            if i == j or not Q[i, j] > 0:
                ax.text(j, i, "·", ha="center", va="center", color=FAINT)
                continue
            text = f"{Q[i, j]:.3g}" if Q[i, j] > 1e-6 * np.nanmax(rates) else "≈ 0"
            if errors is not None:
                low, high = Q[i, j] * np.exp(np.array([-1, 1]) * spread * np.asarray(errors)[i, j])
                text += f"\n{low:.2g}-{high:.2g}"
            ax.text(j, i, text, ha="center", va="center", color=INK, fontsize=8)
    names = list(labels) or [str(i) for i in range(n)]
    ax.set_xticks(range(n), names)
    ax.set_yticks(range(n), names)
    return dress(ax, x="to", y="from")
