r"""Walking, from three frames: motion capture of subject 35, by a latent SDE that is trained without a solve.

Fifty joint angles, 300 frames, 16 sequences to learn from, 3 to choose settings by, 4 to test on. The first three
frames of a sequence are given, the other 297 are predicted, and errors are mean squares over angles and frames in the
units of the file (those of the published tables: the nearest training sequence has 23.08). The encoder sees three
frames in training too; from the start that it finds, the forecasts are paths of the prior. Sequences to learn from are
cut where they may begin, and walked at several speeds: the sixteen, all within 3 % of one speed, do not tell how a pose
that moves more slowly goes on, and two of the three for choosing are slower, by 6 and 15 %.

No figure is expected: published are 4.03 (Li et al. 2020) and 4.50 (Bartosh et al. 2025), which these settings do not
reach. What is left is mostly the speed of a walk, which three frames tell badly.
"""

from pathlib import Path
from typing import Any, cast

import numpy as np
import optax
import scipy.stats

from ..data import Series, load
from ..evaluate import Report, Row
from ..inference import AbstractObjective, SDEMatching
from ._experiment import Experiment, Outcome
from ._gait import FIRST, gait_model, given, sequences, windows
from ._training import adam


__all__ = ["MOCAP35", "baselines", "parts"]

MODEL = "latent SDE"
NEAREST, MEAN, EACH, HELD = "nearest sequence", "training mean", "training mean at each frame", "last frame given"
AHEAD, AHEAD_MEAN = "MSE, a forecast", "MSE, mean of forecasts"
STANDS, STANDS_MEAN = "MSE, a draw of the posterior", "MSE, mean of the posterior"
HALF = "95 % half-width over forecasts"
TEST, VALIDATION = "test", "validation"


def parts() -> tuple[dict[str, np.ndarray], float]:
    """The three parts `(n, 300, 50)` of the data over one scale, the root mean square of the training part; it."""
    found = {
        name: np.asarray(cast(Series, load("mocap35", split=name)).ys, np.float64)
        for name in ("train", VALIDATION, TEST)
    }
    scale = float(np.sqrt(np.mean(found["train"] ** 2)))
    return {name: ys / scale for name, ys in found.items()}, scale


