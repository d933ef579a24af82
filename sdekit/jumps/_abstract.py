"""The words: rate models, what a panel needs of them, and the likelihood that they share."""

import abc
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from .._errors import check_traced, require
from .._process import AbstractDensity, AbstractJumpProcess
from .._types import Array, Key, RealScalar, Times
from ..data import AbstractRecord, Panel, Seen
from ..math import chain_log_prob, transition_matrices
from ..paths import JumpPath, Provenance
from ._start import AbstractStart


__all__ = ["AbstractHomogeneous", "AbstractRates", "Moves"]


class Moves(NamedTuple):
    """What a rate model says of the intervals between given times.

    **Arguments:**

    - `matrices`: the transition matrices, shape `(t - 1, n, n)`.
    - `generators`: the generators at the end of each interval, shape `(t - 1, n, n)`.
    - `stays`: the integrals of the diagonal of the generator over each interval, shape `(t - 1, n)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import RateMatrix
        moves = RateMatrix([[0.0, 1.0], [2.0, 0.0]]).moves(jnp.array([0.0, 0.5, 2.0]))
        moves.matrices.shape  # (2, 2, 2)
        ```
    """

    matrices: Float[Array, "t-1 n n"]
    generators: Float[Array, "t-1 n n"]
    stays: Float[Array, "t-1 n"]


class AbstractRates(AbstractJumpProcess, AbstractDensity):
    """A Markov jump process on states `0 .. n - 1`, given by its rates.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Panel
        from sdekit.jumps import AbstractRates, RateMatrix

        model = RateMatrix([[0.0, 1.0], [2.0, 0.0]])
        assert isinstance(model, AbstractRates)
        model.log_prob(Panel(jnp.array([0.0, 1.0, 2.5]), jnp.array([0, 1, 1])))
        ```
    """

    dim: ClassVar[int] = 1
    initial: eqx.AbstractVar[AbstractStart]
    num_states: eqx.AbstractVar[int]
    room: eqx.AbstractVar[int]
    """The most jumps of a path drawn from it."""

    @abc.abstractmethod
    def moves(self, ts: Times, covariates: Float[Array, "t c"] | None = None) -> Moves:
        """Transition matrices, generators and integrated exit rates between times, given covariates held from each."""

    @abc.abstractmethod
    def start(self, t: RealScalar, covariates: Float[Array, " c"] | None = None) -> Float[Array, "n n"]:
        """The generator at the first time, from which the law of the first state may follow."""

    def log_prob(self, record: AbstractRecord) -> Float[Array, ""]:
        """The log-likelihood of one subject of a panel.

        Snapshots, exact times of entry, paths seen whole, sets of states and missing states, each observation as its
        `Seen` says. Minus infinity where the model has no way to do what was seen.

        **Arguments:**

        - `record`: one item of a `Panel`.

        **Returns:** a scalar.

        **Raises:** `TypeError` for another record, `ValueError` for one with another number of states or that lacks
        the covariates.
        """
        panel = require_panel(record, self.num_states)
        covariates = panel.covariates
        moves = self.moves(panel.ts, covariates)
        first = self.initial.weights(self.start(panel.ts[0], None if covariates is None else covariates[0]))
        return panel_log_prob(first, moves, panel)


class AbstractHomogeneous(AbstractRates):
    """A rate model whose rates change neither with time nor with covariates: it has one generator.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import RateMatrix

        path = RateMatrix([[0.0, 1.0], [2.0, 0.0]]).sample(jnp.array([0.0, 9.0]), key=jax.random.key(0))  # a JumpPath
        ```
    """

    @abc.abstractmethod
    def generator(self) -> Float[Array, "n n"]:
        """The generator, rows that sum to zero."""

    def rates(self, t: RealScalar) -> Float[Array, "n n"]:
        return self.generator()

    def start(self, t: RealScalar, covariates: Float[Array, " c"] | None = None) -> Float[Array, "n n"]:
        return self.generator()

    def moves(self, ts: Times, covariates: Float[Array, "t c"] | None = None) -> Moves:
        Q, gaps = self.generator(), jnp.diff(ts)
        return homogeneous_moves(Q, gaps)

    def transition_matrix(self, t: RealScalar | Times) -> Float[Array, "*k n n"]:
        """The transition matrix over an interval, or over each of many.

        **Arguments:**

        - `t`: intervals, shape `()` or `(k,)`.

        **Returns:** shape `(n, n)` or `(k, n, n)`.
        """
        t = jnp.asarray(t, self.generator().dtype)
        P = transition_matrices(self.generator(), jnp.atleast_1d(t))
        return P[0] if t.ndim == 0 else P

    def draw(self, ts: Times, *, key: Key) -> JumpPath:
        return draw_homogeneous(self, self.generator(), ts, key=key)


