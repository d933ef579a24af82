"""Markov jump processes: rate models, exact analytics, hidden chains, inference."""

from ._abstract import AbstractHomogeneous as AbstractHomogeneous, AbstractRates as AbstractRates, Moves as Moves
from ._analytics import (
    entropy_production as entropy_production,
    entropy_rate as entropy_rate,
    hitting_probabilities as hitting_probabilities,
    kemeny_constant as kemeny_constant,
    mean_first_passage as mean_first_passage,
    passage_law as passage_law,
    relaxation_times as relaxation_times,
    stationary as stationary,
)
from ._covariates import CovariateRates as CovariateRates
from ._em import EMFit as EMFit, em as em, pair_counts as pair_counts
from ._emissions import (
    AbstractEmission as AbstractEmission,
    GaussianEmission as GaussianEmission,
    Misclassification as Misclassification,
    PoissonEmission as PoissonEmission,
    state_log_probs as state_log_probs,
)
from ._endpoints import bridge as bridge, endpoint_holding as endpoint_holding, endpoint_jumps as endpoint_jumps
from ._gibbs import (
    GammaPrior as GammaPrior,
    RatePosterior as RatePosterior,
    gibbs as gibbs,
    path_statistics as path_statistics,
    rate_posterior as rate_posterior,
)
from ._hidden import Evidence as Evidence, Hidden as Hidden, smooth as smooth, viterbi as viterbi
from ._hmm import BaumWelchFit as BaumWelchFit, HiddenMarkov as HiddenMarkov, baum_welch as baum_welch
from ._outputs import (
    label_autocovariance as label_autocovariance,
    label_gram as label_gram,
    label_pairs as label_pairs,
    label_runs as label_runs,
)
from ._ratchet import flashing_ratchet as flashing_ratchet
from ._rates import BirthDeath as BirthDeath, RateMatrix as RateMatrix, Reversible as Reversible
from ._start import AbstractStart as AbstractStart, Conditional as Conditional, Given as Given, Stationary as Stationary
from ._timed import NeuralRates as NeuralRates, TimedRates as TimedRates
from ._variational import VariationalPosterior as VariationalPosterior, variational_posterior as variational_posterior


__all__ = [
    "AbstractEmission",
    "AbstractHomogeneous",
    "AbstractRates",
    "AbstractStart",
    "BaumWelchFit",
    "BirthDeath",
    "Conditional",
    "CovariateRates",
    "EMFit",
    "Evidence",
    "GammaPrior",
    "GaussianEmission",
    "Given",
    "Hidden",
    "HiddenMarkov",
    "Misclassification",
    "Moves",
    "NeuralRates",
    "PoissonEmission",
    "RateMatrix",
    "RatePosterior",
    "Reversible",
    "Stationary",
    "TimedRates",
    "VariationalPosterior",
    "baum_welch",
    "bridge",
    "em",
    "endpoint_holding",
    "endpoint_jumps",
    "entropy_production",
    "entropy_rate",
    "flashing_ratchet",
    "gibbs",
    "hitting_probabilities",
    "kemeny_constant",
    "label_autocovariance",
    "label_gram",
    "label_pairs",
    "label_runs",
    "mean_first_passage",
    "pair_counts",
    "passage_law",
    "path_statistics",
    "rate_posterior",
    "relaxation_times",
    "smooth",
    "state_log_probs",
    "stationary",
    "variational_posterior",
    "viterbi",
]
