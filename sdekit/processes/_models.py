"""Models of several variables: the Lorenz system, predators and prey, stochastic volatility."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._parameters import constraints, law_field, parameter
from .._process import AbstractInterpretation, AbstractNoiseStructure, Additive, Diagonal, General, Ito
from .._types import Array, Law, RealScalar, State, as_vector
from ._cir import CoxIngersollRoss
from ._numerical import AbstractNumericalDiffusion
from ._stable import expm1_ratio, safe_sqrt, scalars, to_dtype


__all__ = ["Heston", "Lorenz", "LotkaVolterra"]


def _start(owner: str, law: Law | None, default: list[float], dtype) -> Law:
    if law is None:
        return dist.Delta(jnp.asarray(default, dtype), event_dim=1)
    shape, d = law.event_shape, len(default)
    require(shape == (d,), f"{owner}.initial", f"must have event shape ({d},)", shape, "give one entry a component")
    return law


class Lorenz(AbstractNumericalDiffusion):
    r"""The stochastic Lorenz system.

    $dX = s(Y - X)\,dt + g_1 dW^1$, $dY = (X(r - Z) - Y)\,dt + g_2 dW^2$, $dZ = (XY - bZ)\,dt + g_3 dW^3$ with
    $g_i = \alpha_i x_i$ (`structure=Diagonal`) or $g_i = \alpha_i$ (`structure=Additive`).

    **Arguments:**

    - `prandtl`: $s > 0$.
    - `rayleigh`: $r > 0$.
    - `aspect`: $b > 0$.
    - `scale`: $\alpha > 0$, a number or shape `(3,)`.
    - `initial`: the law at the first time, event shape `(3,)`; standard normal by default.
    - `structure`: `Diagonal` for noise in proportion to each component, `Additive` for constant noise.

    **Raises:** `ValueError` if a parameter is not positive, a shape does not fit, or for another structure.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import Lorenz
        path = Lorenz().sample(jnp.linspace(0.0, 1.0, 41), key=jax.random.key(0))
        ```

    Source: Lorenz (1963), Deterministic nonperiodic flow; noise as in Li et al. (2020), Scalable gradients for
    stochastic differential equations, section 7.2.
    """

    structure: type[AbstractNoiseStructure] = eqx.field(static=True)
    prandtl: Float[Array, ""] = parameter(constraints.positive)
    rayleigh: Float[Array, ""] = parameter(constraints.positive)
    aspect: Float[Array, ""] = parameter(constraints.positive)
    scale: Float[Array, "3"] = parameter(constraints.positive, converter=as_vector)
    initial: Law = law_field()
    dim: ClassVar[int] = 3
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito

    def __init__(
        self,
        prandtl: RealScalar = 10.0,
        rayleigh: RealScalar = 28.0,
        aspect: RealScalar = 8 / 3,
        scale: ArrayLike = 0.15,
        initial: Law | None = None,
        structure: type[AbstractNoiseStructure] = Diagonal,
    ):
        dtype = to_dtype(prandtl, rayleigh, aspect, scale)
        self.prandtl, self.rayleigh, self.aspect = (jnp.asarray(v, dtype) for v in (prandtl, rayleigh, aspect))
        shape = np.shape(scale)
        require(
            shape in ((), (1,), (3,)), "Lorenz.scale", "must be a number or have shape (3,)", scale, "pass 3 numbers"
        )
        self.scale = jnp.broadcast_to(jnp.asarray(scale, dtype), (3,))
        normal = dist.Normal(jnp.zeros(3, dtype), jnp.ones(3, dtype)).to_event(1)
        self.initial = normal if initial is None else _start("Lorenz", initial, [0.0] * 3, dtype)
        ok = structure in (Diagonal, Additive)
        require(ok, "Lorenz.structure", "must be Diagonal or Additive", structure, "use `Diffusion` for other noise")
        self.structure = structure

    def drift(self, t: RealScalar, x: State) -> State:
        a, b, c = x
        return jnp.stack([self.prandtl * (b - a), a * (self.rayleigh - c) - b, a * b - self.aspect * c])

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale * x if self.structure is Diagonal else self.scale)


class LotkaVolterra(AbstractNumericalDiffusion):
    r"""Prey and predators with noisy growth.

    $dX = X(a - bY)\,dt + \sigma_1 X\,dW^1$, $dY = Y(cX - m)\,dt + \sigma_2 Y\,dW^2$ on $X, Y > 0$.

    **Arguments:**

    - `birth`: $a > 0$, growth of the prey alone, per unit of time.
    - `predation`: $b > 0$.
    - `conversion`: $c > 0$, growth of the predators per prey.
    - `death`: $m > 0$, of the predators, per unit of time.
    - `scale`: $\sigma > 0$, a number or shape `(2,)`.
    - `initial`: the law at the first time, event shape `(2,)`, positive; 1 and 1 by default.

    **Raises:** `ValueError` if a parameter is not positive or the shapes do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import LotkaVolterra
        path = LotkaVolterra().sample(jnp.linspace(0.0, 10.0, 41), key=jax.random.key(0))
        ```

    Source: Lotka (1925); Arnold, Horsthemke and Stucki (1979), The influence of external real and white noise on the
    Lotka-Volterra model.
    """

    birth: Float[Array, ""] = parameter(constraints.positive)
    predation: Float[Array, ""] = parameter(constraints.positive)
    conversion: Float[Array, ""] = parameter(constraints.positive)
    death: Float[Array, ""] = parameter(constraints.positive)
    scale: Float[Array, "2"] = parameter(constraints.positive, converter=as_vector)
    initial: Law = law_field()
    dim: ClassVar[int] = 2
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Diagonal

    def __init__(
        self,
        birth: RealScalar = 2 / 3,
        predation: RealScalar = 4 / 3,
        conversion: RealScalar = 1.0,
        death: RealScalar = 1.0,
        scale: ArrayLike = 0.1,
        initial: Law | None = None,
    ):
        dtype = to_dtype(birth, predation, conversion, death, scale)
        rates = (jnp.asarray(v, dtype) for v in (birth, predation, conversion, death))
        self.birth, self.predation, self.conversion, self.death = rates
        shape, where = np.shape(scale), "LotkaVolterra.scale"
        require(shape in ((), (1,), (2,)), where, "must be a number or have shape (2,)", scale, "pass 2 numbers")
        self.scale = jnp.broadcast_to(jnp.asarray(scale, dtype), (2,))
        self.initial = _start("LotkaVolterra", initial, [1.0, 1.0], dtype)

    def drift(self, t: RealScalar, x: State) -> State:
        prey, predators = x
        return jnp.stack(
            [prey * (self.birth - self.predation * predators), predators * (self.conversion * prey - self.death)]
        )

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale * x)


class Heston(AbstractNumericalDiffusion):
    r"""Stochastic volatility, in the logarithm of the price: the state is $(\log S, V)$.

    $d\log S = (\mu - V/2)\,dt + \sqrt{V}\,dB$, $dV = \kappa(\theta - V)\,dt + \xi\sqrt{V}\,dW$,
    $d\langle B, W\rangle = \rho\,dt$. The variance is a Cox-Ingersoll-Ross process on its own (`variance`). A solver's
    step may take $V$ below 0, where the coefficients are those of $V = 0$ (full truncation).

    **Arguments:**

    - `growth`: $\mu$, per unit of time.
    - `rate`: $\kappa > 0$, per unit of time.
    - `mean`: $\theta > 0$, the variance in the long run.
    - `vol_of_vol`: $\xi > 0$.
    - `correlation`: $\rho$ in $(-1, 1)$.
    - `initial`: the law at the first time, event shape `(2,)`; log-price 0 and variance $\theta$ by default, fixed at
        the value of `mean` given here.

    **Raises:** `ValueError` if a parameter is out of its domain or the shapes do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import Heston
        process = Heston(growth=0.05, rate=2.0, mean=0.04, vol_of_vol=0.3, correlation=-0.7)
        path = process.sample(jnp.linspace(0.0, 1.0, 13), key=jax.random.key(0))
        process.expectation(1.0)  # mean of the log-price and of the variance
        ```

    Source: Heston (1993), A closed-form solution for options with stochastic volatility; Lord, Koekkoek and van Dijk
    (2010), A comparison of biased simulation schemes for stochastic volatility models.
    """

    growth: Float[Array, ""] = parameter()
    rate: Float[Array, ""] = parameter(constraints.positive)
    mean: Float[Array, ""] = parameter(constraints.positive)
    vol_of_vol: Float[Array, ""] = parameter(constraints.positive)
    correlation: Float[Array, ""] = parameter(constraints.open_interval(-1.0, 1.0))
    initial: Law = law_field()
    dim: ClassVar[int] = 2
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = General

    def __init__(
        self,
        growth: RealScalar = 0.0,
        rate: RealScalar = 2.0,
        mean: RealScalar = 0.04,
        vol_of_vol: RealScalar = 0.3,
        correlation: RealScalar = -0.7,
        initial: Law | None = None,
    ):
        values = scalars(growth, rate, mean, vol_of_vol, correlation)
        self.growth, self.rate, self.mean, self.vol_of_vol, self.correlation = values
        fixed = dist.Delta(jnp.stack([jnp.zeros_like(self.mean), self.mean]), event_dim=1)
        self.initial = fixed if initial is None else _start("Heston", initial, [0.0, 0.0], self.mean.dtype)

    @property
    def variance(self) -> CoxIngersollRoss:
        """The variance $V$ as a process on its own, started from its stationary law."""
        return CoxIngersollRoss(self.rate, self.mean, self.vol_of_vol)

    def drift(self, t: RealScalar, x: State) -> State:
        v = jnp.maximum(x[1], 0.0)
        return jnp.stack([self.growth - v / 2, self.rate * (self.mean - v)])

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        root = safe_sqrt(x[1])
        across = safe_sqrt(1 - self.correlation**2)
        zero = jnp.zeros_like(root)
        price = jnp.stack([root * across, root * self.correlation])
        return lx.MatrixLinearOperator(jnp.stack([price, jnp.stack([zero, self.vol_of_vol * root])]))

    def expectation(self, t: RealScalar) -> Float[Array, "2"]:
        """The expected log-price and variance at time `t`, from the expectation of `initial` at time 0.

        **Arguments:**

        - `t`: a time, shape `()`.

        **Returns:** shape `(2,)`.
        """
        s0, v0 = jnp.asarray(self.initial.mean)
        # The integral of exp(-rate * s) over [0, t].
        area = t * expm1_ratio(-self.rate * t)
        total = self.mean * t + (v0 - self.mean) * area
        return jnp.stack([s0 + self.growth * t - total / 2, v0 - self.rate * (v0 - self.mean) * area])
