"""Stationary covariance functions."""

import abc

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._parameters import AbstractParametric, constraints, parameter
from ._stable import scalars


__all__ = [
    "AbstractKernel",
    "Exponential",
    "Matern32",
    "Matern52",
    "Periodic",
    "ProductKernel",
    "RationalQuadratic",
    "SquaredExponential",
    "SumKernel",
]


class AbstractKernel(AbstractParametric):
    """The covariance function of a stationary process, as a function of the lag. Kernels add and multiply.

    !!! example

        ```python
        from sdekit.processes import Exponential, Periodic
        kernel = Exponential(scale=1.0, length=10.0) * Periodic(period=1.0) + Exponential(scale=0.1, length=0.5)
        kernel(0.0)  # 1.01
        ```
    """

    @abc.abstractmethod
    def __call__(self, tau: Float[ArrayLike, "*s"]) -> Float[Array, "*s"]:
        """The covariance at lags `tau` of either sign, elementwise."""

    def __add__(self, other: "AbstractKernel") -> "SumKernel":
        return SumKernel(self, other)

    def __mul__(self, other: "AbstractKernel") -> "ProductKernel":
        return ProductKernel(self, other)


class SumKernel(AbstractKernel):
    """The sum of two kernels: the covariance of a sum of independent processes.

    **Arguments:**

    - `first`, `second`: kernels.

    !!! example

        ```python
        from sdekit.processes import Matern32, Periodic, SumKernel
        SumKernel(Matern32(), Periodic())(0.0)  # 2
        ```
    """

    first: AbstractKernel
    second: AbstractKernel

    def __call__(self, tau):
        return self.first(tau) + self.second(tau)


class ProductKernel(AbstractKernel):
    """The product of two kernels: the covariance of a product of independent centred processes.

    **Arguments:**

    - `first`, `second`: kernels.

    !!! example

        ```python
        from sdekit.processes import Matern32, Periodic, ProductKernel
        ProductKernel(Matern32(length=5.0), Periodic())(1.0)
        ```
    """

    first: AbstractKernel
    second: AbstractKernel

    def __call__(self, tau):
        return self.first(tau) * self.second(tau)


class Exponential(AbstractKernel):
    r"""$s^2 e^{-|\tau| / \ell}$: the stationary Ornstein-Uhlenbeck process with rate $1 / \ell$. Continuous paths.

    **Arguments:**

    - `scale`: the standard deviation $s$.
    - `length`: the correlation time $\ell$.

    Source: Rasmussen and Williams (2006), equation 4.18.

    !!! example

        ```python
        from sdekit.processes import Exponential
        Exponential(scale=2.0, length=0.5)(0.0)  # 4
        ```
    """

    scale: Float[Array, ""] = parameter(constraints.positive)
    length: Float[Array, ""] = parameter(constraints.positive)

    def __init__(self, scale: ArrayLike = 1.0, length: ArrayLike = 1.0):
        self.scale, self.length = scalars(scale, length)

    def __call__(self, tau):
        return self.scale**2 * jnp.exp(-jnp.abs(tau) / self.length)


class Matern32(AbstractKernel):
    r"""$s^2 (1 + r) e^{-r}$, $r = \sqrt3 |\tau| / \ell$. Paths differentiable once.

    **Arguments:**

    - `scale`: the standard deviation $s$.
    - `length`: the length scale $\ell$, in units of time.

    Source: Rasmussen and Williams (2006), equation 4.17.

    !!! example

        ```python
        from sdekit.processes import Matern32
        Matern32(scale=2.0, length=0.5)(0.0)  # 4
        ```
    """

    scale: Float[Array, ""] = parameter(constraints.positive)
    length: Float[Array, ""] = parameter(constraints.positive)

    def __init__(self, scale: ArrayLike = 1.0, length: ArrayLike = 1.0):
        self.scale, self.length = scalars(scale, length)

    def __call__(self, tau):
        r = 3**0.5 * jnp.abs(tau) / self.length
        return self.scale**2 * (1 + r) * jnp.exp(-r)


