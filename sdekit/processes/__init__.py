"""Laws: the words, and the exact library."""

from .._process import *  # noqa: F403
from .._process import __all__ as _words
from ._brownian import BrownianMotion as BrownianMotion
from ._ou import OrnsteinUhlenbeck as OrnsteinUhlenbeck


__all__ = [*_words, "BrownianMotion", "OrnsteinUhlenbeck"]
