"""Which transitions there are, and which of them share a rate."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import fault, require
from .._types import Array, as_float, is_concrete


__all__ = ["Edges", "edges_of", "fill", "groups_of", "read_rates"]

Edges = tuple[tuple[int, int], ...]


def read_rates(matrix: object, argument: str) -> tuple[Array, Edges]:
    """The positive off-diagonal entries of a matrix of rates, and where they stand. The diagonal may be left 0."""
    rates = as_float(jnp.asarray(matrix))
    fits = rates.ndim == 2 and rates.shape[0] == rates.shape[1] and rates.shape[0] > 1
    require(fits, argument, "must have shape (n, n) with n > 1", rates, "pass one row a state")
    require(is_concrete(rates), argument, "must be known when the model is built", rates, "build it outside of jit")
    values = np.asarray(rates)
    n = len(values)
    for i, j in np.argwhere(~np.isfinite(values)):
        raise ValueError(fault(f"{argument}[{i}, {j}]", "must be finite", values[i, j], "replace it by a rate"))
    for i, j in np.argwhere((values < 0) & ~np.eye(n, dtype=bool)):
        problem = "is a rate and must not be negative"
        raise ValueError(fault(f"{argument}[{i}, {j}]", problem, values[i, j], "pass 0 where there is no transition"))
    diagonal = np.diag(values)
    outs = values.sum(1) - diagonal
    for i in np.flatnonzero((diagonal != 0) & (np.abs(diagonal + outs) > 1e-4 * np.maximum(outs, 1e-30))):
        problem = f"must be minus the sum of the rates of its row, {-outs[i]:g}"
        raise ValueError(fault(f"{argument}[{i}, {i}]", problem, diagonal[i], "leave the diagonal 0 to have it filled"))
    where = [(int(i), int(j)) for i, j in np.argwhere((values > 0) & ~np.eye(n, dtype=bool))]
    require(bool(where), argument, "must have a transition", values, "pass a rate above 0")
    return rates[tuple(np.asarray(where).T)], tuple(where)


def edges_of(edges: Sequence[Sequence[int]], n: int, argument: str = "edges") -> Edges:
    found = tuple((int(i), int(j)) for i, j in edges)
    for k, (i, j) in enumerate(found):
        fits = 0 <= i < n and 0 <= j < n and i != j
        require(fits, f"{argument}[{k}]", f"must join two different states of 0..{n - 1}", (i, j), "count from 0")
    require(len(set(found)) == len(found), argument, "must not repeat", found, "name each transition once")
    return found


def groups_of(tied: Sequence[Sequence[Sequence[int]]], edges: Edges) -> tuple[int, ...]:
    """For each edge the number of its rate: edges that are tied share one."""
    group = list(range(len(edges)))
    for k, members in enumerate(tied):
        places = []
        for i, j in members:
            require((i, j) in edges, f"tied[{k}]", "names a transition that is not there", (i, j), "see edges")
            places.append(edges.index((int(i), int(j))))
        for p in places:
            group[p] = min(group[q] for q in places)
    names = sorted(set(group))
    return tuple(names.index(g) for g in group)


def fill(values: Float[Array, " m"], edges: Edges, n: int) -> Float[Array, "n n"]:
    """The generator with given rates on given edges."""
    rows, columns = np.asarray(edges).T
    off = jnp.zeros((n, n), values.dtype).at[rows, columns].set(values)
    return off - jnp.diag(off.sum(1))
