"""A vector field as a formula that can be read: sparse regression on a library of terms."""

import abc
import itertools
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from .._types import RealScalar, State, as_float


__all__ = ["AbstractLibrary", "Formula", "Joined", "Polynomials", "Terms", "symbolic"]


class AbstractLibrary(eqx.Module):
    """A list of functions of a state that may stand in a formula.

    !!! example

        ```python
        from sdekit.neural import AbstractLibrary, Polynomials
        isinstance(Polynomials(2), AbstractLibrary)  # True
        ```
    """

    @abc.abstractmethod
    def names(self, variables: Sequence[str]) -> tuple[str, ...]:
        """What each term is called, in the names of the variables."""

    @abc.abstractmethod
    def __call__(self, x: State) -> Float[Array, " p"]:
        """The value of each term at a state."""


class Polynomials(AbstractLibrary):
    """All monomials up to a degree, the constant first.

    **Arguments:**

    - `degree`: the highest degree, 0 or more.

    **Raises:** `ValueError` for a negative degree.

    !!! example

        ```python
        from sdekit.neural import Polynomials
        Polynomials(2).names(("x", "y"))  # ('1', 'x', 'y', 'x^2', 'x y', 'y^2')
        ```
    """

    degree: int = eqx.field(static=True)

    def __check_init__(self):
        require(self.degree >= 0, "Polynomials.degree", "must not be negative", self.degree, "pass e.g. 2")

    def _powers(self, d: int) -> list[tuple[int, ...]]:
        every = range(self.degree + 1)
        return [c for k in every for c in itertools.combinations_with_replacement(range(d), k)]

    def names(self, variables: Sequence[str]) -> tuple[str, ...]:
        def one(factors):
            powers = {i: factors.count(i) for i in factors}
            return " ".join(f"{variables[i]}^{k}" if k > 1 else f"{variables[i]}" for i, k in powers.items()) or "1"

        return tuple(one(factors) for factors in self._powers(len(variables)))

    def __call__(self, x: State) -> Float[Array, " p"]:
        return jnp.stack([jnp.prod(x[np.asarray(c, int)]) for c in self._powers(x.shape[0])])


class Terms(AbstractLibrary):
    """Terms of a user's own.

    **Arguments:**

    - `pairs`: names and functions of a state; `{0}` in a name stands for the first variable.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.neural import Joined, Polynomials, Terms
        own = Terms((("sin({0})", lambda x: jnp.sin(x[0])),))
        Joined(Polynomials(1), own).names(("x", "v"))  # ('1', 'x', 'v', 'sin(x)')
        ```
    """

    pairs: tuple[tuple[str, Callable[[State], Float[Array, ""]]], ...] = eqx.field(static=True)

    def names(self, variables: Sequence[str]) -> tuple[str, ...]:
        return tuple(name.format(*variables) for name, _ in self.pairs)

    def __call__(self, x: State) -> Float[Array, " p"]:
        return jnp.stack([jnp.asarray(term(x), x.dtype) for _, term in self.pairs])


class Joined(AbstractLibrary):
    """The terms of two libraries.

    **Arguments:**

    - `first`, `second`: the libraries.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.neural import Joined, Polynomials, Terms
        own = Terms((("sin({0})", lambda x: jnp.sin(x[0])),))
        Joined(Polynomials(1), own)(jnp.zeros(1))  # [1., 0., 0.]
        ```
    """

    first: AbstractLibrary
    second: AbstractLibrary

    def names(self, variables: Sequence[str]) -> tuple[str, ...]:
        return (*self.first.names(variables), *self.second.names(variables))

    def __call__(self, x: State) -> Float[Array, " p"]:
        return jnp.concatenate([self.first(x), self.second(x)])


