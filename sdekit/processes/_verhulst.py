"""Stochastic logistic growth."""

from typing import ClassVar

import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._errors import fault
from .._parameters import constraints, law_field, parameter
from .._process import AbstractInterpretation, AbstractNoiseStructure, AbstractStationary, Diagonal, Ito
from .._types import Array, Law, RealScalar, State, Times, as_vector, is_concrete
from ._numerical import AbstractNumericalDiffusion
from ._stable import vectors


__all__ = ["StochasticVerhulst"]


class StochasticVerhulst(AbstractNumericalDiffusion, AbstractStationary):
    r"""$dX = X(\lambda - \beta X)\,dt + \sigma X\,dW$ on $X > 0$, each component on its own.

    The solution is explicit in the Brownian path:
    $X_t = x_0 E_t / (1 + \beta x_0 \int_0^t E_s ds)$ with $E_t = e^{(\lambda - \sigma^2/2)t + \sigma W_t}$
    (`strong_solution`); its law at one time is not. For $2\lambda > \sigma^2$ the stationary law is Gamma with shape
    $2\lambda/\sigma^2 - 1$ and rate $2\beta/\sigma^2$.

    **Arguments:**

    - `growth`: $\lambda$, a number or shape `(d,)`, per unit of time.
    - `competition`: $\beta > 0$, a number or shape `(d,)`.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`, per root unit of time.
    - `initial`: the law at the first time, positive; 1 by default.

    **Raises:** `ValueError` if a parameter is out of its domain or the shapes do not fit; `stationary` raises where
    $2\lambda \le \sigma^2$, since the population dies out.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import StochasticVerhulst
        process = StochasticVerhulst(growth=1.0, scale=0.3)
        path = process.sample(jnp.linspace(0.0, 5.0, 51), key=jax.random.key(0))
        process.stationary().mean  # [0.955]
        ```

    Source: Kloeden and Platen (1992), section 4.4, equations (4.52) and (4.53).
    """

    growth: Float[Array, " d"] = parameter(converter=as_vector)
    competition: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    initial: Law = law_field()
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Diagonal

    def __init__(
        self,
        growth: ArrayLike = 1.0,
        competition: ArrayLike = 1.0,
        scale: ArrayLike = 0.5,
        initial: Law | None = None,
    ):
        named = {"growth": growth, "competition": competition, "scale": scale}
        self.growth, self.competition, self.scale = vectors("StochasticVerhulst", **named)
        self.initial = dist.Delta(jnp.ones_like(self.scale), event_dim=1) if initial is None else initial

    @property
    def dim(self) -> int:
        return self.scale.shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        return x * (self.growth - self.competition * x)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale * x)

    def strong_solution(self, ts: Times, ws: Float[Array, "t d"], x0: State) -> Float[Array, "t d"]:
        """The solution along a Brownian path, with the time integral by the trapezoidal rule on `ts`.

        **Arguments:**

        - `ts`: increasing times, shape `(t,)`; a fine grid, since the integral is not exact between them.
        - `ws`: the Brownian path at these times, shape `(t, d)`.
        - `x0`: the state at `ts[0]`, shape `(d,)`.

        **Returns:** the states, shape `(t, d)`.
        """
        elapsed = (ts - ts[0])[:, None]
        e = jnp.exp((self.growth - self.scale**2 / 2)[None] * elapsed + self.scale[None] * (ws - ws[:1]))
        areas = jnp.diff(ts)[:, None] * (e[1:] + e[:-1]) / 2
        total = jnp.concatenate([jnp.zeros_like(e[:1]), jnp.cumsum(areas, axis=0)])
        return x0[None] * e / (1 + (self.competition * x0)[None] * total)

    def stationary(self) -> Law:
        shape = 2 * self.growth / self.scale**2 - 1
        if is_concrete(shape) and not bool((shape > 0).all()):
            problem = "must be above scale**2 / 2 for a stationary law"
            raise ValueError(
                fault("StochasticVerhulst.growth", problem, self.growth, "lower `scale`: the population dies")
            )
        return dist.Gamma(shape, 2 * self.competition / self.scale**2, validate_args=False).to_event(1)
