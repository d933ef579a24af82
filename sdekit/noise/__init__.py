"""What drives: Brownian motion on a grid, keyed by the number of the step, fractional Brownian motion, Markov lifts."""

from ._abstract import AbstractBrownian as AbstractBrownian, AbstractNoise as AbstractNoise
from ._brownian import Brownian as Brownian
from ._derived import (
    Coarsened as Coarsened,
    Correlated as Correlated,
    Refined as Refined,
    Tabulated as Tabulated,
)
from ._driver import AbstractDriver as AbstractDriver, BrownianDriver as BrownianDriver
from ._fractional import FractionalBrownian as FractionalBrownian
from ._grid import Grid as Grid
from ._levy import chain as chain


__all__ = [
    "AbstractBrownian",
    "AbstractDriver",
    "AbstractNoise",
    "Brownian",
    "BrownianDriver",
    "Coarsened",
    "Correlated",
    "FractionalBrownian",
    "Grid",
    "Refined",
    "Tabulated",
    "chain",
]
