"""The engine: every model against every metric."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._errors import fault, require
from .._types import Key, PyTree
from ..data import AbstractRecord
from ._metric import AbstractMetric, Estimate
from ._report import Report, Row


__all__ = ["evaluate"]


def evaluate(
    model: PyTree | Mapping[str, PyTree],
    data: AbstractRecord,
    metrics: AbstractMetric | Sequence[AbstractMetric],
    *,
    key: Key,
) -> Report:
    """Measure a model, or several against one another, on data.

    Metric `k` gets `fold_in(key, k)` for every model. Among several models, one that lacks what a metric needs (a
    baseline without a density, say) gets an empty cell.

    **Arguments:**

    - `model`: a model, or several by name; `baselines(data)` has some to add.
    - `data`: a record, one item or a stack.
    - `metrics`: one or several, e.g. `[Forecast([CRPS(), RMSE()]), LogScore()]`.
    - `key`: a JAX key.

    **Returns:** a `Report`.

    **Raises:** `TypeError` if no model has what a metric needs; `ValueError` if two metrics give the same name.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import CRPS, Forecast, LogScore, baselines, evaluate

        model = sk.processes.OrnsteinUhlenbeck(rate=0.2)
        ts = jnp.arange(30.0)
        data = sk.data.Series(ts, model.sample(ts, key=jax.random.key(0)).xs)
        models = {"ou": model, **baselines(data)}
        print(evaluate(models, data, [Forecast([CRPS()], n=100), LogScore()], key=jax.random.key(1)))
        ```
    """
    models = dict(model) if isinstance(model, Mapping) else {type(model).__name__: model}
    metrics = [metrics] if isinstance(metrics, AbstractMetric) else list(metrics)
    require(len(models) > 0, "model", "must not be empty", model, "pass a model, or a dictionary of models")
    require(len(metrics) > 0, "metrics", "must not be empty", metrics, "pass at least one metric")
    found: dict[str, dict[str, Row]] = {name: {} for name in models}
    order: list[str] = []
    for k, metric in enumerate(metrics):
        fit = {name: m for name, m in models.items() if isinstance(m, metric.needs)}
        if not fit:
            _refuse(metric, models)
        names: dict[str, None] = {}
        for name, m in fit.items():
            measured = metric(m, data, key=jax.random.fold_in(key, k))
            names |= dict.fromkeys(measured)
            found[name] |= {n: _row(name, n, value) for n, value in measured.items()}
        twice = [n for n in names if n in order]
        require(not twice, "metrics", "must give different names", twice, "drop one, or change its level")
        order += names
    return Report(tuple(found[m].get(n, Row(m, n, None)) for m in models for n in order))


def _row(model: str, metric: str, measured: Any) -> Row:
    estimate = Estimate(measured) if eqx.is_array_like(measured) else measured
    for value in (estimate.value, estimate.error):
        if value is not None and np.shape(value) != ():
            raise ValueError(fault(metric, "must be a number", value, "let the metric average, e.g. by `pooled`"))
    error = None if estimate.error is None else float(estimate.error)
    return Row(model, metric, float(estimate.value), error, estimate.ideal)


def _refuse(metric: AbstractMetric, models: Mapping[str, PyTree]) -> None:
    needs = " or ".join(c.__name__ for c in metric.needs)
    got = ", ".join(f"{name} ({type(m).__name__})" for name, m in models.items())
    remedy = f"pass an instance of {needs}, or another metric"
    raise TypeError(fault("model", f"lacks what {type(metric).__name__} needs", got, remedy))