def baselines(train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Mean squared errors after the first frames of predictions that need no model."""
    distance = ((test[:, None, :FIRST] - train[None, :, :FIRST]) ** 2).sum((2, 3))
    guesses = {
        NEAREST: train[distance.argmin(1)],
        MEAN: train.mean((0, 1)),
        EACH: train.mean(0),
        HELD: test[:, FIRST - 1 : FIRST],
    }
    return {name: float(np.mean((test - guess)[:, FIRST:] ** 2)) for name, guess in guesses.items()}


def _errors(drawn: Any, truth: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The squared error of each draw, a mean over sequences; and of the mean draw, for each sequence."""
    drawn = np.asarray(drawn, np.float64)
    square = lambda x: scale**2 * np.mean((x - truth)[..., FIRST:, :] ** 2, (-2, -1))
    return square(drawn).mean(-1), square(drawn.mean(0))


def _rows(outcome: Outcome, part: str) -> list[Row]:
    data, scale = parts()
    setting, rows = outcome.setting, []
    of = lambda metric: f"{part} {metric}"
    for name, fit in outcome.fits.items():
        ahead, stands = given(fit.model, sequences(data[part]), outcome.key, setting["draws"])
        for drawn, one, mean in ((ahead, AHEAD, AHEAD_MEAN), (stands, STANDS, STANDS_MEAN)):
            each, whole = _errors(drawn, data[part], scale)
            rows.append(Row(name, of(mean), float(whole.mean()), ideal=-np.inf))
            rows.append(Row(name, of(one), float(each.mean()), ideal=-np.inf))
            if drawn is ahead:
                error = each.std(ddof=1) / np.sqrt(len(each))
                rows.append(Row(name, of(HALF), float(scipy.stats.t.ppf(0.975, len(each) - 1) * error)))
                worst = float(whole.max())
        rows.append(Row(name, of("MSE, mean of forecasts, worst sequence"), worst, ideal=-np.inf))
    for name, value in baselines(data["train"], data[part]).items():
        rows.append(Row(name, of(AHEAD_MEAN), scale**2 * value, ideal=-np.inf))
    return rows


def _metrics(outcome: Outcome) -> Report:
    rows = [*_rows(outcome, TEST), *_rows(outcome, VALIDATION)]
    _, scale = parts()
    for name, fit in outcome.fits.items():
        deviation = float(cast(Any, fit.model.observation).observation.scale[0])
        rows.append(Row(name, "variance of an observation", (scale * deviation) ** 2))
        rows.append(Row(name, "path divergence, nats a window", float(fit.history["kl_path"][-1])))
        rows.append(Row(name, "seconds of fit", float(fit.history["seconds"][-1])))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    """Write `forecast.png` and `history.png`."""
    import matplotlib.pyplot as plt

    from .. import plot

    data, scale = parts()
    truth = data[TEST]
    ahead, _ = given(outcome.fits[MODEL].model, sequences(truth), outcome.key, outcome.setting["draws"])
    with plot.style():
        plot.save(_fans(plt, plot, scale * np.asarray(ahead), scale * truth), folder / "forecast.png")
        plot.save(_course(plt, plot, outcome), folder / "history.png")
    plt.close("all")


def _fans(plt: Any, plot: Any, ahead: np.ndarray, truth: np.ndarray) -> Any:
    """The angles that vary most, all test sequences: the truth, forecasts, their mean."""
    shown = np.sort(np.argsort(truth.var((0, 1)))[-4:])
    figure, axes = plt.subplots(len(shown), len(truth), figsize=(2.6 * len(truth), 1.5 * len(shown)), sharex=True)
    for column, (drawn, ys) in enumerate(zip(ahead.swapaxes(0, 1), truth, strict=True)):
        for ax, j in zip(axes[:, column], shown, strict=True):
            ax.plot(drawn[:, :, j].T, color=plot.PALETTE[1], lw=0.4, alpha=0.25)
            ax.plot(drawn[:, :, j].mean(0), color=plot.PALETTE[1], lw=1.2)
            ax.plot(ys[:, j], color="0.1", lw=1.0)
            ax.axvline(FIRST - 1, color="0.6", lw=0.8, ls=(0, (4, 3)))
            ax.spines[["top", "right"]].set_visible(False)
            if column == 0:
                ax.set_ylabel(f"angle {j + 1}")
        error = np.mean((drawn.mean(0) - ys)[FIRST:] ** 2)
        axes[0, column].set_title(f"test {column + 1}: MSE {error:.1f}", loc="left")
        axes[-1, column].set_xlabel("frame")
    figure.suptitle(f"Walking, forecast from {FIRST} frames: the truth (black), forecasts and their mean", fontsize=9.5)
    return figure


def _course(plt: Any, plot: Any, outcome: Outcome) -> Any:
    figure, axes = plt.subplots(1, 2, figsize=(8.0, 2.8))
    for colour, (name, fit) in zip(plot.PALETTE, outcome.fits.items(), strict=False):
        for ax, metric in zip(axes, ("elbo_per_value", "kl_path"), strict=True):
            ax.plot(fit.history["step"], fit.history[metric], color=colour, label=name)
    for ax, title in zip(axes, ("training ELBO, nats a value", "path divergence, nats a window"), strict=True):
        ax.set_title(title, loc="left")
        ax.set_xlabel("step")
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].set_yscale("log")
    return figure


def _objective(_name: str) -> AbstractObjective:
    return SDEMatching(times=12, rows=24, kl_weight=optax.linear_schedule(0.01, 1.0, 400))


def _fit(steps: int) -> dict[str, Any]:
    return {**adam(steps, 8e-3, end=0.02, warm=True, clip=1e4), "chunk": max(1, steps // 40)}


def _windows(setting: Any, _key: Any) -> Series:
    return windows(parts()[0]["train"], setting["every"], setting["least"], setting["speeds"])


MOCAP35 = Experiment(
    name="mocap35",
    paper="li2020",
    summary="walking from three frames: a latent SDE trained without a solve, against the published errors",
    data=_windows,
    build=lambda _data, key: {MODEL: gait_model(parts()[0]["train"], key)},
    objective=_objective,
    metrics=_metrics,
    expected={},
    scales={
        "smoke": {"every": 30, "least": 120, "speeds": (0.9, 1.0), "draws": 20, "fit": _fit(400)},
        "paper": {"every": 15, "least": 120, "speeds": (0.85, 0.9, 0.95, 1.0, 1.05), "draws": 50, "fit": _fit(1200)},
    },
    fit={"batch_size": 32},
    baseline=NEAREST,
    draw=_draw,
)
