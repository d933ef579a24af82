"""The span of a bridge."""

from .._errors import check_traced
from .._types import RealScalar, Times, as_float


__all__ = ["within"]


def within(ts: Times, t0: RealScalar, t1: RealScalar) -> Times:
    """`ts`, with an error at run time if they leave the span of a bridge."""
    ts = as_float(ts)
    outside = (ts[0] < t0) | (ts[-1] > t1)
    return check_traced(ts, outside, "ts", "must lie between the two ends of the bridge", "drop the times outside")
