"""What `solve` refuses, and why."""

from typing import Any

import diffrax
import jax.numpy as jnp
import numpy as np

from .._errors import fault, require
from .._process import AbstractDiffusion, Additive
from .._types import Array, is_concrete
from ..noise import AbstractBrownian, AbstractNoise
from ._choose import levy_needed, solver_name
from ._reversible import reversible
from ._terms import noise_dim, sense_of


__all__ = [
    "require_adjoint",
    "require_dt",
    "require_many",
    "require_noise",
    "require_reversible",
    "require_solver",
    "require_start",
    "require_steps",
]


def require_dt(dt: Any, ts: Array) -> float | None:
    """The step as a Python number, checked against the span of the times."""
    if dt is None:
        return None
    remedy = "pass a Python float, or `dt=None` for a fixed number of steps in each gap of ts"
    require(is_concrete(dt), "dt", "must be a known number: it decides how many steps the program has", dt, remedy)
    dt = float(dt)
    require(np.isfinite(dt) and dt > 0, "dt", "must be positive and finite", dt, "pass the longest step to take")
    if is_concrete(ts) and ts.shape[0] > 1:
        first, last = np.asarray(ts)[[0, -1]].tolist()
        remedy = f"pass a step below it, e.g. {(last - first) / 1000:.3g}"
        span = last - first
        require(dt <= span * (1 + 1e-6), "dt", f"must not be longer than the span of ts, {span:.6g}", dt, remedy)
    return dt


def require_steps(steps: int | None, dt: float | None, noise: Any, controller: Any) -> None:
    """Check a number of steps a gap, and that nothing else decides it."""
    if steps is None:
        return
    require(steps >= 1, "steps", "must be a positive number of steps in each gap", steps, "pass steps >= 1")
    alone = dt is None and noise is None and controller is None
    remedy = "pass `steps` alone, or leave it out"
    require(alone, "steps", "does not go together with `dt`, `noise` or `controller`", steps, remedy)


def require_many(n: int | None, chunk: int | None, key: Any, noise: Any, x0: Any, event: Any) -> None:
    """Check how many paths are asked for, and what drives them."""
    require(n is None or n >= 1, "n", "must be a positive number of paths", n, "pass n >= 1, or n=None for one path")
    require(chunk is None or chunk >= 1, "chunk", "must be a positive number of paths", chunk, "pass chunk >= 1")
    drawn = noise is None or x0 is None or (event is not None and event.bridge)
    problem = "must be given unless `noise` and `x0` are (and no event draws crossings)"
    require(key is not None or not drawn, "key", problem, None, "pass key=jax.random.key(seed)")
    rough = isinstance(noise, AbstractNoise) and not isinstance(noise, AbstractBrownian)
    remedy = "pass e.g. FirstPassage(level, bridge=False)"
    between = event is not None and event.bridge
    require(not (rough and between), "event.bridge", "must be False for a noise that is not Brownian", True, remedy)
    remedy = "vmap over noises: jax.vmap(lambda noise: solve(process, ts, noise=noise, x0=x0))(noises)"
    require(noise is None or n is None, "n", "must be None when `noise` is given, which drives one path", n, remedy)


def require_noise(noise: Any, process: AbstractDiffusion, ts: Array, controller: Any) -> None:
    """Check the kind of a noise that the user gave."""
    if noise is None:
        return
    if isinstance(noise, diffrax.UnsafeBrownianPath):
        problem = "must not be a diffrax.UnsafeBrownianPath, which keys increments by rounded times (they repeat)"
        raise ValueError(fault("noise", problem, noise, "pass `key` alone, or a sdekit.noise.Brownian"))
    name = type(noise).__name__
    if controller is not None:
        fits = isinstance(noise, diffrax.AbstractBrownianPath) and not isinstance(noise, AbstractNoise)
        remedy = "pass a diffrax.VirtualBrownianTree, or `key` alone"
        require(fits, "noise", "must be known at any time when steps are adapted", name, remedy)
        return
    remedy = "pass `key` alone or a sdekit.noise.Brownian, or adapt the steps with `controller`"
    require(isinstance(noise, AbstractNoise), "noise", "must be a sdekit.noise.AbstractNoise", name, remedy)
    dim = noise_dim(process, ts[0], jnp.zeros(process.dim, ts.dtype))
    remedy = f"build it with dim={dim}"
    require(noise.dim == dim, "noise", f"must have as many components as drive the process, {dim}", noise.dim, remedy)