class Formula(eqx.Module):
    r"""A vector field $f(x) = \sum_j c_j\,\theta_j(x)$ with few terms, which reads as text.

    It is called as a drift is, `formula(t, x)`, and so makes a `Diffusion` or a `NeuralODE` of its own: to simulate it,
    to fit its coefficients to data without the network in between, or to ask for their standard errors.

    **Arguments:**

    - `library`: the terms $\theta$.
    - `places`: where there is a term: pairs of its number in the library and the component it stands in.
    - `values`: its coefficients, one for each place, shape `(k,)`. A fit moves them.
    - `variables`: the names of the components of a state.

    **Raises:** `ValueError` for places that are not there, or another number of values.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.neural import Formula, Polynomials
        decay = Formula(Polynomials(1), ((1, 0),), jnp.array([-2.0]), ("x",))
        str(decay)  # "x' = -2 x"
        decay(0.0, jnp.ones(1))  # [-2.]
        ```

    Source: Brunton, Proctor and Kutz (2016), Discovering governing equations from data, eq. (2).
    """

    library: AbstractLibrary
    places: tuple[tuple[int, int], ...] = eqx.field(static=True)
    values: Float[Array, " k"] = eqx.field(converter=as_float)
    variables: tuple[str, ...] = eqx.field(static=True)

    def __check_init__(self):
        p, d = len(self.library.names(self.variables)), self.dim
        ok = all(0 <= j < p and 0 <= i < d for j, i in self.places) and len(set(self.places)) == len(self.places)
        require(ok, "Formula.places", f"must be pairs below ({p}, {d}), each once", self.places, "see `library.names`")
        count = (len(self.places),)
        require(self.values.shape == count, "Formula.values", f"must have shape {count}", self.values, "one a place")

    @property
    def dim(self) -> int:
        """The number of components."""
        return len(self.variables)

    @property
    def coefficients(self) -> Float[Array, "p d"]:
        """The coefficient of each term of the library in each component, 0 where there is none."""
        dense = jnp.zeros((len(self.library.names(self.variables)), self.dim), self.values.dtype)
        rows, columns = np.asarray(self.places, int).reshape(-1, 2).T
        return dense.at[rows, columns].set(self.values)

    @property
    def terms(self) -> tuple[tuple[str, ...], ...]:
        """The names of the terms of each component."""
        names = self.library.names(self.variables)
        return tuple(tuple(names[j] for j, i in sorted(self.places) if i == k) for k in range(self.dim))

    def __call__(self, t: RealScalar, x: State) -> Float[Array, " d"]:
        return self.library(x) @ self.coefficients.astype(x.dtype)

    def __str__(self) -> str:
        names, values = self.library.names(self.variables), np.asarray(self.coefficients)
        lines = []
        for k, variable in enumerate(self.variables):
            parts = [(values[j, k], names[j]) for j, i in sorted(self.places) if i == k]
            text = "".join(
                f" {'-' if c < 0 else '+'} {abs(c):.3g}{'' if name == '1' else ' ' + name}" for c, name in parts
            )
            text = text.removeprefix(" + ") if text.startswith(" + ") else text.replace(" - ", "-", 1)
            lines.append(f"{variable}' = {text or '0'}")
        return "\n".join(lines)


