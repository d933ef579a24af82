r"""The likelihood of the probability flow, and what it is in bits per dimension."""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key, Law, RealScalar, State, as_float
from ._field import Field


__all__ = [
    "AbstractDivergence",
    "Dequantiser",
    "ExactDivergence",
    "Hutchinson",
    "flow",
    "log_prob",
]

Vector = Callable[[State], State]


class AbstractDivergence(eqx.Module):
    """How the divergence of a field is found.

    !!! example

        ```python
        import sdekit.interpolants as si
        issubclass(si.Hutchinson, si.AbstractDivergence)
        ```
    """

    @abc.abstractmethod
    def probes(self, x: State, *, key: Key | None) -> Array | None:
        """What is drawn once a solve."""

    @abc.abstractmethod
    def __call__(self, f: Vector, x: State, probes: Array | None) -> tuple[State, Float[Array, ""]]:
        """`f(x)` and its divergence there."""


class ExactDivergence(AbstractDivergence):
    """The trace of the Jacobian, by `d` derivatives.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.interpolants as si
        si.ExactDivergence()(lambda x: x**2, jnp.array([1.0, 2.0]), None)  # ([1., 4.], 6.)
        ```
    """

    def probes(self, x: State, *, key: Key | None) -> Array | None:
        return None

    def __call__(self, f: Vector, x: State, probes: Array | None) -> tuple[State, Float[Array, ""]]:
        value, tangent = jax.linearize(f, x)
        eye = jnp.eye(x.shape[0], dtype=x.dtype)
        return value, jnp.trace(jax.vmap(tangent)(eye))


class Hutchinson(AbstractDivergence):
    r"""$v^\top J v$ for random $v$ with $E vv^\top = I$: unbiased, with one derivative a probe.

    The variance of one probe is $\tfrac12 \|J + J^\top\|_F^2$ for Gaussian $v$, and that less the diagonal for signs
    (Rademacher), which are exact for diagonal Jacobians.

    **Arguments:**

    - `n`: the number of probes, held fixed along a solve.
    - `gaussian`: whether probes are normal instead of signs.

    **Raises:** `ValueError` for no probe.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit.interpolants as si
        estimate, x = si.Hutchinson(n=2), jnp.array([1.0, 2.0])
        estimate(lambda x: x**2, x, estimate.probes(x, key=jax.random.key(0)))  # ([1., 4.], 6.)
        ```

    Source: Hutchinson (1990), A stochastic estimator of the trace; Grathwohl et al. (2019), FFJORD.
    """

    n: int = eqx.field(static=True, default=1)
    gaussian: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        require(self.n >= 1, "Hutchinson.n", "must be at least 1", self.n, "pass the number of probes")

    def probes(self, x: State, *, key: Key | None) -> Array | None:
        require(key is not None, "key", "is needed for random probes", key, "pass key=, or use ExactDivergence()")
        assert key is not None
        draw = jax.random.normal if self.gaussian else jax.random.rademacher
        return draw(key, (self.n, *x.shape), x.dtype)

    def __call__(self, f: Vector, x: State, probes: Array | None) -> tuple[State, Float[Array, ""]]:
        value, tangent = jax.linearize(f, x)
        return value, jnp.mean(jax.vmap(lambda v: v @ tangent(v))(probes))


def flow(
    field: Field,
    x: State,
    *,
    start: RealScalar,
    stop: RealScalar,
    steps: int = 100,
    divergence: AbstractDivergence | None = None,
    key: Key | None = None,
) -> tuple[State, Float[Array, ""]]:
    r"""Follow the probability flow, forwards or backwards, and the logarithm of the volume along it.

    Classical Runge-Kutta steps of order 4. Differentiable in `x`, the parameters of the field, and the times.

    **Arguments:**

    - `field`: any `Field`.
    - `x`: the state at `start`, shape `(d,)`.
    - `start`, `stop`: times of the path, in either order.
    - `steps`: the number of steps, four evaluations each.
    - `divergence`: `ExactDivergence()` by default.
    - `key`: for the probes of `Hutchinson`.

    **Returns:** the state at `stop`, and $\int \operatorname{div} b\,dt$ along the way: the log-density at `stop` is
    that at `start` less it.

    **Raises:** `ValueError` for no step, a state of another shape, or probes without a key.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.interpolants as si
        path = si.one_sided_linear()
        field = si.Field(path, si.Velocity(lambda t, x: -x))
        si.flow(field, jnp.ones(1), start=0.0, stop=1.0)  # [0.3679], -1.0
        ```
    """
    x = as_float(x)
    require(x.ndim == 1, "x", "must have shape (d,)", x, "map over states with `jax.vmap`")
    require(steps >= 1, "steps", "must be at least 1", steps, "pass a positive number of steps")
    divergence = ExactDivergence() if divergence is None else divergence
    probes = divergence.probes(x, key=key)
    start, stop = (jnp.asarray(t, x.dtype) for t in (start, stop))
    h = (stop - start) / steps
    rate = lambda t, x: divergence(lambda y: field.velocity(t, y), x, probes)

    def step(carry, i):
        x, volume = carry
        # Ends of steps are given to the last digit, so that none lies outside of the path.
        at = lambda j: start + (stop - start) * (j / (2 * steps)).astype(x.dtype)
        t0, tm, t1 = at(2.0 * i), at(2.0 * i + 1), at(2.0 * i + 2)
        k1, d1 = rate(t0, x)
        k2, d2 = rate(tm, x + h / 2 * k1)
        k3, d3 = rate(tm, x + h / 2 * k2)
        k4, d4 = rate(t1, x + h * k3)
        return (x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), volume + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)), None

    (x, volume), _ = jax.lax.scan(step, (x, jnp.zeros((), x.dtype)), jnp.arange(steps))
    return x, volume


