"""Several models, one series, one table."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._errors import FitError, require
from .._parameters import named_parameters
from .._types import Array, Key
from ..data import Affine, Series
from ..evaluate import AIC, CRPS, Forecast, LogLikelihood, LogScore, Report, Row, baselines, evaluate
from ..fit import Fit, FullBatch, fit
from ..inference import ParameterTable, confidence
from ._candidates import CANDIDATES, Candidate


__all__ = ["Comparison", "compare"]

_HIGHER = math.inf


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    **Arguments:**

    - `series`: all of the series, in its own units.
    - `past`, `future`: what the models were fitted to, and what they forecast.
    - `affine`: how the series was standardised for the fits.
    - `report`: log-likelihood, AIC, held-out log score and CRPS, in the units of the series.
    - `fits`: the fits, of the standardised series.
    - `tables`: estimates and intervals, of the standardised series; `None` for networks.
    - `skipped`: models that were not fitted, and why.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.experiments import compare

        path = sk.processes.OrnsteinUhlenbeck(rate=0.5).sample(jnp.arange(40.0), key=jax.random.key(0))
        found = compare(sk.data.Series(path.ts, path.xs), ["brownian"], key=jax.random.key(1), progress=False)
        found.report.best("AIC")
        ```
    """

    series: Series
    past: Series
    future: Series
    affine: Affine
    report: Report
    fits: dict[str, Fit]
    tables: dict[str, ParameterTable | None]
    skipped: dict[str, str]

    @property
    def best(self) -> str:
        """The key of the model with the highest held-out log score."""
        found = {name: self.report[CANDIDATES[name].title, "log score"].value for name in self.fits}
        scores = {name: -math.inf if value is None else value for name, value in found.items()}
        return max(scores, key=lambda name: scores[name])

    def free(self, name: str) -> int:
        """The number of free parameters of a model."""
        frozen = CANDIDATES[name].frozen
        return sum(p.size for p in named_parameters(self.fits[name].model, frozen).values())

    def interval(self, name: str, parameter: str) -> tuple[float, float, float] | None:
        """The estimate of a parameter of a model with its 95 % interval, rates in the series' own unit of time.

        **Arguments:**

        - `name`: the key of the model.
        - `parameter`: the last part of its name: `"hurst"`, `"rate"`.

        **Returns:** `(estimate, lower, upper)`; `None` if the model has no such parameter.
        """
        table = self.tables[name]
        if table is None:
            return None
        full = [n for n in table.names if n.split(".")[-1].split("[")[0] == parameter]
        if not full:
            return None
        row = table[full[0]]
        unit = float(self.affine.time_scale) if parameter == "rate" else 1.0
        return row["estimate"] / unit, row["lower"] / unit, row["upper"] / unit


def in_unit_gaps(past: Series) -> Affine:
    """The map of a series to mean 0, standard deviation 1, first time 0 and median gap 1."""
    _, affine = past.standardise()
    ts = np.asarray(past.ts)
    gap = jnp.asarray(np.median(np.diff(ts)) if len(ts) > 1 else 1.0, past.ts.dtype)
    return eqx.tree_at(lambda a: (a.time_shift, a.time_scale), affine, (past.ts[0], gap))


