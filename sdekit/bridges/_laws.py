"""Laws of bridges through particles: atoms, and what lies between them."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import fault
from .._types import Array, Key, RealScalar
from ._bridge import AbstractPotentialBridge


__all__ = ["BridgeMarginal", "Cloud"]


class Cloud(dist.Distribution):
    """Weighted particles as a law. It can be drawn from, and has moments; it has no density.

    **Arguments:**

    - `points`: shape `(n, d)`.
    - `weights`: shape `(n,)`, not negative, with sum 1; 0 for padding.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.bridges import Cloud
        Cloud(jnp.zeros((3, 2)), jnp.ones(3) / 3).sample(jax.random.key(0), (5,)).shape  # (5, 2)
        ```
    """

    pytree_data_fields = ("points", "weights")
    support: Any = dist.constraints.real_vector

    def __init__(self, points: Float[Array, "n d"], weights: Float[Array, " n"], *, validate_args: bool | None = None):
        self.points, self.weights = points, weights
        super().__init__(event_shape=points.shape[-1:], validate_args=validate_args)

    def sample(self, key: Key, sample_shape: tuple[int, ...] = ()) -> Array:
        return self.points[jax.random.categorical(key, jnp.log(self.weights), shape=sample_shape)]

    @property
    def mean(self) -> Array:
        return self.weights @ self.points

    @property
    def variance(self) -> Array:
        return self.weights @ (self.points - self.mean[None]) ** 2


class BridgeMarginal(dist.Distribution):
    """The law of a bridge at one time: draws by paths, density by the potentials.

    **Arguments:**

    - `bridge`: a Schroedinger bridge.
    - `t`: the time.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges
        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), jnp.array([[[0.0], [1.0]], [[2.0], [3.0]]]))
        law = bridges.SinkhornBridge(sk.processes.BrownianMotion(), data).marginal(0.5)
        law.sample(jax.random.key(0), (3,)), law.log_prob(jnp.array([1.5]))
        ```
    """

    pytree_data_fields = ("bridge", "t")
    support: Any = dist.constraints.real_vector

    def __init__(self, bridge: Any, t: RealScalar, *, validate_args: bool | None = None):
        self.bridge, self.t = bridge, jnp.asarray(t, bridge.times.dtype)
        super().__init__(event_shape=(bridge.dim,), validate_args=validate_args)

    def sample(self, key: Key, sample_shape: tuple[int, ...] = ()) -> Array:
        if sample_shape == ():
            return self.bridge.draw(self.t[None], key=key).xs[0]
        path = self.bridge.sample(self.t[None], key=key, n=math.prod(sample_shape))
        return path.xs[:, 0].reshape(*sample_shape, -1)

    def log_prob(self, value: Float[Array, "... d"]) -> Array:
        if not isinstance(self.bridge, AbstractPotentialBridge):
            remedy = "draw from it, or use a bridge that has potentials"
            raise TypeError(fault("bridge", "must know its density", type(self.bridge).__name__, remedy))
        one = lambda x: self.bridge.log_density(self.t, x)
        rows = value.reshape(-1, value.shape[-1])
        return jax.vmap(one)(rows).reshape(value.shape[:-1])
