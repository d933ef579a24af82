"""Brownian motion with drift."""

from typing import ClassVar

import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._parameters import constraints, law_field, parameter
from .._process import (
    AbstractExactDiffusion,
    AbstractInterpretation,
    AbstractLinearGaussian,
    AbstractMarginal,
    AbstractNoiseStructure,
    Additive,
    Ito,
)
from .._types import Array, Law, RealScalar, State, as_vector


__all__ = ["BrownianMotion"]


class BrownianMotion(AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal):
    r"""Brownian motion with drift, $dX = \mu\,dt + \sigma\,dW$, each component on its own."""

    drift_rate: Float[Array, " d"] = parameter(converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    initial: Law = law_field()
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(self, scale: ArrayLike = 1.0, drift_rate: ArrayLike = 0.0, initial: Law | None = None):
        self.scale = as_vector(scale)
        self.drift_rate = jnp.broadcast_to(as_vector(drift_rate), self.scale.shape)
        self.initial = dist.Delta(jnp.zeros_like(self.scale), event_dim=1) if initial is None else initial

    @property
    def dim(self) -> int:
        return self.scale.shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        return self.drift_rate

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale)

    def discretise(self, t0, t1):
        h = t1 - t0
        return jnp.eye(self.dim), self.drift_rate * h, jnp.diag(self.scale**2 * h)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        h = t1 - t0
        return dist.Normal(x + self.drift_rate * h, self.scale * jnp.sqrt(h)).to_event(1)

    def marginal(self, t: RealScalar) -> Law:
        return self.transition(0.0, t, self.initial.mean)
