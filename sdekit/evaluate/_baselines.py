"""Forecasts that anybody can make: a model should beat them."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float

from .._errors import require
from .._parameters import parameter
from .._process import AbstractConditioned, AbstractProcess
from .._types import Array, Key, Times, as_vector, is_concrete
from ..data import AbstractRecord, Series
from ..paths import Provenance, SampledPath
from ._forecast import components


__all__ = ["Climatology", "Persistence", "baselines"]


class Persistence(AbstractConditioned):
    """The last observed value of each component, for ever. Its CRPS is its mean absolute error.

    **Arguments:**

    - `level`: where it stands before anything is observed, shape `(d,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import Persistence
        past = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.3, -0.2]))
        Persistence().condition(past).level  # [-0.2]
        ```
    """

    level: Float[Array, " d"] = parameter(trainable=False, converter=as_vector)

    def __init__(self, level: ArrayLike = 0.0):
        self.level = as_vector(level)

    @property
    def dim(self) -> int:
        return self.level.shape[0]

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return SampledPath(ts, jnp.broadcast_to(self.level, (ts.shape[0], self.dim)), Provenance("exact"))

    def condition(self, series: Series) -> AbstractProcess:
        _check(self, series)
        rows = jnp.arange(series.ts.shape[0])[:, None]
        last = jnp.where(series.mask, rows, -1).max(axis=0)
        value = jnp.take_along_axis(series.ys, jnp.maximum(last, 0)[None], axis=0)[0]
        return Persistence(jnp.where(last >= 0, value, self.level.astype(value.dtype)))


class Climatology(AbstractConditioned):
    """Past values drawn at random, at each time anew: the law that a forecast without skill would give.

    Its mean is the mean of the past. Rows observed in full are drawn whole, so that the components keep their
    dependence.

    **Arguments:**

    - `values`: the past values, shape `(m, d)`.
    - `seen`: which rows may be drawn, shape `(m,)`; all if not given.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import Climatology
        past = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.3, -0.2]))
        given = Climatology(jnp.zeros((1, 1))).condition(past)
        given.sample(jnp.array([3.0, 4.0]), key=jax.random.key(0), n=10)
        ```
    """

    seen: Bool[Array, " m"]
    values: Float[Array, "m d"] = parameter(trainable=False)

    def __init__(self, values: ArrayLike, seen: ArrayLike | None = None):
        self.values = jnp.asarray(values)
        require(self.values.ndim == 2, "values", "must have shape (m, d)", self.values, "pass one row a value")
        self.seen = jnp.ones(self.values.shape[0], bool) if seen is None else jnp.asarray(seen, bool)

    @property
    def dim(self) -> int:
        return self.values.shape[1]

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        weight = self.seen.astype(self.values.dtype)
        index = jax.random.choice(key, self.values.shape[0], ts.shape, p=weight / weight.sum())
        return SampledPath(ts, self.values[index], Provenance("exact"))

    def condition(self, series: Series) -> AbstractProcess:
        _check(self, series)
        whole = series.mask.all(axis=-1)
        ok = not is_concrete(whole) or bool(np.asarray(whole).any())
        require(ok, "series", "must have a row observed in full", series.mask, "pass a longer past")
        return Climatology(series.ys, whole)


def _check(process: AbstractProcess, series: Series) -> None:
    require(series.is_item, "series", "must be one series", series.ts, "index the record, e.g. series[0]")
    require(series.dim == process.dim, "series.ys", f"must have {process.dim} component(s)", series.ys, "match `dim`")


def baselines(data: AbstractRecord) -> dict[str, AbstractProcess]:
    """The forecasts without skill that fit a record, to stand beside a model in a table.

    **Arguments:**

    - `data`: a `Series`.

    **Returns:** `{"persistence": ..., "climatology": ...}`.

    **Raises:** `TypeError` for another record.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import baselines
        data = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.3, -0.2]))
        {"ou": sk.processes.OrnsteinUhlenbeck(rate=1.0), **baselines(data)}
        ```
    """
    values = components(data)
    zero = jnp.zeros(values.shape[-1:], values.dtype)
    return {"persistence": Persistence(zero), "climatology": Climatology(zero[None])}
