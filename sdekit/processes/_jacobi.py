"""The Jacobi (Wright-Fisher) process on the unit interval."""

from typing import ClassVar

import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._parameters import constraints, law_field, parameter
from .._process import AbstractInterpretation, AbstractNoiseStructure, AbstractStationary, Diagonal, Ito
from .._types import Array, Law, RealScalar, State, as_vector
from ._numerical import AbstractNumericalDiffusion
from ._stable import expm1_ratio, safe_sqrt, vectors


__all__ = ["Jacobi"]


class Jacobi(AbstractNumericalDiffusion, AbstractStationary):
    r"""$dX = \kappa(\theta - X)\,dt + \sigma\sqrt{X(1 - X)}\,dW$ on $[0, 1]$, each component on its own.

    The stationary law is Beta with parameters $2\kappa\theta/\sigma^2$ and $2\kappa(1 - \theta)/\sigma^2$, and
    conditional moments are exact (`moments`). Its transition density is an infinite series that needs ever more terms
    at short times, so it is not offered as exact; draws are numerical.

    **Arguments:**

    - `rate`: $\kappa > 0$, a number or shape `(d,)`, per unit of time.
    - `mean`: $\theta$ in $(0, 1)$, a number or shape `(d,)`.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`, per root unit of time.
    - `start`: the law at the first time; `None` for the stationary law, which then moves with the parameters.

    **Raises:** `ValueError` if a parameter is out of its domain or the shapes do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import Jacobi
        process = Jacobi(rate=1.0, mean=0.5, scale=0.5)
        path = process.sample(jnp.linspace(0.0, 5.0, 51), key=jax.random.key(0))
        process.moments(1.0, jnp.array([0.2]))
        ```

    Source: Karlin and Taylor (1981), A Second Course in Stochastic Processes, 15.2; Forman and Sorensen (2008), The
    Pearson diffusions, case 6.
    """

    rate: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    mean: Float[Array, " d"] = parameter(constraints.open_interval(0.0, 1.0), converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    start: Law | None = law_field()
    """The law at the first time; `None` for the stationary law, which then moves with the parameters."""
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Diagonal

    def __init__(self, rate: ArrayLike, mean: ArrayLike = 0.5, scale: ArrayLike = 0.5, start: Law | None = None):
        self.rate, self.mean, self.scale = vectors("Jacobi", rate=rate, mean=mean, scale=scale)
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
        # A solver's step may leave [0, 1], where the law never is: the root is continued by 0.
        return lx.DiagonalLinearOperator(self.scale * safe_sqrt(x * (1 - x)))

    def stationary(self) -> Law:
        weight = 2 * self.rate / self.scale**2
        return dist.Beta(weight * self.mean, weight * (1 - self.mean)).to_event(1)

    def moments(self, h: RealScalar, x: State) -> tuple[Float[Array, " d"], Float[Array, " d"]]:
        r"""The exact mean and variance of the state after a time, given the state now.

        From $\frac{d}{dt} E X^2 = (2\kappa\theta + \sigma^2) E X - (2\kappa + \sigma^2) E X^2$.

        **Arguments:**

        - `h`: the time, shape `()`.
        - `x`: the state now, shape `(d,)`.

        **Returns:** the mean and the variance of each component, shapes `(d,)`.
        """
        k, s2 = self.rate, self.scale**2
        fall, source = 2 * k + s2, 2 * k * self.mean + s2
        away = x - self.mean
        mean = self.mean + away * jnp.exp(-k * h)
        level = self.mean * h * expm1_ratio(-fall * h)
        ramp = away * jnp.exp(-k * h) * h * expm1_ratio(-(fall - k) * h)
        second = x**2 * jnp.exp(-fall * h) + source * (level + ramp)
        return mean, jnp.maximum(second - mean**2, 0.0)
