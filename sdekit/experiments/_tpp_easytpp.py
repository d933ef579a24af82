"""Neural point processes on the Taobao set of EasyTPP, by its convention and by the full likelihood.

EasyTPP scores the events after the first, and not the silence at the end: `nats a scored event` is to be compared with
the published figures, which stand in the table of the state-space point process (Chang et al., 2025; the code of
EasyTPP after the corrections of October 2024). The file contradicts itself: its stored gaps are not the differences of
its times in most sequences. The benchmark's recurrent models are told the stored gaps, and so are these.

Gaps were recorded on a grid of 1e-4, and 1.8 % of them are ties. A density can be as high as it likes there, so that
the score of any flexible model is inflated; the last rows score (without training anew) times that are spread over
their cells.
"""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data import Events, load
from ..evaluate import Report, Row
from ..points import (
    AtPrediction,
    GivenTime,
    Marginal,
    Mean,
    Median,
    PerEvent,
    Poisson,
    attnhp,
    cd_lognormal,
    iftpp,
    mark_given_time,
    nhp,
    predict_next,
    rmtpp,
    s2p2,
    sahp,
    thp,
)
from ._experiment import Experiment, Outcome
from ._tpp import scored
from ._training import adam


__all__ = ["TPP_EASYTPP"]

_CELL = 1e-4
_SCORE, _TIME, _MARK = "nats a scored event", "of it the time", "of it the mark, given the time"
_FULL, _SPREAD = "nats an event, full likelihood", "nats a scored event, times spread over their cells"
_WIDTH = {"width": 64}
_PRESETS = {
    "attnhp": (attnhp, {"width": 32}),
    "cd_lognormal": (cd_lognormal, {"width": 64, "components": 16}),
    "iftpp": (iftpp, {"width": 32}),
    "mark_given_time": (mark_given_time, {"width": 32}),
    "nhp": (nhp, _WIDTH),
    "rmtpp": (rmtpp, _WIDTH),
    "s2p2": (s2p2, {"width": 64, "states": 32, "layers": 2}),
    "sahp": (sahp, _WIDTH),
    "thp": (thp, _WIDTH),
}
_PUBLISHED = {"nhp": 1.157, "attnhp": 1.259, "iftpp": 1.318, "s2p2": 1.304, "rmtpp": 1.003}
_AHEAD = 64
"""How many test sequences are predicted event by event."""


def _spread(record: Events, key) -> Events:
    return record.dequantise(_CELL, key=key)


def _summary(name: str, model, test: Events, key) -> list[Row]:
    s, spread = scored(model, test), scored(model, _spread(test, key))
    events = s["count"].sum()
    after = events - len(test)
    error = s["after_first"].std(ddof=1) * len(test) ** 0.5 / after
    return [
        Row(name, _SCORE, s["after_first"].sum() / after, error),
        Row(name, _TIME, s["time_after_first"].sum() / after),
        Row(name, _MARK, (s["after_first"] - s["time_after_first"]).sum() / after),
        Row(name, _FULL, s["total"].sum() / events),
        Row(name, _SPREAD, spread["after_first"].sum() / after),
    ]


@eqx.filter_jit
def _predicted(model, some, horizon):
    def one(item):
        mean = predict_next(model, item, loss=Mean(16), mark=Marginal(16), horizon=horizon)
        median = predict_next(model, item, loss=Median(), mark=AtPrediction(), horizon=horizon)
        given = predict_next(model, item, loss=Median(), mark=GivenTime(), horizon=horizon)
        return mean.gaps, median.gaps, mean.kinds, median.kinds, given.kinds

    return jax.lax.map(one, some)


def _predictions(name: str, model, test: Events) -> list[Row]:
    some = jax.tree.map(lambda x: x[:_AHEAD], test)
    mean, median, *kinds = (np.asarray(x)[:, 1:-1] for x in _predicted(model, some, jnp.asarray(5.0, some.ts.dtype)))
    here = np.asarray(some.mask)[:, 1:]
    gaps, true = np.asarray(some.gaps())[:, 1:], np.asarray(some.marks)[:, 1:]
    ways = ("the past alone", "the predicted time", "the true time")
    return [
        Row(name, "RMSE of the mean gap", float(np.sqrt(np.mean((mean - gaps)[here] ** 2)))),
        Row(name, "MAE of the median gap", float(np.mean(np.abs(median - gaps)[here]))),
        *(
            Row(name, f"errors of the kind given {way}", float(np.mean((k != true)[here])))
            for way, k in zip(ways, kinds, strict=True)
        ),
    ]


def _metrics(outcome: Outcome) -> Report:
    test = cast(Events, load("taobao", split="test", stored_gaps=True))
    train = cast(Events, outcome.data)
    rows = []
    for name, fitted in outcome.fits.items():
        rows += _summary(name, fitted.best, test, outcome.key) + _predictions(name, fitted.best, test)
    here = np.asarray(train.mask)
    kinds = np.bincount(np.asarray(train.marks)[here], minlength=17) + 1.0
    length = float(np.asarray(train.gaps())[here].sum())
    rows += _summary("Poisson", cast(Any, Poisson)(jnp.asarray(kinds / length, train.ts.dtype)), test, outcome.key)
    return Report(tuple(rows))


TPP_EASYTPP = Experiment(
    name="tpp-easytpp",
    paper="xue2024",
    summary="neural point processes on the Taobao set of EasyTPP: log-likelihood a scored event, errors by their names",
    data=lambda _setting, _key: load("taobao", stored_gaps=True),
    build=lambda data, key: {
        name: preset(data, key=jax.random.fold_in(key, i), **options)
        for i, (name, (preset, options)) in enumerate(_PRESETS.items())
    },
    objective=lambda _name: PerEvent(first=False, silence=False),
    metrics=_metrics,
    expected={
        (name, _SCORE): (value, 0.05, "Chang et al. (2025), Table 8, after the corrections of EasyTPP")
        for name, value in _PUBLISHED.items()
    },
    scales={
        "smoke": {"models": ("iftpp",), "fit": adam(40, 4e-3, clip=1.0)},
        "paper": {},
    },
    fit={**adam(2000, 3e-3, clip=1.0), "batch_size": 64, "valid": 0.1},
    baseline="Poisson",
)
