"""Digits that drift over a canvas and change their course at random: video with a latent path."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._errors import require
from .._types import Array, Key
from ..math import fbm_covariance
from ._frames import optional
from ._from_packages import UCI_DIGITS
from ._registry import register
from ._series import Series


__all__: list[str] = []

_SIDE = 8
_DT = 0.1
"""The time between two frames."""


@register(
    "moving_digits",
    kind="Series",
    about="Stochastic moving digits: frames (size x size, flattened, in [0, 1]) of 8 x 8 digits that bounce off the "
    "edges with a fresh random velocity, and are kicked on their way; or, with `hurst`, that move by fractional noise.",
    licence=f"digits: {UCI_DIGITS}; paths generated",
    citation="Denton and Fergus (2018), Stochastic video generation with a learned prior, ICML, for the moving digits; "
    "Alpaydin and Kaynak (1998), Optical recognition of handwritten digits, UCI Machine Learning Repository",
)
def _moving_digits(
    *,
    key: Key,
    n: int = 100,
    frames: int = 25,
    size: int = 24,
    digits: int = 2,
    speed: float = 15.0,
    kick: float = 2.0,
    hurst: float | None = None,
) -> Series:
    """Speeds in pixels per unit of time, of which a frame takes a tenth; kicks in that per root unit of time.

    With `hurst` each coordinate is a fractional Brownian motion of that index, with a deviation of `speed` pixels after
    one unit of time, reflected at the edges; `kick` then has no part.
    """
    require(size > _SIDE, "size", f"must be above the {_SIDE} pixels of a digit", size, "pass e.g. 24")
    for name, value in (("n", n), ("frames", frames), ("digits", digits)):
        require(value >= 1, name, "must be a positive integer", value, "pass at least 1")
    require(speed > 0, "speed", "must be positive", speed, "pass pixels per unit of time")
    require(kick >= 0, "kick", "must not be negative", kick, "pass 0 for straight lines")
    fine = hurst is None or 0 < hurst < 1
    require(fine, "hurst", "must lie in (0, 1)", hurst, "pass e.g. 0.3, or None for digits with a velocity")
    root = None if hurst is None else jnp.asarray(_fractional_root(hurst, frames), jnp.result_type(float))
    images = jnp.asarray(optional("sklearn.datasets").load_digits().images / 16.0, jnp.result_type(float))
    ys = _film(images, key, n, frames, size, digits, speed, kick, root)
    return Series(np.arange(frames) * _DT, ys)


@eqx.filter_jit
def _film(
    images: Array,
    key: Key,
    n: int,
    frames: int,
    size: int,
    digits: int,
    speed: float,
    kick: float,
    root: Array | None,
) -> Array:
    """Frames `(n, frames, size^2)`."""
    which, path = jax.random.split(key)
    chosen = jax.random.randint(which, (n, digits), 0, images.shape[0])
    room, shape = float(size - _SIDE), (n, digits, 2)
    corners = (
        _bounce(path, shape, frames, room, speed, kick) if root is None else _wander(path, shape, room, speed * root)
    )

    def frame(corner):
        # A pixel of the digit lies between pixels of the canvas: it is shared by them, linearly (n, digits, canvas, 8).
        place = corner[..., None] + jnp.arange(_SIDE, dtype=corner.dtype).reshape(1, 1, 1, _SIDE)
        canvas = jnp.arange(size, dtype=corner.dtype).reshape(1, 1, 1, size, 1)
        share = jnp.maximum(1 - jnp.abs(canvas - place[..., None, :]), 0)
        drawn = jnp.einsum("ndia,ndab,ndjb->nij", share[:, :, 0], images[chosen], share[:, :, 1])
        return jnp.minimum(drawn, 1).reshape(n, size * size)

    return jnp.moveaxis(jax.lax.map(frame, corners), 0, 1)


def _bounce(key: Key, shape: tuple[int, ...], frames: int, room: float, speed: float, kick: float) -> Array:
    """Positions in `[0, room]`, `(frames, *shape)`: a coordinate that meets an edge turns back at a fresh speed."""
    start, course, path = jax.random.split(key, 3)
    x = jax.random.uniform(start, shape, maxval=room)
    v = speed * jax.random.normal(course, shape)

    def step(carry, key):
        x, v = carry
        fresh, shaken = jax.random.split(key)
        v = v + kick * jnp.sqrt(_DT) * jax.random.normal(shaken, shape)
        new = x + _DT * v
        low, high = new < 0, new > room
        back = speed * jnp.abs(jax.random.normal(fresh, shape))
        v = jnp.where(low, back, jnp.where(high, -back, v))
        new = jnp.clip(jnp.where(low, -new, jnp.where(high, 2 * room - new, new)), 0, room)
        return (new, v), x

    return jax.lax.scan(step, (x, v), jax.random.split(path, frames))[1]


def _fractional_root(hurst: float, frames: int) -> np.ndarray:
    """A root of the covariance of fractional Brownian motion at the frames, float64 on the host."""
    ts: Any = np.arange(frames) * _DT
    cov = np.asarray(fbm_covariance(np.asarray(hurst), ts, ts))
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0))[None]


def _wander(key: Key, shape: tuple[int, ...], room: float, root: Array) -> Array:
    """Positions in `[0, room]`, `(frames, *shape)`: a Gaussian path from a uniform start, folded at the edges."""
    start, path = jax.random.split(key)
    noise = jax.random.normal(path, (root.shape[1], *shape), root.dtype)
    x = jax.random.uniform(start, shape, root.dtype, maxval=room)[None] + jnp.tensordot(root, noise, 1)
    x = jnp.mod(x, 2 * room)
    return jnp.where(x > room, 2 * room - x, x)
