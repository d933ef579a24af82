"""Stationary Gaussian sequences one value after another, each given all before it: Hosking's method."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import RealScalar


__all__ = ["Predictor", "hosking", "hosking_start", "hosking_step"]


class Predictor(NamedTuple):
    """What is known of a stationary sequence after some of its values; the carry of `hosking_step`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import Predictor, hosking_start
        isinstance(hosking_start(jnp.array([1.0, 0.5, 0.25])), Predictor)  # True
        ```
    """

    weights: Float[Array, " n"]
    """Of the last value, the last but one, and so on, in the prediction of the next."""
    variance: Float[Array, ""]
    """Of the next value, given those before."""
    back: Float[Array, " 2n"]
    """The values: number `k` at place `n - 1 - k`."""


def hosking_start(autocovariance: Float[Array, " n"]) -> Predictor:
    """The predictor before any value.

    **Arguments:**

    - `autocovariance`: at lags 0 to `n - 1`, shape `(n,)`.

    **Returns:** a `Predictor` for sequences of at most `n` values.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import hosking_start
        hosking_start(jnp.array([1.0, 0.5, 0.25])).variance  # 1
        ```
    """
    r = autocovariance
    return Predictor(jnp.zeros_like(r), r[0], jnp.zeros((2 * r.shape[0],), r.dtype))


def hosking_step(
    autocovariance: Float[Array, " n"], known: Predictor, k: Any, noise: RealScalar, value: Any = None
) -> tuple[Predictor, Float[Array, ""]]:
    """Draw value number `k` given all before it, or take it as given, and learn to predict the next: O(n).

    The step of Durbin and Levinson for the weights, whose cost does not depend on `k`: shapes are static.

    **Arguments:**

    - `autocovariance`: at lags 0 to `n - 1`, shape `(n,)`.
    - `known`: after `k` values.
    - `k`: the number of the value, from 0; may be traced.
    - `noise`: a standard normal number.
    - `value`: the value, if it is known; `None` to draw it.

    **Returns:** the predictor after `k + 1` values, and the value.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import hosking_start, hosking_step
        r = jnp.array([1.0, 0.5])
        known, x = hosking_step(r, hosking_start(r), 0, 2.0)  # x = 2
        hosking_step(r, known, 1, 0.0)[1]  # 1
        ```
    """
    r, n = autocovariance, autocovariance.shape[0]
    weights, variance, back = known
    before = lambda x, start: jax.lax.dynamic_slice_in_dim(x, start, n)
    zeros = jnp.zeros_like(r)
    if value is None:
        value = weights @ before(back, n - k) + jnp.sqrt(variance) * noise
    back = jax.lax.dynamic_update_index_in_dim(back, value, n - 1 - k, 0)
    # The lags k, k - 1, ..., 1, 0 and then nothing, beside the weights of 1, 2, ..., k steps back.
    lags = before(jnp.concatenate([r[::-1], zeros]), n - 1 - k)
    partial = (r[jnp.minimum(k + 1, n - 1)] - weights @ lags) / variance
    mirrored = before(jnp.concatenate([weights[::-1], zeros]), n - k)
    weights = (weights - partial * mirrored).at[jnp.minimum(k, n - 1)].set(partial)
    return Predictor(weights, variance * (1 - partial) * (1 + partial), back), value


def hosking(
    autocovariance: Float[Array, " n"], noise: Float[Array, " new"], past: Float[Array, " m"] | None = None
) -> Float[Array, " new"]:
    """Draw a stationary Gaussian sequence, or continue one, in O(n^2), exactly.

    Each value is drawn from its law given all values before it, so that a sequence may be continued at any time; where
    the length is known beforehand `circulant_sample` is faster. Under `vmap` over the noise the weights, which depend
    on the autocovariance alone, are found once for all sequences.

    **Arguments:**

    - `autocovariance`: at lags 0 to `n - 1`, shape `(n,)`.
    - `noise`: independent standard normal numbers, one a new value.
    - `past`: the values before, shape `(m,)`; none by default.

    **Returns:** the new values, of the shape of `noise`. NaN where the autocovariance is not positive definite to
    rounding.

    **Raises:** `ValueError` unless `n` is the number of values in all.

    Source: Hosking (1984), Modeling persistence in hydrological time series using fractional differencing; the
    recursion of Durbin (1960) and Levinson (1947).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.math import fgn_autocovariance, hosking
        past = jnp.array([0.3, -0.1, 0.4])
        r = fgn_autocovariance(jnp.array(0.8), jnp.arange(10.0))
        hosking(r, jax.random.normal(jax.random.key(0), (7,)), past).shape  # (7,)
        ```
    """
    r, n = autocovariance, autocovariance.shape[0]
    past = jnp.zeros(0, r.dtype) if past is None else past.astype(r.dtype)
    m, new = past.shape[0], noise.shape[0]
    remedy = f"pass the autocovariance at lags 0 to {m + new - 1}"
    require(n == m + new, "autocovariance", f"must have one lag a value, {m} + {new}", r, remedy)
    known = hosking_start(r)

    def take(known, row):
        return hosking_step(r, known, *row)

    if m:
        known, _ = jax.lax.scan(take, known, (jnp.arange(m), jnp.zeros_like(past), past))
    _, values = jax.lax.scan(take, known, (m + jnp.arange(new), noise.astype(r.dtype)))
    return values