def require_solver(solver: Any, noise: Any, process: AbstractDiffusion, *, adaptive: bool) -> None:
    """Check that a solver can run on a noise and serves the process."""
    remedy = "pass an object such as diffrax.Euler()"
    require(isinstance(solver, diffrax.AbstractSolver), "solver", "must be a Diffrax solver", solver, remedy)
    name = solver_name(solver)
    if isinstance(solver, diffrax.HalfSolver) and not adaptive:
        problem = "asks for the noise inside a step, which a grid does not know"
        raise ValueError(fault("solver", problem, name, "halve `dt` instead, or adapt the steps with `controller`"))
    if adaptive and not _estimates(solver):
        problem = "has no error estimate to adapt steps by"
        raise ValueError(fault("solver", problem, name, "use diffrax.SPaRK(), diffrax.ShARK() or diffrax.HalfSolver"))
    if sense_of(solver) is None and not issubclass(process.structure, Additive):
        problem = f"converges neither to the Ito nor to the Stratonovich solution of {process.structure.__name__} noise"
        raise ValueError(fault("solver", problem, name, "use one of the SDE solvers of Diffrax, or solver=None"))
    additive_alone = isinstance(solver, diffrax.AbstractSRK) and solver.tableau.is_additive_noise()
    if additive_alone and not issubclass(process.structure, Additive):
        problem = f"is for additive noise alone, and the process declares {process.structure.__name__}"
        raise ValueError(fault("solver", problem, name, "use solver=None, or declare the structure Additive"))
    need = levy_needed(solver)
    if isinstance(noise, diffrax.AbstractBrownianPath):
        problem = f"must know {need.__name__}, which {name} needs"
        remedy = f"build it with levy_area=diffrax.{need.__name__}"
        require(_knows(noise.levy_area, need), "noise.levy_area", problem, noise.levy_area.__name__, remedy)
    if isinstance(noise, AbstractBrownian) and noise.mixing is not None and isinstance(solver, diffrax.ItoMilstein):
        problem = "takes the components of the noise to be independent"
        raise ValueError(fault("solver", problem, name, "use diffrax.StratonovichMilstein(): the drift is corrected"))


def _estimates(solver: diffrax.AbstractSolver) -> bool:
    """Whether a solver estimates its error."""
    if isinstance(solver, diffrax.AbstractSRK):
        return solver.tableau.b_error is not None
    return isinstance(solver, diffrax.AbstractAdaptiveSolver)


def _knows(have: type, need: type) -> bool:
    order = [diffrax.BrownianIncrement, diffrax.SpaceTimeLevyArea, diffrax.SpaceTimeTimeLevyArea]
    return order.index(have) >= order.index(need)


def require_adjoint(adjoint: Any, solver: diffrax.AbstractSolver, noise: Any, plan: Any, event: Any) -> None:
    """Check that an adjoint that solves an equation of its own can do so."""
    name = type(adjoint).__name__
    require(event is None, "adjoint", "must keep the steps when there is an `event`", name, "use adjoint=None")
    problem = "must be a sdekit Brownian motion for this adjoint"
    fits = noise is None or isinstance(noise, AbstractBrownian)
    require(fits, "noise", problem, type(noise).__name__, "use adjoint=None")
    remedy = "space the times evenly, use `dt=None`, or adjoint=None"
    require(plan.rows is not None, "ts", "must have equally many steps in each gap for this adjoint", name, remedy)
    if isinstance(adjoint, diffrax.BacksolveAdjoint):
        solver_is = solver_name(solver)
        remedy = "use diffrax.Heun(), Midpoint() or Ralston(): the drift is corrected; or adjoint=None"
        problem = "cannot run backwards in time for a BacksolveAdjoint"
        backwards = isinstance(solver, diffrax.Heun | diffrax.Midpoint | diffrax.Ralston | diffrax.ReversibleHeun)
        require(backwards, "solver", problem, solver_is, remedy)


def require_reversible(solver: diffrax.AbstractSolver, event: Any, meter: Any) -> None:
    """Check that the steps can be taken back."""
    remedy = "use diffrax.ReversibleHeun() or sdekit.solve.EES25(): the drift is corrected; or adjoint=None"
    require(
        reversible(solver), "solver", "cannot take its steps back for a Reversible adjoint", solver_name(solver), remedy
    )
    problem = "must keep the steps when there is an `event`"
    require(event is None, "adjoint", problem, "Reversible", "use adjoint=None")
    remedy = "leave it out, or use adjoint=None"
    require(meter is None, "progress", "cannot move inside a solve with a Reversible adjoint", meter, remedy)


def require_start(x0: Any, dim: int, n: int | None) -> None:
    """Check the shape of a given initial state."""
    shape = jnp.shape(x0)
    fits = shape == (dim,) or (n is not None and shape == (n, dim))
    want = f"({dim},)" if n is None else f"({dim},) or ({n}, {dim})"
    require(fits, "x0", f"must have shape {want}", shape, "a state is a vector, also in one dimension")
