r"""What a free network's score is not, a gradient, and how many directions data have, read off the flow.

A swiss roll in three dimensions and a sphere, turned into five. To each a free network is trained and one that is the
gradient of a scalar. Errors of a score that are no gradient may leave all marginals as they are (gauge freedom): it is
not samples that show them, but the asymmetry of the Jacobian. The singular values of the flow from noise to data fall
towards zero off the manifold; the largest gap between their logarithms tells the dimension, 2.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array, Key, RealScalar, State
from ..data import Snapshots
from ..evaluate import Report, Row
from ..inference import AbstractObjective
from ..interpolants import (
    ExponentialStep,
    Field,
    InterpolantMatching,
    LogSNRTimes,
    Noise,
    asymmetry,
    base_law,
    flow_spectrum,
    generate,
    intrinsic_dimension,
    log_snr_grid,
    variance_preserving,
)  # fmt: skip
from ..nets import MLPField
from ..transport import sliced_wasserstein
from ._experiment import Experiment, Outcome
from ._score_sde_2d import Standardised
from ._training import adam, single


__all__ = ["GAUGE_MANIFOLD", "sphere", "swiss_roll"]

_PARTS = {"swiss roll": (0, 3), "sphere": (3, 8)}
_FREE, _GRADIENT = "free", "gradient"
_DIMENSION, _GAP, _ASYMMETRY, _W2 = "dimension", "largest gap of logarithms", "asymmetry of the Jacobian", "sliced W2"
_STOP, _AT = 0.005, 0.2


def swiss_roll(n: int, key: Key) -> Array:
    """A sheet rolled up in three dimensions, of deviation about one, shape `(n, 3)`."""
    turn, height = jax.random.uniform(key, (2, n))
    phi = 1.5 * jnp.pi * (1 + 2 * turn)
    return jnp.stack([phi * jnp.cos(phi) / 7, 3 * (height - 0.5), phi * jnp.sin(phi) / 7], axis=1)


def sphere(n: int, key: Key) -> Array:
    """The unit sphere times root three, in a random hyperplane of five dimensions, shape `(n, 5)`."""
    x = jax.random.normal(key, (n, 3))
    frame, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 3)))
    return 3**0.5 * x / jnp.linalg.norm(x, axis=1, keepdims=True) @ jnp.asarray(frame.T, x.dtype)


class Gradient(eqx.Module):
    """The gradient of a network's output along the state."""

    net: Standardised

    def __call__(self, t: RealScalar, x: State) -> State:
        return jax.grad(lambda y: jnp.sum(self.net(t, y) * y))(x)


class _Part(AbstractObjective):
    """The loss of some of the components."""

    first: int = eqx.field(static=True)
    last: int = eqx.field(static=True)
    matching: InterpolantMatching

    def __call__(self, model: Any, batch: Any, *, key: Key):
        some = eqx.tree_at(lambda b: b.xs, batch, batch.xs[..., self.first : self.last])
        return self.matching(model, some, key=key)


def _data(setting, key):
    keys = jax.random.split(key, 2)
    both = jnp.concatenate([swiss_roll(setting["n"], keys[0]), sphere(setting["n"], keys[1])], axis=1)
    return Snapshots(jnp.zeros(1, jnp.float32), single(both)[None])


def _build(_data: Any, key: Key) -> dict[str, Field]:
    found, path = {}, variance_preserving()
    for i, (name, (a, b)) in enumerate(_PARTS.items()):
        net = single(MLPField(b - a, 96, 3, time=True, out_scale=1.0, key=jax.random.fold_in(key, i)))
        scaled = Standardised(path, net, jnp.float32(1))
        for kind, function in ((_FREE, scaled), (_GRADIENT, Gradient(scaled))):
            found[f"{name}, {kind}"] = Field(path, Noise(function))
    return found


def _objective(name: str) -> AbstractObjective:
    times = LogSNRTimes(-8.0, 8.0, importance=False)
    return _Part(*_PARTS[name.rsplit(", ", 1)[0]], InterpolantMatching(times=times))


@eqx.filter_jit
def _spectra(field: Field, x: Array) -> Array:
    """Logarithms of singular values, the mean over states."""
    one = lambda y: flow_spectrum(field, y, start=1.0, stop=_STOP, steps=100)
    return jnp.log(jax.vmap(one)(x)).mean(0)


