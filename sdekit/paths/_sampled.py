"""Paths known at the times of a grid."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from .._types import Array, RealScalar
from ._path import AbstractPath


__all__ = ["Provenance", "SampledPath"]


class Provenance(eqx.Module):
    """How a path was made."""

    solver: str = eqx.field(static=True)
    """The solver, or `"exact"` for draws from the transition law."""
    noise: str = eqx.field(static=True, default="")
    dt: float | None = eqx.field(static=True, default=None)
    """The step, or `None` when there was none (exact) or it varied (adaptive)."""


class SampledPath(AbstractPath):
    """States `xs` at times `ts`, linear in between."""

    ts: Float[Array, " t"]
    xs: Float[Array, "*n t d"]
    made: Provenance = Provenance("given")

    def __call__(self, t: RealScalar) -> Array:
        i = jnp.clip(jnp.searchsorted(self.ts, t, side="right") - 1, 0, self.ts.shape[0] - 2)
        w = (t - self.ts[i]) / (self.ts[i + 1] - self.ts[i])
        return (1 - w) * self.xs[..., i, :] + w * self.xs[..., i + 1, :]

    def stacked(self) -> Self:
        return eqx.tree_at(lambda p: p.ts, self, self.ts[0])
