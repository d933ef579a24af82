"""How a sequence of events is checked: windows, order, ties, marks."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._errors import fault, require
from .._types import Array, as_float, is_concrete
from ._checks import as_int, first_bad, require_all


__all__ = ["read_marks", "require_events", "take", "window_end"]


def window_end(t: Any, ts: Array, argument: str) -> Array:
    """An end of the window, one an item, in the dtype of the event times."""
    t = as_float(t).astype(ts.dtype)
    fits = t.shape in ((), ts.shape[:-1])
    require(fits, argument, f"must be a number or have shape {ts.shape[:-1]}", t, "pass one window end an item")
    return jnp.broadcast_to(t, ts.shape[:-1])


def read_marks(marks: Any, ts: Array, mask: Array, num_marks: int | None) -> tuple[Array, int | None]:
    """Marks as an array, and how many kinds there are: integers if given as integers or counted, else real."""
    marks = marks if isinstance(marks, jax.Array) else np.asarray(marks)
    if num_marks is None and jnp.issubdtype(marks.dtype, jnp.floating):
        marks = as_float(marks)
        fits = marks.ndim in (ts.ndim, ts.ndim + 1) and marks.shape[: ts.ndim] == ts.shape
        require(fits, "marks", f"must have shape {ts.shape} or {ts.shape} + (m,)", marks, "pass one mark an event")
        return marks, None
    marks = as_int(marks, "marks")
    require(marks.shape == ts.shape, "marks", f"must have the shape of ts, {ts.shape}", marks, "one mark an event")
    if num_marks is None:
        require(is_concrete((marks, mask)), "num_marks", "must be given under jit", None, "pass num_marks=")
        num_marks = int(np.where(np.asarray(mask), np.asarray(marks), 0).max()) + 1
    require(num_marks >= 1, "num_marks", "must be positive", num_marks, "pass how many kinds of events there are")
    return marks, num_marks


def require_events(ts, marks, mask, t0, t1, num_marks: int | None, ties: bool) -> None:
    """Check concrete values: the error names the first bad event."""
    ts, mask, t0, t1 = (np.asarray(x) for x in (ts, mask, t0, t1))
    require_all(np.isfinite(t0) & np.isfinite(t1) & (t0 < t1), "t1", "must be later than t0", t1, "pass a real window")
    require_all(~mask[..., 1:] | mask[..., :-1], "mask", "must be true first, padding last", mask[..., 1:], "sort it")
    require_all(np.isfinite(ts) | ~mask, "ts", "must be finite", ts, "drop events without a time")
    inside = (ts >= t0[..., None]) & (ts <= t1[..., None])
    i = first_bad(inside | ~mask)
    if i is not None:
        where, window = f"ts[{', '.join(map(str, i))}]", f"[{t0[i[:-1]]:g}, {t1[i[:-1]]:g}]"
        raise ValueError(fault(where, f"lies outside the window {window}", ts[i], "widen the window or drop the event"))
    gaps = np.where(mask[..., 1:], np.diff(ts, axis=-1), np.inf)
    i = first_bad(gaps >= 0)
    if i is not None:
        i = (*i[:-1], i[-1] + 1)
        where, before = f"ts[{', '.join(map(str, i))}]", ts[(*i[:-1], i[-1] - 1)]
        raise ValueError(fault(where, f"comes before the event at {before:g}", ts[i], "sort the events (and marks)"))
    i = first_bad((gaps > 0) | ties)
    if i is not None:
        i = (*i[:-1], i[-1] + 1)
        remedy = "pass ties=True if events may coincide, then dequantise times that were rounded"
        if ts.dtype == np.float32:
            remedy += "; times that differ before the cast to float32 need a nearer origin or float64"
        where = f"ts[{', '.join(map(str, i))}]"
        raise ValueError(fault(where, "is the time of the event before, too", ts[i], remedy))
    if marks is None:
        return
    marks = np.asarray(marks)
    if num_marks is None:
        flags = mask.reshape(mask.shape + (1,) * (marks.ndim - mask.ndim))
        require_all(np.isfinite(marks) | ~flags, "marks", "must be finite", marks, "drop events without a mark")
        return
    known = ((marks >= 0) & (marks < num_marks)) | ~mask
    problem = f"is an unknown mark, not in 0..{num_marks - 1}"
    require_all(known, "marks", problem, marks, "count marks from 0, or pass a larger num_marks")


def take(x: Array, index: Array) -> Array:
    """`x` along the axis of events, whatever axes follow."""
    axis = index.ndim - 1
    return jnp.take_along_axis(x, index.reshape(index.shape + (1,) * (x.ndim - index.ndim)), axis)
