"""What `solve` refuses, and why."""

from typing import Any

import diffrax
import jax.numpy as jnp
import numpy as np

from .._errors import fault, require, require_times
from .._types import Array, is_concrete
from ..noise import AbstractBrownian, AbstractNoise
from ._choose import levy_needed, solver_name


__all__ = ["require_dt", "require_many", "require_noise", "require_solver"]


def require_dt(dt: Any, ts: Array) -> float | None:
    """The step as a Python number, checked against the span of the times."""
    if dt is None:
        return None
    require(
        is_concrete(dt),
        "dt", "must be a known number: it decides how many steps the program has", dt,
        "pass a Python float, or `dt=None` for a fixed number of steps in each gap of ts",
    )  # fmt: skip
    dt = float(dt)
    require(np.isfinite(dt) and dt > 0, "dt", "must be positive and finite", dt, "pass the longest step to take")
    if is_concrete(ts) and ts.shape[0] > 1:
        first, last = np.asarray(ts)[[0, -1]].tolist()
        span = last - first
        remedy = f"pass a step below it, e.g. {span / 1000:.3g}"
        require(dt <= span * (1 + 1e-6), "dt", f"must not be above the span of ts, {span:.6g}", dt, remedy)
    return dt


def require_many(n: int | None, key: Any, noise: Any, x0: Any) -> None:
    """Check how many paths are asked for, and what drives them."""
    require(
        n is None or n >= 1, "n", "must be a positive number of paths", n, "pass n >= 1, or n=None for a single path"
    )
    require(
        key is not None or (noise is not None and x0 is not None),
        "key", "must be given unless both `noise` and `x0` are", None, "pass key=jax.random.key(seed)",
    )  # fmt: skip
    require(
        noise is None or n is None,
        "n", "must be None when `noise` is given: a noise drives one path", n,
        "vmap over noises: jax.vmap(lambda noise: solve(process, ts, noise=noise, x0=x0))(noises)",
    )  # fmt: skip


def require_noise(noise: Any, adaptive: bool) -> None:
    """Check the kind of a noise that the user gave."""
    if isinstance(noise, diffrax.UnsafeBrownianPath):
        problem = (
            "must not be a diffrax.UnsafeBrownianPath: it keys increments by rounded times (in float64 they repeat)"
        )
        raise ValueError(fault("noise", problem, noise, "pass `key` alone, or a sdekit.noise.Brownian"))
    if adaptive:
        if noise is not None and isinstance(noise, AbstractNoise):
            problem = "must be known at any time when steps are adapted"
            remedy = "pass a diffrax.VirtualBrownianTree, or `key` alone"
            raise ValueError(fault("noise", problem, type(noise).__name__, remedy))
        return
    require(
        noise is None or isinstance(noise, AbstractNoise),
        "noise", "must be a sdekit.noise.AbstractNoise", type(noise).__name__,
        "pass `key` alone, a sdekit.noise.Brownian, or adapt the steps with `controller`",
    )  # fmt: skip


def require_solver(solver: Any, noise: Any, *, adaptive: bool) -> None:
    """Check that a solver can run on a noise."""
    require(
        isinstance(solver, diffrax.AbstractSolver),
        "solver", "must be a Diffrax solver", solver, "pass an object such as diffrax.Euler()",
    )  # fmt: skip
    name = solver_name(solver)
    if isinstance(solver, diffrax.HalfSolver) and not adaptive:
        problem = "asks for the noise inside a step, which a grid does not know"
        raise ValueError(fault("solver", problem, name, "halve `dt` instead, or adapt the steps with `controller`"))
    need = levy_needed(solver)
    if isinstance(noise, diffrax.AbstractBrownianPath) and not issubclass(noise.levy_area, need):
        have = noise.levy_area.__name__
        if (
            not (have == "SpaceTimeTimeLevyArea" and need.__name__ == "SpaceTimeLevyArea")
            and need is not diffrax.BrownianIncrement
        ):
            problem = f"must know {need.__name__} for the solver {name}"
            raise ValueError(
                fault("noise.levy_area", problem, have, f"build it with levy_area=diffrax.{need.__name__}")
            )
    if isinstance(noise, AbstractBrownian) and noise.mixing is not None and isinstance(solver, diffrax.ItoMilstein):
        problem = "assumes independent components of the noise"
        raise ValueError(fault("solver", problem, name, "use diffrax.StratonovichMilstein(): the drift is corrected"))


def require_start(x0: Any, dim: int, n: int | None) -> None:
    """Check the shape of a given initial state."""
    shape = jnp.shape(x0)
    fits = shape == (dim,) or (n is not None and shape == (n, dim))
    want = f"({dim},)" if n is None else f"({dim},) or ({n}, {dim})"
    require(fits, "x0", f"must have shape {want}", shape, "a state is a vector, also in one dimension")


def require_all_times(ts: Any) -> None:
    """Check the times of a solve."""
    require_times(ts, least=1)