class Matern52(AbstractKernel):
    r"""$s^2 (1 + r + r^2 / 3) e^{-r}$, $r = \sqrt5 |\tau| / \ell$. Paths differentiable twice.

    **Arguments:**

    - `scale`: the standard deviation $s$.
    - `length`: the length scale $\ell$, in units of time.

    Source: Rasmussen and Williams (2006), equation 4.17.

    !!! example

        ```python
        from sdekit.processes import Matern52
        Matern52(scale=2.0, length=0.5)(0.0)  # 4
        ```
    """

    scale: Float[Array, ""] = parameter(constraints.positive)
    length: Float[Array, ""] = parameter(constraints.positive)

    def __init__(self, scale: ArrayLike = 1.0, length: ArrayLike = 1.0):
        self.scale, self.length = scalars(scale, length)

    def __call__(self, tau):
        r = 5**0.5 * jnp.abs(tau) / self.length
        return self.scale**2 * (1 + r + r**2 / 3) * jnp.exp(-r)


class SquaredExponential(AbstractKernel):
    r"""$s^2 e^{-\tau^2 / (2 \ell^2)}$. Smooth paths; nearly singular covariances on dense grids.

    **Arguments:**

    - `scale`: the standard deviation $s$.
    - `length`: the length scale $\ell$, in units of time.

    Source: Rasmussen and Williams (2006), equation 4.9.

    !!! example

        ```python
        from sdekit.processes import SquaredExponential
        SquaredExponential(scale=2.0, length=0.5)(0.0)  # 4
        ```
    """

    scale: Float[Array, ""] = parameter(constraints.positive)
    length: Float[Array, ""] = parameter(constraints.positive)

    def __init__(self, scale: ArrayLike = 1.0, length: ArrayLike = 1.0):
        self.scale, self.length = scalars(scale, length)

    def __call__(self, tau):
        return self.scale**2 * jnp.exp(-((tau / self.length) ** 2) / 2)


class RationalQuadratic(AbstractKernel):
    r"""$s^2 (1 + \tau^2 / (2 \alpha \ell^2))^{-\alpha}$: a Gamma mixture of squared exponentials.

    **Arguments:**

    - `scale`: the standard deviation $s$.
    - `length`: the length scale $\ell$, in units of time.
    - `shape`: $\alpha$; the squared exponential as it grows, long memory as it falls.

    Source: Rasmussen and Williams (2006), equation 4.19.

    !!! example

        ```python
        from sdekit.processes import RationalQuadratic
        RationalQuadratic(scale=2.0, length=0.5, shape=1.0)(0.0)  # 4
        ```
    """

    scale: Float[Array, ""] = parameter(constraints.positive)
    length: Float[Array, ""] = parameter(constraints.positive)
    shape: Float[Array, ""] = parameter(constraints.positive)

    def __init__(self, scale: ArrayLike = 1.0, length: ArrayLike = 1.0, shape: ArrayLike = 1.0):
        self.scale, self.length, self.shape = scalars(scale, length, shape)

    def __call__(self, tau):
        return self.scale**2 * jnp.exp(-self.shape * jnp.log1p((tau / self.length) ** 2 / (2 * self.shape)))


class Periodic(AbstractKernel):
    r"""$s^2 \exp(-2 \sin^2(\pi \tau / p) / \ell^2)$: smooth periodic paths.

    **Arguments:**

    - `scale`: the standard deviation $s$.
    - `length`: the length scale $\ell$, as a share of the period; without unit.
    - `period`: the period $p$, in units of time.

    Source: MacKay (1998); Rasmussen and Williams (2006), equation 4.31.

    !!! example

        ```python
        from sdekit.processes import Periodic
        Periodic(period=12.0)(24.0)  # 1
        ```
    """

    scale: Float[Array, ""] = parameter(constraints.positive)
    length: Float[Array, ""] = parameter(constraints.positive)
    period: Float[Array, ""] = parameter(constraints.positive)

    def __init__(self, scale: ArrayLike = 1.0, length: ArrayLike = 1.0, period: ArrayLike = 1.0):
        self.scale, self.length, self.period = scalars(scale, length, period)

    def __call__(self, tau):
        return self.scale**2 * jnp.exp(-2 * (jnp.sin(jnp.pi * tau / self.period) / self.length) ** 2)
