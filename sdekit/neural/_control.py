"""The words: a control turns one series into a path that drives a differential equation, piece by piece."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._errors import require
from ..data import Series


__all__ = ["AbstractControl", "ControlPath", "Rows", "observed_rows", "row_channels"]


class ControlPath(eqx.Module):
    r"""A path in pieces, each a polynomial $\sum_k a_k s^k$ in its own parameter $s \in [0, 1]$ without constant term.

    What a controlled equation does depends on the path alone, not on the speed at which it is run through: so no times
    are kept, but as a channel of the path. Pieces past the last observation stand still.

    **Arguments:**

    - `start`: where the path begins, shape `(c,)`.
    - `pieces`: the coefficients $a_1, a_2, \dots$ of each piece, shape `(p, k, c)`.
    - `reached`: how many pieces have been run through at each row of the series, shape `(t,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import Linear
        path = Linear()(sk.data.Series(jnp.array([0.0, 0.5, 2.0]), jnp.array([1.0, 3.0, 2.0])))
        path(1.5)  # half of the second piece: time 1.25, value 2.5
        ```
    """

    start: Float[Array, " c"]
    pieces: Float[Array, "p k c"]
    reached: Int[Array, " t"]

    @property
    def channels(self) -> int:
        """The number `c` of channels."""
        return self.start.shape[0]

    @property
    def knots(self) -> Float[Array, "p+1 c"]:
        """The path at the ends of its pieces."""
        steps = jnp.cumsum(self.pieces.sum(1), axis=0)
        return jnp.concatenate([self.start[None], self.start[None] + steps])

    def __call__(self, u: Float[Array, ""] | float) -> Float[Array, " c"]:
        """The path after `u` pieces, `0 <= u <= p`."""
        p, k = self.pieces.shape[:2]
        u = jnp.asarray(u, self.start.dtype)
        i = jnp.clip(jnp.floor(u).astype(int), 0, p - 1)
        powers = (u - i) ** jnp.arange(1, k + 1)
        return self.knots[i] + powers.astype(self.start.dtype) @ self.pieces[i]

    def increments(self, steps: int) -> Float[Array, "p*steps c"]:
        """What the path gains in each of `steps` equal parts of each piece.

        **Arguments:**

        - `steps`: how many, at least 1.

        **Returns:** shape `(p * steps, c)`.
        """
        p, k, c = self.pieces.shape
        s, order = np.linspace(0, 1, steps + 1)[:, None], np.arange(1, k + 1)[None]
        gains = jnp.asarray(np.diff(s**order, axis=0), self.pieces.dtype)
        return jnp.einsum("sk,pkc->psc", gains, self.pieces).reshape(p * steps, c)


class AbstractControl(eqx.Module):
    """A map from one series to a `ControlPath`. Rows without any observation, padding among them, change nothing.

    Channels are, in order: the time, if `time`; the components of the series; and if `counts` is a number, how many
    observations of each component there were so far, in units of it. Fields must see the counts where it matters that,
    or how often, something was observed.

    !!! example

        ```python
        from sdekit.neural import AbstractControl, Hermite
        isinstance(Hermite(), AbstractControl)  # True
        ```
    """

    @abc.abstractmethod
    def channels(self, dim: int) -> int:
        """The number of channels of what drives, for a series of `dim` components."""

    @abc.abstractmethod
    def __call__(self, series: Series) -> ControlPath:
        """The path of one series."""


class Rows(NamedTuple):
    """The observed rows of a series, moved to the front; the last of them is repeated up to the length.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural._control import observed_rows
        mask = jnp.array([True, False, True])
        observed_rows(sk.data.Series(jnp.arange(3.0), jnp.ones(3), mask)).ts  # [0., 2., 2.]
        ```
    """

    ts: Float[Array, " t"]
    ys: Float[Array, "t d"]
    mask: Bool[Array, "t d"]
    """False in repeats."""
    reached: Int[Array, " t"]
    """For each row of the series, the place of the last observed row up to it; 0 before the first."""


def observed_rows(series: Series) -> Rows:
    """The observed rows of one series, moved to the front.

    **Arguments:**

    - `series`: one series.

    **Returns:** a `Rows`.

    **Raises:** `ValueError` for a stack of series.
    """
    require(series.is_item, "series", "must be one series", series.ts, "use `vmap`, or index the record")
    seen, t = series.mask.any(-1), series.length
    place = jnp.cumsum(seen) - 1
    rows = jnp.arange(t)
    last = jnp.max(jnp.where(seen, rows, 0))
    index = jnp.full(t, last).at[jnp.where(seen, place, t)].set(rows, mode="drop")
    mask = series.mask[index] & (rows < seen.sum())[:, None]
    return Rows(series.ts[index], jnp.where(mask, series.ys[index], 0), mask, jnp.maximum(place, 0))


def row_channels(rows: Rows, values: Float[Array, "t d"], time: bool, counts: float | None) -> Float[Array, "t c"]:
    """The channels at each row: time, values, counts.

    **Arguments:**

    - `rows`: the observed rows.
    - `values`: the values to take at them, without gaps.
    - `time`, `counts`: which other channels there are.

    **Returns:** shape `(t, c)`.
    """
    parts = [rows.ts[:, None].astype(values.dtype)] if time else []
    parts.append(values)
    if counts is not None:
        parts.append(jnp.cumsum(rows.mask, axis=0).astype(values.dtype) / counts)
    return jnp.concatenate(parts, axis=1)


def last_seen(mask: Bool[Array, "t d"]) -> Int[Array, "t d"]:
    """The row of the last observation of each component up to each row; -1 if there is none."""
    return jax.lax.cummax(jnp.where(mask, jnp.arange(mask.shape[0])[:, None], -1), axis=0)
