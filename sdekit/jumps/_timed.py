"""Rates that change with time, by any function or by a network."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import check_traced, require
from .._parameters import constraints, parameter
from .._types import Array, Key, RealScalar, Times, as_float
from ..math import transition_matrix
from ..paths import JumpPath
from ._abstract import AbstractRates, Moves, draw_jumps
from ._pattern import Edges, edges_of, fill
from ._start import AbstractStart, Conditional


__all__ = ["NeuralRates", "TimedRates"]


def _thinned(model: AbstractRates, rate: Callable[[Array], Array], bound: Array, ts: Times, *, key: Key) -> JumpPath:
    """A path by thinning: candidates at a rate that no exit rate passes, kept with the ratio of the two."""

    def jump(t, s, k):
        wait, way = jax.random.split(k)
        t = t + jax.random.exponential(wait, dtype=bound.dtype) / bound
        row = rate(t)[s]
        row = check_traced(row, -row[s] > bound * (1 + 1e-6), "bound", "is below an exit rate", "pass a larger bound")
        row = jnp.where(jnp.arange(model.num_states) == s, bound + row, row)
        return t, jax.random.categorical(way, jnp.log(jnp.maximum(row, 0)))

    return draw_jumps(model, jump, ts, key=key)


def _magnus(rate: Callable[[Array], Array], ts: Times, substeps: int) -> Moves:
    """Moves by the Magnus method of order four: two Gauss points a step and the commutator of the generators there."""
    ends = jnp.linspace(0, 1, substeps + 1, dtype=ts.dtype)
    shift = np.sqrt(3) / 6

    def interval(t0, t1):
        h = (t1 - t0) / substeps

        def step(carry, u):
            P, stay = carry
            a = t0 + u * (t1 - t0)
            A, B = rate(a + (0.5 - shift) * h), rate(a + (0.5 + shift) * h)
            # For row vectors, p' = p Q, the commutator has the other sign than for columns.
            mean, turn = (A + B) / 2, (A @ B - B @ A) * (np.sqrt(3) / 12)
            return (P @ transition_matrix(mean * h + turn * h**2, 1.0), stay + jnp.diagonal(mean) * h), None

        n = rate(t0).shape[0]
        (P, stay), _ = jax.lax.scan(step, (jnp.eye(n, dtype=ts.dtype), jnp.zeros(n, ts.dtype)), ends[:-1])
        return P, rate(t1), stay

    return Moves(*jax.vmap(interval)(ts[:-1], ts[1:]))


class TimedRates(AbstractRates):
    """A chain whose rates are any function of time. Paths by thinning, transition matrices by a Magnus integrator.

    **Arguments:**

    - `function`: from a time to a matrix of rates, shape `(n, n)`, whose diagonal does not count; a module may hold
        parameters.
    - `bound`: a number that no exit rate ever passes; a path that meets a larger one is an error.
    - `num_states`: the number of states.
    - `initial`, `room`: as in `RateMatrix`; the start is conditional, if not given.
    - `substeps`: steps of the integrator (order 4) between two times of a panel.

    **Raises:** `ValueError` for a bound that is not positive or no substeps; `RuntimeError` from a path whose exit rate
    passes the bound.

    Source: Lewis and Shedler (1979), Naval Research Logistics Quarterly 26(3); Blanes, Casas, Oteo and Ros (2009), The
    Magnus expansion, Physics Reports 470, equation 248.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import TimedRates

        seasons = lambda t: jnp.array([[0.0, 1.0 + jnp.sin(t)], [1.0, 0.0]])
        TimedRates(seasons, bound=2.0, num_states=2).sample(jnp.array([0.0, 9.0]), key=jax.random.key(0))
        ```
    """

    function: Callable[[Array], Array]
    num_states: int = eqx.field(static=True)
    bound: Float[Array, ""] = parameter(constraints.positive, trainable=False)
    initial: AbstractStart = Conditional()
    substeps: int = eqx.field(static=True, default=8)
    room: int = eqx.field(static=True, default=256)

    def __check_init__(self):
        require(self.substeps >= 1, "substeps", "must be a positive integer", self.substeps, "pass substeps >= 1")

    def rates(self, t: RealScalar) -> Float[Array, "n n"]:
        rates = jnp.asarray(self.function(jnp.asarray(t, self.bound.dtype)))
        n = self.num_states
        require(rates.shape == (n, n), "function", f"must return a matrix ({n}, {n})", rates, "one row a state")
        off = jnp.where(jnp.eye(n, dtype=bool), 0, rates)
        return off - jnp.diag(off.sum(1))

    def start(self, t: RealScalar, covariates: Float[Array, " c"] | None = None) -> Float[Array, "n n"]:
        return self.rates(t)

    def moves(self, ts: Times, covariates: Float[Array, "t c"] | None = None) -> Moves:
        return _magnus(self.rates, ts, self.substeps)

    def draw(self, ts: Times, *, key: Key) -> JumpPath:
        return _thinned(self, self.rates, self.bound, ts, key=key)


class NeuralRates(AbstractRates):
    r"""A chain whose rates are a network of time, $q_{ij}(t) = b\,\sigma(f_\theta(t)_{ij})$, all below the bound `b`.

    **Arguments:**

    - `field`: a network from a vector `(1,)` to one number a transition, such as `equinox.nn.MLP`.
    - `edges`: the transitions; all, row by row, if not given.
    - `num_states`: the number of states.
    - `bound`: what no single rate passes.
    - `initial`, `substeps`, `room`: as in `TimedRates`.

    **Raises:** `ValueError` for a transition that is not one.

    Source: the posterior rates of Seifner and Sanchez (2023), Neural Markov jump processes, ICML.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import NeuralRates

        field = eqx.nn.MLP(1, 2, 16, 1, activation=jnp.tanh, key=jax.random.key(0))
        NeuralRates(field, num_states=2, bound=3.0).rates(0.5)
        ```
    """

    field: Callable[[Array], Array]
    initial: AbstractStart = eqx.field()
    edges: Edges = eqx.field(static=True)
    num_states: int = eqx.field(static=True)
    substeps: int = eqx.field(static=True)
    room: int = eqx.field(static=True)
    bound: Float[Array, ""] = parameter(constraints.positive, trainable=False)

    def __init__(
        self,
        field: Callable[[Array], Array],
        *,
        num_states: int,
        bound: ArrayLike,
        edges: Sequence[Sequence[int]] | None = None,
        initial: AbstractStart = Conditional(),  # noqa: B008
        substeps: int = 8,
        room: int = 256,
    ):
        n = num_states
        pairs: Any = [(i, j) for i in range(n) for j in range(n) if i != j] if edges is None else edges
        self.field, self.bound, self.edges = field, as_float(bound), edges_of(pairs, n)
        self.initial, self.num_states, self.substeps, self.room = initial, n, substeps, room

    def rates(self, t: RealScalar) -> Float[Array, "n n"]:
        logits = self.field(jnp.asarray(t, self.bound.dtype)[None])
        m = len(self.edges)
        require(logits.shape == (m,), "field", f"must return {m} numbers", logits, "one a transition")
        return fill(self.bound * jax.nn.sigmoid(logits), self.edges, self.num_states)

    def start(self, t: RealScalar, covariates: Float[Array, " c"] | None = None) -> Float[Array, "n n"]:
        return self.rates(t)

    def moves(self, ts: Times, covariates: Float[Array, "t c"] | None = None) -> Moves:
        return _magnus(self.rates, ts, self.substeps)

    def draw(self, ts: Times, *, key: Key) -> JumpPath:
        most = max(np.bincount(np.asarray(self.edges)[:, 0]))
        return _thinned(self, self.rates, self.bound * int(most), ts, key=key)
