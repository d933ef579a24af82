"""What the experiments that train networks share: how they step, and how long a step of one takes against another's."""

import statistics
import time
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from .._types import Key
from ..data import AbstractRecord
from ..fit import average_weights
from ..inference import AbstractObjective


__all__ = ["adam", "single", "steps_in_the_time_of_one"]


def adam(
    steps: int, peak: float, *, end: float = 0.0, warm: bool = False, clip: float | None = None, average: bool = False
) -> dict[str, Any]:
    """Settings of a fit: Adam with a rate that falls from `peak` to `end` of it along a cosine.

    `warm` lets it rise from a tenth of `peak` in the first twentieth of the steps; gradients are clipped to a norm of
    `clip`. `average` keeps the mean of the weights over the second half of the steps.
    """
    falling = optax.cosine_decay_schedule(peak, steps, alpha=end)
    rising = optax.warmup_cosine_decay_schedule(peak / 10, peak, steps // 20, steps, peak * end)
    optimiser = optax.adam(rising if warm else falling)
    if clip is not None:
        optimiser = optax.chain(optax.clip_by_global_norm(clip), optimiser)
    if average:
        optimiser = optax.chain(optimiser, average_weights(steps // 2))
    return {"steps": steps, "optimiser": optimiser}


def single(tree: Any) -> Any:
    """A PyTree with its floats in single precision, which is enough for networks and twice as fast."""
    wide = lambda x: eqx.is_inexact_array(x) and x.dtype == jnp.float64
    return jax.tree.map(lambda x: x.astype(jnp.float32) if wide(x) else x, tree)


@eqx.filter_jit
def _step(objective: AbstractObjective, model: Any, batch: AbstractRecord, key: Key):
    return eqx.filter_value_and_grad(lambda m: objective(m, batch, key=key)[0])(model)


def steps_in_the_time_of_one(
    runs: Mapping[str, tuple[AbstractObjective, Any]], batch: AbstractRecord, key: Key, *, of: str, fast: str
) -> float:
    """How many training steps of run `fast` fit in the time of one of run `of`: medians of rounds that take turns."""
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for i in range(12):
        for name, (objective, model) in runs.items():
            start = time.perf_counter()
            jax.block_until_ready(_step(objective, model, batch, jax.random.fold_in(key, i)))
            spent[name].append(time.perf_counter() - start)
    return statistics.median(spent[of][2:]) / statistics.median(spent[fast][2:])
