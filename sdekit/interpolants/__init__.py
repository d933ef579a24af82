"""Stochastic interpolants and score SDEs."""

from ._diagnostics import (
    asymmetry as asymmetry,
    flow_spectrum as flow_spectrum,
    fokker_planck_residual as fokker_planck_residual,
    gauge_residual as gauge_residual,
    intrinsic_dimension as intrinsic_dimension,
    kinetic_energy as kinetic_energy,
    loop_integral as loop_integral,
    transport_residual as transport_residual,
)
from ._diffusions import (
    from_sde as from_sde,
    geometric_brownian as geometric_brownian,
    mean_reverting as mean_reverting,
    ouve as ouve,
    resfusion as resfusion,
    sub_variance_preserving as sub_variance_preserving,
    variance_exploding as variance_exploding,
    variance_preserving as variance_preserving,
)
from ._epsilon import (
    LossGaps as LossGaps,
    best_epsilon as best_epsilon,
    kl_bound as kl_bound,
    loss_gaps as loss_gaps,
)
from ._exact import exact_field as exact_field, marginal_law as marginal_law
from ._field import Field as Field
from ._gaussian import gaussian_flow as gaussian_flow
from ._generative import GenerativeDiffusion as GenerativeDiffusion, base_law as base_law
from ._grids import (
    karras_grid as karras_grid,
    log_snr_grid as log_snr_grid,
    spread_grid as spread_grid,
    uniform_grid as uniform_grid,
)
from ._kinds import (
    AbstractKind as AbstractKind,
    Data as Data,
    Drift as Drift,
    Noise as Noise,
    Score as Score,
    Velocity as Velocity,
)
from ._learned_times import LearnedTimes as LearnedTimes
from ._likelihood import (
    AbstractDivergence as AbstractDivergence,
    Dequantiser as Dequantiser,
    ExactDivergence as ExactDivergence,
    Hutchinson as Hutchinson,
    flow as flow,
    log_prob as log_prob,
)
from ._matching import InterpolantMatching as InterpolantMatching
from ._path import AbstractInterpolant as AbstractInterpolant, AffinePath as AffinePath
from ._path_bound import path_log_prob as path_log_prob
from ._paths import (
    brownian_gamma as brownian_gamma,
    encoding_decoding as encoding_decoding,
    flow_matching as flow_matching,
    linear as linear,
    mirror as mirror,
    one_sided_linear as one_sided_linear,
    one_sided_root as one_sided_root,
    one_sided_trigonometric as one_sided_trigonometric,
    quadratic_gamma as quadratic_gamma,
    sine_gamma as sine_gamma,
    trigonometric as trigonometric,
)
from ._pushforward import Pushforward as Pushforward
from ._sampler import Sampler as Sampler, generate as generate
from ._schedule import (
    AbstractSchedule as AbstractSchedule,
    RootSchedule as RootSchedule,
    SmoothSchedule as SmoothSchedule,
)
from ._steps import (
    AbstractStep as AbstractStep,
    EulerStep as EulerStep,
    ExponentialStep as ExponentialStep,
    LangevinStep as LangevinStep,
)
from ._times import (
    AbstractTimes as AbstractTimes,
    LogSNRTimes as LogSNRTimes,
    StratifiedTimes as StratifiedTimes,
    UniformTimes as UniformTimes,
)
from ._windows import HiddenWindow as HiddenWindow


__all__ = [
    "AbstractDivergence",
    "AbstractInterpolant",
    "AbstractKind",
    "AbstractSchedule",
    "AbstractStep",
    "AbstractTimes",
    "AffinePath",
    "Data",
    "Dequantiser",
    "Drift",
    "EulerStep",
    "ExactDivergence",
    "ExponentialStep",
    "Field",
    "GenerativeDiffusion",
    "HiddenWindow",
    "Hutchinson",
    "InterpolantMatching",
    "LangevinStep",
    "LearnedTimes",
    "LogSNRTimes",
    "LossGaps",
    "Noise",
    "Pushforward",
    "RootSchedule",
    "Sampler",
    "Score",
    "SmoothSchedule",
    "StratifiedTimes",
    "UniformTimes",
    "Velocity",
    "asymmetry",
    "base_law",
    "best_epsilon",
    "brownian_gamma",
    "encoding_decoding",
    "exact_field",
    "flow",
    "flow_matching",
    "flow_spectrum",
    "fokker_planck_residual",
    "from_sde",
    "gauge_residual",
    "gaussian_flow",
    "generate",
    "geometric_brownian",
    "intrinsic_dimension",
    "karras_grid",
    "kinetic_energy",
    "kl_bound",
    "linear",
    "log_prob",
    "log_snr_grid",
    "loop_integral",
    "loss_gaps",
    "marginal_law",
    "mean_reverting",
    "mirror",
    "one_sided_linear",
    "one_sided_root",
    "one_sided_trigonometric",
    "ouve",
    "path_log_prob",
    "quadratic_gamma",
    "resfusion",
    "sine_gamma",
    "spread_grid",
    "sub_variance_preserving",
    "transport_residual",
    "trigonometric",
    "uniform_grid",
    "variance_exploding",
    "variance_preserving",
]
