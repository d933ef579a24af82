r"""Flows of the plane at a fixed budget, on five paired seeds, and one with a budget to reach the entropy.

`si-checkerboard` and `si-moons` are the protocol of the benchmark `bench_generation.py`, where torchcfm trains the same
network on the same points, but for the rate of Adam, which falls along a cosine: at a constant rate the likelihood of
one run moves by tenths of a nat between one step and another hundred later. The entropy of the checkerboard is
$\log 32$ exactly, so that what a likelihood lacks is known; mass off its cells is what the flow smears over the edges.
`si-checkerboard-full` asks how near one can come.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array, Key, Law
from ..data import Snapshots
from ..evaluate import Report, Row
from ..inference import AbstractObjective
from ..interpolants import Field, InterpolantMatching, Velocity, flow_matching
from ..transport import sliced_wasserstein
from . import _planar as planar
from ._experiment import Experiment, Outcome
from ._training import adam, single


__all__ = ["SI_CHECKERBOARD", "SI_CHECKERBOARD_FULL", "SI_MOONS"]

_FLOW, _SHORT, _GAUSSIAN, _EXACT = "flow", "flow, few steps", "Gaussian fit", "data"
_NLL, _W2, _LEAK = "NLL", "sliced W2", "mass off the cells"
_SEEDS = 5


def _data(base: Callable[[], Law], data: Callable[[int, Key], Array]):
    def make(setting, key):
        first, rest = jax.random.split(key)
        return planar.pairs(base(), data(setting["n"], first), rest)

    return make


def _seeds(_data: Any, key: Key) -> Mapping[str, Field]:
    fields = {f"seed {i}": planar.plain_field(jax.random.fold_in(key, i)) for i in range(_SEEDS)}
    return fields | {_SHORT: fields["seed 0"]}


def _large(_data: Any, key: Key) -> Mapping[str, Field]:
    field = Field(flow_matching(), Velocity(single(planar.Waves(128, 4, key))))
    return {_FLOW: field, _SHORT: field}


def gaussian_nll(train: Array, test: Array) -> float:
    """That of the Gaussian law with the moments of `train`, on `test`."""
    known = np.asarray(train, np.float64)
    covariance, left = np.cov(known.T), np.asarray(test) - known.mean(0)
    white = np.einsum("ni,ij,nj->n", left, np.linalg.inv(covariance), left)
    return float((white.mean() + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2)


def _mean(who: str, rows: list[dict[str, float]], name: str, metric: str) -> Row:
    """The mean over the fits and its error; that over the points if there is one fit."""
    values = [row[name] for row in rows]
    error = float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else None
    error = rows[0]["NLL, error"] if error is None and name == "NLL" else error
    return Row(who, metric, float(np.mean(values)), error, 0.0 if metric != _NLL else -np.inf)


def _metrics(base: Callable[[], Law], data: Callable[[int, Key], Array], entropy: float, cells: bool):
    def measure(outcome: Outcome) -> Report:
        keys = jax.random.split(outcome.key, 4)
        points = outcome.setting["points"]
        found = [planar.scores(fit.model, base(), data, keys[0], points) for fit in outcome.fits.values()]
        who = _SHORT if _SHORT in outcome.fits else _FLOW
        names = (("NLL", _NLL), ("sliced W2", _W2), *((("leak", _LEAK),) if cells else ()))
        rows = [_mean(who, found, name, metric) for name, metric in names]
        train = cast(Snapshots, outcome.data).xs[1]
        rows.append(Row(_GAUSSIAN, _NLL, gaussian_nll(train, data(points, keys[1])), None, -np.inf))
        one, two = (data(planar.SAMPLES, k) for k in keys[1:3])
        floor = sliced_wasserstein(one, two, key=keys[3], projections=planar.PROJECTIONS)
        return Report((*rows, Row(_EXACT, _NLL, entropy, None, -np.inf), Row(_EXACT, _W2, float(floor), None, 0.0)))

    return measure


def _draw(base: Callable[[], Law], data: Callable[[int, Key], Array]):
    def draw(outcome: Outcome, folder: Path) -> None:
        """Data, samples of the first flow, and its density on a grid."""
        import matplotlib.pyplot as plt

        from .. import plot

        field, keys = next(iter(outcome.fits.values())).model, jax.random.split(outcome.key, 2)
        some = np.asarray(data(planar.SAMPLES, keys[0]))
        found = np.asarray(planar.sampled(field, base(), keys[1]))
        low, high = some.min(0) - 0.7, some.max(0) + 0.7
        x, y = (np.linspace(a, b, 90, dtype=np.float32) for a, b in zip(low, high, strict=True))
        grid = jnp.asarray(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2))
        density = np.exp(-np.asarray(planar.nll(field, base(), grid, 25))).reshape(90, 90)
        with plot.style():
            figure, axes = plt.subplots(1, 3, figsize=(9.0, 3.1), sharex=True, sharey=True)
            for ax, cloud, title in ((axes[0], some, "data"), (axes[1], found, "samples")):
                ax.scatter(*cloud.T, s=1.2, lw=0, alpha=0.6, color=plot.PALETTE[0])
                ax.set_title(title)
            axes[2].pcolormesh(x, y, density, cmap="Blues", vmax=np.quantile(density, 0.99), shading="gouraud")
            axes[2].set_title("density by the flow")
            for ax in axes:
                ax.set(aspect="equal", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
            plot.save(figure, folder / "flow.png")
        plt.close("all")

    return draw


def _objective(_name: str) -> AbstractObjective:
    return InterpolantMatching()


def _experiment(name, summary, base, data, entropy, cells, build, expected, scales) -> Experiment:
    return Experiment(
        name=name,
        paper="albergo2023",
        summary=summary,
        data=_data(base, data),
        build=build,
        objective=_objective,
        metrics=_metrics(base, data, entropy, cells),
        expected=expected,
        scales=scales,
        fit={"batch_size": 256, "chunk": 500},
        baseline=_GAUSSIAN,
        draw=_draw(base, data),
    )


_FIXED: Any = {
    "smoke": {"n": 20_000, "points": 500, "models": (_SHORT,), "fit": adam(1500, 2e-3)},
    "paper": {
        "n": planar.POOL,
        "points": planar.POINTS,
        "models": tuple(f"seed {i}" for i in range(_SEEDS)),
        "fit": adam(5000, 2e-3),
    },
}


def _between(entropy: float, peer: float) -> tuple[float, float, str]:
    return (
        (entropy + peer) / 2,
        (peer - entropy) / 2,
        f"at most {peer}, torchcfm's mean (docs, benchmark), at a constant rate",
    )


_LOG32 = planar.CHECKERBOARD_ENTROPY
_BOARD: tuple[Any, Any, Any, Any] = (planar.standard_normal, planar.checkerboard, _LOG32, True)

SI_CHECKERBOARD = _experiment(
    "si-checkerboard", "a checkerboard from a Gaussian at a fixed budget: likelihood against its entropy, log 32",
    *_BOARD, _seeds, {(_FLOW, _NLL): _between(_LOG32, 3.921)}, _FIXED,
)  # fmt: skip
SI_CHECKERBOARD_FULL = _experiment(
    "si-checkerboard-full", "the checkerboard with a larger network and budget",
    *_BOARD, _large, {(_FLOW, _NLL): ((_LOG32 + 3.60) / 2, (3.60 - _LOG32) / 2, "between its entropy and 3.60")},
    {
        "smoke": {"n": 20_000, "points": 500, "models": (_SHORT,), "fit": {**adam(500, 3e-3), "batch_size": 256}},
        "paper": {
            "n": planar.POOL,
            "models": (_FLOW,),
            "points": planar.POINTS,
            "fit": {**adam(20_000, 3e-3), "batch_size": 512},
        },
    },
)  # fmt: skip
SI_MOONS = _experiment(
    "si-moons", "two moons from eight Gaussians at a fixed budget",
    planar.eight_gaussians, planar.moons, planar.MOONS_ENTROPY, False, _seeds,
    {(_FLOW, _NLL): _between(planar.MOONS_ENTROPY, 3.230)}, _FIXED,
)  # fmt: skip
