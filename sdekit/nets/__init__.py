"""Networks shared by the families."""

from ._constant import ConstantDiffusion as ConstantDiffusion
from ._mlp import MLPField as MLPField


__all__ = ["ConstantDiffusion", "MLPField"]
