"""The words: noise is fixed by its key on a grid, and replays."""

import abc
from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import check_traced, require
from .._types import Array, Key, RealScalar, is_concrete
from ._grid import Grid
from ._levy import chain


__all__ = ["AbstractBrownian", "AbstractNoise"]

_OFF = "must be a time of the noise's grid"
_OFF_REMEDY = (
    "solve on the grid of the noise (steps `noise.grid.times()`), take `noise.refine` or `noise.coarsen`, or use"
    " `diffrax.VirtualBrownianTree` for steps chosen as the solve goes"
)


def _steps(grid: Grid, t0: RealScalar, t1: RealScalar) -> tuple[Array, Array]:
    """The numbers of the first step and of the step past the last, with an error for times off the grid."""
    (i0, off0), (i1, off1) = grid.find(t0), grid.find(t1)
    last: Any = grid.steps if grid.offsets is None else grid.offsets[-1]
    if is_concrete((i0, i1, off0, off1, last)):
        for name, t, i, off in (("t0", t0, i0, off0), ("t1", t1, i1, off1)):
            require(bool((off <= 1e-3) & (i >= 0) & (i <= last)), name, _OFF, t, _OFF_REMEDY)
        return jnp.asarray(i0), jnp.asarray(i1)
    bad = (off0 > 1e-3) | (off1 > 1e-3) | (i0 < 0) | (i1 < 0) | (i0 > last) | (i1 > last)
    return check_traced((i0, i1), bad, "t0, t1", _OFF, _OFF_REMEDY)


class AbstractNoise(diffrax.AbstractPath):
    """A driving noise: a Diffrax path, fixed by its key. The same object replays and differentiates.

    `solve` steps any such noise by number. Only Brownian noise has its drift corrected between Ito and Stratonovich.

    !!! example

        ```python
        import jax
        from sdekit.noise import AbstractNoise, Brownian
        noise = Brownian(0.0, 0.1, 10, key=jax.random.key(0))
        isinstance(noise, AbstractNoise), noise.increment(3).shape  # (True, (1,))
        ```
    """

    grid: eqx.AbstractVar[Grid]
    """Where its steps lie."""
    dim: eqx.AbstractVar[int]
    """The number of components `m`."""

    @abc.abstractmethod
    def increment(self, step: int | Array) -> Float[Array, " m"]:
        """The increment over step number `step` of the noise's own grid, shape `(m,)`."""

    @property
    def t0(self) -> Array:
        """The first time."""
        return self.grid.t0

    @property
    def t1(self) -> Array:
        """The last time."""
        return self.grid.t1

    def increments(self) -> Float[Array, "steps m"]:
        """The increments over all steps. Holds the whole table in memory."""
        _require_table(self.grid)
        return _all_steps(_increment, self)


class AbstractBrownian(AbstractNoise, diffrax.AbstractBrownianPath):
    """Brownian motion on a grid. Accepted by every Diffrax solver that the kind of its Levy area serves.

    !!! example

        ```python
        import jax
        from sdekit.noise import Brownian
        noise = Brownian(0.0, 0.1, 10, key=jax.random.key(0))
        finer = noise.refine(2, key=jax.random.key(1))
        finer.coarsen(2).increments()  # those of `noise`
        noise.evaluate(0.2, 0.5)  # the sum of steps 2, 3 and 4
        ```
    """

    levy_area: eqx.AbstractVar[type]
    """`diffrax.BrownianIncrement`, `SpaceTimeLevyArea` (adds `H`) or `SpaceTimeTimeLevyArea` (adds `K`)."""
    mixing: eqx.AbstractVar[Float[Array, "m k"] | None]
    """The matrix `C` such that increments over a time `h` have covariance `h C C^T`; `None` for the identity."""

    @abc.abstractmethod
    def levy(self, step: int | Array) -> Any:
        """All that is known of step number `step`: an object of the type `levy_area`."""

    def increment(self, step: int | Array) -> Float[Array, " m"]:
        return self.levy(step).W

    def table(self) -> Any:
        """`levy` of all steps, stacked: `W` (and `H`, `K`) of shape `(steps, m)`."""
        _require_table(self.grid)
        return _all_steps(_levy, self)

    def coarsen(self, factor: int) -> "AbstractBrownian":
        """The same Brownian motion on a grid with `factor` steps joined into one, areas included. Exact.

        **Arguments:**

        - `factor`: how many steps make one; it divides the number of steps between any two knots.

        **Returns:** a noise on `grid.coarsen(factor)`.

        **Raises:** `ValueError` if the steps do not divide.
        """
        from ._derived import Coarsened

        return Coarsened(self, factor)

    def refine(self, factor: int = 2, *, key: Key) -> "AbstractBrownian":
        """The same Brownian motion known on a finer grid: a Brownian bridge inside each step, areas included.

        `noise.refine(f, key=key).coarsen(f)` is `noise` to rounding, and the law of the fine steps is exact.

        **Arguments:**

        - `factor`: into how many steps to divide each step.
        - `key`: the key of the new randomness; another than the key of the noise.

        **Returns:** a noise on `grid.refine(factor)`.
        """
        from ._derived import Refined

        return Refined(self, factor, key=key)

    def evaluate(self, t0: RealScalar, t1: RealScalar | None = None, left: bool = True, use_levy: bool = False) -> Any:
        """The increment from `t0` to `t1`, both times of the grid; from the start of the grid if `t1` is `None`.

        Steps in between are joined one after another (Chen's relations), so that a coarse solve costs what its steps
        cost. Run-time error for a time that is not on the grid, and for areas backwards in time.
        """
        del left
        if t1 is None:
            t0, t1 = self.grid.t0, t0
        start, stop = _steps(self.grid, t0, t1)
        low, high = jnp.minimum(start, stop), jnp.maximum(start, stop)
        value = self.levy(low)
        value = jax.lax.fori_loop(low + 1, high, lambda i, v: chain(v, self.levy(i)), value)
        sign = jnp.sign(stop - start)
        if not use_levy:
            return value.W * sign.astype(value.W.dtype)
        value = jax.tree.map(lambda x: jnp.where(sign == 0, jnp.zeros_like(x), x), value)
        remedy = "solve the time-reversed equation forwards"
        return check_traced(value, sign < 0, "t1", "must not be before `t0` for a solver with Levy areas", remedy)


_increment = lambda noise, i: noise.increment(i)
_levy = lambda noise, i: noise.levy(i)


@eqx.filter_jit
def _all_steps(what: Callable, noise: Any) -> Any:
    return jax.vmap(lambda i: what(noise, i))(jnp.arange(noise.grid.steps))


def _require_table(grid: Grid) -> None:
    remedy = "build the noise outside `jit`, or give every gap the same number of steps"
    require(grid.steps is not None, "grid", "must have a known number of steps", grid.offsets, remedy)
