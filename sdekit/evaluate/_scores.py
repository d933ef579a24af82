"""Scores of an ensemble against what was observed: pure functions, one number an observation.

In every function the first axis of `samples` holds the `n` draws, and the other axes are those of `y`. Where `mask` is
false the observation counts nothing: its score is 0, and neither values nor gradients leak out of it.
"""

import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Bool, Float

from .._errors import require
from .._types import Array, Key, as_float


__all__ = [
    "coverage",
    "crps",
    "energy_score",
    "interval_score",
    "log_score",
    "pit",
    "quantiles",
]


def _align(samples: ArrayLike, y: ArrayLike, mask: ArrayLike | None, least: int) -> tuple[Array, Array, Array]:
    """The draws, the observation and the mask, checked, with 0 where masked."""
    samples, y = as_float(samples), as_float(y)
    require(
        samples.ndim == y.ndim + 1 and samples.shape[1:] == y.shape,
        "samples", f"must have shape (n, *y.shape) with y.shape = {y.shape}", samples, "put the draws on axis 0",
    )  # fmt: skip
    require(samples.shape[0] >= least, "samples", f"must hold at least {least} draws", samples, "draw more paths")
    mask = jnp.ones(y.shape, bool) if mask is None else jnp.asarray(mask, bool)
    require(mask.shape == y.shape, "mask", f"must have the shape of y, {y.shape}", mask, "pass one flag a value")
    return jnp.where(mask[None], samples, 0), jnp.where(mask, y, 0), mask


def crps(
    samples: Float[ArrayLike, "n *s"],
    y: Float[ArrayLike, "*s"],
    mask: Bool[ArrayLike, "*s"] | None = None,
    *,
    fair: bool = True,
) -> Float[Array, "*s"]:
    r"""The continuous ranked probability score of an ensemble, lower is better, in the unit of `y`.

    $\frac1n \sum_i |x_i - y| - \frac{1}{2 n (n-1)} \sum_{i,j} |x_i - x_j|$ by sorting, in $O(n \log n)$.

    **Arguments:**

    - `samples`: draws of the forecast, shape `(n, ...)`, `n >= 2`.
    - `y`: the observation, shape `(...)`.
    - `mask`: where `y` was observed; 0 is returned elsewhere.
    - `fair`: divide the second term by $n(n-1)$, so that the score is unbiased for that of the law drawn from, whatever
        `n`; else by $n^2$, the score of the ensemble taken as a law of its own.

    **Returns:** scores of shape `(...)`.

    **Raises:** `ValueError` for shapes that do not match.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.evaluate import crps
        crps(jax.random.normal(jax.random.key(0), (100,)), jnp.array(0.3))
        ```

    Source: Gneiting and Raftery (2007), equation 21; Ferro (2014) for the fair version.
    """
    samples, y, mask = _align(samples, y, mask, 2)
    n = samples.shape[0]
    error = jnp.sort(samples - y[None], axis=0)
    weight = (2 * jnp.arange(n, dtype=error.dtype) - n + 1).reshape((n,) + (1,) * y.ndim)
    spread = (weight * error).sum(axis=0) / (n * (n - 1) if fair else n * n)
    return jnp.where(mask, jnp.abs(error).mean(axis=0) - spread, 0)


def _norm(x: Array) -> Array:
    """The Euclidean norm of the last axis, with gradient 0 at 0."""
    square = (x**2).sum(axis=-1)
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


@eqx.filter_jit
def _pairs(samples: Array) -> Array:
    """The sum of distances over all pairs of draws, a few rows at a time."""
    rows = lambda x: _norm(samples - x[None]).sum(axis=0)
    return jax.lax.map(rows, samples, batch_size=min(samples.shape[0], 8)).sum(axis=0)


