"""Metrics, scoring rules, statistical assertions and reports."""

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
]
