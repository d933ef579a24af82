"""Who excites whom: branching matrices, full, of low rank or sparse."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from .._errors import require
from .._parameters import AbstractParametric, constraints, parameter
from .._types import as_float


__all__ = ["AbstractExcitation", "DenseExcitation", "LowRankExcitation", "SparseExcitation"]


class AbstractExcitation(AbstractParametric):
    r"""A branching matrix $\Phi$: $\Phi_{ij}$ events of kind `i` follow directly from one of kind `j`, on average.

    !!! example

        ```python
        from sdekit.points import AbstractExcitation, LowRankExcitation
        isinstance(LowRankExcitation([[0.5], [0.1]], [[0.2], [0.3]]), AbstractExcitation)  # True
        ```
    """

    @abc.abstractmethod
    def matrix(self) -> Float[Array, "k k"]:
        """The branching matrix."""

    @abc.abstractmethod
    def apply(self, x: Float[Array, " k"]) -> Float[Array, " k"]:
        """The branching matrix times a vector."""


class DenseExcitation(AbstractExcitation):
    """A full matrix.

    **Arguments:**

    - `values`: shape `(k, k)`, or a number.

    **Raises:** `ValueError` for a matrix that is not square, or negative entries.

    !!! example

        ```python
        from sdekit.points import DenseExcitation
        DenseExcitation(0.5).matrix()  # [[0.5]]
        ```
    """

    values: Float[Array, "k k"] = parameter(
        constraints.nonnegative,
        converter=lambda x: jnp.reshape(as_float(x), (1, 1)) if np.ndim(x) == 0 else as_float(x),
    )

    def __check_init__(self):
        shape = np.shape(self.values)
        ok = len(shape) == 2 and shape[0] == shape[1]
        require(ok, "branching", "must be square, a row for each kind that is excited", self.values, "pass (k, k)")

    def matrix(self):
        return self.values

    def apply(self, x):
        return self.values @ x


class LowRankExcitation(AbstractExcitation):
    r"""$\Phi = L R^\top$: kinds excite one another through a few factors.

    **Arguments:**

    - `left`: how a factor excites each kind, shape `(k, r)`.
    - `right`: how each kind feeds a factor, shape `(k, r)`.

    **Raises:** `ValueError` for shapes that do not fit, or negative entries.

    !!! example

        ```python
        from sdekit.points import LowRankExcitation
        LowRankExcitation([[0.5], [0.1]], [[0.2], [0.3]]).matrix()
        ```
    """

    left: Float[Array, "k r"] = parameter(constraints.nonnegative)
    right: Float[Array, "k r"] = parameter(constraints.nonnegative)

    def __check_init__(self):
        ok = np.ndim(self.left) == 2 and np.shape(self.left) == np.shape(self.right)
        require(ok, "right", "must have the shape of left, (k, r)", self.right, "pass two matrices of one shape")

    def matrix(self):
        return self.left @ self.right.T

    def apply(self, x):
        return self.left @ (self.right.T @ x)


class SparseExcitation(AbstractExcitation):
    """A matrix that is 0 but for known entries.

    **Arguments:**

    - `values`: the entries, shape `(n,)`.
    - `rows`, `columns`: where they stand: kind excited, kind exciting.
    - `kinds`: the size of the matrix.

    **Raises:** `ValueError` for indices that do not fit, or negative entries.

    !!! example

        ```python
        from sdekit.points import SparseExcitation
        SparseExcitation([0.5, 0.1], rows=[0, 1], columns=[0, 0], kinds=2).matrix()
        ```
    """

    values: Float[Array, " n"] = parameter(constraints.nonnegative)
    rows: Int[Array, " n"]
    columns: Int[Array, " n"]
    kinds: int = eqx.field(static=True)

    def __init__(self, values: ArrayLike, rows: ArrayLike, columns: ArrayLike, kinds: int):
        self.values, self.kinds = as_float(values), kinds
        where = np.asarray(rows, int), np.asarray(columns, int)
        fits = all(w.shape == self.values.shape for w in where)
        require(fits, "rows, columns", f"must have shape {self.values.shape}", where[0].shape, "pass one an entry")
        inside = all(((w >= 0) & (w < kinds)).all() for w in where)
        require(inside, "rows, columns", f"must be kinds below {kinds}", where, "count kinds from 0")
        self.rows, self.columns = (jnp.asarray(w) for w in where)

    def matrix(self):
        return jnp.zeros((self.kinds, self.kinds), self.values.dtype).at[self.rows, self.columns].add(self.values)

    def apply(self, x):
        return jnp.zeros(self.kinds, x.dtype).at[self.rows].add(self.values * x[self.columns])


def as_excitation(x) -> AbstractExcitation:
    """A branching matrix as an object."""
    return x if isinstance(x, AbstractExcitation) or not _is_numeric(x) else DenseExcitation(x)


def _is_numeric(x) -> bool:
    return isinstance(x, int | float | list | tuple | np.ndarray | jax.Array)
