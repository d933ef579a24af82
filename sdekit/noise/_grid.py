"""The grid that noise lives on: knots, and equal steps between them."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import require, require_times
from .._types import Array, as_float, is_concrete


__all__ = ["Grid"]


class Grid(eqx.Module):
    """Times `knots[0] < knots[1] < ...`, each gap divided into equal steps. Steps are known by their number.

    Noise is keyed by the number of a step, never by a floating-point time, so that it does not depend on how a time was
    computed.

    !!! example

        ```python
        from sdekit.noise import Grid
        Grid([0.0, 1.0, 1.5], 4).times()  # steps of 0.25, then of 0.125
        Grid([0.0, 1.0, 1.5], counts=[4, 2]).steps  # 6
        ```
    """

    knots: Float[Array, " k"]
    per_gap: int | None = eqx.field(static=True)
    """The number of steps in every gap, or `None` if gaps differ."""
    offsets: Any
    """The number of steps before each knot, shape `(k,)`, if gaps differ. A NumPy array where it is known."""
    steps: int | None = eqx.field(static=True)
    """The number of steps in all, or `None` if it depends on traced times."""

    def __init__(
        self, knots: ArrayLike, per_gap: int | None = None, *, counts: ArrayLike | None = None, steps: int | None = None
    ):
        """**Arguments:**

        - `knots`: increasing times, shape `(k,)`, at least two.
        - `per_gap`: how many equal steps divide every gap.
        - `counts`: how many equal steps divide each gap, shape `(k - 1,)`, instead of `per_gap`.
        - `steps`: their sum, where it is known and the counts are traced.

        **Raises:** `ValueError` for knots that do not increase, counts below 1, or steps too short for the dtype of the
        knots to tell their ends apart.
        """
        require_times(knots, "knots", least=2)
        one = (per_gap is None) != (counts is None)
        require(one, "per_gap", "or `counts` must be given, and not both", (per_gap, counts), "pass one of the two")
        self.knots = as_float(knots)
        self.per_gap = per_gap
        if per_gap is not None:
            require(per_gap >= 1, "per_gap", "must be at least 1", per_gap, "pass a positive number of steps")
            self.offsets = None
            self.steps = per_gap * (self.knots.shape[0] - 1)
        elif counts is not None and is_concrete(counts):
            counts = np.asarray(counts)
            require(bool((counts >= 1).all()), "counts", "must be at least 1", counts, "give every gap a step")
            offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
            self.offsets = offsets
            self.steps = int(offsets[-1])
        else:
            counts = jnp.asarray(counts)
            self.offsets = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(counts).astype(jnp.int32)])
            self.steps = steps
        self._require_resolved(counts if per_gap is None else per_gap)

    def _require_resolved(self, counts):
        if not is_concrete((self.knots, counts)):
            return
        knots = np.asarray(self.knots)
        widths = np.diff(knots.astype(np.float64)) / np.asarray(counts)
        ulp = np.spacing(np.abs(knots).max())
        require(
            bool(widths.min() > 16 * ulp),
            "dt", f"must be above 16 spacings of {knots.dtype} at the largest time, {16 * ulp:.3g}", widths.min(),
            "measure times from a nearer origin, use larger steps, or use float64",
        )  # fmt: skip

    @property
    def t0(self) -> Array:
        """The first time."""
        return self.knots[0]

    @property
    def t1(self) -> Array:
        """The last time."""
        return self.knots[-1]

    def _counts(self) -> Any:
        return np.diff(np.asarray(self.offsets)) if is_concrete(self.offsets) else jnp.diff(self.offsets)

    def _place(self, step):
        """The gap of a step, its place in the gap, and the number of steps in the gap."""
        if self.per_gap is None:
            offsets = jnp.asarray(self.offsets)
            gap = jnp.clip(jnp.searchsorted(offsets, step, side="right") - 1, 0, self.knots.shape[0] - 2)
            return gap, step - offsets[gap], offsets[gap + 1] - offsets[gap]
        if self.knots.shape[0] == 2:
            return 0, step, self.per_gap
        step = jnp.asarray(step)
        gap = jnp.clip(step // self.per_gap, 0, self.knots.shape[0] - 2)
        return gap, step - gap * self.per_gap, self.per_gap

    def width(self, step: int | Array) -> Float[Array, ""]:
        """The length of step number `step`."""
        gap, _, count = self._place(step)
        return (self.knots[gap + 1] - self.knots[gap]) / jnp.asarray(count, self.knots.dtype)

    def interval(self, step: int | Array) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The times at which step number `step` starts and ends. Ends of gaps are the knots to the last bit."""
        gap, place, count = self._place(step)
        a, b = self.knots[gap], self.knots[gap + 1]
        h = (b - a) / jnp.asarray(count, self.knots.dtype)
        place = jnp.asarray(place)
        start = a + h * place.astype(self.knots.dtype)
        end = jnp.where(place + 1 == count, b, a + h * (place + 1).astype(self.knots.dtype))
        return start, end

    def times(self) -> Float[Array, " steps+1"]:
        """All times of the grid."""
        require(self.steps is not None, "counts", "must be known", self.offsets, "build the grid outside `jit`")
        starts, ends = eqx.filter_vmap(self.interval)(jnp.arange(self.steps))
        return jnp.concatenate([starts[:1], ends])

    def find(self, t: ArrayLike) -> tuple[Any, Any]:
        """The number of the step that starts nearest to `t` (of any shape), and how far off it `t` lies, in steps.

        The distance is 0 for times that a solver computed on the grid, up to the spacing of floating-point numbers,
        which has been taken off.
        """
        # In NumPy where possible: under `jit`, JAX would turn even known times into unknown ones.
        known = is_concrete((t, self.knots, self.offsets))
        xp: Any = np if known else jnp
        knots, offsets = (np.asarray(self.knots), np.asarray(self.offsets)) if known else (self.knots, self.offsets)
        at = xp.asarray(t, knots.dtype)
        gap = xp.clip(xp.searchsorted(knots, at, side="right") - 1, 0, knots.shape[0] - 2)
        if self.per_gap is None:
            first, count = offsets[gap], offsets[gap + 1] - offsets[gap]
        else:
            first, count = gap * self.per_gap, self.per_gap
        h = (knots[gap + 1] - knots[gap]) / xp.asarray(count, knots.dtype)
        place = (at - knots[gap]) / h
        whole = xp.round(place)
        slack = 8 * jnp.finfo(knots.dtype).eps * (xp.abs(at) + xp.abs(knots[gap])) / h
        off = xp.maximum(xp.abs(place - whole) - slack, 0.0)
        return first + whole.astype(np.int32), off

    def coarsen(self, factor: int) -> "Grid":
        """The grid with `factor` steps joined into one. Knots stay."""
        require(factor >= 1, "factor", "must be a positive number of steps", factor, "pass factor >= 1")
        if self.per_gap is not None:
            require(
                self.per_gap % factor == 0,
                "factor", f"must divide the number of steps between knots, {self.per_gap}", factor,
                "choose a divisor, or build the noise with a multiple of it",
            )  # fmt: skip
            return Grid(self.knots, self.per_gap // factor)
        counts = self._counts()
        if is_concrete(counts):
            require(
                bool((counts % factor == 0).all()),
                "factor", "must divide the number of steps between any two knots", factor,
                "choose a divisor, or build the noise with multiples of it",
            )  # fmt: skip
        return Grid(self.knots, counts=counts // factor, steps=self.steps and self.steps // factor)

    def refine(self, factor: int) -> "Grid":
        """The grid with every step divided into `factor`. Knots stay."""
        require(factor >= 1, "factor", "must be a positive number of steps", factor, "pass factor >= 1")
        if self.per_gap is not None:
            return Grid(self.knots, self.per_gap * factor)
        return Grid(self.knots, counts=self._counts() * factor, steps=self.steps and self.steps * factor)
