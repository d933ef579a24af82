"""A context that moves with time without a jump."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._errors import require
from .._types import Key, RealScalar, Times
from ..data import Series
from ._checks import check_gap, check_series, check_sizes
from ._encoder import AbstractContext, AbstractEncoder
from ._encoders import gru_states


__all__ = ["BetweenContext", "BetweenEncoder"]


class BetweenContext(AbstractContext):
    r"""A context between the observed rows of a series, continuous in time and smooth but at those rows.

    Between rows $k$ and $k + 1$, with $s$ the part of the gap that has passed and
    $b = (t - t_k)(t_{k+1} - t)/(t_{k+1} - t_k)$ the variance of a Brownian bridge, it is
    $(1 - s)(v_k + b\,p_k) + s\,(v_{k+1} + b\,q_{k+1})$, and $b$ beside it. Before the first observed row and after the
    last there is one row, $b$ is the time to it, and the context $v + b\,q$ or $v + b\,p$.

    **Arguments:**

    - `ts`: the times of the rows, shape `(t,)`.
    - `values`, `after`, `before`: $v$, $p$ and $q$, each of shape `(t, c - 1)`.
    - `seen`: which rows have been observed, shape `(t,)`. With none the context is zero.
    - `gap`: the unit in which `b` is given.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.nets import BetweenContext
        ts, values, none = jnp.array([0.0, 1.0]), jnp.array([[5.0], [7.0]]), jnp.zeros((2, 1))
        BetweenContext(ts, values, none, none, jnp.ones(2, bool))(0.5)  # [6.0, 0.25]
        ```
    """

    ts: Times
    values: Float[Array, "t c-1"]
    after: Float[Array, "t c-1"]
    before: Float[Array, "t c-1"]
    seen: Bool[Array, " t"]
    gap: float = eqx.field(static=True, default=1.0)

    @property
    def start(self) -> Float[Array, " c"]:
        return self(self.ts[0])

    def __call__(self, t: RealScalar) -> Float[Array, " c"]:
        t, last = jnp.asarray(t, self.ts.dtype), self.ts.shape[0] - 1
        rows = jnp.where(self.seen, jnp.arange(last + 1), -1)
        before = jax.lax.cummax(rows)
        rows = jnp.where(self.seen, jnp.arange(last + 1), last + 1)
        after = jax.lax.cummin(rows, reverse=True)
        place = jnp.searchsorted(self.ts, t, side="right")
        low = jnp.where(place > 0, before[jnp.maximum(place - 1, 0)], -1)
        high = jnp.where(place <= last, after[jnp.minimum(place, last)], last + 1)
        no_low, no_high = low < 0, high > last
        low, high = jnp.where(no_low, high, low), jnp.where(no_high, low, high)
        low, high = jnp.clip(low, 0, last), jnp.clip(high, 0, last)
        passed, left = t - self.ts[low], self.ts[high] - t
        both = ~(no_low | no_high)
        whole = jnp.where(both, passed + left, 1)
        part = jnp.where(both, passed / whole, no_low)
        bridge = jnp.where(both, passed * left / whole, jnp.where(no_low, left, passed))
        bridge = (jnp.where(no_low & no_high, 0, bridge) / self.gap).astype(self.values.dtype)
        part = part.astype(self.values.dtype)
        one = self.values[low] + bridge * self.after[low]
        two = self.values[high] + bridge * self.before[high]
        told = (1 - part) * one + part * two
        return jnp.append(jnp.where(no_low & no_high, 0, told), bridge)


class BetweenEncoder(AbstractEncoder):
    r"""Gated recurrent units in both directions, and a context that is interpolated between the rows.

    For marginals (`MarginalMLP`), which must not jump: the contexts of the other encoders do, at each observation, when
    a datum has been used up. Each observed row knows of all others. A look at one time costs the same however long the
    series is. Rows without any observation, padding among them, are as if they were not there.

    **Arguments:**

    - `dim`: the number of components `e` of an observation.
    - `width`: the length of each of the two recurrent states.
    - `size`: the length `c` of a context: at least 2.
    - `gap`: a typical time between observations. Times enter in units of it.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes that are too small or a gap that is not positive, or when called on a series of
    another number of components.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.nets import BetweenEncoder
        encoder = BetweenEncoder(dim=1, width=16, size=8, gap=0.5, key=jax.random.key(0))
        context = encoder(sk.data.Series(jnp.array([0.0, 0.3, 1.0]), jnp.ones(3)))
        context(0.5).shape  # (8,)
        ```

    Source: Schuster and Paliwal (1997), Bidirectional recurrent neural networks.
    """

    ahead: eqx.nn.GRUCell
    behind: eqx.nn.GRUCell
    head: eqx.nn.Linear
    gap: float = eqx.field(static=True)
    size: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)

    def __init__(self, dim: int, width: int, size: int, *, key: Key, gap: float = 1.0):
        check_sizes("BetweenEncoder", dim=dim, width=width)
        check_gap("BetweenEncoder", gap)
        require(size >= 2, "BetweenEncoder.size", "must be at least 2", size, "pass at least 2")
        ahead, behind, head = jax.random.split(key, 3)
        self.ahead = eqx.nn.GRUCell(2 * dim + 1, width, key=ahead)
        self.behind = eqx.nn.GRUCell(2 * dim + 1, width, key=behind)
        self.head = eqx.nn.Linear(2 * width, 3 * (size - 1), key=head)
        self.size, self.dim, self.gap = size, dim, float(gap)

    def __call__(self, series: Series) -> BetweenContext:
        check_series("BetweenEncoder", series, self.dim)
        past = gru_states(self.behind, series, self.gap, reverse=False)
        future = gru_states(self.ahead, series, self.gap, reverse=True)
        told = jax.vmap(self.head)(jnp.concatenate([past, future], axis=1))
        return BetweenContext(series.ts, *jnp.split(told, 3, axis=1), series.mask.any(-1), self.gap)  # pyright: ignore[reportCallIssue, reportArgumentType]
