"""Schroedinger bridges."""

from ._bridge import AbstractSchroedingerBridge as AbstractSchroedingerBridge
from ._gaussian import (
    GaussianSchroedingerBridge as GaussianSchroedingerBridge,
    gaussian_coupling as gaussian_coupling,
)


__all__ = ["AbstractSchroedingerBridge", "GaussianSchroedingerBridge", "gaussian_coupling"]
