"""Forecasts: paths of observations after the end of a series."""

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import fault, require, require_times
from .._process import (
    AbstractConditioned,
    AbstractDiffusion,
    AbstractGaussianProcess,
    AbstractLinearGaussian,
    AbstractProcess,
    AbstractTransition,
)
from .._types import Array, Key, State, Times
from ..data import Series
from ..paths import Provenance, SampledPath
from ..solve import solve
from ._posterior import GaussianPosterior, LinearGaussianPosterior, exactly
from ._transitions import whole_rows


__all__ = ["condition", "forecast"]


def condition(process: AbstractProcess, series: Series) -> AbstractProcess:
    """The process given one series.

    **Arguments:**

    - `process`: an `AbstractConditioned`; or a linear Gaussian process or Gaussian process, whose states are then taken
        to be observed without noise; or any other Markov process, which is restarted from its last observed state and
        so knows only times after it.
    - `series`: one series.

    **Returns:** a process to draw from at interpolating or future times.

    **Raises:** `ValueError` if the process is none of these, or if the last observed row of a Markov process without
    linear Gaussian transitions is observed in part.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import condition

        series = sk.data.Series(jnp.array([0.0, 1.0]), jnp.array([0.0, 0.3]))
        given = condition(sk.processes.OrnsteinUhlenbeck(rate=1.0), series)
        given.sample(jnp.array([0.5, 2.0]), key=jax.random.key(0), n=4)  # a bridge, then a forecast
        ```
    """
    if isinstance(process, AbstractConditioned):
        return process.condition(series)
    require(series.is_item, "series", "must be one series", series.ts, "index the record, e.g. series[0]")
    require(series.dim == process.dim, "series.ys", f"must have {process.dim} component(s)", series.ys, "use Observed")
    if isinstance(process, AbstractLinearGaussian):
        return LinearGaussianPosterior(process, series, *exactly(process, series))
    if isinstance(process, AbstractGaussianProcess):
        return GaussianPosterior(process, series, *exactly(process, series))
    if not isinstance(process, AbstractTransition | AbstractDiffusion):
        remedy = "take a Markov process (AbstractTransition, AbstractDiffusion) or an AbstractConditioned"
        raise ValueError(fault("process", "cannot be conditioned on a series", type(process).__name__, remedy))
    seen = np.flatnonzero(np.asarray(whole_rows(series)))
    require(seen.size > 0, "series", "must have an observed row", series.mask, "pass a past that was observed")
    last = int(seen[-1])
    return _Continued(process, series.ts[last], series.ys[last])


def forecast(
    model: AbstractProcess, past: Series, ts: Times, *, key: Key, n: int | None = None, chunk: int | None = None
) -> SampledPath:
    """Paths of observations at future times, given the past.

    **Arguments:**

    - `model`: the model, fitted or not: anything that `condition` takes.
    - `past`: one series.
    - `ts`: increasing times, shape `(t,)`, after the last observed time of `past`.
    - `key`: a JAX key.
    - `n`: how many paths; `None` for one without a leading axis.
    - `chunk`: how many paths to hold in memory at a time.

    **Returns:** a `SampledPath` with states of shape `(n, t, e)`.

    **Raises:** `ValueError` for times that do not lie after the past, and as `condition`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import GaussianObservation, Observed, forecast

        past = sk.data.Series(jnp.arange(3.0), jnp.array([0.0, 0.3, 0.1]))
        model = Observed(sk.processes.OrnsteinUhlenbeck(rate=1.0), GaussianObservation(0.1))
        forecast(model, past, jnp.array([3.0, 4.0]), key=jax.random.key(0), n=8).xs.shape  # (8, 2, 1)
        ```
    """
    require_times(ts)
    require(past.is_item, "past", "must be one series", past.ts, "index the record, e.g. past[0]")
    rows = np.flatnonzero(np.asarray(past.mask.any(-1)))
    if rows.size:
        end = float(past.ts[rows[-1]])
        remedy = "pass later times; for times inside the past use `condition(model, past).sample`"
        require(float(ts[0]) > end, "ts", f"must lie after the last observed time {end}", ts, remedy)
    return cast(SampledPath, condition(model, past).sample(ts, key=key, n=n, chunk=chunk))


class _Continued(AbstractProcess):
    """A Markov process from a known state on: drawn by its transition law, or solved."""

    process: AbstractTransition | AbstractDiffusion
    t0: Float[Array, ""]
    x0: State

    def __init__(self, process: AbstractTransition | AbstractDiffusion, t0: Float[Array, ""], x0: State):
        self.process, self.t0, self.x0 = process, t0, x0

    @property
    def dim(self) -> int:
        return self.process.dim

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        times = jnp.concatenate([self.t0[None].astype(ts.dtype), ts])
        process = self.process
        if not isinstance(process, AbstractTransition):
            path = cast(SampledPath, solve(process, times, key=key, x0=self.x0))
            return SampledPath(ts, path.xs[1:], path.made)

        def step(x, row):
            t0, t1, k = row
            x = jnp.asarray(process.transition(t0, t1, x).sample(k))
            return x, x

        _, xs = jax.lax.scan(step, self.x0, (times[:-1], times[1:], jax.random.split(key, ts.shape[0])))
        return SampledPath(ts, jnp.asarray(xs), Provenance("exact"))
