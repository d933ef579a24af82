"""The scores of forecasts."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .._errors import require
from .._types import Key
from ._forecast import AbstractScore, Ensemble
from ._metric import Estimate, pooled
from ._scores import coverage, crps, energy_score, interval_score, log_score, pit, quantiles


__all__ = ["CRPS", "MAE", "PIT", "RMSE", "Bias", "Coverage", "EnergyScore", "IntervalScore", "KernelLogScore"]

_LOWER = -math.inf


def _average(values: Array, ensemble: Ensemble, ideal: float | None = _LOWER) -> Estimate:
    return pooled([jnp.where(ensemble.mask, values, 0)], [ensemble.mask], ideal=ideal)


def _at(level: float) -> str:
    return f"{100 * level:g}%"


def _check_level(level: float) -> None:
    require(0 < level < 1, "level", "must lie strictly between 0 and 1", level, "pass e.g. 0.9")


class CRPS(AbstractScore):
    """The mean continuous ranked probability score over all observed values: `crps`, fair. Lower is better.

    !!! example

        ```python
        from sdekit.evaluate import CRPS, Forecast
        Forecast([CRPS()])
        ```
    """

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        return {"CRPS": _average(crps(ensemble.samples, ensemble.ys, ensemble.mask), ensemble)}


class EnergyScore(AbstractScore):
    """The mean energy score: `energy_score`, fair, of the state at each time, or of whole paths. Lower is better.

    **Arguments:**

    - `pathwise`: take each item's path as one vector of all times and components, so that dependence over time counts.

    !!! example

        ```python
        from sdekit.evaluate import EnergyScore, Forecast
        Forecast([EnergyScore(), EnergyScore(pathwise=True)])
        ```
    """

    pathwise: bool = eqx.field(static=True, default=False)

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        x, y, mask = ensemble.samples, ensemble.ys, ensemble.mask
        if self.pathwise:
            x, y, mask = (v.reshape(*v.shape[:-2], -1) for v in (x, y, mask))
        name = "path energy" if self.pathwise else "energy"
        return {name: pooled([energy_score(x, y, mask)], [mask.any(axis=-1)], ideal=_LOWER)}


class Coverage(AbstractScore):
    """The share of observed values inside the central interval of the forecast; `level` if calibrated.

    **Arguments:**

    - `level`: the probability of the interval.

    !!! example

        ```python
        from sdekit.evaluate import Coverage, Forecast
        Forecast([Coverage(0.5), Coverage(0.9)])
        ```
    """

    level: float = eqx.field(static=True, default=0.9)

    def __check_init__(self):
        _check_level(self.level)

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        inside = coverage(ensemble.samples, ensemble.ys, ensemble.mask, level=self.level)
        return {f"coverage {_at(self.level)}": _average(inside, ensemble, self.level)}


class IntervalScore(AbstractScore):
    """The mean interval score, `interval_score`. Lower is better.

    **Arguments:**

    - `level`: the probability of the interval.

    !!! example

        ```python
        from sdekit.evaluate import Forecast, IntervalScore
        Forecast([IntervalScore(0.9)])
        ```
    """

    level: float = eqx.field(static=True, default=0.9)

    def __check_init__(self):
        _check_level(self.level)

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        scores = interval_score(ensemble.samples, ensemble.ys, ensemble.mask, level=self.level)
        return {f"interval {_at(self.level)}": _average(scores, ensemble)}


class PIT(AbstractScore):
    r"""How far the probability integral transforms of the observed values lie from uniform.

    The largest distance between their distribution function and the diagonal: 0 for perfect calibration of endlessly
    many values, near $0.87/\sqrt{m}$ for `m` independent ones. Values of one series are not independent, so that this
    is a size and no test.

    !!! example

        ```python
        from sdekit.evaluate import PIT, Forecast
        Forecast([PIT()])
        ```
    """

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        u = pit(ensemble.samples, ensemble.ys, ensemble.mask, key=key).reshape(-1)
        seen = ensemble.mask.reshape(-1)
        m = seen.sum()
        u = jnp.sort(jnp.where(seen, u, jnp.inf))
        rank = jnp.arange(1, u.shape[0] + 1)
        gap = jnp.maximum(jnp.abs(rank / m - u), jnp.abs((rank - 1) / m - u))
        distance = jnp.where(m > 0, jnp.where(rank <= m, gap, 0).max(), jnp.nan)
        return {"PIT distance": Estimate(distance.astype(ensemble.ys.dtype), ideal=_LOWER)}


class RMSE(AbstractScore):
    """The root mean square error of the mean of the forecast. Lower is better.

    !!! example

        ```python
        from sdekit.evaluate import RMSE, Forecast
        Forecast([RMSE()])
        ```
    """

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        square = _average((ensemble.samples.mean(axis=0) - ensemble.ys) ** 2, ensemble)
        root = jnp.sqrt(square.value)
        error = None if square.error is None else jnp.where(root > 0, square.error / (2 * jnp.maximum(root, 1e-30)), 0)
        return {"RMSE": Estimate(root, error, _LOWER)}


class MAE(AbstractScore):
    """The mean absolute error of the median of the forecast. Lower is better.

    !!! example

        ```python
        from sdekit.evaluate import MAE, Forecast
        Forecast([MAE()])
        ```
    """

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        (median,) = quantiles(ensemble.samples, (0.5,))
        return {"MAE": _average(jnp.abs(median - ensemble.ys), ensemble)}


class Bias(AbstractScore):
    """The mean of forecast less observation; nearer to 0 is better.

    !!! example

        ```python
        from sdekit.evaluate import Bias, Forecast
        Forecast([Bias()])
        ```
    """

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        return {"bias": _average(ensemble.samples.mean(axis=0) - ensemble.ys, ensemble, 0.0)}


class KernelLogScore(AbstractScore):
    """The mean of `log_score`, a kernel estimate, for models without a density. Lower is better.

    !!! example

        ```python
        from sdekit.evaluate import Forecast, KernelLogScore
        Forecast([KernelLogScore()])
        ```
    """

    def __call__(self, ensemble: Ensemble, *, key: Key) -> dict[str, Estimate]:
        return {"kernel log score": _average(log_score(ensemble.samples, ensemble.ys, ensemble.mask), ensemble)}
