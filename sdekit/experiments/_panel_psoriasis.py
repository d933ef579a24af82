"""Psoriatic arthritis in panels: the likelihoods of the R package msm."""

import jax
import numpy as np

from ..data import Panel, load
from ..evaluate import Report, Row
from ..fit import FullBatch
from ..inference import MarginalLikelihood, confidence
from ..jumps import CovariateRates
from ._experiment import Experiment, Outcome


__all__ = ["PANEL_PSORIASIS", "at_the_maximum"]

_EDGES = [(0, 1), (1, 2), (2, 3)]
_LIKELIHOOD = MarginalLikelihood()
_SOURCE = "the test suite of the R package msm 1.8, which states the maximum that it found"
_MAXIMA = {
    "effects shared": 1114.89946121717,
    "two rates equal": 1120.04586677803,
    "no effect of hieffusn": 1121.71012633891,
}
_TURNED = "effects of opposite sign"
_OLD = {"hieffusn": [_EDGES], "ollwsdrt": [[(0, 1), (1, 2)], [(2, 3)]]}


def _centre(panel: Panel) -> np.ndarray:
    """The mean of the covariates over all observations but each patient's last, as msm takes it."""
    mask, z = np.asarray(panel.mask), np.asarray(panel.covariates)
    last = mask.sum(1, keepdims=True) - 1
    return z[mask & (np.arange(mask.shape[1]) < last)].mean(0)


def _models(panel: Panel) -> dict[str, CovariateRates]:
    rates, centre = np.diag(np.full(3, 0.1), 1), _centre(panel)
    turned = {"hieffusn": [[(0, 1, -1), (1, 2), (2, 3, -1)]], "ollwsdrt": [[(0, 1, -1), (1, 2)], [(2, 3)]]}
    return {
        "effects shared": CovariateRates(rates, _OLD, centre=centre),
        "two rates equal": CovariateRates(rates, _OLD, centre=centre, tied=[[(1, 2), (2, 3)]]),
        "no effect of hieffusn": CovariateRates(rates, {**_OLD, "hieffusn": []}, centre=centre),
        _TURNED: CovariateRates(rates, turned, centre=centre),
    }


def at_the_maximum(panel: Panel) -> CovariateRates:
    """The model with shared effects at its maximum, to five digits."""
    rates = np.diag([0.09593539, 0.16430566, 0.25437705], 1)
    effects = np.array([0.49833731, -0.57059113, 0.49521156])
    return CovariateRates(rates, _OLD, centre=_centre(panel), values=effects)


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for name, fit in outcome.fits.items():
        value = -2 * float(jax.vmap(fit.model.log_prob)(outcome.data).sum())
        rows.append(Row(name, "-2 log-likelihood", value))
        if name in _MAXIMA:
            rows.append(Row(name, "less that of msm", value - _MAXIMA[name]))
    shared = confidence(outcome.fits["effects shared"].model, _LIKELIHOOD, outcome.data)
    for name in shared.names:
        row = shared[name]
        rows.append(Row("effects shared", name, row["estimate"], row["standard_error"]))
    return Report(tuple(rows))


PANEL_PSORIASIS = Experiment(
    name="panel-psoriasis",
    paper="gladman1999",
    summary="covariate effects on the progress of psoriatic arthritis, shared and constrained, against R's msm",
    data=lambda _setting, _key: load("msm_psor"),
    build=lambda panel, _key: _models(panel),  # pyright: ignore[reportArgumentType]
    objective=lambda _name: _LIKELIHOOD,
    metrics=_metrics,
    expected={
        **{(name, "-2 log-likelihood"): (value, 1e-6 * value, _SOURCE) for name, value in _MAXIMA.items()},
        **{(name, "less that of msm"): (0.0, 1e-3, _SOURCE) for name in _MAXIMA},
        (_TURNED, "-2 log-likelihood"): (1129.538, 1e-5 * 1129.538, f"{_SOURCE}; stated to six digits"),
        ("effects shared", "values[0]"): (0.0959350004999946, 1e-6, _SOURCE),
    },
    scales={"smoke": {"models": ("effects shared",)}, "paper": {}},
    fit={"optimiser": FullBatch(), "steps": 100, "tolerance": 1e-10, "chunk": 20},
)
