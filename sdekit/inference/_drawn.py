"""What the objectives that compare draws with data share: series of one grid, and paths at their times."""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import check_traced, fault, require
from .._process import AbstractDiffusion, AbstractProcess
from .._types import Array, Key, PyTree, Times
from ..data import AbstractRecord, Series
from ..paths import SampledPath
from ..solve import solve


__all__ = ["draw_states", "require_least", "series_of_one_grid"]


def require_least(owner: str, **fields: tuple[int | None, int]) -> None:
    """Check that sizes are not too small.

    **Arguments:**

    - `owner`: the class that has them.
    - `fields`: by name the value, or `None`, and the least it may be.

    **Raises:** `ValueError` naming the field.
    """
    for field, (value, bound) in fields.items():
        ok = value is None or value >= bound
        require(ok, f"{owner}.{field}", f"must be at least {bound}", value, f"pass {field} >= {bound}")


def series_of_one_grid(batch: AbstractRecord) -> tuple[Series, Times]:
    """A stack of series, checked to stand at the same times, and these times.

    **Arguments:**

    - `batch`: a `Series`, one or stacked.

    **Returns:** the stack, and its times `(t,)`.

    **Raises:** `TypeError` for another record; `RuntimeError` for times that differ.
    """
    if not isinstance(batch, Series):
        raise TypeError(fault("batch", "must be a Series", type(batch).__name__, "pass time series"))
    batch = batch.stack()
    ts = batch.ts[0]
    ts = check_traced(ts, jnp.any(batch.ts != ts[None]), "batch.ts", "must be alike for all series",
                      "take series of one grid, with a mask for what was not seen")  # fmt: skip
    return batch, ts


def draw_states(model: PyTree, ts: Times, *, key: Key, n: int, steps: int | None = None) -> Float[Array, "n t d"]:
    """States of paths of a process at given times.

    **Arguments:**

    - `model`: a process.
    - `ts`: times, shape `(t,)`.
    - `key`: a JAX key; path `i` draws from `fold_in(key, i)`.
    - `n`: how many paths.
    - `steps`: for diffusions, how many steps of the solver in each gap; `None` for the model's own draws.

    **Returns:** shape `(n, t, d)`.

    **Raises:** `TypeError` for a model that draws no `SampledPath`.
    """
    if not isinstance(model, AbstractProcess):
        raise TypeError(fault("model", "must be a process", type(model).__name__, "pass what `sample` can draw"))

    def one(i):
        own = jax.random.fold_in(key, i)
        if steps is not None and isinstance(model, AbstractDiffusion):
            path = solve(model, ts, key=own, steps=steps)
        else:
            path = model.draw(ts, key=own)
        if not isinstance(path, SampledPath):
            remedy = "pass a process with states at given times"
            raise TypeError(fault("model", "must draw a SampledPath", type(path).__name__, remedy))
        return path.xs

    return jax.vmap(one)(jnp.arange(n))
