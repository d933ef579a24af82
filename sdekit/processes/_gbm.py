"""Geometric Brownian motion."""

from typing import ClassVar

import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._errors import fault
from .._parameters import constraints, law_field, parameter
from .._process import (
    AbstractExactDiffusion,
    AbstractInterpretation,
    AbstractMarginal,
    AbstractNoiseStructure,
    Diagonal,
    Ito,
)
from .._types import Array, Law, RealScalar, State, as_vector
from ._fixed import components
from ._stable import safe_sqrt, vectors


__all__ = ["GeometricBrownianMotion"]


class GeometricBrownianMotion(AbstractExactDiffusion, AbstractMarginal):
    r"""$dX = \mu X\,dt + \sigma X\,dW$ on $X > 0$, each component on its own.

    Its transition is log-normal, $\log X_{t+h} \sim N(\log x + (\mu - \sigma^2/2)h, \sigma^2 h)$, with mean
    $x e^{\mu h}$ and variance $x^2 e^{2\mu h}(e^{\sigma^2 h} - 1)$.

    **Arguments:**

    - `rate`: $\mu$, a number or shape `(d,)`, per unit of time.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`, per root unit of time.
    - `initial`: the law at the first time (at time 0, for `marginal`), positive; 1 by default.

    **Raises:** `ValueError` if `scale` is not positive or the shapes do not fit; `marginal` raises unless `initial` is
    fixed (`Delta`) or log-normal.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import GeometricBrownianMotion
        process = GeometricBrownianMotion(rate=0.05, scale=0.2)
        path = process.sample(jnp.linspace(0.0, 1.0, 13), key=jax.random.key(0))
        process.transition(0.0, 1.0, jnp.ones(1)).mean  # [1.0513]
        ```

    Source: Black and Scholes (1973); Kloeden and Platen (1992), section 4.4, equation (4.6).
    """

    rate: Float[Array, " d"] = parameter(converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    initial: Law = law_field()
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Diagonal

    def __init__(self, rate: ArrayLike = 0.0, scale: ArrayLike = 1.0, initial: Law | None = None):
        self.rate, self.scale = vectors("GeometricBrownianMotion", rate=rate, scale=scale)
        self.initial = dist.Delta(jnp.ones_like(self.scale), event_dim=1) if initial is None else initial

    @property
    def dim(self) -> int:
        return self.scale.shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        return self.rate * x

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale * x)

    def _log_normal(self, location, variance, h):
        location = location + (self.rate - self.scale**2 / 2) * h
        spread = safe_sqrt(variance + self.scale**2 * h)
        return dist.LogNormal(location, spread, validate_args=False).to_event(1)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        return self._log_normal(jnp.log(x), 0.0, t1 - t0)

    def marginal(self, t: RealScalar) -> Law:
        base = components(self.initial)
        if isinstance(base, dist.Delta):
            return self._log_normal(jnp.log(base.v), 0.0, t)
        if isinstance(base, dist.LogNormal):
            return self._log_normal(base.loc, base.scale**2, t)
        problem = "must be Delta or LogNormal for a marginal in closed form"
        raise ValueError(
            fault("GeometricBrownianMotion.initial", problem, base, "draw samples instead, or change the law")
        )