def draw_homogeneous(model: AbstractRates, Q: Float[Array, "n n"], ts: Times, *, key: Key) -> JumpPath:
    """A path of one generator: exponential waits, then the embedded chain. A state without a way out is kept."""
    exits = -jnp.diagonal(Q)
    eye = jnp.eye(Q.shape[0], dtype=bool)
    # Where there is no way out the wait is infinite, and the state that would follow is never entered.
    ways = jnp.log(jnp.where(eye, (exits == 0)[:, None], jnp.where(eye, 0, Q)))

    def jump(t, s, k):
        wait, way = jax.random.split(k)
        # Not a division by the exit rate as it is: that may be minus zero.
        gap = jnp.where(exits[s] > 0, jax.random.exponential(wait, dtype=Q.dtype) / exits[s], jnp.inf)
        return t + gap, jax.random.categorical(way, ways[s])

    return draw_jumps(model, jump, ts, key=key)


def homogeneous_moves(Q: Float[Array, "n n"], gaps: Float[Array, " k"]) -> Moves:
    """The moves of one generator; its entries may be differentiated as if they were free."""
    k = gaps.shape[0]
    stays = gaps[:, None] * jnp.diagonal(Q)[None]
    return Moves(transition_matrices(Q, gaps), jnp.broadcast_to(Q[None], (k, *Q.shape)), stays)


def draw_jumps(model: AbstractRates, jump, ts: Times, *, key: Key) -> JumpPath:
    """A path from its first state on: `jump(t, s, key)` gives the time and state after the next jump.

    A jump to the same state is not recorded (thinning)."""
    first, rest = jax.random.split(key)
    law = model.initial.probabilities(model.start(ts[0]))
    dtype = jnp.result_type(law, ts)
    s0 = jax.random.categorical(first, jnp.log(law)).astype(jnp.int32)
    t0, t1, room = ts[0].astype(dtype), ts[-1].astype(dtype), model.room
    times, states = jnp.full(room + 1, t1, dtype), jnp.full(room + 1, s0)

    def body(carry):
        i, count, t, s, times, states = carry
        t, new = jump(t, s, jax.random.fold_in(rest, i))
        new = new.astype(jnp.int32)
        keep = (t < t1) & (new != s)
        at = jnp.where(keep, count, room + 1)
        times, states = times.at[at].set(t.astype(dtype), mode="drop"), states.at[at].set(new, mode="drop")
        return i + 1, count + keep, t.astype(dtype), new, times, states

    start = (jnp.zeros((), jnp.int32), jnp.ones((), jnp.int32), t0, s0, times.at[0].set(t0), states)
    _, count, t, _, times, states = jax.lax.while_loop(lambda c: (c[2] < t1) & (c[1] <= room), body, start)
    problem = f"has no room for the jumps of this path beyond {room}"
    times = check_traced(times, (count > room) & (t < t1), "room", problem, "build the model with a larger room")
    return JumpPath(times, states, t1, jnp.arange(room + 1) < count, Provenance("exact"))


def require_panel(record: AbstractRecord, num_states: int) -> Panel:
    if not isinstance(record, Panel):
        raise TypeError(f"`record` must be a Panel for a jump process, got {type(record).__name__}. Pass a Panel.")
    require(record.is_item, "record", "must be one subject", record.ts, "index the record, e.g. panel[0]")
    fits = record.num_states <= num_states
    require(fits, "record.num_states", f"must be at most {num_states}", record.num_states, "build a larger model")
    return record


def panel_log_prob(first: Float[Array, " n"], moves: Moves, panel: Panel) -> Float[Array, ""]:
    """The log-likelihood of one subject from the weights of the first state and the moves between its times."""
    seen = jnp.where(panel_possible(panel, first.shape[0]), 0.0, -jnp.inf).astype(moves.matrices.dtype)
    return chain_log_prob(first, seen_moves(moves, panel), seen)


def panel_possible(panel: Panel, n: int) -> Bool[Array, "t n"]:
    """Which states each observation allows, with states that the record has not met."""
    possible = panel.possible()
    extra = jnp.broadcast_to(~panel.mask[:, None], (panel.length, n - panel.num_states))
    return jnp.concatenate([possible, extra], 1)


def seen_moves(moves: Moves, panel: Panel) -> Float[Array, "t-1 n n"]:
    """The matrices of a likelihood: transitions, entries at exact times, stays until a jump; nothing after the end."""
    kinds = panel.kinds[1:, None, None]
    last = jnp.where(panel.mask, jnp.arange(panel.length), 0).max()
    return moves_as_seen(moves, kinds, jnp.arange(1, panel.length) <= last)


def moves_as_seen(moves: Moves, kinds: Int[Array, "k 1 1"], inside: Bool[Array, " k"]) -> Float[Array, "k n n"]:
    P, Q, stays = moves
    eye = jnp.eye(Q.shape[-1], dtype=bool)[None]
    off = jnp.where(eye, 0, Q)
    jump = jnp.exp(stays)[:, :, None] * jnp.where(eye, 1, Q)
    steps = jnp.where(kinds == Seen.ENTRY, P @ off, jnp.where(kinds == Seen.JUMP, jump, P))
    return jnp.where(inside[:, None, None], steps, eye.astype(P.dtype))
