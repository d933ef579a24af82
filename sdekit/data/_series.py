"""Time series, regular or not, complete or not."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec
from jaxtyping import ArrayLike, Bool, Float

from .._errors import fault, require, require_times
from .._types import Array, Key, as_float, is_concrete
from ._record import AbstractRecord


__all__ = ["Series"]


class Series(AbstractRecord):
    """One time series, or a stack of them: `ts`, `ys`, `mask`.

    Entries where `mask` is false are missing or padding: their value is 0 and never used. Padded times continue after
    the last time so that `ts` increases everywhere.
    """

    ts: Float[Array, "*n t"]
    ys: Float[Array, "*n t d"]
    mask: Bool[Array, "*n t d"]
    origin: float = eqx.field(static=True)
    """What was taken off the user's times (in their unit) to give `ts`."""

    def __init__(self, ts: ArrayLike, ys: ArrayLike, mask: ArrayLike | None = None, *, origin: float = 0.0):
        ts, ys = as_float(ts), as_float(ys)
        if ys.ndim == ts.ndim:
            ys = ys[..., None]
        require(ts.ndim in (1, 2), "ts", "must have shape (t,) or (n, t)", ts, "pass one axis of times")
        require(
            ys.ndim == ts.ndim + 1 and ys.shape[:-1] == ts.shape,
            "ys", f"must have shape (*ts.shape, d) with ts.shape = {ts.shape}", ys, "pass one row of values a time",
        )  # fmt: skip
        require(ts.shape[-1] > 0, "ts", "must not be empty", ts, "pass at least one time")
        if mask is None:
            mask = jnp.isfinite(ys) if not is_concrete(ys) else jnp.ones(ys.shape, bool)
            if is_concrete(ys) and not np.isfinite(np.asarray(ys)).all():
                i = tuple(int(k) for k in np.argwhere(~np.isfinite(np.asarray(ys)))[0])
                raise ValueError(
                    fault(f"ys[{', '.join(map(str, i))}]", "must be finite where it is observed", ys[i],
                          "mark missing values by `mask=jnp.isfinite(ys)`")
                )  # fmt: skip
        mask = jnp.asarray(mask, bool)
        if mask.shape == ts.shape:
            mask = jnp.broadcast_to(mask[..., None], ys.shape)
        require(mask.shape == ys.shape, "mask", f"must have the shape of ys, {ys.shape}", mask, "pass one flag a value")
        if is_concrete((ts, ys, mask)):
            for k, row in enumerate(np.atleast_2d(np.asarray(ts))):
                require_times(row, "ts" if ts.ndim == 1 else f"ts[{k}]")
            bad = np.asarray(mask) & ~np.isfinite(np.asarray(ys))
            if bad.any():
                i = tuple(int(k) for k in np.argwhere(bad)[0])
                raise ValueError(
                    fault(f"ys[{', '.join(map(str, i))}]", "must be finite where it is observed", ys[i],
                          "mark missing values by `mask=jnp.isfinite(ys)`")
                )  # fmt: skip
        self.ts = ts
        self.ys = jnp.where(mask, ys, jnp.zeros((), ys.dtype))
        self.mask = mask
        self.origin = origin

    @property
    def dim(self) -> int:
        """The number of components `d`."""
        return self.ys.shape[-1]

    @property
    def is_item(self) -> bool:
        return self.ts.ndim == 1

    def __len__(self) -> int:
        return 1 if self.is_item else self.ts.shape[0]

    def __getitem__(self, index) -> Self:
        require(not self.is_item, "index", "needs a stack of series", index, "slice ts and ys, or use split_time")
        return jax.tree.map(lambda x: x[index], self)

    def stack(self) -> Self:
        return jax.tree.map(lambda x: x[None], self) if self.is_item else self

    def draw(self, size: int, *, key: Key) -> Self:
        stacked = self.stack()
        index = jax.random.choice(key, len(stacked), (size,), replace=False)
        return jax.tree.map(lambda x: x[index], stacked)

    def partition(self, axis: str):
        return jax.tree.map(lambda _: PartitionSpec(axis), self)

    def observed(self) -> Array:
        return self.mask.sum()
