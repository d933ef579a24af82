r"""The likelihood of the probability flow, and what it is in bits per dimension."""

import abc
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.integrate import DOP853

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
    start: RealScalar | None = None,
    stop: RealScalar | None = None,
    steps: int = 100,
    grid: Float[Array, " n+1"] | None = None,
    order: int = 4,
    divergence: AbstractDivergence | None = None,
    key: Key | None = None,
) -> tuple[State, Float[Array, ""]]:
    r"""Follow the probability flow, forwards or backwards, and the logarithm of the volume along it.

    Explicit Runge-Kutta steps. Differentiable in `x`, the parameters of the field, and the times.

    **Arguments:**

    - `field`: any `Field`.
    - `x`: the state at `start`, shape `(d,)`.
    - `start`, `stop`: times of the path, in either order.
    - `steps`: the number of steps.
    - `grid`: the times to step on, instead of `start`, `stop` and `steps` equal steps; see `spread_grid`.
    - `order`: 4, the classical method with four evaluations a step, or 8, that of Dormand and Prince with twelve.
    - `divergence`: `ExactDivergence()` by default.
    - `key`: for the probes of `Hutchinson`.

    **Returns:** the state at `stop`, and $\int \operatorname{div} b\,dt$ along the way: the log-density at `stop` is
    that at `start` less it.

    **Raises:** `ValueError` for no step, times that are missing, another order, a state of another shape, or probes
    without a key.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.interpolants as si
        path = si.one_sided_linear()
        field = si.Field(path, si.Velocity(lambda t, x: -x))
        si.flow(field, jnp.ones(1), start=0.0, stop=1.0)  # [0.3679], -1.0
        ```

    Source: Hairer, Norsett and Wanner (1993), Solving ordinary differential equations I, sections II.1 and II.5.
    """
    x = as_float(x)
    require(x.ndim == 1, "x", "must have shape (d,)", x, "map over states with `jax.vmap`")
    require(order in _TABLEAUS, "order", "must be 4 or 8", order, "pass 4 or 8")
    times = _times_of_steps(start, stop, steps, grid, x.dtype)
    divergence = ExactDivergence() if divergence is None else divergence
    probes = divergence.probes(x, key=key)
    rate = lambda t, x: divergence(lambda y: field.velocity(t, y), x, probes)

    rows, weights, nodes = (jnp.asarray(v, x.dtype) for v in _TABLEAUS[order])

    def step(y, ts):
        t0, t1 = ts

        def stage(slopes, inputs):
            i, row, node = inputs
            here = y + (t1 - t0) * jnp.sum(row[:, None] * slopes, axis=0)
            # Exactly an end of the step for nodes 0 and 1, so that none lies outside of the path.
            slope, rate_of_volume = rate((1 - node) * t0 + node * t1, here[:-1])
            return slopes.at[i].set(jnp.append(slope, rate_of_volume)), None

        empty = jnp.zeros((nodes.size, y.size), y.dtype)
        slopes, _ = jax.lax.scan(stage, empty, (jnp.arange(nodes.size), rows, nodes))
        return y + (t1 - t0) * jnp.sum(weights[:, None] * slopes, axis=0), None

    y, _ = jax.lax.scan(step, jnp.append(x, jnp.zeros((), x.dtype)), times)
    return y[:-1], y[-1]


_TABLEAUS = {
    4: (
        np.array([[0, 0, 0, 0], [1 / 2, 0, 0, 0], [0, 1 / 2, 0, 0], [0, 0, 1, 0]]),
        np.array([1, 2, 2, 1]) / 6,
        np.array([0, 1 / 2, 1 / 2, 1]),
    ),
    8: (DOP853.A, DOP853.B, DOP853.C),
}
"""What each stage takes from those before, their weights, and where in the step they stand."""


def _times_of_steps(start, stop, steps, grid, dtype) -> tuple[Array, Array]:
    """First and last times of the steps."""
    if grid is not None:
        remedy = "leave out start= and stop=, the grid has them"
        require(start is None and stop is None, "grid", "stands in the place of start and stop", grid, remedy)
        grid = jnp.asarray(grid, dtype)
        require(grid.ndim == 1 and grid.size > 1, "grid", "must have shape (n + 1,)", grid, "pass two times or more")
        return grid[:-1], grid[1:]
    require(steps >= 1, "steps", "must be at least 1", steps, "pass a positive number of steps")
    known = start is not None and stop is not None
    require(known, "start, stop", "must both be given", (start, stop), "pass two times of the path, or grid=")
    start, stop = (jnp.asarray(t, dtype) for t in (start, stop))
    ends = start + (stop - start) * (jnp.arange(steps + 1) / steps).astype(dtype)
    return ends[:-1], ends[1:]


def log_prob(
    field: Field,
    x: State,
    base: Law,
    *,
    start: RealScalar | None = None,
    stop: RealScalar | None = None,
    steps: int = 100,
    grid: Float[Array, " n+1"] | None = None,
    order: int = 4,
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
    - `steps`, `grid`, `order`, `divergence`, `key`: as of `flow`; a grid begins at the time of `x`.

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
    if grid is None:
        start = field.path.data_time if start is None else start
        stop = field.path.base_time if stop is None else stop
    how: Any = {"steps": steps, "grid": grid, "order": order, "divergence": divergence, "key": key}
    end, volume = flow(field, x, start=start, stop=stop, **how)
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
