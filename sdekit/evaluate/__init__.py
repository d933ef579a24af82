"""Metrics, scoring rules, statistical assertions and reports."""

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
    assert_covariance as assert_covariance,
    assert_law as assert_law,
    assert_mean as assert_mean,
    assert_proportion as assert_proportion,
    assert_same_law as assert_same_law,
    assert_uniform_pit as assert_uniform_pit,
)


__all__ = [
    "assert_covariance",
    "assert_law",
    "assert_mean",
    "assert_proportion",
    "assert_same_law",
    "assert_uniform_pit",
    "coverage",
    "crps",
    "energy_score",
    "interval_score",
    "log_score",
    "pit",
    "quantiles",
]
