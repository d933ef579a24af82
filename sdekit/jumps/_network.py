"""Reaction networks: counts of molecules that jump when reactions fire."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Int

from .._errors import fault, require
from .._parameters import constraints, parameter
from .._process import AbstractDensity
from .._types import Array, Key, RealScalar, State, Times, as_float, is_concrete
from ..data import AbstractRecord, Events
from ..math import gauss_legendre
from ..paths import JumpPath, Provenance
from ._propensities import propensity_columns
from ._reaction import Reaction
from ._ssa_record import record_path


__all__ = ["ReactionNetwork"]


class ReactionNetwork(AbstractDensity):
    r"""A Markov jump process on counts $x \in \mathbb{N}^d$: reaction $j$ fires at rate $a_j(x)$ and adds $S_j$.

    `sample` draws exact paths (Gillespie's direct method) as a `JumpPath` of counts, for a whole ensemble at once.
    `simulate` is much faster where states at a few times are enough. `log_prob` is the density of a complete path, an
    `Events` record whose marks are the reactions that fired (`reaction_events` draws one); counts that were seen at
    some times alone have a likelihood through `Projection` or `LinearNoise`.

    **Arguments:**

    - `reactions`: a dictionary from names of rates to equations, `{"birth": "0 -> X", "death": "X -> 0"}` (mass
        action), or a list of `Reaction`.
    - `rates`: the numbers by name, all positive: stochastic rate constants, and what functions of the user take.
    - `start`: the counts at the first time by species; a species that is not named starts at 0.
    - `room`: how many jumps a path may have in `sample`; memory and time are proportional to it.

    **Raises:** `ValueError` naming the reaction, the rate or the species that does not fit; at run time
    (`RuntimeError`) for a path with more jumps than there is room for, and for a propensity that is negative, not a
    number or beyond its bound.

    Source: Gillespie (1977), Exact stochastic simulation of coupled chemical reactions.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import ReactionNetwork
        network = ReactionNetwork(
            {"birth": "0 -> X", "death": "X -> 0"}, rates={"birth": 10.0, "death": 0.1}, start={"X": 0}, room=256
        )
        path = network.sample(jnp.array([0.0, 10.0]), key=jax.random.key(0))
        path.states.shape  # (257, 1)
        ```
    """

    start: Int[Array, " d"]
    """The counts at the first time, in the order of `species`."""
    reactions: tuple[Reaction, ...] = eqx.field(static=True)
    parameters: tuple[str, ...] = eqx.field(static=True)
    """The names of the rates."""
    species: tuple[str, ...] = eqx.field(static=True)
    room: int = eqx.field(static=True)
    rates: Float[Array, " p"] = parameter(constraints.positive)
    """The rates, in the order of `parameters`."""

    def __init__(
        self,
        reactions: Mapping[str, str] | Sequence[Reaction],
        rates: Mapping[str, ArrayLike],
        start: Mapping[str, int],
        room: int = 1024,
    ):
        if isinstance(reactions, Mapping):
            reactions = [Reaction(equation, name) for name, equation in reactions.items()]
        require(len(reactions) > 0, "reactions", "must hold at least one reaction", reactions, "pass {'k': 'A -> B'}")
        require(room >= 1, "room", "must be a positive number of jumps", room, "pass room=1024")
        self.reactions, self.room = tuple(reactions), room
        self.species = tuple(dict.fromkeys([*start, *(s for r in reactions for s in r.species)]))
        self.parameters = tuple(rates)
        self._check_names(start)
        self.rates = jnp.stack([as_float(v) for v in rates.values()]) if rates else jnp.zeros(0)
        self.start = jnp.asarray([int(start.get(s, 0)) for s in self.species], jnp.int32)
        self._check_functions()

    def _check_names(self, start: Mapping[str, int]) -> None:
        appear = {s for r in self.reactions for s in r.species}
        for name, count in start.items():
            remedy = f"use one of {sorted(appear)}"
            require(name in appear, f"start[{name!r}]", "is a species of no reaction", count, remedy)
            whole = float(count) == int(count) and count >= 0
            require(whole, f"start[{name!r}]", "must be a nonnegative whole number", count, "pass a count")
        used = set()
        for r in self.reactions:
            where = f"Reaction {r.equation!r}"
            require(any(r.change.values()), where, "changes nothing", r.equation, "drop it")
            if isinstance(r.rate, str):
                remedy = f"add it to rates, or use one of {list(self.parameters)}"
                require(r.rate in self.parameters, where, "has a rate that is not in `rates`", r.rate, remedy)
                used.add(r.rate)
        if all(isinstance(r.rate, str) for r in self.reactions):
            for name in self.parameters:
                require(name in used, f"rates[{name!r}]", "is the rate of no reaction", name, "drop it")

    def _check_functions(self) -> None:
        if is_concrete(self.rates):
            for name, value in zip(self.parameters, np.asarray(self.rates), strict=True):
                require(bool(value > 0), f"rates[{name!r}]", "must be positive", float(value), "pass a number above 0")
        one = jax.ShapeDtypeStruct((), self.rates.dtype)
        x, p = dict.fromkeys(self.species, one), dict.fromkeys(self.parameters, one)
        for r in self.reactions:
            if callable(r.rate):
                _require_number(r, "rate", jax.eval_shape(r.rate, one, x, p))
            if r.bound is not None:
                _require_number(r, "bound", jax.eval_shape(r.bound, x, p))

    @property
    def dim(self) -> int:
        return len(self.species)

    @property
    def stoichiometry(self) -> np.ndarray:
        """What each reaction adds to each count, shape `(r, d)`."""
        return np.array([[r.change.get(s, 0) for s in self.species] for r in self.reactions], np.int32)

    @property
    def is_mass_action(self) -> bool:
        """Whether every propensity is that of mass action."""
        return all(isinstance(r.rate, str) for r in self.reactions)

    @property
    def is_time_dependent(self) -> bool:
        """Whether a propensity has a bound in time, so that the network is simulated by thinning."""
        return any(r.bound is not None for r in self.reactions)

    def propensities(self, t: RealScalar, x: State | Int[Array, " d"]) -> Float[Array, " r"]:
        """The rate of each reaction at time `t` in the state `x`, shape `(r,)`; `x` may be real, for approximations."""
        xs = tuple(as_float(x)[i].astype(self.rates.dtype) for i in range(self.dim))
        return jnp.stack([jnp.broadcast_to(a, ()) for a in propensity_columns(self, jnp.asarray(t), xs)])

    def draw(self, ts: Times, *, key: Key) -> JumpPath:
        found = record_path(self, ts, key)
        return JumpPath(found.ts, found.states, ts[-1], found.mask, Provenance("SSA"))

    def log_prob(self, record: AbstractRecord) -> Float[Array, ""]:
        r"""The log-density of a complete path: $\sum_k \log a_{m_k}(x_{k-}) - \int \sum_j a_j(x_t)\,dt$.

        With time-dependent propensities the integral between events is by Gauss's rule with eight nodes.

        Source: Wilkinson (2018), Stochastic Modelling for Systems Biology, section 10.2.
        """
        if not isinstance(record, Events) or record.marks is None:
            remedy = "pass Events whose marks are reactions (see reaction_events); for counts at times use Projection"
            raise TypeError(fault("record", "must be Events with marks", type(record).__name__, remedy))
        r = len(self.reactions)
        require(record.num_marks == r, "record.num_marks", f"must be {r}, the reactions", record.num_marks, "match it")
        dtype = self.rates.dtype
        changes = jnp.where(record.mask[:, None], jnp.asarray(self.stoichiometry)[record.marks], 0)
        after = jnp.cumsum(changes, 0) + self.start[None]
        states = jnp.concatenate([self.start[None], after]).astype(dtype)
        ts = record.ts.astype(dtype)
        begin = jnp.concatenate([record.t0[None].astype(dtype), ts])
        gaps = jnp.concatenate([ts, record.t1[None].astype(dtype)]) - begin
        at = jax.vmap(self.propensities)
        fired = jnp.take_along_axis(at(ts, states[:-1]), record.marks[:, None], 1)[:, 0]
        fired = jnp.log(jnp.where(record.mask, fired, 1))
        if not self.is_time_dependent:
            return fired.sum() - (at(begin, states).sum(-1) * gaps).sum()
        nodes, weights = (jnp.asarray(v, dtype) / 2 for v in gauss_legendre(8))
        total = lambda t, h, x: jax.vmap(lambda u: self.propensities(t + h * (u + 0.5), x).sum())(nodes)
        return fired.sum() - ((jax.vmap(total)(begin, gaps, states) @ weights) * gaps).sum()


def _require_number(reaction: Reaction, kind: str, found: Any) -> None:
    if getattr(found, "shape", None) != ():
        where = f"Reaction {reaction.equation!r}"
        raise ValueError(fault(where, f"has a {kind} that is not one number", found, "return shape ()"))
