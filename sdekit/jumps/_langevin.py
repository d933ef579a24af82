"""The chemical Langevin equation: a diffusion near a reaction network."""

from typing import ClassVar

import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist

from .._process import AbstractDiffusion, AbstractInterpretation, AbstractNoiseStructure, General, Ito
from .._types import Key, Law, RealScalar, State, Times
from ..paths import SampledPath
from ..solve import solve
from ._network import ReactionNetwork


__all__ = ["ChemicalLangevin"]


class ChemicalLangevin(AbstractDiffusion):
    r"""$dX = S^\top a(X)\,dt + S^\top \mathrm{diag}(\sqrt{a(X)})\,dW$ with a Brownian motion for each reaction.

    For networks with many molecules of every species: the mean and covariance of each small step are those of the
    network, and for a linear network so are those of the path. Near zero counts it is wrong, and the equation itself
    leaves the nonnegative numbers; negative propensities count as 0 here, in drift and noise alike.

    **Arguments:**

    - `network`: a `ReactionNetwork`.

    **Raises:** as `solve`, which draws the paths; pass `dt` to it for a step of your own.

    Source: Gillespie (2000), The chemical Langevin equation, equation 23.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit import solve
        from sdekit.jumps import ChemicalLangevin, ReactionNetwork
        network = ReactionNetwork({"in": "0 -> X", "out": "X -> 0"}, {"in": 100.0, "out": 1.0}, {"X": 100})
        path = solve(ChemicalLangevin(network), jnp.linspace(0.0, 1.0, 5), key=jax.random.key(0), dt=0.05)
        ```
    """

    network: ReactionNetwork
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = General

    def __init__(self, network: ReactionNetwork):
        self.network = network

    @property
    def dim(self) -> int:
        return self.network.dim

    @property
    def initial(self) -> Law:
        return dist.Delta(self.network.start.astype(self.network.rates.dtype), event_dim=1)

    def drift(self, t: RealScalar, x: State) -> State:
        a = jnp.maximum(self.network.propensities(t, x), 0)
        return jnp.asarray(self.network.stoichiometry.T, a.dtype) @ a

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        a = self.network.propensities(t, x)
        root = jnp.where(a > 0, jnp.sqrt(jnp.where(a > 0, a, 1)), 0)
        return lx.MatrixLinearOperator(jnp.asarray(self.network.stoichiometry.T, a.dtype) * root[None])

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        path = solve(self, ts, key=key)
        assert isinstance(path, SampledPath)  # there is no event to stop it
        return path
