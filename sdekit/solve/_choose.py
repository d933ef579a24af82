"""Which solver, from what is known of the noise.

| structure | fixed steps | strong order | adaptive steps |
|---|---|---|---|
| `Additive` | `ShARK` (either sense) | 1.5 | `ShARK` |
| `Diagonal`, `Scalar` | `StratonovichMilstein` (for Ito with the corrected drift: Milstein's method) | 1 | `SPaRK` |
| `General`, Ito | `Euler` | 0.5 | `SPaRK` with corrected drift |
| `General`, Stratonovich | `Heun` | 0.5 | `SPaRK` |

A noise that is not Brownian (fractional, for instance) has no areas and is stepped by `Heun`.
"""

from typing import Any

import diffrax

from .._process import AbstractDiffusion, Additive, Diagonal, Ito, Scalar
from ..noise import AbstractBrownian, AbstractNoise


__all__ = ["choose_solver", "levy_needed", "solver_name"]


def choose_solver(process: AbstractDiffusion, *, adaptive: bool = False, noise: Any = None) -> diffrax.AbstractSolver:
    """The default solver for a process.

    **Arguments:**

    - `process`: a diffusion; its `structure` and `interpretation` decide.
    - `adaptive`: whether steps are adapted, which needs a solver with an error estimate.
    - `noise`: what drives the process, if it is not to be a fresh Brownian motion.

    **Returns:** a Diffrax solver, as in the table of `sdekit.solve`.

    !!! example

        ```python
        import sdekit as sk
        from sdekit.solve import choose_solver
        choose_solver(sk.processes.OrnsteinUhlenbeck(1.0))  # ShARK()
        ```
    """
    if isinstance(noise, AbstractNoise) and not isinstance(noise, AbstractBrownian):
        return diffrax.Heun()
    if issubclass(process.structure, Additive):
        return diffrax.ShARK()
    if adaptive:
        return diffrax.SPaRK()
    if issubclass(process.structure, Diagonal | Scalar):
        return diffrax.StratonovichMilstein()
    return diffrax.Euler() if issubclass(process.interpretation, Ito) else diffrax.Heun()


_NEEDS = (
    (diffrax.AbstractSpaceTimeTimeLevyArea, diffrax.SpaceTimeTimeLevyArea),
    (diffrax.AbstractSpaceTimeLevyArea, diffrax.SpaceTimeLevyArea),
)


def levy_needed(solver: diffrax.AbstractSolver) -> type:
    """The least kind of Levy area that a solver needs."""
    while isinstance(solver, diffrax.HalfSolver):
        solver = solver.solver
    least = (
        solver.minimal_levy_area
        if isinstance(solver, diffrax.AbstractSRK | diffrax.AbstractFosterLangevinSRK)
        else None
    )
    for kind, concrete in _NEEDS:
        if least is not None and issubclass(least, kind):
            return concrete
    return diffrax.BrownianIncrement


def solver_name(solver: diffrax.AbstractSolver) -> str:
    """The name that a path records."""
    inner = f"({solver_name(solver.solver)})" if isinstance(solver, diffrax.HalfSolver) else ""
    return type(solver).__name__ + inner
