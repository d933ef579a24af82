"""Fractional noise and long memory: estimators of the Hurst index, generative diffusions, pinned bridges."""

from ._augmented import (
    AugmentedLaw as AugmentedLaw,
    AugmentedMoments as AugmentedMoments,
)
from ._forward import (
    AbstractFractionalForward as AbstractFractionalForward,
    FractionalVE as FractionalVE,
    FractionalVP as FractionalVP,
)
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
from ._matching import AugmentedScoreMatching as AugmentedScoreMatching, NoiseScore as NoiseScore
from ._pinned import PinnedFractionalBridge as PinnedFractionalBridge
from ._readings import AbstractReading as AbstractReading, Noise as Noise, Path as Path
from ._reversed import Ancestral as Ancestral, Reversed as Reversed
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
    "AbstractFractionalForward",
    "AbstractHurstEstimator",
    "AbstractLikelihoodFit",
    "AbstractReading",
    "AbstractSequence",
    "Ancestral",
    "AugmentedLaw",
    "AugmentedMoments",
    "AugmentedScoreMatching",
    "ExactLikelihood",
    "ExactMLE",
    "FractionalVE",
    "FractionalVP",
    "HurstEstimate",
    "Noise",
    "NoiseScore",
    "Path",
    "PinnedFractionalBridge",
    "RescaledRange",
    "Reversed",
    "Scaling",
    "StructureFunctions",
    "Variations",
    "Whittle",
    "WhittleLikelihood",
]
