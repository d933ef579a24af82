"""What drives: Brownian motion on a grid, keyed by the number of the step."""

from ._abstract import AbstractBrownian as AbstractBrownian, AbstractNoise as AbstractNoise
from ._brownian import Brownian as Brownian
from ._derived import (
    Coarsened as Coarsened,
    Correlated as Correlated,
    Refined as Refined,
    Tabulated as Tabulated,
)
from ._grid import Grid as Grid
from ._levy import chain as chain


__all__ = [
    "AbstractBrownian",
    "AbstractNoise",
    "Brownian",
    "Coarsened",
    "Correlated",
    "Grid",
    "Refined",
    "Tabulated",
    "chain",
]
