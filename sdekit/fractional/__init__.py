"""Fractional noise and long memory: estimators of the Hurst index."""

from ._hurst import (
    AbstractDiagnostic as AbstractDiagnostic,
    AbstractHurstEstimator as AbstractHurstEstimator,
    HurstEstimate as HurstEstimate,
)
from ._likelihoods import (
    AbstractLikelihoodFit as AbstractLikelihoodFit,
    ExactLikelihood as ExactLikelihood,
    ExactMLE as ExactMLE,
    Whittle as Whittle,
    WhittleLikelihood as WhittleLikelihood,
)
from ._readings import AbstractReading as AbstractReading, Noise as Noise, Path as Path
from ._scaling import (
    DFA as DFA,
    RescaledRange as RescaledRange,
    Scaling as Scaling,
    StructureFunctions as StructureFunctions,
)
from ._sequences import ARFIMA as ARFIMA, FGN as FGN, FOU as FOU, AbstractSequence as AbstractSequence
from ._variations import Variations as Variations


__all__ = [
    "ARFIMA",
    "DFA",
    "FGN",
    "FOU",
    "AbstractDiagnostic",
    "AbstractHurstEstimator",
    "AbstractLikelihoodFit",
    "AbstractReading",
    "AbstractSequence",
    "ExactLikelihood",
    "ExactMLE",
    "HurstEstimate",
    "Noise",
    "Path",
    "RescaledRange",
    "Scaling",
    "StructureFunctions",
    "Variations",
    "Whittle",
    "WhittleLikelihood",
]
