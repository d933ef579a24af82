"""Where a mixture potential starts: clusters of the ends, each with the affine map that its pairs suggest."""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax

from ..transport import assignment


__all__ = ["mixture_start"]

_PAIRS = 1000


def _clusters(z: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Labels by Lloyd's algorithm from k-means++ seeds."""
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

    Starts and ends are paired by the best assignment. In each cluster of the ends the slope on the start is the spread;
    the logits are then those that give each cluster its share, a convex problem.
    """
    rng = np.random.default_rng(seed)
    n = min(_PAIRS, len(y), len(z))
    y, z = y[rng.permutation(len(y))[:n]], z[rng.permutation(len(z))[:n]]
    z = z[assignment(cdist(y, z, "sqeuclidean"))]
    labels = _clusters(z, count, rng)
    share = np.maximum(np.bincount(labels, minlength=count), 0.5) / n
    centres, spreads = [], []
    for k in range(count):
        inside = labels == k
        if inside.sum() < 3:
            inside = np.ones(n, bool)
        a, b = y[inside], z[inside]
        slope = ((a - a.mean(0)) * (b - b.mean(0))).mean(0) / np.maximum(a.var(0), 1e-6)
        spread = np.clip(slope, 0.05, 2.0)
        spreads.append(spread)
        centres.append(b.mean(0) - spread * a.mean(0))
    centres, spreads = np.stack(centres), np.stack(spreads)
    terms = 0.5 * y**2 @ spreads.T + y @ centres.T

    def dual(logits):
        values = terms + logits
        return np.mean(logsumexp(values, axis=1)) - share @ logits, np.mean(softmax(values, axis=1), axis=0) - share

    found: Any = minimize(dual, -np.mean(terms, axis=0), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return found - np.mean(found), centres, spreads
