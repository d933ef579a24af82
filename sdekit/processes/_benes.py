"""The Benes process: nonlinear drift, closed-form transition."""

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
    AbstractMarginal,
    AbstractNoiseStructure,
    Additive,
    Ito,
)
from .._types import Array, Law, RealScalar, State, as_vector
from ._brownian import BrownianBridge
from ._fixed import fixed_state
from ._stable import safe_sqrt, vectors


__all__ = ["Benes"]


class Benes(AbstractExactDiffusion, AbstractMarginal, AbstractBridged):
    r"""$dX = v\tanh(vX/\sigma^2)\,dt + \sigma\,dW$, each component on its own.

    For $v = \sigma = 1$ its transition density is $\frac{\cosh y}{\cosh x} e^{-h/2} N(y; x, h)$: a mixture of
    $N(x + vh, \sigma^2 h)$ and $N(x - vh, \sigma^2 h)$ with weights $(1 \pm \tanh(vx/\sigma^2))/2$. In other words, the
    process picks a direction at random and is Brownian motion with that drift. Its bridges are Brownian bridges.

    **Arguments:**

    - `speed`: $v > 0$, a number or shape `(d,)`: the drift far from 0.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`.
    - `initial`: the law at the first time (at time 0, for `marginal`); 0 by default.

    **Raises:** `ValueError` if a parameter is not positive or the shapes do not fit; `marginal` raises unless `initial`
    is fixed (`Delta`).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import Benes
        process = Benes()
        path = process.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        process.transition(0.0, 1.0, jnp.array([0.5])).mean  # [0.9621]
        ```

    Source: Benes (1981), Exact finite-dimensional filters for certain diffusions with nonlinear drift.
    """

    speed: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    initial: Law = law_field()
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(self, speed: ArrayLike = 1.0, scale: ArrayLike = 1.0, initial: Law | None = None):
        self.speed, self.scale = vectors("Benes", speed=speed, scale=scale)
        self.initial = dist.Delta(jnp.zeros_like(self.scale), event_dim=1) if initial is None else initial

    @property
    def dim(self) -> int:
        return self.scale.shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        return self.speed * jnp.tanh(self.speed * x / self.scale**2)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        h = t1 - t0
        lean, way = self.speed * x / self.scale**2, self.speed * h
        spread = safe_sqrt(self.scale**2 * h)
        both = lambda a, b: jnp.stack([a, b], axis=-1)
        side = dist.Categorical(logits=both(lean, -lean), validate_args=False)
        branch = dist.Normal(both(x + way, x - way), both(spread, spread), validate_args=False)
        return dist.MixtureSameFamily(side, branch, validate_args=False).to_event(1)

    def marginal(self, t: RealScalar) -> Law:
        return self.transition(0.0, t, fixed_state(self.initial, "Benes"))

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> BrownianBridge:
        return BrownianBridge(x0, x1, t0, t1, self.scale)
