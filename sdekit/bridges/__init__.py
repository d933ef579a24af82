"""Schroedinger bridges."""

from ._bridge import AbstractSchroedingerBridge as AbstractSchroedingerBridge
from ._clouds import SinkhornBridge as SinkhornBridge
from ._families import (
    LinearVortex as LinearVortex,
    PotentialGradient as PotentialGradient,
    PredatorPrey as PredatorPrey,
    RepressilatorField as RepressilatorField,
    with_noise as with_noise,
)
from ._gaussian import (
    GaussianSchroedingerBridge as GaussianSchroedingerBridge,
    gaussian_coupling as gaussian_coupling,
)
from ._laws import BridgeMarginal as BridgeMarginal, Cloud as Cloud
from ._linearised import Linearised as Linearised
from ._refine import Refinement as Refinement, refine as refine
from ._regression import (
    AbstractRegression as AbstractRegression,
    GaussNewton as GaussNewton,
    Gradient as Gradient,
    Visited as Visited,
)


__all__ = [
    "AbstractRegression",
    "AbstractSchroedingerBridge",
    "BridgeMarginal",
    "Cloud",
    "GaussNewton",
    "GaussianSchroedingerBridge",
    "Gradient",
    "LinearVortex",
    "Linearised",
    "PotentialGradient",
    "PredatorPrey",
    "Refinement",
    "RepressilatorField",
    "SinkhornBridge",
    "Visited",
    "gaussian_coupling",
    "refine",
    "with_noise",
]
