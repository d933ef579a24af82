"""Laws: the words, and the exact library."""

from .._process import *  # noqa: F403
from .._process import __all__ as _words
from ._benes import Benes as Benes
from ._bridge import GaussianBridge as GaussianBridge
from ._brownian import BrownianBridge as BrownianBridge, BrownianMotion as BrownianMotion
from ._cir import CoxIngersollRoss as CoxIngersollRoss, SquaredBessel as SquaredBessel
from ._gbm import GeometricBrownianMotion as GeometricBrownianMotion
from ._ncx2 import NoncentralChi2 as NoncentralChi2
from ._ou import OrnsteinUhlenbeck as OrnsteinUhlenbeck


__all__ = [
    *_words,
    "Benes",
    "BrownianBridge",
    "BrownianMotion",
    "CoxIngersollRoss",
    "GaussianBridge",
    "GeometricBrownianMotion",
    "NoncentralChi2",
    "OrnsteinUhlenbeck",
    "SquaredBessel",
]
