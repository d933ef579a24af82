"""What comes out: paths."""

from ._path import AbstractPath as AbstractPath
from ._sampled import Provenance as Provenance, SampledPath as SampledPath


__all__ = ["AbstractPath", "Provenance", "SampledPath"]
