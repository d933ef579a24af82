"""Inference on path space."""

from ._objective import AbstractObjective as AbstractObjective
from ._observation import AbstractObservation as AbstractObservation


__all__ = ["AbstractObjective", "AbstractObservation"]
