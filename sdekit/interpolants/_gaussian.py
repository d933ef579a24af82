r"""The probability flow of Gaussian data, solved; and the jump that it allows."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._types import Array, RealScalar, State
from ._path import AffinePath, require_time


__all__ = ["gaussian_flow"]


def gaussian_flow(
    path: AffinePath,
    mean: Float[Array, " d"],
    covariance: Float[Array, "d d"],
    t0: RealScalar,
    t1: RealScalar,
    x: State,
) -> State:
    r"""Where the flow of a one-sided path with Gaussian data takes a state from `t0` to `t1`, in closed form.

    $x_t = m_t + U\,\mathrm{diag}\sqrt{(c_t^2 \lambda + \gamma_t^2)/(c_0^2 \lambda + \gamma_0^2)}\,U^\top (x - m_0)$
    with the eigenvectors $U$ and eigenvalues $\lambda$ of the covariance of the data. A teleport: real data are nearly
    Gaussian where there is much noise, so that the first part of the way costs nothing.

    **Arguments:**

    - `path`: a one-sided path.
    - `mean`, `covariance`: of the data, shapes `(d,)` and `(d, d)`; the covariance may be singular.
    - `t0`, `t1`: times of the path.
    - `x`: the state at `t0`, shape `(d,)`.

    **Returns:** the state at `t1`.

    **Raises:** `ValueError` for a path with two ends, or shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import gaussian_flow, variance_preserving
        mean, covariance = jnp.ones(1), 0.25 * jnp.eye(1)
        gaussian_flow(variance_preserving(), mean, covariance, 1.0, 0.0, jnp.zeros(1))  # [0.9967]
        ```

    Source: Wang and Vastola (2023), Diffusion models generate images like painters, equations (9) to (11).
    """
    require(path.one_sided, "path", "must have an end that is noise", path, "use a one-sided path")
    mean, covariance, x = jnp.asarray(mean), jnp.asarray(covariance), jnp.asarray(x)
    ok = x.ndim == 1 and mean.shape == x.shape and covariance.shape == (*x.shape, *x.shape)
    shapes = (mean.shape, covariance.shape, x.shape)
    require(ok, "mean, covariance, x", "must have shapes (d,), (d, d), (d,)", shapes, "pass those of the data")
    values, vectors = jnp.linalg.eigh(covariance)
    spread = []
    for t in (t0, t1):
        t = require_time(t)
        noise = 0.0 if path.gamma is None else path.gamma.square(t)
        shift: Any = 0.0 if path.kappa is None else path.kappa(t) * path.mean
        spread.append((path.datum(t) * mean + shift, path.datum.square(t) * jnp.maximum(values, 0) + noise))
    (m0, v0), (m1, v1) = spread
    return m1 + vectors @ (jnp.sqrt(v1 / v0) * (vectors.T @ (x - m0)))
