"""An ion channel opens and closes: a hidden chain from its current, what the rates say exactly, an idealisation."""

from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy import linalg

from ..data import Series, load
from ..evaluate import Report, Row
from ..jumps import (
    Conditional,
    GaussianEmission,
    Hidden,
    HiddenMarkov,
    RateMatrix,
    baum_welch,
    em,
    mean_first_passage,
    stationary,
    viterbi,
)
from ._experiment import Experiment, Outcome


__all__ = ["ION_CHANNEL"]

_ALL = 60000
_PEER = "ten steps of hmmlearn 0.3.3 on this record"
_EXACT = "zero is exact: the best matrix in discrete time has a generator, so both maxima are one"
_viterbi = eqx.filter_jit(viterbi)


def _discrete(series: Series, n: int) -> HiddenMarkov:
    """A chain in discrete time: the states from closed, where the channel mostly is, down to wide open."""
    y = np.asarray(series.ys[:, 0])
    levels = np.linspace(np.median(y), np.quantile(y, 1e-3), n)
    matrix = np.where(np.eye(n, dtype=bool), 0.9, 0.1 / (n - 1))
    law = GaussianEmission(levels, jnp.full(n, 1.5 * np.median(np.abs(y - levels[0]))))
    start = HiddenMarkov(np.full(n, 1 / n), matrix, law)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return baum_welch(start, series, steps=500, tolerance=1e-8).model


def fitted(series: Series, n: int, steps: int) -> tuple[Hidden, float, float]:
    """The chain in continuous time that `em` finds, its log-likelihood, and that of the best chain in discrete time."""
    found = _discrete(series, n)
    # Where the logarithm of the matrix is no generator, its negative entries are where rates begin to grow from.
    rates = np.maximum(np.real(linalg.logm(np.asarray(found.matrix))), 1e-6) * ~np.eye(n, dtype=bool)
    # The start is that of the chain in discrete time: conditional weights are ones, so both condition alike.
    chain = RateMatrix(rates, Conditional())
    start = Hidden(process=chain, observation=found.observation)  # pyright: ignore[reportCallIssue]
    fit = em(start, series, steps=steps, tolerance=1e-12)
    assert isinstance(fit.model, Hidden)
    same = eqx.tree_at(lambda m: m.first, found, jnp.full(n, 1 / n, found.matrix.dtype))
    return fit.model, fit.log_prob, float(same.log_prob(series)) + float(np.log(n))


def _metrics(outcome: Outcome) -> Report:
    series = outcome.data
    assert isinstance(series, Series)
    t, rows = len(series.ts), []
    for n in outcome.setting["states"]:
        model, value, discrete = fitted(series, n, outcome.setting["steps"])
        chain, law = model.process, model.observation
        assert isinstance(chain, RateMatrix)
        assert isinstance(law, GaussianEmission)
        Q = np.asarray(chain.generator())
        name, last = f"{n} states, {t} samples", n - 1
        states = np.asarray(_viterbi(model, series))
        step = linalg.expm(Q)
        figures = {
            "log-likelihood": value,
            "less that in discrete time": value - discrete,
            "current when closed, pA": law.mean[0, 0],
            "deviation when closed, pA": law.scale[0, 0],
            "current when open, pA": law.mean[last, 0],
            "closed to open in one sample": step[0, last],
            "open to closed in one sample": step[last, 0],
            "stationary share open": stationary(chain)[last],
            "share open, most likely path": (states == last).mean(),
            "openings, most likely path": ((states[1:] == last) & (states[:-1] != last)).sum(),
            "mean passage from closed to open, samples": mean_first_passage(chain)[0, last],
            "mean time open, samples": -1 / Q[last, last],
        }
        rows += [Row(name, metric, float(figure)) for metric, figure in figures.items()]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    series = outcome.data
    assert isinstance(series, Series)
    n = outcome.setting["states"][-1]
    model, _, _ = fitted(series, n, outcome.setting["steps"])
    assert isinstance(model.observation, GaussianEmission)
    states, y = np.asarray(_viterbi(model, series)), np.asarray(series.ys[:, 0])
    middle = int(np.median(np.flatnonzero(states == n - 1)))
    shown = slice(max(middle - 300, 0), middle + 300)
    levels = np.asarray(model.observation.mean[:, 0])
    with plot.style():
        figure, axes = plt.subplots(1, 2, figsize=(9.0, 2.8), width_ratios=(3, 1))
        axes[0].plot(np.asarray(series.ts)[shown], y[shown], color=plot.PALETTE[0], lw=0.6, alpha=0.7, label="current")
        axes[0].step(np.asarray(series.ts)[shown], levels[states[shown]], where="mid", color=plot.PALETTE[1],
                     label="level of the most likely state")  # fmt: skip
        axes[0].set(title="one IP3 receptor, and its idealisation", xlabel="samples", ylabel="pA")
        axes[0].legend()
        plot.rate_matrix(model.process, ax=axes[1])
        axes[1].set_title("rates, 1/sample")
        plot.save(figure, folder / "ion-channel.png")
        plt.close(figure)


def _data(setting, _key) -> Series:
    series = load("ip3r2")
    assert isinstance(series, Series)
    t = setting["samples"]
    return Series(series.ts[:t], series.ys[:t], clock=series.clock, names=series.names)


ION_CHANNEL = Experiment(
    name="ion-channel",
    paper="siekmann2014",
    summary="an IP3 receptor's current: a hidden chain by exact EM, its passages and stationary law, its idealisation",
    data=_data,
    build=lambda _data, _key: {},
    objective=lambda _name: None,  # pyright: ignore[reportArgumentType]
    metrics=_metrics,
    expected={
        **{(f"{n} states, {_ALL} samples", "less that in discrete time"): (0.0, 1e-2, _EXACT) for n in (2, 3)},
        (f"2 states, {_ALL} samples", "deviation when closed, pA"): (1.45, 0.01, _PEER),
    },
    scales={
        "smoke": {"samples": _ALL, "states": (2, 3), "steps": 3},
        "paper": {"samples": _ALL, "states": (2, 3), "steps": 200},
    },
    draw=_draw,
)
