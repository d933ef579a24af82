"""Decoders by conditional intensity, one hazard a kind: the compensator comes from quadrature."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key
from ._decoder import AbstractDecoder, AbstractHazardCurve, inverse_softplus
from ._encoder import AbstractMemory, AbstractMonotoneMemory, uniform
from ._next import searched_bound


__all__ = ["DriftingIntensity", "MovingIntensity", "RelaxingIntensity"]

_NODES = 12


def base_rates(kinds: int, shares: np.ndarray | None) -> np.ndarray:
    """How often each kind comes in a typical gap, to begin with; evenly if not given."""
    shares = np.full(kinds, 1 / kinds) if shares is None else np.asarray(shares, np.float64)
    ok = shares.shape == (kinds,) and bool((shares > 0).all())
    require(ok, "shares", f"must be {kinds} positive numbers", shares, "pass the share of each kind of event")
    return shares / shares.sum()


def check_decoder(size: int, kinds: int, nodes: int) -> None:
    """Raise unless all are positive."""
    require(size >= 1 and kinds >= 1, "size, kinds", "must be positive", (size, kinds), "pass the size of the encoder")
    require(nodes >= 2, "nodes", "must be at least 2", nodes, "pass e.g. 12")


class MovingHazard(AbstractHazardCurve):
    """The softplus of a linear function of a memory that moves."""

    memory: AbstractMemory
    weight: Float[Array, "k h"]
    bias: Float[Array, " k"]
    unit: Float[Array, ""]
    nodes: int = eqx.field(static=True)

    def arguments(self, gaps):
        return self.memory(gaps / self.unit) @ self.weight.T + self.bias[None]

    def bound(self, a, b):
        if not isinstance(self.memory, AbstractMonotoneMemory):
            return searched_bound(self, a, b, 2)
        ends = self.memory(jnp.stack([jnp.asarray(a), jnp.asarray(b)]) / self.unit)
        most = jnp.maximum(self.weight * ends[0][None], self.weight * ends[1][None]).sum(axis=-1)
        return jax.nn.softplus(most + self.bias).sum() / self.unit


class MovingIntensity(AbstractDecoder):
    r"""$\lambda_k(g) = \text{softplus}(w_k \cdot h(g) + b_k)$: the memory moves, and the intensity with it.

    The decoder of the neural Hawkes process, of attention that queries, of differential equations and state spaces.

    **Arguments:**

    - `size`: the length of a memory.
    - `kinds`: how many kinds of events.
    - `key`: a JAX key for the initial weights.
    - `shares`: how often each kind occurs, to begin with; see `base_rates` of a record in the presets.
    - `nodes`: of the quadrature between two events.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import MovingIntensity
        MovingIntensity(8, 2, key=jax.random.key(0)).kinds  # 2
        ```

    Source: Mei and Eisner (2017), The neural Hawkes process, equation (4).
    """

    weight: Float[Array, "k h"]
    bias: Float[Array, " k"]
    kinds: int = eqx.field(static=True)
    nodes: int = eqx.field(static=True)

    def __init__(self, size: int, kinds: int, *, key: Key, shares: np.ndarray | None = None, nodes: int = _NODES):
        check_decoder(size, kinds, nodes)
        self.weight = uniform(key, (kinds, size), size)
        self.bias = jnp.asarray(inverse_softplus(base_rates(kinds, shares)), self.weight.dtype)
        self.kinds, self.nodes = kinds, nodes

    def law(self, memory, scale):
        return MovingHazard(memory=memory, weight=self.weight, bias=self.bias, unit=scale.unit, nodes=self.nodes)


class RelaxingHazard(AbstractHazardCurve):
    r"""$\text{softplus}(\mu + (\eta - \mu) e^{-\gamma g})$."""

    limit: Float[Array, " k"]
    first: Float[Array, " k"]
    rate: Float[Array, " k"]
    unit: Float[Array, ""]
    nodes: int = eqx.field(static=True)

    def arguments(self, gaps):
        # Gaps and kinds in one row: kinds alone are too few for a vector unit.
        row = lambda x: jnp.tile(x, gaps.shape[0])
        decay = jnp.exp(-row(self.rate) * jnp.repeat(gaps / self.unit, self.rate.shape[0]))
        return (row(self.limit) + row(self.first - self.limit) * decay).reshape(-1, self.rate.shape[0])

    def bound(self, a, b):
        return self.hazards(jnp.stack([jnp.asarray(a), jnp.asarray(b)])).max(axis=0).sum()


class RelaxingIntensity(AbstractDecoder):
    r"""$\lambda_k(g) = \text{softplus}(\mu_k + (\eta_k - \mu_k) e^{-\gamma_k g})$ with all three learned functions.

    **Arguments:** as `MovingIntensity`.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import RelaxingIntensity
        RelaxingIntensity(8, 2, key=jax.random.key(0)).kinds  # 2
        ```

    Source: Zhang, Lipani, Kirnap and Yilmaz (2020), Self-attentive Hawkes process, equations (12) to (14).
    """

    weight: Float[Array, "3 k h"]
    bias: Float[Array, "3 k"]
    kinds: int = eqx.field(static=True)
    nodes: int = eqx.field(static=True)

    def __init__(self, size: int, kinds: int, *, key: Key, shares: np.ndarray | None = None, nodes: int = _NODES):
        check_decoder(size, kinds, nodes)
        self.weight = uniform(key, (3, kinds, size), size)
        base = inverse_softplus(base_rates(kinds, shares))
        self.bias = jnp.asarray(np.stack([base, base, np.ones(kinds)]), self.weight.dtype)
        self.kinds, self.nodes = kinds, nodes

    def law(self, memory, scale):
        h = memory(jnp.zeros(1, scale.unit.dtype))[0]
        limit, first, rate = (h @ self.weight.reshape(-1, h.shape[0]).T).reshape(self.bias.shape) + self.bias
        return RelaxingHazard(limit=limit, first=first, rate=jax.nn.softplus(rate), unit=scale.unit, nodes=self.nodes)


class DriftingHazard(AbstractHazardCurve):
    r"""$\text{softplus}(a + b g)$."""

    first: Float[Array, " k"]
    slope: Float[Array, " k"]
    unit: Float[Array, ""]
    nodes: int = eqx.field(static=True)

    def arguments(self, gaps):
        return self.first[None] + self.slope[None] * (gaps / self.unit)[:, None]

    def bound(self, a, b):
        return self.hazards(jnp.stack([jnp.asarray(a), jnp.asarray(b)])).max(axis=0).sum()


class DriftingIntensity(AbstractDecoder):
    r"""$\lambda_k(g) = \text{softplus}(w_k \cdot h + b_k + \alpha_k g)$, one slope a kind.

    The paper divides the gap by the time of the last event, which depends on where time is counted from; here it is in
    units of a typical gap.

    **Arguments:** as `MovingIntensity`.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import DriftingIntensity
        DriftingIntensity(8, 2, key=jax.random.key(0)).kinds  # 2
        ```

    Source: Zuo, Jiang, Li, Zhao and Zha (2020), Transformer Hawkes process, equation (6).
    """

    weight: Float[Array, "k h"]
    bias: Float[Array, " k"]
    slope: Float[Array, " k"]
    kinds: int = eqx.field(static=True)
    nodes: int = eqx.field(static=True)

    def __init__(self, size: int, kinds: int, *, key: Key, shares: np.ndarray | None = None, nodes: int = _NODES):
        check_decoder(size, kinds, nodes)
        self.weight = uniform(key, (kinds, size), size)
        self.bias = jnp.asarray(inverse_softplus(base_rates(kinds, shares)), self.weight.dtype)
        self.slope = jnp.zeros(kinds)
        self.kinds, self.nodes = kinds, nodes

    def law(self, memory, scale):
        first = memory(jnp.zeros(1, scale.unit.dtype))[0] @ self.weight.T + self.bias
        return DriftingHazard(first=first, slope=self.slope, unit=scale.unit, nodes=self.nodes)
