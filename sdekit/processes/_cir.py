"""The Cox-Ingersoll-Ross process and squared Bessel processes."""

from typing import ClassVar

import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Bool, Float

from .._parameters import constraints, law_field, parameter
from .._process import (
    AbstractExactDiffusion,
    AbstractInterpretation,
    AbstractMarginal,
    AbstractNoiseStructure,
    AbstractStationary,
    Diagonal,
    Ito,
)
from .._types import Array, Law, RealScalar, State, as_vector
from ._fixed import fixed_state
from ._ncx2 import NoncentralChi2
from ._stable import expm1_ratio, safe_sqrt, vectors


__all__ = ["CoxIngersollRoss", "SquaredBessel"]


class CoxIngersollRoss(AbstractExactDiffusion, AbstractMarginal, AbstractStationary):
    r"""$dX = \kappa(\theta - X)\,dt + \sigma\sqrt{X}\,dW$ on $X \ge 0$, each component on its own.

    With $c = \sigma^2(1 - e^{-\kappa h})/4\kappa$ the transition is $c\,\chi'^2_k(x e^{-\kappa h}/c)$ with
    $k = 4\kappa\theta/\sigma^2$ degrees of freedom. The stationary law is Gamma with shape $k/2$ and rate
    $2\kappa/\sigma^2$. The process stays away from 0 where $2\kappa\theta \ge \sigma^2$ (`feller`); otherwise it
    touches 0 and is reflected, and transitions remain exact.

    **Arguments:**

    - `rate`: $\kappa > 0$, a number or shape `(d,)`, per unit of time.
    - `mean`: $\theta > 0$, a number or shape `(d,)`.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`.
    - `start`: the law at the first time (at time 0, for `marginal`); `None` for the stationary law, which then moves
        with the parameters.

    **Raises:** `ValueError` if a parameter is not positive or the shapes do not fit; `marginal` raises unless `start`
    is `None` or fixed (`Delta`).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import CoxIngersollRoss
        process = CoxIngersollRoss(rate=2.0, mean=0.04, scale=0.3)
        path = process.sample(jnp.linspace(0.0, 1.0, 13), key=jax.random.key(0))
        process.transition(0.0, 0.5, jnp.array([0.1])).mean  # [0.0621]
        ```

    Source: Cox, Ingersoll and Ross (1985), A theory of the term structure of interest rates, equation (18).
    """

    rate: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    mean: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    start: Law | None = law_field()
    """The law at the first time; `None` for the stationary law, which then moves with the parameters."""
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Diagonal

    def __init__(self, rate: ArrayLike, mean: ArrayLike = 1.0, scale: ArrayLike = 1.0, start: Law | None = None):
        self.rate, self.mean, self.scale = vectors("CoxIngersollRoss", rate=rate, mean=mean, scale=scale)
        self.start = start

    @property
    def dim(self) -> int:
        return self.rate.shape[0]

    @property
    def initial(self) -> Law:
        return self.stationary() if self.start is None else self.start

    @property
    def feller(self) -> Bool[Array, " d"]:
        r"""Whether $2\kappa\theta \ge \sigma^2$, so that 0 is never reached."""
        return 2 * self.rate * self.mean >= self.scale**2

    def drift(self, t: RealScalar, x: State) -> State:
        return self.rate * (self.mean - x)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        # A solver's step may cross 0, where the law never is: the root is continued by 0.
        return lx.DiagonalLinearOperator(self.scale * safe_sqrt(x))

    def stationary(self) -> Law:
        precision = 2 * self.rate / self.scale**2
        return dist.Gamma(precision * self.mean, precision).to_event(1)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        h = t1 - t0
        unit = self.scale**2 * h * expm1_ratio(-self.rate * h) / 4
        df = 4 * self.rate * self.mean / self.scale**2
        return NoncentralChi2(df, x * jnp.exp(-self.rate * h) / unit, unit, validate_args=False).to_event(1)

    def marginal(self, t: RealScalar) -> Law:
        if self.start is None:
            return self.stationary()
        return self.transition(0.0, t, fixed_state(self.start, "CoxIngersollRoss"))


class SquaredBessel(AbstractExactDiffusion, AbstractMarginal):
    r"""$dZ = \delta\,dt + 2\sqrt{Z}\,dW$ on $Z \ge 0$, each component on its own.

    For whole $\delta$ it is the squared distance from the origin of a Brownian motion in $\delta$ dimensions. Its
    transition is $h\,\chi'^2_\delta(z/h)$.

    **Arguments:**

    - `dimension`: $\delta > 0$, a number or shape `(d,)`.
    - `initial`: the law at the first time (at time 0, for `marginal`); 0 by default.

    **Raises:** `ValueError` if `dimension` is not positive; `marginal` raises unless `initial` is fixed (`Delta`).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import SquaredBessel
        process = SquaredBessel(dimension=3.0)
        path = process.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        process.marginal(2.0).mean  # [6.0]
        ```

    Source: Revuz and Yor (1999), Continuous Martingales and Brownian Motion, chapter XI.
    """

    dimension: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    initial: Law = law_field()
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Diagonal

    def __init__(self, dimension: ArrayLike, initial: Law | None = None):
        (self.dimension,) = vectors("SquaredBessel", dimension=dimension)
        self.initial = dist.Delta(jnp.zeros_like(self.dimension), event_dim=1) if initial is None else initial

    @property
    def dim(self) -> int:
        return self.dimension.shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        return self.dimension

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(2 * safe_sqrt(x))

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        h = jnp.broadcast_to(t1 - t0, self.dimension.shape)
        return NoncentralChi2(self.dimension, x / h, h, validate_args=False).to_event(1)

    def marginal(self, t: RealScalar) -> Law:
        return self.transition(0.0, t, fixed_state(self.initial, "SquaredBessel"))
