"""The words of the family: a Schroedinger bridge, and one that is given by its two potentials."""

import abc
from typing import Any

import equinox as eqx
import jax
import lineax as lx
from jaxtyping import Float

from .._process import AbstractDiffusion, AbstractInterpretation, AbstractMarginal, AbstractNoiseStructure
from .._types import Array, RealScalar, State, Times


__all__ = ["AbstractPotentialBridge", "AbstractSchroedingerBridge"]


class AbstractSchroedingerBridge(AbstractDiffusion, AbstractMarginal):
    r"""The law nearest to a reference diffusion, in Kullback-Leibler divergence, that has given marginals.

    Its density at a time is the product of two potentials, $p_t = \varphi_t \hat\varphi_t$: one that carries what is to
    come backwards, one that carries what has been forwards. All else follows:

    - `drift`: $b_+ = f + g g^\top \nabla \log \varphi_t$, of the diffusion run forwards;
    - `backward_drift`: $b_- = f - g g^\top \nabla \log \hat\varphi_t$ (plus the divergence of $g g^\top$ where it
        depends on the state), read forwards in time: the diffusion run backwards has drift $-b_-$;
    - `score`: $\nabla \log p_t$, with $b_+ - b_- = g g^\top \nabla \log p_t$ (Nelson's relation);
    - `probability_flow`: $b_+ - \tfrac12 g g^\top \nabla \log p_t$, whose ODE has the same marginals.

    Times outside of `[times[0], times[-1]]` have no meaning.

    !!! example

        ```python
        from sdekit import bridges
        issubclass(bridges.SinkhornBridge, bridges.AbstractSchroedingerBridge)
        ```

    Source: Leonard (2014), A survey of the Schroedinger problem, section 3; Chen, Georgiou and Pavon (2021), section 4.
    """

    reference: eqx.AbstractVar[Any]
    """The reference diffusion."""
    times: eqx.AbstractVar[Times]
    """The times of the given marginals, at least two."""

    @abc.abstractmethod
    def drift(self, t: RealScalar, x: State) -> State:
        """The drift of the diffusion run forwards."""

    @abc.abstractmethod
    def backward_drift(self, t: RealScalar, x: State) -> State:
        """The drift read backwards: minus it drives the time-reversed diffusion. For noise that is additive."""

    @abc.abstractmethod
    def score(self, t: RealScalar, x: State) -> State:
        """The gradient of the logarithm of the density at a time."""

    @property
    def dim(self) -> int:
        return self.reference.dim

    @property
    def interpretation(self) -> type[AbstractInterpretation]:
        return self.reference.interpretation

    @property
    def structure(self) -> type[AbstractNoiseStructure]:
        return self.reference.structure

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        """That of the reference: bridges change the drift alone."""
        return self.reference.diffusion(t, x)

    def _spread(self, t: RealScalar, x: State, v: State) -> State:
        g = self.reference.diffusion(t, x)
        return g.mv(g.T.mv(v))

    def probability_flow(self, t: RealScalar, x: State) -> State:
        """The velocity of the ODE with the same marginals. For noise that is additive."""
        return (self.drift(t, x) + self.backward_drift(t, x)) / 2


class AbstractPotentialBridge(AbstractSchroedingerBridge):
    """A Schroedinger bridge given by its two potentials, whose gradients are its drifts and its score.

    !!! example

        ```python
        from sdekit import bridges
        issubclass(bridges.LightSB, bridges.AbstractPotentialBridge)
        ```

    Source: Leonard (2014), A survey of the Schroedinger problem, section 3.
    """

    @abc.abstractmethod
    def log_forward(self, t: RealScalar, x: State) -> Float[Array, ""]:
        r"""$\log\varphi_t(x)$, up to a constant of the interval."""

    @abc.abstractmethod
    def log_backward(self, t: RealScalar, x: State) -> Float[Array, ""]:
        r"""$\log\hat\varphi_t(x)$, up to a constant of the interval."""

    @abc.abstractmethod
    def kl(self) -> Float[Array, ""]:
        """The divergence from the reference that starts from the first marginal."""

    def drift(self, t: RealScalar, x: State) -> State:
        """The drift of the diffusion run forwards."""
        return self.reference.drift(t, x) + self._spread(t, x, jax.grad(lambda y: self.log_forward(t, y))(x))

    def log_density(self, t: RealScalar, x: State) -> Float[Array, ""]:
        """The logarithm of the density at a time, up to a constant of the interval."""
        return self.log_forward(t, x) + self.log_backward(t, x)

    def score(self, t: RealScalar, x: State) -> State:
        """The gradient of the logarithm of the density at a time."""
        return jax.grad(lambda y: self.log_density(t, y))(x)

    def backward_drift(self, t: RealScalar, x: State) -> State:
        """The drift read backwards: minus it drives the time-reversed diffusion. For noise that is additive."""
        return self.drift(t, x) - self._spread(t, x, self.score(t, x))
