r"""Whether the time and the kind of the next event depend on one another: Hawkes processes whose kinds excite each
other.

The three synthetic sets of Waghmare et al. are drawn anew with the kernel $\alpha_{kj} e^{-\beta_{kj} s}$: that gives
the numbers of events that the paper prints, and its equation (15) does not. The likelihood of the law that drew them is
the bound. Models that are conditionally independent score $f(g)\,p(k)$; dependent ones $p(k) f_k(g)$, $f(g)\,p(k | g)$,
or a hazard for each kind. Here `time` is the density of the gap and `mark` the probability of the kind given the gap,
for all of them: the paper splits the score of dependent models otherwise, so that totals alone can be compared.
"""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from ..data import Events, concatenate
from ..evaluate import AtLeast, Report, Row
from ..points import (
    ContinuousLSTM,
    ExponentialHawkes,
    GapScale,
    IndependentMarks,
    MovingIntensity,
    NeuralPointProcess,
    PerEvent,
    cd_lognormal,
    cd_rmtpp,
    iftpp,
    mark_given_time,
    nhp,
    rmtpp,
)
from ._experiment import Experiment, Outcome
from ._tpp import Part, part, scored
from ._training import adam


__all__ = ["TPP_TIME_MARK", "TPP_TIME_MARK_FIVE"]

_END = 100.0
_FIVE_JUMPS = [
    [0.689, 0.549, 0.066, 0.819, 0.007],
    [0.630, 0.000, 0.457, 0.622, 0.141],
    [0.134, 0.579, 0.821, 0.527, 0.795],
    [0.199, 0.556, 0.147, 0.030, 0.649],
    [0.353, 0.557, 0.892, 0.638, 0.836],
]
_FIVE_DECAYS = [
    [9.325, 9.764, 2.581, 4.007, 9.319],
    [5.759, 8.742, 4.741, 7.320, 9.768],
    [2.841, 4.349, 6.920, 5.640, 3.839],
    [6.710, 7.460, 3.685, 4.052, 6.813],
    [2.486, 2.214, 8.718, 4.594, 2.642],
]


def _hawkes(base, jumps, decays) -> ExponentialHawkes:
    jumps, decays = np.asarray(jumps, float), np.asarray(decays, float)
    return cast(Any, ExponentialHawkes)(jnp.asarray(base), jnp.asarray(jumps / decays), jnp.asarray(decays))


def _laws(sets) -> dict[str, ExponentialHawkes]:
    every = {
        "Ind": lambda: _hawkes([0.1, 0.05], [[0.2, 0.0], [0.0, 0.4]], [[1.0, 1.0], [1.0, 2.0]]),
        "Dep-I": lambda: _hawkes([0.1, 0.05], [[0.2, 0.1], [0.2, 0.3]], [[1.0, 1.0], [1.0, 1.0]]),
        "Dep-II": lambda: _hawkes([0.713, 0.057, 0.844, 0.254, 0.344], _FIVE_JUMPS, _FIVE_DECAYS),
    }
    return {name: every[name]() for name in sets}


def nhp_independent(record: Events, *, width: int, key) -> NeuralPointProcess:
    """The neural Hawkes process with one intensity for all kinds, and the kind independent of the time."""
    k1, k2, k3 = jax.random.split(key, 3)
    kinds = record.num_marks or 1
    ground = MovingIntensity(width, 1, key=k2)
    decoder = IndependentMarks(ground, width, kinds, key=k3)
    return cast(Any, NeuralPointProcess)(ContinuousLSTM(kinds, width, key=k1), decoder, GapScale.of(record))


_WIDTH = 32
_INDEPENDENT = {"rmtpp": rmtpp, "iftpp": iftpp, "nhp_independent": nhp_independent}
_DEPENDENT = {"cd_lognormal": cd_lognormal, "cd_rmtpp": cd_rmtpp, "mark_given_time": mark_given_time, "nhp": nhp}
_TOTAL, _BELOW = "negative log-likelihood a sequence", "nats a sequence above the truth"
_BEATS = "CD log-normal below the best conditionally independent model, nats a sequence"


def _drawn(sets, n, key) -> list[Any]:
    window = jnp.array([0.0, _END])
    laws = _laws(sets)
    return [law.sample(window, key=jax.random.fold_in(key, i), n=n).to_record() for i, law in enumerate(laws.values())]


def _build(sets):
    def build(data, key):
        models = {}
        for i, law in enumerate(sets):
            own = part(data, i, len(sets))
            for j, (name, preset) in enumerate((_INDEPENDENT | _DEPENDENT).items()):
                models[f"{law}: {name}"] = preset(own, width=_WIDTH, key=jax.random.fold_in(key, 16 * i + j))
        return models

    return build


def _metrics(sets):
    def metrics(outcome: Outcome) -> Report:
        held = dict(zip(sets, _drawn(sets, outcome.setting["held"], outcome.key), strict=True))
        laws, rows = _laws(sets), []
        for law in sets:
            true, scores = scored(laws[law], held[law])["total"], {}
            rows.append(Row(f"{law}: truth", _TOTAL, -true.mean(), true.std(ddof=1) / len(true) ** 0.5))
            for name in _INDEPENDENT | _DEPENDENT:
                if f"{law}: {name}" not in outcome.fits:
                    continue
                scores[name] = scored(outcome.fits[f"{law}: {name}"].model, held[law])["total"]
                below = true - scores[name]
                rows.append(Row(f"{law}: {name}", _TOTAL, -scores[name].mean()))
                rows.append(Row(f"{law}: {name}", _BELOW, below.mean(), below.std(ddof=1) / len(true) ** 0.5))
            rivals = [scores[name].mean() for name in _INDEPENDENT if name in scores]
            if rivals and "cd_lognormal" in scores:
                rows.append(Row(law, _BEATS, scores["cd_lognormal"].mean() - max(rivals)))
        return Report(tuple(rows))

    return metrics


_PAPER = "Waghmare et al. (2022), Tables 3 and 4: the CD log-normal mixture is better than all independent models"


def _experiment(name, sets, summary, sizes, batch) -> Experiment:
    return Experiment(
        name=name,
        paper="waghmare2022",
        summary=summary,
        data=lambda setting, key: concatenate(_drawn(sets, setting["n"], key)),
        build=_build(sets),
        objective=lambda model: Part(PerEvent(), sets.index(model.split(": ")[0]), len(sets), batch),
        metrics=_metrics(sets),
        expected={(law, _BEATS): AtLeast(0.0, _PAPER) for law in sets if law != "Ind"},
        scales={
            "smoke": {"n": 64, "held": 64, "models": (f"{sets[-1]}: cd_lognormal",), "fit": adam(20, 1e-2)},
            "paper": sizes,
        },
        fit=adam(1000, 1e-2, clip=1.0),
    )


TPP_TIME_MARK = _experiment(
    "tpp-time-mark",
    ("Ind", "Dep-I"),
    "kinds that depend on times: Hawkes-Ind and Hawkes-Dep-I drawn anew, with the bound of the truth",
    {"n": 4096, "held": 2048},
    64,
)
TPP_TIME_MARK_FIVE = _experiment(
    "tpp-time-mark-five",
    ("Dep-II",),
    "kinds that depend on times: Hawkes-Dep-II, five kinds, drawn anew, with the bound of the truth",
    {"n": 1024, "held": 256},
    8,
)
