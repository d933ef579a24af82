"""From times and a step to a grid and a plan."""

import math

import jax.numpy as jnp
import numpy as np

from .._errors import require
from .._types import Array, is_concrete
from ..noise import AbstractNoise, Grid
from ._loop import Plan


__all__ = ["DEFAULT_STEPS", "largest_step", "noise_plan", "times_grid"]

DEFAULT_STEPS = 1000
"""How many steps a solve takes at least when nobody said otherwise."""


def _round_up(ratio, xp):
    # 3 gaps of float32 times are rarely 3 equal numbers: a step may exceed dt by 0.1 % rather than a gap take one more.
    return xp.maximum(xp.ceil(ratio * (1 - 1e-6) - 1e-3), 1).astype(np.int32)


def times_grid(ts: Array, dt: float | None, steps: int | None = None) -> tuple[Grid, Plan]:
    """A grid whose knots are `ts`, with steps no longer than `dt` or `steps` of them a gap, and the plan that saves."""
    gaps = ts.shape[0] - 1
    if dt is None:
        per_gap = math.ceil(DEFAULT_STEPS / gaps) if steps is None else steps
        return Grid(ts, per_gap), Plan(0, gaps, per_gap, None, gaps * per_gap)
    if not is_concrete(ts):
        grid = Grid(ts, counts=_round_up(jnp.diff(ts) / dt, jnp))
        return grid, Plan(0, None, None, grid.offsets, None)
    counts = _round_up(np.diff(np.asarray(ts, np.float64)) / dt, np)
    if (counts == counts[0]).all():
        per_gap = int(counts[0])
        return Grid(ts, per_gap), Plan(0, gaps, per_gap, None, gaps * per_gap)
    grid = Grid(ts, counts=counts)
    return grid, Plan(0, None, None, grid.offsets, grid.steps)


def noise_plan(ts: Array, noise: AbstractNoise) -> Plan:
    """The plan that runs over the grid of a noise and saves at `ts`."""
    marks, off = noise.grid.find(ts)
    remedy = "save at times of the noise's grid (`noise.grid.times()`), or refine the noise"
    if not is_concrete((marks, off)):
        return Plan(marks[0], None, None, marks - marks[0], None)
    last = int(noise.grid.steps if noise.grid.steps is not None else noise.grid.offsets[-1])
    bad = (off > 1e-3) | (marks < 0) | (marks > last)
    i = int(np.argmax(bad))
    require(not bad.any(), f"ts[{i}]", "must be a time of the grid of `noise`", ts[i], remedy)
    counts = np.diff(marks)
    require(bool((counts > 0).all()), "ts", "must be at least one step of `noise` apart", ts, remedy)
    first, steps = int(marks[0]), int(marks[-1] - marks[0])
    if (counts == counts[0]).all():
        return Plan(first, len(counts), int(counts[0]), None, steps)
    return Plan(first, None, None, (marks - marks[0]).astype(np.int32), steps)


def largest_step(grid: Grid, dt: float | None) -> float | None:
    """The longest step of a grid, to be recorded; what was asked for if times are traced."""
    if not is_concrete(grid):
        return dt
    gaps = np.diff(np.asarray(grid.knots, np.float64))
    counts = grid.per_gap if grid.per_gap is not None else np.diff(grid.offsets)
    return float(f"{(gaps / counts).max():.9g}")
