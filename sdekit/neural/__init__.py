"""Neural differential equations: controlled by a series, stochastic, or neither."""

from ._answers import CrossEntropy as CrossEntropy, SquaredError as SquaredError
from ._cde import (
    CDEField as CDEField,
    NeuralCDE as NeuralCDE,
    neural_rde as neural_rde,
    solve_cde as solve_cde,
)
from ._control import AbstractControl as AbstractControl, ControlPath as ControlPath
from ._controls import (
    Hermite as Hermite,
    Linear as Linear,
    LogSignature as LogSignature,
    Rectilinear as Rectilinear,
)


__all__ = [
    "AbstractControl",
    "CDEField",
    "ControlPath",
    "CrossEntropy",
    "Hermite",
    "Linear",
    "LogSignature",
    "NeuralCDE",
    "Rectilinear",
    "SquaredError",
    "neural_rde",
    "solve_cde",
]
