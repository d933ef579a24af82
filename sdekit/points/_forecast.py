"""Simulation on a window, from nothing or after a history."""

import equinox as eqx
import jax
import jax.numpy as jnp

from .._errors import require
from .._types import Key, RealScalar, is_concrete
from ..data import Events
from ..paths import EventPath
from ._autoregressive import AbstractAutoregressive, after_history, needed_room
from ._samplers import AbstractEventSampler
from ._simulate import fill


__all__ = ["forecast", "simulate"]

_ROOM = 64


def simulate(
    process: AbstractAutoregressive,
    t0: RealScalar,
    t1: RealScalar,
    *,
    key: Key,
    n: int | None = None,
    sampler: AbstractEventSampler | None = None,
    room: int | None = None,
) -> EventPath:
    """Draw paths on a window, with a say in how: `process.sample` with choices.

    **Arguments:**

    - `process`: the process.
    - `t0`, `t1`: the window.
    - `key`: a JAX key. Path `i` depends on `(key, i)` alone.
    - `n`: how many paths; `None` for one without a leading axis.
    - `sampler`: `Direct()`, `Inversion()` or `Thinning()`; at once where the law of the next event can, else thinning.
    - `room`: for how many events there is room in a path. If not given, as many as come, found by drawing again; needed
      under `jit`, where `path.full` says whether it sufficed.

    **Returns:** an `EventPath`; `path.made` has the numbers of rejected proposals and of violations of a bound.

    **Raises:** `ValueError` for an empty window, or a process that leads to more than four million events.

    !!! example

        ```python
        import jax
        from sdekit.points import Poisson, simulate
        simulate(Poisson(2.0), 0.0, 5.0, key=jax.random.key(0), n=3)
        ```
    """
    ok = not is_concrete((t0, t1)) or bool(jnp.all(jnp.asarray(t0) < t1))
    require(ok, "t1", "must be later than t0", t1, "pass a real window")
    if room is not None:
        return _fill(process, t0, t1, key, n, sampler, room)
    size: int | None = _ROOM
    while size is not None:
        path = _fill(process, t0, t1, key, n, sampler, size)
        size = needed_room(path, size)
    return path  # pyright: ignore[reportPossiblyUnboundVariable]


def forecast(
    process: AbstractAutoregressive,
    history: Events,
    horizon: RealScalar,
    *,
    key: Key,
    n: int,
    sampler: AbstractEventSampler | None = None,
    room: int | None = None,
) -> EventPath:
    """Draw what may come after a history: paths on `[t1, t1 + horizon]`, with `t1` the end of its window.

    The silence between the last event and `t1` is part of what is known.

    **Arguments:**

    - `process`: the process.
    - `history`: one sequence.
    - `horizon`: how far to look ahead, in the unit of time.
    - `key`, `n`, `sampler`, `room`: as in `simulate`.

    **Returns:** an `EventPath` of `n` paths. Those of the first `m` events of each path are a forecast of `m` events.

    **Raises:** `ValueError` as `simulate`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import Poisson, forecast
        forecast(Poisson(2.0), Events(jnp.array([0.5, 1.2]), t1=2.0), 3.0, key=jax.random.key(0), n=5)
        ```
    """
    if room is not None:
        return _follow(process, history, horizon, key, n, sampler, room)
    size: int | None = _ROOM
    while size is not None:
        path = _follow(process, history, horizon, key, n, sampler, size)
        size = needed_room(path, size)
    return path  # pyright: ignore[reportPossiblyUnboundVariable]


@eqx.filter_jit
def _fill(process, t0, t1, key, n, sampler, room):
    one = lambda k: fill(process, t0, t1, key=k, room=room, sampler=sampler)
    return _many(one, key, n)


@eqx.filter_jit
def _follow(process, history, horizon, key, n, sampler, room):
    past = after_history(process, history, room)
    one = lambda k: fill(process, history.t1, history.t1 + horizon, key=k, room=room, sampler=sampler, past=past)
    return _many(one, key, n)


def _many(one, key, n):
    if n is None:
        return one(key)
    return jax.vmap(lambda i: one(jax.random.fold_in(key, i)))(jnp.arange(n))
