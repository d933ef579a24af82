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
    about="Spirals into a random centre, clockwise (class 0) or anticlockwise (class 1), with more or fewer turns, "
    "seen with Gaussian noise at irregular times; rows are dropped at random, others for each spiral.",
    licence="generated",
    citation="Chen, Rubanova, Bettencourt and Duvenaud (2018), Neural ordinary differential equations; Kidger, "
    "Morrill, Foster and Lyons (2020), Neural controlled differential equations for irregular time series",
)
def _spirals(
    *,
    key: Key,
    n: int = 128,
    times: int = 100,
    dropped: float = 0.3,
    noise: float = 0.1,
    turns: float = 1.5,
    centre: float = 1.0,
) -> Labelled:
    require(n >= 1, "n", "must be a positive integer", n, "pass how many spirals")
    require(times >= 2, "times", "must be at least 2", times, "pass e.g. 100")
    require(0 <= dropped < 1, "dropped", "must lie in [0, 1)", dropped, "pass the share of rows that is missing")
    keys = jax.random.split(key, 6)
    # One time a cell of a grid on [0, 1], in its middle half: irregular, yet never twice the same.
    u = jax.random.uniform(keys[0], (n, times), minval=0.25, maxval=0.75)
    ts = (jnp.arange(times, dtype=u.dtype)[None] + u) / times
    labels = jnp.arange(n) % 2
    # From half of the turns to one and a half times as many.
    speed = 2 * jnp.pi * turns * jax.random.uniform(keys[4], (n, 1), minval=0.5, maxval=1.5)
    angle = jax.random.uniform(keys[1], (n, 1), maxval=2 * jnp.pi)
    angle = angle + jnp.where(labels == 1, 1, -1)[:, None] * speed * ts
    ys = jnp.exp(-2 * ts)[..., None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], -1)
    ys = ys + centre * jax.random.normal(keys[5], (n, 1, 2)) + noise * jax.random.normal(keys[2], ys.shape)
    # Just so many rows stay in each, one at least.
    order = jnp.argsort(jnp.argsort(jax.random.uniform(keys[3], ts.shape), axis=1), axis=1)
    kept = order < max(1, round((1 - dropped) * times))
    return Labelled(Series(ts, ys, kept), labels, num_classes=2)
