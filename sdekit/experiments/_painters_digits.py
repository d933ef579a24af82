r"""The trajectory of a learned flow on real images against that of Gaussian data, and the evaluations a jump saves.

The probability flow of Gaussian data is known in closed form. Real data are nearly Gaussian where there is much noise,
so that the first part of a learned trajectory should follow it, and may be jumped over (teleported). Reported: how far
the closed form is from the learned trajectory as time goes on; and how many evaluations a jump to one of the times of a
grid saves, against a grid without a jump that has the same error. Errors are against the same flow on a fine grid, from
the same noise, in units of a pixel's range. The network is the one of `digits`, which learns what is not Gaussian.
"""

from pathlib import Path
from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._draws import draws
from .._types import Array
from ..data import Labelled
from ..evaluate import Report, Row
from ..interpolants import ExponentialStep, Field, base_law, gaussian_flow, generate, log_snr_grid
from ._digits import how
from ._digits_model import DIM, digits_field, matching, seen
from ._experiment import Experiment, Outcome


__all__ = ["PAINTERS_DIGITS", "jumped", "trajectories"]

_FLOW = "flow"
_START, _STOP, _FINE = 1e-3, 1 - 1e-3, 200
_STEPS = (8, 12, 16, 24)


def moments(field: Field) -> tuple[Array, Array]:
    """Mean and covariance of the dequantised images, as the field holds them."""
    about = field.parts[0].function
    return about.mean, (about.vectors * about.values[None]) @ about.vectors.T


@eqx.filter_jit
def trajectories(field: Field, x: Array, grid: Array) -> tuple[Array, Array]:
    """The learned states on a grid, and those of the closed form, shapes `(n, m + 1, 64)`."""
    mean, covariance = moments(field)
    key = jax.random.key(0)  # the flow draws nothing
    learned = jax.vmap(lambda y: generate(field, y, grid, key=key, step=ExponentialStep()))(x)
    close = lambda y, t: gaussian_flow(field.path, mean, covariance, grid[0], t, y)
    return learned, jax.vmap(lambda y: jax.vmap(lambda t: close(y, t))(grid))(x)


@eqx.filter_jit
def jumped(field: Field, x: Array, grid: Array) -> Array:
    """The ends of trajectories that jump to the first time of the grid by the closed form, shape `(n, 64)`."""
    mean, covariance = moments(field)
    key = jax.random.key(0)

    def one(y):
        y = gaussian_flow(field.path, mean, covariance, _START, grid[0], y)
        return generate(field, y, grid, key=key, step=ExponentialStep())[-1]

    return jax.vmap(one)(x)


def _errors(outcome: Outcome):
    """Times, relative distances there, and errors at the end by the number of steps and of those left out."""
    field, n = outcome.fits[_FLOW].best, outcome.setting["paths"]
    x = draws(base_law(field.path, DIM, jnp.float32), n, outcome.key)
    fine = log_snr_grid(field.path, _FINE, start=_START, stop=_STOP)
    learned, close = trajectories(field, x, fine)
    norm = lambda v: jnp.sqrt(jnp.mean(v**2, axis=(0, 2)))
    distance = np.asarray(norm(learned - close) / norm(learned))
    ends: dict[int, list[float]] = {}
    for steps in outcome.setting["steps"]:
        grid = log_snr_grid(field.path, steps, start=_START, stop=_STOP)
        off = lambda k, grid=grid: jumped(field, x, grid[k:]) - learned[:, -1]
        ends[steps] = [float(jnp.sqrt(jnp.mean(off(k) ** 2))) / 2 for k in range(steps * 3 // 4)]
    return np.asarray(fine), distance, ends


def saved(ends: dict[int, list[float]], steps: int) -> tuple[float, int]:
    """The largest part of evaluations that a jump saves against a grid of as many steps as give its error without a
    jump, by log-log interpolation; and the steps left out then."""
    plain = sorted((errors[0], n) for n, errors in ends.items())
    needs = lambda e: float(np.exp(np.interp(np.log(e), *np.log(np.array(plain)).T)))
    low, high = plain[0][0], plain[-1][0]
    found = [(1 - (steps - k) / needs(e), k) for k, e in enumerate(ends[steps]) if low <= e <= high]
    return max([(0.0, 0), *found])


def _metrics(outcome: Outcome) -> Report:
    times, distance, ends = _errors(outcome)
    rows = [
        Row("closed form", f"relative distance at t = {t:.1f}", float(np.interp(t, times, distance)), None, 0.0)
        for t in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
    ]
    for steps, errors in ends.items():
        part, left_out = saved(ends, steps)
        rows += [
            Row(f"{steps} steps", "RMS error at the end", errors[0], None, 0.0),
            Row(f"{steps} steps", "best jump: steps left out", float(left_out)),
            Row(f"{steps} steps", "best jump: RMS error", errors[left_out], None, 0.0),
            Row(f"{steps} steps", "best jump: evaluations saved at equal error", part, None, 1.0),
        ]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    """Distances along the way, errors by the part left out, and a few trajectories with their closed forms."""
    import matplotlib.pyplot as plt

    from .. import plot

    times, distance, ends = _errors(outcome)
    field = outcome.fits[_FLOW].best
    x = draws(base_law(field.path, DIM, jnp.float32), 3, outcome.key)
    learned, close = (np.asarray(v) for v in trajectories(field, x, jnp.asarray(times)))
    with plot.style():
        figure, axes = plt.subplots(1, 3, figsize=(9.6, 2.9), width_ratios=(1, 1, 1.5))
        axes[0].plot(times, distance, color=plot.PALETTE[0])
        axes[0].set(title="closed form from learned", xlabel="t", ylabel="relative distance", ylim=(0, None))
        for i, (steps, errors) in enumerate(ends.items()):
            share = np.arange(len(errors)) / steps
            axes[1].plot(share, errors, marker=".", color=plot.PALETTE[i], label=f"{steps} steps")
        axes[1].set(title="jumps", xlabel="part of the steps left out", ylabel="RMS error", yscale="log")
        axes[1].legend(frameon=False, fontsize=7)
        at = [int(np.argmin(abs(times - t))) for t in (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.999)]
        rows = [row[at] for pair in zip(learned, close, strict=True) for row in pair]
        tiles = np.pad(np.stack(rows).reshape(6, len(at), 8, 8), ((0, 0), (0, 0), (1, 0), (1, 0)))
        axes[2].imshow(tiles.transpose(0, 2, 1, 3).reshape(54, -1), cmap="gray_r", vmin=-1.5, vmax=1.5)
        axes[2].set_title("learned, and below it the closed form")
        axes[2].axis("off")
        plot.save(figure, folder / "painters.png")
    plt.close("all")


PAINTERS_DIGITS = Experiment(
    name="painters-digits",
    paper="wang2023",
    summary="a learned flow of digits against the closed form of Gaussian data; evaluations saved by a jump",
    data=lambda _setting, _key: seen(),
    build=lambda data, key: {_FLOW: digits_field(cast(Labelled, data), key, 256)},
    objective=lambda _name: matching(),
    metrics=_metrics,
    expected={},
    scales={
        "smoke": {"paths": 32, "steps": (8,), "fit": how(200, 4e-3)},
        "paper": {"paths": 200, "steps": _STEPS, "fit": how(6000, 4e-3)},
    },
    draw=_draw,
)
