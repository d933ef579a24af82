"""Brownian motion with drift, and the Brownian bridge."""

from typing import ClassVar, Self

import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._parameters import constraints, law_field, parameter
from .._process import (
    AbstractBridged,
    AbstractDiffusion,
    AbstractExactDiffusion,
    AbstractInterpretation,
    AbstractLinearGaussian,
    AbstractMarginal,
    AbstractNoiseStructure,
    Additive,
    Ito,
)
from .._types import Array, Key, Law, RealScalar, State, Times, as_vector, is_concrete
from ..paths import SampledPath
from ._linear_gaussian import gaussian, push
from ._span import draw_pinned
from ._stable import to_dtype, vectors


__all__ = ["BrownianBridge", "BrownianMotion"]


class BrownianMotion(AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal, AbstractBridged):
    r"""Brownian motion with drift, $dX = \mu\,dt + \sigma\,dW$, each component on its own.

    Its transition is $N(x + \mu h, \sigma^2 h)$. Exact: draws, transition, marginal (from a Gaussian or fixed start),
    bridge.

    **Arguments:**

    - `scale`: $\sigma > 0$, a number or shape `(d,)`, in units of the state per root unit of time.
    - `drift_rate`: $\mu$, a number or shape `(d,)`, in units of the state per unit of time.
    - `initial`: the law at the first time (at time 0, for `marginal`); 0 by default.

    **Raises:** `ValueError` if `scale` is not positive or the shapes do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import BrownianMotion
        process = BrownianMotion(scale=0.5, drift_rate=1.0)
        path = process.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        process.marginal(2.0).mean  # [2.0]
        ```
    """

    drift_rate: Float[Array, " d"] = parameter(converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    initial: Law = law_field()
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(self, scale: ArrayLike = 1.0, drift_rate: ArrayLike = 0.0, initial: Law | None = None):
        self.scale, self.drift_rate = vectors("BrownianMotion", scale=scale, drift_rate=drift_rate)
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
        return jnp.eye(self.dim, dtype=self.scale.dtype), self.drift_rate * h, jnp.diag(self.scale**2 * h)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        h = t1 - t0
        return gaussian(x + self.drift_rate * h, self.scale**2 * h)

    def marginal(self, t: RealScalar) -> Law:
        return push(self.initial, jnp.ones_like(self.scale), self.drift_rate * t, self.scale**2 * t, "BrownianMotion")

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> "BrownianBridge":
        return BrownianBridge(x0, x1, t0, t1, self.scale)


class BrownianBridge(AbstractDiffusion, AbstractLinearGaussian, AbstractMarginal, AbstractBridged):
    r"""Brownian motion on $[t_0, t_1]$ given both ends, $dX = \frac{b - X}{t_1 - t}\,dt + \sigma\,dW$.

    Mean $a + (b - a)\frac{t - t_0}{t_1 - t_0}$, covariance $\sigma^2\frac{(s - t_0)(t_1 - t)}{t_1 - t_0}$ for
    $s \le t$. The drift of the Brownian motion does not matter. Draws are exact at any times in $[t_0, t_1]$, both ends
    included; the drift has no value at $t_1$.

    **Arguments:**

    - `start`, `end`: the states $a$ at `t0` and $b$ at `t1`, a number or shape `(d,)`.
    - `t0`, `t1`: the two times, `t0 < t1`.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`.

    **Raises:** `ValueError` if `t0 >= t1`, if `scale` is not positive, or if the shapes do not fit. Sampling at times
    outside `[t0, t1]` raises at run time.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import BrownianBridge
        bridge = BrownianBridge(start=0.0, end=1.0)
        path = bridge.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        path.xs[-1]  # [1.0]
        ```
    """

    start: Float[Array, " d"] = parameter(trainable=False, converter=as_vector)
    end: Float[Array, " d"] = parameter(trainable=False, converter=as_vector)
    t0: Float[Array, ""] = parameter(trainable=False)
    t1: Float[Array, ""] = parameter(trainable=False)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(
        self, start: ArrayLike, end: ArrayLike, t0: RealScalar = 0.0, t1: RealScalar = 1.0, scale: ArrayLike = 1.0
    ):
        self.start, self.end, self.scale = vectors("BrownianBridge", start=start, end=end, scale=scale)
        dtype = to_dtype(t0, t1, self.scale)
        self.t0, self.t1 = jnp.asarray(t0, dtype), jnp.asarray(t1, dtype)
        if is_concrete((t0, t1)):
            require(bool(self.t0 < self.t1), "BrownianBridge.t1", f"must be later than t0 = {t0}", t1, "swap the ends")

    @property
    def dim(self) -> int:
        return self.scale.shape[0]

    @property
    def initial(self) -> Law:
        return dist.Delta(self.start, event_dim=1)

    def drift(self, t: RealScalar, x: State) -> State:
        return (self.end - x) / (self.t1 - t)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale)

    def _step(self, s, t):
        """Share of the way from `s` to the end that is covered at `t`, and the variance per squared scale."""
        left = self.t1 - s
        done = left <= 0
        share = jnp.where(done, 0.0, (t - s) / jnp.where(done, 1.0, left))
        return share, share * (self.t1 - t)

    def discretise(self, t0, t1):
        share, variance = self._step(t0, t1)
        eye = jnp.eye(self.dim, dtype=self.scale.dtype)
        return (1 - share) * eye, share * self.end, jnp.diag(self.scale**2 * variance)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        share, variance = self._step(t0, t1)
        return gaussian(x + share * (self.end - x), self.scale**2 * variance)

    def marginal(self, t: RealScalar) -> Law:
        return self.transition(self.t0, t, self.start)

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> Self:
        return type(self)(x0, x1, t0, t1, self.scale)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return draw_pinned(self, self.t0, self.t1, ts, key=key)
