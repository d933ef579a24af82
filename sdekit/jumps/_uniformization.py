"""The action of a generator's exponential on a law, by uniformization with a matrix that is never formed."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float


__all__ = ["uniformized"]

_MEAN = 64
"""Jumps of the uniformized chain in one piece of time: the weights are then known numbers."""
_WEIGHTS = scipy.stats.poisson.pmf(np.arange(_MEAN + 78), _MEAN)


def uniformized(
    flow: Callable[[Array], Array], bound: Float[Array, ""], p: Float[Array, " s"], t: Float[Array, ""]
) -> Float[Array, " s"]:
    r"""$p\,e^{Qt} = \sum_m e^{-\Lambda t} (\Lambda t)^m / m! \; p\,(1 + Q / \Lambda)^m$, $\Lambda \ge$ `bound`.

    Time is cut into pieces of 64 jumps each, whose Poisson weights are computed once in float64; what is cut off their
    tail is below 1e-15.

    Source: Jensen (1953), Markoff chains as an aid in the study of Markoff processes.
    """
    weights = jnp.asarray(_WEIGHTS, p.dtype)
    pieces = jnp.maximum(jnp.ceil(bound * t / _MEAN), 1)
    step = t / pieces / _MEAN

    def term(carry, weight):
        p, total = carry
        total = total + weight * p
        return (p + step * flow(p), total), None

    def piece(_, p):
        return jax.lax.scan(term, (p, jnp.zeros_like(p)), weights)[0][1]

    return jax.lax.fori_loop(0, pieces.astype(jnp.int32), piece, p)
