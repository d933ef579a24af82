"""From noise to data, step by step over a grid."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import require
from .._parameters import law_field
from .._process import AbstractGridded
from .._types import Array, Key, Law, State, Times, as_float, is_concrete
from ..paths import Provenance, SampledPath
from ._field import Field
from ._generative import base_law
from ._grids import uniform_grid
from ._steps import AbstractStep, ExponentialStep


__all__ = ["Sampler", "generate"]


def generate(field: Field, x: State, grid: Float[Array, " n+1"], *, key: Key, step: AbstractStep) -> Array:
    """States along a grid, from a state at its first time. One step a gap, and nothing else: `n` steps.

    **Arguments:**

    - `field`: any `Field`.
    - `x`: the state at `grid[0]`, shape `(d,)`; map over more with `jax.vmap`.
    - `grid`: times of the path, rising or falling, shape `(n + 1,)`.
    - `key`: a JAX key.
    - `step`: how to step.

    **Returns:** states of shape `(n + 1, d)`.

    **Raises:** `ValueError` for times that are known and not in [0, 1] or not monotone, or a state of another shape.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.interpolants import ExponentialStep, exact_field, generate, log_snr_grid, variance_preserving
        path = variance_preserving()
        field = exact_field(path, dist.Normal(jnp.array([1.0]), 0.1).to_event(1))
        grid = log_snr_grid(path, 10, stop=1e-3)
        generate(field, jnp.ones(1), grid, key=jax.random.key(0), step=ExponentialStep())[-1]  # near 1
        ```
    """
    x = as_float(x)
    require(x.ndim == 1, "x", "must have shape (d,)", x, "map over states with `jax.vmap`")
    if is_concrete(grid):
        times = np.asarray(grid)
        moves = np.diff(times)
        ok = times.ndim == 1 and times.size > 1 and bool((moves > 0).all() or (moves < 0).all())
        require(ok, "grid", "must be times that rise or fall throughout", grid, "drop duplicates, and sort")
        ok = bool(times.min() >= 0 and times.max() <= 1)
        require(ok, "grid", "must lie in [0, 1]", grid, "times are those of the path")
    grid = jnp.asarray(grid).astype(x.dtype)

    def body(carry, inputs):
        x, kept = carry
        t0, t1, k = inputs
        x, kept = step.step(field, t0, t1, x, kept, key=k)
        return (x, kept), x

    keys = jax.random.split(key, grid.shape[0] - 1)
    _, xs = jax.lax.scan(body, (x, step.init(field, x)), (grid[:-1], grid[1:], keys))
    return jnp.concatenate([x[None], xs])


class Sampler(AbstractGridded):
    r"""The process that steps from noise to data: `sample(ts, key=..., n=...)` at its own times, from 0 to 1.

    Time $\tau$ runs from 0 at the noise to 1 at the data, whichever way the path runs. Steps are those of `grid`, or
    one in each gap of the times asked for.

    **Arguments:**

    - `field`: any `Field`.
    - `step`: how to step; `ExponentialStep()` by default.
    - `initial`: the law to begin with; `base_law` of the path by default.
    - `dim`: the length of a state; from `initial` if that is given.
    - `steps`: the number of steps in all; `None` for one in each gap of the times.
    - `grid`: `grid(path, steps)` gives the times of the path to step on, e.g. `uniform_grid`, or
        `lambda path, n: log_snr_grid(path, n, stop=1e-3)`. The last of them counts as $\tau = 1$. Only the two ends
        are recorded then.

    **Raises:** `ValueError` for arguments that do not fit, times outside [0, 1], or times between the ends where there
    is a grid.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.interpolants import Sampler, exact_field, log_snr_grid, variance_preserving
        field = exact_field(variance_preserving(), dist.Normal(jnp.array([1.0]), 0.1).to_event(1))
        sampler = Sampler(field, dim=1, steps=10, grid=lambda path, n: log_snr_grid(path, n, stop=1e-3))
        sampler.sample(jnp.array([0.0, 1.0]), key=jax.random.key(0), n=100).xs[:, -1].std()  # near 0.1
        ```
    """

    field: Field
    step: AbstractStep
    steps: int | None = eqx.field(static=True)
    grid: Callable[..., Any] | None = eqx.field(static=True)
    initial: Law = law_field()

    def __init__(
        self,
        field: Field,
        step: AbstractStep | None = None,
        initial: Law | None = None,
        *,
        dim: int | None = None,
        steps: int | None = None,
        grid: Callable[..., Any] | None = None,
    ):
        if initial is None:
            require(dim is not None, "dim", "must be given where `initial` is not", dim, "pass dim=, or initial=")
            assert dim is not None
            initial = base_law(field.path, dim)
        require(steps is None or steps >= 1, "steps", "must be at least 1", steps, "pass a positive number of steps")
        remedy = "pass steps= too"
        require(grid is None or steps is not None, "steps", "must be given where `grid` is", steps, remedy)
        self.field, self.initial, self.steps = field, initial, steps
        self.step = ExponentialStep() if step is None else step
        self.grid = uniform_grid if grid is None and steps is not None else grid

    @property
    def dim(self) -> int:
        return self.initial.event_shape[0]

    def on_grid(self, ts: np.ndarray) -> "Sampler":
        """The sampler itself, once the times are known to suit it."""
        inside = bool(ts[0] >= 0 and ts[-1] <= 1)
        require(inside, "ts", "must lie in [0, 1]", ts, "0 is the noise, 1 are the data")
        if self.grid is not None:
            ok = len(ts) == 2 and ts[0] == 0 and ts[1] == 1
            require(ok, "ts", "must be [0, 1] for a sampler with its own grid", ts, "leave out steps= and grid=")
        return self

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        first, rest = jax.random.split(key)
        ts = as_float(ts)
        x = jnp.asarray(self.initial.sample(first)).astype(ts.dtype)
        name = type(self.step).__name__
        if self.grid is not None:
            assert self.steps is not None
            grid = self.grid(self.field.path, self.steps)
            xs = generate(self.field, x, grid, key=rest, step=self.step)
            return SampledPath(ts, xs[jnp.array([0, -1])], Provenance(name, steps=self.steps))
        grid = 1 - ts if self.field.path.data_time == 0.0 else ts
        xs = generate(self.field, x, grid, key=rest, step=self.step)
        return SampledPath(ts, xs, Provenance(name, steps=ts.shape[0] - 1))
