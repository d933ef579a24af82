"""Markov jump processes: finite chains and reaction networks, simulated, analysed and inferred exactly first."""

from ._abstract import AbstractHomogeneous as AbstractHomogeneous, AbstractRates as AbstractRates, Moves as Moves
from ._amortised import AmortisedRates as AmortisedRates, RateLaw as RateLaw
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
    label_noise as label_noise,
    state_log_probs as state_log_probs,
)
from ._endpoints import bridge as bridge, endpoint_holding as endpoint_holding, endpoint_jumps as endpoint_jumps
from ._ensemble import simulate as simulate
from ._gibbs import (
    GammaPrior as GammaPrior,
    RatePosterior as RatePosterior,
    gibbs as gibbs,
    path_statistics as path_statistics,
    rate_posterior as rate_posterior,
)
from ._hidden import Evidence as Evidence, Hidden as Hidden, smooth as smooth, viterbi as viterbi
from ._hmm import BaumWelchFit as BaumWelchFit, HiddenMarkov as HiddenMarkov, baum_welch as baum_welch
from ._langevin import ChemicalLangevin as ChemicalLangevin
from ._linear_noise import LinearNoise as LinearNoise
from ._moments import (
    AbstractClosure as AbstractClosure,
    LinearNoiseClosure as LinearNoiseClosure,
    Moments as Moments,
    NormalClosure as NormalClosure,
    moments as moments,
)
from ._monomolecular import MonomolecularLaw as MonomolecularLaw, monomolecular_law as monomolecular_law
from ._network import ReactionNetwork as ReactionNetwork
from ._outputs import (
    label_autocovariance as label_autocovariance,
    label_gram as label_gram,
    label_pairs as label_pairs,
    label_runs as label_runs,
)
from ._pair_evidence import PairEvidence as PairEvidence
from ._projection import Projection as Projection
from ._ratchet import flashing_ratchet as flashing_ratchet
from ._rates import BirthDeath as BirthDeath, RateMatrix as RateMatrix, Reversible as Reversible
from ._reaction import Reaction as Reaction
from ._score import score_expectation as score_expectation
from ._simulate import AbstractSimulation as AbstractSimulation, reaction_events as reaction_events
from ._ssa import SSA as SSA
from ._start import AbstractStart as AbstractStart, Conditional as Conditional, Given as Given, Stationary as Stationary
from ._tasks import ChainTruth as ChainTruth, LabelledPaths as LabelledPaths, TaskPrior as TaskPrior
from ._tau import TauLeaping as TauLeaping
from ._timed import NeuralRates as NeuralRates, TimedRates as TimedRates
from ._variational import VariationalPosterior as VariationalPosterior, variational_posterior as variational_posterior


__all__ = [
    "SSA",
    "AbstractClosure",
    "AbstractEmission",
    "AbstractHomogeneous",
    "AbstractRates",
    "AbstractSimulation",
    "AbstractStart",
    "AmortisedRates",
    "BaumWelchFit",
    "BirthDeath",
    "ChainTruth",
    "ChemicalLangevin",
    "Conditional",
    "CovariateRates",
    "EMFit",
    "Evidence",
    "GammaPrior",
    "GaussianEmission",
    "Given",
    "Hidden",
    "HiddenMarkov",
    "LabelledPaths",
    "LinearNoise",
    "LinearNoiseClosure",
    "Misclassification",
    "Moments",
    "MonomolecularLaw",
    "Moves",
    "NeuralRates",
    "NormalClosure",
    "PairEvidence",
    "PoissonEmission",
    "Projection",
    "RateLaw",
    "RateMatrix",
    "RatePosterior",
    "Reaction",
    "ReactionNetwork",
    "Reversible",
    "Stationary",
    "TaskPrior",
    "TauLeaping",
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
    "label_noise",
    "label_pairs",
    "label_runs",
    "mean_first_passage",
    "moments",
    "monomolecular_law",
    "pair_counts",
    "passage_law",
    "path_statistics",
    "rate_posterior",
    "reaction_events",
    "relaxation_times",
    "score_expectation",
    "simulate",
    "smooth",
    "state_log_probs",
    "stationary",
    "variational_posterior",
    "viterbi",
]
