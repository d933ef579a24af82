r"""Latent SDEs around an Ornstein-Uhlenbeck process, trained by a solve and without one, against exact evidence.

The prior is $dX = \theta (\mu - X) dt + \sigma dW$ with unknown parameters, seen with noise of unknown size. It is
linear and Gaussian, so that a Kalman filter gives the evidence of any parameters, and what a bound lacks is known.
"""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from .._types import Key
from ..data import Series, load
from ..evaluate import Report, Row
from ..fit import FullBatch, fit
from ..inference import (
    ELBO,
    AbstractObjective,
    GaussianObservation,
    LatentSDE,
    MarginalLikelihood,
    Observed,
    SDEMatching,
)
from ..nets import AffineControl, BetweenEncoder, GaussianHead, GRUEncoder, MarginalMLP
from ..processes import OrnsteinUhlenbeck
from ._experiment import Experiment, Outcome
from ._training import adam, steps_in_the_time_of_one


__all__ = ["LATENT_OU"]

_TRUTH = {"rate": 1.0, "mean": 0.5, "scale": 0.8, "noise": 0.3}
_END, _TIMES, _TEST = 4.0, 17, 128
_BATCH, _WIDTH = 64, 32
_SOLVED, _MATCHED, _KALMAN = "ELBO", "SDE matching", "Kalman MLE"
_OBJECTIVES: dict[str, AbstractObjective] = {
    _SOLVED: ELBO(steps=8, grade=0.6, shared=True),
    _MATCHED: SDEMatching(times=8),
}
_LOOKS = {_SOLVED: ELBO(steps=16, grade=0.7, paths=64, shared=True), _MATCHED: SDEMatching(times=128, paths=64)}
_GAP = "evidence less bound, nats a value"
_EVIDENCE, _ELBO, _FASTER = "evidence, nats a value", "bound, nats a value", "training steps in the time of one of ELBO"


def _draw(n: int, key: Key) -> Series:
    first, second = jax.random.split(key)
    ts = jnp.linspace(0.0, _END, _TIMES)
    clean = load("ou", n=n, ts=ts, rate=_TRUTH["rate"], mean=_TRUTH["mean"], scale=_TRUTH["scale"], key=first)
    return Series(ts, clean.ys + _TRUTH["noise"] * jax.random.normal(second, clean.ys.shape))


def _build(_data: Any, key: Key) -> dict[str, LatentSDE]:
    keys = jax.random.split(key, 5)
    start = dist.Normal(jnp.zeros(1), jnp.ones(1)).to_event(1)
    prior = lambda: (OrnsteinUhlenbeck(0.5, 0.0, 1.2, start), GaussianObservation(jnp.full(1, 0.5)))
    gap = _END / (_TIMES - 1)
    solved = cast(Any, LatentSDE)(
        *prior(),
        GRUEncoder(dim=1, width=_WIDTH, size=8, gap=gap, key=keys[0]),
        AffineControl(dim=1, noise=1, context=8, width=_WIDTH, depth=2, key=keys[1]),
        GaussianHead(context=8, n=1, width=_WIDTH, depth=1, key=keys[2]),
        initial=start,
    )
    encoder = BetweenEncoder(dim=1, width=_WIDTH, size=16, gap=gap, key=keys[3])
    marginals = MarginalMLP(dim=1, context=encoder.size, width=_WIDTH, depth=2, frequencies=(), key=keys[4])
    return {_SOLVED: solved, _MATCHED: cast(Any, LatentSDE)(*prior(), encoder, marginals, initial=start)}


def _observed(model: LatentSDE) -> Observed:
    """The same prior with its exact evidence."""
    base = cast(OrnsteinUhlenbeck, model.base)
    process = OrnsteinUhlenbeck(base.rate, base.mean, base.scale, model.initial)
    return Observed(process, cast(Any, model.observation))


@eqx.filter_jit
def _bound(objective: ELBO | SDEMatching, model: LatentSDE, data: Series, key: Key):
    """The bound of each series, and the error of its mean from the draws."""

    def one(series, key):
        found = objective.look(model, series, key=key)
        values = found.log_likelihood - found.energy - found.kl_start
        return values.mean(), values.var() / len(values)

    means, variances = jax.vmap(one)(data, jax.random.split(key, len(data)))
    return means.mean(), jnp.sqrt(variances.sum()) / len(data)


def _metrics(outcome: Outcome) -> Report:
    first, second = jax.random.split(outcome.key)
    test, likelihood = _draw(_TEST, first), MarginalLikelihood()
    per = _TIMES
    rows = []
    for name, found in outcome.fits.items():
        model = found.model
        bound, error = _bound(_LOOKS[name], model, test, second)
        evidence = -float(likelihood(_observed(model), test, key=second)[0])
        rows += [
            Row(name, _EVIDENCE, evidence / per),
            Row(name, _ELBO, float(bound) / per, float(error) / per),
            Row(name, _GAP, (evidence - float(bound)) / per, float(error) / per),
            *_parameters(name, _observed(model)),
        ]
    start = _observed(next(iter(outcome.fits.values())).model)
    exact = fit(start, likelihood, outcome.data, key=second, steps=60, optimiser=FullBatch(), progress=False).model
    rows.append(Row(_KALMAN, _EVIDENCE, -float(likelihood(exact, test, key=second)[0]) / per))
    rows += _parameters(_KALMAN, exact)
    if len(outcome.fits) == 2:
        runs = {name: (_OBJECTIVES[name], found.model) for name, found in outcome.fits.items()}
        batch = cast(Series, outcome.data)[:_BATCH]
        faster = steps_in_the_time_of_one(runs, batch, outcome.key, of=_SOLVED, fast=_MATCHED)
        rows.append(Row(_MATCHED, _FASTER, faster))
        a, b = (next(r.value for r in rows if (r.model, r.metric) == (m, _EVIDENCE)) for m in (_MATCHED, _SOLVED))
        rows.append(Row(_MATCHED, "evidence less that of ELBO, nats a value", a - b))
    return Report(tuple(rows))


def _parameters(name: str, model: Observed) -> list[Row]:
    process = cast(OrnsteinUhlenbeck, model.process)
    values = {
        "rate": process.rate,
        "mean": process.mean,
        "scale": process.scale,
        "noise": cast(Any, model.observation).scale,
    }
    return [Row(name, parameter, float(np.ravel(value)[0])) for parameter, value in values.items()]


LATENT_OU = Experiment(
    name="latent-ou",
    paper="li2020",
    summary="a latent Ornstein-Uhlenbeck process trained by a solve, and by its marginals, against exact evidence",
    data=lambda setting, key: _draw(setting["n"], key),
    build=_build,
    objective=lambda name: _OBJECTIVES[name],
    metrics=_metrics,
    expected={
        **{(name, _GAP): (0.0, 0.02, "the evidence by a Kalman filter") for name in (_SOLVED, _MATCHED)},
        (_MATCHED, "evidence less that of ELBO, nats a value"): (0.0, 0.05, "the same data and prior"),
    },
    scales={
        "smoke": {"n": 128, "fit": adam(400, 1e-2, end=0.01, warm=True, clip=10.0)},
        "paper": {"n": 1024, "fit": adam(3000, 1e-2, end=0.01, warm=True, clip=10.0)},
    },
    fit={"batch_size": _BATCH},
    baseline=_KALMAN,
)
