"""A latent SDE of walking: a start that is read off the first frames, a rhythm, and a prior that goes on by itself."""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from .._types import Array, Key, RealScalar, State
from ..data import Series
from ..inference import Decoded, GaussianObservation, LatentSDE
from ..nets import AbstractEncoder, AbstractMarginals, ConstantContext, ConstantDiffusion, MLPField
from ..processes import Additive, Diffusion


__all__ = ["FIRST", "FRAME", "first_frames", "gait_model", "given", "sequences", "windows"]

FIRST, FRAME = 3, 0.05
"""How many frames are given, and the time between two of them."""
_DIM, _CONTEXT, _WIDTH, _COMPONENTS, _HARMONICS = 6, 6, 64, 10, 2
_TEMPO = 0.1
"""By how much the logarithm of the speed changes with a unit of the state that tells it."""


def sequences(ys: Any) -> Series:
    """Sequences `(n, t, e)` as they are."""
    return windows(np.asarray(ys), every=1, least=np.shape(ys)[1], speeds=(1.0,))


def windows(ys: np.ndarray, every: int, least: int, speeds: tuple[float, ...]) -> Series:
    """What follows each `every`-th frame of sequences `(n, t, e)` walked at other speeds, padded.

    Frames between frames are those of a cubic spline. Windows have `least` frames at least.
    """
    n, total, dim = ys.shape
    spline = CubicSpline(np.arange(total), ys, axis=1)
    parts, masks = [], []
    for speed in speeds:
        places = speed * np.arange(total)
        walked = ys if speed == 1 else spline(places[places <= total - 1])
        for start in range(0, walked.shape[1] - least + 1, every):
            part = walked[:, start:]
            parts.append(np.pad(part.astype(np.float32), ((0, 0), (0, total - part.shape[1]), (0, 0))))
            masks.append(np.broadcast_to((np.arange(total) < part.shape[1])[None, :, None], (n, total, dim)))
    found, mask = np.concatenate(parts), np.concatenate(masks)
    ts = np.broadcast_to(FRAME * np.arange(total, dtype=np.float32), found.shape[:2])
    return Series(jnp.asarray(ts), jnp.asarray(found), jnp.asarray(mask))


def first_frames(series: Series) -> Series:
    """A series of which the first frames are left, and none of the values after them."""
    known = (jnp.arange(series.ts.shape[-1]) < FIRST)[:, None]
    parts = lambda s: (s.ys, s.mask)
    return eqx.tree_at(parts, series, (jnp.where(known, series.ys, 0), series.mask & known))


class FirstMoves(AbstractEncoder):
    """Where the first frames are, and how far they move, in a few directions; through a small network.

    Moves from frame to frame are small beside the differences between poses: each enter in their own units.
    """

    place: Float[Array, "p e"]
    move: Float[Array, "p e"]
    mlp: eqx.nn.MLP
    size: int = eqx.field(static=True)

    def __call__(self, series: Series) -> ConstantContext:
        ys = jnp.where(series.mask, series.ys, 0)[:FIRST]
        place, move = jax.lax.stop_gradient((self.place, self.move))
        return ConstantContext(self.mlp(jnp.concatenate([place @ ys.mean(0), move @ (ys[-1] - ys[0])])))


class RhythmMarginals(AbstractMarginals):
    r"""Gaussian marginals in which time is an angle, $\theta = \phi(c) + \omega(c) t$, seen by its harmonics.

    The first two entries of a context point along $\phi$, the third is $\omega$ on a log scale. The first three
    components of a mean are $\cos\theta$, $\sin\theta$ and that third entry, and what a network adds.
    """

    mlp: eqx.nn.MLP
    dim: int = eqx.field(static=True)
    rate: float = eqx.field(static=True)
    spread: float = eqx.field(static=True)

    def __call__(self, t: RealScalar, context: Float[Array, " c"]) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
        turn = jnp.asarray(t, context.dtype) * self.rate * jnp.exp(_TEMPO * context[2])
        x, y = context[:2] / jnp.sqrt(1e-6 + jnp.sum(context[:2] ** 2))
        cos, sin = jnp.cos(turn), jnp.sin(turn)
        first = jnp.array([x * cos - y * sin, y * cos + x * sin])
        harmonics = [first]
        for _ in range(_HARMONICS - 1):
            (a, b), (c, s) = first, harmonics[-1]
            harmonics.append(jnp.array([a * c - b * s, a * s + b * c]))
        mean, logs = jnp.split(self.mlp(jnp.concatenate([*harmonics, context[2:]])), 2)
        mean = mean + jnp.concatenate([first, context[2:3], jnp.zeros(self.dim - 3, mean.dtype)])
        return mean, jnp.diag(1e-3 + self.spread * jnp.exp(logs))


