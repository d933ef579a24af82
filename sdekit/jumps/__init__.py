"""Markov jump processes."""

from ._ensemble import simulate as simulate
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
from ._projection import Projection as Projection
from ._reaction import Reaction as Reaction
from ._score import score_expectation as score_expectation
from ._simulate import AbstractSimulation as AbstractSimulation, reaction_events as reaction_events
from ._ssa import SSA as SSA
from ._tau import TauLeaping as TauLeaping


__all__ = [
    "SSA",
    "AbstractClosure",
    "AbstractSimulation",
    "ChemicalLangevin",
    "LinearNoise",
    "LinearNoiseClosure",
    "Moments",
    "MonomolecularLaw",
    "NormalClosure",
    "Projection",
    "Reaction",
    "ReactionNetwork",
    "TauLeaping",
    "moments",
    "monomolecular_law",
    "reaction_events",
    "score_expectation",
    "simulate",
]
