"""What drives: Brownian motion on a grid, keyed by the number of the step, fractional Brownian motion, Markov lifts."""

from ._abstract import AbstractBrownian as AbstractBrownian, AbstractNoise as AbstractNoise
from ._brownian import Brownian as Brownian
from ._curve import HurstCurve as HurstCurve
from ._derived import (
    Coarsened as Coarsened,
    Correlated as Correlated,
    Refined as Refined,
    Tabulated as Tabulated,
)
from ._driver import AbstractDriver as AbstractDriver, BrownianDriver as BrownianDriver
from ._fractional import MarkovFractional as MarkovFractional
from ._fractional_brownian import FractionalBrownian as FractionalBrownian
from ._grid import Grid as Grid
from ._kernels import (
    AbstractVolterraKernel as AbstractVolterraKernel,
    BernsteinKernel as BernsteinKernel,
    FunctionKernel as FunctionKernel,
    GammaKernel as GammaKernel,
    MittagLefflerKernel as MittagLefflerKernel,
    PowerKernel as PowerKernel,
)
from ._kinds import (
    AbstractFractionalKind as AbstractFractionalKind,
    MandelbrotVanNess as MandelbrotVanNess,
    RiemannLiouville as RiemannLiouville,
)
from ._levy import chain as chain
from ._markov import MarkovApproximation as MarkovApproximation
from ._modes import AbstractModeNoise as AbstractModeNoise, ModeNoise as ModeNoise
from ._multifractional import MultifractionalDriver as MultifractionalDriver
from ._rate_grids import (
    AbstractRateGrid as AbstractRateGrid,
    BayerBreneis as BayerBreneis,
    GammaMax as GammaMax,
    OptimalGrid as OptimalGrid,
)
from ._since import Since as Since
from ._volterra import VolterraDriver as VolterraDriver


__all__ = [
    "AbstractBrownian",
    "AbstractDriver",
    "AbstractFractionalKind",
    "AbstractModeNoise",
    "AbstractNoise",
    "AbstractRateGrid",
    "AbstractVolterraKernel",
    "BayerBreneis",
    "BernsteinKernel",
    "Brownian",
    "BrownianDriver",
    "Coarsened",
    "Correlated",
    "FractionalBrownian",
    "FunctionKernel",
    "GammaKernel",
    "GammaMax",
    "Grid",
    "HurstCurve",
    "MandelbrotVanNess",
    "MarkovApproximation",
    "MarkovFractional",
    "MittagLefflerKernel",
    "ModeNoise",
    "MultifractionalDriver",
    "OptimalGrid",
    "PowerKernel",
    "Refined",
    "RiemannLiouville",
    "Since",
    "Tabulated",
    "VolterraDriver",
    "chain",
]
