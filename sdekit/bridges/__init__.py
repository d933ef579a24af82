"""Schroedinger bridges."""

from ._bridge import AbstractSchroedingerBridge as AbstractSchroedingerBridge
from ._clouds import SinkhornBridge as SinkhornBridge
from ._gaussian import (
    GaussianSchroedingerBridge as GaussianSchroedingerBridge,
    gaussian_coupling as gaussian_coupling,
)
from ._laws import BridgeMarginal as BridgeMarginal, Cloud as Cloud
from ._linearised import Linearised as Linearised


__all__ = [
    "AbstractSchroedingerBridge",
    "BridgeMarginal",
    "Cloud",
    "GaussianSchroedingerBridge",
    "Linearised",
    "SinkhornBridge",
    "gaussian_coupling",
]
