r"""Schlögl's bistable reaction system: exact simulation and four approximations, against its law.

The expected figures are those of the law at time 4, from the spectral decomposition of the symmetrised tridiagonal
generator on the counts 0 to 1000, in float64 and apart from the library.
"""

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from ..data import Series
from ..evaluate import Report, Row
from ..inference import TransitionLikelihood
from ..jumps import (
    ChemicalLangevin,
    LinearNoiseClosure,
    NormalClosure,
    Projection,
    ReactionNetwork,
    TauLeaping,
    moments,
    simulate,
)
from ..solve import solve
from ._experiment import Experiment, Outcome


__all__ = ["SCHLOEGL"]

_STOP = 4.0
_MEAN, _VARIANCE, _LOW = 309.8847, 46659.72, 0.516492
_BARRIER = 256
_EXACT = "the law at time 4, by a spectral decomposition in float64"
_BY_CHANCE = "zero is exact; the tolerance is the 1e-6 point of Kolmogorov's statistic at the smaller scale"
_SMALL = 4000


def network() -> ReactionNetwork:
    """Two stable states, near 85 and 570 molecules, parted by an unstable one near 248."""
    return ReactionNetwork(
        {"autocatalysis": "2 X -> 3 X", "reverse": "3 X -> 2 X", "inflow": "0 -> X", "outflow": "X -> 0"},
        {"autocatalysis": 0.03, "reverse": 1e-4, "inflow": 200.0, "outflow": 3.5},
        {"X": 250},
    )


def _distance(samples: np.ndarray, law: np.ndarray) -> float:
    """Kolmogorov's distance of real or whole numbers to a law on the counts."""
    at = np.arange(len(law))
    below = np.searchsorted(np.sort(samples), at + 0.5) / samples.size
    return float(np.abs(below - np.cumsum(law)).max())


def _draws(setting: Any, key: Any) -> dict[str, np.ndarray]:
    numbers = (setting[name] for name in ("paths", "leaps", "epsilon", "dt"))
    return _drawn(*numbers, tuple(np.asarray(jax.random.key_data(key)).tolist()))


@functools.lru_cache(maxsize=1)  # for the table and for the figure
def _drawn(paths: int, few: int, epsilon: float, dt: float, words: tuple[int, ...]) -> dict[str, np.ndarray]:
    ts = jnp.array([0.0, _STOP])
    keys = jax.random.split(jax.random.wrap_key_data(jnp.array(words, jnp.uint32)), 3)
    exact = simulate(network(), ts, key=keys[0], n=paths)
    leaps = simulate(network(), ts, key=keys[1], n=few, method=TauLeaping(epsilon))
    chemical = solve(ChemicalLangevin(network()), ts, key=keys[2], dt=dt, n=few)
    named = {"SSA": exact, "tau-leaping": leaps, "chemical Langevin": chemical}
    return {name: np.asarray(path.xs[:, -1, 0], np.float64) for name, path in named.items()}


def _law() -> tuple[np.ndarray, float]:
    chain = Projection(network(), {"X": 1000})
    law, lost = chain.law(_STOP)
    return np.asarray(law, np.float64), float(lost)


