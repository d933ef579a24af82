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
from ._training import single


__all__ = ["SDE_GAN_OU"]

_STRETCH = 9
"""How many rows the critic sees together: seven stretches of the 63 gaps."""


class _Critic(eqx.Module):
    """A neural CDE that looks at stretches of a series and says what it thinks of them in the mean.

    Each row holds the value there and the one before it (lead and lag), about the mean of the data at their time and in
    units of their deviation over all times: the roughness of a path is then an area, which a CDE sees at once.
    """

    cde: NeuralCDE
    standard: Standard

    def __call__(self, series: Series) -> Array:
        ys = jax.vmap(self.standard)(series.ts, series.ys)
        rows = jnp.concatenate([ys[1:], ys[:-1]], axis=1)
        stretches = rows.reshape(-1, _STRETCH, 2)
        clocks = series.ts[1:].reshape(-1, _STRETCH)
        return jax.vmap(lambda ts, ys: self.cde(Series(ts, ys)))(clocks, stretches).mean(0)


def _build(record: Any, key: Key) -> dict[str, Adversaries]:
    first, second = jax.random.split(key)
    standard = Standard.of(np.asarray(cast(Series, record).ys[..., 0]), alike=True)
    cde = NeuralCDE.build(Linear(), dim=2, state=8, width=16, depth=1, outputs=1, key=second)
    critic = single(cast(Any, _Critic)(cde, standard))
    return {MODEL: Adversaries(build(record, first, time=False)[MODEL], critic)}


def _steps(steps: int) -> dict[str, Any]:
    """Adam without momentum for both, the critic five times as fast; the mean of the weights of the second half."""
    player = lambda peak: optax.adam(optax.cosine_decay_schedule(peak, steps, alpha=0.1), b1=0.0, b2=0.99)
    moves = optax.chain(adversarial(player(2e-3), player(1e-2), slope=None), average_weights(steps // 2))
    return {"steps": steps, "optimiser": moves}


SDE_GAN_OU = Experiment(
    name="sde-gan-ou",
    paper="kidgergan2021",
    summary="a neural SDE trained against a neural CDE as its critic, against exact marginals and covariance",
    data=data,
    build=_build,
    objective=lambda _name: AdversarialMatching(steps=1, damping=1.0),
    metrics=metrics,
    expected={
        (MODEL, W1): (0.0, 0.05, "the exact marginals"),
        (MODEL, COV): (0.0, 0.05, "the exact covariance"),
    },
    scales={
        "smoke": {"n": 8192, "draws": 8192, "fit": _steps(500)},
        "paper": {"n": 8192, "draws": 65536, "fit": _steps(1500)},
    },
    fit={"batch_size": 128},
    draw=draw,
    baseline=FLOOR,
)
