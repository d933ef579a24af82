"""Temporal point processes: exact laws, likelihoods, simulation, prediction, goodness of fit."""

from ._autoregressive import AbstractAutoregressive as AbstractAutoregressive, AbstractRecurrent as AbstractRecurrent
from ._cluster import cluster_sizes as cluster_sizes, simulate_clusters as simulate_clusters
from ._cox import LogGaussianCox as LogGaussianCox
from ._decayed import decayed as decayed
from ._distances import optimal_transport_distance as optimal_transport_distance, t_map as t_map
from ._ergodic import AbstractErgodic as AbstractErgodic
from ._excitation import (
    AbstractExcitation as AbstractExcitation,
    DenseExcitation as DenseExcitation,
    LowRankExcitation as LowRankExcitation,
    SparseExcitation as SparseExcitation,
)
from ._fit_hawkes import (
    AbstractHawkesFit as AbstractHawkesFit,
    BoundedLBFGS as BoundedLBFGS,
    ExpectationMaximisation as ExpectationMaximisation,
    HawkesFit as HawkesFit,
    fit_hawkes as fit_hawkes,
)
from ._forecast import forecast as forecast, simulate as simulate
from ._gaps import (
    GutenbergRichter as GutenbergRichter,
    InverseGaussian as InverseGaussian,
    log_survival as log_survival,
)
from ._goodness import (
    Calibration as Calibration,
    Goodness as Goodness,
    calibration as calibration,
    goodness_of_fit as goodness_of_fit,
    mark_pit as mark_pit,
    qq_band as qq_band,
)
from ._hawkes import (
    AbstractLinearHawkes as AbstractLinearHawkes,
    ExponentialHawkes as ExponentialHawkes,
    ExponentialSumHawkes as ExponentialSumHawkes,
)
from ._hawkes_likelihood import HawkesLikelihood as HawkesLikelihood
from ._inhibition import (
    AbstractLink as AbstractLink,
    NonlinearHawkes as NonlinearHawkes,
    Rectified as Rectified,
    Softplus as Softplus,
)
from ._next import AbstractDirect as AbstractDirect, AbstractNextEvent as AbstractNextEvent
from ._poisson import (
    AbstractRate as AbstractRate,
    InhomogeneousPoisson as InhomogeneousPoisson,
    PiecewiseRate as PiecewiseRate,
    Poisson as Poisson,
    SinusoidalRate as SinusoidalRate,
)
from ._power_law import ETAS as ETAS, PowerLawHawkes as PowerLawHawkes
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
from ._renewal import Renewal as Renewal
from ._residuals import Residuals as Residuals, residuals as residuals
from ._samplers import (
    AbstractEventSampler as AbstractEventSampler,
    Direct as Direct,
    Inversion as Inversion,
    Thinning as Thinning,
)
from ._scores import EventScores as EventScores
from ._self_correcting import SelfCorrecting as SelfCorrecting
from ._sums import HawkesSums as HawkesSums
from ._trivial import history_density as history_density, most_popular as most_popular
