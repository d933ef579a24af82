"""A comparison as a table for people and as JSON for programs."""

import math
from typing import Any

from ._candidates import CANDIDATES
from ._compare import Comparison


__all__ = ["as_dict", "as_markdown"]

# Digits after the point; 0 for four significant digits, where the unit is that of the data.
_METRICS = {"log-likelihood": 2, "AIC": 1, "log score": 3, "CRPS": 0}
_ARROWS = {"log-likelihood": "↑", "AIC": "↓", "log score": "↑", "CRPS": "↓"}


def as_markdown(found: Comparison, *, source: str) -> str:
    """The table of a comparison: a row a model, then the baselines, and notes on how to read it.

    **Arguments:**

    - `found`: the comparison.
    - `source`: the name of the data.

    **Returns:** Markdown.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.experiments import as_markdown, compare

        path = sk.processes.OrnsteinUhlenbeck(rate=0.5).sample(jnp.arange(40.0), key=jax.random.key(0))
        found = compare(sk.data.Series(path.ts, path.xs), ["ou"], key=jax.random.key(1), progress=False)
        print(as_markdown(found, source="simulated"))
        ```
    """
    keys = {CANDIDATES[name].title: name for name in found.fits}
    unit = found.series.clock.unit
    per = f" per {unit.removesuffix('s')}" if unit else ""
    head = ["model", "free", *(f"{m} {_ARROWS[m]}" for m in _METRICS), "Hurst [95 %]", f"rate{per} [95 %]"]
    cells = {(row.model, row.metric): row.value for row in found.report}
    best = {metric: found.report.best(metric) for metric in _METRICS}
    body = []
    for model in found.report.models:
        line = [model, str(found.free(keys[model])) if model in keys else ""]
        for metric, digits in _METRICS.items():
            text = _number(cells.get((model, metric)), digits)
            line.append(f"**{text}**" if text and best[metric] == model else text)
        line += [_interval(found, keys.get(model), parameter) for parameter in ("hurst", "rate")]
        body.append(line)
    return "\n".join([*_grid(head, body), "", *_notes(found, source)])


def _grid(head: list[str], body: list[list[str]]) -> list[str]:
    widths = [max(len(line[j]) for line in [head, *body]) for j in range(len(head))]
    pad = lambda line: [c.ljust(w) if j == 0 else c.rjust(w) for j, (c, w) in enumerate(zip(line, widths, strict=True))]
    rule = ["-" * w if j == 0 else "-" * (w - 1) + ":" for j, w in enumerate(widths)]
    return ["| " + " | ".join(line) + " |" for line in [pad(head), rule, *map(pad, body)]]


def _number(value: float | None, digits: int) -> str:
    if value is None or math.isnan(value):
        return ""
    if digits == 0:
        return f"{value:#.4g}".rstrip(".")
    return f"{value:.{digits}f}" if abs(value) < 1e6 else f"{value:.4g}"


def _interval(found: Comparison, name: str | None, parameter: str) -> str:
    interval = None if name is None else found.interval(name, parameter)
    if interval is None:
        return ""
    estimate, low, high = (f"{value:.2g}" for value in interval)
    return f"{estimate} [not determined]" if math.isnan(interval[1]) else f"{estimate} [{low}, {high}]"


def _notes(found: Comparison, source: str) -> list[str]:
    n, held = int(found.past.observed()), int(found.future.observed())
    lines = [
        f"{source}: fitted to the first {n} of {n + held} observed values, scored on the last {held}. Log score: mean",
        "log-density of a held-out value given the past (climatology: a Gaussian with the past's mean and variance).",
        "CRPS: of forecasts from the end of the past, in the unit of the data"
        + (" (several components: in their standard deviations)." if found.series.dim > 1 else "."),
        f"Best by held-out log score: {CANDIDATES[found.best].title}.",
    ]
    for name, table in found.tables.items():
        warnings = () if table is None else table.warnings
        lines += [f"Note on {CANDIDATES[name].title}: {warning}." for warning in warnings]
    lines += [f"Left out: {CANDIDATES[name].title}: {reason}." for name, reason in found.skipped.items()]
    return lines


def as_dict(found: Comparison, *, source: str, seed: int, seconds: float) -> dict[str, Any]:
    """A comparison as plain Python values, for JSON.

    **Arguments:**

    - `found`: the comparison.
    - `source`, `seed`, `seconds`: what ran, and how long.

    **Returns:** a dictionary; numbers that are not finite are `None`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.experiments import as_dict, compare

        path = sk.processes.OrnsteinUhlenbeck(rate=0.5).sample(jnp.arange(40.0), key=jax.random.key(0))
        found = compare(sk.data.Series(path.ts, path.xs), ["ou"], key=jax.random.key(1), progress=False)
        as_dict(found, source="simulated", seed=1, seconds=2.0)["best"]
        ```
    """
    finite = lambda v: v if v is None or math.isfinite(v) else None
    models: dict[str, Any] = {}
    for row in found.report:
        models.setdefault(row.model, {"metrics": {}})["metrics"][row.metric] = finite(row.value)
    for name in found.fits:
        entry = models[CANDIDATES[name].title]
        table = found.tables[name]
        warnings = [] if table is None else list(table.warnings)
        entry |= {"free": found.free(name), "stopped": found.fits[name].stopped, "warnings": warnings}
        for parameter in ("hurst", "rate"):
            interval = found.interval(name, parameter)
            if interval is not None:
                entry[parameter] = dict(zip(("estimate", "lower", "upper"), map(finite, interval), strict=True))
    return {
        "data": source,
        "seed": seed,
        "seconds": round(seconds, 2),
        "observed": int(found.series.observed()),
        "fitted_to": int(found.past.observed()),
        "best": CANDIDATES[found.best].title,
        "models": models,
        "skipped": found.skipped,
    }
