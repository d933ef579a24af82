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
from ._ode import FlowError as FlowError, NeuralODE as NeuralODE
from ._sde import HybridDrift as HybridDrift, neural_sde as neural_sde
from ._symbolic import (
    AbstractLibrary as AbstractLibrary,
    Formula as Formula,
    Joined as Joined,
    Polynomials as Polynomials,
    Terms as Terms,
    symbolic as symbolic,
)


__all__ = [
    "AbstractControl",
    "AbstractLibrary",
    "CDEField",
    "ControlPath",
    "CrossEntropy",
    "FlowError",
    "Formula",
    "Hermite",
    "HybridDrift",
    "Joined",
    "Linear",
    "LogSignature",
    "NeuralCDE",
    "NeuralODE",
    "Polynomials",
    "Rectilinear",
    "SquaredError",
    "Terms",
    "neural_rde",
    "neural_sde",
    "solve_cde",
    "symbolic",
]
