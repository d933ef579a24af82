r"""Scalar functions of time on [0, 1], with their derivatives and the products that stay finite at the ends."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._parameters import AbstractParametric
from .._types import Array, RealScalar, as_float, is_concrete


__all__ = ["AbstractSchedule", "RootSchedule", "SmoothSchedule"]

Scalar = Float[Array, ""]
Ranges = tuple[tuple[float, float], ...]


class AbstractSchedule(AbstractParametric):
    r"""A function $\gamma(t)$ on [0, 1] with $\dot\gamma$ and $\gamma\dot\gamma$.

    !!! example

        ```python
        import sdekit.interpolants as si
        path = si.linear()
        path.gamma(0.5), path.gamma.product(0.0)  # 0.707, 1.0: finite, where the slope is not
        ```
    """

    inner: eqx.AbstractVar[Ranges]
    """Where it can be divided by, in float32 and in float64; and where its square can."""

    @abc.abstractmethod
    def __call__(self, t: RealScalar) -> Scalar:
        """The value at `t`."""

    @abc.abstractmethod
    def square(self, t: RealScalar) -> Scalar:
        """The square of the value."""

    @abc.abstractmethod
    def derivative(self, t: RealScalar) -> Scalar:
        """The slope; infinite where a root leaves 0."""

    @abc.abstractmethod
    def product(self, t: RealScalar) -> Scalar:
        """Value times slope, which is half the slope of the square, with its limits at the ends."""

    @property
    @abc.abstractmethod
    def rough(self) -> bool:
        """Whether the slope may be infinite at an end."""

    def away(self, t: RealScalar, *, squared: bool = False) -> Scalar:
        """The time nearest to `t` at which division by the value, or by its square, leaves enough digits.

        A quotient that is 0/0 at an end has a limit there; this is where it is read off. Elsewhere it is `t` itself.
        Half of the digits are left after a division, two thirds are given up for one by the square.
        """
        t = as_float(t)
        low, high = self.inner[(jnp.finfo(t.dtype).bits == 64) + 2 * squared]
        return jnp.where(t < low, low, jnp.where(t > high, high, t)).astype(t.dtype)


class SmoothSchedule(AbstractSchedule):
    r"""A function with a finite slope throughout [0, 1]. Its slope is found by differentiation.

    **Arguments:**

    - `function`: called as `function(t)` with a number; a module if it has parameters.

    !!! example

        ```python
        from sdekit.interpolants import SmoothSchedule
        SmoothSchedule(lambda t: t**2).derivative(0.5)  # 1.0
        ```
    """

    function: Callable[[RealScalar], Scalar]
    inner: Ranges = eqx.field(static=True)

    def __init__(self, function: Callable[[RealScalar], Scalar]):
        self.function = function
        self.inner = _inner(lambda t: jnp.abs(function(t)), function)

    def __call__(self, t: RealScalar) -> Scalar:
        return self.function(as_float(t))

    def square(self, t: RealScalar) -> Scalar:
        return self(t) ** 2

    def derivative(self, t: RealScalar) -> Scalar:
        return _slope(self.function, t)[1]

    def product(self, t: RealScalar) -> Scalar:
        value, slope = _slope(self.function, t)
        return value * slope

    @property
    def rough(self) -> bool:
        return False


class RootSchedule(AbstractSchedule):
    r"""The root $\gamma = \sqrt{v}$ of a smooth function that may vanish at the ends: $\gamma\dot\gamma = \dot v / 2$.

    The Brownian bridge is one, with $v = a\,t(1 - t)$, and so are the deviations of all linear diffusions.

    **Arguments:**

    - `variance`: $v \ge 0$, called as `variance(t)` with a number; a module if it has parameters.

    !!! example

        ```python
        from sdekit.interpolants import RootSchedule
        gamma = RootSchedule(lambda t: t * (1 - t))
        gamma(0.5), gamma.product(0.0)  # 0.5, 0.5
        ```
    """

    variance: Callable[[RealScalar], Scalar]
    inner: Ranges = eqx.field(static=True)

    def __init__(self, variance: Callable[[RealScalar], Scalar]):
        self.variance = variance
        self.inner = _inner(lambda t: jnp.sqrt(jnp.maximum(variance(t), 0)), variance)

    def __call__(self, t: RealScalar) -> Scalar:
        v = self.variance(as_float(t))
        positive = v > 0
        return jnp.where(positive, jnp.sqrt(jnp.where(positive, v, 1)), 0)

    def square(self, t: RealScalar) -> Scalar:
        return self.variance(as_float(t))

    def derivative(self, t: RealScalar) -> Scalar:
        return self.product(t) / self(t)

    def product(self, t: RealScalar) -> Scalar:
        return _slope(self.variance, t)[1] / 2

    @property
    def rough(self) -> bool:
        return True


def _slope(function, t) -> tuple[Scalar, Scalar]:
    t = as_float(t)
    return jax.jvp(function, (t,), (jnp.ones_like(t),))


_STEPS = 2.0 ** -np.arange(1, 100)
_BACK = _STEPS[:52]
_PROBES = np.concatenate([[0.0], _STEPS, 1 - _BACK, [1.0]])


def _inner(size, function) -> Ranges:
    """Where `size` is at least the square root of the machine epsilon, for both dtypes, and its cubic root."""
    tolerances = [float(np.finfo(d).eps) ** (1 / p) for p in (2, 3) for d in (np.float32, np.float64)]
    if not is_concrete(eqx.filter(function, eqx.is_array)):
        return tuple((tolerance, 1 - tolerance) for tolerance in tolerances)
    with jax.ensure_compile_time_eval():
        sizes = np.asarray(jax.vmap(size)(as_float(jnp.asarray(_PROBES))))
    return tuple(_range(sizes >= tolerance) for tolerance in tolerances)


def _range(large: np.ndarray) -> tuple[float, float]:
    """From the nearest probe to each end that is large enough; the end itself, if it is."""
    n = len(_STEPS)
    low, high = large[1 : n + 1], large[n + 1 : -1]
    first = 0.0 if large[0] or not low.any() else float(_STEPS[np.flatnonzero(low)[-1]])
    last = 1.0 if large[-1] or not high.any() else 1 - float(_BACK[np.flatnonzero(high)[-1]])
    return first, last
