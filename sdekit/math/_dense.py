"""Dense Gaussian algebra, with missing entries."""

import math

import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array, Bool, Float

from .._errors import require


__all__ = ["gaussian_condition", "gaussian_factor", "gaussian_log_prob", "gaussian_root"]

Vector = Float[Array, " t"]
Matrix = Float[Array, "t t"]
Noise = Float[Array, "..."] | float


def gaussian_factor(
    mean: Vector, cov: Matrix, y: Vector, mask: Bool[Array, " t"] | None = None, noise_variance: Noise = 0.0
) -> tuple[Matrix, Vector, Bool[Array, " t"]]:
    """What densities and conditioning share: the factored covariance of the observed entries of a Gaussian vector.

    **Arguments:** as `gaussian_log_prob`.

    **Returns:** a Cholesky factor `L` whose rows for unused entries are those of the identity, shape `(t, t)`; the
    whitened residual `L^-1 (y - mean)`, 0 where unused, shape `(t,)`; and which entries are used: those observed that
    have a variance, shape `(t,)`.

    **Raises:** `ValueError` for shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import gaussian_factor
        factor, white, used = gaussian_factor(jnp.zeros(2), jnp.eye(2), jnp.ones(2), jnp.array([True, False]))
        ```
    """
    t = y.shape[0]
    require(mean.shape == (t,), "mean", f"must have shape ({t},)", mean, "pass one mean an entry of y")
    require(cov.shape == (t, t), "cov", f"must have shape ({t}, {t})", cov, "pass the covariance of y")
    mask = jnp.ones(t, bool) if mask is None else mask
    require(mask.shape == (t,), "mask", f"must have shape ({t},)", mask, "pass one flag an entry of y")
    noise = jnp.broadcast_to(jnp.asarray(noise_variance, cov.dtype), (t,))
    # An entry without variance (fractional Brownian motion at time 0) is known: it tells nothing about the others.
    used = mask & (jnp.diagonal(cov) + noise > 0)
    both = used[:, None] & used[None, :]
    # `where` before the factorisation: what is masked may be anything, and has no gradient.
    kept = jnp.where(both, cov, jnp.eye(t, dtype=cov.dtype)) + jnp.diag(jnp.where(used, noise, 0))
    residual = jnp.where(used, jnp.where(used, y, 0) - mean, 0)
    factor = jnp.linalg.cholesky(kept)
    return factor, jsl.solve_triangular(factor, residual, lower=True), used


def gaussian_log_prob(
    mean: Vector, cov: Matrix, y: Vector, mask: Bool[Array, " t"] | None = None, noise_variance: Noise = 0.0
) -> Float[Array, ""]:
    r"""The log-density of the observed entries of $y \sim N(\text{mean}, \text{cov} + \text{diag}(\text{noise}))$.

    Missing entries are integrated out: their rows become those of the identity. Their values are never used, so that
    they may be anything, NaN included. Nothing is added to the diagonal.

    **Arguments:**

    - `mean`: shape `(t,)`.
    - `cov`: shape `(t, t)`, symmetric and nonnegative definite.
    - `y`: shape `(t,)`.
    - `mask`: which entries were observed, shape `(t,)`; `None` for all.
    - `noise_variance`: of independent noise on each entry, shape `()` or `(t,)`.

    **Returns:** the log-density, shape `()`. An entry with no variance counts 0 if it equals its mean, else minus
    infinity. NaN where the covariance is not positive definite to rounding.

    **Raises:** `ValueError` for shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import gaussian_log_prob
        y = jnp.array([0.3, jnp.nan])
        gaussian_log_prob(jnp.zeros(2), jnp.eye(2), y, jnp.isfinite(y))  # log N(0.3; 0, 1)
        ```
    """
    factor, white, used = gaussian_factor(mean, cov, y, mask, noise_variance)
    known = ~used if mask is None else mask & ~used
    impossible = known & (jnp.where(known, y, mean) != mean)
    count = used.sum().astype(factor.dtype)
    value = -0.5 * (white @ white + count * math.log(2 * math.pi)) - jnp.log(jnp.diagonal(factor)).sum()
    return jnp.where(impossible.any(), -jnp.inf, value)


def gaussian_condition(
    mean: Vector,
    cov: Matrix,
    y: Vector,
    mask: Bool[Array, " t"] | None,
    noise_variance: Noise,
    cross: Float[Array, "t s"],
    new_mean: Float[Array, " s"],
    new_cov: Float[Array, "s s"],
) -> tuple[Float[Array, " s"], Float[Array, "s s"]]:
    """The mean and covariance of a Gaussian vector given the observed entries of another, both jointly Gaussian.

    **Arguments:**

    - `mean`, `cov`, `y`, `mask`, `noise_variance`: as in `gaussian_log_prob`.
    - `cross`: the covariance of `y` without its noise and the new vector, shape `(t, s)`.
    - `new_mean`, `new_cov`: of the new vector before, shapes `(s,)` and `(s, s)`.

    **Returns:** mean and covariance of the new vector given `y`.

    **Raises:** `ValueError` for shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import gaussian_condition
        one, eye = jnp.ones((1, 1)), jnp.eye(1)
        gaussian_condition(jnp.zeros(1), eye, jnp.ones(1), None, 1.0, one, jnp.zeros(1), eye)  # 1/2, 1/2
        ```
    """
    factor, white, used = gaussian_factor(mean, cov, y, mask, noise_variance)
    shape = (y.shape[0], new_mean.shape[0])
    require(cross.shape == shape, "cross", f"must have shape {shape}", cross, "pass Cov(y, new)")
    gain = jsl.solve_triangular(factor, jnp.where(used[:, None], cross, jnp.zeros_like(cross)), lower=True)
    return new_mean + gain.T @ white, new_cov - gain.T @ gain


def gaussian_root(cov: Matrix, extra: Float[Array, " t"] | float = 0.0) -> Matrix:
    """A lower-triangular square root of a covariance matrix, for drawing.

    **Arguments:**

    - `cov`: shape `(t, t)`, nonnegative definite.
    - `extra`: added to the diagonal, shape `()` or `(t,)`; 0 for the exact law.

    **Returns:** `L` with `L @ L.T = cov + diag(extra)`, shape `(t, t)`. Rows without variance stay zero. NaN where the
    sum is not positive definite to rounding.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import gaussian_root
        gaussian_root(jnp.array([[0.0, 0.0], [0.0, 4.0]]))  # diag(0, 2)
        ```
    """
    extra = jnp.broadcast_to(jnp.asarray(extra, cov.dtype), cov.shape[:1])
    used = jnp.diagonal(cov) + extra > 0
    both = used[:, None] & used[None, :]
    full = jnp.where(both, cov, jnp.eye(cov.shape[0], dtype=cov.dtype)) + jnp.diag(jnp.where(used, extra, 0))
    return jnp.where(both, jnp.linalg.cholesky(full), 0)
