"""Gaussian laws pushed through linear maps: what the marginals and bridges of linear processes are made of."""

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import fault
from .._types import Array, Law
from ._fixed import components
from ._stable import safe_sqrt


__all__ = ["gaussian", "gaussian_moments", "psd_cholesky", "push", "solve_psd"]


def _unit_diagonal(q: Float[Array, "d d"]) -> tuple[Float[Array, "d d"], Float[Array, " d"]]:
    """`q` scaled to unit diagonal, and the scales; a row of zeros becomes a row of the identity with scale 0."""
    scale = safe_sqrt(jnp.diagonal(q))
    inverse = jnp.where(scale > 0, 1 / jnp.where(scale > 0, scale, 1.0), 0.0)
    c = q * inverse[:, None] * inverse[None, :]
    # A jitter at rounding level lets exactly singular laws (noise in fewer directions than the state) factorise.
    d = q.shape[-1]
    jitter = 8 * d * jnp.finfo(q.dtype).eps
    return c + jnp.diag(jnp.where(scale > 0, 0.0, 1.0) + jitter).astype(q.dtype), scale


def psd_cholesky(q: Float[Array, "d d"]) -> Float[Array, "d d"]:
    """A lower-triangular root of a positive semi-definite matrix; zero (with zero derivative) for the zero matrix."""
    c, scale = _unit_diagonal((q + q.T) / 2)
    return scale[:, None] * jnp.linalg.cholesky(c)


def solve_psd(q: Float[Array, "d d"], b: Float[Array, "d k"]) -> Float[Array, "d k"]:
    """`q^{-1} b` for a positive semi-definite `q`, on the directions where `q` has a diagonal entry."""
    c, scale = _unit_diagonal((q + q.T) / 2)
    inverse = jnp.where(scale > 0, 1 / jnp.where(scale > 0, scale, 1.0), 0.0)
    return inverse[:, None] * jnp.linalg.solve(c, inverse[:, None] * b)


def gaussian(mean: Float[Array, " d"], covariance: Float[Array, " d"] | Float[Array, "d d"]) -> Law:
    """The Gaussian law with a covariance given as a matrix, or by its diagonal if it has no other entries."""
    # Not validated: a covariance of 0 is a law too, that of a state that is known.
    if covariance.ndim == 1:
        return dist.Normal(mean, safe_sqrt(covariance), validate_args=False).to_event(1)
    return dist.MultivariateNormal(mean, scale_tril=psd_cholesky(covariance), validate_args=False)


def gaussian_moments(law: Law, owner: str) -> tuple[Array, Array]:
    """Mean and covariance (a diagonal `(d,)`, or a matrix) of a Gaussian or degenerate law.

    **Raises:** `ValueError` for any other law, since the marginals are then not Gaussian.
    """
    base = components(law)
    if isinstance(base, dist.Delta):
        return jnp.asarray(base.v), jnp.zeros_like(base.v)
    if isinstance(base, dist.Normal):
        return base.mean, base.variance
    if isinstance(base, dist.MultivariateNormal):
        return jnp.asarray(base.loc), jnp.asarray(base.covariance_matrix)
    problem = "must be Delta, Normal or MultivariateNormal for a marginal in closed form"
    raise ValueError(fault(f"{owner}.initial", problem, law, "draw samples instead, or change the initial law"))


def push(law: Law, a: Array, b: Float[Array, " d"], q: Array, owner: str) -> Law:
    """The law of `a x + b + N(0, q)` for `x` drawn from `law`; `a` and `q` as diagonals `(d,)` or as matrices."""
    mean, covariance = gaussian_moments(law, owner)
    if a.ndim == 1:
        if covariance.ndim == 1:
            return gaussian(a * mean + b, a**2 * covariance + q)
        return gaussian(a * mean + b, a[:, None] * covariance * a[None, :] + jnp.diag(q))
    spread = a * covariance[None, :] if covariance.ndim == 1 else a @ covariance
    return gaussian(a @ mean + b, spread @ a.T + q)
