"""Rates that depend on covariates."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import fault, require
from .._parameters import constraints, parameter
from .._types import Array, Key, RealScalar, Times, as_float
from ..math import transition_matrix
from ..paths import JumpPath
from ._abstract import AbstractRates, Moves, draw_homogeneous
from ._pattern import Edges, fill
from ._rates import RateMatrix
from ._start import AbstractStart, Conditional


__all__ = ["CovariateRates"]

Effects = Sequence[Sequence[Sequence[int]]]


class CovariateRates(AbstractRates):
    r"""Proportional rates, $q_{ij}(z) = q_{ij} \exp(\sum_c \beta_{ij}^{(c)} (z_c - \bar z_c))$.

    Covariates are held from each time of a panel to the next. Effects may be shared by transitions, left out, or forced
    to be opposite: `effects[name]` is a list of groups, and each group a list of transitions `(i, j)` with one effect
    between them; a transition in no group does not depend on that covariate. A transition `(i, j, -1)` has minus the
    effect of its group.

    **Arguments:**

    - `rates`: the rates at the centre of the covariates, shape `(n, n)`, as in `RateMatrix`.
    - `effects`: for each covariate, in the order of the record's, its groups; a mapping from names, for reading, or a
        sequence. `None` for a covariate gives every transition an effect of its own.
    - `centre`: the covariates $\bar z$ at which the rates are given; zero, if not given.
    - `values`: the effects to start from, in the order of the groups; zero, if not given.
    - `initial`, `tied`, `room`: as in `RateMatrix`; the start is conditional, if not given.

    **Raises:** `ValueError` for an unknown transition or shapes that do not fit.

    Source: Kalbfleisch and Lawless (1985), Journal of the American Statistical Association 80, section 5.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Panel
        from sdekit.jumps import CovariateRates

        model = CovariateRates([[0.0, 1.0], [2.0, 0.0]], {"dose": [[(0, 1)]]})
        panel = Panel(jnp.array([0.0, 1.0]), jnp.array([0, 1]), covariates=jnp.array([[0.5], [0.5]]))
        model.log_prob(panel)
        ```
    """

    initial: AbstractStart = eqx.field()
    edges: Edges = eqx.field(static=True)
    groups: tuple[int, ...] = eqx.field(static=True)
    terms: tuple[tuple[int, int, int, float], ...] = eqx.field(static=True)
    """What each term of a log-rate is: `(edge, covariate, effect, sign)`."""
    names: tuple[str, ...] = eqx.field(static=True)
    num_states: int = eqx.field(static=True)
    room: int = eqx.field(static=True)
    values: Float[Array, " m"] = parameter(constraints.positive)
    """The rates at the centre, one a group of tied transitions."""
    effects: Float[Array, " k"] = parameter(constraints.real)
    """The effects, one a group."""
    centre: Float[Array, " c"] = parameter(trainable=False)

    def __init__(
        self,
        rates: ArrayLike,
        effects: Mapping[str, Effects | None] | Sequence[Effects | None],
        *,
        centre: ArrayLike | None = None,
        values: ArrayLike | None = None,
        initial: AbstractStart = Conditional(),  # noqa: B008
        tied: Sequence[Sequence[Sequence[int]]] = (),
        room: int = 256,
    ):
        plain = RateMatrix(rates, initial, tied=tied, room=room)
        self.values, self.edges, self.groups = plain.values, plain.edges, plain.groups
        self.num_states, self.initial, self.room = plain.num_states, initial, room
        named = effects if isinstance(effects, Mapping) else {f"covariate {c}": e for c, e in enumerate(effects)}
        self.names = tuple(named)
        self.terms = _terms(named, self.edges)
        count = 1 + max((effect for _, _, effect, _ in self.terms), default=-1)
        dtype = self.values.dtype
        self.effects = jnp.zeros(count, dtype) if values is None else as_float(values)
        shape = self.effects.shape
        require(shape == (count,), "values", f"must have shape ({count},)", self.effects, "pass one a group")
        self.centre = jnp.zeros(len(named), dtype) if centre is None else as_float(centre)
        shape = self.centre.shape
        require(shape == (len(named),), "centre", f"must have shape ({len(named)},)", self.centre, "one a covariate")

    def generator(self, covariates: Float[Array, " c"] | None = None) -> Float[Array, "n n"]:
        """The generator at given covariates; at their centre, if not given."""
        base = self.values[np.asarray(self.groups)]
        if covariates is None or not self.terms:
            return fill(base, self.edges, self.num_states)
        edge, covariate, effect, sign = (np.asarray(column) for column in zip(*self.terms, strict=True))
        gap = covariates.astype(base.dtype) - self.centre
        terms = jnp.asarray(sign, base.dtype) * self.effects[effect] * gap[covariate]
        return fill(base * jnp.exp(jnp.zeros_like(base).at[edge].add(terms)), self.edges, self.num_states)

    def rates(self, t: RealScalar) -> Float[Array, "n n"]:
        return self.generator()

    def start(self, t: RealScalar, covariates: Float[Array, " c"] | None = None) -> Float[Array, "n n"]:
        return self.generator(covariates)

    def moves(self, ts: Times, covariates: Float[Array, "t c"] | None = None) -> Moves:
        c = len(self.names)
        if covariates is None:
            raise ValueError(fault("record.covariates", f"must hold {c} covariates", None, "pass covariates="))
        require(covariates.shape[-1] == c, "record.covariates", f"must hold {c} columns", covariates, "one a covariate")
        Q = jax.vmap(self.generator)(covariates[:-1])
        gaps = jnp.diff(ts)
        stays = gaps[:, None] * jnp.diagonal(Q, axis1=1, axis2=2)
        return Moves(jax.vmap(transition_matrix)(Q, gaps), Q, stays)

    def at(self, covariates: ArrayLike) -> RateMatrix:
        """The chain of a subject with given covariates.

        **Arguments:**

        - `covariates`: shape `(c,)`.

        **Returns:** a `RateMatrix`, for drawing, passage times and so on.
        """
        return RateMatrix(self.generator(as_float(covariates)), self.initial, room=self.room)

    def draw(self, ts: Times, *, key: Key) -> JumpPath:
        return draw_homogeneous(self, self.generator(), ts, key=key)


def _terms(named: Mapping[str, Effects | None], edges: Edges) -> tuple[tuple[int, int, int, float], ...]:
    terms, effect = [], 0
    for c, (name, groups) in enumerate(named.items()):
        for members in [[edge] for edge in edges] if groups is None else groups:
            for i, j, *sign in members:
                where = f"effects[{name!r}]"
                require((i, j) in edges, where, "names a transition that is not there", (i, j), "see edges")
                terms.append((edges.index((i, j)), c, effect, float(sign[0]) if sign else 1.0))
            effect += 1
    return tuple(terms)
