"""Controls of a series: straight lines, steps, cubic pieces, log-signatures."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from ..data import Series
from ._control import AbstractControl, ControlPath, Rows, last_seen, observed_rows, row_channels


__all__ = ["Hermite", "Linear", "LogSignature", "Rectilinear"]


def _require_counts(name: str, counts: float | None) -> None:
    ok = counts is None or counts > 0
    require(ok, f"{name}.counts", "must be positive", counts, "pass a typical number of observations, or None")


def _width(dim: int, time: bool, counts: float | None) -> int:
    return time + dim * (1 if counts is None else 2)


def _held(rows: Rows) -> Float[Array, "t d"]:
    """The last value of each component; 0 before there is one."""
    before = last_seen(rows.mask)
    return jnp.where(before >= 0, jnp.take_along_axis(rows.ys, jnp.maximum(before, 0), axis=0), 0)


def _joined(rows: Rows) -> Float[Array, "t d"]:
    """Each component on straight lines between its observations, and flat before and after them."""
    t = rows.ts.shape[0]
    before, after = last_seen(rows.mask), t - 1 - last_seen(rows.mask[::-1])[::-1]
    left, right = jnp.where(before >= 0, before, after), jnp.where(after < t, after, before)
    left, right = jnp.clip(left, 0, t - 1), jnp.clip(right, 0, t - 1)
    gap = rows.ts[right] - rows.ts[left]
    share = jnp.where(gap > 0, (rows.ts[:, None] - rows.ts[left]) / jnp.where(gap > 0, gap, 1), 0)
    from_, to = jnp.take_along_axis(rows.ys, left, axis=0), jnp.take_along_axis(rows.ys, right, axis=0)
    return from_ + share.astype(rows.ys.dtype) * (to - from_)


class Linear(AbstractControl):
    """Straight lines from one observed row to the next. Not causal: a missing entry is met by a line to the next one.

    Without missing entries the path up to a row knows nothing of what comes after it.

    **Arguments:**

    - `time`: whether the time is a channel. Scale times to order one.
    - `counts`: the unit of the channels that count observations; none of these if `None`.

    **Raises:** `ValueError` if `counts` is not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import Linear
        series = sk.data.Series(jnp.array([0.0, 0.5, 2.0]), jnp.array([1.0, 3.0, 2.0]))
        Linear()(series).knots  # [[0., 1.], [0.5, 3.], [2., 2.]]
        ```

    Source: Kidger, Morrill, Foster and Lyons (2020), Neural controlled differential equations for irregular time
    series; Morrill, Kidger, Yang and Lyons (2021), Neural controlled differential equations for online prediction
    tasks, section 3.2.
    """

    time: bool = eqx.field(static=True, default=True)
    counts: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        _require_counts("Linear", self.counts)

    def channels(self, dim: int) -> int:
        return _width(dim, self.time, self.counts)

    def __call__(self, series: Series) -> ControlPath:
        rows = observed_rows(series)
        xs = row_channels(rows, _joined(rows), self.time, self.counts)
        return ControlPath(xs[0], jnp.diff(xs, axis=0)[:, None], rows.reached)


class Rectilinear(AbstractControl):
    """Steps: between two rows first the time moves on, then the values jump. Causal at every time.

    A missing entry keeps the last value, 0 before there is one. Takes two pieces a row.

    **Arguments:**

    - `counts`: the unit of the channels that count observations, which jump with the values; none of these if `None`.

    **Raises:** `ValueError` if `counts` is not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import Rectilinear
        series = sk.data.Series(jnp.array([0.0, 0.5]), jnp.array([1.0, 3.0]))
        Rectilinear()(series).knots  # [[0., 1.], [0.5, 1.], [0.5, 3.]]
        ```

    Source: Morrill, Kidger, Yang and Lyons (2021), Neural controlled differential equations for online prediction
    tasks, section 3.3.
    """

    counts: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        _require_counts("Rectilinear", self.counts)

    def channels(self, dim: int) -> int:
        return _width(dim, True, self.counts)

    def __call__(self, series: Series) -> ControlPath:
        rows = observed_rows(series)
        xs = row_channels(rows, _held(rows), True, self.counts)
        moves = jnp.diff(xs, axis=0)
        clock = (jnp.arange(xs.shape[1]) == 0)[None]
        pieces = jnp.stack([jnp.where(clock, moves, 0), jnp.where(clock, 0, moves)], axis=1)
        return ControlPath(xs[0], pieces.reshape(-1, 1, xs.shape[1]), 2 * rows.reached)


class Hermite(AbstractControl):
    r"""Cubic pieces, the slope at a row being that of the line from the row before: smooth, and causal at the rows.

    With $\Delta_i$ from row $i - 1$ to row $i$ over a gap $h_i$, and $d = h_i \Delta_{i-1} / h_{i-1}$ (or $\Delta_1$ in
    the first piece), the piece is $d s + 2(\Delta_i - d) s^2 + (d - \Delta_i) s^3$. A missing entry keeps the last
    value, 0 before there is one, so that the path up to a row knows nothing of later ones. Gaps that are very unequal
    make it overshoot.

    **Arguments:**

    - `time`: whether the time is a channel. Scale times to order one.
    - `counts`: the unit of the channels that count observations; none of these if `None`.

    **Raises:** `ValueError` if `counts` is not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import Hermite
        series = sk.data.Series(jnp.array([0.0, 0.5, 2.0]), jnp.array([1.0, 3.0, 2.0]))
        Hermite()(series)(1.5)  # time 1.25, and a value above both ends
        ```

    Source: Morrill, Kidger, Yang and Lyons (2021), Neural controlled differential equations for online prediction
    tasks, section 3.4.
    """

    time: bool = eqx.field(static=True, default=True)
    counts: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        _require_counts("Hermite", self.counts)

    def channels(self, dim: int) -> int:
        return _width(dim, self.time, self.counts)

    def __call__(self, series: Series) -> ControlPath:
        rows = observed_rows(series)
        xs = row_channels(rows, _held(rows), self.time, self.counts)
        moves, gaps = jnp.diff(xs, axis=0), jnp.diff(rows.ts)
        moving = gaps > 0  # not so between repeats of the last row
        ratio = jnp.where(moving[1:], gaps[1:] / jnp.where(moving[:-1], gaps[:-1], 1), 0).astype(xs.dtype)
        slopes = jnp.concatenate([moves[:1], ratio[:, None] * moves[:-1]])
        pieces = jnp.stack([slopes, 2 * (moves - slopes), slopes - moves], axis=1)
        return ControlPath(xs[0], pieces, rows.reached)


class LogSignature(AbstractControl):
    r"""Log-signatures of a piecewise linear control over windows of rows: few long steps in place of many short ones.

    Of depth 1, a window gives its increment $\Delta$. Of depth 2, its Levy areas too,
    $A_{ij} = \frac12 \int (X_i - X_i(0))\,dX_j - (X_j - X_j(0))\,dX_i$ for $i < j$, as more channels: exact for lines,
    $A = \frac12 \sum_k (S_{k-1} \otimes \Delta_k - \Delta_k \otimes S_{k-1})$ with $S_k = \sum_{l \le k} \Delta_l$. A
    controlled equation driven by it takes one log-ODE step a window: a neural rough differential equation. Areas do not
    add up, so `knots` of its path mean nothing past the first channels. A row inside of a window holds the state at the
    last end of a window before it; the last row, that of all.

    **Arguments:**

    - `window`: how many gaps between rows make a window.
    - `depth`: 1 or 2.
    - `path`: the control underneath, whose pieces are straight: `Linear()` or `Rectilinear()`.

    **Raises:** `ValueError` for another depth, an empty window, or a path whose pieces are curved.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import LogSignature
        square = jnp.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
        series = sk.data.Series(jnp.arange(5.0), square)
        LogSignature(window=4)(series).pieces[0, 0]  # 4 in time, 0 and 0, and areas: the last is 1
        ```

    Source: Morrill, Salvi, Kidger and Foster (2021), Neural rough differential equations for long time series, section
    3; the areas from Lyons, Caruana and Levy (2007), Differential equations driven by rough paths, section 2.2.
    """

    window: int = eqx.field(static=True)
    depth: int = eqx.field(static=True, default=2)
    path: AbstractControl = Linear()

    def __check_init__(self):
        require(self.window >= 1, "LogSignature.window", "must be at least 1", self.window, "pass e.g. 8")
        require(self.depth in (1, 2), "LogSignature.depth", "must be 1 or 2", self.depth, "pass 2")

    def channels(self, dim: int) -> int:
        c = self.path.channels(dim)
        return c if self.depth == 1 else c + c * (c - 1) // 2

    def __call__(self, series: Series) -> ControlPath:
        path = self.path(series)
        p, k, c = path.pieces.shape
        require(k == 1, "LogSignature.path", "must have straight pieces", self.path, "use Linear() or Rectilinear()")
        rows = series.length - 1
        size = self.window * max(p // max(rows, 1), 1)
        count = -(-p // size)
        moves = jnp.pad(path.pieces[:, 0], ((0, count * size - p), (0, 0))).reshape(count, size, c)
        logs = [moves.sum(1)]
        if self.depth == 2:
            logs.append(jax.vmap(_areas)(moves))
        out = jnp.concatenate(logs, axis=1)[:, None]
        start = jnp.pad(path.start, (0, out.shape[-1] - c))
        last = jnp.max(path.reached)
        reached = jnp.where(path.reached == last, -(-last // size), path.reached // size)
        return ControlPath(start, out, reached)


def _areas(moves: Float[Array, "k c"]) -> Float[Array, " a"]:
    """The Levy areas of a piecewise linear path from its increments, in the order (0, 1), (0, 2), ..., (1, 2), ..."""
    before = jnp.cumsum(moves, axis=0) - moves
    tensor = jnp.einsum("ki,kj->ij", before, moves, precision=jax.lax.Precision.HIGHEST)
    rows, columns = np.triu_indices(moves.shape[1], 1)
    return ((tensor - tensor.T) / 2)[rows, columns]
