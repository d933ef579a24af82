"""The words: an encoder reads one series, and gives a context that can be read at any time."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from .._types import Array, RealScalar, Times
from ..data import Series


__all__ = ["AbstractContext", "AbstractEncoder", "AheadContext", "ConstantContext", "next_observed"]


class AbstractContext(eqx.Module):
    """What an encoder says of one series, read at a time.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.nets import AbstractContext, ConstantContext
        isinstance(ConstantContext(jnp.zeros(3)), AbstractContext)  # True
        ```
    """

    start: eqx.AbstractVar[Float[Array, " c"]]
    """What is said of the whole series: for the law of the first state."""

    @abc.abstractmethod
    def __call__(self, t: RealScalar) -> Float[Array, " c"]:
        """The context at time `t`."""


class AbstractEncoder(eqx.Module):
    """A map from one series to a context of length `size`. A masked entry never changes what it says.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.nets import AbstractContext, AbstractEncoder, ConstantContext

        class Mean(AbstractEncoder):  # a new encoder: one method and a size
            size: int = 1

            def __call__(self, series) -> AbstractContext:
                return ConstantContext((series.ys.sum() / series.mask.sum())[None])

        Mean()(sk.data.Series(jnp.arange(3.0), jnp.ones(3)))(0.5)  # [1.]
        ```
    """

    size: eqx.AbstractVar[int]
    """The length `c` of a context."""

    @abc.abstractmethod
    def __call__(self, series: Series) -> AbstractContext:
        """The context of one series."""


class ConstantContext(AbstractContext):
    """The same context at all times.

    **Arguments:**

    - `start`: the context, shape `(c,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.nets import ConstantContext
        ConstantContext(jnp.ones(3))(0.5)  # [1., 1., 1.]
        ```
    """

    start: Float[Array, " c"]

    def __call__(self, t: RealScalar) -> Float[Array, " c"]:
        return self.start


class AheadContext(AbstractContext):
    """What lies ahead of a time: the features of the next observed row after it, and how far off that row is.

    Constant between rows but for its last entry, the time to the next observation (0 if there is none). Constant, and
    not linear in between: at an observation the control of a posterior jumps, since the datum has just been used; so
    the context at the time of a row is that just after it. From the last observation on it is zero. `start` looks at
    all rows, the first one included.

    **Arguments:**

    - `ts`: the times of the series, shape `(t,)`.
    - `values`: features of what lies at or after each row, shape `(t, c - 1)`: a row that was not observed holds those
        of the next one that was, and zeros if there is none.
    - `following`: the time of the first observed row at or after each row, shape `(t,)`; anything where there is none.
    - `seen`: whether there is such a row, shape `(t,)`.
    - `gap`: the unit in which the time to the next observation is given.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.nets import AheadContext
        ts = jnp.array([0.0, 1.0])
        context = AheadContext(ts, jnp.array([[5.0], [7.0]]), ts, jnp.ones(2, bool))
        context(0.25)  # [7., 0.75]
        ```

    Source: Li, Wong, Chen and Duvenaud (2020), Scalable gradients for stochastic differential equations, section 5.
    """

    ts: Times
    values: Float[Array, "t c-1"]
    following: Times
    seen: Bool[Array, " t"]
    gap: float = eqx.field(static=True, default=1.0)

    @property
    def start(self) -> Float[Array, " c"]:
        return self._read(0, self.ts[0])

    def __call__(self, t: RealScalar) -> Float[Array, " c"]:
        t = jnp.asarray(t, self.ts.dtype)
        return self._read(jnp.searchsorted(self.ts, t, side="right"), t)

    def _read(self, row, t):
        last = self.ts.shape[0] - 1
        ahead = (row <= last) & self.seen[jnp.minimum(row, last)]
        row = jnp.minimum(row, last)
        lag = jnp.where(ahead, (self.following[row] - t) / self.gap, 0).astype(self.values.dtype)
        return jnp.append(jnp.where(ahead, self.values[row], 0), lag)


def next_observed(series: Series) -> tuple[Times, Bool[Array, " t"]]:
    """The time of the first observed row at or after each row, and whether there is one.

    **Arguments:**

    - `series`: one series.

    **Returns:** times `(t,)`, that of the row itself where nothing lies ahead, and Booleans `(t,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.nets import next_observed
        mask = jnp.array([True, False, True, False])
        next_observed(sk.data.Series(jnp.arange(4.0), jnp.ones(4), mask))  # [0, 2, 2, 3], [True, True, True, False]
        ```
    """
    rows = series.mask.any(-1)
    times = jnp.where(rows, series.ts, jnp.inf)
    ahead = jax.lax.cummin(times, reverse=True)
    seen = jnp.isfinite(ahead)
    return jnp.where(seen, ahead, series.ts), seen
