"""The Ornstein-Uhlenbeck process."""

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
    AbstractNoiseStructure,
    AbstractStationary,
    Additive,
    Ito,
)
from .._types import Array, Law, RealScalar, State, as_vector


__all__ = ["OrnsteinUhlenbeck"]


class OrnsteinUhlenbeck(AbstractExactDiffusion, AbstractLinearGaussian, AbstractStationary):
    r"""$dX = \theta(\mu - X)\,dt + \sigma\,dW$, each component on its own. Starts stationary by default."""

    rate: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    mean: Float[Array, " d"] = parameter(converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    start: Law | None = law_field()
    """The law at the first time; `None` for the stationary law, which then moves with the parameters."""
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(self, rate: ArrayLike, mean: ArrayLike = 0.0, scale: ArrayLike = 1.0, start: Law | None = None):
        rate, mean, scale = as_vector(rate), as_vector(mean), as_vector(scale)
        self.rate, self.mean, self.scale = jnp.broadcast_arrays(rate, mean, scale)
        self.start = start

    @property
    def dim(self) -> int:
        return self.rate.shape[0]

    @property
    def initial(self) -> Law:
        return self.stationary() if self.start is None else self.start

    def drift(self, t: RealScalar, x: State) -> State:
        return self.rate * (self.mean - x)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale)

    def stationary(self) -> Law:
        return dist.Normal(self.mean, self.scale / jnp.sqrt(2 * self.rate)).to_event(1)

    def _coefficients(self, h):
        decay = jnp.exp(-self.rate * h)
        return (
            decay,
            -self.mean * jnp.expm1(-self.rate * h),
            self.scale**2 * -jnp.expm1(-2 * self.rate * h) / (2 * self.rate),
        )

    def discretise(self, t0, t1):
        a, b, q = self._coefficients(t1 - t0)
        return jnp.diag(a), b, jnp.diag(q)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self._coefficients(t1 - t0)
        return dist.Normal(a * x + b, jnp.sqrt(q)).to_event(1)
