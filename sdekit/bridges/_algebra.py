"""Small linear algebra: roots with derivatives where eigenvalues meet, Gaussian laws."""

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float

from .._types import Array, Law


__all__ = ["gaussian", "gaussian_kl", "psd_sqrt"]


@jax.custom_jvp
def psd_sqrt(a: Float[Array, "d d"]) -> Float[Array, "d d"]:
    """The symmetric root of a positive semi-definite matrix. Its derivative exists where eigenvalues meet."""
    values, vectors = jnp.linalg.eigh(a)
    return (vectors * jnp.sqrt(jnp.maximum(values, 0))[None]) @ vectors.T


@psd_sqrt.defjvp
def _psd_sqrt_jvp(primals, tangents):
    (a,), (da,) = primals, tangents
    values, vectors = jnp.linalg.eigh(a)
    roots = jnp.sqrt(jnp.maximum(values, 0))
    inner = vectors.T @ ((da + da.T) / 2) @ vectors
    sums = roots[:, None] + roots[None]
    # Sylvester's equation R dR + dR R = dA in the eigenvectors.
    change = jnp.where(sums > 0, inner / jnp.where(sums > 0, sums, 1), 0)
    return (vectors * roots[None]) @ vectors.T, vectors @ change @ vectors.T


def gaussian(mean: Float[Array, " d"], covariance: Float[Array, "d d"]) -> Law:
    """The Gaussian law; a covariance that is singular up to rounding has a law too."""
    # The jitter is at the level of rounding: exact transitions over a gap of length 0 have no spread.
    scale = jnp.sqrt(jnp.maximum(jnp.diagonal(covariance), 0))
    safe = jnp.where(scale > 0, scale, 1)
    c = covariance / safe[:, None] / safe[None]
    jitter = jnp.where(scale > 0, 4 * covariance.shape[0] * jnp.finfo(covariance.dtype).eps, 1)
    root = scale[:, None] * jnp.linalg.cholesky(c + jnp.diag(jitter).astype(c.dtype))
    return dist.MultivariateNormal(mean, scale_tril=root, validate_args=False)


def gaussian_kl(
    m: Float[Array, " d"], s: Float[Array, "d d"], n: Float[Array, " d"], r: Float[Array, "d d"]
) -> Float[Array, ""]:
    """KL(N(m, s) | N(n, r))."""
    solve = jnp.linalg.solve(r, jnp.concatenate([s, (m - n)[:, None]], axis=1))
    logs = jnp.linalg.slogdet(r)[1] - jnp.linalg.slogdet(s)[1]
    return 0.5 * (jnp.trace(solve[:, :-1]) - m.shape[0] + (m - n) @ solve[:, -1] + logs)
