r"""Score SDEs in the plane: three diffusions, four samplers at the same number of evaluations, exact likelihoods.

Data are eight Gaussians on a circle, whose density is known: the divergence from a learned flow is the mean
difference of log-densities on new data. VE, VP and sub-VP diffusions are three paths with one network each, which
predicts the noise from the state scaled to variance about one, and from its sines and cosines: without them the
network is too smooth where noise is as wide as a Gaussian of the data. Samplers spend 100 evaluations a sample:
Euler-Maruyama on Anderson's reverse, ancestral steps, ancestral predictor with Langevin corrector (50 of each), and
the flow by a two-step exponential integrator, which is also shown with 20.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._draws import draws
from .._parameters import AbstractParametric, parameter
from .._types import Array, Key, Law, RealScalar, State
from ..data import Snapshots
from ..evaluate import Report, Row
from ..interpolants import (
    AbstractStep,
    AffinePath,
    EulerStep,
    ExponentialStep,
    Field,
    InterpolantMatching,
    LangevinStep,
    LogSNRTimes,
    Noise,
    base_law,
    exact_field,
    generate,
    log_prob,
    log_snr_grid,
    sub_variance_preserving,
    uniform_grid,
    variance_exploding,
    variance_preserving,
)  # fmt: skip
from ..transport import sliced_wasserstein
from ._experiment import Experiment, Outcome
from ._planar import Waves, eight_gaussians
from ._training import adam, single


__all__ = ["SCORE_SDE_2D", "Standardised"]

_STOP = 1e-3
_KL, _PATHS_KL, _W2 = "KL of the data from the flow", "KL of paths of the diffusion", "sliced W2"
_PATHS: Mapping[str, AffinePath] = {
    "VE": variance_exploding(0.01, 10.0),
    "VP": variance_preserving(),
    "sub-VP": sub_variance_preserving(),
}
_NFE = 100


class Standardised(AbstractParametric):
    """A network of the level of noise and of the state scaled to variance about one."""

    path: Any = eqx.field(metadata={"trainable": False})
    net: Waves
    scale: Float[Array, ""] = parameter(trainable=False)
    """The deviation of the data."""

    def __call__(self, t: RealScalar, x: State) -> State:
        c, g = self.path.datum.square(t) * self.scale**2, self.path.gamma.square(t)
        level = jnp.log((g + 1e-4) / (c + 1e-4)) / 4
        return self.net(level, x / jnp.sqrt(c + g))


def samplers(path: AffinePath) -> Mapping[str, tuple[AbstractStep, int, bool]]:
    """By name: the step, how many, and whether evenly in the logarithm of the ratio of signal to noise."""
    ancestral = ExponentialStep(order=1, eta=1.0)
    return {
        "Euler-Maruyama, 100 steps": (EulerStep(epsilon=path.diffusivity), _NFE, False),
        "ancestral, 100 steps": (ancestral, _NFE, True),
        "predictor-corrector, 50 and 50": (LangevinStep(ancestral), _NFE // 2, True),
        "flow, exponential of order 2, 100 steps": (ExponentialStep(), _NFE, True),
        "flow, exponential of order 2, 20 steps": (ExponentialStep(), 20, True),
    }


def law() -> Law:
    """Eight Gaussians on a circle of radius 1.5."""
    return eight_gaussians(0.1**0.5 * (1.5 / 5) ** 2, 1.5)


@eqx.filter_jit
def sample(field: Field, step: AbstractStep, grid: Array, n: int, key: Key) -> Array:
    """Ends of `n` paths along a grid, shape `(n, 2)`."""
    base = base_law(field.path, 2, jnp.float32)

    def one(k):
        first, rest = jax.random.split(k)
        return generate(field, jnp.asarray(base.sample(first)), grid, key=rest, step=step)[-1]

    return jax.vmap(one)(jax.random.split(key, n))


@eqx.filter_jit
def _densities(field: Field, x: Array) -> Array:
    return jax.vmap(lambda y: log_prob(field, y, base_law(field.path, 2, jnp.float32), start=_STOP, steps=60))(x)


@eqx.filter_jit
def path_divergence(field: Field, exact: Field, x0: Array, key: Key) -> Array:
    r"""Of the laws of paths of the reverse, by Girsanov: $\tfrac12 \int E|\hat\eta - \eta|^2$ over the log-SNR.

    It bounds that of the data from the diffusion with $\epsilon = g^2/2$; there is no such bound for the flow.
    """
    low, high = (exact.path.log_snr(jnp.asarray(t, x0.dtype)) for t in (1.0, _STOP))
    n = x0.shape[0]
    level = low + (high - low) * (jnp.arange(n, dtype=x0.dtype) + 0.5) / n

    def one(level, x0, z):
        t = exact.path.time_of(level)
        x = exact.path.combine(t, x0, None, z)
        return jnp.sum((field.noise(t, x) - exact.noise(t, x)) ** 2)

    return (high - low) / 2 * jax.vmap(one)(level, x0, jax.random.normal(key, x0.shape, x0.dtype)).mean()


def _drawn(field: Field, key: Key, n: int) -> dict[str, Array]:
    found = {}
    for i, (name, (step, steps, even)) in enumerate(samplers(field.path).items()):
        grid = (log_snr_grid if even else uniform_grid)(field.path, steps, stop=_STOP)
        found[name] = sample(field, step, grid, n, jax.random.fold_in(key, i))
    return found


def _metrics(outcome: Outcome) -> Report:
    n, keys = outcome.setting["samples"], jax.random.split(outcome.key, 5)
    true, other = draws(law(), n, keys[0]), draws(law(), n, keys[1])
    x = draws(law(), outcome.setting["points"], keys[2])
    rows = []
    distance = lambda y: float(sliced_wasserstein(y, true, key=keys[3], projections=200))
    for name, fit in outcome.fits.items():
        gap = np.asarray(jax.vmap(law().log_prob)(x) - _densities(fit.model, x))
        rows.append(Row(name, _KL, float(gap.mean()), float(gap.std() / len(gap) ** 0.5), 0.0))
        exact = exact_field(fit.model.path, law())
        rows.append(Row(name, _PATHS_KL, float(path_divergence(fit.model, exact, true, keys[4])), None, 0.0))
        for sampler, y in _drawn(fit.model, keys[4], n).items():
            rows.append(Row(name, f"{_W2}, {sampler}", distance(y), None, 0.0))
    return Report((*rows, Row("another sample", _W2, distance(other), None, 0.0)))


def _draw(outcome: Outcome, folder: Path) -> None:
    """Samples by path and sampler."""
    import matplotlib.pyplot as plt

    from .. import plot

    with plot.style():
        figure, axes = plt.subplots(len(outcome.fits), 5, figsize=(9.5, 2.0 * len(outcome.fits)), squeeze=False)
        for row, (name, fit) in zip(axes, outcome.fits.items(), strict=True):
            for ax, (sampler, y) in zip(
                row, _drawn(fit.model, outcome.key, outcome.setting["samples"]).items(), strict=True
            ):
                ax.scatter(*np.asarray(y[:2000]).T, s=1, lw=0, color=plot.PALETTE[0])
                ax.set(aspect="equal", xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), xticks=[], yticks=[])
                ax.set_title(f"{name}: {sampler.replace('exponential of ', '')}", fontsize=6.5)
        plot.save(figure, folder / "samples.png")
    plt.close("all")


def _build(data: Any, key: Key) -> dict[str, Field]:
    scale = jnp.sqrt(jnp.mean(jnp.var(data.xs[0], axis=0)))
    net = lambda i: single(Waves(128, 3, jax.random.fold_in(key, i), turn=1.0))
    return {
        name: Field(path, Noise(Standardised(path, net(i), scale))) for i, (name, path) in enumerate(_PATHS.items())
    }


def _objective(_name: str) -> InterpolantMatching:
    # Each level of noise counts alike.
    return InterpolantMatching(times=LogSNRTimes(-10.0, 8.0, importance=False))


_STEPS = {"smoke": 300, "paper": 6000}

SCORE_SDE_2D = Experiment(
    name="score-sde-2d",
    paper="song2021",
    summary="VE, VP and sub-VP diffusions in the plane: samplers at equal cost, likelihood against the exact law",
    data=lambda setting, key: Snapshots(jnp.zeros(1, jnp.float32), draws(law(), setting["n"], key)[None]),
    build=_build,
    objective=_objective,
    metrics=_metrics,
    expected={(name, _KL): (0.0, 0.05, "exact density; a bar of 0.05 nats, set before it ran") for name in _PATHS},
    scales={
        "smoke": {"n": 10_000, "samples": 1000, "points": 200, "fit": adam(_STEPS["smoke"], 3e-3)},
        "paper": {
            "n": 100_000,
            "samples": 4000,
            "points": 1000,
            "fit": {**adam(_STEPS["paper"], 3e-3), "batch_size": 512},
        },
    },
    fit={"batch_size": 256, "chunk": 500},
    draw=_draw,
)
