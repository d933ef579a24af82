"""Propensities, a column a reaction: elementwise in the counts, so that XLA fuses them with what uses them."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .._types import Array
from ._reaction import Reaction


__all__ = ["bound_columns", "choose", "net_change", "propensity_columns"]


def propensity_columns(network: Any, t: Array, xs: Sequence[Array]) -> list[Array]:
    """The propensity of each reaction for counts `xs`, an array a species, all of one shape (`t` of that or `()`)."""
    p = dict(zip(network.parameters, network.rates, strict=True))
    x = dict(zip(network.species, xs, strict=True))
    return [_mass_action(p[r.rate], r, x) if isinstance(r.rate, str) else _called(r.rate, t, x, p) for r in
            network.reactions]  # fmt: skip


def bound_columns(network: Any, t: Array, xs: Sequence[Array]) -> list[Array]:
    """What the propensities never pass until the next event: their bounds, or they themselves."""
    p = dict(zip(network.parameters, network.rates, strict=True))
    x = dict(zip(network.species, xs, strict=True))
    columns = []
    for r in network.reactions:
        if r.bound is not None:
            bound = r.bound
            columns.append(_called(lambda _t, x, p, bound=bound: bound(x, p), t, x, p))
        else:
            columns.append(_mass_action(p[r.rate], r, x) if isinstance(r.rate, str) else _called(r.rate, t, x, p))
    return columns


def _mass_action(rate: Array, reaction: Reaction, x: dict[str, Array]) -> Array:
    one = next(iter(x.values()))
    product = rate / math.prod(math.factorial(m) for m in reaction.reactants.values())
    for name, m in reaction.reactants.items():
        for k in range(m):
            product = product * (x[name] - k if k else x[name])
    return jnp.broadcast_to(product, one.shape).astype(one.dtype)


def _called(f: Any, t: Array, x: dict[str, Array], p: dict[str, Array]) -> Array:
    one = next(iter(x.values()))
    if one.ndim == 0:
        return jnp.asarray(f(t, x, p)).astype(one.dtype)
    times = jnp.broadcast_to(t, one.shape)
    return jax.vmap(lambda t, x: jnp.asarray(f(t, x, p)).astype(one.dtype))(times, x)


def choose(columns: Sequence[Array]) -> list[Array]:
    """Running sums of the columns; the last is their total."""
    sums = [columns[0]]
    for column in columns[1:]:
        sums.append(sums[-1] + column)
    return sums


def net_change(stoichiometry, species: int, sums: Sequence[Array], v: Array) -> Array:
    """The change of one count by the reaction whose running sum is the first above `v`; none if `v` is above all.

    Branch-free, by differences of changes: a reaction of propensity 0 cannot fire, whatever the rounding of `v`.
    """
    column = [int(c) for c in stoichiometry[:, species]] + [0]
    change = jnp.full(v.shape, column[0], jnp.int32)
    for j, total in enumerate(sums):
        delta = column[j + 1] - column[j]
        if delta:
            change = change + jnp.where(v >= total, jnp.int32(delta), jnp.int32(0))
    return change
