"""How records look at what they are given: shapes, dtypes, first bad entry."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._errors import fault, require, require_times
from .._types import Array, ArrayLike, as_float, is_concrete


__all__ = ["as_int", "cast_times", "first_bad", "last_true", "pad_rows", "pad_times", "require_all", "require_rows"]


def as_int(x: Any, argument: str) -> Array:
    """An integer array; floating-point numbers pass only if they are whole (a file often gives `1.0` for state 1)."""
    if isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jnp.integer):
        return x
    if not is_concrete(x):
        require(jnp.issubdtype(x.dtype, jnp.integer), argument, "must be integers", x, "cast them by astype(int)")
        return x
    x = np.asarray(x)
    require(np.issubdtype(x.dtype, np.number), argument, "must be integers", x, "map labels to 0, 1, 2, ...")
    if not np.issubdtype(x.dtype, np.integer):
        require_all(x == np.round(x), argument, "must be a whole number", x, "map labels to 0, 1, 2, ...")
    return jnp.asarray(x.astype(jax.dtypes.canonicalize_dtype(np.int64)))


def first_bad(ok: np.ndarray) -> tuple[int, ...] | None:
    """The index of the first entry that is false, or `None`."""
    return None if ok.all() else tuple(int(k) for k in np.argwhere(~ok)[0])


def require_all(ok: np.ndarray, argument: str, problem: str, values: Any, remedy: str) -> None:
    """Raise a `ValueError` that names the first entry where `ok` is false."""
    i = first_bad(np.asarray(ok))
    if i is not None:
        where = f"{argument}[{', '.join(map(str, i))}]" if i else argument
        raise ValueError(fault(where, problem, np.asarray(values)[i], remedy))


def require_rows(ts: Any, argument: str) -> None:
    """`require_times` for a vector of times, or for each row of a matrix of them."""
    ts = np.asarray(ts)
    if ts.ndim == 1:
        require_times(ts, argument)
        return
    if ts.size and (np.diff(ts, axis=-1) > 0).all() and np.isfinite(ts).all():
        return
    for k, row in enumerate(ts):
        require_times(row, f"{argument}[{k}]")


def pad_times(ts: Any, length: int) -> Any:
    """Continue increasing times to `length` entries, at the mean gap. NumPy in, NumPy out; else JAX."""
    n = ts.shape[-1]
    if n >= length:
        return ts
    xp = np if isinstance(ts, np.ndarray) else jnp
    last = ts[..., -1:]
    gap = (last - ts[..., :1]) / (n - 1) if n > 1 else xp.ones_like(last)
    gap = xp.maximum(gap, 16 * xp.finfo(ts.dtype).eps * xp.abs(last)).astype(ts.dtype)
    steps = xp.arange(1, length - n + 1, dtype=ts.dtype).reshape((1,) * (ts.ndim - 1) + (-1,))
    more = last + gap * steps
    return xp.concatenate([ts, more], axis=-1)


def last_true(mask: Array) -> Array:
    """One plus the position of the last true entry along the last axis, 0 if there is none."""
    position = jnp.arange(1, mask.shape[-1] + 1).reshape((1,) * (mask.ndim - 1) + (-1,))
    return jnp.where(mask, position, 0).max(-1)


def pad_rows(rows: Sequence[np.ndarray], length: int, fill: Any) -> np.ndarray:
    """Rows of unequal length as one array, padded at the end with `fill`."""
    dtype = np.result_type(*[np.asarray(r).dtype for r in rows])
    out = np.full((len(rows), length, *np.asarray(rows[0]).shape[1:]), fill, dtype)
    for k, row in enumerate(rows):
        out[k, : len(row)] = row
    return out


def cast_times(ts: ArrayLike, argument: str) -> Array:
    """Times in the dtype that JAX will hold, with an error if the cast loses their differences."""
    out = as_float(ts)
    if not is_concrete(ts):
        return out
    ts = np.asarray(ts)
    if ts.dtype == np.float64 and out.dtype == np.float32 and ts.size:
        size = np.abs(ts[np.isfinite(ts)]).max(initial=0.0)
        gaps = np.diff(ts, axis=-1)
        gaps = gaps[gaps > 0]
        if gaps.size and np.spacing(np.float32(size)) > 0.1 * np.median(gaps):
            raise ValueError(
                fault(argument, "are too far from 0 for float32: it cannot hold their differences", ts,
                      "subtract an origin (`rebase=True`) or enable float64")
            )  # fmt: skip
    return out
