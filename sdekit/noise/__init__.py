"""What drives: Brownian motion on a grid, keyed by the number of the step, and noises with a Markov lift."""

from ._abstract import AbstractBrownian as AbstractBrownian, AbstractNoise as AbstractNoise
from ._brownian import Brownian as Brownian
from ._derived import (
    Coarsened as Coarsened,
    Correlated as Correlated,
    Refined as Refined,
    Tabulated as Tabulated,
)
from ._driver import AbstractDriver as AbstractDriver, BrownianDriver as BrownianDriver
from ._grid import Grid as Grid
from ._levy import chain as chain
from ._modes import AbstractModeNoise as AbstractModeNoise, ModeNoise as ModeNoise


__all__ = [
    "AbstractBrownian",
    "AbstractDriver",
    "AbstractModeNoise",
    "AbstractNoise",
    "Brownian",
    "BrownianDriver",
    "Coarsened",
    "Correlated",
    "Grid",
    "ModeNoise",
    "Refined",
    "Tabulated",
    "chain",
]