def _metrics(outcome: Outcome) -> Report:
    law, lost = _law()
    x = np.arange(len(law))
    mean = float(law @ x)
    rows = [
        Row("projection", "mean", mean),
        Row("projection", "variance", float(law @ x**2) - mean**2),
        Row("projection", "share in the low state", float(law[: _BARRIER + 1].sum())),
        Row("projection", "lost mass", lost),
    ]
    for name, samples in _draws(outcome.setting, outcome.key).items():
        rows.append(Row(name, "mean", float(samples.mean())))
        rows.append(Row(name, "variance", float(samples.var())))
        rows.append(Row(name, "share in the low state", float((samples < _BARRIER + 0.5).mean())))
        rows.append(Row(name, "Kolmogorov distance", _distance(samples, law)))
    for name, closure in (("normal closure", NormalClosure()), ("linear noise", LinearNoiseClosure())):
        found = moments(network(), jnp.array([0.0, _STOP]), closure)
        m, v = float(found.mean[-1, 0]), float(found.covariance[-1, 0, 0])
        rows.append(Row(name, "mean", m))
        rows.append(Row(name, "variance", v))
        gaussian = stats.norm.cdf(x + 0.5, m, np.sqrt(max(v, 1e-12)))
        rows.append(Row(name, "Kolmogorov distance", float(np.abs(gaussian - np.cumsum(law)).max())))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    law, _ = _law()
    draws = _draws(outcome.setting, outcome.key)
    with plot.style():
        figure, axes = plt.subplots(1, 3, figsize=(10.5, 2.8))
        ts = jnp.linspace(0.0, 20.0, 201)
        paths = simulate(network(), ts, key=jax.random.fold_in(outcome.key, 1), n=12)
        plot.paths(paths, ax=axes[0])
        axes[0].set(title="twelve exact paths", xlabel="time", ylabel="molecules")
        plot.counts(draws["SSA"], law, ax=axes[1], width=15, label="molecules at time 4")
        axes[1].set_title("exact simulation and projection")
        names = {"projection": None, "tau-leaping": "tau-leaping", "chemical Langevin": "chemical Langevin"}
        for (name, which), colour in zip(names.items(), ("#24292f", *plot.PALETTE[1:]), strict=False):
            x = np.arange(len(law))
            y = np.cumsum(law) if which is None else np.searchsorted(np.sort(draws[which]), x + 0.5) / len(draws[which])
            axes[2].plot(x, y, color=colour, lw=1.1, label=name)
        approximations = ((NormalClosure(), "normal closure"), (LinearNoiseClosure(), "linear noise"))
        for (closure, name), colour in zip(approximations, plot.PALETTE[3:], strict=False):
            found = moments(network(), jnp.array([0.0, _STOP]), closure)
            spread = np.sqrt(max(float(found.covariance[-1, 0, 0]), 1e-12))
            axes[2].plot(
                x, stats.norm.cdf(x, float(found.mean[-1, 0]), spread), color=colour, lw=0.9, ls="--", label=name
            )
        axes[2].legend(frameon=False, fontsize=7)
        axes[2].set(title="distribution functions at time 4", xlabel="molecules")
        axes[2].spines[["top", "right"]].set_visible(False)
        plot.save(figure, folder / "schloegl.png")
        plt.close(figure)


def _expected() -> dict[tuple[str, str], tuple[float, float, str]]:
    share = 5 * np.sqrt(_LOW * (1 - _LOW) / _SMALL)
    return {
        ("projection", "mean"): (_MEAN, 0.3, _EXACT),
        ("projection", "variance"): (_VARIANCE, 50.0, _EXACT),
        ("projection", "share in the low state"): (_LOW, 5e-4, _EXACT),
        ("SSA", "mean"): (_MEAN, 5 * np.sqrt(_VARIANCE / _SMALL), _EXACT),
        ("SSA", "variance"): (_VARIANCE, 5 * _VARIANCE / np.sqrt(_SMALL), _EXACT),
        ("SSA", "share in the low state"): (_LOW, share, _EXACT),
        ("SSA", "Kolmogorov distance"): (0.0, np.sqrt(np.log(2e6) / 2 / _SMALL), _BY_CHANCE),
    }


SCHLOEGL = Experiment(
    name="schloegl",
    paper="schlogl1972",
    summary="a bistable reaction system: exact simulation, projection, and how far four approximations are off",
    data=lambda _setting, _key: Series(jnp.array([0.0, _STOP]), jnp.array([250.0, 0.0]), jnp.array([True, False])),
    build=lambda _data, _key: {},
    objective=lambda _name: TransitionLikelihood(),
    metrics=_metrics,
    expected=_expected(),
    scales={
        "smoke": {"paths": _SMALL, "leaps": 500, "epsilon": 0.1, "dt": 0.01},
        "paper": {"paths": 40000, "leaps": 1000, "epsilon": 0.03, "dt": 0.005},
    },
    draw=_draw,
)
