r"""The annual flow of the Nile at Aswan, 1871 to 1970: the local level model, against the published estimates.

Brownian motion seen with noise is the local level model of the state-space literature,
$y_t = \mu_t + \varepsilon_t$, $\mu_{t+1} = \mu_t + \eta_t$, whose estimates on this series are published.
"""

import jax.numpy as jnp
import numpyro.distributions as dist

from ..data import Series, load
from ..evaluate import Report, Row
from ..fit import FullBatch
from ..inference import GaussianObservation, MarginalLikelihood, Observed, confidence
from ..processes import BrownianMotion
from ._experiment import Experiment, Outcome


__all__ = ["NILE"]

_LIKELIHOOD = MarginalLikelihood()
_SOURCE = "Durbin and Koopman (2012), section 2.10"
_WIDE = 1e4


def _data(setting, key) -> Series:
    return load("nile")


def _build(series, key):
    # A wide law of the first level stands for the diffuse one of the source. The source has no drift.
    start = dist.Normal(series.ys[0], jnp.full(1, _WIDE)).to_event(1)
    level = BrownianMotion(scale=30.0, drift_rate=0.0, initial=start)
    return {"local level": Observed(level, GaussianObservation(jnp.full(1, 120.0)))}


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for name, fit in outcome.fits.items():
        model = fit.model
        table = confidence(model, _LIKELIHOOD, outcome.data, frozen=_no_drift)
        noise, level = float(model.observation.scale[0]), float(model.process.scale[0])
        first = dist.Normal(0.0, jnp.hypot(_WIDE, noise)).log_prob(0.0)
        rows.append(Row(name, "noise variance", noise**2))
        rows.append(Row(name, "level variance a year", level**2))
        rows.append(Row(name, "log-likelihood given the first year", table.log_prob - float(first)))
    return Report(tuple(rows))


def _no_drift(model):
    return model.process.drift_rate


NILE = Experiment(
    name="nile",
    paper="durbin2012",
    summary="the local level model of the Nile's annual flow, as Brownian motion seen with noise",
    data=_data,
    build=_build,
    objective=lambda _name: _LIKELIHOOD,
    metrics=_metrics,
    expected={
        ("local level", "noise variance"): (15099.0, 30.0, _SOURCE),
        ("local level", "level variance a year"): (1469.1, 10.0, _SOURCE),
        ("local level", "log-likelihood given the first year"): (
            -632.54, 0.01, "the diffuse likelihood, by an independent Kalman filter",
        ),
    },
    scales={"smoke": {}, "paper": {}},
    fit={"optimiser": FullBatch(), "steps": 200, "tolerance": 1e-9, "frozen": _no_drift},
)  # fmt: skip
