"""The one door to Diffrax: from a diffusion to paths."""

from ._choose import choose_solver as choose_solver
from ._ees import EES25 as EES25
from ._events import (
    AbstractEvent as AbstractEvent,
    FirstPassage as FirstPassage,
    LevelCrossing as LevelCrossing,
    Stopped as Stopped,
)
from ._exponential import ExponentialIntegrator as ExponentialIntegrator
from ._reversible import Reversible as Reversible
from ._solve import solve as solve
from ._terms import stratonovich_shift as stratonovich_shift


__all__ = [
    "EES25",
    "AbstractEvent",
    "ExponentialIntegrator",
    "FirstPassage",
    "LevelCrossing",
    "Reversible",
    "Stopped",
    "choose_solver",
    "solve",
    "stratonovich_shift",
]
