"""sdekit: stochastic processes and SDEs, modelled, solved and fitted in JAX."""

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


__version__ = "0.1.0"

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
