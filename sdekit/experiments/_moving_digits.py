r"""Video with a latent path: a latent SDE driven by fractional noise against the same driven by Brownian motion.

Digits of 8 x 8 pixels move over a larger canvas. The latent state is a motion, which noise drives, and a content,
which stands still from its first law on, so that the bound counts it. Encoder, decoder, drift, control and law of the
start are the same networks with the same initial weights in both models; the drivers alone differ: Markov fractional
noise of type II with a learned index, and Brownian motion, in whose model the control sees zeros in place of modes.
"""

from collections.abc import Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from .._types import Array
from ..data import Series
from ..evaluate import Report, Row
from ..inference import AbstractObjective, posterior_collapse
from ..noise import MarkovFractional
from ._experiment import Experiment, Outcome
from ._training import adam
from ._video import BROWNIAN, CONTENT, FRACTIONAL, MOTION, STEPS, bounds, paths_given, video_bound, video_models, videos
from ._video_figures import draw_videos


__all__ = ["MOVING_DIGITS", "MOVING_DIGITS_ROUGH"]

BETWEEN = "fractional less Brownian"
LAST, MEAN = "last frame", "mean of the training frames"
BOUND, PIXEL, TIGHT = "held-out ELBO, nats a frame", "held-out ELBO, nats a pixel", "held-out IWELBO, nats a frame"
AHEAD_MEAN, AHEAD, NEXT = "forecast MSE, mean of paths", "forecast MSE, a path", "next frame MSE, mean of paths"
REBUILT, INDEX = "reconstruction MSE, a path", "Hurst index"
_WARM = 400
"""Steps until the divergences have their whole weight."""


def _row(model: str, metric: str, values: Any, ideal: float | None = -np.inf) -> Row:
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
    plain, tight, square = bounds(model, films, keys[0], setting["paths"])
    frames, pixels = films.ts.shape[1], films.dim
    drawn, _ = paths_given(model, films, jnp.asarray(setting["known"]), keys[1], setting["draws"])
    table = posterior_collapse(model, films[: setting["surveyed"]], key=keys[2], n=16, steps=STEPS)
    rows = [
        _row(name, BOUND, plain / frames, np.inf),
        _row(name, PIXEL, plain / (frames * pixels), np.inf),
        _row(name, f"{TIGHT}, {setting['paths']} paths", tight / frames, np.inf),
        _row(name, REBUILT, square),
        *_ahead(name, drawn, films, setting["known"]),
        Row(name, "path divergence, nats a frame", float(table.kl_path.sum()) / frames),
        Row(name, "start divergence, nats", float(table.kl_start.sum())),
        Row(name, f"active components of {MOTION} of the motion", float(table.active[:MOTION].sum())),
        Row(name, f"active components of {CONTENT} of the content", float(table.active[MOTION:].sum())),
        Row(name, "least signal in the motion", float(table.signal[:MOTION].min())),
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
        rows += [_row(BETWEEN, BOUND, plain, None), _row(BETWEEN, f"{TIGHT}, {setting['paths']} paths", tight, None)]
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
    return videos(outcome.setting, outcome.setting["test"], jax.random.fold_in(outcome.key, 1))


def _experiment(name: str, summary: str, motion: Mapping[str, Any]) -> Experiment:
    small = {"frames": 12, "n": 128, "test": 16, "known": 6, "paths": 8, "draws": 8, "surveyed": 16}
    large = {"frames": 25, "n": 2048, "test": 64, "known": 10, "paths": 64, "draws": 32, "surveyed": 64}
    how = lambda steps: adam(steps, 2e-3, end=0.02, clip=100.0)
    return Experiment(
        name=name,
        paper="daems2024",
        summary=summary,
        data=lambda setting, key: videos(setting, setting["n"], key),
        build=lambda data, key: video_models(cast(Series, data), key),
        objective=_objective,
        metrics=_metrics,
        expected={},
        scales={
            "smoke": {**small, "motion": motion, "fit": {**how(60), "chunk": 10}},
            "paper": {**large, "motion": motion},
        },
        fit={**how(1000), "batch_size": 32},
        baseline=MEAN,
        draw=lambda outcome, folder: draw_videos(outcome, held_out(outcome), outcome.setting["known"], folder),
    )


def _objective(_name: str) -> AbstractObjective:
    return video_bound(_WARM)


MOVING_DIGITS = _experiment(
    "moving-digits",
    "video of moving digits: a latent SDE by fractional against Brownian noise, the same networks",
    {"size": 16, "digits": 1, "speed": 7.5, "kick": 1.0},  # those of the data set, in units of the canvas
)
MOVING_DIGITS_ROUGH = _experiment(
    "moving-digits-rough",
    "the same with digits that follow fractional Brownian motion of index 0.25",
    {"size": 16, "digits": 1, "speed": 4.0, "hurst": 0.25},
)
