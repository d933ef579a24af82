"""The one function: a diffusion, times, and what drives it."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .._errors import require, require_times
from .._lifted import AbstractLifted
from .._process import AbstractDiffusion
from .._types import Array, Key, Times, as_float, is_concrete
from ..noise import AbstractModeNoise, AbstractNoise
from ..paths import Provenance, SampledPath
from ._choose import choose_solver, solver_name
from ._events import AbstractEvent, Stopped
from ._exponential import ExponentialIntegrator, LiftedTask, inner_solver, require_inner
from ._failures import raise_if_broken
from ._grids import largest_step, noise_plan, times_grid
from ._guards import (
    require_adjoint,
    require_dt,
    require_many,
    require_noise,
    require_reversible,
    require_solver,
    require_start,
    require_steps,
)
from ._progress import chunks, meter_of
from ._reversible import Reversible
from ._tasks import AbstractTask, AdaptiveTask, FixedTask, GapwiseTask, Outcome


__all__ = ["solve"]

_OWN_LOOP = (diffrax.RecursiveCheckpointAdjoint, diffrax.DirectAdjoint, diffrax.ForwardMode)


def solve(
    process: AbstractDiffusion,
    ts: Times,
    *,
    key: Key | None = None,
    noise: AbstractNoise | diffrax.AbstractBrownianPath | None = None,
    dt: float | None = None,
    steps: int | None = None,
    n: int | None = None,
    chunk: int | None = None,
    solver: diffrax.AbstractSolver | ExponentialIntegrator | None = None,
    controller: diffrax.AbstractStepSizeController | None = None,
    adjoint: diffrax.AbstractAdjoint | None = None,
    event: AbstractEvent | None = None,
    progress: bool | diffrax.AbstractProgressMeter = False,
    x0: ArrayLike | None = None,
    max_steps: int | None = None,
) -> SampledPath | Stopped:
    """Solve a stochastic differential equation.

    The process says in which sense its integrals are taken, and what is known of its noise; the solver takes them in
    its own sense, and the drift is corrected where the two differ. Works under `jit`, `vmap`, `grad` and `jvp`.
    Compiled once for a process, a solver and the numbers of steps and paths: other parameters, times and keys, and
    another `dt` that gives as many steps, do not compile again.

    **Arguments:**

    - `process`: any diffusion, with states of shape `(d,)`.
    - `ts`: increasing times at which to save, shape `(t,)`. Steps end on each of them.
    - `key`: a JAX key: of the initial state and the noise. Path `i` of `n` depends on `(key, i)` alone.
    - `noise`: what drives one path, instead of a fresh Brownian motion: then the steps are those of its grid, on which
      `ts` must lie. For adapted steps a `diffrax.VirtualBrownianTree`.
    - `dt`: the longest step; each gap of `ts` is divided into equal steps of at most this length (up to 0.1 %). `None`
      for `ceil(1000 / (t - 1))` steps in each gap. For adapted steps, the first step.
    - `steps`: how many equal steps to take in each gap of `ts`, instead of `dt`. As fast for times that are traced, a
      series' own in a batch, as for known ones; `dt` then has a loop of unknown length.
    - `n`: how many paths; `None` for one path without a leading axis.
    - `chunk`: how many paths to step together. The default keeps a step in the cache; it changes no result.
    - `solver`: any Diffrax solver; `None` for the default of `choose_solver`. A lifted diffusion takes an
      `ExponentialIntegrator` by default; a plain Diffrax solver needs steps that are short against its fastest mode.
    - `controller`: a Diffrax controller to adapt the steps by, e.g. `diffrax.PIDController(rtol=1e-3, atol=1e-5)`;
      `None` for steps on a grid, which is tens of times faster. A batch takes as many steps as its slowest path.
    - `adjoint`: how gradients are taken. `None` keeps the state before each step (the square root of that number in
      gaps longer than 4096 steps) and draws the noise again, and allows forward mode too. `DirectAdjoint` keeps
      everything; `RecursiveCheckpointAdjoint(checkpoints=c)` keeps `c` states in each gap; `Reversible` keeps
      none, for `diffrax.ReversibleHeun` and `EES25`; any other adjoint goes to `diffeqsolve`.
    - `event`: stop at a first passage, see `FirstPassage`.
    - `progress`: `True` for a bar, or a Diffrax progress meter.
    - `x0`: the initial state, `(d,)`, or `(n, d)`; `None` to draw it from `process.initial`.
    - `max_steps`: the most steps to take; unbounded on a grid, 65536 if adapted, by default.

    **Returns:** a `SampledPath` with states `(t, d)` or `(n, t, d)`, which records solver, noise and step; a
    `Stopped` if there is an event.

    **Raises:** `ValueError` for arguments that do not fit together, each with its remedy. `SolveError` if a state is
    not finite or adapted steps ran out, with the time reached and the likely cause; under `jit` nothing is raised, and
    the states from there on are NaN (on a grid) or infinite (adapted).

    !!! example

        ```python
        import diffrax, jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.solve import solve
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=0.3)
        path = solve(model, jnp.linspace(0.0, 5.0, 11), key=jax.random.key(0), n=4)
        path.xs.shape  # (4, 11, 1)
        path.made.solver  # 'ShARK'
        solve(model, jnp.array([0.0, 1.0]), key=jax.random.key(0), dt=0.01, solver=diffrax.Euler())
        ```
    """
    require_times(ts)
    # In NumPy where they are known: under `jit`, JAX would turn even known times into unknown ones.
    times: Any = np.asarray(ts, as_float(ts).dtype) if is_concrete(ts) else as_float(ts)
    require_many(n, chunk, key, noise, x0, event)
    dt = require_dt(dt, times)
    require_steps(steps, dt, noise, controller)
    if isinstance(process, AbstractLifted) and solver is None and controller is None:
        solver = ExponentialIntegrator()
    elif solver is None:
        solver = choose_solver(process, adaptive=controller is not None, noise=noise)
    if x0 is not None:
        x0 = as_float(x0)
        require_start(x0, process.dim, n)
    exponential = isinstance(solver, ExponentialIntegrator)
    if exponential:
        _require_lifted(process, noise, controller, event)
    else:
        require_noise(noise, process, times, controller)
        require_solver(solver, noise, process, adaptive=controller is not None)
    if times.shape[0] == 1:
        return _standing(process, times, key, n, x0, event)
    make = _lifted if exponential else _fixed if controller is None else _adaptive
    lengths = (dt, steps)
    task, made = make(
        process, times, lengths, noise, solver, controller, adjoint, event, meter_of(progress, n), max_steps
    )
    out, ok = _batches(task, key, x0, n, chunk or default_chunk(process.dim), progress is True)
    if is_concrete(ok):
        raise_if_broken(task, out, ok, key, x0, n is None)
    made = eqx.tree_at(lambda p: p.rejected, made, out.rejected, is_leaf=lambda x: x is None)
    path = SampledPath(jnp.asarray(times), out.xs, made)
    return path if out.time is None or out.hit is None else Stopped(path, out.time, out.hit)


def default_chunk(d: int) -> int:
    """How many paths to step together: as many as make a step of about a thousand numbers, which stay in the cache."""
    return max(64, 1024 // d)


def _steps(ts, lengths, noise, max_steps):
    """The grid of the steps, and which of them to save."""
    dt, steps = lengths
    if noise is None:
        grid, plan = times_grid(ts, dt, steps)
    else:
        remedy = "leave it out: the steps are those of the noise; for longer ones pass noise.coarsen(factor)"
        require(dt is None, "dt", "must be None when `noise` is given", dt, remedy)
        grid, plan = noise.grid, noise_plan(ts, noise)
    if max_steps is not None:
        few = plan.steps is None or plan.steps <= max_steps
        remedy = "raise `max_steps` or take longer steps `dt`"
        require(few, "max_steps", f"is below the {plan.steps} steps", max_steps, remedy)
    return grid, plan


def _made(name, noise, grid, plan, lengths, adjoint):
    return Provenance(
        name,
        noise,
        largest_step(grid, lengths[0]),
        steps=plan.steps,
        adjoint="" if adjoint is None else type(adjoint).__name__,
    )


def _require_lifted(process, noise, controller, event):
    """Check what an `ExponentialIntegrator` is asked to solve."""
    remedy = "wrap it in sdekit.processes.Lifted, or pass a Diffrax solver"
    lifted = isinstance(process, AbstractLifted)
    require(lifted, "solver", "steps lifted diffusions alone", type(process).__name__, remedy)
    remedy = "leave it out, or pass a Diffrax solver for the plain augmented equation"
    require(controller is None, "controller", "does not fit an ExponentialIntegrator", controller, remedy)
    require(event is None, "event", "does not fit an ExponentialIntegrator", event, remedy)
    fits = noise is None or isinstance(noise, AbstractModeNoise)
    remedy = "leave it out, or pass sdekit.noise.ModeNoise(grid, driver.rates, m, key=key)"
    require(fits, "noise", "must be the noise of the modes", type(noise).__name__, remedy)
    remedy = f"build it with {process.driver.modes} rates and dim={process.components}"
    fits = noise is None or (noise.dim, noise.rates.shape[0]) == (process.components, process.driver.modes)
    require(fits, "noise", "must have the modes and the components of the driver", noise, remedy)


def _lifted(process, ts, lengths, noise, solver, _, adjoint, event, meter, max_steps):
    inner = inner_solver(process) if solver.solver is None else solver.solver
    require_inner(process, inner)
    fits = adjoint is None or isinstance(adjoint, _OWN_LOOP)
    remedy = "use adjoint=None, or a Diffrax solver for the plain augmented equation"
    require(fits, "adjoint", "does not fit an ExponentialIntegrator", type(adjoint).__name__, remedy)
    grid, plan = _steps(ts, lengths, noise, max_steps)
    name = f"ExponentialIntegrator({solver_name(inner)})"
    made = _made(name, type(process.driver).__name__, grid, plan, lengths, adjoint)
    return LiftedTask(process, inner, grid, plan, noise, adjoint, meter, solver.trapezoid), made


def _fixed(process, ts, lengths, noise, solver, _, adjoint, event, meter, max_steps):
    grid, plan = _steps(ts, lengths, noise, max_steps)
    kind = "Brownian" if noise is None else type(noise).__name__
    made = _made(solver_name(solver), kind, grid, plan, lengths, adjoint)
    if isinstance(adjoint, Reversible):
        require_reversible(solver, event, meter)
    if adjoint is None or isinstance(adjoint, (*_OWN_LOOP, Reversible)):
        return FixedTask(process, solver, grid, plan, noise, adjoint, event, meter), made
    require_adjoint(adjoint, solver, noise, plan, event)
    return GapwiseTask(process, solver, grid, plan, noise, adjoint), made


def _adaptive(process, ts, lengths, noise, solver, controller, adjoint, event, meter, max_steps):
    require(event is None, "event", "needs steps on a grid", event, "leave out `controller`, and choose a step `dt`")
    fits = not isinstance(adjoint, Reversible)
    require(fits, "adjoint", "needs steps on a grid", adjoint, "leave out `controller`, or use adjoint=None")
    known = isinstance(controller, diffrax.AbstractAdaptiveStepSizeController)
    remedy = "pass e.g. diffrax.PIDController(rtol=1e-3, atol=1e-5), or dt=... for steps on a grid"
    require(known, "controller", "must adapt the steps", type(controller).__name__, remedy)
    made = Provenance(
        solver_name(solver),
        "VirtualBrownianTree" if noise is None else type(noise).__name__,
        adjoint="" if adjoint is None else type(adjoint).__name__,
    )
    dt = None if lengths[0] is None else jnp.asarray(lengths[0], ts.dtype)
    most = 2**16 if max_steps is None else max_steps
    return AdaptiveTask(process, solver, jnp.asarray(ts), dt, noise, controller, adjoint, meter, most), made


def _standing(process, ts, key, n, x0, event):
    """A solve to its first time alone: no step."""
    draw = lambda k: process.initial.sample(jax.random.split(k)[0])
    if x0 is None:
        x0 = draw(key) if n is None else jax.vmap(draw)(_keys(key, jnp.arange(n)))
    xs = jnp.broadcast_to(x0, (process.dim,) if n is None else (n, process.dim))[..., None, :]
    made, ts = Provenance("none", steps=0), jnp.asarray(ts)
    if event is None:
        return SampledPath(ts, xs, made)
    shape = xs.shape[:-2]
    return Stopped(SampledPath(ts, xs, made), jnp.broadcast_to(ts[0], shape), jnp.zeros(shape, bool))


def _keys(key, index):
    return None if key is None else jax.vmap(lambda i: jax.random.fold_in(key, i))(index)


def _batches(task: AbstractTask, key, x0, n, chunk, progress) -> tuple[Outcome, Array]:
    """All paths, in one program; or chunk by chunk from the host, with a bar."""
    if n is None:
        return _one(task, key, x0)
    if not progress or not is_concrete((task, key, x0)) or n <= chunk:
        return _many(task, key, x0, jnp.arange(n), chunk)
    found = []
    for start in chunks(n, chunk):
        index = jnp.minimum(jnp.arange(start, start + chunk), n - 1)
        part = x0 if x0 is None or x0.ndim == 1 else x0[index]
        found.append(_many(task, key, part, index, chunk))
    outs, oks = zip(*found, strict=True)
    return jax.tree.map(lambda *x: jnp.concatenate(x)[:n], *outs), jnp.stack(oks).all()


def _sound(out: Outcome) -> Array:
    return jnp.isfinite(out.xs).all()


@eqx.filter_jit
def _one(task, key, x0):
    out = task(key, x0)
    return out, _sound(out)


def _together(task, keys, x0, chunk):
    """Chunks of paths that are stepped together, not mapped over: see `march_reversibly`."""
    n = jax.tree.leaves((keys, x0))[0].shape[0]
    run = lambda part, size: task.together(*part, size)
    whole = n // chunk * chunk if chunk < n else 0
    cut = lambda a, b: jax.tree.map(lambda x: x[a:b], (keys, x0))
    parts = []
    if whole:
        heads = jax.tree.map(lambda x: x.reshape(-1, chunk, *x.shape[1:]), cut(0, whole))
        xs = jax.lax.map(lambda part: run(part, chunk), heads)
        parts.append(xs.reshape(whole, *xs.shape[2:]))
    if whole < n:
        parts.append(run(cut(whole, n), n - whole))
    return Outcome(jnp.concatenate(parts))


@eqx.filter_jit
def _many(task, key, x0, index, chunk):
    keys = _keys(key, index)
    each = x0 is not None and x0.ndim == 2
    axes = (None if keys is None else 0, 0 if each else None)
    if isinstance(task.adjoint, Reversible):
        out = _together(
            task, keys, x0 if x0 is None or each else jnp.broadcast_to(x0, (index.shape[0], *x0.shape)), chunk
        )
    elif chunk >= index.shape[0]:
        out = jax.vmap(task, in_axes=axes)(keys, x0)
    else:
        one = (lambda a: task(*a)) if each else (lambda k: task(k, x0))
        out = jax.lax.map(one, (keys, x0) if each else keys, batch_size=chunk)
    return out, _sound(out)
