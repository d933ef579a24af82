"""Networks and encoders shared by the families."""

from ._activations import lipswish as lipswish
from ._between import BetweenContext as BetweenContext, BetweenEncoder as BetweenEncoder
from ._bounded import BoundedField as BoundedField, MatrixDiffusion as MatrixDiffusion
from ._conditional import ConditionalMLP as ConditionalMLP
from ._constant import ConstantDiffusion as ConstantDiffusion
from ._control import (
    AffineControl as AffineControl,
    BoundedDiffusion as BoundedDiffusion,
    ControlMLP as ControlMLP,
)
from ._conv import ConvEncoder as ConvEncoder
from ._embedded import Embedded as Embedded
from ._encoder import (
    AbstractContext as AbstractContext,
    AbstractEncoder as AbstractEncoder,
    AheadContext as AheadContext,
    ConstantContext as ConstantContext,
    next_observed as next_observed,
)
from ._encoders import (
    AttentionEncoder as AttentionEncoder,
    FirstFrames as FirstFrames,
    GRUEncoder as GRUEncoder,
)
from ._equilibrium import ContractiveCell as ContractiveCell, DeepEquilibrium as DeepEquilibrium
from ._head import GaussianHead as GaussianHead
from ._marginals import AbstractMarginals as AbstractMarginals, MarginalMLP as MarginalMLP
from ._mlp import MLPField as MLPField
from ._pairs import PairNetwork as PairNetwork


__all__ = [
    "AbstractContext",
    "AbstractEncoder",
    "AbstractMarginals",
    "AffineControl",
    "AheadContext",
    "AttentionEncoder",
    "BetweenContext",
    "BetweenEncoder",
    "BoundedDiffusion",
    "BoundedField",
    "ConditionalMLP",
    "ConstantContext",
    "ConstantDiffusion",
    "ContractiveCell",
    "ControlMLP",
    "ConvEncoder",
    "DeepEquilibrium",
    "Embedded",
    "FirstFrames",
    "GRUEncoder",
    "GaussianHead",
    "MLPField",
    "MarginalMLP",
    "MatrixDiffusion",
    "PairNetwork",
    "lipswish",
    "next_observed",
]
