"""Tau-leaping: many reactions at a time, Poisson numbers of each."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, UInt32

from .._errors import check_traced, require
from .._types import Array, Times
from ..math import counter_poisson, event_clock
from ._simulate import AbstractSimulation


__all__ = ["TauLeaping"]

_LEAPS = 0x6C656170
"""The stream of the Poisson numbers, apart from that of the events."""
_CRITICAL = 10
"""A reaction that could fire fewer times than this before a reactant runs out fires one at a time."""
_FEW = 10
"""A leap that holds fewer events than this on average is not worth it: the next event is drawn exactly."""


class TauLeaping(AbstractSimulation):
    r"""Explicit tau-leaping: reaction $j$ fires $\mathrm{Poisson}(a_j(x)\,\tau)$ times in a leap. Approximate.

    The leap is the longest in which no propensity is expected to change by more than a share `epsilon`, judged again
    before each leap, whatever the times at which the path is seen. Reactions that are about to use up a reactant fire
    one at a time, leaps of fewer than ten events give way to exact events, and a leap that would take a count below
    zero is halved and drawn again (a small bias). With `dt` leaps have that fixed length instead, of weak order one,
    without the first two safeguards: for studies of convergence.

    **Arguments:**

    - `epsilon`: the share of change in a leap, between 0 and 1.
    - `dt`: a fixed leap; `None` for leaps by `epsilon`.
    - `most`: how many leaps there may be between two times; beyond it, an error instead of a loop without end.

    **Raises:** `ValueError` for `epsilon` or `dt` out of range, or a time-dependent network; `RuntimeError` when leaps
    run out.

    Source: Cao, Gillespie and Petzold (2006), Efficient step size selection for the tau-leaping simulation method,
    equations 27 and 33, and (2005), Avoiding negative populations in explicit Poisson tau-leaping.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import ReactionNetwork, TauLeaping, simulate
        network = ReactionNetwork({"in": "0 -> X", "out": "X -> 0"}, {"in": 1000.0, "out": 1.0}, {"X": 0})
        paths = simulate(network, jnp.array([0.0, 2.0]), key=jax.random.key(0), n=50, method=TauLeaping(0.1))
        ```
    """

    epsilon: float = eqx.field(static=True, default=0.03)
    dt: float | None = eqx.field(static=True, default=None)
    most: int = eqx.field(static=True, default=10_000_000)
    name: ClassVar[str] = "tau-leaping"

    def __check_init__(self):
        fits = 0 < self.epsilon < 1
        require(fits, "TauLeaping.epsilon", "must lie strictly between 0 and 1", self.epsilon, "pass epsilon=0.03")
        require(self.dt is None or self.dt > 0, "TauLeaping.dt", "must be positive", self.dt, "pass a positive leap")

    def run(self, network: Any, ts: Times, k0: UInt32[Array, " n"], k1: UInt32[Array, " n"]) -> Int[Array, "n k d"]:
        require(not network.is_time_dependent, "network", "depends on time", network.reactions, "use SSA()")
        n, dtype = k0.shape[0], ts.dtype
        table = _Table.of(network)
        leap = jax.vmap(lambda lane, k0, k1: self._leap(network, table, lane, k0, k1))

        def gap(lanes, h):
            lanes = lanes._replace(left=jnp.broadcast_to(h, (n,)))
            limit = lanes.count[0] + jnp.uint32(self.most)
            busy = lambda lanes: jnp.any(lanes.left > 0) & (jnp.max(lanes.count) < limit)
            lanes = jax.lax.while_loop(busy, lambda lanes: leap(lanes, k0, k1), lanes)
            return lanes, (lanes.x, jnp.any(lanes.left > 0))

        x0 = jnp.broadcast_to(network.start[None], (n, network.dim))
        lanes = _Lane(x0, jnp.zeros(n, dtype), jnp.ones(n, dtype), jnp.zeros(n, jnp.uint32))
        _, (xs, unfinished) = jax.lax.scan(gap, lanes, ts[1:] - ts[:-1])
        remedy = "raise TauLeaping(most=...), or check the rates"
        xs = check_traced(xs, unfinished.any(), "ts", f"lie more than {self.most} leaps apart", remedy)
        return jnp.swapaxes(xs, 0, 1)

    def _leap(self, network: Any, table: "_Table", lane: "_Lane", k0: Array, k1: Array) -> "_Lane":
        dtype = lane.left.dtype
        a = jnp.maximum(network.propensities(jnp.zeros((), dtype), lane.x), 0).astype(dtype)
        total = a.sum()
        work = lane.left > 0
        clock = event_clock(k0, k1, lane.count, dtype)
        if self.dt is None:
            critical = table.critical(lane.x, a)
            longest = table.longest(lane.x, jnp.where(critical, 0, a), self.epsilon) * lane.shrink
            exact = longest * total < _FEW
            critical = critical | exact
            longest = jnp.where(exact, jnp.inf, longest)
        else:
            critical = jnp.zeros(a.shape, bool)
            longest = jnp.asarray(self.dt, dtype) * lane.shrink
        slow = jnp.where(critical, a, 0)
        rare = slow.sum()
        wait = jnp.where(rare > 0, clock.real / jnp.where(rare > 0, rare, 1), jnp.inf)
        tau = jnp.minimum(jnp.minimum(longest, wait), lane.left)
        mean = jnp.where(critical | ~work, 0, a * tau)
        fired = counter_poisson(jnp.stack([k0, k1]), lane.count, mean, stream=_LEAPS)
        sums = jnp.cumsum(slow)
        chosen = (jnp.arange(a.shape[0]) == jnp.sum(sums <= clock.imag * rare)) & critical
        fired = fired + (chosen & (wait <= tau)).astype(jnp.int32)
        x = lane.x + (fired[:, None] * table.change).sum(0, dtype=jnp.int32)
        good = (x >= 0).all()
        rest = jnp.maximum(lane.left - tau, 0)
        rest = jnp.where(rest > 8 * jnp.finfo(dtype).eps * tau, rest, 0)  # what rounding leaves of fixed leaps
        return _Lane(
            jnp.where(work & good, x, lane.x),
            jnp.where(work & good, rest, lane.left),
            jnp.where(good, jnp.ones((), dtype), lane.shrink / 2),
            lane.count + work.astype(jnp.uint32),
        )


class _Lane(NamedTuple):
    x: Array
    left: Array
    shrink: Array
    """The share of the leap that is tried: halved while counts would turn negative."""
    count: Array


class _Table(NamedTuple):
    """What the choice of a leap needs to know of the reactions."""

    change: Array
    """Shape `(r, d)`."""
    orders: tuple[tuple[int, int], ...]
    """For each species the highest order of a reaction that it enters, and how many of it enter there."""

    @staticmethod
    def of(network: Any) -> "_Table":
        orders = []
        for name in network.species:
            enter = [(r.order, r.reactants[name]) for r in network.reactions if name in r.reactants]
            orders.append(max(enter, default=(0, 0)))
        return _Table(jnp.asarray(network.stoichiometry), tuple(orders))

    def critical(self, x: Array, a: Array) -> Array:
        uses = jnp.maximum(-self.change, 0)
        far = jnp.iinfo(jnp.int32).max
        times = jnp.where(uses > 0, x[None] // jnp.maximum(uses, 1), far).min(1)
        return (times < _CRITICAL) & (a > 0)

    def longest(self, x: Array, a: Array, epsilon: float) -> Array:
        s = self.change.astype(a.dtype)
        drift, spread = jnp.abs((s * a[:, None]).sum(0)), (s**2 * a[:, None]).sum(0)
        enters = np.array([order > 0 for order, _ in self.orders])
        share = jnp.maximum(epsilon * x / self._factor(x.astype(a.dtype)), 1)
        of = lambda top, rate: jnp.where(enters & (rate > 0), top / jnp.where(rate > 0, rate, 1), jnp.inf)
        return jnp.minimum(of(share, drift), of(share**2, spread)).min()

    def _factor(self, x: Array) -> Array:
        """Cao, Gillespie and Petzold's `g`: how much faster a propensity changes than the count, relatively."""
        columns = []
        for i, (order, own) in enumerate(self.orders):
            one, two = 1 / jnp.maximum(x[i] - 1, 1), 2 / jnp.maximum(x[i] - 2, 1)
            if own <= 1:
                columns.append(jnp.full((), float(max(order, 1)), x.dtype))
            elif own == 2:
                columns.append((2 + one) * (1 if order == 2 else order / 2))
            else:
                columns.append(own + one + two * (own - 2))
        return jnp.stack(columns)
