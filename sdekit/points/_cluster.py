"""Linear Hawkes processes as branching processes: generation by generation, in NumPy, a million events at a time."""

import jax
import numpy as np

from .._errors import require
from .._types import Key
from ..paths import EventPath, Provenance
from ._hawkes import AbstractLinearHawkes


__all__ = ["cluster_sizes", "simulate_clusters"]


def _generator(key: Key) -> np.random.Generator:
    """A NumPy generator that is a function of the key alone."""
    words = np.asarray(jax.random.key_data(key), np.uint32).ravel()
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([int(w) for w in words])))


def simulate_clusters(process: AbstractLinearHawkes, t0: float, t1: float, *, key: Key) -> EventPath:
    r"""Draw one path of a linear Hawkes process from its clusters: exact, and the fastest way to very many events.

    Immigrants come first; then each generation is drawn whole from the one before: of `n` parents of kind `j` the
    children of kind `i` number $\text{Poisson}(n \Phi_{ij})$, and each picks its parent at random. On the host, in
    NumPy: not for `jit` or `vmap`. Work and memory are in proportion to the number of events.

    **Arguments:**

    - `process`: a stable linear Hawkes process.
    - `t0`, `t1`: the window; nothing happened before it.
    - `key`: a JAX key.

    **Returns:** an `EventPath` of just the length that is needed.

    **Raises:** `ValueError` for an empty window, or a process that explodes.

    Source: Hawkes and Oakes (1974), A cluster process representation of a self-exciting process.

    !!! example

        ```python
        import jax
        from sdekit.points import ExponentialHawkes, simulate_clusters
        simulate_clusters(ExponentialHawkes(0.5, 0.6, 1.5), 0.0, 100.0, key=jax.random.key(0))
        ```
    """
    require(t0 < t1, "t1", "must be later than t0", t1, "pass a real window")
    radius = process.spectral_radius()
    problem, remedy = "must have a branching matrix of spectral radius below 1", "lower the branching, or use simulate"
    require(radius < 1, "process", problem, radius, remedy)
    rng, k, length = _generator(key), process.dim, float(t1) - float(t0)
    branching = np.asarray(process.branching_matrix(), np.float64)
    sizes = rng.poisson(np.asarray(process.base, np.float64) * length)
    # One flat array a generation, its kinds in turn; `sizes` says how many there are of each.
    at = rng.random(sizes.sum()) * length
    times, kinds = [at], [np.repeat(np.arange(k), sizes)]
    pairs = np.nonzero(branching)
    while len(at):
        n = rng.poisson(branching[pairs] * sizes[pairs[1]])
        child, parent = np.repeat(pairs[0], n), np.repeat(pairs[1], n)
        first = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        # Rounding may not lead out of the kind: the largest draw below 1 times a size stays below the size.
        pick = np.repeat(first[pairs[1]], n) + (rng.random(len(child)) * np.repeat(sizes[pairs[1]], n)).astype(np.int64)
        at = at[pick] + process.delays(child, parent, rng)
        inside = at < length
        at, child = at[inside], child[inside]
        # Pairs come in the order of the children's kind, so that a generation is sorted by kind already.
        sizes = np.bincount(child, minlength=k)
        times.append(at)
        kinds.append(child)
    return _path(process, np.concatenate(times), np.concatenate(kinds), float(t0), float(t1))


def _path(process, times, kinds, t0, t1):
    made, dtype = Provenance("clusters"), process.base.dtype
    if process.dim == 1:
        times.sort()
        return EventPath((t0 + times).astype(dtype), t0=t0, t1=t1, made=made)
    order = _order(times, t1 - t0)
    times, kinds = (t0 + times[order]).astype(dtype), kinds[order]
    return EventPath(times, kinds, t0=t0, t1=t1, num_marks=process.dim, made=made)


def _order(times: np.ndarray, length: float) -> np.ndarray:
    """As `np.argsort`, for times spread over `[0, length)`: twice by 16 bits, which is linear, then the few left."""
    if len(times) < 1e4:
        return np.argsort(times)
    cells = (times * ((2**32 - 1) / length)).astype(np.uint32)
    order = np.argsort((cells & 0xFFFF).astype(np.uint16), kind="stable")
    order = order[np.argsort((cells >> 16).astype(np.uint16)[order], kind="stable")]
    for _ in range(8):
        (late,) = np.nonzero(np.diff(times[order]) < 0)
        if len(late) == 0:
            return order
        late = late[np.diff(late, prepend=-2) > 1]  # pairs that do not overlap
        order[late], order[late + 1] = order[late + 1], order[late]
    return np.argsort(times)


def cluster_sizes(process: AbstractLinearHawkes, n: int, *, kind: int = 0, key: Key) -> np.ndarray:
    r"""Draw the sizes of `n` whole clusters: one immigrant of a kind and all who descend from it.

    With one kind of branching ratio `r` they follow the law of Borel, $P(s) = e^{-rs} (rs)^{s-1} / s!$.

    **Arguments:**

    - `process`: a stable linear Hawkes process.
    - `n`: how many clusters.
    - `kind`: the kind of the immigrants.
    - `key`: a JAX key.

    **Returns:** integers, shape `(n,)`, in NumPy.

    **Raises:** `ValueError` for a process that explodes, or an unknown kind.

    !!! example

        ```python
        import jax
        from sdekit.points import ExponentialHawkes, cluster_sizes
        cluster_sizes(ExponentialHawkes(0.5, 0.6, 1.5), 1000, key=jax.random.key(0)).mean()  # about 2.5
        ```
    """
    radius = process.spectral_radius()
    require(radius < 1, "process", "must have a spectral radius below 1", radius, "lower the branching")
    require(0 <= kind < process.dim, "kind", f"must be a kind below {process.dim}", kind, "count kinds from 0")
    rng, branching = _generator(key), np.asarray(process.branching_matrix(), np.float64)
    alive = np.zeros((n, process.dim), np.int64)
    alive[:, kind] = 1
    total = alive.sum(axis=1)
    while alive.any():
        alive = rng.poisson(alive @ branching.T)
        total += alive.sum(axis=1)
    return total
