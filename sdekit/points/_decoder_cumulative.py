"""A decoder that learns the compensator itself."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key
from ._decoder import AbstractDecoder, inverse_softplus
from ._decoders_closed import AbstractGapLaws
from ._decoders_intensity import base_rates, check_decoder
from ._encoder import uniform
from ._next import searched_bound
from ._samplers import invert


__all__ = ["CumulativeNetwork"]

_FARTHEST = 1e6
_HALVINGS = 80


class CumulativeGaps(AbstractGapLaws):
    """Compensators from a network that rises with the gap; hazards are its derivatives."""

    shift: Float[Array, "k w"]
    first: Float[Array, "k w 2"]
    second: Float[Array, "k w w"]
    third: Float[Array, "k w"]
    level: Float[Array, "k w"]
    line: Float[Array, " k"]
    unit: Float[Array, ""]

    def only(self, kind):
        return jax.tree.map(lambda x: x[kind][None] if x.ndim else x, self)

    def _rising(self, x):
        seen = jnp.stack([x, jnp.log1p(8 * x)])
        a = jnp.tanh(self.first @ seen + self.shift)
        b = jnp.tanh(jnp.einsum("kij,kj->ki", self.second, a) + self.level)
        return (self.third * b).sum(axis=-1) + self.line * x

    def _both(self, gap):
        x = jnp.asarray(gap) / self.unit
        value, slope = jax.jvp(self._rising, (x,), (jnp.ones_like(x),))
        return value - self._rising(jnp.zeros_like(x)), slope / self.unit

    def log_densities(self, gap):
        cumulative, hazard = self._both(gap)
        return jnp.log(hazard) - cumulative

    def log_survivals(self, gap):
        return -self._both(gap)[0]

    def bound(self, a, b):
        return searched_bound(self, a, b, 2)

    def gaps(self, after, *, key):
        keys = jax.random.split(key, self.line.shape[0])
        limit = _FARTHEST * self.unit + after

        def one(kind, key):
            law = self.only(kind)
            target = law.log_survival(after) - jax.random.exponential(key, dtype=self.line.dtype)
            gap = invert(law, target, jnp.asarray(after, self.line.dtype), limit, _HALVINGS)
            return jnp.where(law.log_survival(limit) < target, gap, jnp.inf)

        return jax.vmap(one)(jnp.arange(self.line.shape[0]), keys)


class CumulativeNetwork(AbstractDecoder):
    r"""A network with positive weights along the gap as the compensator $\Lambda_k(g)$, and its derivative as hazard.

    The network is taken from its value at 0, so that $\Lambda(0) = 0$, and has a linear part, so that no mass is left
    at infinity: the published network lacks both. Draws invert the compensator.

    **Arguments:**

    - `size`, `kinds`, `key`, `shares`: as in `MovingIntensity`.
    - `width`: of the two hidden layers.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import CumulativeNetwork
        CumulativeNetwork(8, 1, width=8, key=jax.random.key(0)).kinds  # 1
        ```

    Source: Omi, Ueda and Aihara (2019), Fully neural network based model for general temporal point processes, sec. 3.
    """

    weight: Float[Array, "o h"]
    first: Float[Array, "k w 2"]
    second: Float[Array, "k w w"]
    third: Float[Array, "k w"]
    level: Float[Array, "k w"]
    line: Float[Array, " k"]
    kinds: int = eqx.field(static=True)

    def __init__(self, size: int, kinds: int, *, width: int = 16, key: Key, shares: np.ndarray | None = None):
        check_decoder(size, kinds, 2)
        require(width >= 1, "width", "must be positive", width, "pass e.g. 16")
        k1, k2, k3, k4 = jax.random.split(key, 4)
        self.weight = uniform(k1, (kinds * width, size), size)
        self.first = jax.random.normal(k2, (kinds, width, 2)) - 1
        self.second = jax.random.normal(k3, (kinds, width, width)) / 2 - float(np.log(width))
        self.third = jax.random.normal(k4, (kinds, width)) / 2 - float(np.log(width))
        self.level = jnp.zeros((kinds, width))
        self.line = jnp.asarray(inverse_softplus(base_rates(kinds, shares) / 2), self.weight.dtype)
        self.kinds = kinds

    def law(self, memory, scale):
        h = memory(jnp.zeros(1, scale.unit.dtype))[0]
        shift = (h @ self.weight.T).reshape(self.level.shape)
        rising = (jax.nn.softplus(x) for x in (self.first, self.second, self.third))
        return CumulativeGaps(shift, *rising, self.level, jax.nn.softplus(self.line), scale.unit)  # pyright: ignore[reportCallIssue]
