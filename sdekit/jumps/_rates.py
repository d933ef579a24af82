"""Rate models with one generator."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._parameters import constraints, parameter
from .._types import Array, as_float
from ._abstract import AbstractHomogeneous
from ._pattern import Edges, edges_of, fill, groups_of, read_rates
from ._start import AbstractStart, Stationary


__all__ = ["BirthDeath", "RateMatrix", "Reversible"]


class RateMatrix(AbstractHomogeneous):
    r"""A chain with a matrix of rates: dense, or sparse where the matrix is zero, with rates that may be tied.

    An off-diagonal zero says that there is no such transition, and stays so in a fit.

    **Arguments:**

    - `rates`: the rates $q_{ij}$, shape `(n, n)`; a diagonal of zeros, or that of the generator.
    - `initial`: the law of the first state.
    - `tied`: groups of transitions that share a rate, e.g. `[[(0, 1), (1, 2)]]`; it starts from their mean.
    - `room`: the most jumps of a path drawn from it.

    **Raises:** `ValueError` for a negative rate, a diagonal that is not minus its row's sum, an unknown transition.

    !!! example

        ```python
        from sdekit.jumps import RateMatrix
        RateMatrix([[0.0, 1.0, 0.0], [0.5, 0.0, 0.2], [0.0, 0.0, 0.0]]).generator()  # no way out of state 2
        ```
    """

    initial: AbstractStart = eqx.field()
    edges: Edges = eqx.field(static=True)
    """The transitions `(i, j)`, in the order of the rows of the matrix."""
    groups: tuple[int, ...] = eqx.field(static=True)
    """For each transition the place of its rate in `values`."""
    num_states: int = eqx.field(static=True)
    room: int = eqx.field(static=True)
    values: Float[Array, " m"] = parameter(constraints.positive)
    """The rates, one a group of tied transitions."""

    def __init__(
        self,
        rates: ArrayLike,
        initial: AbstractStart = Stationary(),  # noqa: B008
        *,
        tied: Sequence[Sequence[Sequence[int]]] = (),
        room: int = 256,
    ):
        values, self.edges = read_rates(rates, "rates")
        self.groups = groups_of(tied, self.edges)
        count = np.bincount(self.groups)
        self.values = jnp.zeros(len(count), values.dtype).at[np.asarray(self.groups)].add(values) / count
        self.initial, self.num_states, self.room = initial, int(np.shape(rates)[0]), room

    def generator(self) -> Float[Array, "n n"]:
        return fill(self.values[np.asarray(self.groups)], self.edges, self.num_states)


class Reversible(AbstractHomogeneous):
    r"""A chain in detailed balance: $\pi_i q_{ij} = c_{ij} = \pi_j q_{ji}$.

    **Arguments:**

    - `law`: the stationary law $\pi$, shape `(n,)`.
    - `flows`: the flows $c_{ij}$ of the edges, shape `(m,)`.
    - `edges`: pairs of states that are joined; all pairs `i < j`, row by row, if not given.
    - `initial`, `room`: as in `RateMatrix`.

    **Raises:** `ValueError` for shapes that do not fit or a pair that is not one.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import Reversible
        Reversible(jnp.array([0.5, 0.3, 0.2]), jnp.array([0.1, 0.2]), edges=[(0, 1), (1, 2)]).generator()
        ```
    """

    initial: AbstractStart = eqx.field()
    edges: Edges = eqx.field(static=True)
    num_states: int = eqx.field(static=True)
    room: int = eqx.field(static=True)
    law: Float[Array, " n"] = parameter(constraints.simplex)
    flows: Float[Array, " m"] = parameter(constraints.positive)

    def __init__(
        self,
        law: ArrayLike,
        flows: ArrayLike,
        edges: Sequence[Sequence[int]] | None = None,
        initial: AbstractStart = Stationary(),  # noqa: B008
        *,
        room: int = 256,
    ):
        self.law, self.flows = as_float(law), as_float(flows)
        n = self.num_states = self.law.shape[-1]
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n)] if edges is None else edges
        self.edges = edges_of(pairs, n)
        require(all((j, i) not in self.edges for i, j in self.edges), "edges", "must not repeat", edges, "one a pair")
        m = len(self.edges)
        require(self.flows.shape == (m,), "flows", f"must have shape ({m},)", self.flows, "pass one flow an edge")
        self.initial, self.room = initial, room

    def generator(self) -> Float[Array, "n n"]:
        i, j = np.asarray(self.edges).T
        values = jnp.concatenate([self.flows / self.law[i], self.flows / self.law[j]])
        return fill(values, (*self.edges, *((b, a) for a, b in self.edges)), self.num_states)


class BirthDeath(AbstractHomogeneous):
    r"""A chain on `0 .. n - 1` that moves by one: births $\lambda_k$ from `k` up, deaths $\mu_k$ from `k` down.

    **Arguments:**

    - `births`: $\lambda_0, \dots, \lambda_{n-2}$.
    - `deaths`: $\mu_1, \dots, \mu_{n-1}$.
    - `initial`, `room`: as in `RateMatrix`.

    **Raises:** `ValueError` if there are not as many deaths as births.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import BirthDeath, stationary
        stationary(BirthDeath(jnp.full(9, 1.0), jnp.arange(1.0, 10.0)))  # Poisson(1), cut at 9
        ```
    """

    initial: AbstractStart = eqx.field()
    room: int = eqx.field(static=True)
    births: Float[Array, " n-1"] = parameter(constraints.positive)
    deaths: Float[Array, " n-1"] = parameter(constraints.positive)

    def __init__(
        self,
        births: ArrayLike,
        deaths: ArrayLike,
        initial: AbstractStart = Stationary(),  # noqa: B008
        *,
        room: int = 256,
    ):
        self.births, self.deaths = as_float(births), as_float(deaths)
        fits = self.births.ndim == 1 and self.deaths.shape == self.births.shape and self.births.size > 0
        require(fits, "deaths", f"must have the shape of births, {self.births.shape}", self.deaths, "one a step")
        self.initial, self.room = initial, room

    @property
    def num_states(self) -> int:
        return self.births.shape[0] + 1

    def generator(self) -> Float[Array, "n n"]:
        off = jnp.diag(self.births, 1) + jnp.diag(self.deaths, -1)
        return off - jnp.diag(off.sum(1))
