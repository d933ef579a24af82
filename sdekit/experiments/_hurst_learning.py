r"""The Hurst index of a latent noise, learned by a variational bound, against maximum likelihood by a Kalman filter.

64 noisy fractional Ornstein-Uhlenbeck series each for a rough and a smooth index, drawn exactly. The model is driven by
the Markov approximation of the noise, so that its evidence is known: a Kalman filter on the lifted state. The bound has
a posterior by small networks, and learns index, rate, scale and noise together with them.
"""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax

from .._types import Key
from ..data import AbstractRecord, Series, concatenate, load
from ..evaluate import Report, Row
from ..fit import FullBatch, fit
from ..inference import (
    ELBO,
    AbstractObjective,
    GaussianObservation,
    LatentSDE,
    MarginalLikelihood,
    Observed,
    confidence,
)
from ..nets import ControlMLP, GaussianHead, GRUEncoder
from ..noise import MandelbrotVanNess, MarkovFractional
from ..processes import DrivenOrnsteinUhlenbeck, OrnsteinUhlenbeck
from ._experiment import Experiment, Outcome


__all__ = ["HURST_LEARNING"]

_INDICES = (0.3, 0.8)
_END, _TIMES, _NOISE = 4.0, 41, 0.2
_CONTEXT = 9
_LEARNED, _SHORT, _OFF = "Hurst index", "bound less evidence, per series", "Hurst index less truth, in standard errors"
_BETWEEN = "Hurst index less Kalman MLE"


class _Group(AbstractObjective):
    """An objective of the series of one index."""

    objective: AbstractObjective
    group: int = eqx.field(static=True)

    def __call__(self, model: Any, batch: AbstractRecord, *, key: Key):
        return self.objective(model, _part(cast(Series, batch), self.group), key=key)


def _part(data: Series, group: int) -> Series:
    n = len(data) // len(_INDICES)
    return data[group * n : (group + 1) * n]


def _name(hurst: float) -> str:
    return f"H={hurst:g}"


def _data(setting, key):
    ts = jnp.linspace(0.0, _END, _TIMES)
    draw = lambda i, hurst: load(
        "fou", n=setting["n"], ts=ts, hurst=hurst, rate=1.0, scale=1.0, noise=_NOISE, key=jax.random.fold_in(key, i)
    )
    return concatenate([draw(i, hurst) for i, hurst in enumerate(_INDICES)])


def _driver() -> MarkovFractional:
    return MarkovFractional(0.5, terms=5, horizon=_END, kind=MandelbrotVanNess(), within=(0.1, 0.95))


def latent_model(key: Key) -> LatentSDE:
    """The latent SDE before it has learned anything, its index at one half."""
    keys, driver = jax.random.split(key, 3), _driver()
    return LatentSDE(
        OrnsteinUhlenbeck(0.6, 0.0, 0.7, dist.Delta(jnp.zeros(1), event_dim=1)),
        GaussianObservation(0.4),
        GRUEncoder(1, 32, _CONTEXT, key=keys[0]),
        ControlMLP(1, 1, _CONTEXT, 48, 2, driver=driver, key=keys[1], frequencies=()),
        GaussianHead(_CONTEXT, driver.start.shape[1], 16, 1, key=keys[2]),
        driver,
    )


def _observed(model: LatentSDE) -> Observed:
    """The same prior with its exact evidence."""
    base = cast(OrnsteinUhlenbeck, model.base)
    process = DrivenOrnsteinUhlenbeck(model.driver, base.rate, base.mean, base.scale)
    return Observed(process, GaussianObservation(cast(Any, model.observation).scale, matrix=process.reads))


def _frozen(model: Observed) -> list[Any]:
    return [cast(Any, model.observation).matrix, cast(Any, model.process).mean]


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for group, hurst in enumerate(_INDICES):
        name = _name(hurst)
        if name not in outcome.fits:
            continue
        data, model = _part(cast(Series, outcome.data), group), outcome.fits[name].model
        likelihood, start = MarginalLikelihood(), _observed(model)
        exact = fit(
            start, likelihood, data, key=outcome.key, steps=60, optimiser=FullBatch(), frozen=_frozen, tolerance=1e-5,
            progress=False,
        ).model  # fmt: skip
        table = confidence(exact, likelihood, data, frozen=_frozen)["process.driver.hurst"]
        learned = float(cast(Any, model.driver).hurst)
        bound = _bound(model, data, outcome.key)
        evidence = float(-likelihood(start, data, key=outcome.key)[0])
        rows += [
            Row(name, _LEARNED, learned, table["standard_error"]),
            Row(name, _BETWEEN, learned - table["estimate"]),
            Row(name, _OFF, (learned - hurst) / table["standard_error"]),
            Row(name, _SHORT, bound - evidence),
            Row(f"{name}, Kalman MLE", _LEARNED, table["estimate"], table["standard_error"]),
            Row(f"{name}, Kalman MLE", _OFF, (table["estimate"] - hurst) / table["standard_error"]),
        ]
    return Report(tuple(rows))


@eqx.filter_jit
def _look(model, data, key):
    return ELBO(paths=64, steps=_STEPS)(model, data, key=key)[1]["elbo"]


def _bound(model: LatentSDE, data: Series, key: Key) -> float:
    return float(np.asarray(_look(model, data, key)))


_STEPS = 2
_EXACT = "maximum likelihood by a Kalman filter on the same data"

HURST_LEARNING = Experiment(
    name="hurst-learning",
    paper="daems2024",
    summary="the Hurst index of a latent noise, learned by a bound, against maximum likelihood by a Kalman filter",
    data=_data,
    build=lambda _data, key: {_name(h): latent_model(jax.random.fold_in(key, i)) for i, h in enumerate(_INDICES)},
    objective=lambda name: _Group(
        ELBO(paths=8, importance=True, steps=_STEPS), [_name(h) for h in _INDICES].index(name)
    ),
    metrics=_metrics,
    expected={
        **{(_name(h), _BETWEEN): (0.0, 0.03, _EXACT) for h in _INDICES},
        **{(_name(h), _OFF): (0.0, 3.0, "the index that the data were drawn with") for h in _INDICES},
    },
    scales={
        "smoke": {"n": 64, "models": (_name(_INDICES[0]),), "fit": {"steps": 300}},
        "paper": {"n": 64},
    },
    fit={
        "steps": 1500,
        "optimiser": optax.chain(
            optax.clip_by_global_norm(20.0), optax.adam(optax.cosine_decay_schedule(1e-2, 1500, alpha=0.02))
        ),
        "frozen": lambda m: [m.base.mean],
    },
)
