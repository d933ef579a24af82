"""The Ornstein-Uhlenbeck process."""

from typing import ClassVar

import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._parameters import constraints, law_field, parameter
from .._process import (
    AbstractBridged,
    AbstractExactDiffusion,
    AbstractInterpretation,
    AbstractLinearGaussian,
    AbstractMarginal,
    AbstractNoiseStructure,
    AbstractStationary,
    Additive,
    Ito,
)
from .._types import Array, Law, RealScalar, State, as_vector
from ._bridge import GaussianBridge
from ._linear_gaussian import gaussian, push
from ._stable import expm1_ratio, vectors


__all__ = ["OrnsteinUhlenbeck"]


class OrnsteinUhlenbeck(
    AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal, AbstractStationary, AbstractBridged
):
    r"""$dX = \theta(\mu - X)\,dt + \sigma\,dW$, each component on its own. Starts stationary by default.

    Its transition is $N(\mu + (x - \mu)e^{-\theta h}, \sigma^2(1 - e^{-2\theta h})/2\theta)$, its stationary law
    $N(\mu, \sigma^2/2\theta)$. The limit $\theta \to 0$ is Brownian motion, with finite gradients.

    **Arguments:**

    - `rate`: $\theta > 0$, a number or shape `(d,)`, per unit of time.
    - `mean`: $\mu$, a number or shape `(d,)`.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`.
    - `start`: the law at the first time (at time 0, for `marginal`); `None` for the stationary law, which then moves
        with the parameters.

    **Raises:** `ValueError` if `rate` or `scale` is not positive or the shapes do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import OrnsteinUhlenbeck
        process = OrnsteinUhlenbeck(rate=2.0, mean=0.5, scale=0.3)
        path = process.sample(jnp.linspace(0.0, 5.0, 51), key=jax.random.key(0), n=4)
        process.stationary().variance  # [0.0225]
        ```

    Source: Uhlenbeck and Ornstein (1930), On the theory of the Brownian motion.
    """

    rate: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    mean: Float[Array, " d"] = parameter(converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    start: Law | None = law_field()
    """The law at the first time; `None` for the stationary law, which then moves with the parameters."""
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(self, rate: ArrayLike, mean: ArrayLike = 0.0, scale: ArrayLike = 1.0, start: Law | None = None):
        self.rate, self.mean, self.scale = vectors("OrnsteinUhlenbeck", rate=rate, mean=mean, scale=scale)
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
        shift = -self.mean * jnp.expm1(-self.rate * h)
        return decay, shift, self.scale**2 * h * expm1_ratio(-2 * self.rate * h)

    def discretise(self, t0, t1):
        a, b, q = self._coefficients(t1 - t0)
        return jnp.diag(a), b, jnp.diag(q)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self._coefficients(t1 - t0)
        return gaussian(a * x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        if self.start is None:
            return self.stationary()
        return push(self.start, *self._coefficients(t), "OrnsteinUhlenbeck")

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> GaussianBridge:
        return GaussianBridge(self, t0, x0, t1, x1)
