"""Markov jump processes."""

from ._ensemble import simulate as simulate
from ._network import ReactionNetwork as ReactionNetwork
from ._reaction import Reaction as Reaction
from ._simulate import AbstractSimulation as AbstractSimulation, reaction_events as reaction_events
from ._ssa import SSA as SSA


__all__ = [
    "SSA",
    "AbstractSimulation",
    "Reaction",
    "ReactionNetwork",
    "reaction_events",
    "simulate",
]
