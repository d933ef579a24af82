r"""Exponential steps against Euler's on a mean-reverting diffusion, where they win and where they lose.

Gaussian data of mean 1 around $m = 0.3$, with the exact field: the flow is known in closed form, and the error of its
end is that of the steps alone. One evaluation a step for all three. Concentrated (variance $10^{-4}$) and wide data
(.49), grids even in time and in the signal-to-noise ratio.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from ..data import Series
from ..evaluate import Report, Row
from ..inference import TransitionLikelihood
from ..interpolants import (
    EulerStep,
    ExponentialStep,
    exact_field,
    gaussian_flow,
    generate,
    log_snr_grid,
    mean_reverting,
    uniform_grid,
)
from ._experiment import Experiment, Outcome


__all__ = ["MEAN_REVERTING"]

_STEPS = {"Euler": EulerStep(), "exponential, order 1": ExponentialStep(1), "exponential, order 2": ExponentialStep(2)}
_GRIDS = {"even in time": uniform_grid, "even in log-SNR": log_snr_grid}
_VARIANCES = {"concentrated": 1e-4, "wide": 0.49}
_STOP, _MEAN, _LATE = 0.01, 1.0, (40, 80)


@eqx.filter_jit
def _error(name: str, variance: Any, grid: Any) -> Any:
    path, x = mean_reverting([0.3]), jnp.ones(1)
    mean, spread = jnp.full(1, _MEAN), variance * jnp.eye(1)
    field = exact_field(path, dist.MultivariateNormal(mean, spread))
    found = generate(field, x, grid, key=jax.random.key(0), step=_STEPS[name])[-1]
    return jnp.abs(found - gaussian_flow(path, mean, spread, 1.0, _STOP, x))[0]


@functools.cache
def _errors(numbers: tuple[int, ...]) -> Mapping[tuple[str, str, str, int], float]:
    found = {}
    for kind, variance in _VARIANCES.items():
        for where, grid in _GRIDS.items():
            for n in numbers:
                times = grid(mean_reverting([0.3]), n, stop=_STOP)
                for name in _STEPS:
                    found[kind, where, name, n] = float(_error(name, jnp.asarray(variance), times))
    return found


def _metrics(outcome: Outcome) -> Report:
    numbers = outcome.setting["numbers"]
    errors = _errors(numbers)
    rows = [
        Row(f"{kind} data, {where}", f"{name}, {n} steps", value) for (kind, where, name, n), value in errors.items()
    ]
    for name in list(_STEPS)[1:]:
        first, last = (errors["wide", "even in log-SNR", name, n] for n in _LATE)
        rows.append(Row("wide data, even in log-SNR", f"{name}: slope", float(np.log2(first / last))))
    for kind in _VARIANCES:
        at = lambda name, kind=kind: errors[kind, "even in log-SNR", name, 10]
        gain = at("Euler") / at("exponential, order 2")
        rows.append(Row(f"{kind} data, even in log-SNR", "error of Euler over that of order 2, 10 steps", gain))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    numbers = outcome.setting["numbers"]
    errors = _errors(numbers)
    with plot.style():
        figure, axes = plt.subplots(1, 4, figsize=(10, 2.8), sharex=True)
        places = [(kind, where) for kind in _VARIANCES for where in _GRIDS]
        for ax, (kind, where) in zip(axes, places, strict=True):
            for name, colour in zip(_STEPS, plot.PALETTE, strict=False):
                ax.loglog(
                    numbers, [errors[kind, where, name, n] for n in numbers], "o-", ms=3, color=colour, label=name
                )
            ax.set(title=f"{kind}, {where}", xlabel="steps")
            ax.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel("error of the end")
        axes[0].legend(frameon=False, fontsize=7)
        plot.save(figure, folder / "errors.png")
        plt.close(figure)


MEAN_REVERTING = Experiment(
    name="mean-reverting",
    paper="li2025",
    summary="exponential steps against Euler's, where they win and where they lose",
    data=lambda _setting, _key: Series(jnp.array([0.0, 1.0]), jnp.array([0.0, 1.0])),
    build=lambda _data, _key: {},
    objective=lambda _name: TransitionLikelihood(),
    metrics=_metrics,
    expected={
        ("wide data, even in log-SNR", f"exponential, order {k}: slope"): (float(k), 0.1, "the order of the step")
        for k in (1, 2)
    },
    scales={"smoke": {"numbers": (5, 10, 20, 40, 80)}, "paper": {"numbers": (5, 10, 20, 40, 80, 160)}},
    draw=_draw,
)
