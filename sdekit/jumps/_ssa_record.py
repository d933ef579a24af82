"""Every jump of a path: one scan over as many events as there is room for."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .._errors import check_traced
from .._types import Array, Key, Times
from ..math import clock_words, event_clock
from ._ssa_step import Lanes, event


__all__ = ["Record", "record_path"]


class Record(NamedTuple):
    """A complete path: entry 0 is the start, entry `k` the `k`-th event."""

    ts: Array
    states: Array
    mask: Array
    marks: Array
    """The reaction that fired, -1 for the start and for padding."""


def record_path(network: Any, ts: Times, key: Key) -> Record:
    """One exact path from `ts[0]` to `ts[-1]`, with every event. Under `vmap` the lanes run side by side."""
    dtype = jnp.result_type(network.rates.dtype, ts.dtype)
    network = jax.tree.map(lambda v: v.astype(dtype) if jnp.issubdtype(v.dtype, jnp.inexact) else v, network)
    t0, t1 = ts[0].astype(dtype), ts[-1].astype(dtype)
    k0, k1 = clock_words(key)
    start = jax.lax.stop_gradient(network.start)
    no = jnp.zeros((), bool)
    lanes = Lanes(
        event=jnp.zeros((), jnp.uint32),
        left=t1 - t0,
        used=jnp.zeros((), dtype),
        xs=tuple(start[i] for i in range(network.dim)),
        seen=no,
        bad=None if network.is_mass_action else no,
    )

    def step(lanes, i):
        lanes, fired = event(network, lanes, event_clock(k0, k1, i, dtype), t1)
        happened = (fired >= 0) & (fired < len(network.reactions))
        return lanes, (t1 - lanes.left, lanes.xs, jnp.where(happened, fired, -1))

    numbers = jnp.arange(network.room + 1, dtype=jnp.uint32)
    last, (times, xs, marks) = jax.lax.scan(step, lanes, numbers)
    mask = marks >= 0
    states = jnp.stack(xs, -1)
    if network.is_time_dependent:  # proposals that thinning refused leave gaps
        order = jnp.argsort(~mask, stable=True)
        times, states, marks, mask = times[order], states[order], marks[order], mask[order]
    times = check_traced(times, ~last.seen, "room", f"= {network.room} is too few jumps for this path", _ROOM)
    if last.bad is not None:
        times = check_traced(times, last.bad, "rate", "is negative, not a number, or beyond its bound", _RATE)
    head = jnp.ones(1, bool)
    mask = jnp.concatenate([head, mask[:-1]])
    held = jnp.maximum(jnp.cumsum(mask) - 1, 0)
    states = jnp.concatenate([start[None], states[:-1]])[held]
    times = jnp.where(mask, jnp.concatenate([t0[None], times[:-1]]), t1)
    return Record(times, states, mask, jnp.concatenate([-jnp.ones(1, marks.dtype), marks[:-1]]))


_ROOM = "pass a larger room=, shorten the window, or use simulate() where the jumps themselves are not needed"
_RATE = "check the functions that you gave as rates and bounds at every state that the path can reach"
