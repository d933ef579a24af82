"""Metrics, scoring rules, statistical assertions and reports."""

from ._baselines import Climatology as Climatology, Persistence as Persistence, baselines as baselines
from ._evaluate import evaluate as evaluate
from ._forecast import AbstractScore as AbstractScore, Ensemble as Ensemble, Forecast as Forecast
from ._likelihoods import AIC as AIC, BIC as BIC, LogLikelihood as LogLikelihood, LogScore as LogScore
from ._metric import AbstractMetric as AbstractMetric, Estimate as Estimate, pooled as pooled
from ._moments import (
    assert_covariance as assert_covariance,
    assert_mean as assert_mean,
    assert_proportion as assert_proportion,
)
from ._report import AtLeast as AtLeast, AtMost as AtMost, Report as Report, Row as Row
from ._rules import (
    CRPS as CRPS,
    MAE as MAE,
    PIT as PIT,
    RMSE as RMSE,
    Bias as Bias,
    Coverage as Coverage,
    EnergyScore as EnergyScore,
    IntervalScore as IntervalScore,
    KernelLogScore as KernelLogScore,
)
from ._scores import (
    coverage as coverage,
    crps as crps,
    energy_score as energy_score,
    interval_score as interval_score,
    log_score as log_score,
    pit as pit,
    quantiles as quantiles,
)
from ._tests import (
    assert_law as assert_law,
    assert_same_law as assert_same_law,
    assert_uniform_pit as assert_uniform_pit,
)


__all__ = [
    "AIC",
    "BIC",
    "CRPS",
    "MAE",
    "PIT",
    "RMSE",
    "AbstractMetric",
    "AbstractScore",
    "AtLeast",
    "AtMost",
    "Bias",
    "Climatology",
    "Coverage",
    "EnergyScore",
    "Ensemble",
    "Estimate",
    "Forecast",
    "IntervalScore",
    "KernelLogScore",
    "LogLikelihood",
    "LogScore",
    "Persistence",
    "Report",
    "Row",
    "assert_covariance",
    "assert_law",
    "assert_mean",
    "assert_proportion",
    "assert_same_law",
    "assert_uniform_pit",
    "baselines",
    "coverage",
    "crps",
    "energy_score",
    "evaluate",
    "interval_score",
    "log_score",
    "pit",
    "pooled",
    "quantiles",
]
