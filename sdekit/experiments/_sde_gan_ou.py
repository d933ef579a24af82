"""A neural SDE trained against a critic, a neural CDE, on the process of the thesis, against exact laws."""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from .._types import Array, Key
from ..data import Series
from ..fit import average_weights
from ..inference import AdversarialMatching, Adversaries, adversarial
from ..neural import Linear, NeuralCDE
from ._experiment import Experiment
from ._rising_ou import COV, FLOOR, MODEL, W1, Standard, build, data, draw, metrics


__all__ = ["SDE_GAN_OU"]


class _Critic(eqx.Module):
    """A neural CDE that sees series in units of the data at each time, times two: its layers are clipped."""

    cde: NeuralCDE
    standard: Standard

    def __call__(self, series: Series) -> Array:
        ys = 2 * jax.vmap(self.standard)(series.ts, series.ys)
        return self.cde(Series(series.ts, ys, series.mask))


def _build(record: Any, key: Key) -> dict[str, Adversaries]:
    first, second = jax.random.split(key)
    standard = Standard.of(np.asarray(cast(Series, record).ys[..., 0]))
    cde = NeuralCDE.build(Linear(), dim=1, state=16, width=16, depth=1, outputs=1, key=second)
    single = lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x
    critic = jax.tree.map(single, cast(Any, _Critic)(cde, standard))
    return {MODEL: Adversaries(build(record, first)[MODEL], critic)}


def _steps(steps: int) -> dict[str, Any]:
    """Optimistic Adam for both, the critic five times as fast; the mean of the weights of the second half.

    A step back along the last gradient damps the rounds that the two make about their saddle.
    """
    rate = lambda peak: optax.cosine_decay_schedule(peak, steps, alpha=0.1)
    player = lambda peak: optax.optimistic_adam_v2(rate(peak), b1=0.0, b2=0.99)
    moves = optax.chain(adversarial(player(1e-3), player(5e-3), slope=3.0), average_weights(steps // 2))
    return {"steps": steps, "optimiser": moves}


SDE_GAN_OU = Experiment(
    name="sde-gan-ou",
    paper="kidgergan2021",
    summary="a neural SDE trained against a neural CDE as its critic, against exact marginals and covariance",
    data=data,
    build=_build,
    objective=lambda _name: AdversarialMatching(steps=1),
    metrics=metrics,
    expected={
        (MODEL, W1): (0.0, 0.05, "the exact marginals"),
        (MODEL, COV): (0.0, 0.05, "the exact covariance"),
    },
    scales={
        "smoke": {"n": 8192, "draws": 8192, "fit": _steps(300)},
        "paper": {"n": 8192, "draws": 65536, "fit": _steps(2000)},
    },
    fit={"batch_size": 256},
    draw=draw,
    baseline=FLOOR,
)
