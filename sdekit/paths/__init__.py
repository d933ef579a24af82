"""What comes out: paths."""

from ._event import EventPath as EventPath
from ._jump import JumpPath as JumpPath
from ._path import AbstractPath as AbstractPath
from ._sampled import Provenance as Provenance, SampledPath as SampledPath


__all__ = ["AbstractPath", "EventPath", "JumpPath", "Provenance", "SampledPath"]
