"""Held-out snapshots: what a bridge says of times that it has not seen, beside what needs no model."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import require
from .._process import AbstractProcess
from .._types import Array, Key
from ..data import Snapshots
from ..transport import assignment, wasserstein1, wasserstein2


__all__ = ["HeldOut", "baselines", "held_out", "leave_one_out"]

Metric = Callable[[Any, Any], Array]
METRICS: Mapping[str, Metric] = {"W1": wasserstein1, "W2": wasserstein2}
"""Exact Wasserstein distances. What papers call EMD is W1 with SB-irr and W2 with SnapMMD: here each has its name."""


class HeldOut:
    """A table: distances to held-out snapshots, for a model and for the baselines that need none.

    **Arguments:**

    - `ts`: the held-out times.
    - `rows`: by `(who, metric)`, one value for each time.

    !!! example

        ```python
        import numpy as np
        from sdekit.bridges import HeldOut
        print(HeldOut(np.array([1.0]), {("model", "W1"): np.array([0.2])}))
        ```
    """

    def __init__(self, ts: Float[np.ndarray, " k"], rows: Mapping[tuple[str, str], Float[np.ndarray, " k"]]):
        self.ts, self.rows = np.asarray(ts), dict(rows)

    def __getitem__(self, name: tuple[str, str]) -> np.ndarray:
        return self.rows[name]

    def mean(self, who: str, metric: str) -> float:
        """The mean over the held-out times."""
        return float(np.mean(self.rows[who, metric]))

    def to_markdown(self) -> str:
        """The table, with the mean over times last."""
        head = ["", *(f"t = {t:g}" for t in self.ts), "mean"]
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for (who, metric), values in self.rows.items():
            cells = [f"{who}, {metric}", *(f"{v:.3f}" for v in [*values, np.mean(values)])]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.to_markdown()


def baselines(train: Snapshots, t: float) -> dict[str, Float[np.ndarray, "n d"]]:
    """What needs no model: the snapshot before (persistence), and the middle of optimal transport between neighbours.

    The middle is displacement interpolation at `t`: partners in the best assignment of the two neighbouring snapshots,
    and the point between them. Of unequal snapshots the larger is thinned evenly.

    **Arguments:**

    - `train`: the snapshots that are known.
    - `t`: a time between the first and the last.

    **Returns:** particles by the name of the baseline.

    **Raises:** `ValueError` for a time that is not inside.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges
        data = sk.data.Snapshots(jnp.array([0.0, 2.0]), jnp.array([[[0.0], [1.0]], [[2.0], [3.0]]]))
        bridges.baselines(data, 1.0)["OT midpoint"]  # [[1.], [2.]]
        ```
    """
    ts = np.asarray(train.ts)
    inside = bool(ts[0] < t < ts[-1])
    require(inside, "t", f"must lie between the snapshots, in ({ts[0]}, {ts[-1]})", t, "hold out an inner time")
    k = int(np.searchsorted(ts, t, side="right") - 1)
    x, y = (np.asarray(train.cloud(i), np.float64) for i in (k, k + 1))
    n = min(len(x), len(y))
    before, x, y = x, _thin(x, n), _thin(y, n)
    y = y[assignment(((x[:, None] - y[None]) ** 2).sum(-1) if n <= 500 else _squares(x, y))]
    share = (t - ts[k]) / (ts[k + 1] - ts[k])
    return {"persistence": before, "OT midpoint": (1 - share) * x + share * y}


def _squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T


def _thin(x: np.ndarray, n: int) -> np.ndarray:
    """`n` rows, evenly: the same in every run."""
    return x[np.linspace(0, len(x) - 1, n).round().astype(int)]


def held_out(
    model: AbstractProcess,
    train: Snapshots,
    test: Snapshots,
    *,
    key: Key,
    particles: int | None = None,
    draws: Callable[..., Any] | None = None,
    metrics: Mapping[str, Metric] = METRICS,
) -> HeldOut:
    """Exact W1 and W2 between a model's draws and held-out snapshots, beside persistence and the middle of transport.

    **Arguments:**

    - `model`: a process through `train`, such as a Schroedinger bridge.
    - `train`: the snapshots it knows, for the baselines.
    - `test`: the held-out snapshots.
    - `key`: a JAX key for the draws.
    - `particles`: how many to draw for each time; as many as are held out by default.
    - `draws`: `(model, t, *, key) -> (n, d)`, where the model is not to be sampled; such as `SinkhornBridge.carried`,
        which takes each particle of the snapshot before once (where there is no padding).
    - `metrics`: distances of two clouds by name; exact W1 and W2 by default.

    **Returns:** a `HeldOut` table.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        xs = jax.random.normal(jax.random.key(0), (3, 20, 1)) + jnp.arange(3.0)[:, None, None]
        data = sk.data.Snapshots(jnp.arange(3.0), xs)
        train, test = data.at([0, 2]), data.at([1])
        bridge = bridges.SinkhornBridge(sk.processes.BrownianMotion(), train)
        print(bridges.held_out(bridge, train, test, key=jax.random.key(1)))
        ```
    """
    sizes = [int(s) for s in np.asarray(test.sizes)]
    most = max(sizes) if particles is None else particles
    if draws is None:
        drawn: Any = model.sample(jnp.concatenate([train.ts[:1], test.ts]), key=key, n=most)
        found = [drawn.xs[:, i + 1] for i in range(len(sizes))]
    else:
        found = [draws(model, t, key=jax.random.fold_in(key, i)) for i, t in enumerate(test.ts)]
    rows: dict[tuple[str, str], list[float]] = {}
    for i, t in enumerate(np.asarray(test.ts)):
        cloud = np.asarray(test.cloud(i), np.float64)
        guesses = {"model": np.asarray(found[i], np.float64), **baselines(train, float(t))}
        for who, guess in guesses.items():
            n = len(cloud)
            # Draws may be more by a whole factor; a snapshot of another size is thinned, or repeated evenly.
            guess = guess if len(guess) % n == 0 else _thin(guess, n)
            for name, metric in metrics.items():
                rows.setdefault((who, name), []).append(float(metric(guess, cloud)))
    return HeldOut(np.asarray(test.ts), {name: np.array(values) for name, values in rows.items()})


def leave_one_out(
    fit: Callable[[Snapshots, Key], AbstractProcess],
    data: Snapshots,
    *,
    key: Key,
    particles: int | None = None,
    draws: Callable[..., Any] | None = None,
    metrics: Mapping[str, Metric] = METRICS,
) -> HeldOut:
    """Each inner snapshot held out in turn: a model through all others is asked for it.

    **Arguments:**

    - `fit`: `(snapshots, key) -> process`, such as a bridge through the snapshots.
    - `data`: snapshots at three times or more.
    - `key`: a JAX key.
    - `particles`, `draws`, `metrics`: as in `held_out`.

    **Returns:** a `HeldOut` table, a column for each inner time.

    **Raises:** `ValueError` for fewer than three snapshots.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        xs = jax.random.normal(jax.random.key(0), (4, 20, 1)) + jnp.arange(4.0)[:, None, None]
        data = sk.data.Snapshots(jnp.arange(4.0), xs)
        fit = lambda train, key: bridges.SinkhornBridge(sk.processes.BrownianMotion(), train)
        print(bridges.leave_one_out(fit, data, key=jax.random.key(1)))
        ```

    Source: Tong et al. (2020), TrajectoryNet, section 5.2.
    """
    count = data.ts.shape[0]
    require(count >= 3, "data", "must have three snapshots or more", data, "there is no inner time to hold out")
    tables = []
    for k in range(1, count - 1):
        one, two = jax.random.split(jax.random.fold_in(key, k))
        train = data.at([i for i in range(count) if i != k])
        model = fit(train, one)
        tables.append(held_out(model, train, data.at([k]), key=two, particles=particles, draws=draws, metrics=metrics))
    names = tables[0].rows
    return HeldOut(np.asarray(data.ts[1:-1]), {n: np.concatenate([t.rows[n] for t in tables]) for n in names})
