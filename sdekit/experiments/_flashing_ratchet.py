"""Rates of the flashing ratchet from panels of its paths: error against the number of paths, by exact EM."""

import jax
import jax.numpy as jnp
import numpy as np

from ..data import Panel, load
from ..evaluate import Report, Row
from ..jumps import (
    Conditional,
    RateMatrix,
    em,
    entropy_production,
    entropy_rate,
    flashing_ratchet,
    mean_first_passage,
)
from ._experiment import Experiment, Outcome


__all__ = ["FLASHING_RATCHET"]

_OFF = ~np.eye(6, dtype=bool)
_CROSS = [(0, 3), (1, 4), (2, 5), (3, 0), (4, 1), (5, 2)]
_FLAT = [(i, j) for i in (3, 4, 5) for j in (3, 4, 5) if i != j]
_FIM = {1: 0.648, 30: 0.330, 100: 0.212, 300: 0.162, 1000: 0.230, 5000: 0.723}
"""FIM-MJP on the same record: the outputs stored with its tutorial, 50 batches of each size."""
_BARS = {300: 0.09, 10000: 0.012}


def _ratchet(Q: np.ndarray) -> tuple[float, float, float]:
    """V, r and b of a generator, by the formulas of FIM-MJP's evaluation."""
    log = np.log(np.maximum(Q, 1e-12))
    V = (-2 * (log[0, 1] + log[1, 2]) + 2 * (log[1, 0] + log[2, 1]) - log[0, 2] + log[2, 0]) / 6
    return float(V), float(np.mean([Q[e] for e in _CROSS])), float(np.mean([Q[e] for e in _FLAT]))


def _metrics(outcome: Outcome) -> Report:
    panel = outcome.data
    assert isinstance(panel, Panel)
    truth = np.asarray(flashing_ratchet(1.0).generator())
    start = RateMatrix(_OFF.astype(float), Conditional())
    rng = np.random.default_rng(int(jax.random.randint(outcome.key, (), 0, 2**31 - 1)))
    rows = []
    for paths in outcome.setting["paths"]:
        batches = 1 if paths == len(panel) else outcome.setting["batches"]
        errors, found = [], []
        for _ in range(batches):
            chosen = np.sort(rng.choice(len(panel), paths, replace=False))
            Q = np.asarray(em(start, panel[chosen]).model.generator())
            errors.append(np.sqrt(np.mean((Q - truth)[_OFF] ** 2)))
            found.append(Q)
        name = f"EM, {paths} paths"
        rows.append(Row(name, "RMSE of the 30 rates", float(np.mean(errors)), float(np.std(errors))))
        if paths in _FIM:
            rows.append(Row(f"FIM-MJP, {paths} paths", "RMSE of the 30 rates", _FIM[paths]))
        if paths < 100:
            continue
        values = np.array([_ratchet(Q) for Q in found])
        for j, letter in enumerate(("V", "r", "b")):
            rows.append(Row(name, letter, float(values[:, j].mean()), float(values[:, j].std())))
        Q = jnp.asarray(found[-1])
        rows.append(Row(name, "entropy production rate", float(entropy_rate(Q))))
        produced = entropy_production(Q, 2.5)
        rows.append(Row(name, "entropy produced to 2.5", float(produced)))
        rows.append(Row(name, "mean passage from 0 to 2", float(mean_first_passage(Q)[0, 2])))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    panel = outcome.data
    found = em(RateMatrix(_OFF.astype(float), Conditional()), panel[:300])  # pyright: ignore
    plot.save(plot.rate_matrix(found.model), folder / "rates.png")
    plot.save(plot.timeline(panel[:12]), folder / "paths.png")  # pyright: ignore
    plt.close("all")


FLASHING_RATCHET = Experiment(
    name="flashing-ratchet",
    paper="berghaus2024",
    summary="the 30 rates of the flashing ratchet by exact EM, against a foundation model on the same record",
    data=lambda _setting, _key: load("dfr_v1"),
    build=lambda _data, _key: {},
    objective=lambda _name: None,  # pyright: ignore[reportArgumentType]
    metrics=_metrics,
    expected={
        ("EM, 300 paths", "RMSE of the 30 rates"): (0.0, _BARS[300], "a bar: FIM-MJP has .162 on the same record"),
        ("EM, 10000 paths", "RMSE of the 30 rates"): (0.0, _BARS[10000], "a bar"),
        ("EM, 10000 paths", "V"): (1.0, 0.05, "the truth"),
        ("EM, 10000 paths", "r"): (1.0, 0.02, "the truth"),
        ("EM, 10000 paths", "b"): (1.0, 0.02, "the truth"),
        ("EM, 10000 paths", "entropy production rate"): (0.179194, 0.02, "exact, of the truth"),
        ("EM, 10000 paths", "mean passage from 0 to 2"): (2.965268, 0.1, "exact, of the truth"),
    },
    scales={
        "smoke": {"paths": (300, 10000), "batches": 16},
        "paper": {"paths": (30, 100, 300, 1000, 5000, 10000), "batches": 16},
    },
    draw=_draw,
)
