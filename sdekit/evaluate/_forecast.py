"""Forecasts of the end of each series from its beginning, and the scores applied to them."""

import abc
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from .._errors import fault, require
from .._process import AbstractProcess
from .._types import Array, Key, PyTree
from ..data import AbstractRecord, AbstractTimeline
from ..inference import forecast
from ._metric import AbstractMetric, Estimate


__all__ = ["AbstractScore", "Ensemble", "Forecast", "components", "divided"]


class Ensemble(eqx.Module):
    """Draws of a forecast, and what then happened, for a stack of items.

    **Arguments:**

    - `samples`: draws, shape `(n, items, t, d)`.
    - `ys`: what was observed, shape `(items, t, d)`.
    - `mask`: where it was observed, shape `(items, t, d)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.evaluate import Ensemble
        Ensemble(jnp.zeros((10, 2, 3, 1)), jnp.zeros((2, 3, 1)), jnp.ones((2, 3, 1), bool))
        ```
    """

    samples: Float[Array, "n items t d"]
    ys: Float[Array, "items t d"]
    mask: Bool[Array, "items t d"]


class AbstractScore(eqx.Module):
    """What `Forecast` applies to its draws.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.evaluate import AbstractScore, pooled

        class Width(AbstractScore):
            def __call__(self, ensemble, *, key):
                spread = ensemble.samples.max(0) - ensemble.samples.min(0)
                return {"range": pooled([spread * ensemble.mask], [ensemble.mask])}
        ```
    """

    @abc.abstractmethod
    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        """Score.

        **Arguments:**

        - `ensemble`: draws and observations of all items.
        - `key`: a JAX key.

        **Returns:** numbers by name.
        """


def divided(data: AbstractRecord, past: float, until: float | None) -> tuple[Any, Any]:
    """The past and the future of every item of a record, both with a leading axis."""
    if not isinstance(data, AbstractTimeline):
        remedy = "pass a Series or Events, or use a metric made for this record"
        raise TypeError(fault("data", "cannot be split in time", type(data).__name__, remedy))
    stacked = data.stack()
    return stacked.split_time(past) if until is None else stacked.split_time(t=until)


def components(data: Any) -> Array:
    """The values of a record at its times: what forecasts are scored against."""
    try:
        return data.ys
    except AttributeError:
        remedy = "pass a Series; the family of this record has metrics of its own"
        raise TypeError(fault("data", "must hold values at times", type(data).__name__, remedy)) from None


@eqx.filter_jit
def _apply(score, ensemble, key):
    return score(ensemble, key=key)


class Forecast(AbstractMetric):
    """Forecast the end of every series from its beginning, once, and apply all scores to the same draws.

    **Arguments:**

    - `scores`: what to apply, e.g. `[CRPS(), EnergyScore(), Coverage(0.9), PIT(), RMSE()]`.
    - `past`: the share of the times of each item that is given, strictly between 0 and 1.
    - `until`: the last time that is given, in the unit of the record; takes the place of `past`.
    - `n`: how many paths to draw.
    - `chunk`: how many of them to hold in memory at a time.

    **Raises:** `ValueError` when called, if an item has no time on one side of the split.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import CRPS, RMSE, Forecast, evaluate

        model = sk.processes.OrnsteinUhlenbeck(rate=1.0)
        ts = jnp.arange(20.0)
        data = sk.data.Series(ts, model.sample(ts, key=jax.random.key(0)).xs)
        evaluate(model, data, Forecast([CRPS(), RMSE()], past=0.5, n=100), key=jax.random.key(1))
        ```
    """

    scores: tuple[AbstractScore, ...]
    past: float = eqx.field(static=True)
    until: float | None = eqx.field(static=True)
    n: int = eqx.field(static=True)
    chunk: int | None = eqx.field(static=True)
    needs: ClassVar[tuple[type, ...]] = (AbstractProcess,)

    def __init__(
        self,
        scores: AbstractScore | Sequence[AbstractScore],
        past: float = 0.8,
        *,
        until: float | None = None,
        n: int = 500,
        chunk: int | None = None,
    ):
        scores = (scores,) if isinstance(scores, AbstractScore) else tuple(scores)
        require(len(scores) > 0, "scores", "must not be empty", scores, "pass at least one, e.g. [CRPS()]")
        require(n >= 2, "n", "must be at least 2 paths", n, "pass e.g. n=500")
        self.scores, self.past, self.until, self.n, self.chunk = scores, past, until, n, chunk

    def ensemble(self, model: PyTree, data: AbstractRecord, *, key: Key) -> Ensemble:
        """Draw the forecasts: item `i` from `fold_in(key, i)`.

        **Arguments:** as in a call of the metric.

        **Returns:** an `Ensemble`, for scores and pictures of one's own.
        """
        components(data)
        past, future = divided(data, self.past, self.until)
        draws = [
            forecast(model, past[i], future.ts[i], key=jax.random.fold_in(key, i), n=self.n, chunk=self.chunk).xs
            for i in range(len(past))
        ]
        return Ensemble(jnp.stack(draws, axis=1), components(future), future.mask)

    def __call__(self, model: PyTree, data: AbstractRecord, *, key: Key) -> dict[str, Estimate]:
        drawing, scoring = jax.random.split(key)
        ensemble = self.ensemble(model, data, key=drawing)
        found: dict[str, Estimate] = {}
        for k, score in enumerate(self.scores):
            found |= _apply(score, ensemble, jax.random.fold_in(scoring, k))
        return found
