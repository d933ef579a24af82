"""Lung function after transplants: hidden states behind a measured outcome, death at exact times; against R's msm."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data import Series, load
from ..evaluate import Report, Row
from ..fit import FullBatch
from ..inference import MarginalLikelihood
from ..jumps import Given, Hidden, RateMatrix, viterbi
from ._experiment import Experiment, Outcome
from ._fev_outcome import MeasuredOutcome, NormalOutcome


__all__ = ["AT", "FEV", "start"]

_LIKELIHOOD = MarginalLikelihood()
_SOURCE = "the test suite of the R package msm 1.8"
_FIT = "normal 3, acute, fitted"
AT = {
    "normal 3": 52388.7381942858,
    "normal 4": 50223.9497625937,
    "normal 5": 49937.9840668066,
    "normal 3, acute": 52134.2372359988,
    "normal 4, acute": 50095.8606697016,
    "normal 5, acute": 49839.1627881087,
    "measured 3": 52567.734400762,
    "measured 4": 50202.2171575953,
    "measured 5": 49308.4942559547,
    "measured 3, acute": 52219.7372318393,
    "measured 4, acute": 49933.2168265887,
    "measured 5, acute": 49167.8668910928,
}
"""Minus twice the log-likelihood at given parameters, as msm states it."""

_E = math.exp
_RATES = {
    3: [[0, _E(-6), _E(-9)], [0, 0, _E(-6)], [0, 0, 0]],
    4: [[0, _E(-6), 0, _E(-9)], [0, 0, _E(-6.01), _E(-9)], [0, 0, 0, _E(-6.02)], [0, 0, 0, 0]],
    5: [
        [0, _E(-6), 0, 0, _E(-9)],
        [0, 0, _E(-6.01), 0, _E(-9)],
        [0, 0, 0, _E(-6.02), _E(-6.03)],
        [0, 0, 0, 0, _E(-6.04)],
        [0, 0, 0, 0, 0],
    ],
}
_NORMAL = {
    3: ([100.0, 54.0], [16.0, 18.0]),
    4: ([100.0, 72.5, 42.5], [16.0, 10.0, 18.0]),
    5: ([100.0, 72.5, 62.5, 42.5], [16.0, 10.0, 10.0, 18.0]),
}
# Means and deviations, and the cuts between the states; those that are uniform have no mean.
_MEASURED = {
    3: ([100.0, 54.0], [16.0, 18.0], (80.0,), (False, False)),
    4: ([100.0, 1.0, 54.0], [16.0, 1.0, 18.0], (80.0, 65.0), (False, True, False)),
    5: ([100.0, 1.0, 1.0, 42.0], [16.0, 1.0, 1.0, 18.0], (80.0, 65.0, 50.0), (False, True, True, False)),
}


def start(name: str) -> Hidden:
    """A model at the parameters at which msm states its likelihood."""
    kind, n = name.split(",")[0].split()
    effect, n = jnp.array(-8.0 if "acute" in name else 0.0), int(n)
    if kind == "normal":
        mean, scale = _NORMAL[n]
        law = NormalOutcome(jnp.asarray(mean), jnp.asarray(scale), effect)
    else:
        mean, scale, cuts, uniform = _MEASURED[n]
        moments = jnp.asarray(mean), jnp.asarray(scale), jnp.asarray(8.0)
        law = MeasuredOutcome((*cuts, 0.0), (math.inf, *cuts), uniform, *moments, effect)
    chain = RateMatrix(np.asarray(_RATES[n]), Given(jnp.eye(n)[0]))
    return Hidden(process=chain, observation=law, exact=(n - 1,))  # pyright: ignore[reportCallIssue]


def _metrics(outcome: Outcome) -> Report:
    total = eqx.filter_jit(lambda model, data: -2 * jax.vmap(model.log_prob)(data).sum())
    assert isinstance(outcome.data, Series)
    rows = []
    for name in AT:
        value = float(total(start(name), outcome.data))
        rows.append(Row(name, "-2 log-likelihood", value))
    for fit in outcome.fits.values():
        model = fit.model
        rows.append(Row(_FIT, "-2 log-likelihood", float(total(model, outcome.data))))
        rows.append(Row(_FIT, "rate of death when ill", float(model.process.generator()[1, 2])))
        states = np.asarray(viterbi(model, outcome.data[0]))
        days, alive = np.asarray(outcome.data.ts[0]), np.asarray(outcome.data.mask[0, :, 0])
        rows.append(Row(_FIT, "last day well, patient 1", float(days[alive & (states == 0)].max())))
        rows.append(Row(_FIT, "first day ill, patient 1", float(days[alive & (states == 1)].min())))
    return Report(tuple(rows))


FEV = Experiment(
    name="fev",
    paper="jackson2002",
    summary="hidden Markov models of lung function with exact deaths, against R's msm",
    data=lambda _setting, _key: load("msm_fev"),
    build=lambda _data, _key: {_FIT: start("normal 3, acute")},
    objective=lambda _name: _LIKELIHOOD,
    metrics=_metrics,
    expected={
        **{(name, "-2 log-likelihood"): (value, 1e-6 * value, _SOURCE) for name, value in AT.items()},
        (_FIT, "-2 log-likelihood"): (51597.8909140275, 1e-3, f"{_SOURCE}, slow tests"),
        (_FIT, "rate of death when ill"): (
            0.000801187055541291, 1e-6, f"{_SOURCE}, slow tests; its search stops 1e-8 of the objective short",
        ),
        (_FIT, "last day well, patient 1"): (2377.0, 0.0, f"{_SOURCE}, slow tests"),
        (_FIT, "first day ill, patient 1"): (2406.0, 0.0, f"{_SOURCE}, slow tests"),
    },
    scales={"smoke": {"models": ()}, "paper": {}},
    fit={"optimiser": FullBatch(), "steps": 100, "tolerance": 1e-9, "chunk": 10},
)  # fmt: skip
