"""Snapshots with held-out times: predators and prey, a vortex, a genetic clock, cells of embryoid bodies."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._types import Key
from ..bridges import (
    HeldOut,
    LinearVortex,
    PredatorPrey,
    RepressilatorField,
    SinkhornBridge,
    held_out,
    leave_one_out,
    refine,
    with_noise,
)
from ..data import Snapshots, load
from ..evaluate import Report, Row
from ..processes import BrownianMotion
from ..transport import wasserstein1
from ._experiment import Experiment, Outcome


__all__ = ["SB_EMBRYOID", "SB_LOTKA_VOLTERRA", "SB_REPRESSILATOR", "SB_VORTEX"]

_WHO = {"model": "refined bridge", "persistence": "persistence", "OT midpoint": "OT midpoint"}


@dataclasses.dataclass(frozen=True)
class _Task:
    """Snapshots to bridge and to hold out, a family of drifts, and how many particles to draw."""

    name: str
    train: Snapshots
    test: Snapshots
    field: Callable[[], Any]
    scale: float
    factor: int


def _split(name: str) -> tuple[Snapshots, Snapshots]:
    data = load(name)
    return data.at(slice(0, None, 2)), data.at(slice(1, None, 2))


def _sbirr(name: str, field: Callable[[], Any]) -> _Task:
    # Paths from each snapshot pass a held-out time: as many predictions as their particles together.
    return _Task("", *_split(name), field, 0.1, 5)


def _snapmmd(name: str, field: Callable[[], Any]) -> _Task:
    return _Task("SnapMMD's files, ", load(name), load(name, held_out=True), field, 0.1, 1)


def _tables(task: _Task, setting: Mapping[str, Any], key: Key) -> list[HeldOut]:
    """The table of held-out distances of each seed."""
    how = {k: setting[k] for k in ("rounds", "steps", "copies")}
    tables = []
    for i in range(setting["seeds"]):
        fit, draw = jax.random.split(jax.random.fold_in(key, i))
        reference = with_noise(task.field(), task.scale, task.train.dim)
        found = refine(reference, task.train, key=fit, **how)
        particles = task.factor * int(task.test.sizes.max())
        tables.append(held_out(found.bridge, task.train, task.test, key=draw, particles=particles))
    return tables


def _rows(task: _Task, tables: list[HeldOut], metric: str, *, each: bool) -> list[Row]:
    rows = []
    for who, name in _WHO.items():
        values = np.stack([table[who, metric] for table in tables])
        error = values.std(0, ddof=1) if who == "model" and len(tables) > 1 else None
        label = f"{task.name}{name}"
        if each:
            for i, t in enumerate(tables[0].ts):
                rows.append(Row(label, f"{metric}, t = {t:g}", float(values[:, i].mean()),
                                None if error is None else float(error[i])))  # fmt: skip
        spread = values.mean(1).std(ddof=1) if error is not None else None
        rows.append(Row(label, f"{metric}, mean", float(values.mean()), None if spread is None else float(spread)))
    return rows


def _measured(tasks: Callable[[], list[tuple[_Task, str, bool]]]) -> Callable[[Outcome], Report]:
    def metrics(outcome: Outcome) -> Report:
        rows = []
        for i, (task, metric, each) in enumerate(tasks()):
            tables = _tables(task, outcome.setting, jax.random.fold_in(outcome.key, i))
            rows += _rows(task, tables, metric, each=each)
        return Report(tuple(rows))

    return metrics


def _bars(
    metric: str, ts: tuple[float, ...], bars: tuple[float, ...], source: str
) -> dict[tuple[str, str], tuple[float, float, str]]:
    """A distance has its bar as the tolerance around 0."""
    model = _WHO["model"]
    return {(model, f"{metric}, t = {t:g}"): (0.0, bar, source) for t, bar in zip(ts, bars, strict=True)}


def _mean_bar(name: str, metric: str, bar: float, source: str) -> dict[tuple[str, str], tuple[float, float, str]]:
    return {(f"{name}{_WHO['model']}", f"{metric}, mean"): (0.0, bar, source)}


def unfitted(name: str) -> Any:
    """These experiments build their models in their metrics: the runner fits none."""
    raise KeyError(name)


_SCALES = {
    "smoke": {"seeds": 1, "rounds": 5, "steps": 15, "copies": 1},
    "paper": {"seeds": 5, "rounds": 8, "steps": 30, "copies": 4},
}
_PARTS = {"data": None, "build": lambda _data, _key: {}, "objective": unfitted, "scales": _SCALES, "paper": "shen2025"}

_LV = "at most, 5 seeds; published W1 of SBIRR .19/.20/.30/.48, of 3MSBM .23/.18/.12/.35"
_SNAP = "at most: SnapMMD's own {}, SBIRR {}, OT midpoint {} (W2, which they call EMD)"
_VORTEX = "at most; published W1 of SBIRR .073/.072/.120/.094"


def _draw(name: str, field: Callable[[], Any], scale: float) -> Callable[[Outcome, Path], None]:
    def draw(outcome: Outcome, folder: Path) -> None:
        import matplotlib.pyplot as plt

        from .. import plot

        train, test = _split(name)
        how = {k: outcome.setting[k] for k in ("rounds", "steps", "copies")}
        found = refine(with_noise(field(), scale, train.dim), train, key=outcome.key, **how)
        ts = jnp.linspace(train.ts[0], train.ts[-1], 81)
        paths: Any = found.bridge.sample(ts, key=outcome.key, n=60)
        xs = np.asarray(paths.xs)
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6))
        left.plot(xs[..., 0].T, xs[..., 1].T, lw=0.5, alpha=0.4, color="C0")
        for record, mark, label in ((train, "o", "known"), (test, "x", "held out")):
            points = np.concatenate([np.asarray(record.cloud(k)) for k in range(len(record.ts))])
            left.plot(points[:, 0], points[:, 1], mark, ms=2, alpha=0.6, label=label)
        left.legend(fontsize=8)
        left.set(xlabel="first component", ylabel="second component", title="paths through the snapshots")
        kl = np.asarray(found.kl)
        right.semilogy(kl - kl.min() + 1e-3, "o-")
        right.set(xlabel="round", ylabel="divergence less its least", title="refinement")
        figure.tight_layout()
        plot.save(figure, folder / "bridge.png")
        plt.close("all")

    return draw


SB_LOTKA_VOLTERRA = Experiment(
    name="sb-lotka-volterra",
    summary="predators and prey from snapshots: held-out times by a bridge with a refined reference",
    metrics=_measured(
        lambda: [(_sbirr("sbirr_lv", PredatorPrey), "W1", True), (_snapmmd("snapmmd_lv", PredatorPrey), "W2", False)]
    ),
    expected=_bars("W1", (1, 3, 5, 7), (0.07, 0.07, 0.11, 0.25), _LV)
    | _mean_bar("SnapMMD's files, ", "W2", 0.060, _SNAP.format(".060", ".096", ".131")),
    draw=_draw("sbirr_lv", PredatorPrey, 0.1),
    **{**_PARTS, "data": lambda _setting, _key: load("sbirr_lv")},
)
SB_REPRESSILATOR = Experiment(
    name="sb-repressilator",
    summary="a genetic clock from snapshots: held-out times by a bridge with a refined reference",
    metrics=_measured(
        lambda: [
            (_snapmmd("snapmmd_repressilator", RepressilatorField), "W2", False),
            (_sbirr("sbirr_repressilator", RepressilatorField), "W1", True),
        ]
    ),
    expected=_mean_bar("SnapMMD's files, ", "W2", 0.102, _SNAP.format(".102", ".168", ".598")),
    draw=_draw("sbirr_repressilator", RepressilatorField, 0.1),
    **{**_PARTS, "data": lambda _setting, _key: load("snapmmd_repressilator")},
)
SB_VORTEX = Experiment(
    name="sb-vortex",
    summary="drifters in a vortex of the Gulf of Mexico: held-out times by a bridge with a refined reference",
    metrics=_measured(lambda: [(_sbirr("sbirr_gom", LinearVortex), "W1", True)]),
    expected=_bars("W1", (1, 3, 5, 7), (0.075, 0.070, 0.115, 0.070), _VORTEX),
    draw=_draw("sbirr_gom", LinearVortex, 0.1),
    **{**_PARTS, "data": lambda _setting, _key: load("sbirr_gom")},
)


def _embryoid(setting: Mapping[str, Any], key: Key) -> Snapshots:
    return load("eb_5pc")


def _leave_out(outcome: Outcome) -> Report:
    setting = outcome.setting
    whole: Any = outcome.data

    def carried(bridge: SinkhornBridge, t: Any, *, key: Key) -> np.ndarray:
        before = int(jnp.searchsorted(bridge.times, t, side="right")) - 1
        return np.asarray(bridge.carried(t, key=key))[np.asarray(bridge.data.mask[before])]

    def bridge(train: Snapshots, key: Key) -> SinkhornBridge:
        return SinkhornBridge(BrownianMotion(scale=jnp.full(train.dim, setting["scale"])), train)

    rows = []
    for cells in setting["cells"]:
        data = whole if cells is None else whole.draw(cells, key=outcome.key)
        table = leave_one_out(bridge, data, key=outcome.key, draws=carried, metrics={"W1": wasserstein1})
        side = _ALL if cells is None else f"{cells} cells a side"
        for who, name in {"model": _BRIDGE, "persistence": "persistence", "OT midpoint": "OT midpoint"}.items():
            label = f"{name}, {side}"
            rows += [Row(label, f"W1, t = {t:g}", float(v)) for t, v in zip(table.ts, table[who, "W1"], strict=True)]
            rows.append(Row(label, "W1, mean", table.mean(who, "W1")))
    there = {(row.model, row.metric) for row in rows}
    return Report(tuple(rows)).expect({name: bar for name, bar in _EMBRYOID_BARS.items() if name in there})


_BRIDGE, _ALL = "Sinkhorn bridge, Brownian", "all cells"
_EMBRYOID_BARS = {
    (f"{_BRIDGE}, {_ALL}", "W1, mean"): (0.0, 0.75, "at most; published OT-CFM .790, [SF]2M .793"),
    ("OT midpoint, 2300 cells a side", "W1, mean"): (0.759, 0.02, "computed apart, on other draws"),
}
SB_EMBRYOID = Experiment(
    name="sb-embryoid",
    summary="cells of embryoid bodies, five components: each inner stage held out in turn",
    metrics=_leave_out,
    expected={},
    **{
        **_PARTS,
        "data": _embryoid,
        "scales": {"smoke": {"cells": (300,), "scale": 0.2}, "paper": {"cells": (2300, None), "scale": 0.2}},
    },
)
