"""Where a mixture potential starts: clusters of the ends, each with the affine map that its pairs suggest."""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax

from ..transport import assignment


__all__ = ["mixture_start"]

_PAIRS, _POINTS = 1000, 10_000


def _clusters(z: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Labels by Lloyd's algorithm from k-means++ seeds, in the directions of most variance.

    In all of many directions two points of one cluster are as far apart as any, and seeds miss clusters.
    """
    z = z - z.mean(0)
    if z.shape[1] > count:
        z = z @ np.linalg.eigh(z.T @ z)[1][:, -count:]
    centres = z[rng.integers(len(z))][None]
    for _ in range(count - 1):
        nearest = cdist(z, centres, "sqeuclidean").min(1)
        total = nearest.sum()
        p = nearest / total if total > 0 else None
        centres = np.concatenate([centres, z[rng.choice(len(z), p=p)][None]])
    labels = np.zeros(len(z), int)
    for _ in range(20):
        labels = cdist(z, centres, "sqeuclidean").argmin(1)
        centres = np.stack([z[labels == k].mean(0) if (labels == k).any() else centres[k] for k in range(count)])
    return labels


def mixture_start(
    y: Float[np.ndarray, "n d"], z: Float[np.ndarray, "m d"], count: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, centres and spreads from starts `y` and ends `z`, both in coordinates where the reference adds N(0, 1).

    Ends fall into clusters, and a thousand of them are paired with starts by the best assignment. An end of a component
    is `N(r + s y, s)` given its start `y`, so that the variance in a cluster is `s + s^2 Var y`: one positive root.
    (Slopes on the partners would be too flat: the best partner is far where there are many dimensions.) The logits are
    then those that give each cluster its share, a convex problem.
    """
    rng = np.random.default_rng(seed)
    y, z = y[rng.permutation(len(y))[:_POINTS]], z[rng.permutation(len(z))[:_POINTS]]
    labels = _clusters(z, count, rng)
    share = np.maximum(np.bincount(labels, minlength=count), 0.5) / len(z)
    n = min(_PAIRS, len(y), len(z))
    y = y[:n]
    mate = assignment(cdist(y, z[:n], "sqeuclidean"))
    centres, spreads = [], []
    for k in range(count):
        inside, paired = labels == k, labels[mate] == k
        inside = inside if inside.sum() >= 3 else np.ones(len(z), bool)
        paired = paired if paired.sum() >= 3 else np.ones(n, bool)
        moved = np.maximum(y[paired].var(0), 1e-6)
        spread = np.clip((np.sqrt(1 + 4 * moved * z[inside].var(0)) - 1) / (2 * moved), 0.02, 2.0)
        spreads.append(spread)
        centres.append(z[inside].mean(0) - spread * y[paired].mean(0))
    centres, spreads = np.stack(centres), np.stack(spreads)
    terms = 0.5 * y**2 @ spreads.T + y @ centres.T

    def dual(logits):
        values = terms + logits
        return np.mean(logsumexp(values, axis=1)) - share @ logits, np.mean(softmax(values, axis=1), axis=0) - share

    found: Any = minimize(dual, -np.mean(terms, axis=0), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return found - np.mean(found), centres, spreads
