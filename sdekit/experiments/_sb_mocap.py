r"""Walking in phase space: gait cycles seen at a few phases, positions only, bridged by a spring.

The first two principal components of subject 35's joint angles, in cycles that begin where the first is largest, a
particle each; nobody's cycle is told from another's. Known are four phases a third of a cycle apart, held out those
between them. Straight lines cut the corner there. A spring with velocities that nobody has seen, $dx = v\,dt$,
$dv = -(k x + c v)\,dt + \sigma\,dW$, need not: its bridge is smooth across the snapshots, and its stiffness is refined
from none.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._types import Key
from ..bridges import SinkhornBridge, Spring, complete, held_out, refine, with_noise
from ..data import Snapshots, load
from ..evaluate import Report, Row
from ..processes import BrownianMotion
from ._experiment import Experiment, Outcome
from ._sb_snapshots import unfitted


__all__ = ["SB_MOCAP"]

_PHASES, _CYCLE, _RATE = 7, 132, 30.0
_SPRING, _STRAIGHT = "phase space, refined spring", "positions, Brownian"


def _cycles() -> Float[np.ndarray, "n t 2"]:
    """Whole cycles from where the first component is largest within a third of a second of either side."""
    parts = (load("mocap35", split=s) for s in ("train", "validation", "test"))
    ys = np.concatenate([np.asarray(part.ys, np.float64) for part in parts])  # pyright: ignore[reportAttributeAccessIssue]
    centred = ys - ys.mean((0, 1))
    flat = centred.reshape(-1, ys.shape[-1])
    axes = np.linalg.eigh(flat.T @ flat)[1][:, ::-1][:, :2]
    # The sign of an axis is that which its largest loading has when positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), [0, 1]])
    xs = centred @ axes
    xs = xs / np.sqrt((xs[..., 0] ** 2).mean())
    half, found = 40, []
    for path in xs:
        for i in range(half, len(path) - _CYCLE):
            if path[i, 0] == path[i - half : i + half + 1, 0].max():
                found.append(path[i : i + _CYCLE + 1])
    return np.stack(found)


def _data(setting: Mapping[str, Any], key: Key) -> Snapshots:
    frames = np.linspace(0, _CYCLE, _PHASES).round().astype(int)
    return Snapshots(jnp.asarray(frames / _RATE), jnp.asarray(_cycles()[:, frames].transpose(1, 0, 2)))


def _refined(train: Snapshots, setting: Mapping[str, Any], key: Key) -> tuple[SinkhornBridge, Spring]:
    """Velocities from the bridge, the spring from both, in turn."""
    # Positions have a little noise of their own, so that each component has some.
    scale = np.array([0.02, 0.02, setting["scale"], setting["scale"]])
    field = Spring()
    how = {"copies": setting["copies"], "sweeps": setting["sweeps"], "rounds": setting["fits"], "spread": 1.0}
    for i in range(setting["rounds"]):
        one, two = jax.random.split(jax.random.fold_in(key, i))
        full = complete(with_noise(field, scale), train, [0, 1], key=one, **how)
        found = refine(with_noise(field, scale), full, key=two, rounds=1, steps=setting["steps"])
        field = found.reference.drift_field
    full = complete(with_noise(field, scale), train, [0, 1], key=key, **how)
    return SinkhornBridge(with_noise(field, scale), full, tolerance=1e-2), field


def _positions(model: Any, t: Any, *, key: Key) -> Any:
    ts = jnp.stack([model.times[0], jnp.asarray(t, model.times.dtype)])
    return model.sample(ts, key=key, n=200).xs[:, 1, :2]


def _metrics(outcome: Outcome) -> Report:
    data: Any = outcome.data
    train, test = data.at(slice(0, None, 2)), data.at(slice(1, None, 2))
    n, setting = len(data), outcome.setting
    several = lambda model, t, *, key: _positions(model, t, key=key)[: 200 // n * n]
    first, draw = jax.random.split(outcome.key)
    bridge, field = _refined(train, setting, first)
    straight = SinkhornBridge(BrownianMotion(jnp.full(2, setting["brownian"])), train)
    rows = []
    for name, model in ((_SPRING, bridge), (_STRAIGHT, straight)):
        table = held_out(model, train, test, key=draw, draws=several)
        # The baselines are the same beside both.
        shown = {"model": name} | ({} if rows else {"persistence": "persistence", "OT midpoint": "OT midpoint"})
        for who, label in shown.items():
            rows += [Row(label, f"W1, t = {t:.2g}", float(v)) for t, v in zip(table.ts, table[who, "W1"], strict=True)]
            rows.append(Row(label, "W1, mean", table.mean(who, "W1")))
    rows.append(Row(_SPRING, "stiffness", float(field.stiffness)))
    rows.append(Row(_SPRING, "damping", float(field.damping)))
    return Report(tuple(rows))


SB_MOCAP = Experiment(
    name="sb-mocap",
    paper="shen2025",
    summary="gait cycles from snapshots of positions: a spring in phase space against straight lines",
    data=_data,
    build=lambda _data, _key: {},
    objective=unfitted,
    metrics=_metrics,
    expected={},
    scales={
        "smoke": {"scale": 1.0, "brownian": 0.3, "copies": 12, "sweeps": 40, "fits": 3, "rounds": 2, "steps": 15},
        "paper": {"scale": 1.0, "brownian": 0.3, "copies": 24, "sweeps": 60, "fits": 4, "rounds": 5, "steps": 30},
    },
)  # fmt: skip
