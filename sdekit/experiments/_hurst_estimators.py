"""Estimators of the Hurst index on exact fractional Gaussian noise: bias, error, and how honest standard errors are."""

import functools
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data import Series
from ..evaluate import Report, Row
from ..fractional import (
    DFA,
    AbstractHurstEstimator,
    ExactMLE,
    Noise,
    RescaledRange,
    StructureFunctions,
    Variations,
    Whittle,
)
from ..math import circulant_sample, circulant_spectrum, fgn_autocovariance
from ._experiment import Experiment, Outcome


__all__ = ["HURST_ESTIMATORS"]

_HURSTS = (0.1, 0.3, 0.5, 0.7, 0.9)
_ESTIMATORS: dict[str, AbstractHurstEstimator] = {
    "exact likelihood": ExactMLE(of=Noise()),
    "Whittle": Whittle(of=Noise()),
    "variations": Variations(of=Noise()),
    "DFA": DFA(of=Noise()),
    "rescaled range": RescaledRange(of=Noise()),
    "structure functions": StructureFunctions(of=Noise()),
}
_HONEST = ("exact likelihood", "Whittle", "variations")
"""The estimators whose standard error is more than that of a regression."""
_PEERS = {
    "antropy 0.2.3: DFA": (0.070, 0.047, 0.043, 0.044, 0.041),
    "MFDFA 0.4.3: q = 2": (0.038, 0.031, 0.041, 0.043, 0.044),
    "hurst 0.0.5: rescaled range": (0.130, 0.101, 0.070, 0.036, 0.067),
}
"""RMSE of packages on 40 such series of 1024 an index, measured once; not part of a run."""
_CALIBRATION = "spread over standard error"
_BARS = {"exact likelihood": 0.025, "Whittle": 0.025, "variations": 0.035}


def _rmse(hurst: float) -> str:
    return f"RMSE at H = {hurst:g}"


def _bias(hurst: float) -> str:
    return f"bias at H = {hurst:g}"


@functools.partial(jax.jit, static_argnums=2)
def _noise(root, key, n):
    return circulant_sample(root, key, n)


def _data(setting, key) -> Series:
    n, count = setting["n"], setting["series"]
    rows = []
    for i, hurst in enumerate(_HURSTS):
        root = jnp.asarray(circulant_spectrum(lambda k, h=hurst: fgn_autocovariance(h, k), n))
        keys = jax.random.split(jax.random.fold_in(key, i), count)
        rows.append(jax.vmap(lambda k, root=root: _noise(root, k, n))(keys))
    return Series(jnp.arange(n, dtype=rows[0].dtype), jnp.concatenate(rows)[..., None])


@eqx.filter_jit
def _estimates(estimator, xs):
    """One after the other: an exact likelihood has its vectors in the cache, and each stops at its own maximum."""

    def one(x):
        found = estimator(x)
        return found.hurst, found.standard_error

    return jax.lax.map(one, xs)


def _metrics(outcome: Outcome) -> Report:
    data = outcome.data
    assert isinstance(data, Series)
    xs = data.ys[..., 0]
    rows, truth = [], np.repeat(_HURSTS, outcome.setting["series"])
    for name, estimator in _ESTIMATORS.items():
        found, error = (np.asarray(part, np.float64) for part in _estimates(estimator, xs))
        miss = (found - truth).reshape(len(_HURSTS), -1)
        for hurst, each in zip(_HURSTS, miss, strict=True):
            size = np.sqrt(np.mean(each**2))
            rows.append(Row(name, _rmse(hurst), float(size), float(size / np.sqrt(2 * each.size))))
            rows.append(Row(name, _bias(hurst), float(each.mean()), float(each.std() / np.sqrt(each.size))))
        if name in _HONEST:
            ratio = np.sqrt(np.mean(((found - truth) / error) ** 2))
            rows.append(Row(name, _CALIBRATION, float(ratio), float(ratio / np.sqrt(2 * found.size))))
    for name, sizes in _PEERS.items():
        rows += [Row(name, _rmse(hurst), size) for hurst, size in zip(_HURSTS, sizes, strict=True)]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    # What has just been written, so that nothing is estimated twice.
    written = json.loads((folder / "metrics.json").read_text())["rows"]
    values = {row["metric"]: row["value"] for row in written}
    with plot.style():
        _, ax = plt.subplots(figsize=(5.6, 3.4))
    names = (*_ESTIMATORS, *_PEERS)
    for k, name in enumerate(names):
        peer = name in _PEERS
        sizes = [values[f"{name}: {_rmse(hurst)}"] for hurst in _HURSTS]
        colour = plot.PALETTE[k % len(plot.PALETTE)] if not peer else "0.55"
        line = {"ls": ("--", ":", "-.")[k % 3] if peer else "-", "lw": 0.9 if peer else 1.3}
        ax.plot(_HURSTS, sizes, marker="" if peer else "o", ms=3.5, color=colour, label=name, **line)
    ax.set_xticks(_HURSTS)
    ax.set_ylim(0)
    ax.set_xlabel("Hurst index")
    ax.set_ylabel("root mean square error")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7.5, frameon=False)
    plot.save(ax, folder / "rmse.png")
    plt.close("all")


_SOURCE = "an acceptance bar, from independent implementations measured on such series"

HURST_ESTIMATORS = Experiment(
    name="hurst-estimators",
    paper="taqqu1995",
    summary="six estimators of the Hurst index on exact fractional Gaussian noise",
    data=_data,
    build=lambda _data, _key: {},
    objective=lambda _name: None,  # pyright: ignore[reportArgumentType]
    metrics=_metrics,
    expected={
        **{(name, _rmse(hurst)): (0.0, bar, _SOURCE) for name, bar in _BARS.items() for hurst in _HURSTS},
        **{(name, _CALIBRATION): (1.0, 0.15, "1 where standard errors are right") for name in _HONEST},
    },
    scales={"smoke": {"n": 1024, "series": 100}, "paper": {"n": 1024, "series": 200}},
    draw=_draw,
)
