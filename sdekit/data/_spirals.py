"""Spirals in the plane that turn one way or the other: whole series to be told apart."""

import jax
import jax.numpy as jnp

from .._errors import require
from .._types import Key
from ._labelled import Labelled
from ._registry import register
from ._series import Series


__all__: list[str] = []


@register(
    "spirals",
    kind="Labelled",
    about="Spirals into the origin from a random angle, clockwise (class 0) or anticlockwise (class 1), seen with "
    "Gaussian noise at irregular times; rows are dropped at random, others for each spiral.",
    licence="generated",
    citation="Chen, Rubanova, Bettencourt and Duvenaud (2018), Neural ordinary differential equations, NeurIPS, for the "
    "spirals; Kidger, Morrill, Foster and Lyons (2020), Neural controlled differential equations for irregular time "
    "series, NeurIPS, for what is dropped",
)
def _spirals(
    *, key: Key, n: int = 128, times: int = 100, dropped: float = 0.3, noise: float = 0.1, turns: float = 1.5
) -> Labelled:
    require(n >= 1, "n", "must be a positive integer", n, "pass how many spirals")
    require(times >= 2, "times", "must be at least 2", times, "pass e.g. 100")
    require(0 <= dropped < 1, "dropped", "must lie in [0, 1)", dropped, "pass the share of rows that is missing")
    keys = jax.random.split(key, 4)
    # One time a cell of a grid on [0, 1], in its middle half: irregular, yet never twice the same.
    u = jax.random.uniform(keys[0], (n, times), minval=0.25, maxval=0.75)
    ts = (jnp.arange(times, dtype=u.dtype)[None] + u) / times
    labels = jnp.arange(n) % 2
    angle = jax.random.uniform(keys[1], (n, 1), maxval=2 * jnp.pi)
    angle = angle + jnp.where(labels == 1, 1, -1)[:, None] * 2 * jnp.pi * turns * ts
    ys = jnp.exp(-2 * ts)[..., None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], -1)
    ys = ys + noise * jax.random.normal(keys[2], ys.shape)
    # Just so many rows stay in each, one at least.
    order = jnp.argsort(jnp.argsort(jax.random.uniform(keys[3], ts.shape), axis=1), axis=1)
    kept = order < max(1, round((1 - dropped) * times))
    return Labelled(Series(ts, ys, kept), labels, num_classes=2)
