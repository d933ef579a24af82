r"""Multiplicative diffusion of positive data: quantiles moved exactly, and two schemes for its reverse.

Data are log-normal, noise is geometric Brownian motion, $dX = \mu X\,dt + \sigma X\,dW$: Brownian
in logarithms. The probability flow takes quantiles to quantiles. Euler's step of the reverse
in the ambient space, $X \leftarrow X - h[\mu X - \sigma^2(2X + X \circ H)] + \sigma X \sqrt h z$ with
$H = x\,\partial_x \log p$, may change the sign of a sample; in logarithms it cannot. A mixture of two log-normals is
learned from samples by the same loss as any field.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from scipy import stats

from .._draws import draws
from .._types import Array, Key, Law
from ..data import Snapshots
from ..evaluate import Report, Row
from ..interpolants import (
    EulerStep,
    Field,
    InterpolantMatching,
    Noise,
    exact_field,
    flow,
    generate,
    geometric_brownian,
    marginal_law,
    spread_grid,
    uniform_grid,
)  # fmt: skip
from ..nets import MLPField
from ..transport import wasserstein1
from ._experiment import Experiment, Outcome
from ._training import adam


__all__ = ["DALE_LOGNORMAL", "ambient", "preserving"]

_MEAN, _VARIANCE, _RATE = 0.2, 0.3, 0.1
_QUANTILES = "largest error of quantiles moved by the flow"
_NEGATIVE = "samples that are not positive"
_LEARNED = "learned, mixture of two"


def logs() -> Law:
    """The law of the logarithms of the data."""
    return dist.Normal(jnp.array([_MEAN]), _VARIANCE**0.5).to_event(1)


def two_logs() -> Law:
    """Logarithms of the mixture that is learned."""
    normal = dist.Normal(jnp.array([[-1.0], [1.0]]), jnp.array([[0.3], [0.4]])).to_event(1)
    return dist.MixtureSameFamily(dist.Categorical(probs=jnp.array([0.4, 0.6])), normal)


def quantile_error(scale: float) -> float:
    """Of log-quantiles from time 0 to time 1 under the flow of the exact field."""
    law, path = logs(), geometric_brownian(_RATE, scale)
    field = exact_field(path, law)
    u = jnp.linspace(0.01, 0.99, 25)
    grid = spread_grid(path, 60, _VARIANCE**0.5)[::-1]
    move = lambda y: flow(field, y, grid=grid, order=8)[0]
    at = lambda t: _quantiles(marginal_law(path, t, law), np.asarray(u))
    return float(np.abs(np.asarray(jax.vmap(move)(jnp.asarray(at(0.0))[:, None]))[:, 0] - at(1.0)).max())


def _quantiles(law: Any, u: np.ndarray) -> np.ndarray:
    mean, spread = (np.asarray(v, np.float64).ravel()[0] for v in (law.mean, np.sqrt(law.variance)))
    return stats.norm.ppf(u, mean, spread)


@eqx.filter_jit
def ambient(field: Field, scale: float, start: Array, steps: int, key: Key) -> Array:
    """The reverse by Euler's steps of the positive states themselves; the field is that of their logarithms."""
    h = 1 / steps

    def step(x, inputs):
        t, k = inputs
        # What has changed sign has no logarithm: such states are moved by their size.
        hyvarinen = jax.vmap(lambda y: field.score(t, y))(jnp.log(jnp.maximum(jnp.abs(x), 1e-30))) - 1
        drift = _RATE * x - scale**2 * (2 * x + x * hyvarinen)
        return x - h * drift + scale * x * jnp.sqrt(h) * jax.random.normal(k, x.shape), None

    times = 1 - h * jnp.arange(steps)
    return jax.lax.scan(step, start, (times, jax.random.split(key, steps)))[0]


@eqx.filter_jit
def preserving(field: Field, start: Array, steps: int, key: Key) -> Array:
    """The reverse by Euler's steps of the logarithms: factors that are positive."""
    grid, step = uniform_grid(field.path, steps), EulerStep(epsilon=field.path.diffusivity)
    one = lambda y, k: generate(field, y, grid, key=k, step=step)[-1]
    return jnp.exp(jax.vmap(one)(jnp.log(start), jax.random.split(key, start.shape[0])))


def _schemes(setting: Any, key: Key) -> list[Row]:
    rows = []
    for scale in (0.5, 2.0):
        path = geometric_brownian(_RATE, scale)
        field, last = exact_field(path, logs()), marginal_law(path, 1.0, logs())
        keys = jax.random.split(key, 3)
        start = jnp.exp(draws(last, setting["paths"], keys[0]))
        for steps in (20, 100):
            ends = {
                "ambient": ambient(field, scale, start, steps, keys[1]),
                "sign-preserving": preserving(field, start, steps, keys[2]),
            }
            for scheme, x in ends.items():
                name, x = f"{scheme}, scale {scale:g}, {steps} steps", np.asarray(x)[:, 0]
                kept = np.log(x[x > 0])
                rows += [
                    Row(name, "mean of logarithms", float(kept.mean()), float(kept.std() / len(kept) ** 0.5)),
                    Row(name, "variance of logarithms", float(kept.var())),
                    Row(name, _NEGATIVE, float((x <= 0).sum()), None, 0.0),
                ]
    return rows


