"""Temporal point processes: exact laws, likelihoods, simulation, prediction, goodness of fit."""

from ._autoregressive import AbstractAutoregressive as AbstractAutoregressive, AbstractRecurrent as AbstractRecurrent
from ._forecast import forecast as forecast, simulate as simulate
from ._next import AbstractDirect as AbstractDirect, AbstractNextEvent as AbstractNextEvent
from ._poisson import (
    AbstractRate as AbstractRate,
    InhomogeneousPoisson as InhomogeneousPoisson,
    PiecewiseRate as PiecewiseRate,
    Poisson as Poisson,
    SinusoidalRate as SinusoidalRate,
)
from ._predict import (
    AbstractMarkQuestion as AbstractMarkQuestion,
    AbstractTimeLoss as AbstractTimeLoss,
    AtPrediction as AtPrediction,
    GivenTime as GivenTime,
    Marginal as Marginal,
    Mean as Mean,
    Median as Median,
    Mode as Mode,
    Prediction as Prediction,
    predict_next as predict_next,
)
from ._residuals import Residuals as Residuals, residuals as residuals
from ._samplers import (
    AbstractEventSampler as AbstractEventSampler,
    Direct as Direct,
    Inversion as Inversion,
    Thinning as Thinning,
)
from ._scores import EventScores as EventScores
