"""Linear Hawkes processes as branching processes: generation by generation, in NumPy, a million events at a time."""

import jax
import numpy as np

from .._errors import require
from .._types import Key
from ..paths import EventPath, Provenance
from ._hawkes import AbstractLinearHawkes


__all__ = ["cluster_sizes", "simulate_clusters"]

_MOST = 2**28


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
    counts = rng.poisson(np.asarray(process.base, np.float64) * length)
    # A generation is one array of times a kind.
    generation = [rng.random(n) * length for n in counts]
    times = [[g] for g in generation]
    while sum(map(len, generation)):
        children: list[list[np.ndarray]] = [[] for _ in range(k)]
        sizes = np.array([len(g) for g in generation])
        for i, j in zip(*np.nonzero(branching * sizes[None]), strict=True):
            n = rng.poisson(branching[i, j] * sizes[j])
            if n:
                at = process.delays(np.broadcast_to(i, n), np.broadcast_to(j, n), rng)
                at += generation[j][(rng.random(n, np.float32) * sizes[j]).astype(np.int64) if sizes[j] < 2**20
                                    else rng.integers(sizes[j], size=n)]  # fmt: skip
                children[i].append(at[at < length])
        generation = [np.concatenate(c) if c else np.zeros(0) for c in children]
        for i, g in enumerate(generation):
            times[i].append(g)
    return _path(process, times, float(t0), float(t1))


def _path(process, times, t0, t1):
    k = process.dim
    each = [np.concatenate(t) for t in times]
    together = np.concatenate(each)
    made, dtype = Provenance("clusters"), process.base.dtype
    if k == 1:
        together.sort()
        return EventPath((t0 + together).astype(dtype), t0=t0, t1=t1, made=made)
    order = np.argsort(together)
    kinds = np.repeat(np.arange(k), [len(e) for e in each])[order]
    return EventPath((t0 + together[order]).astype(dtype), kinds, t0=t0, t1=t1, num_marks=k, made=made)


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
