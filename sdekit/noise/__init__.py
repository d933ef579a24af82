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
from ._fractional import MarkovFractional as MarkovFractional
from ._grid import Grid as Grid
from ._kinds import (
    AbstractFractionalKind as AbstractFractionalKind,
    MandelbrotVanNess as MandelbrotVanNess,
    RiemannLiouville as RiemannLiouville,
)
from ._levy import chain as chain
from ._markov import MarkovApproximation as MarkovApproximation
from ._modes import AbstractModeNoise as AbstractModeNoise, ModeNoise as ModeNoise
from ._rate_grids import (
    AbstractRateGrid as AbstractRateGrid,
    BayerBreneis as BayerBreneis,
    GammaMax as GammaMax,
    OptimalGrid as OptimalGrid,
)


__all__ = [
    "AbstractBrownian",
    "AbstractDriver",
    "AbstractFractionalKind",
    "AbstractModeNoise",
    "AbstractNoise",
    "AbstractRateGrid",
    "BayerBreneis",
    "Brownian",
    "BrownianDriver",
    "Coarsened",
    "Correlated",
    "GammaMax",
    "Grid",
    "MandelbrotVanNess",
    "MarkovApproximation",
    "MarkovFractional",
    "ModeNoise",
    "OptimalGrid",
    "Refined",
    "RiemannLiouville",
    "Tabulated",
    "chain",
]
