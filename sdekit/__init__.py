"""sdekit: stochastic processes and SDEs, modelled, solved and fitted in JAX."""

import importlib
from typing import TYPE_CHECKING

from . import (
    convert as convert,
    data as data,
    inference as inference,
    math as math,
    nets as nets,
    noise as noise,
    paths as paths,
    plot as plot,
    processes as processes,
    transport as transport,
)
from ._errors import FitError as FitError, SolveError as SolveError
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
from .data import (
    Events as Events,
    Panel as Panel,
    Series as Series,
    Snapshots as Snapshots,
    datasets as datasets,
    load as load,
)
from .evaluate import Report as Report, evaluate as evaluate
from .fit import Fit as Fit, FullBatch as FullBatch, fit as fit
from .inference import (
    GaussianObservation as GaussianObservation,
    MarginalLikelihood as MarginalLikelihood,
    Observed as Observed,
    TransitionLikelihood as TransitionLikelihood,
    confidence as confidence,
    forecast as forecast,
    log_prob as log_prob,
)
from .solve import solve as solve


if TYPE_CHECKING:
    from . import (
        bridges as bridges,
        experiments as experiments,
        fractional as fractional,
        interpolants as interpolants,
        jumps as jumps,
        neural as neural,
        points as points,
    )


__version__ = "0.1.0"

_LATER = ("bridges", "experiments", "fractional", "interpolants", "jumps", "neural", "points")
"""Rooms that are imported when they are first asked for: nobody waits for the families that they do not use."""


def __getattr__(name: str):
    if name in _LATER:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'sdekit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "AbstractParametric",
    "Events",
    "Fit",
    "FitError",
    "FullBatch",
    "GaussianObservation",
    "MarginalLikelihood",
    "Observed",
    "Panel",
    "Report",
    "Series",
    "Snapshots",
    "SolveError",
    "TransitionLikelihood",
    "cite",
    "confidence",
    "constrain",
    "constraints",
    "convert",
    "data",
    "datasets",
    "evaluate",
    "fit",
    "forecast",
    "inference",
    "law_field",
    "load",
    "log_prob",
    "math",
    "named_parameters",
    "nets",
    "noise",
    "parameter",
    "paths",
    "plot",
    "processes",
    "solve",
    "trainable",
    "transport",
    "unconstrain",
]
