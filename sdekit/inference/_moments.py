"""The mean and covariance of a Gaussian law."""

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float
from numpyro.distributions.distribution import ExpandedDistribution

from .._errors import fault
from .._types import Array, Law


__all__ = ["gaussian_moments", "is_gaussian"]

_JOINT = dist.MultivariateNormal | dist.LowRankMultivariateNormal


def is_gaussian(law: Law) -> bool:
    """Whether a law is Gaussian, a point mass counted as one.

    **Arguments:**

    - `law`: a law with event shape `(d,)`.

    **Returns:** `True` for `Normal(...).to_event(1)`, `MultivariateNormal`, `Delta`.
    """
    return isinstance(_base(law), dist.Normal | _JOINT | dist.Delta)


def _base(law: Law) -> Law:
    while isinstance(law, dist.Independent | ExpandedDistribution):
        law = law.base_dist
    return law


def gaussian_moments(law: Law, argument: str) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """The mean and covariance of a Gaussian law, a point mass counted as one.

    **Arguments:**

    - `law`: a law with event shape `(d,)`.
    - `argument`: its name in the message.

    **Returns:** the mean `(d,)` and the covariance `(d, d)`.

    **Raises:** `ValueError` if the law is not Gaussian.
    """
    if not is_gaussian(law):
        remedy = "start from Normal(...).to_event(1), MultivariateNormal or Delta, or use a simulation-based method"
        raise ValueError(fault(argument, "must be a Gaussian law for an exact filter", type(law).__name__, remedy))
    base = _base(law)
    if isinstance(base, _JOINT):
        return jnp.asarray(base.mean), jnp.asarray(base.covariance_matrix)
    mean = jnp.asarray(law.mean)
    variance = jnp.zeros_like(mean) if isinstance(base, dist.Delta) else jnp.broadcast_to(law.variance, mean.shape)
    return mean, jnp.diag(variance)