def compare(
    series: Series,
    names: Sequence[str] = tuple(CANDIDATES),
    *,
    key: Key,
    past: float = 0.8,
    n: int = 1000,
    steps: int = 150,
    progress: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Fit several models to the beginning of a series and score their forecasts of its end.

    The models are fitted to the series standardised by its beginning; what is reported is in the series' own units.

    **Arguments:**

    - `series`: one series.
    - `names`: keys of `CANDIDATES`.
    - `key`: a JAX key.
    - `past`: the share of the series that the models are fitted to.
    - `n`: paths a forecast.
    - `steps`: steps of L-BFGS at the most.
    - `progress`: whether the fits show a progress bar.
    - `say`: called with the title of each model before its fit.

    **Returns:** a `Comparison`.

    **Raises:** `ValueError` for an unknown name, or if no model serves the series.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.experiments import compare

        path = sk.processes.OrnsteinUhlenbeck(rate=0.5).sample(jnp.arange(40.0), key=jax.random.key(0))
        found = compare(sk.data.Series(path.ts, path.xs), ["brownian"], key=jax.random.key(1), progress=False)
        print(found.report)
        ```
    """
    for name in names:
        require(name in CANDIDATES, "--model", "is not a model", name, f"use one of {', '.join(CANDIDATES)}")
    before, after = series.split_time(past)
    affine = in_unit_gaps(before)
    whole, small = affine(series), affine(before)
    skipped = {m: "serves one component alone" for m in names if CANDIDATES[m].scalar and series.dim > 1}
    fits, tables, report = {}, {}, Report(())
    # Compilation takes most of the time and leaves the other cores idle: models are scored while the next is fitted.
    with ThreadPoolExecutor(max_workers=2) as pool:
        plain = pool.submit(_baselines, whole, past, n, key)
        scored = {}
        for i, name in enumerate(m for m in names if m not in skipped):
            say(CANDIDATES[name].title)
            keys = jax.random.split(jax.random.fold_in(key, i), 3)
            try:
                fits[name] = _fit(CANDIDATES[name], small, steps, keys[:2], progress)
            except FitError as error:
                skipped[name] = str(error)
                continue
            scored[name] = pool.submit(_score, CANDIDATES[name], fits[name], whole, small, past, n, keys[2])
    for name in fits:
        tables[name], rows = scored[name].result()
        report = report + rows
    require(bool(fits), "--model", "could not be fitted", skipped, "choose other models, or look at the series")
    report = _own_units(report + plain.result(), affine, before, after)
    return Comparison(series, before, after, affine, report, fits, tables, skipped)


def _fit(candidate: Candidate, small: Series, steps: int, keys: Key, progress: bool) -> Fit:
    model = candidate.build(small, keys[0])
    return fit(
        model, candidate.likelihood, small, key=keys[1], steps=steps, optimiser=FullBatch(), tolerance=1e-6, chunk=25,
        frozen=candidate.frozen, progress=progress,
    )  # fmt: skip


def _score(candidate: Candidate, found: Fit, whole: Series, small: Series, past: float, n: int, key: Key):
    """The intervals of a fitted model, where it has parameters to speak of, and its rows of the report."""
    model, likelihood, frozen = {candidate.title: found.model}, candidate.likelihood, candidate.frozen
    fitted = evaluate(model, small, [LogLikelihood(likelihood), AIC(likelihood, frozen)], key=key)
    metrics = [LogScore(past, likelihood=likelihood), Forecast([CRPS()], past, n=n)]
    report = fitted + evaluate(model, whole, metrics, key=key)
    table = confidence(found.model, likelihood, small, frozen=frozen) if candidate.intervals else None
    return table, report


def _baselines(whole: Series, past: float, n: int, key: Key) -> Report:
    """Persistence and climatology; the log score of climatology is that of a Gaussian with the past's moments."""
    report = evaluate(baselines(whole), whole, Forecast([CRPS()], past, n=n), key=key)
    before, after = whole.split_time(past)
    score = _gaussian_log_score(before.ys, before.mask, after.ys, after.mask)
    return report + Report((Row("climatology", "log score", float(score), None, _HIGHER),))


def _gaussian_log_score(ys: Array, mask: Array, new: Array, seen: Array) -> Array:
    count = mask.sum(0)
    mean = ys.sum(0) / count
    variance = (jnp.where(mask, ys - mean[None], 0) ** 2).sum(0) / count
    density = jax.scipy.stats.norm.logpdf(new, mean[None], jnp.sqrt(variance)[None])
    return jnp.where(seen, density, 0).sum() / seen.sum()


def _own_units(report: Report, affine: Affine, past: Series, future: Series) -> Report:
    """The report of the standardised series as that of the series itself: densities carry the Jacobian of the map."""
    total, each = float(affine.log_jacobian(past)), float(affine.log_jacobian(future) / future.observed())
    unit = float(affine.scale[0]) if past.dim == 1 else 1.0
    change: dict[str, Callable[[float], float]] = {
        "log-likelihood": lambda v: v + total,
        "AIC": lambda v: v - 2 * total,
        "log score": lambda v: v + each,
        "CRPS": lambda v: v * unit,
    }
    rows = [
        dataclasses.replace(row, value=None if row.value is None else change[row.metric](row.value)) for row in report
    ]
    return Report(tuple(rows))