def symbolic(
    field: Callable[[RealScalar, State], State],
    xs: ArrayLike,
    *,
    library: AbstractLibrary | None = None,
    threshold: float = 0.1,
    variables: Sequence[str] | None = None,
    t: float = 0.0,
) -> Formula:
    r"""The sparse formula nearest to a vector field on given states, by stepwise regression.

    For each component: fit all terms by least squares; then drop one term after the other, each time the one without
    which the rest fits best, for as long as the root mean square of what dropping has cost stays below `threshold`
    times that of the component. Terms that nearly stand for each other on the states, as on one orbit, are told apart
    by what they add: cutting small coefficients at once, as sequential thresholding does, keeps such terms in pairs
    that cancel. In float64, whatever the dtype of the field.

    **Arguments:**

    - `field`: called as `field(t, x)` with shapes `()` and `(d,)`: a learned network, a drift, a formula.
    - `xs`: the states at which to look, `(n, d)`: those of the data, where a learned field means something.
    - `library`: the terms; `Polynomials(2)` if not given.
    - `threshold`: how far from the field a simpler formula may be, as a share of its size, in (0, 1). A field learned
        from noisy data wants 0.1 or so; one that is known, less.
    - `variables`: the names of the components; `x0`, `x1`, ... if not given.
    - `t`: the time at which to look at the field.

    **Returns:** a `Formula`.

    **Raises:** `ValueError` for states that are too few, or lie so that they cannot tell the terms apart; for values
    that are not finite.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.neural import symbolic
        xs = jax.random.normal(jax.random.key(0), (100, 2))
        formula = symbolic(lambda t, x: jnp.stack([x[1], -x[0] + x[0] * x[1]]), xs, variables=("x", "v"))
        print(formula)  # x' = 1 v and v' = -1 x + 1 x v
        ```

    Source: Brunton, Proctor and Kutz (2016), Discovering governing equations from data by sparse identification of
    nonlinear dynamical systems; Boninsegna, Nuske and Clementi (2018), Sparse learning of stochastic dynamical
    equations, for the steps.
    """
    points = jnp.asarray(xs)
    ok = points.ndim == 2 and points.shape[0] > 0
    require(ok, "xs", "must have shape (n, d)", points, "pass a row for each state, e.g. path.xs.reshape(-1, d)")
    require(0 < threshold < 1, "threshold", "must lie in (0, 1)", threshold, "pass e.g. 0.1")
    library = Polynomials(2) if library is None else library
    named = tuple(f"x{i}" for i in range(points.shape[1])) if variables is None else tuple(variables)
    fits = len(named) == points.shape[1]
    require(fits, "variables", f"must name {points.shape[1]} components", named, "pass a name for each")
    values, columns = _look(field, library, jnp.asarray(t, points.dtype), points)
    targets, columns = np.asarray(values, np.float64), np.asarray(columns, np.float64)
    require(bool(np.isfinite(targets).all()), "field", "must be finite at all states", targets, "choose other states")
    require(bool(np.isfinite(columns).all()), "library", "must be finite at all states", columns, "choose other terms")
    sizes = np.sqrt((columns**2).mean(0))
    scaled = columns / np.where(sizes > 0, sizes, 1)[None]
    rank = np.linalg.matrix_rank(scaled)
    remedy = "pass more states, from more of the space, or fewer terms"
    require(rank == columns.shape[1], "xs", f"tell only {rank} of {columns.shape[1]} terms apart", points, remedy)
    found = np.stack([stepwise(scaled, y, threshold) for y in targets.T], axis=1)
    places = tuple((int(j), int(i)) for j, i in np.argwhere(found))
    values = [found[j, i] / sizes[j] for j, i in places]
    return Formula(library, places, jnp.asarray(values, jnp.result_type(float)), named)  # pyright: ignore[reportCallIssue]


@eqx.filter_jit
def _look(field, library, t, points):
    return jax.vmap(lambda x: (field(t, x), library(x)))(points)


def stepwise(columns: np.ndarray, target: np.ndarray, threshold: float) -> np.ndarray:
    """Least squares on as few columns as fit nearly as well as all.

    Without column `j` the sum of squared residuals grows by `c_j^2 / (G^-1)_jj`, `G` the Gram matrix.

    **Arguments:**

    - `columns`: shape `(n, p)`, of full rank.
    - `target`: shape `(n,)`.
    - `threshold`: what dropping may cost, relative to the root mean square of `target`.

    **Returns:** coefficients of shape `(p,)`, 0 where a column is dropped.
    """
    found, active = np.zeros(columns.shape[1]), np.arange(columns.shape[1])
    left = threshold**2 * (target**2).sum()
    while active.size:
        part = columns[:, active]
        fitted = np.linalg.lstsq(part, target, rcond=None)[0]
        inverse = np.linalg.pinv(np.linalg.qr(part, mode="r"))
        costs = fitted**2 / (inverse**2).sum(1)
        if costs.min() > left:
            found[active] = fitted
            break
        left -= costs.min()
        active = np.delete(active, costs.argmin())
    return found