@eqx.filter_jit
def _samples(field: Field, dim: int, key: Key, n: int) -> Array:
    grid, base = log_snr_grid(field.path, 60, stop=_STOP), base_law(field.path, dim, jnp.float32)

    def one(k):
        first, rest = jax.random.split(k)
        return generate(field, jnp.asarray(base.sample(first)), grid, key=rest, step=ExponentialStep())[-1]

    return jax.vmap(one)(jax.random.split(key, n))


@eqx.filter_jit
def _asymmetries(field: Field, x: Array) -> Array:
    return jax.vmap(lambda y: asymmetry(lambda z: field.score(_AT, z), y))(x).mean()


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for name, fit in outcome.fits.items():
        kind, field, keys = name.rsplit(", ", 1)[0], fit.model, jax.random.split(outcome.key, 5)
        make = {"swiss roll": swiss_roll, "sphere": sphere}[kind]
        true, n = single(make(outcome.setting["samples"], keys[0])), outcome.setting["states"]
        dim = true.shape[1]
        spectrum = _spectra(field, jax.random.normal(keys[1], (n, dim), jnp.float32))
        gaps = np.asarray(spectrum[:-1] - spectrum[1:])
        noise = jax.random.normal(keys[2], (n, dim), jnp.float32)
        c, g = field.path.datum(_AT), field.path.gamma(_AT)
        distance = sliced_wasserstein(_samples(field, dim, keys[3], len(true)), true, key=keys[4], projections=200)
        rows += [
            Row(name, _DIMENSION, float(intrinsic_dimension(jnp.exp(spectrum)))),
            Row(name, _GAP, float(gaps.max())),
            Row(name, _ASYMMETRY, float(_asymmetries(field, single(c * true[:n] + g * noise))), None, 0.0),
            Row(name, _W2, float(distance), None, 0.0),
        ]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    """Singular values of the flows, and samples of the roll."""
    import matplotlib.pyplot as plt

    from .. import plot

    with plot.style():
        figure, axes = plt.subplots(1, 4, figsize=(9.4, 2.6))
        for i, (name, fit) in enumerate(outcome.fits.items()):
            kind, key = name.rsplit(", ", 1)
            a, b = _PARTS[kind]
            x = jax.random.normal(outcome.key, (outcome.setting["states"], b - a), jnp.float32)
            values = np.exp(np.asarray(_spectra(fit.model, x)))
            ax = axes[list(_PARTS).index(kind)]
            ax.semilogy(np.arange(1, b - a + 1), values, marker="o", ms=3, color=plot.PALETTE[i % 2], label=key)
            ax.axvline(2.5, lw=0.6, color="0.6")
            ax.set(title=f"{kind}: singular values", xlabel="direction")
            ax.legend(frameon=False, fontsize=7)
            if kind == "swiss roll":
                x = np.asarray(_samples(fit.model, 3, outcome.key, outcome.setting["samples"]))
                axes[2 + i % 2].scatter(x[:2000, 0], x[:2000, 2], s=1.2, lw=0, color=plot.PALETTE[i % 2])
                axes[2 + i % 2].set(title=f"roll: samples, {key}", aspect="equal", xlim=(-2.4, 2.4), ylim=(-2.4, 2.4))
        plot.save(figure, folder / "gauge.png")
    plt.close("all")


GAUGE_MANIFOLD = Experiment(
    name="gauge-manifold",
    paper="horvat2024",
    summary="free and gradient networks on a swiss roll and a sphere: asymmetry, and the dimension by the flow",
    data=_data,
    build=_build,
    objective=_objective,
    metrics=_metrics,
    expected={
        **{
            (f"{name}, {kind}", _DIMENSION): (2.0, 0.0, "exact: both are surfaces")
            for name in _PARTS
            for kind in (_FREE, _GRADIENT)
        },
        **{(f"{name}, {_GRADIENT}", _ASYMMETRY): (0.0, 1e-4, "exact: a gradient, in float32") for name in _PARTS},
    },
    scales={
        "smoke": {"n": 5000, "samples": 500, "states": 20, "fit": adam(400, 3e-3)},
        "paper": {"n": 100_000, "samples": 5000, "states": 50, "fit": adam(2500, 3e-3)},
    },
    fit={"batch_size": 256, "chunk": 500},
    draw=_draw,
)  # fmt: skip
