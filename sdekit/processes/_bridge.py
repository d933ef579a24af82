"""Any linear Gaussian diffusion, pinned at both ends."""

from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._errors import fault, require
from .._parameters import parameter
from .._process import (
    AbstractBridged,
    AbstractDiffusion,
    AbstractInterpretation,
    AbstractLinearGaussian,
    AbstractMarginal,
    AbstractNoiseStructure,
    Ito,
)
from .._types import Array, Key, Law, RealScalar, State, Times, as_float, as_vector, is_concrete
from ..paths import SampledPath
from ._linear_gaussian import gaussian, solve_psd
from ._span import draw_pinned
from ._stable import to_dtype


__all__ = ["GaussianBridge"]


class GaussianBridge(AbstractDiffusion, AbstractLinearGaussian, AbstractMarginal, AbstractBridged):
    r"""A linear Gaussian diffusion on $[t_0, t_1]$ given its states at both ends.

    By the Markov property the bridge is again linear Gaussian. With $(A_1, b_1, Q_1)$ the transition of the process
    from $s$ to $t$ and $(A_2, b_2, Q_2)$ from $t$ to $t_1$, the gain $K = Q_1 A_2^\top (A_2 Q_1 A_2^\top + Q_2)^{-1}$
    gives the bridge $A = (I - K A_2) A_1$, $b = b_1 + K(x_1 - b_2 - A_2 b_1)$ and
    $Q = (I - K A_2) Q_1 (I - K A_2)^\top + K Q_2 K^\top$. Its drift is that of the process plus
    $g g^\top \nabla_x \log p(t_1, x_1 \mid t, x)$ (Doob's transform), without a value at $t_1$. Draws are exact at any
    times in $[t_0, t_1]$, both ends included.

    **Arguments:**

    - `process`: a diffusion with linear Gaussian transitions.
    - `t0`, `x0`: the first time and the state there, shape `(d,)`.
    - `t1`, `x1`: the last time and the state there, shape `(d,)`.

    **Raises:** `TypeError` if `process` is not a linear Gaussian diffusion, `ValueError` if `t0 >= t1` or a state has
    another shape. Sampling at times outside `[t0, t1]` raises at run time.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import GaussianBridge, OrnsteinUhlenbeck
        bridge = GaussianBridge(OrnsteinUhlenbeck(rate=1.0), 0.0, jnp.zeros(1), 2.0, jnp.ones(1))
        path = bridge.sample(jnp.linspace(0.0, 2.0, 21), key=jax.random.key(0))
        path.xs[-1]  # [1.0]
        ```

    Source: Rogers and Williams (2000), Diffusions, Markov Processes and Martingales, IV.39.
    """

    process: Any
    t0: Float[Array, ""] = parameter(trainable=False)
    x0: Float[Array, " d"] = parameter(trainable=False, converter=as_vector)
    t1: Float[Array, ""] = parameter(trainable=False)
    x1: Float[Array, " d"] = parameter(trainable=False, converter=as_vector)
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito

    def __init__(self, process: AbstractLinearGaussian, t0: RealScalar, x0: ArrayLike, t1: RealScalar, x1: ArrayLike):
        if not (isinstance(process, AbstractLinearGaussian) and isinstance(process, AbstractDiffusion)):
            kind = type(process).__name__
            remedy = "pass a diffusion with linear Gaussian transitions, e.g. OrnsteinUhlenbeck"
            raise TypeError(fault("GaussianBridge.process", "must be a linear Gaussian diffusion", kind, remedy))
        dtype = to_dtype(t0, t1, x0, x1)
        self.process = process
        self.t0, self.t1 = jnp.asarray(t0, dtype), jnp.asarray(t1, dtype)
        self.x0, self.x1 = as_vector(jnp.asarray(x0, dtype)), as_vector(jnp.asarray(x1, dtype))
        for name, x in (("x0", self.x0), ("x1", self.x1)):
            problem = f"must have shape ({process.dim},)"
            require(x.shape == (process.dim,), f"GaussianBridge.{name}", problem, x, "pass one entry a component")
        if is_concrete((t0, t1)):
            require(bool(self.t0 < self.t1), "GaussianBridge.t1", f"must be later than t0 = {t0}", t1, "swap the ends")

    @property
    def dim(self) -> int:
        return self.process.dim

    @property
    def initial(self) -> Law:
        return dist.Delta(self.x0, event_dim=1)

    @property
    def structure(self) -> type[AbstractNoiseStructure]:
        return self.process.structure

    def drift(self, t: RealScalar, x: State) -> State:
        a, b, q = self.process.discretise(t, self.t1)
        pull = a.T @ solve_psd(q, (self.x1 - a @ x - b)[:, None])[:, 0]
        g = self.process.diffusion(t, x)
        return self.process.drift(t, x) + g.mv(g.T.mv(pull))

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return self.process.diffusion(t, x)

    def discretise(self, t0, t1):
        t0, t1 = as_float(t0), as_float(t1)
        # Both parts at once: one matrix exponential to compile.
        a, b, q = jax.vmap(self.process.discretise)(jnp.stack([t0, t1]), jnp.stack([t1, self.t1]))
        (a1, a2), (b1, b2), (q1, q2) = a, b, q
        cross = a2 @ q1
        gain = solve_psd(cross @ a2.T + q2, cross).T
        rest = jnp.eye(self.dim, dtype=q1.dtype) - gain @ a2
        b = b1 + gain @ (self.x1 - b2 - a2 @ b1)
        q = rest @ q1 @ rest.T + gain @ q2 @ gain.T
        # The end is met exactly: rounding must not leave a noise whose derivative in time is infinite.
        done = (t1 >= self.t1) & (t1 > t0)
        zero = jnp.zeros_like(q)
        return jnp.where(done, zero, rest @ a1), jnp.where(done, self.x1, b), jnp.where(done, zero, q)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self.discretise(t0, t1)
        return gaussian(a @ x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        return self.transition(self.t0, t, self.x0)

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> Self:
        return type(self)(self.process, t0, x0, t1, x1)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return draw_pinned(self, self.t0, self.t1, ts, key=key)
