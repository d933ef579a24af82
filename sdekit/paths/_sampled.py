"""Paths known at the times of a grid."""

import dataclasses
from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Int

from .._errors import require, require_times
from .._types import Array, is_concrete
from ..data import Clock, Series
from ._path import AbstractPath
from ._times import interval, query


__all__ = ["Provenance", "SampledPath"]


class Provenance(eqx.Module):
    """How a path was made.

    !!! example

        ```python
        from sdekit.paths import Provenance
        Provenance("Heun", noise="Brownian", dt=0.01)
        ```
    """

    solver: str = eqx.field(static=True)
    """The solver, or `"exact"` for draws from the transition law."""
    noise: str = eqx.field(static=True, default="")
    dt: float | None = eqx.field(static=True, default=None)
    """The longest step, or `None` when there was none (exact) or it varied (adaptive)."""
    steps: int | None = eqx.field(static=True, default=None)
    """The number of steps, or `None` when there was none or it varied."""
    adjoint: str = eqx.field(static=True, default="")
    """How gradients are taken, where it was chosen."""
    rejected: Int[Array, "*n"] | None = None
    """How many steps (or, in thinning, proposals) were rejected, when steps were adapted."""
    violations: Int[Array, "*n"] | None = None
    """How often, in thinning, the intensity was found above its bound; the bound was then raised."""

    def __str__(self) -> str:
        return self.solver + (f", dt={self.dt:g}" if self.dt is not None else "")


class SampledPath(AbstractPath):
    """States `xs` at times `ts`, linear in between.

    **Arguments:**

    - `ts`: increasing times, shape `(t,)`, shared by all paths of a stack.
    - `xs`: states, shape `(t, d)` or `(n, t, d)`.
    - `made`: how the path was made.

    **Raises:** `ValueError` for shapes that do not fit or times that do not increase.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.paths import SampledPath

        path = SampledPath(jnp.array([0.0, 1.0]), jnp.array([[0.0], [2.0]]))
        path(0.25)  # [0.5]
        ```
    """

    ts: Float[Array, " t"]
    xs: Float[Array, "*n t d"]
    made: Provenance = Provenance("given")

    def __check_init__(self):
        shape = jnp.shape(self.xs)
        fits = len(shape) >= 2 and shape[-2:-1] == jnp.shape(self.ts)
        require(fits, "xs", f"must have shape (t, d) or (n, t, d) with t = {jnp.shape(self.ts)}", self.xs, "match ts")
        require_times(self.ts)

    def __call__(self, t: ArrayLike) -> Array:
        """The state at `t`: shape `(d,)` for a number, `(s, d)` for times of shape `(s,)`; stacks lead with `n`."""
        t = query(t, self.ts[0], self.ts[-1], self.ts.dtype)
        if self.ts.shape[0] == 1:
            return self.xs[..., jnp.zeros(t.shape, int), :]
        i = jnp.minimum(interval(self.ts, t), self.ts.shape[0] - 2)
        w = ((t - self.ts[i]) / (self.ts[i + 1] - self.ts[i]))[..., None]
        left, right = self.xs[..., i, :], self.xs[..., i + 1, :]
        w = w.reshape((1,) * (left.ndim - w.ndim) + w.shape).astype(left.dtype)
        return (1 - w) * left + w * right

    @property
    def dim(self) -> int:
        """The number of components `d`."""
        return self.xs.shape[-1]

    @property
    def is_single(self) -> bool:
        return self.xs.ndim == 2

    def __len__(self) -> int:
        return 1 if self.is_single else self.xs.shape[0]

    def _index(self, index) -> Self:
        made = jax.tree.map(lambda x: x[index], self.made)
        return eqx.tree_at(lambda p: (p.xs, p.made), self, (self.xs[index], made))

    def stacked(self) -> Self:
        return eqx.tree_at(lambda p: p.ts, self, self.ts.reshape(-1, self.ts.shape[-1])[0])

    def mean(self) -> Self:
        """The mean over the paths of a stack, as a path.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import SampledPath
            SampledPath(jnp.arange(3.0), jnp.ones((10, 3, 1))).mean()
            ```
        """
        return self._over_paths(jnp.mean(self._ensemble(), 0))

    def std(self) -> Self:
        """The standard deviation over the paths of a stack (with `n`, not `n - 1`), as a path.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import SampledPath
            SampledPath(jnp.arange(3.0), jnp.ones((10, 3, 1))).std()
            ```
        """
        return self._over_paths(jnp.std(self._ensemble(), 0))

    def quantile(self, q: ArrayLike) -> Self:
        """Pointwise quantiles over the paths of a stack.

        **Arguments:**

        - `q`: a level in `[0, 1]`, or levels of shape `(k,)`.

        **Returns:** a path, or a stack of `k` of them in the order of the levels.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import SampledPath
            SampledPath(jnp.arange(3.0), jnp.ones((10, 3, 1))).quantile([0.05, 0.95])
            ```
        """
        return self._over_paths(jnp.quantile(self._ensemble(), jnp.asarray(q, self.xs.dtype), axis=0))

    def _ensemble(self) -> Array:
        require(not self.is_single, "path", "must be a stack of paths", self, "sample with n=")
        return self.xs

    def _over_paths(self, xs: Array) -> Self:
        # What is counted path by path says nothing of a mean.
        made = dataclasses.replace(self.made, rejected=None)
        return eqx.tree_at(lambda p: (p.xs, p.made), self, (xs, made))

    def to_series(self, mask: ArrayLike | None = None, *, clock: Clock | None = None, names: tuple = ()) -> Series:
        """The path as data.

        **Arguments:**

        - `mask`: what is observed, of the shape of `xs`; everything, if not given.
        - `clock`: the clock of the record that the times of the path belong to, such as `data.clock`.
        - `names`: the names of the components.

        **Returns:** a series, or a stack of as many as there are paths.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.paths import SampledPath
            SampledPath(jnp.arange(3.0), jnp.ones((10, 3, 1))).to_series()
            ```
        """
        return Series(self.ts, self.xs, mask, clock=clock or Clock(), names=names)

    def to_record(self) -> Series:
        return self.to_series()

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        return eqx.tree_at(lambda p: (p.ts, p.xs), self, (times(self.ts), values(self.xs)))

    def _summary(self) -> str:
        many = "" if self.is_single else f"{len(self)} path{'' if len(self) == 1 else 's'}, "
        t, d = self.xs.shape[-2:]
        size = f"{many}{t} time{'' if t == 1 else 's'}, {d} component{'' if d == 1 else 's'}"
        ends = np.asarray(self.ts)[..., [0, -1]].reshape(-1, 2)[0] if is_concrete(self.ts) else None
        return f"{size}{'' if ends is None else f', {ends[0]:g}..{ends[1]:g}'}, {self.made}"
