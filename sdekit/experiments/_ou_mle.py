r"""Maximum likelihood of an Ornstein-Uhlenbeck process on a regular grid, against its closed form.

With $\phi = e^{-\theta h}$ the transitions are those of an autoregression of order one. Its conditional maximum
likelihood is least squares: $\hat\theta = -\log\hat\phi / h$, with asymptotic variance
$\mathrm{Var}(\hat\theta) = (e^{2 \theta h} - 1) / (n h^2)$ from $\mathrm{Var}(\hat\phi) = (1 - \phi^2)/n$.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..data import Series
from ..evaluate import Report, Row
from ..fit import FullBatch
from ..inference import TransitionLikelihood, confidence
from ..processes import OrnsteinUhlenbeck
from ._experiment import Experiment, Outcome


__all__ = ["OU_MLE"]

_TRUTH = {"rate": 0.8, "mean": 1.5, "scale": 0.6}
_LIKELIHOOD = TransitionLikelihood()
_RATIO = "standard error of the rate over the asymptotic"


def _data(setting, key):
    ts = jnp.arange(setting["n"] + 1) * setting["step"]
    process = OrnsteinUhlenbeck(_TRUTH["rate"], _TRUTH["mean"], _TRUTH["scale"])
    path = process.draw(ts, key=key)
    return Series(path.ts, path.xs)


def closed_form(series: Any) -> dict[str, float]:
    """The conditional maximum-likelihood estimates of a regular series without gaps, and the rate's standard error."""
    y = np.asarray(series.ys[:, 0], np.float64)
    h, n = float(series.ts[1] - series.ts[0]), len(y) - 1
    before, after = y[:-1], y[1:]
    phi = np.cov(before, after, bias=True)[0, 1] / np.var(before)
    mean = (after.mean() - phi * before.mean()) / (1 - phi)
    noise = np.mean((after - mean - phi * (before - mean)) ** 2)
    rate = -np.log(phi) / h
    scale = np.sqrt(noise * 2 * rate / (1 - phi**2))
    found = {"rate": rate, "mean": mean, "scale": scale, "error": np.sqrt(np.expm1(2 * rate * h) / (n * h**2))}
    return {name: float(value) for name, value in found.items()}


def _metrics(outcome: Outcome) -> Report:
    model = outcome.fits["OU"].model
    exact = closed_form(outcome.data)
    table = confidence(model, _LIKELIHOOD, outcome.data)
    rows = []
    for name in ("rate", "mean", "scale"):
        found, error = table[name]["estimate"], table[name]["standard_error"]
        rows.append(Row("OU", name, found, error))
        rows.append(Row("OU", f"{name} less closed form", found - exact[name]))
        rows.append(Row("OU", f"{name} less truth, in standard errors", (found - _TRUTH[name]) / error))
        rows.append(Row("AR(1) closed form", name, exact[name]))
    rows.append(Row("OU", _RATIO, table["rate"]["standard_error"] / exact["error"]))
    return Report(tuple(rows))


OU_MLE = Experiment(
    name="ou_mle",
    paper="uhlenbeck1930",
    summary="exact maximum likelihood of an OU process equals the AR(1) closed form",
    data=_data,
    build=lambda _data, _key: {"OU": OrnsteinUhlenbeck(rate=0.3, mean=0.0, scale=1.0)},
    objective=lambda _name: _LIKELIHOOD,
    metrics=_metrics,
    expected={
        **{("OU", f"{name} less closed form"): (0.0, 1e-6, "AR(1) least squares") for name in _TRUTH},
        **{
            ("OU", f"{name} less truth, in standard errors"): (0.0, 4.9, "standard normal, two-sided 1e-6")
            for name in _TRUTH
        },
        ("OU", _RATIO): (1.0, 0.1, "delta method on Var(phi) = (1 - phi^2)/n"),
    },
    scales={"smoke": {"n": 2000, "step": 0.1}, "paper": {"n": 20000, "step": 0.1}},
    fit={"optimiser": FullBatch(), "steps": 200, "tolerance": 1e-9},
    baseline="AR(1) closed form",
)  # fmt: skip
