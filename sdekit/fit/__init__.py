"""The training loop: any model, any record, any objective."""

from ._average import WeightAverage as WeightAverage, average_weights as average_weights, averaged as averaged
from ._fit import fit as fit
from ._history import History as History
from ._optimiser import (
    AbstractOptimiser as AbstractOptimiser,
    FullBatch as FullBatch,
    Optax as Optax,
    Optimistix as Optimistix,
)
from ._result import Fit as Fit
from ._state import FitState as FitState


__all__ = [
    "AbstractOptimiser",
    "Fit",
    "FitState",
    "FullBatch",
    "History",
    "Optax",
    "Optimistix",
    "WeightAverage",
    "average_weights",
    "averaged",
    "fit",
]
