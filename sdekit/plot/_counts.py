"""Counts: their law, drawn and exact."""

from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from .._errors import require
from ._style import INK, PALETTE, dress, panels, styled


__all__ = ["counts"]


@styled
def counts(
    samples: ArrayLike,
    law: ArrayLike | None = None,
    *,
    ax: Any = None,
    width: int | None = None,
    label: str = "count",
    colour: str = PALETTE[0],
) -> Any:
    """A histogram of counts as bars, with probabilities as a line on top.

    **Arguments:**

    - `samples`: drawn counts, any shape.
    - `law`: the probability of the counts 0, 1, 2, ..., as `Projection.marginal_law` gives them.
    - `ax`: axes to draw on; a new figure if not given.
    - `width`: how many counts share a bar; chosen for about sixty bars, if not given. The line is their mean.
    - `label`: the name of the count.
    - `colour`: of the bars.

    **Returns:** the axes.

    **Raises:** `ValueError` for negative counts, `ImportError` without matplotlib.

    !!! example

        ```python
        import jax
        from sdekit import plot
        ax = plot.counts(jax.random.poisson(jax.random.key(0), 3.0, (500,)))
        ```
    """
    values = np.asarray(samples).ravel().astype(int)
    require(values.size > 0 and values.min() >= 0, "samples", "must be counts", samples, "pass nonnegative integers")
    (ax,) = panels(1, ax, size=(6.2, 2.6))
    p = None if law is None else np.asarray(law, float)
    top = values.max() + 1 if p is None else max(values.max() + 1, len(p))
    width = width or max(1, top // 60)
    bins = -(-top // width)
    height = np.bincount(values // width, minlength=bins) / values.size / width
    centre = (np.arange(bins) + 0.5) * width - 0.5
    ax.bar(centre, height, width=width * 0.92, color=colour, alpha=0.45, lw=0)
    if p is not None:
        padded = np.zeros(bins * width)
        padded[: len(p)] = p
        ax.plot(centre, padded.reshape(bins, width).mean(1), color=INK, lw=1.1)
    ax.margins(x=0.01)
    ax.set_ylim(bottom=0)
    return dress(ax, x=label, y="probability")
