"""Poisson processes: homogeneous, and of a given rate."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._parameters import AbstractParametric, constraints, parameter
from .._types import RealScalar, as_vector
from ..data import Events
from ._autoregressive import AbstractRecurrent
from ._ergodic import AbstractErgodic
from ._next import AbstractDirect, AbstractNextEvent


__all__ = ["AbstractRate", "InhomogeneousPoisson", "PiecewiseRate", "Poisson", "SinusoidalRate"]


class ConstantHazard(AbstractDirect):
    """Exponential gaps."""

    rate: Float[Array, " k"]

    def log_intensity(self, gap):
        return jnp.log(self.rate) + 0 * jnp.asarray(gap)

    def compensator(self, gap):
        return self.rate * gap

    def log_survival(self, gap):
        return -self.rate.sum() * gap

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def bound(self, a, b):
        return self.rate.sum()

    def sample(self, after, *, key):
        k1, k2 = jax.random.split(key)
        gap = after + jax.random.exponential(k1, dtype=self.rate.dtype) / self.rate.sum()
        return gap, jax.random.categorical(k2, jnp.log(self.rate))


class Poisson(AbstractErgodic, AbstractRecurrent):
    r"""The homogeneous Poisson process: rate $\lambda_k$ for each kind of event, whatever the past.

    **Arguments:**

    - `rate`: events in a unit of time, shape `()` or `(k,)`.

    **Raises:** `ValueError` for a rate that is not positive.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import Poisson
        Poisson(2.0).sample(jnp.array([0.0, 10.0]), key=jax.random.key(0), n=3)
        ```
    """

    rate: Float[Array, " k"] = parameter(constraints.positive, converter=as_vector)

    mark_law = None

    @property
    def dim(self) -> int:
        return self.rate.shape[0]

    def start(self, t0, room):
        return ()

    def advance(self, state, gap, mark):
        return ()

    def contexts(self, record: Events):
        self.marks_of(record)
        return ()

    def next_event(self, context):
        return ConstantHazard(self.rate)

    def long_run_rate(self):
        return self.rate

    def long_run_covariance(self):
        return jnp.diag(self.rate)


class AbstractRate(AbstractParametric):
    """A rate that changes with time, one number a kind.

    !!! example

        ```python
        from sdekit.points import AbstractRate, SinusoidalRate
        isinstance(SinusoidalRate(1.0, 0.5, 24.0), AbstractRate)  # True
        ```
    """

    dim: eqx.AbstractVar[int]

    @abc.abstractmethod
    def rate(self, t: RealScalar) -> Float[Array, " k"]:
        """The rates at time `t`."""

    @abc.abstractmethod
    def integral(self, a: RealScalar, b: RealScalar) -> Float[Array, " k"]:
        """Their integrals over `[a, b]`."""

    @abc.abstractmethod
    def most(self, a: RealScalar, b: RealScalar) -> Float[Array, ""]:
        """What their sum does not exceed on `[a, b]`."""


class SinusoidalRate(AbstractRate):
    r"""$\lambda(t) = \text{mean}\,(1 + \text{amplitude} \sin(2 \pi t / \text{period} + \text{phase}))$.

    **Arguments:**

    - `mean`: the mean rate.
    - `amplitude`: its relative swing, in (0, 1).
    - `period`: in the unit of time.
    - `phase`: in radians.

    **Raises:** `ValueError` for parameters out of their domain.

    !!! example

        ```python
        from sdekit.points import SinusoidalRate
        SinusoidalRate(1.0, 0.5, 24.0).integral(0.0, 24.0)  # [24.]
        ```
    """

    mean: Float[Array, " 1"] = parameter(constraints.positive, converter=as_vector)
    amplitude: Float[Array, " 1"] = parameter(constraints.unit_interval, converter=as_vector)
    period: Float[Array, " 1"] = parameter(constraints.positive, converter=as_vector)
    phase: Float[Array, " 1"] = parameter(constraints.real, converter=as_vector, default=0.0)

    dim = 1

    def rate(self, t):
        return self.mean * (1 + self.amplitude * jnp.sin(2 * jnp.pi * t / self.period + self.phase))

    def integral(self, a, b):
        # The difference of cosines as a product of sines: no cancellation over short intervals.
        turn = 2 * jnp.pi / self.period
        swing = 2 * jnp.sin(turn * (a + b) / 2 + self.phase) * jnp.sin(turn * (b - a) / 2)
        return self.mean * ((b - a) + self.amplitude * swing / turn)

    def most(self, a, b):
        return (self.mean * (1 + self.amplitude))[0]


class PiecewiseRate(AbstractRate):
    """A rate that is constant between edges, and keeps its end values beyond them.

    **Arguments:**

    - `edges`: increasing times, shape `(m + 1,)`.
    - `rates`: shape `(m,)` or `(m, k)`.

    **Raises:** `ValueError` for rates that are not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import PiecewiseRate
        PiecewiseRate(jnp.array([0.0, 1.0, 2.0]), jnp.array([1.0, 3.0])).integral(0.5, 1.5)  # [2.]
        ```
    """

    edges: Float[Array, " m+1"] = parameter(constraints.ordered_vector, trainable=False)
    rates: Float[Array, "m k"] = parameter(
        constraints.positive, converter=lambda x: as_vector(x)[:, None] if np.ndim(x) < 2 else as_vector(x)
    )

    @property
    def dim(self) -> int:
        return self.rates.shape[1]

    def rate(self, t):
        return self.rates[jnp.clip(jnp.searchsorted(self.edges, t, side="right") - 1, 0, self.rates.shape[0] - 1)]

    def integral(self, a, b):
        inner = self.edges[1:-1]
        left = jnp.concatenate([jnp.full(1, -jnp.inf, inner.dtype), inner])
        right = jnp.concatenate([inner, jnp.full(1, jnp.inf, inner.dtype)])
        return jnp.maximum(jnp.minimum(right, b) - jnp.maximum(left, a), 0) @ self.rates

    def most(self, a, b):
        return self.rates.sum(axis=1).max()


class ChangingHazard(AbstractNextEvent):
    """The hazard from `start` on."""

    rate: AbstractRate
    start: Float[Array, ""]

    def log_intensity(self, gap):
        return jnp.log(self.rate.rate(self.start + gap))

    def compensator(self, gap):
        return self.rate.integral(self.start, self.start + gap)

    def log_survival(self, gap):
        return -self.compensator(gap).sum()

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def bound(self, a, b):
        return self.rate.most(self.start + a, self.start + b)


class InhomogeneousPoisson(AbstractRecurrent):
    r"""The Poisson process of a rate $\lambda_k(t)$ that depends on time alone.

    Times are absolute: the clock of the record is that of the rate.

    **Arguments:**

    - `rate`: an `AbstractRate`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import InhomogeneousPoisson, SinusoidalRate
        daily = InhomogeneousPoisson(SinusoidalRate(1.0, 0.9, 24.0))
        daily.sample(jnp.array([0.0, 48.0]), key=jax.random.key(0))
        ```

    Source: Lewis and Shedler (1979), Simulation of nonhomogeneous Poisson processes by thinning.
    """

    rate: AbstractRate

    mark_law = None

    @property
    def dim(self) -> int:
        return self.rate.dim

    def start(self, t0, room):
        return jnp.asarray(t0)

    def advance(self, state, gap, mark):
        return state + gap

    def contexts(self, record: Events):
        self.marks_of(record)
        return jnp.concatenate([record.t0[None], record.ts])

    def next_event(self, context):
        return ChangingHazard(self.rate, context)