def energy_score(
    samples: Float[ArrayLike, "n *s d"],
    y: Float[ArrayLike, "*s d"],
    mask: Bool[ArrayLike, "*s d"] | None = None,
    *,
    fair: bool = True,
) -> Float[Array, "*s"]:
    r"""The energy score of an ensemble of vectors, lower is better, in the unit of `y`.

    $\frac1n \sum_i \|x_i - y\| - \frac{1}{2 n (n-1)} \sum_{i,j} \|x_i - x_j\|$ over the observed components. With one
    component it is `crps`. Costs $O(n^2)$ time and $O(n)$ memory. To score a whole path as one vector, reshape it.

    **Arguments:**

    - `samples`: draws of the forecast, shape `(n, ..., d)`, `n >= 2`.
    - `y`: the observed vector, shape `(..., d)`.
    - `mask`: which components were observed.
    - `fair`: as in `crps`.

    **Returns:** scores of shape `(...)`; 0 where no component was observed.

    **Raises:** `ValueError` for shapes that do not match.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.evaluate import energy_score
        energy_score(jax.random.normal(jax.random.key(0), (100, 2)), jnp.zeros(2))
        ```

    Source: Gneiting and Raftery (2007), equation 22.
    """
    samples, y, _ = _align(samples, y, mask, 2)
    n = samples.shape[0]
    return _norm(samples - y[None]).mean(axis=0) - _pairs(samples) / (2 * n * (n - 1 if fair else n))


def quantiles(samples: Float[ArrayLike, "n *s"], probabilities: Sequence[float]) -> Float[Array, "q *s"]:
    r"""Quantiles of an ensemble, such that a new draw of the same law falls below with just that probability.

    The $k$-th smallest of $n$ draws is the quantile at $k/(n+1)$, linear in between.

    **Arguments:**

    - `samples`: draws, shape `(n, ...)`.
    - `probabilities`: numbers between $1/(n+1)$ and $n/(n+1)$.

    **Returns:** quantiles, shape `(len(probabilities), ...)`.

    **Raises:** `ValueError` if `n` is too small for a probability.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.evaluate import quantiles
        quantiles(jnp.arange(99.0), (0.05, 0.95))  # [4., 94.]
        ```

    Source: Hyndman and Fan (1996), definition 6.
    """
    x = jnp.sort(as_float(samples), axis=0)
    n, rows = x.shape[0], []
    for p in probabilities:
        at = p * (n + 1) - 1
        ok = -1e-9 <= at <= n - 1 + 1e-9
        remedy = "draw at least 1/p - 1 and p/(1 - p) samples for a probability p"
        require(ok, "probabilities", f"must lie in [1/(n+1), n/(n+1)] for n = {n} samples", p, remedy)
        low = min(max(math.floor(at), 0), max(n - 2, 0))
        w = min(max(at - low, 0.0), 1.0)
        rows.append((1 - w) * x[low] + w * x[min(low + 1, n - 1)])
    return jnp.stack(rows)


def _interval(samples: Array, level: float) -> Array:
    require(0 < level < 1, "level", "must lie between 0 and 1", level, "pass e.g. 0.9")
    return quantiles(samples, ((1 - level) / 2, (1 + level) / 2))


def coverage(
    samples: Float[ArrayLike, "n *s"],
    y: Float[ArrayLike, "*s"],
    mask: Bool[ArrayLike, "*s"] | None = None,
    *,
    level: float,
) -> Float[Array, "*s"]:
    """Whether the central interval of an ensemble holds the observation: 1 or 0, and `level` on average if calibrated.

    **Arguments:**

    - `samples`: draws of the forecast, shape `(n, ...)`, with `n >= 2 / (1 - level) - 1`.
    - `y`: the observation, shape `(...)`.
    - `mask`: where `y` was observed; 0 is returned elsewhere.
    - `level`: the probability of the interval.

    **Returns:** zeros and ones of shape `(...)`.

    **Raises:** `ValueError` if there are too few draws for the level.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.evaluate import coverage
        coverage(jnp.arange(99.0), jnp.array(50.0), level=0.9)  # 1.0
        ```
    """
    samples, y, mask = _align(samples, y, mask, 2)
    low, high = _interval(samples, level)
    return ((low <= y) & (y <= high) & mask).astype(y.dtype)


