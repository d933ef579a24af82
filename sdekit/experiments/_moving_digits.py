r"""Video with a latent path: a latent SDE driven by fractional noise against the same driven by Brownian motion.

Digits of 8 x 8 pixels move over a larger canvas. The latent state is a motion, which noise drives, and a content,
which stands still from its first law on, so that the bound counts it. Encoder, decoder, drift, control and law of the
start are the same networks with the same initial weights in both models; the drivers alone differ: Markov fractional
noise of type II with a learned index, and Brownian motion. No network sees the modes of the driver.
"""

from collections.abc import Mapping
from pathlib import Path
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
from ..evaluate import Report, Row
from ..inference import ELBO, Decoded, GaussianObservation, LatentSDE, posterior_collapse
from ..nets import ConstantDiffusion, ControlMLP, ConvEncoder, Embedded, GaussianHead, GRUEncoder, MLPField
from ..noise import AbstractDriver, BrownianDriver, MarkovFractional
from ..processes import Additive, Diffusion
from ..solve import ExponentialIntegrator
from ._experiment import Experiment, Outcome
from ._moving_digits_figures import draw


__all__ = ["MOVING_DIGITS", "MOVING_DIGITS_ROUGH", "build", "objective"]

FRACTIONAL, BROWNIAN, BETWEEN = "fractional", "Brownian", "fractional less Brownian"
LAST, MEAN = "last frame", "mean of the training frames"
BOUND, PIXEL, TIGHT = "held-out ELBO, nats a frame", "held-out ELBO, nats a pixel", "held-out IWELBO, nats a frame"
AHEAD_MEAN, AHEAD, NEXT = "forecast MSE, mean of paths", "forecast MSE, a path", "next frame MSE, mean of paths"
REBUILT, INDEX = "reconstruction MSE, a path", "Hurst index"
_MOTION, _CONTENT, _FEATURES, _CONTEXT = 4, 8, 32, 32
_STEPS, _DT = 2, 0.1
"""Steps between two frames, and the time between them."""


class _Sizes(NamedTuple):
    """Widths of the networks: the same for all drivers."""

    side: int
    channels: tuple[int, ...] = (16, 32)
    width: int = 64
    hidden: int = 256


def _videos(setting: Mapping[str, Any], n: int, key: Key) -> Series:
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


def latent_model(driver: AbstractDriver, sizes: _Sizes, key: Key) -> LatentSDE:
    """The latent SDE of a film before it has learned anything."""
    keys = jax.random.split(key, 6)
    dim, width = _MOTION + _CONTENT, sizes.width
    base = Diffusion(
        _Stretch(MLPField(_MOTION, width, 2, key=keys[0]), _CONTENT),
        _Spread(ConstantDiffusion(jnp.ones(_MOTION)), _CONTENT),
        dist.Normal(jnp.zeros(dim), jnp.ones(dim)).to_event(1),
        structure=Additive,
    )
    reader = GRUEncoder(dim=_FEATURES, width=width, size=_CONTEXT, gap=_DT, key=keys[1])
    decoder = eqx.nn.MLP(dim, sizes.side**2, sizes.hidden, 2, jax.nn.silu, jax.nn.sigmoid, key=keys[2])
    model = cast(Any, LatentSDE)(
        base=base,
        observation=Decoded(decoder, GaussianObservation(0.2)),
        encoder=Embedded(ConvEncoder(sizes.side, sizes.channels, _FEATURES, key=keys[3]), reader),
        control=ControlMLP(dim, _MOTION, _CONTEXT, width, 2, key=keys[4]),
        head=GaussianHead(_CONTEXT, dim, width, 1, key=keys[5]),
        driver=driver,
        dt=_DT / _STEPS,
        solver=ExponentialIntegrator(diffrax.Euler()),
    )
    return _single(model)


def build(data: Series, key: Key) -> dict[str, LatentSDE]:
    """Both models: the same key, so the same initial weights."""
    side, span = int(np.sqrt(data.dim)), float(data.ts[0, -1] - data.ts[0, 0])
    drivers = {
        FRACTIONAL: MarkovFractional(0.5, terms=5, horizon=span, within=(0.05, 0.95)),
        BROWNIAN: BrownianDriver(),
    }
    return {name: latent_model(driver, _Sizes(side), key) for name, driver in drivers.items()}


def objective(warm: int, **how: Any) -> ELBO:
    """The bound, its divergences weighted from a tenth to one in the first `warm` steps."""
    weight = optax.linear_schedule(0.1, 1.0, warm)
    return ELBO(steps=_STEPS, kl_weight=weight, shared=True, solver=ExponentialIntegrator(diffrax.Euler()), **how)


# What is measured on films that no fit has seen.


