"""Ensembles at given times: exact paths on persistent lanes."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Int, UInt32

from .._errors import check_traced, require
from .._types import Array, Times
from ..math import event_clock
from ._simulate import AbstractSimulation
from ._ssa_step import Lanes, event


__all__ = ["SSA"]

_BLOCK = 16
"""Random numbers are made for so many events at once: a buffer that stays in the cache."""
_ROUNDS = 8
"""How many blocks run at most before lanes are served."""


class SSA(AbstractSimulation):
    r"""Gillespie's direct method, exact, many paths at a time.

    `lanes` paths run side by side; a lane that has finished its path begins the next one at once, so that a long path
    holds up none but itself. Lanes that reach a time to be seen wait until a quarter of them do. The numbers of a path
    are a function of its key and the count of its events alone: they depend neither on the number of lanes nor on the
    times at which the path is seen, and they are those of `ReactionNetwork.sample`. On a GPU use as many lanes as there
    are paths.

    Time-dependent reactions (with a `bound`) are simulated by thinning.

    **Arguments:**

    - `lanes`: how many paths run side by side at most.
    - `most`: how many events a path may have at most; beyond it, an error instead of a loop without end.

    **Raises:** `ValueError` for `lanes < 1`; at run time (`RuntimeError`) for a path with more than `most` events and
    for propensities that are negative, not a number or beyond their bound.

    Source: Gillespie (1977), Exact stochastic simulation of coupled chemical reactions; for thinning Lewis and Shedler
    (1979), Simulation of nonhomogeneous Poisson processes by thinning.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import SSA, ReactionNetwork, simulate
        network = ReactionNetwork(
            {"birth": "0 -> X", "death": "X -> 0"}, rates={"birth": 10.0, "death": 0.1}, start={"X": 0}
        )
        paths = simulate(network, jnp.array([0.0, 50.0]), key=jax.random.key(0), n=1000, method=SSA(lanes=256))
        paths.mean().xs[-1]  # near 100 (1 - exp(-5)) = 99.3
        ```
    """

    lanes: int = eqx.field(static=True, default=1024)
    most: int = eqx.field(static=True, default=2**31)
    name: ClassVar[str] = "SSA"

    def __check_init__(self):
        require(self.lanes >= 1, "SSA.lanes", "must be a positive number of paths", self.lanes, "pass lanes=1024")
        fits = 1 <= self.most < 2**32
        require(fits, "SSA.most", "must be a number of events below 2^32", self.most, "pass most=10_000_000")

    def run(self, network: Any, ts: Times, k0: UInt32[Array, " n"], k1: UInt32[Array, " n"]) -> Int[Array, "n k d"]:
        job = _Job(network, ts, k0, k1, min(self.lanes, k0.shape[0]), self.most)
        last = jax.lax.while_loop(_unfinished(job), lambda s: _serve(job, _advance(job, s)), _begin(job))
        failed = last.failed if last.lanes.bad is None else last.failed | jnp.any(last.lanes.bad)
        remedy = "check the rates; for paths with more events raise SSA(most=...)"
        problem = (
            f"give more than {self.most} events in a path, or a propensity that is negative, NaN or over its bound"
        )
        return check_traced(last.out, failed, "rates", problem, remedy)


class _Job(NamedTuple):
    network: Any
    ts: Array
    k0: Array
    k1: Array
    width: int
    most: int

    @property
    def paths(self) -> int:
        return self.k0.shape[0]


class _State(NamedTuple):
    lanes: Lanes
    path: Array
    """The path on each lane; the number of paths for a lane that has none left."""
    seen: Array
    """How many times of that path were seen."""
    fresh: Array
    """The next path to begin."""
    out: Array
    failed: Array


def _begin(job: _Job) -> _State:
    network, width, dtype = job.network, job.width, job.ts.dtype
    start = network.start
    lanes = Lanes(
        event=jnp.zeros(width, jnp.uint32),
        left=jnp.full(width, job.ts[1] - job.ts[0], dtype),
        used=jnp.zeros(width, dtype),
        xs=tuple(jnp.broadcast_to(start[i], (width,)) for i in range(network.dim)),
        seen=jnp.zeros(width, bool),
        bad=None if network.is_mass_action else jnp.zeros(width, bool),
    )
    out = jnp.zeros((job.paths, job.ts.shape[0] - 1, network.dim), jnp.int32)
    zero = jnp.zeros(width, jnp.int32)
    return _State(lanes, jnp.arange(width, dtype=jnp.int32), zero, jnp.int32(width), out, jnp.zeros((), bool))


def _unfinished(job: _Job):
    return lambda state: jnp.any(state.path < job.paths) & ~state.failed


def _advance(job: _Job, state: _State) -> _State:
    """Blocks of events, until a quarter of the lanes at work wait or all rounds are over."""
    held = jnp.minimum(state.path, job.paths - 1)
    k0, k1 = job.k0[held], job.k1[held]
    until = job.ts[state.seen + 1]
    idle = jnp.sum(state.path >= job.paths)
    enough = jnp.maximum((job.width - idle) // 4, 1)

    def block(carry):
        rounds, lanes = carry
        # The clock of a whole block, in one pass over memory: a loop carries it, so that it is computed once.
        numbers = lanes.event[None] + jax.lax.broadcasted_iota(jnp.uint32, (_BLOCK, job.width), 0)
        clocks = event_clock(k0[None], k1[None], numbers, job.ts.dtype)
        step = lambda i, lanes: event(job.network, lanes, clocks[i], until)[0]
        return rounds + 1, jax.lax.fori_loop(0, _BLOCK, step, lanes)

    def more(carry):
        rounds, lanes = carry
        return (rounds < _ROUNDS) & (jnp.sum(lanes.seen) - idle < enough)

    return state._replace(lanes=jax.lax.while_loop(more, block, (jnp.int32(0), state.lanes))[1])


def _serve(job: _Job, state: _State) -> _State:
    """Write down the lanes that wait, and send them on: to their next time, or to the next path."""
    lanes, last = state.lanes, job.ts.shape[0] - 2
    here = lanes.seen & (state.path < job.paths)
    row = jnp.where(here, state.path, job.paths)
    out = state.out.at[row, state.seen].set(jnp.stack(lanes.xs, -1), mode="drop")
    done = here & (state.seen == last)
    fresh = state.fresh + jnp.cumsum(done, dtype=jnp.int32) - 1
    path = jnp.where(done, jnp.minimum(fresh, job.paths), state.path)
    begins = done & (path < job.paths)
    seen = jnp.where(done, 0, jnp.where(here, state.seen + 1, state.seen))
    gap = (job.ts[1:] - job.ts[:-1])[seen]
    start = job.network.start
    failed = jnp.any(lanes.event > jnp.uint32(job.most)) | jnp.any(jnp.isnan(lanes.left))
    if lanes.bad is not None:
        failed = failed | jnp.any(lanes.bad)
    lanes = Lanes(
        event=jnp.where(begins, jnp.uint32(0), lanes.event),
        left=jnp.where(here & (path < job.paths), gap, lanes.left),
        used=jnp.where(begins, jnp.zeros((), lanes.used.dtype), lanes.used),
        xs=tuple(jnp.where(begins, start[i], x) for i, x in enumerate(lanes.xs)),
        seen=jnp.where(path < job.paths, lanes.seen & ~here, True),
        bad=lanes.bad,
    )
    return _State(lanes, path, seen, state.fresh + jnp.sum(done, dtype=jnp.int32), out, state.failed | failed)
