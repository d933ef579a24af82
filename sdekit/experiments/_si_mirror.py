r"""The mirror interpolant: a whole law regenerated from one of its points, with the score alone.

$x_t = x_1 + \gamma z$ begins and ends at data: $b = -\gamma\dot\gamma s$ is told by the score, and the diffusion with
$\epsilon > 0$ forgets where it began. All paths start at one point of the checkerboard; what arrives should have the
mass of every cell right and little off the cells. With a small $\epsilon$ the start is not forgotten. Here
$\epsilon(t) = 4e\,t(1 - t)$, in proportion to $\gamma^2$: near the ends there is less to forget, and edges stay sharp.
Steps are those of $t = \sin^2(\pi u/2)$ with even $u$, fine at both ends: equal steps that stop at .999, where $\gamma$
is still .13, put a tenth of the mass off the cells even with the exact field.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array, Key
from ..data import Snapshots
from ..evaluate import Report, Row
from ..interpolants import (
    AbstractTimes,
    AffinePath,
    EulerStep,
    Field,
    InterpolantMatching,
    Noise,
    brownian_gamma,
    generate,
    mirror,
)
from ..transport import sliced_wasserstein
from ._experiment import Experiment, Outcome
from ._planar import Waves, checkerboard, leak
from ._score_sde_2d import Standardised
from ._training import adam, single


__all__ = ["SI_MIRROR", "cells", "regenerated"]

_START, _CLOSE = (1.0, 1.0), 5e-5
_EPSILONS = (2.0, 8.0, 32.0)
_NAME, _DATA = "mirror", "another sample"
_W2, _LEAK, _LEAST = "sliced W2", "mass off the cells", "least mass of a cell over 1/8"


class BothEnds(AbstractTimes):
    """Times whose distance from the nearer end is even in its logarithm, from 1/20,000 to 1/2: as many looks at each
    level of noise."""

    def draw(self, path: AffinePath, n: int, dtype: Any, *, key: Key) -> tuple[Array, Array]:
        first, rest = jax.random.split(key)
        u = (jnp.arange(n, dtype=dtype) + jax.random.uniform(first, (n,), dtype)) / n
        near = (0.5 * jnp.exp(-jnp.log(1e4) * u)).astype(dtype)
        return jnp.where(jax.random.bernoulli(rest, 0.5, (n,)), near, 1 - near), jnp.ones(n, dtype)


def _bump(height, t):
    return 4 * height * t * (1 - t)


@eqx.filter_jit
def regenerated(field: Field, epsilon: float, n: int, key: Key, steps: int = 800) -> Array:
    """The ends of `n` paths from the one point, shape `(n, 2)`."""
    u = jnp.linspace(0.0, 1.0, steps + 1)
    grid = (_CLOSE + (1 - 2 * _CLOSE) * jnp.sin(jnp.pi * u / 2) ** 2).astype(jnp.float32)
    step, start = EulerStep(epsilon=jax.tree_util.Partial(_bump, epsilon)), jnp.array(_START, jnp.float32)
    return jax.vmap(lambda k: generate(field, start, grid, key=k, step=step)[-1])(jax.random.split(key, n))


def cells(x: Any) -> np.ndarray:
    """The mass of the eight cells of the checkerboard."""
    x = np.asarray(x)
    inside = (np.abs(x) < 4).all(1)
    i, j = np.floor(x[inside] / 2).astype(int).T + 2
    return np.bincount((4 * i + j)[(i + j) % 2 == 0], minlength=16).astype(float)[_CELLS] / len(x)


_CELLS = [4 * i + j for i in range(4) for j in range(4) if (i + j) % 2 == 0]


def _metrics(outcome: Outcome) -> Report:
    field, n, keys = outcome.fits[_NAME].model, outcome.setting["paths"], jax.random.split(outcome.key, 4)
    true, other = checkerboard(n, keys[0]), checkerboard(n, keys[1])
    clouds = {f"{_NAME}, epsilon {e:g}": regenerated(field, e, n, keys[2]) for e in _EPSILONS} | {_DATA: other}
    rows = []
    for name, x in clouds.items():
        distance = float(sliced_wasserstein(x, true, key=keys[3], projections=200))
        least = float(cells(x).min() * 8)
        rows += [
            Row(name, _W2, distance, None, 0.0),
            Row(name, _LEAK, float(leak(x)), None, 0.0),
            Row(name, _LEAST, least),
        ]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    """Where paths from one point arrive, for three epsilons."""
    import matplotlib.pyplot as plt

    from .. import plot

    with plot.style():
        figure, axes = plt.subplots(1, len(_EPSILONS), figsize=(9.0, 3.1), sharey=True)
        for ax, e in zip(axes, _EPSILONS, strict=True):
            x = np.asarray(regenerated(outcome.fits[_NAME].model, e, 2000, outcome.key))
            ax.scatter(*x.T, s=1.2, lw=0, alpha=0.6, color=plot.PALETTE[0])
            ax.plot(*_START, marker="+", ms=10, mew=2, color=plot.PALETTE[1])
            ax.set(title=f"epsilon {e:g}", aspect="equal", xlim=(-4.7, 4.7), ylim=(-4.7, 4.7))
        plot.save(figure, folder / "mirror.png")
    plt.close("all")


def _build(_data: Any, key: Key) -> dict[str, Field]:
    path = mirror(brownian_gamma(16.0))
    net = single(Waves(128, 3, key, turn=1.0))
    scaled = Standardised(path, net, jnp.float32((16 / 3) ** 0.5))
    return {_NAME: Field(path, Noise(scaled))}


SI_MIRROR = Experiment(
    name="si-mirror",
    paper="albergo2023",
    summary="the mirror interpolant regenerates a checkerboard from one of its points",
    data=lambda setting, key: Snapshots(jnp.zeros(1, jnp.float32), checkerboard(setting["n"], key)[None]),
    build=_build,
    objective=lambda _name: InterpolantMatching(times=BothEnds()),
    metrics=_metrics,
    expected={
        (f"{_NAME}, epsilon 32", _LEAST): (1.0, 0.25, "exact: equal mass; a bar of a quarter, set before it ran")
    },
    scales={
        "smoke": {"n": 20_000, "paths": 1000, "fit": adam(300, 3e-3)},
        "paper": {"n": 200_000, "paths": 2000, "fit": adam(6000, 3e-3)},
    },
    fit={"batch_size": 256, "chunk": 500},
    baseline=_DATA,
    draw=_draw,
)  # fmt: skip
