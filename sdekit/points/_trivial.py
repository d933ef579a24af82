"""What any model has to beat."""

import jax
import jax.numpy as jnp

from .._errors import require
from .._types import RealScalar
from ..data import Events
from ..paths import EventPath, Provenance
from ._poisson import Poisson


__all__ = ["history_density", "most_popular"]


def most_popular(history: Events, events: int, gap: RealScalar | None = None) -> EventPath:
    """Forecast the most frequent kind again and again, at the mean gap of the history.

    **Arguments:**

    - `history`: one sequence.
    - `events`: how many to forecast.
    - `gap`: the time between them; that of the history if not given.

    **Returns:** an `EventPath` from the end of the history on.

    **Raises:** `ValueError` for fewer than one event to forecast.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import most_popular
        most_popular(Events(jnp.array([0.5, 1.2]), jnp.array([0, 1]), t1=2.0), 3)
        ```
    """
    require(history.is_item, "history", "must be one sequence", history.ts, "index it, or use jax.vmap")
    require(events >= 1, "events", "must be positive", events, "pass how many to forecast")
    length = history.t1 - history.t0
    step = jnp.asarray(length / jnp.maximum(history.mask.sum(), 1) if gap is None else gap, history.ts.dtype)
    ts = history.t1 + step * jnp.arange(1, events + 1)
    k = history.num_marks
    marks = None
    if k is not None:
        counts = jax.nn.one_hot(jnp.where(history.mask, history.marks, -1), k).sum(axis=0)
        marks = jnp.full(events, jnp.argmax(counts))
    made = Provenance("most popular")
    return EventPath(ts, marks, t0=history.t1, t1=history.t1 + step * events, num_marks=k, made=made)


def history_density(history: Events, prior: float = 0.5) -> Poisson:
    """The Poisson process with the rates of the history: as many events of each kind as there were, at any time.

    **Arguments:**

    - `history`: one sequence.
    - `prior`: events added to each kind, so that one that has not been seen stays possible.

    **Returns:** a `Poisson`, to draw forecasts from.

    **Raises:** `ValueError` for a prior that is not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import history_density
        history_density(Events(jnp.array([0.5, 1.2]), jnp.array([0, 1]), t1=2.0)).rate  # [0.75, 0.75]
        ```
    """
    require(history.is_item, "history", "must be one sequence", history.ts, "index it, or use jax.vmap")
    require(prior > 0, "prior", "must be positive", prior, "pass e.g. 0.5")
    k = history.num_marks or 1
    kinds = jnp.zeros(history.ts.shape, int) if history.marks is None else history.marks
    counts = jax.nn.one_hot(jnp.where(history.mask, kinds, -1), k, dtype=history.ts.dtype).sum(axis=0)
    return Poisson((counts + prior) / (history.t1 - history.t0))
