"""The one function: a diffusion, times, and what drives it."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike

from .._errors import SolveError
from .._process import AbstractDiffusion
from .._types import Key, Times, as_float, is_concrete
from ..noise import AbstractNoise, Brownian
from ..paths import Provenance, SampledPath
from ._choose import choose_solver, levy_needed, solver_name
from ._fixed import Stepper, march
from ._grids import largest_step, noise_plan, times_grid
from ._guards import require_all_times, require_dt, require_many, require_noise, require_solver, require_start
from ._terms import noise_dim


__all__ = ["solve"]


def solve(
    process: AbstractDiffusion,
    ts: Times,
    *,
    key: Key | None = None,
    noise: AbstractNoise | None = None,
    dt: float | None = None,
    n: int | None = None,
    chunk: int | None = None,
    solver: diffrax.AbstractSolver | None = None,
    adjoint: diffrax.AbstractAdjoint | None = None,
    x0: ArrayLike | None = None,
) -> SampledPath:
    ts = as_float(ts)
    require_all_times(ts)
    require_many(n, key, noise, x0)
    require_noise(noise, adaptive=False)
    dt = require_dt(dt, ts)
    solver = choose_solver(process) if solver is None else solver
    require_solver(solver, noise, adaptive=False)
    if x0 is not None:
        x0 = as_float(x0)
        require_start(x0, process.dim, n)
    if noise is None:
        grid, plan = times_grid(ts, dt)
    else:
        grid, plan = noise.grid, noise_plan(ts, noise)
    chunk = _chunk(process, n) if chunk is None else chunk
    xs, fine = _run(process, solver, grid, plan, noise, adjoint, key, x0, n, chunk)
    if is_concrete(fine) and not bool(fine):
        raise SolveError("not finite")
    made = Provenance(
        solver_name(solver), "Brownian" if noise is None else type(noise).__name__, largest_step(grid, dt)
    )
    return SampledPath(ts, xs, made)


def _chunk(process, n):
    return min(n or 1, max(1, 4096 // process.dim))


@eqx.filter_jit
def _run(process, solver, grid, plan, noise, adjoint, key, x0, n, chunk):
    one = lambda k, x: _one(process, solver, grid, plan, noise, adjoint, k, x)
    if n is None:
        xs = one(key, x0)
    else:
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n))
        xs = _many(one, keys, x0, n, chunk)
    return xs, jnp.isfinite(xs).all()


def _many(one, keys, x0, n, chunk):
    each = x0 is not None and x0.ndim == 2
    args = (keys, x0) if each else keys
    f = (lambda a: one(*a)) if each else lambda k: one(k, x0)
    if chunk >= n:
        return jax.vmap(f)(args)
    return jax.lax.map(f, args, batch_size=chunk)


def _one(process, solver, grid, plan, noise, adjoint, key, x0):
    if key is not None:
        first, rest = jax.random.split(key)
    x = process.initial.sample(first) if x0 is None else x0
    t = grid.t0
    drift = jax.eval_shape(process.drift, t, x)
    x = x.astype(jnp.result_type(x, grid.knots, drift))
    if noise is None:
        m = noise_dim(process, t, x)
        noise = Brownian(grid=grid, dim=m, key=rest, levy_area=levy_needed(solver), dtype=x.dtype)
    stepper = Stepper(process, _unrolled(solver), noise)

    def step(i, carry):
        x, state = stepper(i, *carry)
        return x, state

    _, xs = march(step, (x, stepper.init(plan.first, x)), plan, adjoint)
    return xs


def _unrolled(solver: Any) -> Any:
    """The solver with stages that differentiate in both modes."""
    if getattr(solver, "scan_kind", 0) is not None:
        return solver
    kind = "lax" if isinstance(solver, diffrax.AbstractSRK) else "bounded"
    return eqx.tree_at(lambda s: s.scan_kind, solver, kind, is_leaf=lambda x: x is None)
