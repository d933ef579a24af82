"""Transition kernels of nonlinear references: linearised along the mean path of each state."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx

from .._errors import fault, require
from .._process import (
    AbstractDiffusion,
    AbstractInterpretation,
    AbstractLinearGaussian,
    AbstractNoiseStructure,
    AbstractTransition,
    draw_chain,
)
from .._types import Array, Key, Law, RealScalar, State, Times, as_float
from ..inference import ito_drift
from ..paths import SampledPath
from ._algebra import gaussian


__all__ = ["Linearised", "local_moments"]

Moments = tuple[Array, Array, Array]


class Linearised(AbstractDiffusion, AbstractTransition):
    r"""A diffusion with the Gaussian transitions of its linearisation along the mean path from each state.

    The linear noise approximation: $\dot m = f(m)$, $\dot A = J A$, $\dot Q = J Q + Q J^\top + g g^\top$ with
    $J = \partial f(m)$, by the classical Runge-Kutta method. Exact for linear drifts; else its error grows with the
    noise and with the gap of time. Drift and noise are those of the process itself.

    **Arguments:**

    - `process`: any diffusion.
    - `steps`: of Runge-Kutta in a transition.

    **Raises:** `TypeError` for what is no diffusion.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        reference = bridges.Linearised(sk.processes.DoubleWell(scale=0.3))
        reference.transition(0.0, 0.2, jnp.array([1.0])).variance
        ```

    Source: Sarkka and Solin (2019), Applied Stochastic Differential Equations, section 9.1.
    """

    process: Any
    steps: int = eqx.field(static=True, default=10)

    def __check_init__(self):
        if not isinstance(self.process, AbstractDiffusion):
            remedy = "pass a process with a drift and a diffusion"
            raise TypeError(fault("Linearised.process", "must be a diffusion", type(self.process).__name__, remedy))
        require(self.steps >= 1, "Linearised.steps", "must be positive", self.steps, "pass steps >= 1")

    @property
    def dim(self) -> int:
        return self.process.dim

    @property
    def initial(self) -> Law:
        return self.process.initial

    @property
    def interpretation(self) -> type[AbstractInterpretation]:
        return self.process.interpretation

    @property
    def structure(self) -> type[AbstractNoiseStructure]:
        return self.process.structure

    def drift(self, t: RealScalar, x: State) -> State:
        return self.process.drift(t, x)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return self.process.diffusion(t, x)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        mean, _, q = local_moments(self, t0, t1, x)
        return gaussian(mean, q)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return draw_chain(self, self.initial, ts, key=key)


def local_moments(reference: Any, t0: RealScalar, t1: RealScalar, x: State) -> Moments:
    """Mean from `x`, its Jacobian in `x`, and the covariance, of a linear or linearised reference."""
    if isinstance(reference, AbstractLinearGaussian):
        a, b, q = reference.discretise(t0, t1)
        return a @ x + b, a, q
    field = lambda t, y: ito_drift(reference.process, t, y)
    # States take the widest dtype of state and parameters: a loop's state cannot change its own.
    x = x.astype(jnp.result_type(x, jax.eval_shape(field, as_float(t0), x)))
    t0, t1 = as_float(t0).astype(x.dtype), as_float(t1).astype(x.dtype)
    d = x.shape[0]

    def rate(t: Array, state: Moments) -> Moments:
        m, a, q = state
        # The value and the Jacobian in one pass.
        push = lambda v: jax.jvp(lambda y: field(t, y), (m,), (v,))
        f, jac = jax.vmap(push, out_axes=(None, 1))(jnp.eye(d, dtype=x.dtype))
        g = reference.process.diffusion(t, m).as_matrix()
        moved = jac @ q
        return f, jac @ a, moved + moved.T + g @ g.T

    start = x, jnp.eye(d, dtype=x.dtype), jnp.zeros((d, d), x.dtype)
    return runge_kutta(rate, t0, t1, start, reference.steps)


def runge_kutta(rate: Callable, t0: Array, t1: Array, state: Any, steps: int) -> Any:
    """The classical method, on a PyTree."""
    h = (t1 - t0) / steps
    move = lambda y, k, c: jax.tree.map(lambda a, b: a + c * b, y, k)

    def step(y, i):
        t = t0 + i * h
        k1 = rate(t, y)
        k2 = rate(t + h / 2, move(y, k1, h / 2))
        k3 = rate(t + h / 2, move(y, k2, h / 2))
        k4 = rate(t + h, move(y, k3, h))
        mixed = jax.tree.map(lambda a, b, c, e: (a + 2 * b + 2 * c + e) / 6, k1, k2, k3, k4)
        return move(y, mixed, h), None

    return jax.lax.scan(step, state, jnp.arange(steps, dtype=h.dtype))[0]
