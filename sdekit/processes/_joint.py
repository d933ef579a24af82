"""The law of independent parts of one vector."""

from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float
from numpyro.distributions import constraints

from .._types import Array, Key, Law


__all__ = ["CentredGaussian", "JointLaw"]


class CentredGaussian(dist.Distribution):
    r"""The centred Gaussian law of $L \xi$ with $\xi$ standard normal; of full rank or not.

    Shape `(k, r)` for the root $L$; `r = 0` for the law of the zero vector. Its density exists where `r = k`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import CentredGaussian
        CentredGaussian(jnp.array([[1.0], [1.0]])).sample(jax.random.key(0)).shape  # (2,)
        ```
    """

    arg_constraints = {"root": constraints.real_matrix}
    support: Any = constraints.real_vector
    reparametrized_params = ["root"]
    pytree_data_fields = ("root",)

    def __init__(self, root: Float[Array, "k r"], *, validate_args: bool | None = None):
        self.root = root
        super().__init__(batch_shape=(), event_shape=root.shape[:1], validate_args=validate_args)

    def sample(self, key: Key, sample_shape: tuple[int, ...] = ()) -> Array:
        z = jax.random.normal(key, (*sample_shape, self.root.shape[1]), self.root.dtype)
        return z @ self.root.T

    def log_prob(self, value: Array) -> Array:
        return dist.MultivariateNormal(jnp.zeros(self.event_shape), covariance_matrix=self.covariance_matrix).log_prob(
            value
        )

    @property
    def covariance_matrix(self) -> Float[Array, "k k"]:
        """$L L^T$."""
        return self.root @ self.root.T

    @property
    def mean(self) -> Float[Array, " k"]:
        return jnp.zeros(self.event_shape, self.root.dtype)

    @property
    def variance(self) -> Float[Array, " k"]:
        return jnp.sum(self.root**2, axis=1)


class JointLaw(dist.Distribution):
    """The law of a vector whose parts are independent, one law each.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.processes import JointLaw
        law = JointLaw((dist.Delta(jnp.ones(2), event_dim=1), dist.Normal(jnp.zeros(3), 1.0).to_event(1)))
        law.sample(jax.random.key(0)).shape  # (5,)
        ```
    """

    support: Any = constraints.real_vector
    pytree_data_fields = ("parts",)

    def __init__(self, parts: tuple[Law, ...], *, validate_args: bool | None = None):
        """**Arguments:**

        - `parts`: laws of vectors, without batch.
        """
        self.parts = tuple(parts)
        size = sum(law.event_shape[0] for law in self.parts)
        super().__init__(batch_shape=(), event_shape=(size,), validate_args=validate_args)

    def sample(self, key: Key, sample_shape: tuple[int, ...] = ()) -> Array:
        keys = jax.random.split(key, len(self.parts))
        drawn: Any = [law.sample(k, sample_shape) for k, law in zip(keys, self.parts, strict=True)]
        return jnp.concatenate([x.astype(drawn[0].dtype) for x in drawn], axis=-1)

    def log_prob(self, value: Array) -> Array:
        total, at = jnp.zeros(value.shape[:-1], value.dtype), 0
        for law in self.parts:
            total = total + law.log_prob(value[..., at : at + law.event_shape[0]])
            at += law.event_shape[0]
        return total

    @property
    def mean(self) -> Array:
        return jnp.concatenate([law.mean for law in self.parts])

    @property
    def variance(self) -> Array:
        return jnp.concatenate([law.variance for law in self.parts])
