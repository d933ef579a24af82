"""Latent SDEs of video: a motion that noise drives, a content that stands still, and one image of both at each time."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax

from .._types import Array, Key, RealScalar, State
from ..data import Series, load
from ..inference import ELBO, Decoded, GaussianObservation, LatentSDE
from ..nets import ConstantDiffusion, ControlMLP, ConvEncoder, Embedded, GaussianHead, GRUEncoder, MLPField
from ..noise import AbstractDriver, BrownianDriver, GammaMax, MarkovFractional
from ..processes import Additive, Diffusion
from ..solve import ExponentialIntegrator


__all__ = [
    "BROWNIAN",
    "CONTENT",
    "FRACTIONAL",
    "MOTION",
    "STEPS",
    "bounds",
    "paths_given",
    "video_bound",
    "video_models",
    "videos",
]

FRACTIONAL, BROWNIAN = "fractional", "Brownian"
MOTION, CONTENT, _FEATURES, _CONTEXT = 4, 8, 32, 32
STEPS, FRAME = 2, 0.1
"""Steps between two frames, and the time between them."""


class _Sizes(NamedTuple):
    """Widths of the networks: the same for all drivers."""

    side: int
    channels: tuple[int, ...] = (16, 32)
    width: int = 64
    hidden: int = 256


def videos(setting: Mapping[str, Any], n: int, key: Key) -> Series:
    """Films in float32, whatever the precision of the session."""
    films = cast(Series, load("moving_digits", n=n, frames=setting["frames"], key=key, **setting["motion"]))
    return _single(films)


def _single(tree: Any) -> Any:
    return jax.tree.map(lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x, tree)


class _Stretch(eqx.Module):
    """The drift of a motion, and none of what stands still."""

    field: MLPField
    still: int = eqx.field(static=True)

    def __call__(self, t: RealScalar, x: State) -> State:
        moving = self.field(t, x[: x.shape[0] - self.still])
        return jnp.concatenate([moving, jnp.zeros(self.still, moving.dtype)])


class _Spread(eqx.Module):
    """The noise of a motion, and none of what stands still."""

    noise: ConstantDiffusion
    still: int = eqx.field(static=True)

    def __call__(self, t: RealScalar, x: State) -> Array:
        scale = jnp.diag(self.noise.scale)
        return jnp.concatenate([scale, jnp.zeros((self.still, scale.shape[1]), scale.dtype)])


class _Remembering(eqx.Module):
    """A control that sees the modes of a driver, and zeros in their place where the noise has none.

    So it is the same network, of the same number of weights, for noise with and without a memory.
    """

    network: ControlMLP

    def __call__(self, t: RealScalar, x: State, z: Array, context: Array) -> Array:
        missing = len(self.network.rates) - z.shape[1]
        return self.network(t, x, jnp.pad(z, ((0, 0), (0, missing))), context)


def latent_model(driver: AbstractDriver, memory: AbstractDriver, frame: Array, sizes: _Sizes, key: Key) -> LatentSDE:
    """The latent SDE of a film before it has learned anything; its control has room for the modes of `memory`.

    Its images start at `frame`, the mean one: a decoder that has to learn that first forgets to look at its state.
    """
    keys = jax.random.split(key, 6)
    dim, width = MOTION + CONTENT, sizes.width
    base = Diffusion(
        _Stretch(MLPField(MOTION, width, 2, key=keys[0]), CONTENT),
        _Spread(ConstantDiffusion(jnp.ones(MOTION)), CONTENT),
        dist.Normal(jnp.zeros(dim), jnp.ones(dim)).to_event(1),
        structure=Additive,
    )
    reader = GRUEncoder(dim=_FEATURES, width=width, size=_CONTEXT, gap=FRAME, key=keys[1])
    decoder = eqx.nn.MLP(dim, frame.shape[0], sizes.hidden, 2, jax.nn.silu, jax.nn.sigmoid, key=keys[2])
    decoder = eqx.tree_at(lambda m: m.layers[-1].bias, decoder, jax.scipy.special.logit(jnp.clip(frame, 0.01, 0.99)))
    model = cast(Any, LatentSDE)(
        base=base,
        observation=Decoded(decoder, GaussianObservation(jnp.full(1, 0.2))),
        encoder=cast(Any, Embedded)(ConvEncoder(sizes.side, sizes.channels, _FEATURES, key=keys[3]), reader),
        control=_Remembering(ControlMLP(dim, MOTION, _CONTEXT, width, 2, key=keys[4], driver=memory)),
        head=GaussianHead(_CONTEXT, dim, width, 1, key=keys[5]),
        driver=driver,
        dt=FRAME / STEPS,
        solver=ExponentialIntegrator(diffrax.Euler()),
    )
    return _single(model)


def video_models(data: Series, key: Key) -> dict[str, LatentSDE]:
    """Both models: the same key, so the same initial weights."""
    side, span = int(np.sqrt(data.dim)), float(data.ts[0, -1] - data.ts[0, 0])
    frame = data.ys.mean((0, 1))
    # The fixed grid of the paper: its fastest mode lives as long as a step.
    fractional = MarkovFractional(0.5, terms=5, horizon=span, grid=GammaMax(20.0), within=(0.1, 0.95))
    drivers = {FRACTIONAL: fractional, BROWNIAN: BrownianDriver()}
    return {name: latent_model(driver, fractional, frame, _Sizes(side), key) for name, driver in drivers.items()}


def video_bound(warm: int, **how: Any) -> ELBO:
    """The bound, its divergences weighted from a tenth to one in the first `warm` steps."""
    weight = optax.linear_schedule(0.1, 1.0, warm)
    return ELBO(steps=STEPS, kl_weight=weight, shared=True, solver=ExponentialIntegrator(diffrax.Euler()), **how)


# What is measured on films that no fit has seen.


@eqx.filter_jit
def bounds(model: LatentSDE, films: Series, key: Key, paths: int) -> tuple[Array, Array, Array]:
    """The bound of each film, the one of `paths` weighted paths, and the squared error of a reconstruction."""
    bound = ELBO(paths=paths, importance=True, steps=STEPS, solver=ExponentialIntegrator(diffrax.Euler()))

    def one(parts):
        film, k = parts
        b = bound.look(model, film, key=k)
        weights = b.log_likelihood - b.energy - b.martingale - b.log_start
        plain = jnp.mean(b.log_likelihood - b.energy) - b.kl_start
        law = cast(Any, model.observation)
        scale = jnp.broadcast_to(law.observation.scale, (film.dim,))
        count = film.ys.size
        square = -2 * jnp.mean(b.log_likelihood) / count - jnp.mean(jnp.log(2 * jnp.pi * scale**2))
        return plain, jax.nn.logsumexp(weights) - jnp.log(1.0 * paths), square * scale[0] ** 2

    return jax.lax.map(one, (films, jax.random.split(key, len(films))), batch_size=4)


@eqx.filter_jit
def paths_given(model: LatentSDE, films: Series, known: Array, key: Key, n: int) -> tuple[Array, Array]:
    """Frames and latent states at all times of films of which `known` frames are seen: `(films, n, t, ...)`."""

    def one(parts):
        film, k = parts
        past = eqx.tree_at(lambda s: s.mask, film, film.mask & (jnp.arange(film.ts.shape[0]) < known)[:, None])
        posterior = cast(Any, model.condition(past)).process
        xs = posterior.sample(film.ts, key=k, n=n).xs
        return jax.vmap(jax.vmap(cast(Any, model.observation).network))(xs), xs

    return jax.lax.map(one, (films, jax.random.split(key, len(films))), batch_size=4)
