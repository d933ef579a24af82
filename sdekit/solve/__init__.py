"""The one door to Diffrax: from a diffusion to paths."""

from ._choose import choose_solver as choose_solver
from ._events import (
    AbstractEvent as AbstractEvent,
    FirstPassage as FirstPassage,
    LevelCrossing as LevelCrossing,
    Stopped as Stopped,
)
from ._exponential import ExponentialIntegrator as ExponentialIntegrator
from ._solve import solve as solve
from ._terms import stratonovich_shift as stratonovich_shift


__all__ = [
    "AbstractEvent",
    "ExponentialIntegrator",
    "FirstPassage",
    "LevelCrossing",
    "Stopped",
    "choose_solver",
    "solve",
    "stratonovich_shift",
]