class Turning(eqx.Module):
    """A drift that turns the first two components at a speed that the third tells; and a network."""

    network: MLPField
    rate: float = eqx.field(static=True)

    def __call__(self, t: RealScalar, x: State) -> State:
        turn = self.rate * jnp.exp(_TEMPO * x[2]) * jnp.array([-x[1], x[0]])
        return self.network(t, x).at[:2].add(turn)


def _principal(rows: np.ndarray) -> np.ndarray:
    """The map to the first principal components, each of unit variance."""
    flat = rows.reshape(-1, rows.shape[-1])
    _, s, v = np.linalg.svd(flat, full_matrices=False)
    return v[:_COMPONENTS] / (s[:_COMPONENTS, None] / np.sqrt(len(flat)))


def _pulse(ys: np.ndarray) -> float:
    """The angular frequency, in units of time, of the strongest rhythm of sequences `(n, t, e)`."""
    size = 16 * ys.shape[1]
    power = (np.abs(np.fft.rfft(ys * np.hanning(ys.shape[1])[None, :, None], size, axis=1)) ** 2).sum((0, 2))
    return 2 * np.pi * float(1 + np.argmax(power[1:])) / size / FRAME


def _mlp(inputs: int, outputs: int, key: Key, last: float = 1.0) -> eqx.nn.MLP:
    mlp = eqx.nn.MLP(inputs, outputs, _WIDTH, 2, jax.nn.silu, key=key)
    return eqx.tree_at(lambda m: (m.layers[-1].weight, m.layers[-1].bias), mlp, replace_fn=lambda w: last * w)


def gait_model(ys: np.ndarray, key: Key) -> LatentSDE:
    """A latent SDE before it has learned anything of sequences `(n, t, e)` but their directions and their pulse."""
    keys, rate = jax.random.split(key, 4), _pulse(ys)
    place, move = _principal(ys), _principal(ys[:, FIRST - 1 :] - ys[:, : 1 - FIRST])
    law = dist.Normal(jnp.zeros(_DIM), jnp.ones(_DIM)).to_event(1)
    base = Diffusion(
        cast(Any, Turning)(MLPField(_DIM, _WIDTH, 2, key=keys[2]), rate),
        ConstantDiffusion(jnp.full(_DIM, 0.1)),
        law,
        structure=Additive,
    )
    model = cast(Any, LatentSDE)(
        base=base,
        observation=Decoded(_mlp(_DIM, ys.shape[-1], keys[3]), GaussianObservation(jnp.ones(1))),
        encoder=cast(Any, FirstMoves)(
            jnp.asarray(place), jnp.asarray(move), _mlp(2 * _COMPONENTS, _CONTEXT, keys[0]), _CONTEXT
        ),
        control=cast(Any, RhythmMarginals)(
            _mlp(2 * _HARMONICS + _CONTEXT - 2, 2 * _DIM, keys[1], 0.1), _DIM, rate, 0.1
        ),
        initial=law,
        dt=FRAME / 5,
    )
    return jax.tree.map(lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x, model)


@eqx.filter_jit
def given(model: LatentSDE, series: Series, key: Key, n: int) -> tuple[Array, Array]:
    """Frames of stacked sequences given their first ones, `(n, sequences, t, e)` each, without noise of observation.

    First those of paths of the prior from the posterior of the start on; then those of the marginals of the posterior,
    independent in time.
    """

    def one(whole, k):
        past = first_frames(whole)
        goes, stands = jax.random.split(k)
        xs = cast(Any, model.condition(past)).process.sample(whole.ts, key=goes, n=n).xs
        context = model.encoder(past).start
        mean, root = jax.vmap(lambda t: cast(Any, model.control)(t, context))(whole.ts)
        zs = mean[None] + jnp.einsum("tij,ntj->nti", root, jax.random.normal(stands, (n, *mean.shape), mean.dtype))
        seen = jax.vmap(jax.vmap(cast(Any, model.observation).network))
        return seen(xs), seen(zs)

    return jax.vmap(one, out_axes=1)(series, jax.random.split(key, len(series)))
