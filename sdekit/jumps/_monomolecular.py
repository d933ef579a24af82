"""Exact laws of networks whose molecules never meet."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import require
from .._types import Array, RealScalar
from ._network import ReactionNetwork


__all__ = ["MonomolecularLaw", "monomolecular_law"]


class MonomolecularLaw(NamedTuple):
    r"""The law of the counts at one time: multinomials of the molecules there were, and Poisson numbers of new ones.

    $X_t = \sum_k \mathrm{Multinomial}(n_k, p_k) + \mathrm{Poisson}(\lambda)$, all independent.

    !!! example

        ```python
        from sdekit.jumps import ReactionNetwork, monomolecular_law
        network = ReactionNetwork({"in": "0 -> X", "out": "X -> 0"}, {"in": 10.0, "out": 0.1}, {"X": 5})
        monomolecular_law(network, 50.0).mean  # [99.36]
        ```
    """

    start: Float[Array, " d"]
    """The counts `n` at the start."""
    kept: Float[Array, "d d"]
    """`p[k, i]`: the probability that a molecule of species `k` at the start is now one of species `i`."""
    new: Float[Array, " d"]
    """The mean number of molecules made since the start."""

    @property
    def mean(self) -> Float[Array, " d"]:
        """The mean of each count."""
        return self.start @ self.kept + self.new

    @property
    def covariance(self) -> Float[Array, "d d"]:
        """The covariance of the counts."""
        cross = self.kept.T @ (self.start[:, None] * self.kept)
        return jnp.diag(self.mean) - cross

    def probabilities(self, i: int, most: int) -> Float[Array, " k"]:
        """The probability that species number `i` counts 0, 1, ..., `most`."""
        k = jnp.arange(most + 1)
        tiny = jnp.finfo(self.new.dtype).tiny
        law = jnp.exp(dist.Poisson(jnp.maximum(self.new[i], tiny)).log_prob(k))
        for n, p in zip(self.start, self.kept[:, i], strict=True):
            inside = k <= n
            chosen = jnp.where(inside, k, 0)
            p = jnp.clip(p, tiny, 1 - jnp.finfo(p.dtype).epsneg)
            choose = jax.scipy.special.gammaln(n + 1) - jax.scipy.special.gammaln(chosen + 1.0)
            choose = choose - jax.scipy.special.gammaln(n - chosen + 1)
            one = jnp.exp(choose + chosen * jnp.log(p) + (n - chosen) * jnp.log1p(-p))
            law = jnp.convolve(law, jnp.where(inside, one, 0))[: most + 1]
        return law


def monomolecular_law(network: ReactionNetwork, t: RealScalar) -> MonomolecularLaw:
    """The exact law of a network of production, degradation and conversion, at a time after the start.

    Every reaction must be mass action, with at most one molecule on each side: `0 -> A`, `A -> 0`, `A -> B`.

    **Arguments:**

    - `network`: the network.
    - `t`: the time since the start.

    **Returns:** a `MonomolecularLaw`. Differentiable in the rates and in `t`.

    **Raises:** `ValueError` naming a reaction of another kind.

    Source: Jahnke and Huisinga (2007), Solving the chemical master equation for monomolecular reaction systems
    analytically, theorem 1.

    !!! example

        ```python
        from sdekit.jumps import ReactionNetwork, monomolecular_law
        network = ReactionNetwork({"f": "A -> B", "b": "B -> A"}, {"f": 1.0, "b": 2.0}, {"A": 3})
        monomolecular_law(network, 1.0).probabilities(1, 3)
        ```
    """
    d, p = network.dim, dict(zip(network.parameters, network.rates, strict=True))
    m = jnp.zeros((d + 1, d + 1), network.rates.dtype)
    for r in network.reactions:
        small = r.order <= 1 and sum(r.products.values()) <= 1
        remedy = "only 0 -> A, A -> 0 and A -> B have this law; use Projection"
        require(isinstance(r.rate, str) and small, f"Reaction {r.equation!r}", "is not monomolecular", r.rate, remedy)
        assert isinstance(r.rate, str)
        goes = network.species.index(next(iter(r.reactants))) if r.reactants else d
        comes = network.species.index(next(iter(r.products))) if r.products else None
        if goes < d:
            m = m.at[goes, goes].add(-p[r.rate])
        if comes is not None:
            m = m.at[goes, comes].add(p[r.rate])
    flow = jax.scipy.linalg.expm(m * t)
    return MonomolecularLaw(network.start.astype(m.dtype), flow[:d, :d], flow[d, :d])
