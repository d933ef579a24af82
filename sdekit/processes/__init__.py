"""Laws: the words, and the exact library."""

from .._lifted import AbstractLifted as AbstractLifted, Parts as Parts
from .._process import *  # noqa: F403
from .._process import __all__ as _words
from ._benes import Benes as Benes
from ._bridge import GaussianBridge as GaussianBridge
from ._brownian import BrownianBridge as BrownianBridge, BrownianMotion as BrownianMotion
from ._cir import CoxIngersollRoss as CoxIngersollRoss, SquaredBessel as SquaredBessel
from ._continue import (
    AbstractContinued as AbstractContinued,
    extend as extend,
    extend_until as extend_until,
)
from ._double_well import DoubleWell as DoubleWell, DoubleWellLaw as DoubleWellLaw
from ._driven_ou import DrivenOrnsteinUhlenbeck as DrivenOrnsteinUhlenbeck
from ._fractional import (
    FractionalBrownianMotion as FractionalBrownianMotion,
    FractionalOrnsteinUhlenbeck as FractionalOrnsteinUhlenbeck,
)
from ._gaussian import (
    AbstractDenseGaussian as AbstractDenseGaussian,
    ConditionedGaussian as ConditionedGaussian,
    GaussianProcess as GaussianProcess,
)
from ._gbm import GeometricBrownianMotion as GeometricBrownianMotion
from ._hybrid import AbstractPathMethod as AbstractPathMethod, DenseRoot as DenseRoot, Hybrid as Hybrid
from ._jacobi import Jacobi as Jacobi
from ._joint import CentredGaussian as CentredGaussian, JointLaw as JointLaw
from ._kernels import (
    AbstractKernel as AbstractKernel,
    Exponential as Exponential,
    Matern32 as Matern32,
    Matern52 as Matern52,
    Periodic as Periodic,
    ProductKernel as ProductKernel,
    RationalQuadratic as RationalQuadratic,
    SquaredExponential as SquaredExponential,
    SumKernel as SumKernel,
)
from ._langevin import OverdampedLangevin as OverdampedLangevin, UnderdampedLangevin as UnderdampedLangevin
from ._lifted import Controlled as Controlled, Driven as Driven, Lifted as Lifted, modes_law as modes_law
from ._linear import (
    LinearSDE as LinearSDE,
    MatrixOrnsteinUhlenbeck as MatrixOrnsteinUhlenbeck,
    TimeDependentLinearSDE as TimeDependentLinearSDE,
)
from ._models import Heston as Heston, Lorenz as Lorenz, LotkaVolterra as LotkaVolterra
from ._ncx2 import NoncentralChi2 as NoncentralChi2
from ._numerical import AbstractNumericalDiffusion as AbstractNumericalDiffusion, Diffusion as Diffusion
from ._ou import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from ._pinned import GaussianProcessBridge as GaussianProcessBridge
from ._riemann_liouville import (
    MultifractionalMotion as MultifractionalMotion,
    RiemannLiouvilleMotion as RiemannLiouvilleMotion,
)
from ._verhulst import StochasticVerhulst as StochasticVerhulst


_diffusions = [
    "AbstractLifted",
    "AbstractNumericalDiffusion",
    "Benes",
    "BrownianBridge",
    "BrownianMotion",
    "CoxIngersollRoss",
    "Controlled",
    "Diffusion",
    "DoubleWell",
    "Driven",
    "DrivenOrnsteinUhlenbeck",
    "GaussianBridge",
    "GeometricBrownianMotion",
    "Heston",
    "Jacobi",
    "Lifted",
    "LinearSDE",
    "Lorenz",
    "LotkaVolterra",
    "MatrixOrnsteinUhlenbeck",
    "OrnsteinUhlenbeck",
    "OverdampedLangevin",
    "Parts",
    "SquaredBessel",
    "StochasticVerhulst",
    "TimeDependentLinearSDE",
    "UnderdampedLangevin",
]
_laws = ["CentredGaussian", "DoubleWellLaw", "JointLaw", "NoncentralChi2", "modes_law"]

_gaussian = [
    "AbstractContinued",
    "AbstractDenseGaussian",
    "AbstractPathMethod",
    "ConditionedGaussian",
    "DenseRoot",
    "FractionalBrownianMotion",
    "FractionalOrnsteinUhlenbeck",
    "GaussianProcess",
    "GaussianProcessBridge",
    "Hybrid",
    "MultifractionalMotion",
    "RiemannLiouvilleMotion",
    "extend",
    "extend_until",
]
_kernels = [
    "AbstractKernel",
    "Exponential",
    "Matern32",
    "Matern52",
    "Periodic",
    "ProductKernel",
    "RationalQuadratic",
    "SquaredExponential",
    "SumKernel",
]

__all__ = [*_words, *_diffusions, *_gaussian, *_kernels, *_laws]
