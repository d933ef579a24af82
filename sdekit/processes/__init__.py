"""Laws: the words, and the exact library."""

from .._process import *  # noqa: F403
from .._process import __all__ as _words
from ._benes import Benes as Benes
from ._bridge import GaussianBridge as GaussianBridge
from ._brownian import BrownianBridge as BrownianBridge, BrownianMotion as BrownianMotion
from ._cir import CoxIngersollRoss as CoxIngersollRoss, SquaredBessel as SquaredBessel
from ._double_well import DoubleWell as DoubleWell, DoubleWellLaw as DoubleWellLaw
from ._gbm import GeometricBrownianMotion as GeometricBrownianMotion
from ._jacobi import Jacobi as Jacobi
from ._langevin import OverdampedLangevin as OverdampedLangevin, UnderdampedLangevin as UnderdampedLangevin
from ._linear import (
    LinearSDE as LinearSDE,
    MatrixOrnsteinUhlenbeck as MatrixOrnsteinUhlenbeck,
    TimeDependentLinearSDE as TimeDependentLinearSDE,
)
from ._models import Heston as Heston, Lorenz as Lorenz, LotkaVolterra as LotkaVolterra
from ._ncx2 import NoncentralChi2 as NoncentralChi2
from ._numerical import AbstractNumericalDiffusion as AbstractNumericalDiffusion, Diffusion as Diffusion
from ._ou import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from ._verhulst import StochasticVerhulst as StochasticVerhulst


_diffusions = [
    "AbstractNumericalDiffusion",
    "Benes",
    "BrownianBridge",
    "BrownianMotion",
    "CoxIngersollRoss",
    "Diffusion",
    "DoubleWell",
    "GaussianBridge",
    "GeometricBrownianMotion",
    "Heston",
    "Jacobi",
    "LinearSDE",
    "Lorenz",
    "LotkaVolterra",
    "MatrixOrnsteinUhlenbeck",
    "OrnsteinUhlenbeck",
    "OverdampedLangevin",
    "SquaredBessel",
    "StochasticVerhulst",
    "TimeDependentLinearSDE",
    "UnderdampedLangevin",
]
_laws = ["DoubleWellLaw", "NoncentralChi2"]

# Gaussian processes, their kernels and fractional processes join here.

__all__ = [*_words, *_diffusions, *_laws]
