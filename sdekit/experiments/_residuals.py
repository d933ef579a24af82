"""Standardised one-step residuals of the candidates: independent and standard normal if the model holds."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import fault
from .._process import AbstractDiffusion, AbstractGaussianProcess, AbstractLinearGaussian, AbstractProcess
from .._types import Array
from ..data import Series
from ..inference import GaussianObservation, Observed, Sequential, chain, gaussian_step


__all__ = ["one_step_residuals"]


@eqx.filter_jit
def one_step_residuals(model: AbstractProcess, series: Series) -> Float[Array, " t"]:
    """The first component of each observation, less its mean given the earlier ones, over its standard deviation.

    **Arguments:**

    - `model`: a linear Gaussian process or a Gaussian process, bare or seen with Gaussian noise; or a diffusion, whose
        steps are taken to be Euler's.
    - `series`: one series.

    **Returns:** residuals, NaN where nothing was observed.

    **Raises:** `ValueError` for any other model.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.experiments import one_step_residuals

        model = sk.Observed(sk.processes.OrnsteinUhlenbeck(rate=1.0), sk.GaussianObservation(0.5))
        one_step_residuals(model, sk.Series(jnp.arange(3.0), jnp.array([0.1, 0.3, -0.2])))
        ```
    """
    process = model.process if isinstance(model, Observed) else model
    noise = jnp.zeros((series.dim, series.dim), series.ys.dtype)
    matrix = jnp.eye(series.dim, process.dim, dtype=series.ys.dtype)
    if isinstance(model, Observed) and isinstance(model.observation, GaussianObservation):
        matrix, noise = model.observation.linear(process.dim)
    if isinstance(process, AbstractLinearGaussian):
        z = _innovations(process, series, matrix, noise)
    elif isinstance(process, AbstractGaussianProcess):
        z = _whitened(process, series, noise[0, 0])
    elif isinstance(process, AbstractDiffusion):
        z = _steps(process, series)
    else:
        remedy = "pass a Gaussian process or a diffusion"
        raise ValueError(fault("model", "has no one-step law in closed form", type(model).__name__, remedy))
    return jnp.where(series.mask[:, 0], z, jnp.nan)


def _innovations(process, series, matrix, noise):
    model = chain(process, series.ts, series.ys, series.mask, matrix, noise)
    filtered = Sequential().filter(model)
    before = jnp.concatenate([jnp.zeros_like(filtered.mean[:1]), filtered.mean[:-1]])
    spread = jnp.concatenate([jnp.zeros_like(filtered.covariance[:1]), filtered.covariance[:-1]])

    def one(a, b, q, mean, cov, y):
        predicted = matrix @ (a @ mean + b)
        variance = matrix @ (a @ cov @ a.T + q) @ matrix.T + noise
        return (y[0] - predicted[0]) / jnp.sqrt(variance[0, 0])

    return jax.vmap(one)(model.a, model.b, model.q, before, spread, series.ys)


def _whitened(process, series, variance):
    seen = series.mask[:, 0]
    cov = process.covariance(series.ts, series.ts) + variance * jnp.eye(len(seen))
    # Unobserved rows are made independent of all others.
    cov = jnp.where(seen[:, None] & seen[None, :], cov, jnp.eye(len(seen)))
    gap = jnp.where(seen, series.ys[:, 0] - process.mean(series.ts), 0)
    return jax.scipy.linalg.solve_triangular(jnp.linalg.cholesky(cov), gap, lower=True)


def _steps(process, series):
    """Each observed row given the observed row before it; the first has none."""
    seen = series.mask.all(-1)
    index = jnp.arange(len(seen))
    last = jax.lax.cummax(jnp.where(seen, index, -1))[:-1]
    rows = jnp.maximum(last, 0)

    def one(t0, t1, x, y):
        mean, cov = gaussian_step(process, t0, t1, x)
        return (y[0] - mean[0]) / jnp.sqrt(cov[0, 0])

    z = jax.vmap(one)(series.ts[rows], series.ts[1:], series.ys[rows], series.ys[1:])
    return jnp.concatenate([jnp.full(1, jnp.nan), jnp.where(last >= 0, z, jnp.nan)])