def interval_score(
    samples: Float[ArrayLike, "n *s"],
    y: Float[ArrayLike, "*s"],
    mask: Bool[ArrayLike, "*s"] | None = None,
    *,
    level: float,
) -> Float[Array, "*s"]:
    r"""The interval score: the width of the central interval, and $2/\alpha$ times how far `y` falls outside.

    **Arguments:** as in `coverage`, with $\alpha = 1 -$ `level`.

    **Returns:** scores of shape `(...)`, lower is better, in the unit of `y`.

    **Raises:** `ValueError` if there are too few draws for the level.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.evaluate import interval_score
        interval_score(jnp.arange(99.0), jnp.array(50.0), level=0.9)  # 90.0
        ```

    Source: Gneiting and Raftery (2007), equation 43.
    """
    samples, y, mask = _align(samples, y, mask, 2)
    low, high = _interval(samples, level)
    outside = jnp.maximum(low - y, 0) + jnp.maximum(y - high, 0)
    return jnp.where(mask, high - low + 2 / (1 - level) * outside, 0)


def pit(
    samples: Float[ArrayLike, "n *s"],
    y: Float[ArrayLike, "*s"],
    mask: Bool[ArrayLike, "*s"] | None = None,
    *,
    key: Key,
) -> Float[Array, "*s"]:
    r"""The probability integral transform of `y` under an ensemble, randomised: uniform on (0, 1) if calibrated.

    $(\#\{x_i < y\} + U (1 + \#\{x_i = y\})) / (n + 1)$ with $U$ uniform: exactly uniform for every `n`,
    and for laws with atoms, when `y` and the draws have the same law.

    **Arguments:**

    - `samples`: draws of the forecast, shape `(n, ...)`.
    - `y`: the observation, shape `(...)`.
    - `mask`: where `y` was observed; NaN is returned elsewhere, since 0 would be a value like others.
    - `key`: a JAX key.

    **Returns:** values of shape `(...)`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.evaluate import pit
        pit(jnp.arange(99.0), jnp.array(50.0), key=jax.random.key(0))
        ```

    Source: Czado, Gneiting and Held (2009), Predictive model assessment for count data, equation 2.
    """
    samples, y, mask = _align(samples, y, mask, 1)
    below = (samples < y[None]).sum(axis=0)
    equal = (samples == y[None]).sum(axis=0)
    u = jax.random.uniform(key, y.shape, y.dtype)
    return jnp.where(mask, (below + u * (1 + equal)) / (samples.shape[0] + 1), jnp.nan)


def log_score(
    samples: Float[ArrayLike, "n *s"], y: Float[ArrayLike, "*s"], mask: Bool[ArrayLike, "*s"] | None = None
) -> Float[Array, "*s"]:
    r"""Minus the log-density of `y` under a Gaussian kernel estimate from the ensemble, lower is better, in nats.

    The bandwidth is Silverman's, $(4/3n)^{1/5}$ standard deviations. An estimate: it is smooth where the law is not and
    thin in its tails. Where the model has a density, the metric `LogScore` is exact.

    **Arguments:**

    - `samples`: draws of the forecast, shape `(n, ...)`, `n >= 2`.
    - `y`: the observation, shape `(...)`.
    - `mask`: where `y` was observed; 0 is returned elsewhere.

    **Returns:** scores of shape `(...)`; infinite where all draws are equal and `y` is another value.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.evaluate import log_score
        log_score(jax.random.normal(jax.random.key(0), (1000,)), jnp.array(0.0))  # near log(2 pi) / 2
        ```

    Source: Silverman (1986), Density estimation, equation 3.28.
    """
    samples, y, mask = _align(samples, y, mask, 2)
    n = samples.shape[0]
    width = samples.std(axis=0, ddof=1) * (4 / (3 * n)) ** 0.2
    width = jnp.where(mask, jnp.maximum(width, jnp.finfo(y.dtype).tiny), 1)
    density = jax.scipy.stats.norm.logpdf(samples, y[None], width[None])
    return jnp.where(mask, math.log(n) - jax.nn.logsumexp(density, axis=0), 0)
