"""Figures of video models: a strip of frames, the latent motion, the course of the fits."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..data import Series
from ._experiment import Outcome
from ._video import MOTION, paths_given


__all__ = ["draw_videos"]

_PATHS, _EVERY = 16, 2


def draw_videos(outcome: Outcome, films: Series, known: int, folder: Path) -> None:
    """Write `filmstrip.png`, `latent.png` and `history.png`."""
    import matplotlib.pyplot as plt

    from .. import plot

    one = films[:1]
    keys = jax.random.split(outcome.key, 2)
    found = {}
    for name, fit in outcome.fits.items():
        whole = paths_given(fit.model, one, jnp.asarray(films.ts.shape[1]), keys[0], _PATHS)
        part = paths_given(fit.model, one, jnp.asarray(known), keys[1], _PATHS)
        found[name] = tuple(np.asarray(x[0]) for x in (*whole, *part))
    with plot.style():
        plot.save(_strip(plt, one, found, known), folder / "filmstrip.png")
        plot.save(_motion(plt, plot, one, found, known), folder / "latent.png")
        plot.save(_course(plt, plot, outcome, films.ts.shape[1]), folder / "history.png")
    plt.close("all")


def _strip(plt: Any, film: Series, found: dict[str, Any], known: int) -> Any:
    side = int(np.sqrt(film.dim))
    rows = [("truth", np.asarray(film.ys[0]))]
    for name, (rebuilt, _, ahead, _) in found.items():
        rows += [
            (f"{name}: rebuilt", rebuilt[0]),
            (f"{name}: forecast, a path", ahead[0]),
            (f"{name}: forecast, mean", ahead.mean(0)),
        ]
    shown = range(0, film.ts.shape[1], _EVERY)
    figure, axes = plt.subplots(len(rows), len(shown), figsize=(0.62 * len(shown) + 2.0, 0.62 * len(rows) + 0.6))
    for line, (title, frames) in zip(axes, rows, strict=True):
        for ax, i in zip(line, shown, strict=True):
            ax.imshow(frames[i].reshape(side, side), cmap="gray", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
            guess = i >= known and "forecast" in title
            for spine in ax.spines.values():
                spine.set(color="#d55e00" if guess else "0.8", linewidth=1.2 if guess else 0.4)
        line[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=8)
    for ax, i in zip(axes[0], shown, strict=True):
        ax.set_title(f"{film.ts[0, i]:.1f}", fontsize=8, loc="center")
    figure.suptitle(
        f"A film that no fit has seen, by time; framed in colour: forecast from {known} frames", fontsize=9.5
    )
    return figure


def _motion(plt: Any, plot: Any, film: Series, found: dict[str, Any], known: int) -> Any:
    ts = np.asarray(film.ts[0])
    figure, axes = plt.subplots(
        MOTION, len(found), figsize=(3.6 * len(found), 1.5 * MOTION), sharex=True, squeeze=False
    )
    for column, (name, (_, whole, _, ahead)) in zip(axes.T, found.items(), strict=True):
        for j, ax in enumerate(column):
            ax.plot(ts, ahead[:8, :, j].T, color=plot.PALETTE[1], lw=0.6, alpha=0.6)
            ax.plot(ts, whole[:8, :, j].T, color=plot.PALETTE[0], lw=0.6, alpha=0.8)
            ax.axvline(ts[known - 1], color="0.6", lw=0.8, ls=(0, (4, 3)))
            ax.spines[["top", "right"]].set_visible(False)
            ax.set_ylabel(f"motion {j + 1}")
        column[0].set_title(name, loc="left")
        column[-1].set_xlabel("time")
    figure.suptitle(f"Latent paths: given the whole film (blue), given {known} frames (orange)", fontsize=9.5)
    return figure


def _course(plt: Any, plot: Any, outcome: Outcome, frames: int) -> Any:
    figure, axes = plt.subplots(1, 2, figsize=(8.0, 2.8))
    for colour, (name, fit) in zip(plot.PALETTE, outcome.fits.items(), strict=False):
        steps = fit.history["step"]
        how = {"color": colour, "label": name, "marker": "o" if len(steps) < 3 else None, "ms": 3}
        axes[0].plot(steps, fit.history["elbo"] / frames, **how)
        axes[1].plot(steps, fit.history["kl_path"] / frames, **how)
    start = np.concatenate([fit.history["elbo"][len(fit.history["elbo"]) // 10 :] for fit in outcome.fits.values()])
    low, high = start.min() / frames, start.max() / frames
    axes[0].set_ylim(low - 0.05 * (high - low) - 1e-3, high + 0.05 * (high - low) + 1e-3)
    for ax, title in zip(axes, ("training ELBO, nats a frame", "path divergence, nats a frame"), strict=True):
        ax.set_title(title, loc="left")
        ax.set_xlabel("step")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize=8)
    return figure
