"""What drives."""

from ._abstract import AbstractNoise as AbstractNoise


__all__ = ["AbstractNoise"]
