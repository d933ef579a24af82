"""Schroedinger bridges."""

from ._benchmark import cbw2_uvp as cbw2_uvp, mixture_benchmark as mixture_benchmark
from ._bridge import (
    AbstractPotentialBridge as AbstractPotentialBridge,
    AbstractSchroedingerBridge as AbstractSchroedingerBridge,
)
from ._clouds import SinkhornBridge as SinkhornBridge
from ._families import (
    LinearVortex as LinearVortex,
    PotentialGradient as PotentialGradient,
    PredatorPrey as PredatorPrey,
    RepressilatorField as RepressilatorField,
    Spring as Spring,
    with_noise as with_noise,
)
from ._gaussian import (
    GaussianSchroedingerBridge as GaussianSchroedingerBridge,
    gaussian_coupling as gaussian_coupling,
)
from ._held_out import (
    HeldOut as HeldOut,
    baselines as baselines,
    held_out as held_out,
    leave_one_out as leave_one_out,
)
from ._iterate import Iteration as Iteration, coupled as coupled, iterate as iterate
from ._laws import BridgeMarginal as BridgeMarginal, Cloud as Cloud
from ._linearised import Linearised as Linearised
from ._matching import BridgeMatching as BridgeMatching, MatchedBridge as MatchedBridge
from ._missing import complete as complete
from ._mixture import LightSB as LightSB, LightSBLoss as LightSBLoss
from ._population import GaussianRefinement as GaussianRefinement, refine_gaussian as refine_gaussian
from ._proportional import MeanMatching as MeanMatching, proportional_fitting as proportional_fitting
from ._refine import Refinement as Refinement, refine as refine
from ._regression import (
    AbstractRegression as AbstractRegression,
    GaussNewton as GaussNewton,
    Gradient as Gradient,
    Visited as Visited,
)


__all__ = [
    "AbstractPotentialBridge",
    "AbstractRegression",
    "AbstractSchroedingerBridge",
    "BridgeMarginal",
    "BridgeMatching",
    "Cloud",
    "GaussNewton",
    "GaussianRefinement",
    "GaussianSchroedingerBridge",
    "Gradient",
    "HeldOut",
    "Iteration",
    "LightSB",
    "LightSBLoss",
    "LinearVortex",
    "Linearised",
    "MatchedBridge",
    "MeanMatching",
    "PotentialGradient",
    "PredatorPrey",
    "Refinement",
    "RepressilatorField",
    "SinkhornBridge",
    "Spring",
    "Visited",
    "baselines",
    "cbw2_uvp",
    "complete",
    "coupled",
    "gaussian_coupling",
    "held_out",
    "iterate",
    "leave_one_out",
    "mixture_benchmark",
    "proportional_fitting",
    "refine",
    "refine_gaussian",
    "with_noise",
]
