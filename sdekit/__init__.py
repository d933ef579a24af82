"""sdekit: stochastic processes and SDEs, modelled, solved and fitted in JAX."""

from . import data as data, inference as inference, noise as noise, paths as paths, processes as processes
from ._parameters import (
    AbstractParametric as AbstractParametric,
    constrain as constrain,
    constraints as constraints,
    law_field as law_field,
    named_parameters as named_parameters,
    parameter as parameter,
    trainable as trainable,
    unconstrain as unconstrain,
)
from .cite import cite as cite


__version__ = "0.1.0"

__all__ = [
    "AbstractParametric",
    "cite",
    "constrain",
    "constraints",
    "data",
    "inference",
    "law_field",
    "named_parameters",
    "noise",
    "parameter",
    "paths",
    "processes",
    "trainable",
    "unconstrain",
]
