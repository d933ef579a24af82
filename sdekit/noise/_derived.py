"""Noise made from noise: coarser, finer, correlated, or written down."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._types import Array, Key, as_float
from ._abstract import AbstractBrownian
from ._brownian import Brownian
from ._grid import Grid
from ._levy import join, levy_parts, levy_value, splitting


__all__ = ["Coarsened", "Correlated", "Refined", "Tabulated"]


class Coarsened(AbstractBrownian):
    """A Brownian motion with `factor` steps joined into one; what `noise.coarsen(factor)` returns.

    !!! example

        ```python
        import jax
        from sdekit.noise import Brownian, Coarsened
        noise = Brownian(0.0, 0.25, 4, key=jax.random.key(0))
        Coarsened(noise, 2).increments()  # sums of two neighbours
        ```
    """

    fine: AbstractBrownian
    factor: int = eqx.field(static=True)
    grid: Grid

    def __init__(self, fine: AbstractBrownian, factor: int):
        """**Arguments:**

        - `fine`: the noise to join.
        - `factor`: how many steps make one.

        **Raises:** `ValueError` if the steps do not divide.
        """
        self.fine, self.factor = fine, factor
        self.grid = fine.grid.coarsen(factor)

    @property
    def dim(self) -> int:
        return self.fine.dim

    @property
    def levy_area(self) -> type:
        return self.fine.levy_area

    @property
    def mixing(self) -> Float[Array, "m k"] | None:
        return self.fine.mixing

    def levy(self, step) -> Any:
        first = jnp.asarray(step) * self.factor
        return join(jax.vmap(self.fine.levy)(first + jnp.arange(self.factor)), self.factor)


class Refined(AbstractBrownian):
    """A Brownian motion known on a finer grid; what `noise.refine(factor, key=key)` returns.

    The steps inside a coarse step are drawn freely, then moved by what their sum lacks (a Brownian bridge for `W`, its
    counterparts for `H` and `K`).

    !!! example

        ```python
        import jax
        from sdekit.noise import Brownian, Refined
        noise = Brownian(0.0, 0.25, 4, key=jax.random.key(0))
        Refined(noise, 2, key=jax.random.key(1)).increments().shape  # (8, 1)
        ```
    """

    coarse: AbstractBrownian
    factor: int = eqx.field(static=True)
    grid: Grid
    free: AbstractBrownian

    def __init__(self, coarse: AbstractBrownian, factor: int = 2, *, key: Key):
        """**Arguments:**

        - `coarse`: the noise to divide.
        - `factor`: into how many steps to divide each step.
        - `key`: the key of the new randomness.

        **Raises:** `ValueError` for a factor below 1 or a noise with correlated components.
        """
        require(
            coarse.mixing is None,
            "coarse", "must have independent components", coarse.mixing, "refine first, and correlate the result",
        )  # fmt: skip
        self.coarse, self.factor = coarse, factor
        self.grid = coarse.grid.refine(factor)
        dtype = jax.eval_shape(lambda: coarse.increment(0)).dtype
        self.free = Brownian(grid=self.grid, dim=coarse.dim, key=key, levy_area=coarse.levy_area, dtype=dtype)

    @property
    def dim(self) -> int:
        return self.coarse.dim

    @property
    def levy_area(self) -> type:
        return self.coarse.levy_area

    @property
    def mixing(self) -> None:
        return None

    def levy(self, step) -> Any:
        step = jnp.asarray(step)
        block = step // self.factor
        free = jax.vmap(self.free.levy)(block * self.factor + jnp.arange(self.factor))
        lack = [
            c - f for c, f in zip(levy_parts(self.coarse.levy(block)), levy_parts(join(free, self.factor)), strict=True)
        ]
        place = step - block * self.factor
        gain = jnp.asarray(splitting(self.factor, len(lack)), lack[0].dtype)[place]
        moved = jnp.einsum("fd,dm->fm", gain, jnp.stack(lack), precision=jax.lax.Precision.HIGHEST)
        here = jax.tree.map(lambda x: x[place], free)
        return levy_value(here.dt, tuple(p + q for p, q in zip(levy_parts(here), moved, strict=True)))


class Correlated(AbstractBrownian):
    r"""Brownian motion with correlated components, $B = C W$.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.noise import Brownian, Correlated
        correlation = jnp.array([[1.0, 0.7], [0.7, 1.0]])
        noise = Brownian(0.0, 0.1, 10, dim=2, key=jax.random.key(0))
        Correlated(noise, jnp.linalg.cholesky(correlation)).increments().shape  # (10, 2)
        ```
    """

    noise: AbstractBrownian
    factor: Float[Array, "m k"]

    def __init__(self, noise: AbstractBrownian, factor: ArrayLike):
        """**Arguments:**

        - `noise`: a Brownian motion of `k` components.
        - `factor`: the matrix `C`, shape `(m, k)`; for a correlation matrix, its Cholesky factor.

        **Raises:** `ValueError` if the shapes do not meet.
        """
        self.noise, self.factor = noise, as_float(factor)
        require(
            self.factor.ndim == 2 and self.factor.shape[1] == noise.dim,
            "factor", f"must have shape (m, {noise.dim})", self.factor, "pass the Cholesky factor of the correlations",
        )  # fmt: skip

    @property
    def grid(self) -> Grid:
        return self.noise.grid

    @property
    def dim(self) -> int:
        return self.factor.shape[0]

    @property
    def levy_area(self) -> type:
        return self.noise.levy_area

    @property
    def mixing(self) -> Float[Array, "m k"]:
        return self.factor if self.noise.mixing is None else self.factor @ self.noise.mixing

    def levy(self, step) -> Any:
        value = self.noise.levy(step)
        return levy_value(value.dt, tuple(self.factor.astype(p.dtype) @ p for p in levy_parts(value)))


class Tabulated(AbstractBrownian):
    """A Brownian motion whose increments are written down: to replay a record, or to drive a solve by hand.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.noise import Grid, Tabulated
        noise = Tabulated(Grid(jnp.array([0.0, 1.0]), 4), jnp.ones((4, 1)))
        noise.increment(2)  # [1.]
        ```
    """

    grid: Grid
    W: Float[Array, "steps m"]
    H: Float[Array, "steps m"] | None
    K: Float[Array, "steps m"] | None

    def __init__(self, grid: Grid, W: ArrayLike, H: ArrayLike | None = None, K: ArrayLike | None = None):
        """**Arguments:**

        - `grid`: where the steps lie.
        - `W`: the increments, shape `(steps, m)`.
        - `H`, `K`: the space-time and space-time-time areas, of the same shape.

        **Raises:** `ValueError` if the shapes do not meet.
        """
        self.grid = grid
        self.W = as_float(W)
        self.H, self.K = (None if x is None else as_float(x) for x in (H, K))
        require(
            self.W.ndim == 2 and grid.steps in (None, self.W.shape[0]),
            "W", f"must have shape (steps, m) with {grid.steps} steps", self.W, "pass a row for each step",
        )  # fmt: skip
        for name, x in (("H", self.H), ("K", self.K)):
            require(
                x is None or x.shape == self.W.shape, name, "must have the shape of W", x, "pass a row for each step"
            )
        require(self.K is None or self.H is not None, "H", "must be given with K", None, "pass both areas")

    @property
    def dim(self) -> int:
        return self.W.shape[1]

    @property
    def levy_area(self) -> type:
        if self.H is None:
            return diffrax.BrownianIncrement
        return diffrax.SpaceTimeLevyArea if self.K is None else diffrax.SpaceTimeTimeLevyArea

    @property
    def mixing(self) -> None:
        return None

    def levy(self, step) -> Any:
        parts = tuple(x[step] for x in (self.W, self.H, self.K) if x is not None)
        return levy_value(self.grid.width(step).astype(self.W.dtype), parts)
