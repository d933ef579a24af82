"""Finite-state projection: a reaction network on the states that it reaches inside a box."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Int

from .._errors import check_traced, fault, require
from .._process import AbstractDensity, AbstractJumpProcess
from .._types import Array, Key, RealScalar, Times, is_concrete
from ..data import AbstractRecord, Series
from ..math import clock_words, event_clock
from ..paths import JumpPath, Provenance
from ._network import ReactionNetwork
from ._propensities import propensity_columns
from ._uniformization import uniformized


__all__ = ["Projection"]


class Projection(AbstractJumpProcess, AbstractDensity):
    r"""The network on the finitely many states that it reaches from its start without leaving a box.

    States are numbered in lexicographic order of their counts, so that a network of one species without large jumps has
    a tridiagonal generator; what a network conserves makes the set smaller than the box. `law` keeps the outflow of the
    box as lost mass, which bounds the error: $p_i(t) \le P(X_t = x_i) \le p_i(t) + \varepsilon(t)$. `rates`,
    `stationary_law` and draws keep the chain inside the box: reactions that would leave it do not fire.

    The rates stay parameters of `network`, and `log_prob` of a `Series` of counts (every count seen without error, at
    irregular times) is the exact likelihood of the projected chain: `fit` serves it. It takes a dense matrix
    exponential a gap, `O(s^3)` for `s` states; use it up to a few hundred.

    **Arguments:**

    - `network`: a `ReactionNetwork` whose propensities do not depend on time.
    - `most`: the largest count of each species, by name.

    **Raises:** `ValueError` for a species without a bound or unknown, a start outside the box, or time-dependent
    propensities; `log_prob` raises for counts that are not among the states.

    Source: Munsky and Khammash (2006), The finite state projection algorithm for the solution of the chemical master
    equation, theorems 2.1 and 2.2.

    !!! example

        ```python
        from sdekit.jumps import Projection, ReactionNetwork
        network = ReactionNetwork({"pair": "2 A -> B", "part": "B -> 2 A"}, {"pair": 0.1, "part": 0.2}, {"A": 9})
        chain = Projection(network, {"A": 9, "B": 4})
        chain.states  # 5 states: A + 2 B is conserved
        law, lost = chain.law(3.0)
        ```
    """

    network: ReactionNetwork
    states: Int[Array, "s d"]
    """The counts of each state, in lexicographic order."""
    start: Int[Array, ""]
    """The number of the state at the first time."""
    _source: Int[Array, "r s"]
    _target: Int[Array, "r s"]

    def __init__(self, network: ReactionNetwork, most: Mapping[str, int]):
        remedy = "freeze the propensities at a time, or simulate"
        require(not network.is_time_dependent, "network", "depends on time", network.reactions, remedy)
        for name in (*most, *network.species):
            known = name in network.species and name in most
            require(known, f"most[{name!r}]", "must bound a species of the network", most, f"name {network.species}")
        require(is_concrete(network.start), "network.start", "must be known", network.start, "build outside of jit")
        top = np.array([most[s] for s in network.species])
        states = _reachable(np.asarray(network.start), network.stoichiometry, top)
        number = {tuple(x): i for i, x in enumerate(states.tolist())}
        where = lambda x: number.get(tuple(x.tolist()), -1)
        self.network = network
        self.states = jnp.asarray(states, jnp.int32)
        self.start = jnp.asarray(where(np.asarray(network.start)), jnp.int32)
        changes = network.stoichiometry
        self._target = jnp.asarray([[where(x + c) for x in states] for c in changes], jnp.int32)
        self._source = jnp.asarray([[where(x - c) for x in states] for c in changes], jnp.int32)

    @property
    def dim(self) -> int:
        return 1

    @property
    def size(self) -> int:
        """The number of states."""
        return self.states.shape[0]

    def propensities(self) -> Float[Array, "r s"]:
        """The rate of each reaction in each state."""
        dtype = self.network.rates.dtype
        xs = tuple(self.states[:, i].astype(dtype) for i in range(self.network.dim))
        return jnp.stack(propensity_columns(self.network, jnp.zeros((), dtype), xs))

    def rates(self, t: RealScalar) -> Float[Array, "s s"]:
        a = jnp.where(self._target >= 0, self.propensities(), 0)
        rows = jnp.broadcast_to(jnp.arange(self.size), a.shape)
        q = jnp.zeros((self.size, self.size), a.dtype).at[rows, jnp.maximum(self._target, 0)].add(a)
        return q - jnp.diag(q.sum(1))

    def number_of(self, counts: ArrayLike) -> Int[Array, ""]:
        """The number of the state with these counts, shape `(d,)`; -1 if it is none of them."""
        same = (self.states == jnp.asarray(counts)[None]).all(1)
        return jnp.where(same.any(), jnp.argmax(same), -1)

    def law(self, t: RealScalar, p0: ArrayLike | None = None) -> tuple[Float[Array, " s"], Float[Array, ""]]:
        r"""The probability of each state at time `t`, and the mass that left the box on the way: the error bound.

        By uniformization with the sparse generator: every term is positive. The cost grows with `t` times the largest
        rate. Forward derivatives (`jax.jvp`) alone.

        **Arguments:**

        - `t`: the time since the start.
        - `p0`: the law at the start, shape `(s,)`; the start of the network, if not given.

        **Returns:** probabilities of shape `(s,)` that sum to one less the lost mass, and the lost mass.
        """
        a = self.propensities()
        here = self._source >= 0
        source = jnp.maximum(self._source, 0)
        inflow = jnp.where(here, jnp.take_along_axis(a, source, 1), 0)
        out = a.sum(0)
        start = jnp.zeros(self.size, a.dtype).at[self.start].set(1) if p0 is None else jnp.asarray(p0, a.dtype)

        def flow(p):
            return (inflow * p[source]).sum(0) - out * p

        p = uniformized(flow, out.max(), start, jnp.asarray(t, a.dtype))
        return p, jnp.maximum(start.sum() - p.sum(), 0)

    def stationary_law(self) -> Float[Array, " s"]:
        """The stationary probability of each state, of the chain kept in the box; by a dense solve."""
        q = self.rates(0.0)
        lhs = q.T.at[-1].set(1)
        rhs = jnp.zeros(self.size, q.dtype).at[-1].set(1)
        return jnp.linalg.solve(lhs, rhs)

    def marginal_law(self, species: str, p: Float[Array, " s"]) -> Float[Array, " k"]:
        """The probability of each count of one species, from 0 to its largest, of a law over the states."""
        require(species in self.network.species, "species", "is unknown", species, f"use one of {self.network.species}")
        counts = self.states[:, self.network.species.index(species)]
        top = int(np.asarray(counts).max()) + 1
        return jnp.zeros(top, p.dtype).at[counts].add(p)

    def log_prob(self, record: AbstractRecord) -> Float[Array, ""]:
        """The log-likelihood of counts seen without error at irregular times, given those at the first."""
        if not isinstance(record, Series):
            raise TypeError(fault("record", "must be a Series of counts", type(record).__name__, "pass a Series"))
        d = self.network.dim
        require(record.dim == d, "record.ys", f"must have {d} component(s), the species", record.ys, "see `species`")
        q = self.rates(0.0)
        seen = record.mask.all(-1)
        numbers = jax.vmap(lambda y: self.number_of(jnp.round(y).astype(jnp.int32)))(record.ys)
        outside = jnp.any(seen & (numbers < 0))
        q = check_traced(q, outside, "record.ys", "holds counts that are not among the states", "raise `most`")

        def step(carry, row):
            t, last, total = carry
            t1, number, here = row
            p = jax.scipy.linalg.expm(q * jnp.where(here, t1 - t, 0).astype(q.dtype))
            found = jnp.log(jnp.where(here, p[last, number], 1))
            return (jnp.where(here, t1, t), jnp.where(here, number, last), total + found), None

        require(record.is_item, "record", "must be one series", record.ts, "index the record, e.g. series[0]")
        init = (record.ts[0], numbers[0], jnp.zeros((), q.dtype))
        return jax.lax.scan(step, init, (record.ts[1:], numbers[1:], seen[1:]))[0][2]

    def draw(self, ts: Times, *, key: Key) -> JumpPath:
        k0, k1 = clock_words(key)
        a = jnp.where(self._target >= 0, self.propensities(), 0)
        sums = jnp.cumsum(a, 0)

        def step(carry, i):
            t, state = carry
            clock = event_clock(k0, k1, i, a.dtype)
            here = sums[:, state]
            t = t + clock.real / here[-1]
            fired = jnp.minimum(jnp.sum(here <= clock.imag * here[-1]), len(here) - 1)
            state = jnp.where(t <= ts[-1], self._target[fired, state], state)
            return (t, state), (t, state)

        room = jnp.arange(self.network.room + 1, dtype=jnp.uint32)
        first = jnp.asarray(ts[0], a.dtype)
        (last, _), (times, states) = jax.lax.scan(step, (first, self.start), room)
        remedy = "build the network with a larger room="
        times = check_traced(times, last <= ts[-1], "room", "has too few jumps for this path", remedy)
        times, states = jnp.concatenate([first[None], times[:-1]]), jnp.concatenate([self.start[None], states[:-1]])
        return JumpPath(times, states, ts[-1], times <= ts[-1], Provenance("SSA"))


def _reachable(start: np.ndarray, changes: np.ndarray, top: np.ndarray) -> np.ndarray:
    """All count vectors that reactions reach from `start` inside the box, in lexicographic order."""
    inside = bool((start <= top).all())
    require(inside, "most", f"must hold the start, {start.tolist()}", top.tolist(), "raise the bounds")
    strides = np.cumprod([1, *(top[:0:-1] + 1)])[::-1].astype(np.int64)
    known = {int(start @ strides)}
    front = start[None]
    while len(front):
        new = (front[:, None] + changes[None]).reshape(-1, len(top))
        new = new[((new >= 0) & (new <= top)).all(1)]
        codes, first = np.unique(new @ strides, return_index=True)
        fresh = [i for c, i in zip(codes.tolist(), first.tolist(), strict=True) if c not in known]
        known.update((new[fresh] @ strides).tolist() if fresh else [])
        front = new[fresh]
    codes = np.array(sorted(known), np.int64)
    return (codes[:, None] // strides[None]) % (top + 1)[None]
