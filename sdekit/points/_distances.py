"""Distances between sequences of events, for forecasts far ahead."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from ..data import Events
from ..paths import EventPath


__all__ = ["optimal_transport_distance", "t_map"]


def _kinds(x):
    return jnp.zeros(x.ts.shape, int) if x.marks is None else x.marks


@eqx.filter_jit
def optimal_transport_distance(
    a: Events | EventPath, b: Events | EventPath, cost: float | Float[ArrayLike, ""]
) -> Float[Array, "*n"]:
    r"""The cheapest way from one sequence to the other: move an event for $|\Delta t|$, delete or insert it for `cost`.

    Only events of one kind are moved onto one another. By dynamic programming, a kind at a time.

    **Arguments:**

    - `a`, `b`: sequences, or stacks of as many.
    - `cost`: of a deletion or an insertion, in the unit of time.

    **Returns:** one distance a sequence.

    **Raises:** `ValueError` for stacks of different sizes.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import optimal_transport_distance
        a, b = Events(jnp.array([0.5, 1.2]), t1=2.0), Events(jnp.array([0.6]), t1=2.0)
        optimal_transport_distance(a, b, 1.0)  # 0.1 + 1
        ```

    Source: Mei, Qin and Eisner (2019), Imputing missing events in continuous-time event streams, section 4.
    """
    require(a.ts.shape[:-1] == b.ts.shape[:-1], "b", f"must hold {a.ts.shape[:-1]} sequences", b.ts, "pair them up")
    kinds = max(a.num_marks or 1, b.num_marks or 1)

    def one(ts, ks, here, us, ls, there):
        def of_kind(k):
            mine, theirs = here & (ks == k), there & (ls == k)
            inserts = jnp.concatenate([jnp.zeros(1, ts.dtype), jnp.cumsum(jnp.where(theirs, cost, 0.0))])

            def row(d, event):
                t, counts = event
                matched = jnp.where(theirs, d[:-1] + jnp.abs(t - us), jnp.inf)
                best = jnp.minimum(d + cost, jnp.concatenate([jnp.full(1, jnp.inf, d.dtype), matched]))
                # Insertions go along the row: a running minimum, once their cost is taken off.
                new = jax.lax.cummin(best - inserts) + inserts
                return jnp.where(counts, new, d), None

            return jax.lax.scan(row, inserts, (ts, mine))[0][-1]

        return jax.vmap(of_kind)(jnp.arange(kinds)).sum()

    arguments = a.ts, _kinds(a), a.mask, b.ts, _kinds(b), b.mask
    return one(*arguments) if a.ts.ndim == 1 else jax.vmap(one)(*arguments)


def t_map(
    truth: Events, times: Float[ArrayLike, "n m"], probabilities: Float[ArrayLike, "n m k"], delta: float
) -> float:
    r"""T-mAP: the average precision of predicted events, matched to true ones of their kind within `delta`.

    For each kind, each prediction stands with its probability of that kind; within a sequence, matches are chosen to
    have the largest sum of probabilities. Precision and recall are pooled over sequences, and averaged over kinds that
    occur.

    **Arguments:**

    - `truth`: the true events, a stack of `n`.
    - `times`: predicted times, shape `(n, m)`.
    - `probabilities`: of each kind, shape `(n, m, k)`.
    - `delta`: how far apart in time a match may be.

    **Returns:** a number in [0, 1].

    **Raises:** `ValueError` for shapes that do not fit.

    !!! example

        ```python
        import numpy as np
        from sdekit.data import Events
        from sdekit.points import t_map
        truth = Events.from_list([[0.5, 1.2]], [[0, 1]], t1=2.0)
        t_map(truth, np.array([[0.6, 1.9]]), np.array([[[0.9, 0.1], [0.2, 0.8]]]), delta=0.2)  # 0.5
        ```

    Source: Karpukhin, Shipilov and Savchenko (2024), HoTPP benchmark: are we good at the long horizon events
    forecasting?
    """
    stacked = truth.stack()
    times, probabilities = np.asarray(times, np.float64), np.asarray(probabilities, np.float64)
    n = stacked.ts.shape[0]
    ok = times.ndim == 2 and times.shape[0] == n and probabilities.shape[:2] == times.shape
    require(ok, "times", f"must have shape ({n}, m), and probabilities a further axis", times, "a row a sequence")
    ts, here, kinds = np.asarray(stacked.ts), np.asarray(stacked.mask), np.asarray(_kinds(stacked))
    scores = []
    for k in range(probabilities.shape[-1]):
        total = int((here & (kinds == k)).sum())
        if total == 0:
            continue
        hits = np.zeros(times.shape, bool)
        for i in range(n):
            own = ts[i][here[i] & (kinds[i] == k)]
            near = np.abs(times[i][:, None] - own[None]) <= delta
            rows, columns = scipy.optimize.linear_sum_assignment(
                np.where(near, -1 - probabilities[i, :, k][:, None], 0.0)
            )
            hits[i, rows] = near[rows, columns]
        order = np.argsort(-probabilities[..., k].ravel(), kind="stable")
        hit = hits.ravel()[order]
        precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
        # Interpolated: the best precision at this recall or beyond.
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        scores.append(float(precision[hit].sum() / total))
    return float(np.mean(scores)) if scores else 0.0
