"""The Hurst index from quadratic variations at several scales, by generalised least squares."""

import functools
import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from ._hurst import AbstractHurstEstimator, HurstEstimate
from ._readings import AbstractReading
from ._scaling import Scaling, outside


__all__ = ["Variations"]

_REACH = 16
"""Covariances of differences fall as the lag to the 2H - 2p: how many times the longest filter to follow them."""
_ROUNDS = 3


class _Pairs(NamedTuple):
    """For all pairs of scales, how covariances of differences add up: fixed numbers, found once on the host."""

    weights: np.ndarray
    """Signs and binomials of a covariance of differences, shape `(q, q)`."""
    gaps: np.ndarray
    """The gaps of time in it, shape `(s, s, q, q, lags)`."""
    shares: np.ndarray
    """How many pairs of differences lie that lag apart, over the number of all pairs, shape `(s, s, lags)`."""


@functools.lru_cache(maxsize=32)
def _pairs(scales: tuple[int, ...], order: int, n: int) -> _Pairs:
    filter_ = np.array([(-1) ** q * math.comb(order, q) for q in range(order + 1)], float)
    reach = min(_REACH * order * max(scales), n - 1)
    lags, q, s = np.arange(-reach, reach + 1), np.arange(order + 1), np.array(scales)
    left = s[:, None, None, None, None] * q[None, None, :, None, None]
    right = s[None, :, None, None, None] * q[None, None, None, :, None]
    counts = n - order * s
    first, second = counts[:, None, None], counts[None, :, None]
    both = np.minimum(first, second + lags) - np.maximum(lags, 0)
    return _Pairs(np.outer(filter_, filter_), np.abs(lags + left - right), np.maximum(both, 0) / (first * second))


class Variations(AbstractHurstEstimator):
    r"""Mean squares of differences of order `order` at several scales, whose logarithms lie on a line of slope $2H$.

    The points of the line are correlated: their covariance for fractional Brownian motion is known, and gives the best
    weights (generalised least squares, iterated thrice) and a standard error that is more than that of a regression.
    Differences of order 2 make a central limit theorem hold for every $H$, and do not see a linear trend. Reads the
    path locally, so that it also serves processes that are fractional at small scales only, such as fractional
    Ornstein-Uhlenbeck seen often.

    **Arguments:**

    - `order`: of the differences, at least 2.
    - `scales`: steps between the values of a difference.
    - `of`: what the series is, `Noise()` or `Path()`; a noise is summed first.

    **Raises:** `ValueError` for an order below 2, or fewer than two scales.

    Source: Istas and Lang (1997); Coeurjolly (2001), Estimating the parameters of a fractional Brownian motion by
    discrete variations of its sample paths, section 3; the covariance is by Isserlis' theorem.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.fractional import Path, Variations
        from sdekit.processes import FractionalBrownianMotion
        path = FractionalBrownianMotion(hurst=0.3).sample(jnp.linspace(0.0, 1.0, 513), key=jax.random.key(0))
        Variations(of=Path())(path.xs[:, 0])  # about 0.3
        ```
    """

    order: int = eqx.field(static=True, default=2)
    scales: tuple[int, ...] = eqx.field(
        static=True, default=(1, 2, 4, 8), converter=lambda xs: tuple(int(x) for x in xs)
    )
    of: AbstractReading = eqx.field(kw_only=True)

    def __check_init__(self):
        require(self.order >= 2, "Variations.order", "must be at least 2", self.order, "pass 2")
        good = len(set(self.scales)) == len(self.scales) >= 2 and min(self.scales) >= 1
        require(good, "Variations.scales", "must be 2 or more different scales", self.scales, "pass (1, 2, 4, 8)")

    def least(self) -> int:
        return self.order * max(self.scales) + 10

    def covariance(self, hurst: Float[Array, ""], n: int) -> Float[Array, "s s"]:
        """The covariance of the logarithms for fractional Brownian motion at `n` points, to first order."""
        pairs = _pairs(self.scales, self.order, n)
        a = 2 * hurst
        # |m|^2H for every gap that occurs, once.
        table = jnp.arange(1, pairs.gaps.max() + 1, dtype=hurst.dtype) ** a
        table = jnp.concatenate([jnp.zeros(1, hurst.dtype), table])
        weights = jnp.asarray(-0.5 * pairs.weights, hurst.dtype)
        covs = jnp.einsum("stqrk,qr->stk", table[pairs.gaps], weights)
        own = jnp.diagonal(covs[:, :, covs.shape[2] // 2])
        total = jnp.sum(covs**2 * jnp.asarray(pairs.shares, hurst.dtype), axis=2)
        return 2 * total / (own[:, None] * own[None, :])

    def _log_variation(self, path: Float[Array, " n"], scale: int) -> Float[Array, ""]:
        n = path.shape[0] - self.order * scale
        terms = [(-1) ** q * math.comb(self.order, q) * path[q * scale : q * scale + n] for q in range(self.order + 1)]
        return jnp.log(jnp.mean(sum(terms) ** 2))

    def estimate(self, x: Float[Array, " n"]) -> HurstEstimate:
        path = self.of.path(x)
        logs = jnp.stack([self._log_variation(path, s) for s in self.scales])
        scales = jnp.log(jnp.asarray(self.scales, logs.dtype))
        design = jnp.stack([jnp.ones_like(scales), scales], axis=1)

        def refine(state, _):
            line, _ = state
            cov = self.covariance(jnp.clip(line[1] / 2, 0.02, 0.98), path.shape[0])
            # The logarithm of a mean is low by half its variance.
            y = logs + jnp.diagonal(cov) / 2
            weighted = jnp.linalg.solve(cov, jnp.concatenate([design, y[:, None]], axis=1))
            spread = jnp.linalg.inv(design.T @ weighted[:, :2])
            return (spread @ (design.T @ weighted[:, 2]), spread), None

        line = jnp.linalg.lstsq(design, logs)[0]
        (line, spread), _ = jax.lax.scan(refine, (line, jnp.eye(2, dtype=logs.dtype)), length=_ROUNDS)
        error = jnp.sqrt(spread[1, 1])
        names = ("quadratic variations", "scale (steps)", "mean squared difference")
        one = lambda value: jnp.reshape(value, (1,))
        found = Scaling(
            scales, logs[None], one(line[1]), one(line[0]), one(error), jnp.full(1, 2.0, logs.dtype), *names
        )
        hurst = line[1] / 2
        return HurstEstimate(hurst, error / 2, outside(hurst), found)