def _learned(outcome: Outcome) -> tuple[Array, Array]:
    """Samples of the learned mixture, and true ones."""
    keys, n = jax.random.split(outcome.key, 3), outcome.setting["samples"]
    path = geometric_brownian(_RATE, 2.0)
    # The law at time 1 is nearly one of noise: it is drawn by moving new data.
    start = draws(marginal_law(path, 1.0, two_logs()), n, keys[0])
    found = preserving(outcome.fits[_LEARNED].model, jnp.exp(start), 200, keys[1])
    return found[:, 0], jnp.exp(draws(two_logs(), n, keys[2]))[:, 0]


def _metrics(outcome: Outcome) -> Report:
    rows = [Row(f"flow, scale {scale:g}", _QUANTILES, quantile_error(scale), None, 0.0) for scale in (0.5, 2.0)]
    rows += _schemes(outcome.setting, jax.random.fold_in(outcome.key, 12))
    found, true = _learned(outcome)
    other = jnp.exp(draws(two_logs(), len(true), jax.random.fold_in(outcome.key, 11)))[:, 0]
    w1 = "W1 of logarithms"
    rows += [
        Row(_LEARNED, w1, float(wasserstein1(jnp.log(found), jnp.log(true))), None, 0.0),
        Row(_LEARNED, _NEGATIVE, float((found <= 0).sum()), None, 0.0),
        Row("another sample", w1, float(wasserstein1(jnp.log(other), jnp.log(true))), None, 0.0),
    ]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    """The learned mixture; ends of both schemes at a large scale in few steps."""
    import matplotlib.pyplot as plt

    from .. import plot

    found, true = (np.asarray(v) for v in _learned(outcome))
    path, keys = geometric_brownian(_RATE, 2.0), jax.random.split(outcome.key, 3)
    field = exact_field(path, logs())
    start = jnp.exp(draws(marginal_law(path, 1.0, logs()), 20_000, keys[0]))
    with plot.style():
        figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.8))
        bins = np.linspace(-2.5, 2.8, 60)
        axes[0].hist(np.log(true), bins, density=True, color=plot.PALETTE[6], alpha=0.35, label="data")
        axes[0].hist(np.log(found), bins, density=True, histtype="step", color=plot.PALETTE[0], label="learned")
        axes[0].set(title="a mixture, learned", xlabel="log x", ylabel="density")
        bins = np.linspace(-2, 6, 81)
        ends = {
            "ambient": ambient(field, 2.0, start, 20, keys[1]),
            "sign-preserving": preserving(field, start, 20, keys[2]),
        }
        for i, (name, x) in enumerate(ends.items()):
            x = np.asarray(x)[:, 0]
            label = f"{name}: {(x <= 0).mean():.1%} not positive"
            axes[1].hist(x, bins, density=True, histtype="step", color=plot.PALETTE[1 - i], label=label)
        x = np.linspace(0.01, 6, 300)
        axes[1].plot(x, stats.lognorm.pdf(x, _VARIANCE**0.5, scale=np.exp(_MEAN)), color=plot.PALETTE[6], lw=1)
        axes[1].axvline(0, lw=0.6, color="0.6")
        axes[1].set(title="scale 2, 20 steps; line: data", xlabel="x", xlim=(-2, 6))
        for ax in axes:
            ax.legend(frameon=False, fontsize=7)
        plot.save(figure, folder / "dale.png")
    plt.close("all")


def _build(_data: Any, key: Key) -> dict[str, Field]:
    net = MLPField(1, 64, 2, time=True, out_scale=1.0, key=key)
    return {_LEARNED: Field(geometric_brownian(_RATE, 2.0), Noise(net))}


def _data(setting, key):
    return Snapshots(jnp.zeros(1), draws(two_logs(), setting["n"], key)[None])


def _expected() -> dict[tuple[str, str], tuple[float, float, str]]:
    exact = "exact: the log-normal law"
    found = {(f"flow, scale {s:g}", _QUANTILES): (0.0, 1e-10, exact + ", up to the solver") for s in (0.5, 2.0)}
    for steps in (20, 100):
        name = f"sign-preserving, scale 2, {steps} steps"
        found[name, _NEGATIVE] = (0.0, 0.0, "exact: factors are positive")
    for scheme in ("ambient", "sign-preserving"):
        name = f"{scheme}, scale 0.5, 100 steps"
        found[name, "mean of logarithms"] = (_MEAN, 0.015, exact + "; bias of Euler's steps and noise")
        found[name, "variance of logarithms"] = (_VARIANCE, 0.015, exact + "; bias of Euler's steps and noise")
    return found


DALE_LOGNORMAL = Experiment(
    name="dale-lognormal",
    paper="shetty2025",
    summary="geometric Brownian diffusion of positive data: exact quantiles, ambient against sign-preserving steps",
    data=_data,
    build=_build,
    objective=lambda _name: InterpolantMatching(),
    metrics=_metrics,
    expected=_expected(),
    scales={
        "smoke": {"n": 4096, "paths": 20_000, "samples": 2000, "fit": adam(300, 5e-3)},
        "paper": {"n": 50_000, "paths": 100_000, "samples": 20_000, "fit": adam(3000, 5e-3)},
    },
    fit={"batch_size": 256, "chunk": 500},
    draw=_draw,
)
