"""Drawing a process that lives between two times."""

import jax.numpy as jnp

from .._errors import check_traced
from .._process import AbstractLinearGaussian, draw_chain
from .._types import Key, RealScalar, Times, as_float
from ..paths import SampledPath


__all__ = ["draw_pinned"]


def draw_pinned(process: AbstractLinearGaussian, t0: RealScalar, t1: RealScalar, ts: Times, *, key: Key) -> SampledPath:
    """A path of a bridge over `[t0, t1]`, started at `t0` whatever the first of `ts`.

    **Raises:** an error at run time if `ts` leave the span.
    """
    ts = as_float(ts)
    outside = (ts[0] < t0) | (ts[-1] > t1)
    remedy = "drop the times outside"
    ts = check_traced(ts, outside, "ts", "must lie between the two ends of the bridge", remedy)
    # The start joins the chain, so that there is one transition to compile and not two.
    path = draw_chain(process, process.initial, jnp.concatenate([jnp.asarray(t0, ts.dtype)[None], ts]), key=key)
    return SampledPath(ts, path.xs[1:], path.made)
