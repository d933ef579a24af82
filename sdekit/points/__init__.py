"""Temporal point processes: exact laws, likelihoods, simulation, prediction, goodness of fit."""

from ._autoregressive import AbstractAutoregressive as AbstractAutoregressive, AbstractRecurrent as AbstractRecurrent
from ._cluster import cluster_sizes as cluster_sizes, simulate_clusters as simulate_clusters
from ._cox import LogGaussianCox as LogGaussianCox
from ._decayed import decayed as decayed
from ._decoder import AbstractDecoder as AbstractDecoder, AbstractHazardCurve as AbstractHazardCurve
from ._decoder_cumulative import CumulativeNetwork as CumulativeNetwork
from ._decoder_spline import RationalQuadraticSpline as RationalQuadraticSpline
from ._decoders_closed import (
    AbstractGapLaws as AbstractGapLaws,
    Gompertz as Gompertz,
    LogNormalMixture as LogNormalMixture,
)
from ._decoders_intensity import (
    DriftingIntensity as DriftingIntensity,
    MovingIntensity as MovingIntensity,
    RelaxingIntensity as RelaxingIntensity,
)
from ._decoders_marks import (
    IndependentMarks as IndependentMarks,
    MarkGivenTime as MarkGivenTime,
    TimeGivenMark as TimeGivenMark,
)
from ._distances import optimal_transport_distance as optimal_transport_distance, t_map as t_map
from ._encoder import (
    AbstractEventEncoder as AbstractEventEncoder,
    AbstractMemory as AbstractMemory,
    AbstractMonotoneMemory as AbstractMonotoneMemory,
    EncodedEvent as EncodedEvent,
    FixedMemory as FixedMemory,
)
from ._encoders_attention import (
    AttentionHistory as AttentionHistory,
    AttentiveHistory as AttentiveHistory,
    AttentiveMemory as AttentiveMemory,
)
from ._encoders_recurrent import (
    ContinuousLSTM as ContinuousLSTM,
    DecayingMemory as DecayingMemory,
    FlowMemory as FlowMemory,
    GRUHistory as GRUHistory,
    NeuralODEHistory as NeuralODEHistory,
)
from ._encoders_state_space import StateSpaceHistory as StateSpaceHistory, StateSpaceMemory as StateSpaceMemory
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
from ._modulated import MarkovModulatedPoisson as MarkovModulatedPoisson
from ._neural import NeuralPointProcess as NeuralPointProcess, PerEvent as PerEvent
from ._next import (
    AbstractDirect as AbstractDirect,
    AbstractGapDensity as AbstractGapDensity,
    AbstractNextEvent as AbstractNextEvent,
)
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
from ._presets_gaps import (
    cd_lognormal as cd_lognormal,
    cd_rmtpp as cd_rmtpp,
    fullynn as fullynn,
    iftpp as iftpp,
    mark_given_time as mark_given_time,
    rmtpp as rmtpp,
)
from ._presets_intensity import attnhp as attnhp, nhp as nhp, odetpp as odetpp, s2p2 as s2p2, sahp as sahp, thp as thp
from ._renewal import Renewal as Renewal
from ._residuals import Residuals as Residuals, residuals as residuals
from ._samplers import (
    AbstractEventSampler as AbstractEventSampler,
    Direct as Direct,
    Inversion as Inversion,
    Thinning as Thinning,
)
from ._scale import GapScale as GapScale
from ._scores import EventScores as EventScores
from ._self_correcting import SelfCorrecting as SelfCorrecting
from ._sums import HawkesSums as HawkesSums
from ._trivial import history_density as history_density, most_popular as most_popular


__all__ = [
    "ETAS",
    "AbstractAutoregressive",
    "AbstractDecoder",
    "AbstractDirect",
    "AbstractErgodic",
    "AbstractEventEncoder",
    "AbstractEventSampler",
    "AbstractExcitation",
    "AbstractGapDensity",
    "AbstractGapLaws",
    "AbstractHawkesFit",
    "AbstractHazardCurve",
    "AbstractLinearHawkes",
    "AbstractLink",
    "AbstractMarkQuestion",
    "AbstractMemory",
    "AbstractMonotoneMemory",
    "AbstractNextEvent",
    "AbstractRate",
    "AbstractRecurrent",
    "AbstractTimeLoss",
    "AtPrediction",
    "AttentionHistory",
    "AttentiveHistory",
    "AttentiveMemory",
    "BoundedLBFGS",
    "Calibration",
    "ContinuousLSTM",
    "CumulativeNetwork",
    "DecayingMemory",
    "DenseExcitation",
    "Direct",
    "DriftingIntensity",
    "EncodedEvent",
    "EventScores",
    "ExpectationMaximisation",
    "ExponentialHawkes",
    "ExponentialSumHawkes",
    "FixedMemory",
    "FlowMemory",
    "GRUHistory",
    "GapScale",
    "GivenTime",
    "Gompertz",
    "Goodness",
    "GutenbergRichter",
    "HawkesFit",
    "HawkesLikelihood",
    "HawkesSums",
    "IndependentMarks",
    "InhomogeneousPoisson",
    "InverseGaussian",
    "Inversion",
    "LogGaussianCox",
    "LogNormalMixture",
    "LowRankExcitation",
    "Marginal",
    "MarkGivenTime",
    "MarkovModulatedPoisson",
    "Mean",
    "Median",
    "Mode",
    "MovingIntensity",
    "NeuralODEHistory",
    "NeuralPointProcess",
    "NonlinearHawkes",
    "PerEvent",
    "PiecewiseRate",
    "Poisson",
    "PowerLawHawkes",
    "Prediction",
    "RationalQuadraticSpline",
    "Rectified",
    "RelaxingIntensity",
    "Renewal",
    "Residuals",
    "SelfCorrecting",
    "SinusoidalRate",
    "Softplus",
    "SparseExcitation",
    "StateSpaceHistory",
    "StateSpaceMemory",
    "Thinning",
    "TimeGivenMark",
    "attnhp",
    "calibration",
    "cd_lognormal",
    "cd_rmtpp",
    "cluster_sizes",
    "decayed",
    "fit_hawkes",
    "forecast",
    "fullynn",
    "goodness_of_fit",
    "history_density",
    "iftpp",
    "log_survival",
    "mark_given_time",
    "mark_pit",
    "most_popular",
    "nhp",
    "odetpp",
    "optimal_transport_distance",
    "predict_next",
    "qq_band",
    "residuals",
    "rmtpp",
    "s2p2",
    "sahp",
    "simulate",
    "simulate_clusters",
    "t_map",
    "thp",
]
