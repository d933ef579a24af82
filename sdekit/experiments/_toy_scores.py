"""What a latent SDE of a law that is known is worth: its diffusion beside the true one, its evidence, its paths."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np

from .._types import Array, Key
from ..data import Series
from ..evaluate import Report, Row, energy_score
from ..inference import ELBO, LatentSDE
from ._experiment import Outcome
from ._toys import BATCH, MATCHED, OBJECTIVES, SOLVED, Toy
from ._training import steps_in_the_time_of_one


__all__ = ["RATIO", "RELATIVE", "draw_toy", "expected_of", "toy_metrics"]

RATIO, RELATIVE = "diffusion over the true, median", "relative error of the diffusion, median"
NOISE, EVIDENCE, ENERGY = "noise over the true", "weighted bound, nats a value", "energy score of paths"
EXACT = "evidence, nats a value"
FASTER = "training steps in the time of one of ELBO"
TRUTH = "truth"
_PATHS = 64


@eqx.filter_jit
def _diffusion(process: Any, states: Array) -> Array:
    return jax.vmap(lambda x: lx.diagonal(process.diffusion(jnp.zeros((), x.dtype), x)))(states)


def ratios(toy: Toy, process: Any, states: Array) -> np.ndarray:
    """Learned over true diffusion at states, `(n, d)`, by size: where the true one is 0 there is nothing to compare."""
    learned, true = (np.abs(np.asarray(_diffusion(p, states), np.float64)) for p in (process, toy.truth))
    return learned / np.where(true > 0, true, np.nan)


@eqx.filter_jit
def _weighted(model: LatentSDE, data: Series, key: Key, steps: int) -> Array:
    """The importance-weighted bound of each series."""
    objective = ELBO(importance=True, paths=_PATHS, steps=steps)

    def one(series, key):
        b = objective.look(model, series, key=key)
        logs = b.log_likelihood - b.energy - b.martingale - b.log_start
        return jax.nn.logsumexp(logs) - math.log(_PATHS)

    return jax.lax.map(lambda a: one(*a), (data.stack(), jax.random.split(key, len(data))), batch_size=8)


@eqx.filter_jit
def _energy(samples: Array, ys: Array) -> Array:
    flat = lambda a: a.reshape(a.shape[0], -1)
    return jax.vmap(lambda y: energy_score(flat(samples), y))(flat(ys))


def _mean(name: str, metric: str, values: Any, per: int = 1) -> Row:
    values = np.asarray(values, np.float64) / per
    return Row(name, metric, float(values.mean()), float(values.std() / np.sqrt(values.size)))


def toy_metrics(toy: Toy, outcome: Outcome, evidence: Callable[[Series], Array] | None = None) -> Report:
    """The rows of a run.

    **Arguments:**

    - `toy`: the law.
    - `outcome`: of the run; its setting says how many series are `held` out.
    - `evidence`: the exact one of each series under the truth, where it is known. A weighted bound would not do: noise
        that vanishes at 0 has no control that takes a Gaussian posterior across.

    **Returns:** a `Report`.

    !!! example

        ```python
        import jax
        import sdekit as sk
        from sdekit.experiments import Outcome, get
        from sdekit.experiments._latent_gbm import GBM

        empty = Outcome(GBM.draw(4, jax.random.key(0))[0], {}, {"held": 4}, jax.random.key(1))
        # get("latent-gbm").metrics(empty) has the rows of the truth alone
        ```
    """
    held, first, second, third = outcome.setting["held"], *jax.random.split(outcome.key, 3)
    test, states = toy.draw(4 * held, first)
    some, per = test[:held], test.ys[0].size
    flat = states.reshape(-1, states.shape[-1])
    rows = []
    for name, found in outcome.fits.items():
        model = found.model
        found_ratios = ratios(toy, model.base, flat)
        rows.append(Row(name, RATIO, float(np.nanmedian(found_ratios))))
        rows.append(Row(name, RELATIVE, float(np.nanmedian(np.abs(found_ratios - 1)))))
        for (symbol, true), part in zip(toy.scales.items(), found_ratios.T, strict=True):
            rows.append(Row(name, symbol, true * float(np.nanmedian(part))))
        rows.append(Row(name, NOISE, float(jnp.mean(model.observation.scale)) / toy.noise))
        rows.append(_mean(name, EVIDENCE, _weighted(model, some, second, toy.steps), per))
        rows.append(_mean(name, ENERGY, _energy(model.sample(toy.ts, key=third, n=512).xs, test.ys)))
    rows += [Row(TRUTH, symbol, true) for symbol, true in toy.scales.items()]
    if evidence is not None:
        rows.append(_mean(TRUTH, EXACT, evidence(some), per))
    rows.append(_mean(TRUTH, ENERGY, _energy(toy.draw(512, third)[0].ys, test.ys)))
    if len(outcome.fits) == len(OBJECTIVES):
        runs = {name: (OBJECTIVES[name], found.model) for name, found in outcome.fits.items()}
        batch = cast(Series, outcome.data)[:BATCH]
        rows.append(Row(MATCHED, FASTER, steps_in_the_time_of_one(runs, batch, outcome.key, of=SOLVED, fast=MATCHED)))
    return Report(tuple(rows))


def draw_toy(toy: Toy, outcome: Outcome, folder: Path) -> None:
    """Write `paths.png`, of the truth and of the priors, and `diffusion.png`, learned against true."""
    import matplotlib.pyplot as plt

    from .. import plot

    first, second = jax.random.split(outcome.key)
    d, names = toy.truth.dim, list(outcome.fits)
    _, states = toy.draw(64, first)
    drawn = {TRUTH: states} | {
        name: outcome.fits[name].model.prior().sample(toy.ts, key=second, n=64).xs[..., :d] for name in names
    }
    figure, axes = plt.subplots(d, len(drawn), figsize=(3.2 * len(drawn), 2.0 * d), squeeze=False, sharey="row")
    for column, (name, xs) in zip(axes.T, drawn.items(), strict=True):
        column[0].set_title(name, fontsize=9.5)
        for j, ax in enumerate(column):
            ax.plot(np.asarray(toy.ts), np.asarray(xs[..., j]).T, lw=0.5, color="C0", alpha=0.5)
            span = np.asarray(states[..., j])
            ax.set_ylim(float(span.min()) - 0.3, float(span.max()) + 0.3)
        column[-1].set_xlabel("time")
    figure.tight_layout()
    plot.save(figure, folder / "paths.png")
    figure, axes = plt.subplots(1, d, figsize=(3.4 * d, 2.8), squeeze=False)
    flat = states.reshape(-1, d)
    for j, ax in enumerate(axes[0]):
        order = np.argsort(np.asarray(flat[:, j]))
        for name in (TRUTH, *names):
            process = toy.truth if name == TRUTH else outcome.fits[name].model.base
            size = np.abs(np.asarray(_diffusion(process, flat))[order, j])
            ax.plot(np.asarray(flat)[order, j], size, "k--" if name == TRUTH else "-", lw=1.2, label=name)
        ax.set(xlabel=f"state {j + 1}", title=list(toy.scales)[j])
    axes[0, 0].set_ylabel("diffusion")
    axes[0, 0].legend(fontsize=8)
    figure.tight_layout()
    plot.save(figure, folder / "diffusion.png")
    plt.close("all")


def expected_of(sources: str) -> dict[tuple[str, str], tuple[float, float, str]]:
    """What is expected of the matched model."""
    return {(MATCHED, RATIO): (1.0, 0.15, sources), (MATCHED, RELATIVE): (0.0, 0.15, sources)}
