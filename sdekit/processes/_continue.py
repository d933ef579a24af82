"""Continuing a path of a process with memory: past its end, or until something happens."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._errors import require
from .._process import AbstractGaussianProcess
from .._types import Key, RealScalar, as_float, is_concrete
from ..math import counter_normal, hosking, hosking_start, hosking_step
from ..paths import Provenance, SampledPath
from ..solve import AbstractEvent, Stopped


__all__ = ["AbstractContinued", "extend", "extend_until"]

_NEW = 32
"""The stream of the numbers that continue a path: another than that of the draws."""


class AbstractContinued(AbstractGaussianProcess):
    """A Gaussian process that on a regular grid is a stationary sequence, or the running sums of one from 0.

    !!! example

        ```python
        from sdekit.processes import AbstractContinued, FractionalBrownianMotion
        isinstance(FractionalBrownianMotion(hurst=0.3), AbstractContinued)  # True
        ```
    """

    summed: eqx.AbstractClassVar[bool]
    """Whether the increments are the stationary sequence, and the process is 0 at time 0."""

    @abc.abstractmethod
    def autocovariance(self, lags: Any, step: Any) -> Any:
        """The autocovariance of the sequence at lags in steps of length `step`. NumPy lags stay NumPy (float64)."""


def _prepare(process: AbstractContinued, path: SampledPath, steps: int, dt: Any) -> tuple[Array, Array, Array]:
    """The times in all, the autocovariance, and the stationary sequence of the past, `(m,)` or `(n, m)`."""
    remedy = "pass a fractional Brownian motion or a stationary process, or draw from `process.condition(series)`"
    known = isinstance(process, AbstractContinued)
    require(known, "process", "cannot be continued", type(process).__name__, remedy)
    require(path.dim == 1, "path", "must have one component", path.xs, "continue one component at a time")
    require(steps >= 1, "steps", "must be at least 1", steps, "pass the number of new times")
    known = path.ts.shape[0]
    require(
        (dt is None) == (known > 1), "dt", "must be given for a path of one time, and only then", dt, "pass the step"
    )
    if is_concrete(path.ts):
        times = np.asarray(path.ts, np.float64)
        first, last = times[0], times[-1]
        step = (last - first) / (known - 1) if known > 1 else float(dt)
        off = np.abs(times - (first + step * np.arange(known))).max()
        even = off <= 8 * float(np.finfo(path.ts.dtype).eps) * max(abs(first), abs(last)) + 1e-6 * step
        require(
            bool(even), "path.ts", "must be evenly spaced", path.ts, "draw from `process.condition(series)` instead"
        )
        require(not process.summed or first == 0, "path.ts[0]", "must be 0", first, "keep the path from its start")
    else:
        first = path.ts[0]
        step = (path.ts[-1] - first) / (known - 1) if known > 1 else dt
    dtype = path.xs.dtype
    ts = jnp.concatenate([path.ts, as_float(first + step * np.arange(known, known + steps)).astype(path.ts.dtype)])
    count = known - process.summed + steps
    r = jnp.asarray(process.autocovariance(np.arange(count, dtype=float), step), dtype)
    xs = path.xs[..., 0]
    past = jnp.diff(xs, axis=-1) if process.summed else xs - process.mean(path.ts)[(None,) * (xs.ndim - 1)]
    return ts, r, past.astype(dtype)


def _each(f: Callable, path: SampledPath, past: Array, key: Key) -> Any:
    """`f(past, last value, key)` for one path or for each of a stack."""
    last = path.xs[..., -1, 0]
    if path.is_single:
        return f(past, last, key)
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(len(path)))
    return jax.vmap(f)(past, last, keys)


def extend(
    process: AbstractContinued, path: SampledPath, steps: int, *, key: Key, dt: RealScalar | None = None
) -> SampledPath:
    """Continue a path beyond its end, by the exact law given all of the path so far.

    For fractional Brownian motion, stationary fractional Ornstein-Uhlenbeck processes and stationary Gaussian
    processes, on regular grids. Costs O((t + steps)^2): the law of the next value depends on all values before it. A
    path that was drawn and continued has the law of a path drawn at once.

    **Arguments:**

    - `process`: the law of the path.
    - `path`: one path or a stack, at evenly spaced times; from time 0 on for fractional Brownian motion.
    - `steps`: how many steps, each as long as those of the path, to add.
    - `key`: a JAX key; path `i` of a stack depends on `(key, i)` alone. Another than the key of the path.
    - `dt`: the length of a step, if the path has only one time.

    **Returns:** the path with `steps` further times.

    **Raises:** `ValueError` for times that are not evenly spaced, and processes that have no such law.

    Source: Hosking (1984), see `sdekit.math.hosking`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import FractionalBrownianMotion, extend
        motion = FractionalBrownianMotion(hurst=0.8)
        path = motion.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        extend(motion, path, 10, key=jax.random.key(1)).ts[-1]  # 2.0
        ```
    """
    ts, r, past = _prepare(process, path, steps, dt)
    xs = _extend(process, ts, r, past, path, key, steps)
    return SampledPath(ts, jnp.concatenate([path.xs, xs[..., None]], axis=-2), Provenance("exact"))


@eqx.filter_jit
def _extend(process, ts, r, past, path, key, steps):
    level = process.mean(ts[-steps:])

    def one(past, last, key):
        new = hosking(r, counter_normal(key, 0, (steps,), r.dtype, stream=_NEW), past)
        return last + jnp.cumsum(new) if process.summed else level + new

    return _each(one, path, past, key)


def extend_until(
    process: AbstractContinued,
    path: SampledPath,
    event: AbstractEvent,
    steps: int,
    *,
    key: Key,
    dt: RealScalar | None = None,
) -> Stopped:
    """Continue a path until an event, step by step, by the exact law given all of the path so far.

    The loop ends when the event has happened (on all paths of a stack): a path that stops early costs little.

    **Arguments:**

    - `process`, `path`, `key`, `dt`: as `extend`.
    - `event`: when to stop, e.g. `FirstPassage(level, bridge=False)`. Crossings are looked for at the steps, and placed
        between two of them on a straight line: the law inside a step is no Brownian bridge.
    - `steps`: the most steps to take.

    **Returns:** a `Stopped`: the path with `steps` further times, held from the event on; when it happened, and
    whether.

    **Raises:** `ValueError` as `extend`, and for an event that draws crossings inside steps.

    Source: Hosking (1984), see `sdekit.math.hosking`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.paths import SampledPath
        from sdekit.processes import FractionalBrownianMotion, extend_until
        from sdekit.solve import FirstPassage
        start, level = SampledPath(jnp.zeros(1), jnp.zeros((20, 1, 1))), FirstPassage(0.5, bridge=False)
        motion = FractionalBrownianMotion(hurst=0.8)
        out = extend_until(motion, start, level, 100, key=jax.random.key(1), dt=0.01)
        out.time.shape, out.hit.shape  # (20,), (20,)
        ```
    """
    remedy = "pass e.g. FirstPassage(level, bridge=False)"
    require(not event.bridge, "event.bridge", "must be False: there is no Brownian bridge in a step", True, remedy)
    ts, r, past = _prepare(process, path, steps, dt)
    xs, time, hit = _until(process, ts, r, past, path, event, key, steps)
    whole = jnp.concatenate([path.xs, xs[..., None]], axis=-2)
    return Stopped(SampledPath(ts, whole, Provenance("exact")), time, hit)


@eqx.filter_jit
def _until(process, ts, r, past, path, event, key, steps):
    new_ts, level, m = ts[-steps - 1 :], process.mean(ts[-steps:]), past.shape[-1]

    def one(past, last, key):
        noise = counter_normal(key, 0, (steps,), r.dtype, stream=_NEW)
        known = hosking_start(r)
        if m:
            take = lambda known, row: hosking_step(r, known, *row)
            known, _ = jax.lax.scan(take, known, (jnp.arange(m), jnp.zeros_like(past), past))

        def step(state):
            i, x, known, xs, _, _ = state
            known, value = hosking_step(r, known, m + i, noise[i])
            y = x + value if process.summed else level[i] + value
            a, b = event.distance(new_ts[i], x[None]), event.distance(new_ts[i + 1], y[None])
            hit = (a == 0) | (a * b <= 0)
            w = jnp.where(hit, a / jnp.where(a == b, 1, a - b), 1)
            t = new_ts[i] + w.astype(new_ts.dtype) * (new_ts[i + 1] - new_ts[i])
            y = jnp.where(hit, event.place(t, (x + w * (y - x))[None])[0], y)
            # Held from here on: later steps write over it, if there are any.
            xs = jnp.where(jnp.arange(steps) >= i, y, xs)
            return i + 1, y, known, xs, t, hit

        start = (jnp.asarray(0), last, known, jnp.broadcast_to(last, (steps,)), new_ts[0], jnp.asarray(False))
        _, _, _, xs, time, hit = jax.lax.while_loop(lambda s: (s[0] < steps) & ~s[-1], step, start)
        return xs, time, hit

    return _each(one, path, past, key)
