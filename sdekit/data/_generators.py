"""Data that are generated: textbook processes with known parameters."""

from collections.abc import Callable
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .._errors import require
from .._types import Array, Key, Times, as_float
from ..math import fou_started_covariance
from ._registry import register
from ._series import Series
from ._snapshots import Snapshots


__all__: list[str] = []

_FREE = "generated"


@eqx.filter_jit
def _euler(drift: Callable, scale: Array, x0: Array, ts: Times, key: Key, steps: int) -> Array:
    """Euler-Maruyama for `dX = drift(X) dt + scale dW` from `x0 (n, d)`, `steps` steps between times: `(n, t, d)`."""

    def interval(x, inputs):
        h, k = inputs[0] / steps, inputs[1]

        def step(x, k):
            noise = jax.random.normal(k, x.shape, x.dtype)
            return x + h * drift(x) + jnp.sqrt(h) * scale.reshape(1, -1) * noise, None

        x, _ = jax.lax.scan(step, x, jax.random.split(k, steps))
        return x, x

    _, xs = jax.lax.scan(interval, x0, (jnp.diff(ts), jax.random.split(key, ts.shape[0] - 1)))
    return jnp.moveaxis(jnp.concatenate([x0[None], xs]), 0, 1)


def _grid(ts: ArrayLike | None, last: float, count: int) -> Array:
    return jnp.linspace(0.0, last, count) if ts is None else as_float(ts)


@register(
    "ou",
    kind="Series",
    about="Stationary Ornstein-Uhlenbeck paths, drawn exactly: dX = rate (mean - X) dt + scale dW.",
    licence=_FREE,
    citation="Uhlenbeck and Ornstein (1930), Physical Review 36, 823",
)
def _ou(
    *, key: Key, n: int = 100, ts: ArrayLike | None = None, rate: float = 1.0, mean: float = 0.0, scale: float = 1.0
) -> Series:
    ts = _grid(ts, 10.0, 101)
    z = jax.random.normal(key, (ts.shape[0], n), ts.dtype)
    sd = scale / jnp.sqrt(2 * rate)

    def step(x, inputs):
        h, z = inputs
        x = x * jnp.exp(-rate * h) + sd * jnp.sqrt(-jnp.expm1(-2 * rate * h)) * z
        return x, x

    _, xs = jax.lax.scan(step, sd * z[0], (jnp.diff(ts), z[1:]))
    return Series(ts, mean + jnp.concatenate([sd * z[:1], xs]).T[..., None])


@register(
    "fou",
    kind="Series",
    about="Fractional Ornstein-Uhlenbeck paths from 0, drawn exactly and seen with Gaussian noise: "
    "dX = -rate X dt + scale dB_H, B_H of unit variance at time 1.",
    licence=_FREE,
    citation="Cheridito, Kawaguchi and Maejima (2003), Fractional Ornstein-Uhlenbeck processes, Electronic Journal of "
    "Probability 8",
)
def _fou(
    *,
    key: Key,
    n: int = 64,
    ts: ArrayLike | None = None,
    hurst: float = 0.3,
    rate: float = 1.0,
    scale: float = 1.0,
    noise: float = 0.1,
) -> Series:
    ts = _grid(ts, 5.0, 51)
    require(0 < hurst < 1, "hurst", "must lie in (0, 1)", hurst, "pass e.g. 0.3")
    times: Any = np.asarray(ts, np.float64)
    index, slope = (cast(Any, np.asarray(x)) for x in (hurst, rate))
    cov = np.asarray(fou_started_covariance(index, slope, times, times)) * rate ** (-2 * hurst)
    # By eigenvectors: the covariance of a smooth path, or of one that starts at 0, is singular.
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    root = jnp.asarray(scale * vectors * np.sqrt(np.maximum(values, 0))[None], ts.dtype)
    path, seen = jax.random.split(key)
    xs = jax.random.normal(path, (n, times.size), ts.dtype) @ root.T
    return Series(ts, (xs + noise * jax.random.normal(seen, xs.shape, xs.dtype))[..., None])


@register(
    "gbm",
    kind="Series",
    about="Geometric Brownian motion, drawn exactly: dS = drift S dt + volatility S dW, S(0) = start.",
    licence=_FREE,
    citation="Black and Scholes (1973), Journal of Political Economy 81, 637-654",
)
def _gbm(
    *,
    key: Key,
    n: int = 100,
    ts: ArrayLike | None = None,
    drift: float = 0.05,
    volatility: float = 0.2,
    start: float = 1.0,
) -> Series:
    ts = _grid(ts, 1.0, 253)
    h = jnp.diff(ts)[None]
    z = jax.random.normal(key, (n, ts.shape[0] - 1), ts.dtype)
    logs = jnp.cumsum((drift - volatility**2 / 2) * h + volatility * jnp.sqrt(h) * z, axis=1)
    return Series(ts, (start * jnp.exp(jnp.pad(logs, ((0, 0), (1, 0)))))[..., None])


@register(
    "double_well",
    kind="Series",
    about="A particle in two wells at -1 and 1: dX = 4 X (1 - X^2) dt + scale dW, Euler steps of 1e-3 at most.",
    licence=_FREE,
    citation="Archambeau, Opper, Shen, Cornford and Shawe-Taylor (2007), NeurIPS",
)
def _double_well(*, key: Key, n: int = 100, ts: ArrayLike | None = None, scale: float = 1.0) -> Series:
    ts = _grid(ts, 10.0, 101)
    start, path = jax.random.split(key)
    x0 = jax.random.rademacher(start, (n, 1), ts.dtype)
    steps = _steps(ts, 1e-3)
    return Series(ts, _euler(_double_well_drift, jnp.array([scale], ts.dtype), x0, ts, path, steps))


