"""Weights as functions of the Hurst index: Chebyshev series, built in float64, evaluated in the working precision."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, DTypeLike, Float

from .._types import Array, RealScalar
from ..math import PAST_RATES, started_matrix
from ._markov import Lift


__all__ = ["HurstTable", "chebyshev_nodes", "hurst_table"]

_WEIGHT_NODES, _PAST_NODES = 64, 40


class HurstTable(eqx.Module):
    """The readout as a function of the index and the time. One row of each series for an index that is fixed."""

    weights: Float[Array, "n ... k"]
    past: Float[Array, "n ... m r"]
    past_rates: Float[Array, " r"]
    within: tuple[float, float] | None = eqx.field(static=True)

    def __call__(self, hurst: Float[Array, "*c"], t: RealScalar) -> Float[Array, "*c j"]:
        return _read(self, hurst, jnp.asarray(t, self.past_rates.dtype))

    def at(self, series: Float[Array, "n ..."], hurst: Float[Array, "*c"]) -> Array:
        """The sum of a series at an index of shape `()` or `(m,)`."""
        if self.within is None:
            return series[0]
        low, high = self.within
        return _chebyshev_sum(series, (2 * hurst - (low + high)) / (high - low))


# Compiled as wholes, so that a call outside `jit` does not compile each of its small operations.


@jax.jit
def _read(table: HurstTable, hurst: Float[Array, "*c"], t: Float[Array, ""]) -> Float[Array, "*c j"]:
    weights = table.at(table.weights, hurst)
    if not table.past.shape[-2]:
        return weights
    return jnp.concatenate([weights, table.at(table.past, hurst) @ -jnp.expm1(-table.past_rates * t)], axis=-1)


@jax.jit
def _chebyshev_sum(series: Float[Array, "n ..."], x: Float[Array, "*c"]) -> Array:
    terms = jnp.stack([jnp.ones_like(x), x], axis=-1)
    while (m := terms.shape[-1] - 1) < len(series) - 1:  # T_(m + j) = 2 T_m T_j - T_(m - j): few, wide operations
        terms = jnp.concatenate([terms, 2 * terms[..., -1:] * terms[..., 1:] - terms[..., m - 1 :: -1]], axis=-1)
    return jnp.tensordot(terms[..., : len(series)], series, axes=1)


def chebyshev_nodes(within: tuple[float, float], n: int) -> np.ndarray:
    """The zeros of the Chebyshev polynomial of degree `n` on an interval, increasing."""
    low, high = within
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * (np.arange(n) + 0.5) / n)


def _series(
    f: Callable[[tuple[float, ...]], np.ndarray],
    within: tuple[float, float],
    n: int,
    norms: np.ndarray,
    least: float,
) -> np.ndarray:
    """The Chebyshev coefficients of `f` from its values at `n` nodes, without those at the end that do not count."""
    values = f(tuple(chebyshev_nodes(within, n).tolist()))
    angle = np.pi * (np.arange(n)[::-1] + 0.5) / n
    transform = 2 / n * np.cos(np.arange(n)[:, None] * angle)
    transform[0] /= 2
    coefficients = np.tensordot(transform, values, axes=1)
    sizes = np.abs(coefficients * norms).reshape(n, -1).max(1, initial=0)
    large = np.flatnonzero(sizes > least * sizes.max())
    return coefficients[: max(2, 1 + int(large[-1]) if len(large) else 0)]


def hurst_table(
    lift: Lift, hurst: ArrayLike, within: tuple[float, float] | None, dtype: DTypeLike
) -> tuple[np.ndarray, HurstTable, float]:
    """The rates, the table, and the largest relative error of the numbers as they are after the cast.

    **Arguments:**

    - `lift`: what to lift.
    - `hurst`: the index, of shape `()` or `(m,)`; where `within` is given only for its shape.
    - `within`: the range of the index, or `None` for an index that is fixed.
    - `dtype`: of the table.
    """
    cast = lambda x: jnp.asarray(x, dtype)
    past_rates = cast(PAST_RATES / lift.horizon)
    if within is None:
        shape = np.shape(hurst)
        hursts = tuple(np.asarray(hurst, np.float64).reshape(-1).tolist())
        lift.check(hursts)
        rates = lift.rates(tuple(sorted(set(hursts))))
        weights, past = lift.weights(hursts, rates), lift.past(hursts)
        table = HurstTable(
            cast(weights.reshape(1, *shape, -1)), cast(past.reshape(1, *shape, *past.shape[1:])), past_rates, None
        )
        used = np.asarray(table.weights, np.float64).reshape(weights.shape)
        return rates, table, float(lift.errors(hursts, rates, used).max())
    lift.check(within)
    low, high = within
    some = tuple(((low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(7) / 6)).tolist())
    rates = lift.rates(some)
    # A coefficient counts by what its mode adds to the noise: that is what least squares finds to full precision.
    least = max(float(jnp.finfo(dtype).eps) / 16, 1e-13)
    norms = np.sqrt(np.diag(started_matrix(rates * lift.horizon)))
    weights = _series(lambda h: lift.weights(h, rates), within, _WEIGHT_NODES, norms, least)
    past = _series(lift.past, within, _PAST_NODES, np.ones(1), least)
    table = HurstTable(cast(weights), cast(past), past_rates, within)
    used = np.asarray(table.at(table.weights, cast(np.array(some))), np.float64)
    return rates, table, float(lift.errors(some, rates, used).max())
