"""What the Ornstein-Uhlenbeck modes of a driver receive over each step of a grid, jointly and exactly."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import DTypeLike, Float

from .._errors import require
from .._types import Array, Key, RealScalar, as_float
from ..math import counter_normal, kernel_root
from ._abstract import AbstractNoise, _steps
from ._grid import Grid


__all__ = ["AbstractModeNoise", "ModeNoise"]


class AbstractModeNoise(AbstractNoise):
    r"""The stochastic convolutions $\int e^{-\gamma_j (t_1 - s)}\,dB_s$ over each step, with $\gamma = 0$ in front.

    As an `AbstractNoise` its increments are those of the Brownian motion.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.noise import Grid, ModeNoise
        noise = ModeNoise(Grid(jnp.array([0.0, 1.0]), 8), jnp.array([1.0, 1e6]), key=jax.random.key(0))
        noise.coarsen(4).convolutions(1).shape  # (1, 3)
        ```
    """

    rates: eqx.AbstractVar[Float[Array, " j"]]

    @abc.abstractmethod
    def convolutions(self, step: int | Array) -> Float[Array, "m j+1"]:
        """The Brownian increment, then the convolution of each mode, over step number `step`."""

    @abc.abstractmethod
    def spread(self, step: int | Array) -> Float[Array, "j+1 j+1"]:
        """A root of the covariance of the convolutions over step number `step`."""

    def increment(self, step: int | Array) -> Float[Array, " m"]:
        return self.convolutions(step)[:, 0]

    def evaluate(self, t0: RealScalar, t1: RealScalar | None = None, left: bool = True) -> Float[Array, " m"]:
        """The Brownian increment from `t0` to `t1`, both times of the grid."""
        del left
        if t1 is None:
            t0, t1 = self.grid.t0, t0
        start, stop = _steps(self.grid, t0, t1)
        low, high = jnp.minimum(start, stop), jnp.maximum(start, stop)
        zero = jnp.zeros_like(self.increment(low))
        total = jax.lax.fori_loop(low, high, lambda i, w: w + self.increment(i), zero)
        return jnp.where(stop < start, -total, total)

    def coarsen(self, factor: int) -> "AbstractModeNoise":
        """The same motion on a grid with `factor` steps joined into one. Exact.

        **Arguments:**

        - `factor`: how many steps make one; it divides the number of steps between any two knots.

        **Returns:** a noise on `grid.coarsen(factor)`.

        **Raises:** `ValueError` if the steps do not divide.
        """
        return _CoarsenedModes(self, factor)


def _roots(rates: Array, widths: Array) -> Array:
    rates = jnp.concatenate([jnp.zeros(1, rates.dtype), jax.lax.stop_gradient(rates)])
    root = lambda h: kernel_root(lambda s: jnp.exp(-s[:, None] * rates[None, :]), h)
    return jax.vmap(root)(widths)


def _widths(grid: Grid) -> Array:
    """The length of the steps in each gap."""
    counts = grid.per_gap if grid.offsets is None else jnp.diff(jnp.asarray(grid.offsets))
    return jnp.diff(grid.knots) / jnp.asarray(counts, grid.knots.dtype)


class ModeNoise(AbstractModeNoise):
    """The noise of the modes of a driver on a grid, drawn step by step from a key.

    Exact for any rates: a mode that forgets within a step costs no smaller step.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.noise import Grid, ModeNoise
        noise = ModeNoise(Grid(jnp.array([0.0, 1.0]), 8), jnp.array([1.0, 1e6]), dim=2, key=jax.random.key(0))
        noise.convolutions(0).shape  # (2, 3)
        ```
    """

    grid: Grid
    rates: Float[Array, " j"]
    roots: Float[Array, "gaps j+1 j+1"]
    key: Key
    dim: int = eqx.field(static=True)

    def __init__(
        self, grid: Grid, rates: Float[Array, " j"], dim: int = 1, *, key: Key, dtype: DTypeLike | None = None
    ):
        """**Arguments:**

        - `grid`: where the steps lie.
        - `rates`: those of the modes, not negative, shape `(j,)`.
        - `dim`: the number of components `m`, each with its own Brownian motion.
        - `key`: a JAX key.
        - `dtype`: of the noise; that of the grid by default.

        **Raises:** `ValueError` for fewer than one component.
        """
        require(dim >= 1, "dim", "must be at least 1", dim, "pass the number of components")
        dtype = grid.knots.dtype if dtype is None else dtype
        self.grid, self.key, self.dim = grid, key, dim
        self.rates = as_float(rates)
        self.roots = _roots(self.rates.astype(dtype), _widths(grid).astype(dtype))

    def spread(self, step: int | Array) -> Float[Array, "j+1 j+1"]:
        return self.roots[self.grid._place(step)[0]]

    def convolutions(self, step: int | Array) -> Float[Array, "m j+1"]:
        size = self.rates.shape[0] + 1
        z = counter_normal(self.key, step, (self.dim, size), self.roots.dtype)
        return jnp.sum(z[:, None, :] * self.spread(step)[None], axis=-1)


class _CoarsenedModes(AbstractModeNoise):
    fine: AbstractModeNoise
    factor: int = eqx.field(static=True)
    grid: Grid
    roots: Float[Array, "gaps j+1 j+1"]

    def __init__(self, fine: AbstractModeNoise, factor: int):
        self.fine, self.factor = fine, factor
        self.grid = fine.grid.coarsen(factor)
        dtype = fine.spread(0).dtype
        self.roots = _roots(fine.rates.astype(dtype), _widths(self.grid).astype(dtype))

    @property
    def dim(self) -> int:
        return self.fine.dim

    @property
    def rates(self) -> Float[Array, " j"]:
        return self.fine.rates

    def spread(self, step: int | Array) -> Float[Array, "j+1 j+1"]:
        return self.roots[self.grid._place(step)[0]]

    def convolutions(self, step: int | Array) -> Float[Array, "m j+1"]:
        first = jnp.asarray(step) * self.factor
        fine = jax.vmap(self.fine.convolutions)(first + jnp.arange(self.factor))
        h = self.fine.grid.width(first).astype(fine.dtype)
        rates = jnp.concatenate([jnp.zeros(1, fine.dtype), self.rates.astype(fine.dtype)])
        left = jnp.exp(-rates[None, :] * h * (self.factor - 1 - jnp.arange(self.factor, dtype=fine.dtype))[:, None])
        return jnp.einsum("fj,fmj->mj", left, fine, precision=jax.lax.Precision.HIGHEST)
