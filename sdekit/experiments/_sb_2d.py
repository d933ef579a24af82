r"""Bridges in the plane, learned by matching: W2 between 10,000 draws of the end and 10,000 of the truth.

The standard normal to eight Gaussians, to two moons and to an S-curve, and eight Gaussians to two moons. Both drifts
are networks, regressed on Brownian motion of scale $\sigma$ pinned at pairs of the exact coupling in large batches.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._types import Array, Key
from ..bridges import BridgeMatching, MatchedBridge, coupled
from ..data import Series, Snapshots, load
from ..evaluate import Report, Row
from ..fit import Fit, fit
from ..nets import MLPField
from ..processes import BrownianMotion
from ..transport import Exact, Minibatch, wasserstein2
from ._experiment import Experiment, Outcome
from ._sb_snapshots import unfitted
from ._training import adam


__all__ = ["SB_2D"]

_SDE, _FLOW, _FLOOR, _START = "matched bridge", "its probability flow", "fresh draws of the truth", "the start itself"
_W2 = "W2"


def _normal(key: Key, n: int) -> Array:
    return jax.random.normal(key, (n, 2))


def _eight(key: Key, n: int) -> Array:
    """As torchcfm draws them: a radius of 5, and a variance that is the root of .1."""
    pick, noise = jax.random.split(key)
    angle = jax.random.randint(pick, (n,), 0, 8) * (jnp.pi / 4)
    return 5 * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1) + 0.1**0.25 * jax.random.normal(noise, (n, 2))


def _moons(key: Key, n: int) -> Array:
    return load("gaussians_to_moons", key=key, n=n).xs[1]


def _s_curve(key: Key, n: int) -> Array:
    """That of scikit-learn seen from the side, noise .1, times 1.5."""
    turn, noise = jax.random.split(key)
    t = 3 * jnp.pi * (jax.random.uniform(turn, (n,)) - 0.5)
    points = jnp.stack([jnp.sin(t), jnp.sign(t) * (jnp.cos(t) - 1)], axis=1)
    return 1.5 * (points + 0.1 * jax.random.normal(noise, (n, 2)))


_CASES: dict[str, tuple[Callable, Callable, float, str]] = {
    "N to 8 Gaussians": (_normal, _eight, 0.275, "[SF]2M-Exact .275, OT-CFM .303, DSBM-IPF .315"),
    "8 Gaussians to moons": (_eight, _moons, 0.60, "OT-CFM .601, [SF]2M-Exact .726, DSBM-IPF .812"),
    "N to moons": (_normal, _moons, 0.124, "[SF]2M-Exact .124, OT-CFM .130, DSBM-IPF .140"),
    "N to S-curve": (
        _normal,
        _s_curve,
        0.128,
        "[SF]2M-Exact .128, DSBM-IPF .140, OT-CFM .144; their scaling not known",
    ),
}


def _snapshots(name: str, n: int, key: Key) -> Snapshots:
    first, second, _, _ = _CASES[name]
    a, b = jax.random.split(key)
    return Snapshots(jnp.array([0.0, 1.0]), jnp.stack([first(a, n), second(b, n)]))


def _pairs(data: Snapshots, setting: Mapping[str, Any], key: Key) -> Series:
    return coupled(data, Minibatch(Exact(), setting["block"]), key=key)


def _fitted(data: Snapshots, setting: Mapping[str, Any], key: Key) -> Fit:
    keys = jax.random.split(key, 4)
    parts = [MLPField(2, setting["width"], 3, time=True, key=k) for k in keys[:2]]
    reference = BrownianMotion(jnp.full(2, setting["scale"]))
    start = MatchedBridge(reference, data, *parts, steps=setting["grid"])
    how = {**adam(setting["steps"], setting["rate"], average=True), "batch_size": setting["batch"], "progress": False}
    return fit(start, BridgeMatching(), _pairs(data, setting, keys[2]), key=keys[3], **how)


@eqx.filter_jit
def _ends(bridge: MatchedBridge, starts: Array, key: Key) -> tuple[Array, Array]:
    keys = jax.random.split(key, starts.shape[0])
    return jax.vmap(lambda x, k: bridge.end(x, key=k))(starts, keys), jax.vmap(lambda x: bridge.transport(x))(starts)


def _rows(name: str, setting: Mapping[str, Any], key: Key) -> list[Row]:
    keys = jax.random.split(key, 5)
    bridge = _fitted(_snapshots(name, setting["particles"], keys[0]), setting, keys[1]).model
    n = setting["points"]
    test, again = (_snapshots(name, n, k) for k in keys[2:4])
    drawn, moved = _ends(bridge, test.xs[0], keys[4])
    found = {_SDE: drawn, _FLOW: moved, _FLOOR: again.xs[1], _START: test.xs[0]}
    return [Row(f"{who}, {name}", _W2, float(wasserstein2(xs, test.xs[1]))) for who, xs in found.items()
            if who in setting["measured"]]  # fmt: skip


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for i, name in enumerate(outcome.setting["cases"]):
        rows += _rows(name, outcome.setting, jax.random.fold_in(outcome.key, i))
    bars = {(f"{_SDE}, {n}", _W2): (0.0, _CASES[n][2], f"at most; {_CASES[n][3]}") for n in outcome.setting["cases"]}
    return Report(tuple(rows)).expect(bars)


def _data(setting: Mapping[str, Any], key: Key) -> Snapshots:
    """Those of the first case; the others are drawn with their models."""
    return _snapshots(setting["cases"][0], 1000, key)


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    name = outcome.setting["cases"][-1]
    keys = jax.random.split(outcome.key, 3)
    bridge = _fitted(_snapshots(name, outcome.setting["particles"], keys[0]), outcome.setting, keys[1]).model
    path: Any = bridge.sample(jnp.linspace(0.0, 1.0, 41), key=keys[2], n=400)
    figure, ax = plt.subplots(figsize=(4, 4))
    ax.plot(*path.xs[:60].transpose(2, 1, 0), lw=0.4, color="C0", alpha=0.6)
    ax.scatter(*path.xs[:, 0].T, s=4, color="0.5", label="start")
    ax.scatter(*path.xs[:, -1].T, s=4, color="C1", label="end")
    ax.set(title=name, aspect="equal")
    ax.legend()
    plot.save(figure, folder / "paths.png")
    plt.close("all")


SB_2D = Experiment(
    name="sb-2d",
    paper="tong2024",
    summary="bridges in the plane learned by matching: eight Gaussians, moons, S-curve",
    data=_data,
    build=lambda _data, _key: {},
    objective=unfitted,
    metrics=_metrics,
    expected={},
    scales={
        "smoke": {"cases": ("N to moons",), "particles": 4000, "block": 500, "width": 64, "scale": 0.5, "steps": 400,
                  "rate": 3e-3, "batch": 256, "grid": 20, "points": 1000, "measured": (_SDE, _FLOW, _FLOOR, _START)},
        "paper": {"cases": tuple(_CASES), "particles": 20_000, "block": 500, "width": 64, "scale": 0.5, "steps": 2000,
                  "rate": 3e-3, "batch": 256, "grid": 40, "points": 10_000,
                  "measured": (_SDE, _FLOOR, _START)},
    },
    draw=_draw,
)  # fmt: skip
