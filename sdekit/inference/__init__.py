"""Inference on path space."""

from ._adversarial import (
    AdversarialMatching as AdversarialMatching,
    Adversaries as Adversaries,
    adversarial as adversarial,
    lipschitz_clip as lipschitz_clip,
)
from ._amortised import (
    AbstractAmortised as AbstractAmortised,
    AbstractParameterLaw as AbstractParameterLaw,
    AmortisedLikelihood as AmortisedLikelihood,
    Simulated as Simulated,
)
from ._bound import PathBound as PathBound
from ._collapse import (
    CollapseTable as CollapseTable,
    KLRates as KLRates,
    kl_rates as kl_rates,
    posterior_collapse as posterior_collapse,
)
from ._confidence import ParameterTable as ParameterTable, confidence as confidence
from ._decoded import Decoded as Decoded
from ._elbo import ELBO as ELBO
from ._finite_dimensional import (
    AbstractDiscrepancy as AbstractDiscrepancy,
    Distance as Distance,
    FiniteDimensionalMatching as FiniteDimensionalMatching,
    GaussianDiscrepancy as GaussianDiscrepancy,
)
from ._forecast import condition as condition, forecast as forecast
from ._girsanov import (
    PathKL as PathKL,
    chain_kl as chain_kl,
    girsanov_energy as girsanov_energy,
    girsanov_log_weight as girsanov_log_weight,
    path_kl as path_kl,
)
from ._gradients import (
    AbstractGradientEstimator as AbstractGradientEstimator,
    Enumeration as Enumeration,
    Reparametrised as Reparametrised,
    ScoreFunction as ScoreFunction,
)
from ._kalman import (
    AbstractKalmanMethod as AbstractKalmanMethod,
    Chain as Chain,
    Filtered as Filtered,
    Parallel as Parallel,
    Sequential as Sequential,
    Smoothed as Smoothed,
    chain as chain,
)
from ._latent import LatentSDE as LatentSDE
from ._likelihood import (
    AbstractLikelihood as AbstractLikelihood,
    MarginalLikelihood as MarginalLikelihood,
    TransitionLikelihood as TransitionLikelihood,
    log_prob as log_prob,
)
from ._matching import SDEMatching as SDEMatching
from ._measure_valued import MeasureValued as MeasureValued
from ._objective import AbstractObjective as AbstractObjective, AbstractScheduled as AbstractScheduled
from ._observation import AbstractObservation as AbstractObservation
from ._observations import (
    AbstractGaussianObservation as AbstractGaussianObservation,
    BernoulliObservation as BernoulliObservation,
    CategoricalObservation as CategoricalObservation,
    GaussianObservation as GaussianObservation,
    PoissonObservation as PoissonObservation,
    StudentTObservation as StudentTObservation,
)
from ._observed import Observed as Observed
from ._optimal_control import OptimalControl as OptimalControl
from ._posterior import GaussianPosterior as GaussianPosterior, LinearGaussianPosterior as LinearGaussianPosterior
from ._relaxed import GumbelSoftmax as GumbelSoftmax, StraightThrough as StraightThrough
from ._signature import (
    AbstractLift as AbstractLift,
    GaussianLift as GaussianLift,
    LinearLift as LinearLift,
    SignatureMatching as SignatureMatching,
    signature_kernel as signature_kernel,
)
from ._transitions import gaussian_step as gaussian_step, ito_drift as ito_drift


__all__ = [
    "ELBO",
    "AbstractAmortised",
    "AbstractDiscrepancy",
    "AbstractGaussianObservation",
    "AbstractGradientEstimator",
    "AbstractKalmanMethod",
    "AbstractLift",
    "AbstractLikelihood",
    "AbstractObjective",
    "AbstractObservation",
    "AbstractParameterLaw",
    "AbstractScheduled",
    "AdversarialMatching",
    "Adversaries",
    "AmortisedLikelihood",
    "BernoulliObservation",
    "CategoricalObservation",
    "Chain",
    "CollapseTable",
    "Decoded",
    "Distance",
    "Enumeration",
    "Filtered",
    "FiniteDimensionalMatching",
    "GaussianDiscrepancy",
    "GaussianLift",
    "GaussianObservation",
    "GaussianPosterior",
    "GumbelSoftmax",
    "KLRates",
    "LatentSDE",
    "LinearGaussianPosterior",
    "LinearLift",
    "MarginalLikelihood",
    "MeasureValued",
    "Observed",
    "OptimalControl",
    "Parallel",
    "ParameterTable",
    "PathBound",
    "PathKL",
    "PoissonObservation",
    "Reparametrised",
    "SDEMatching",
    "ScoreFunction",
    "Sequential",
    "SignatureMatching",
    "Simulated",
    "Smoothed",
    "StraightThrough",
    "StudentTObservation",
    "TransitionLikelihood",
    "adversarial",
    "chain",
    "chain_kl",
    "condition",
    "confidence",
    "forecast",
    "gaussian_step",
    "girsanov_energy",
    "girsanov_log_weight",
    "ito_drift",
    "kl_rates",
    "lipschitz_clip",
    "log_prob",
    "path_kl",
    "posterior_collapse",
    "signature_kernel",
]
