"""Stationary Gaussian sequences at consecutive steps: their exact density in O(n^2), and the sums of their spectra."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._errors import require


__all__ = ["hurwitz_zeta", "stationary_log_prob", "toeplitz_whiten"]

_TERMS = 12
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def toeplitz_whiten(
    autocovariance: Float[Array, " n"], ys: Float[Array, "n k"]
) -> tuple[Float[Array, "n k"], Float[Array, ""]]:
    r"""Whiten sequences by the Cholesky factor of a symmetric Toeplitz matrix, in O(n^2) time and O(n) memory.

    Schur's algorithm: the two vectors that generate the matrix, $T - Z T Z^\top = u u^\top - v v^\top$ with $Z$ the
    shift, are turned by a hyperbolic rotation a step, whose tangents are the partial autocorrelations of Durbin and
    Levinson; $u$ is then the next column of the factor. Unlike the Durbin-Levinson recursion it moves data by one place
    a step, whatever the step, so that it runs as one fused loop.

    Forward mode costs as much again. Reverse mode keeps O(n^2) numbers.

    **Arguments:**

    - `autocovariance`: at lags 0 to `n - 1`, shape `(n,)`: the first column of $T$.
    - `ys`: what to whiten, shape `(n, k)`.

    **Returns:** $L^{-1}$ times `ys`, shape `(n, k)`, and $\log\det T$, where $T = L L^\top$. NaN where $T$ is not
    positive definite to rounding.

    **Raises:** `ValueError` for shapes that do not fit.

    Source: Kailath and Sayed (1995), Displacement structure: theory and applications, section 1.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import toeplitz_whiten
        white, log_det = toeplitz_whiten(jnp.array([1.0, 0.5, 0.25]), jnp.ones((3, 1)))
        ```
    """
    n = autocovariance.shape[0]
    require(ys.ndim == 2 and ys.shape[0] == n, "ys", f"must have shape ({n}, k)", ys, "pass one row a lag")
    dtype = jnp.result_type(autocovariance, ys)
    left = lambda x: jnp.concatenate([x[..., 1:], jnp.zeros_like(x[..., :1])], axis=-1)

    def step(carry, _):
        # Row 0 of each vector belongs to the present step, so that `u` stays in place and the others move up.
        u, v, rest = carry
        tangent = v[0] / u[0]
        stretch = jax.lax.rsqrt((1 - tangent) * (1 + tangent))
        u, v = stretch * (u - tangent * v), stretch * (v - tangent * u)
        white = rest[:, 0] / u[0]
        return (u, left(v), left(rest - white[:, None] * u[None, :])), (white, u[0])

    first = (autocovariance / jnp.sqrt(autocovariance[0])).astype(dtype)
    start = (first, first.at[0].set(0), ys.T.astype(dtype))
    _, (white, root) = jax.lax.scan(step, start, length=n)
    return white, 2 * jnp.sum(jnp.log(root))


def stationary_log_prob(
    autocovariance: Float[Array, " n"], y: Float[Array, " n"], mean: Float[ArrayLike, ""] = 0.0
) -> Float[Array, ""]:
    r"""The log-density of a stationary Gaussian sequence at consecutive steps, exactly, in O(n^2).

    **Arguments:**

    - `autocovariance`: at lags 0 to `n - 1`, shape `(n,)`.
    - `y`: the sequence, shape `(n,)`.
    - `mean`: its mean.

    **Returns:** the log-density, shape `()`, differentiable in all arguments. NaN where the covariance is not positive
    definite to rounding.

    **Raises:** `ValueError` for shapes that do not fit.

    Source: as `toeplitz_whiten`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import fgn_autocovariance, stationary_log_prob
        stationary_log_prob(fgn_autocovariance(jnp.array(0.7), jnp.arange(4.0)), jnp.array([0.1, 0.4, -0.2, 0.3]))
        ```
    """
    require(y.ndim == 1, "y", "must have shape (n,)", y, "vmap over sequences")
    white, log_det = toeplitz_whiten(autocovariance, (y - mean)[:, None])
    return -0.5 * (jnp.sum(white**2) + log_det + y.shape[0] * math.log(2 * math.pi))


def hurwitz_zeta(a: Float[Array, "..."], q: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""The Hurwitz zeta function $\sum_{j \ge 0} (j + q)^{-a}$, differentiable in both arguments.

    The first twelve terms and the Euler-Maclaurin formula for the rest: full accuracy for `a` in (1, 25).

    **Arguments:**

    - `a`: the exponent, above 1.
    - `q`: positive, of the shape of `a` or with `a` of shape `()`.

    **Returns:** the sum, of the shape of `q`.

    Source: Johansson (2015), Rigorous high-precision computation of the Hurwitz zeta function, equation 5.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import hurwitz_zeta
        hurwitz_zeta(jnp.array(2.0), jnp.array([1.0]))  # pi^2 / 6
        ```
    """
    far = q + _TERMS
    power = far**-a
    inverse = 1 / (far * far)
    corrections, factor = [], a / far
    for k, b in enumerate(_BERNOULLI, 1):
        corrections.append(b / math.factorial(2 * k) * factor)
        factor = factor * (a + 2 * k - 1) * (a + 2 * k) * inverse
    # One array of all first terms, and not a sum written out: that would be long to compile.
    first = jnp.sum(jax.vmap(lambda j: (q + j) ** -a)(jnp.arange(_TERMS - 1, -1, -1, dtype=q.dtype)), axis=0)
    return power * (sum(corrections[::-1]) + 0.5 + far / (a - 1)) + first
