"""Irregular spirals told apart by which way they turn, with more and more of their rows dropped.

A neural controlled equation and its log-ODE form see times, values and nothing else. Beside them stand two baselines:
the nearest training spiral (values joined by lines, on a grid), and the sign of the Levy area of the whole path, which
knows the answer and needs no training.
"""

from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array, Key
from ..data import AbstractRecord, Labelled, Series, concatenate, load
from ..evaluate import Report, Row
from ..inference import AbstractObjective
from ..neural import CrossEntropy, Hermite, Linear, LogSignature, NeuralCDE, neural_rde
from ._experiment import Experiment, Outcome
from ._training import adam


__all__ = ["SPIRALS"]

_DROPPED = (0.3, 0.5, 0.7)
_TIMES, _TEST, _BATCH = 100, 1000, 32
_ACCURACY = "test accuracy"
_SIZES: Any = {"dim": 2, "state": 16, "width": 32, "depth": 1, "outputs": 2}


class _Group(AbstractObjective):
    """The cross-entropy of some of the spirals of one share of dropped rows."""

    group: int = eqx.field(static=True)

    def __call__(self, model: Any, batch: AbstractRecord, *, key: Key):
        data = _part(cast(Labelled, batch), self.group)
        return CrossEntropy()(model, data.draw(min(_BATCH, len(data)), key=key), key=key)


def _part(data: Labelled, group: int) -> Labelled:
    n = len(data) // len(_DROPPED)
    return data[group * n : (group + 1) * n]


def _name(kind: str, dropped: float) -> str:
    return f"{kind}, {dropped:.0%} dropped"


def _spirals(n: int, dropped: float, key: Key) -> Labelled:
    return load("spirals", n=n, times=_TIMES, dropped=dropped, key=key)


def _data(setting, key):
    keys = jax.random.split(key, len(_DROPPED))
    return concatenate([_spirals(setting["n"], p, k) for p, k in zip(_DROPPED, keys, strict=True)])


def _build(_data, key):
    cde = NeuralCDE.build(Hermite(), **_SIZES, steps=2, key=key)
    rde = neural_rde(window=4, **_SIZES, key=key)
    return {_name(kind, p): model for kind, model in (("CDE", cde), ("RDE", rde)) for p in _DROPPED}


@eqx.filter_jit
def _right(model, data: Labelled) -> Array:
    return jnp.argmax(jax.vmap(model)(data.series), axis=1) == data.labels


def _on_grid(series: Series) -> Array:
    """Each spiral on straight lines at the same times, flat before its first row and after its last."""
    grid = jnp.linspace(0.0, 1.0, _TIMES, dtype=series.ts.dtype)

    def one(s):
        knots = Linear()(s).knots
        return jax.vmap(lambda x: jnp.interp(grid, knots[:, 0], x), in_axes=1)(knots[:, 1:]).ravel()

    return jax.vmap(one)(series)


def nearest(train: Labelled, test: Labelled) -> np.ndarray:
    """Whether the nearest training spiral has the label, for each test spiral."""
    a, b = np.asarray(_on_grid(train.series)), np.asarray(_on_grid(test.series))
    distances = (b**2).sum(1)[:, None] - 2 * b @ a.T + (a**2).sum(1)[None]
    return np.asarray(train.labels)[distances.argmin(1)] == np.asarray(test.labels)


def by_area(test: Labelled) -> np.ndarray:
    """Whether the sign of the Levy area of the two components is that of the label."""
    control = LogSignature(_TIMES, 2, Linear(time=False))
    areas = np.asarray(jax.vmap(lambda s: control(s).pieces[0, 0, -1])(test.series))
    return (areas > 0) == (np.asarray(test.labels) == 1)


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for group, dropped in enumerate(_DROPPED):
        train = _part(cast(Labelled, outcome.data), group)
        test = _spirals(_TEST, dropped, jax.random.fold_in(outcome.key, group))
        found = {kind: outcome.fits.get(_name(kind, dropped)) for kind in ("CDE", "RDE")}
        right = {kind: np.asarray(_right(fit.model, test)) for kind, fit in found.items() if fit is not None}
        right |= {"nearest neighbour": nearest(train, test), "sign of the Levy area": by_area(test)}
        for kind, hits in right.items():
            share = float(hits.mean())
            rows.append(Row(_name(kind, dropped), _ACCURACY, share, float(np.sqrt(share * (1 - share) / hits.size))))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    """How sure the CDE is of the right class, as rows come in."""
    import matplotlib.pyplot as plt

    from .. import plot

    figure, axes = plt.subplots(1, len(_DROPPED), figsize=(3.2 * len(_DROPPED), 2.6), sharey=True)
    for ax, dropped in zip(axes, _DROPPED, strict=True):
        test = _spirals(24, dropped, outcome.key)
        logits = np.asarray(_traces(outcome.fits[_name("CDE", dropped)].model, test.series))
        sure = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
        for series, label, p in zip(test.series, np.asarray(test.labels), sure, strict=True):
            seen = np.asarray(series.mask.any(-1))
            ax.plot(np.asarray(series.ts)[seen], p[seen, label], lw=0.6, color="C0", alpha=0.6)
        ax.set(title=f"{dropped:.0%} dropped", xlabel="time", ylim=(-0.02, 1.02))
    axes[0].set_ylabel("probability of the right class")
    figure.tight_layout()
    plot.save(figure, folder / "traces.png")
    plt.close("all")


@eqx.filter_jit
def _traces(model, series):
    return jax.vmap(model.trace)(series)


_BARS = dict(zip(_DROPPED, (0.97, 0.95, 0.93), strict=True))


SPIRALS = Experiment(
    name="spirals-cde",
    paper="kidger2020",
    summary="irregular spirals told apart by a neural CDE and a neural RDE with 30, 50 and 70 % of the rows dropped",
    data=_data,
    build=_build,
    objective=lambda name: _Group(next(i for i, p in enumerate(_DROPPED) if name.endswith(_name("", p)))),
    metrics=_metrics,
    expected={
        (_name("CDE", p), _ACCURACY): (1.0, 1 - bar, f"a bar of {bar:.0%}, set before it ran")
        for p, bar in _BARS.items()
    },
    scales={
        "smoke": {"n": 512, "fit": adam(300, 1e-2, end=0.05)},
        "paper": {"n": 4096, "fit": adam(1000, 1e-2, end=0.05)},
    },
    draw=_draw,
)  # fmt: skip
