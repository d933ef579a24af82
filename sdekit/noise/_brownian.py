"""Brownian motion on a grid, drawn step by step from a key."""

from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax.numpy as jnp
from jaxtyping import DTypeLike

from .._errors import require
from .._types import Key, RealScalar, as_float, is_concrete
from ..math import counter_normal
from ._abstract import AbstractBrownian
from ._grid import Grid
from ._levy import BLOCK_VARIANCES, levy_depth, levy_value


__all__ = ["Brownian"]


def _regular(t0: RealScalar, dt: RealScalar, steps: int) -> Grid:
    require(steps >= 1, "steps", "must be at least 1", steps, "pass a positive number of steps")
    if is_concrete(dt):
        require(float(dt) > 0, "dt", "must be positive", dt, "pass the length of a step")
    start = as_float(t0)
    return Grid(jnp.stack([start, start + steps * jnp.asarray(dt, start.dtype)]), steps)


class Brownian(AbstractBrownian):
    r"""Brownian motion, `W_{t+h} - W_t ~ N(0, h)` in each component, on a grid of steps.

    Every number is a function of the key, the number of the step and the component: nothing is stored, any step can be
    asked for again, and batches come from `jax.vmap` over keys. The increments `W` do not depend on whether `H` and `K`
    are drawn beside them.

    !!! example

        ```python
        import jax
        from sdekit.noise import Brownian
        noise = Brownian(t0=0.0, dt=0.01, steps=100, dim=2, key=jax.random.key(0))
        noise.increments().shape  # (100, 2)
        noise.coarsen(10).increments().shape  # (10, 2)
        ```
    """

    grid: Grid
    dim: int = eqx.field(static=True)
    key: Key
    levy_area: type = eqx.field(static=True)
    dtype: str = eqx.field(static=True)
    mixing: ClassVar[None] = None

    def __init__(
        self,
        t0: RealScalar | None = None,
        dt: RealScalar | None = None,
        steps: int | None = None,
        dim: int = 1,
        *,
        key: Key,
        grid: Grid | None = None,
        levy_area: type = diffrax.BrownianIncrement,
        dtype: DTypeLike | None = None,
    ):
        """**Arguments:**

        - `t0`, `dt`, `steps`: a regular grid: its first time, the length of a step, the number of steps.
        - `dim`: the number of components `m`.
        - `key`: a JAX key.
        - `grid`: any `Grid`, instead of `t0`, `dt` and `steps`.
        - `levy_area`: `diffrax.BrownianIncrement`, `diffrax.SpaceTimeLevyArea` or `diffrax.SpaceTimeTimeLevyArea`.
        - `dtype`: of the increments; that of the grid by default.

        **Raises:** `ValueError` for a grid that is missing, given twice, or has steps that are not positive.
        """
        problem = "or all of `t0`, `dt`, `steps` must be given, and not both"
        if t0 is not None and dt is not None and steps is not None:
            require(grid is None, "grid", problem, (t0, dt, steps), "pass one of the two")
            grid = _regular(t0, dt, steps)
        else:
            require(grid is not None, "grid", problem, (t0, dt, steps), "pass one of the two")
        assert grid is not None
        require(dim >= 1, "dim", "must be at least 1", dim, "pass the number of components")
        levy_depth(levy_area)
        self.grid = grid
        self.dim = dim
        self.key = key
        self.levy_area = levy_area
        self.dtype = jnp.dtype(grid.knots.dtype if dtype is None else dtype).name

    def levy(self, step) -> Any:
        h = self.grid.width(step).astype(self.dtype)
        draw = lambda stream: counter_normal(self.key, step, (self.dim,), self.dtype, stream=stream)
        parts = tuple(
            draw(stream) * jnp.sqrt(h * jnp.asarray(BLOCK_VARIANCES[stream], self.dtype))
            for stream in range(levy_depth(self.levy_area))
        )
        return levy_value(h, parts)