def log_prob(
    field: Field,
    x: State,
    base: Law,
    *,
    start: RealScalar | None = None,
    stop: RealScalar | None = None,
    steps: int = 100,
    divergence: AbstractDivergence | None = None,
    key: Key | None = None,
) -> Float[Array, ""]:
    r"""The log-density of data under the probability flow.

    That of the base where the flow takes a datum, plus the volume along the way.

    **Arguments:**

    - `field`: any `Field`.
    - `x`: a datum, shape `(d,)`; map over more with `jax.vmap`.
    - `base`: the law at `stop`; `base_law(path, d)` for a one-sided path.
    - `start`: the time at which `x` is seen: that of the data by default.
    - `stop`: the time at which `base` holds: the other end by default.
    - `steps`, `divergence`, `key`: as of `flow`.

    **Returns:** a number, in nats.

    **Raises:** `ValueError` as `flow`, and for a `base` of another shape.

    !!! example

        ```python
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.interpolants import base_law, exact_field, log_prob, one_sided_linear
        data = dist.Normal(jnp.array([1.0]), 0.5).to_event(1)
        field = exact_field(one_sided_linear(), law1=data)
        log_prob(field, jnp.ones(1), base_law(field.path, 1), steps=20)  # -0.2258
        ```

    Source: Chen et al. (2018), Neural ordinary differential equations, theorem 1; Song et al. (2021), equation (39).
    """
    x = as_float(x)
    shape = base.event_shape
    require(shape == x.shape, "base", f"must have event shape {x.shape}", shape, "give a law of the states")
    start = field.path.data_time if start is None else start
    stop = field.path.base_time if stop is None else stop
    end, volume = flow(field, x, start=start, stop=stop, steps=steps, divergence=divergence, key=key)
    return jnp.asarray(base.log_prob(end)) + volume


class Dequantiser(eqx.Module):
    r"""Integers $0, \dots, L - 1$ as points of a density, and densities as bits per dimension.

    A datum $k$ becomes $(k + u)/L$ times `high - low` plus `low`, with uniform $u$. For a density of that,
    $-E\log_2 p / d$ plus the logarithm of the scale bounds the bits per dimension of the integers from above.

    **Arguments:**

    - `levels`: $L$.
    - `low`, `high`: the range of the points.

    **Raises:** `ValueError` for fewer than two levels, or `low >= high`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit.interpolants as si
        levels = si.Dequantiser(17, -1.0, 1.0)
        x = levels.points(jnp.arange(17), key=jax.random.key(0))
        levels.bits(jnp.log(0.5), 1)  # 4.087 = log2(17): a uniform density
        ```

    Source: Theis, van den Oord and Bethge (2016), A note on the evaluation of generative models, section 3.1.
    """

    levels: int = eqx.field(static=True)
    low: float = eqx.field(static=True, default=0.0)
    high: float = eqx.field(static=True, default=1.0)

    def __check_init__(self):
        require(self.levels >= 2, "Dequantiser.levels", "must be at least 2", self.levels, "count the values")
        require(self.low < self.high, "Dequantiser.low", "must be below high", self.low, "swap them")

    def points(self, x: Array, *, key: Key) -> Array:
        """Integers as points with uniform noise, of the same shape."""
        x = jnp.asarray(x)
        u = jax.random.uniform(key, x.shape)
        return self.low + (self.high - self.low) * ((x + u) / self.levels).astype(u.dtype)

    def integers(self, x: Array) -> Array:
        """Points as integers; those outside of the range take the nearest."""
        scaled = (jnp.asarray(x) - self.low) / (self.high - self.low) * self.levels
        return jnp.clip(jnp.floor(scaled), 0, self.levels - 1).astype(int)

    def bits(self, log_prob: Array, dim: int) -> Array:
        """Bits per dimension from log-densities of points, in nats; of the same shape."""
        width = math.log((self.high - self.low) / self.levels)
        return -(jnp.asarray(log_prob) / dim + width) / math.log(2)