@eqx.filter_jit
def _bounds(model: LatentSDE, films: Series, key: Key, paths: int) -> tuple[Array, Array, Array]:
    """The bound of each film, the one of `paths` weighted paths, and the squared error of a reconstruction."""
    bound = ELBO(paths=paths, importance=True, steps=_STEPS, solver=ExponentialIntegrator(diffrax.Euler()))

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
def forecasts(model: LatentSDE, films: Series, known: int, key: Key, n: int) -> tuple[Array, Array]:
    """Frames and latent states drawn for all times of films of which `known` frames are seen: `(films, n, t, ...)`."""

    def one(parts):
        film, k = parts
        past = eqx.tree_at(lambda s: s.mask, film, film.mask & (jnp.arange(film.ts.shape[0]) < known)[:, None])
        posterior = cast(Any, model.condition(past)).process
        xs = posterior.sample(film.ts, key=k, n=n).xs
        return jax.vmap(jax.vmap(cast(Any, model.observation).network))(xs), xs

    return jax.lax.map(one, (films, jax.random.split(key, len(films))), batch_size=4)


def _row(model: str, metric: str, values: Any, ideal: float = -np.inf) -> Row:
    """A mean over films, and its standard error."""
    values = np.asarray(values, np.float64)
    return Row(model, metric, float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))), ideal)


def _ahead(model: str, drawn: Array, films: Series, known: int) -> list[Row]:
    """Squared errors of forecasts `(films, n, t, p)` of the frames that were not seen."""
    truth = films.ys[:, None, known:]
    square = lambda x: jnp.mean((x - truth) ** 2, (1, 2, 3))
    mean = drawn.mean(1, keepdims=True)
    first = jnp.mean((mean[:, 0, known] - films.ys[:, known]) ** 2, 1)
    rows = [_row(model, AHEAD_MEAN, square(mean[:, :, known:])), _row(model, AHEAD, square(drawn[:, :, known:]))]
    return [*rows, _row(model, NEXT, first)]


def _model_rows(name: str, outcome: Outcome, films: Series) -> tuple[list[Row], np.ndarray]:
    model, setting, keys = outcome.fits[name].model, outcome.setting, jax.random.split(outcome.key, 4)
    plain, tight, square = _bounds(model, films, keys[0], setting["paths"])
    frames, pixels = films.ts.shape[1], films.dim
    drawn, _ = forecasts(model, films, setting["known"], keys[1], setting["draws"])
    table = posterior_collapse(model, films[: setting["surveyed"]], key=keys[2], n=16, steps=_STEPS)
    rows = [
        _row(name, BOUND, plain / frames, np.inf),
        _row(name, PIXEL, plain / (frames * pixels), np.inf),
        _row(name, f"{TIGHT}, {setting['paths']} paths", tight / frames, np.inf),
        _row(name, REBUILT, square),
        *_ahead(name, drawn, films, setting["known"]),
        Row(name, "path divergence, nats a frame", float(table.kl_path.sum()) / frames),
        Row(name, "start divergence, nats", float(table.kl_start.sum())),
        Row(name, f"active components of {_MOTION} of the motion", float(table.active[:_MOTION].sum())),
        Row(name, f"active components of {_CONTENT} of the content", float(table.active[_MOTION:].sum())),
        Row(name, "least signal in the motion", float(table.signal[:_MOTION].min())),
        Row(name, "deviation of a pixel", float(cast(Any, model.observation).observation.scale[0])),
        Row(name, "seconds of fit", float(outcome.fits[name].history["seconds"][-1])),
    ]
    if isinstance(model.driver, MarkovFractional):
        rows.append(Row(name, INDEX, float(model.driver.hurst)))
    return rows, np.stack([np.asarray(plain), np.asarray(tight)]) / frames


def _metrics(outcome: Outcome) -> Report:
    setting, data = outcome.setting, cast(Series, outcome.data)
    films = held_out(outcome)
    rows, found = [], {}
    for name in outcome.fits:
        mine, found[name] = _model_rows(name, outcome, films)
        rows += mine
    if len(found) == len((FRACTIONAL, BROWNIAN)):
        plain, tight = found[FRACTIONAL] - found[BROWNIAN]
        rows += [_row(BETWEEN, BOUND, plain), _row(BETWEEN, f"{TIGHT}, {setting['paths']} paths", tight)]
    frame = data.ys.mean((0, 1))
    spread = jnp.mean((data.ys - frame[None, None]) ** 2)
    still = jnp.broadcast_to(frame, films.ys.shape)[:, None]
    density = dist.Normal(frame, jnp.sqrt(spread)).log_prob
    rows.append(_row(MEAN, BOUND, jax.vmap(jax.vmap(lambda y: cast(Any, density)(y).sum()))(films.ys).mean(1), np.inf))
    rows += _ahead(MEAN, still, films, setting["known"])
    last = jnp.broadcast_to(films.ys[:, setting["known"] - 1, None], films.ys.shape)[:, None]
    return Report(tuple([*rows, *_ahead(LAST, last, films, setting["known"])]))


def held_out(outcome: Outcome) -> Series:
    """Films that no fit has seen."""
    return _videos(outcome.setting, outcome.setting["test"], jax.random.fold_in(outcome.key, 1))


def _adam(steps: int, rate: float = 2e-3) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(100.0), optax.adam(optax.cosine_decay_schedule(rate, steps, 0.02)))
