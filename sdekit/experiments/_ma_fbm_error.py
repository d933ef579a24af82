r"""How near Markov approximations come to fractional Brownian motion, by the choice of their rates.

The figure is the relative path error $(E\int_0^1 (\hat B - B)^2\,dt / E\int_0^1 B^2\,dt)^{1/2}$, in closed form.
Expected figures were found from the same closed form in arithmetic of 50 digits.
"""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..data import Series
from ..evaluate import Report, Row
from ..inference import TransitionLikelihood
from ..noise import AbstractRateGrid, BayerBreneis, GammaMax, MandelbrotVanNess, MarkovApproximation, OptimalGrid
from ._experiment import Experiment, Outcome


__all__ = ["MA_FBM_ERROR"]

_HURSTS = (0.1, 0.3, 0.7, 0.9)
_GRIDS: dict[str, AbstractRateGrid] = {
    "optimal grid": OptimalGrid(),
    "rule": BayerBreneis(),
    "fixed grid": GammaMax(20.0),
}
_TYPE_ONE = MandelbrotVanNess()
_FIGURES = {
    ("optimal grid", 5): (0.169, 2.2e-2, 2.9e-3, 1.93e-3),
    ("optimal grid", 10): (6.8e-2, 3.4e-3, 1.2e-4, 8.0e-5),
    ("optimal grid", 20): (1.9e-2, 3.4e-4, 2.9e-6, 9.6e-7),
    ("rule", 3): (0.38, 9.1e-2, 3.6e-2, 3.6e-2),
    ("rule", 5): (0.32, 7.0e-2, 1.4e-2, 1.2e-2),
    ("fixed grid", 5): (0.479, 8.8e-2, 1.16e-2, 7.7e-3),
    ("fixed grid", 7): (0.463, 8.0e-2, 9.5e-3, 6.1e-3),
}
_MIXTURE = (0.554, 0.129, 0.313, 0.714)
_BARS = (0.20, 0.03, 3e-3, 3e-3)
_SOURCE = "the closed form, with 50 digits"


def _data(setting, key) -> Series:
    ts = jnp.linspace(0.0, 1.0, setting["times"] + 1)[1:]
    return Series(ts, ts**0.7)


def _metrics(outcome: Outcome) -> Report:
    series: Any = outcome.data
    ts = np.asarray(series.ts, np.float64)
    rows = []
    for grid, terms in _FIGURES:
        for h in _HURSTS:
            found = MarkovApproximation(h, terms, 1.0, grid=_GRIDS[grid])
            rows.append(Row(f"type II, {grid}, K = {terms}", f"error, H = {h}", found.error))
            exact = found.kind.covariance(h, ts, ts)
            missed = np.abs(found.covariance(ts, ts) - exact).max() / exact.max()
            rows.append(Row(f"type II, {grid}, K = {terms}", f"covariance, H = {h}", float(missed)))
    for h in _HURSTS:
        past = MarkovApproximation(h, 5, 1.0, kind=_TYPE_ONE, past_terms=4)
        rows.append(Row("type I, past by 4 Gaussians, K = 5", f"error, H = {h}", past.error))
        mixture = MarkovApproximation(h, 5, 1.0, kind=_TYPE_ONE, grid=_GRIDS["fixed grid"], past_terms=0)
        rows.append(Row("type I, mixture on the fixed grid, K = 5", f"error, H = {h}", mixture.error))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    terms = outcome.setting["terms"]
    with plot.style():
        figure, axes = plt.subplots(1, len(_HURSTS), figsize=(9.5, 2.9), sharey=True, sharex=True)
        for ax, h in zip(axes, _HURSTS, strict=True):
            for (name, grid), colour in zip(_GRIDS.items(), plot.PALETTE, strict=False):
                errors = [MarkovApproximation(h, k, 1.0, grid=grid).error for k in terms]
                ax.semilogy(terms, errors, "o-", color=colour, ms=3, label=name)
            ax.set(title=f"H = {h}", xlabel="modes K", xticks=terms[::2])
            ax.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel("relative path error")
        axes[0].legend(frameon=False, fontsize=8)
        plot.save(figure, folder / "errors.png")
        plt.close(figure)


def _expected() -> dict[tuple[str, str], tuple[float, float, str]]:
    found: dict[tuple[str, str], Any] = {}
    for (grid, terms), values in _FIGURES.items():
        for h, value in zip(_HURSTS, values, strict=True):
            found[f"type II, {grid}, K = {terms}", f"error, H = {h}"] = (value, 0.05 * value, _SOURCE)
    for h, mixture, bar in zip(_HURSTS, _MIXTURE, _BARS, strict=True):
        found["type I, mixture on the fixed grid, K = 5", f"error, H = {h}"] = (mixture, 0.01 * mixture, _SOURCE)
        found["type I, past by 4 Gaussians, K = 5", f"error, H = {h}"] = (
            0.0,
            bar,
            "zero is exact; the tolerance is a bar set for the construction",
        )
    return found


MA_FBM_ERROR = Experiment(
    name="ma-fbm-error",
    paper="daems2024",
    summary="the path error of Markov-approximate fractional Brownian motion, by the choice of the rates",
    data=_data,
    build=lambda _data, _key: {},
    objective=lambda _name: TransitionLikelihood(),
    metrics=_metrics,
    expected=_expected(),
    scales={
        "smoke": {"times": 10, "terms": (2, 3, 5, 7, 10)},
        "paper": {"times": 10, "terms": (2, 3, 5, 7, 10, 15, 20)},
    },
    draw=_draw,
)
