"""Mixtures with exact plans and drifts in any dimension, and the score that they are for."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key, RealScalar
from ..data import Snapshots
from ..processes import BrownianMotion
from ._algebra import psd_sqrt
from ._mixture import LightSB


__all__ = ["cbw2_uvp", "mixture_benchmark"]


def mixture_benchmark(
    dim: int, epsilon: RealScalar, *, key: Key, n: int = 10_000, components: int = 5, radius: float = 5.0
) -> LightSB:
    r"""A Schroedinger bridge that is known exactly, between a Gaussian and a mixture, for a Brownian reference.

    $X_0 \sim N(0, 1)$ in each component, the reference has scale $\sqrt\varepsilon$ on $[0, 1]$, and the end potential
    is a mixture with centres on a sphere and random diagonal spreads. Ends are drawn exactly given starts, so that the
    second marginal is what it is and the plan and the drift are in closed form.

    **Arguments:**

    - `dim`: the number of components.
    - `epsilon`: the variance of the reference over the interval.
    - `key`: a JAX key.
    - `n`: particles in each snapshot; the two are drawn independently.
    - `components`: of the potential.
    - `radius`: of the sphere.

    **Returns:** the true bridge; its `data` are the snapshots to learn from.

    !!! example

        ```python
        import jax
        from sdekit.bridges import mixture_benchmark
        truth = mixture_benchmark(2, 0.1, key=jax.random.key(0), n=100)
        truth.data, truth.drift(0.5, truth.data.xs[0, 0])
        ```

    Source: Gushchin et al. (2023), Building the bridge of Schroedinger, NeurIPS, theorem 3.2 (its construction; the
    parameters are our own).
    """
    require(dim >= 1, "dim", "must be positive", dim, "pass dim >= 1")
    keys = jax.random.split(key, 6)
    start = jax.random.normal(keys[0], (2, n, dim))
    reference = BrownianMotion(scale=jnp.full(dim, jnp.sqrt(epsilon)))
    blank = LightSB(reference, Snapshots(jnp.array([0.0, 1.0]), start), components, key=keys[1])
    direction = jax.random.normal(keys[2], (components, dim))
    centres = radius * direction / jnp.linalg.norm(direction, axis=1, keepdims=True) / jnp.sqrt(epsilon)
    spreads = jax.random.uniform(keys[3], (components, dim), minval=0.3, maxval=1.0)
    # Each component draws its share of the starts: the logits balance the quadratic terms on average.
    logits = -0.5 * (spreads.sum(1) / epsilon + (centres**2).sum(1))
    parts = lambda m: (m.logits, m.centres, m.spreads)
    truth = eqx.tree_at(parts, blank, (logits, centres, spreads))
    ends = jax.vmap(lambda x, k: truth.end(x, key=k))(start[1], jax.random.split(keys[4], n))
    data = Snapshots(jnp.array([0.0, 1.0]), jnp.stack([start[0], ends]))
    return eqx.tree_at(lambda m: m.data, truth, data)


def cbw2_uvp(bridge: LightSB, truth: LightSB, starts: Float[Array, "n d"]) -> Float[Array, ""]:
    r"""The conditional Bures-Wasserstein score: how far ends given starts are from the truth, in per cent.

    $100\,E\,BW_2^2(\pi(\cdot|x_0), \pi^*(\cdot|x_0)) / \tfrac12 \operatorname{Var}(X_1)$, by the means and
    covariances of the two plans at each start.

    **Arguments:**

    - `bridge`, `truth`: fitted and true.
    - `starts`: fresh draws of $X_0$, shape `(n, d)`.

    **Returns:** per cent; 0 is perfect, 100 that of a constant map to the mean, about.

    !!! example

        ```python
        import jax
        from sdekit.bridges import cbw2_uvp, mixture_benchmark
        truth = mixture_benchmark(2, 0.1, key=jax.random.key(0), n=100)
        cbw2_uvp(truth, truth, truth.data.xs[0, :10])  # 0
        ```

    Source: Gushchin et al. (2023), Building the bridge of Schroedinger, equation 19.
    """
    return _score(bridge, truth, starts)


@eqx.filter_jit
def _score(bridge, truth, starts) -> Array:
    def one(x):
        m, s = bridge.conditional(x)
        n, r = truth.conditional(x)
        root = psd_sqrt(r)
        inner = root @ s @ root
        cross = jnp.sqrt(jnp.maximum(jnp.linalg.eigvalsh((inner + inner.T) / 2), 0)).sum()
        return ((m - n) ** 2).sum() + jnp.trace(s) + jnp.trace(r) - 2 * cross

    variance = truth.data.xs[1].var(0).sum()
    return 100 * jax.lax.map(one, starts).mean() / (variance / 2)