def _steps(ts: Times, dt: float) -> int:
    return max(1, int(jnp.ceil(jnp.diff(ts).max() / dt - 1e-3)))


def _double_well_drift(x: Array) -> Array:
    return 4 * x * (1 - x**2)


@register(
    "lorenz",
    kind="Series",
    about="The stochastic Lorenz attractor (10, 28, 8/3) from N(0, 1) in each component, seen with Gaussian noise.",
    licence=_FREE,
    citation="Li, Wong, Chen and Duvenaud (2020), Scalable gradients for stochastic differential equations, AISTATS",
)
def _lorenz(*, key: Key, n: int = 100, ts: ArrayLike | None = None, scale: float = 0.15, noise: float = 0.01) -> Series:
    ts = _grid(ts, 1.0, 41)
    start, path, seen = jax.random.split(key, 3)
    x0 = jax.random.normal(start, (n, 3), ts.dtype)
    xs = _euler(_lorenz_drift, jnp.full((3,), scale, ts.dtype), x0, ts, path, _steps(ts, 1e-3))
    return Series(ts, xs + noise * jax.random.normal(seen, xs.shape, xs.dtype))


def _lorenz_drift(x: Array) -> Array:
    a, b, c = x[:, 0], x[:, 1], x[:, 2]
    return jnp.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c], axis=1)


@register(
    "irregular_sine",
    kind="Series",
    about="Sine waves of random phase and frequency at uniform random times, with noise and missing values.",
    licence=_FREE,
    citation="none",
)
def _irregular_sine(
    *, key: Key, n: int = 100, times: int = 30, noise: float = 0.05, missing: float = 0.2, last: float = 10.0
) -> Series:
    keys = jax.random.split(key, 5)
    require(0 <= missing < 1, "missing", "must lie in [0, 1)", missing, "pass the share of values that is missing")
    # One time a cell of a grid, in its middle half: irregular, yet never twice the same.
    u = jax.random.uniform(keys[0], (n, times), minval=0.25, maxval=0.75)
    ts = (jnp.arange(times, dtype=u.dtype)[None] + u) * (last / times)
    phase = jax.random.uniform(keys[1], (n, 1), maxval=2 * jnp.pi)
    frequency = jax.random.uniform(keys[2], (n, 1), minval=0.5, maxval=2.0)
    ys = jnp.sin(frequency * ts + phase) + noise * jax.random.normal(keys[3], ts.shape)
    mask = jax.random.uniform(keys[4], ts.shape) >= missing
    return Series(ts, ys[..., None], mask.at[:, 0].set(True)[..., None])


@register(
    "lotka_volterra",
    kind="Snapshots",
    about="Predators and prey: snapshots of fresh particles each time, dx = x - 0.4 x y, dy = 0.1 x y - 0.4 y.",
    licence=_FREE,
    citation="Shen, Berlinghieri and Broderick (2025), Multi-marginal Schroedinger bridges with iterative reference "
    "refinement, AISTATS",
)
def _lotka_volterra(*, key: Key, n: int = 50, ts: ArrayLike | None = None, scale: float = 0.1) -> Snapshots:
    ts = _grid(ts, 8.0, 9)
    start, path = jax.random.split(key)
    t = ts.shape[0]
    corner = jnp.array([[5.0, 4.0]], ts.dtype)
    x0 = corner + jax.random.uniform(start, (t * n, 2), ts.dtype, maxval=0.1)
    xs = _euler(_predation, jnp.full((2,), scale, ts.dtype), x0, ts, path, _steps(ts, 1e-2))
    # Particle k of every t is looked at once: no one is seen twice.
    return Snapshots(ts, xs.reshape(t, n, t, 2)[jnp.arange(t), :, jnp.arange(t)])


def _predation(x: Array) -> Array:
    prey, predators = x[:, 0], x[:, 1]
    return jnp.stack([prey - 0.4 * prey * predators, 0.1 * prey * predators - 0.4 * predators], axis=1)


@register(
    "gaussians_to_moons",
    kind="Snapshots",
    about="Eight Gaussians on a circle at time 0, two half moons at time 1, in the plane: the toy of couplings.",
    licence=_FREE,
    citation="Tong et al. (2024), Improving and generalizing flow-based generative models with minibatch optimal "
    "transport, TMLR",
)
def _gaussians_to_moons(*, key: Key, n: int = 1000) -> Snapshots:
    keys = jax.random.split(key, 5)
    angle = jax.random.randint(keys[0], (n,), 0, 8) * (jnp.pi / 4)
    circle = 5.0 * jnp.stack([jnp.cos(angle), jnp.sin(angle)], 1)
    eight = circle + jnp.sqrt(0.1) * jax.random.normal(keys[1], (n, 2))
    half = jax.random.bernoulli(keys[2], 0.5, (n,))
    turn = jax.random.uniform(keys[3], (n,), maxval=jnp.pi)
    x, y = jnp.where(half, jnp.cos(turn), 1 - jnp.cos(turn)), jnp.where(half, jnp.sin(turn), 0.5 - jnp.sin(turn))
    moons = 3.0 * (jnp.stack([x, y], 1) + 0.2 * jax.random.normal(keys[4], (n, 2))) - 1.0
    return Snapshots(jnp.array([0.0, 1.0]), jnp.stack([eight, moons]))
