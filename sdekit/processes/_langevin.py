"""Langevin dynamics: motion in a potential at a temperature."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._errors import fault, require
from .._parameters import constraints, law_field, parameter
from .._process import AbstractInterpretation, AbstractNoiseStructure, Additive, Ito
from .._types import Law, RealScalar, State
from ._numerical import AbstractNumericalDiffusion
from ._stable import scalars, to_dtype


__all__ = ["OverdampedLangevin", "UnderdampedLangevin"]

Potential = Callable[[State], Float[Array, ""]]


def _check(owner: str, potential: Potential, initial: Law, halves: int) -> None:
    if not callable(potential):
        remedy = "pass a function or a module from a state to a number"
        raise TypeError(fault(f"{owner}.potential", "must be callable", potential, remedy))
    shape = initial.event_shape
    ok = len(shape) == 1 and shape[0] % halves == 0 and shape[0] > 0
    problem = "must have event shape (d,)" if halves == 1 else "must have event shape (2 d,): positions, velocities"
    require(ok, f"{owner}.initial", problem, shape, "make its components independent by `.to_event(1)`")
    x = jax.ShapeDtypeStruct((shape[0] // halves,), jax.eval_shape(initial.sample, jax.random.key(0)).dtype)
    found = eqx.filter_eval_shape(potential, x)
    remedy = "sum over the components"
    require(np.shape(found) == (), f"{owner}.potential", "must return a number, shape ()", np.shape(found), remedy)


class OverdampedLangevin(AbstractNumericalDiffusion):
    r"""$dX = -\nabla U(X)\,dt + \sqrt{2T}\,dW$.

    Its stationary density is proportional to $e^{-U/T}$, whenever that can be normalised.

    **Arguments:**

    - `potential`: $U$, a function (or a module) from a state `(d,)` to a number.
    - `initial`: the law at the first time, event shape `(d,)`.
    - `temperature`: $T > 0$, in units of the potential.

    **Raises:** `ValueError` if `temperature` is not positive or the potential does not return a number.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.processes import OverdampedLangevin
        process = OverdampedLangevin(lambda x: (x**2).sum() / 2, dist.Delta(jnp.zeros(2), event_dim=1))
        path = process.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        ```

    Source: Pavliotis (2014), Stochastic Processes and Applications, section 4.5.
    """

    potential: Potential
    initial: Law = law_field()
    temperature: Float[Array, ""] = parameter(constraints.positive)
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(self, potential: Potential, initial: Law, temperature: RealScalar = 1.0):
        _check("OverdampedLangevin", potential, initial, 1)
        self.potential, self.initial = potential, initial
        (self.temperature,) = scalars(temperature, like=initial)

    @property
    def dim(self) -> int:
        return self.initial.event_shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        return -jax.grad(self.potential)(x)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(jnp.broadcast_to(jnp.sqrt(2 * self.temperature), x.shape))

    def log_stationary(self, x: State) -> Float[Array, ""]:
        """The logarithm of the stationary density at `x`, up to a constant.

        **Arguments:**

        - `x`: a state, shape `(d,)`.

        **Returns:** a number, shape `()`.
        """
        return -self.potential(x) / self.temperature


class UnderdampedLangevin(AbstractNumericalDiffusion):
    r"""$dQ = V\,dt,\quad dV = -\left(\nabla U(Q)/m + \gamma V\right)dt + \sqrt{2\gamma T/m}\,dW$.

    The state is `(positions, velocities)`, shape `(2 d,)`; noise acts on the velocities alone. The stationary density
    is proportional to $e^{-U(q)/T}\,N(v; 0, T/m)$.

    **Arguments:**

    - `potential`: $U$, a function (or a module) from positions `(d,)` to a number.
    - `initial`: the law at the first time, event shape `(2 d,)`.
    - `friction`: $\gamma > 0$, per unit of time.
    - `temperature`: $T > 0$, in units of the potential.
    - `mass`: $m > 0$, a number or shape `(d,)`.

    **Raises:** `ValueError` if a parameter is not positive, the shapes do not fit, or the potential does not return a
    number.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.processes import UnderdampedLangevin
        process = UnderdampedLangevin(lambda q: (q**2).sum() / 2, dist.Delta(jnp.zeros(2), event_dim=1))
        path = process.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        ```

    Source: Pavliotis (2014), Stochastic Processes and Applications, chapter 6.
    """

    potential: Potential
    initial: Law = law_field()
    friction: Float[Array, ""] = parameter(constraints.positive)
    temperature: Float[Array, ""] = parameter(constraints.positive)
    mass: Float[Array, " d"] = parameter(constraints.positive)
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(
        self,
        potential: Potential,
        initial: Law,
        friction: RealScalar = 1.0,
        temperature: RealScalar = 1.0,
        mass: ArrayLike = 1.0,
    ):
        _check("UnderdampedLangevin", potential, initial, 2)
        dtype, half = to_dtype(friction, temperature, mass), initial.event_shape[0] // 2
        ok = np.shape(mass) in ((), (1,), (half,))
        require(ok, "UnderdampedLangevin.mass", f"must have shape ({half},)", mass, "pass one mass a position")
        self.potential, self.initial = potential, initial
        self.friction, self.temperature = jnp.asarray(friction, dtype), jnp.asarray(temperature, dtype)
        self.mass = jnp.broadcast_to(jnp.asarray(mass, dtype), (half,))

    @property
    def dim(self) -> int:
        return self.initial.event_shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        q, v = jnp.split(x, 2)
        return jnp.concatenate([v, -jax.grad(self.potential)(q) / self.mass - self.friction * v])

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        kick = jnp.diag(jnp.sqrt(2 * self.friction * self.temperature / self.mass))
        return lx.MatrixLinearOperator(jnp.concatenate([jnp.zeros_like(kick), kick]))

    def log_stationary(self, x: State) -> Float[Array, ""]:
        """The logarithm of the stationary density at `x`, up to a constant.

        **Arguments:**

        - `x`: positions and velocities, shape `(2 d,)`.

        **Returns:** a number, shape `()`.
        """
        q, v = jnp.split(x, 2)
        return -(self.potential(q) + (self.mass * v**2).sum() / 2) / self.temperature
