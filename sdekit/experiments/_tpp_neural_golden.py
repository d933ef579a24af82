r"""Neural point processes on sequences whose law is known: how far each is from the best score that there is.

Four laws, on $[0, 20]$: Hawkes with $0.2 + 0.8 \sum e^{-s}$; Poisson with rate 1; self-correcting, $e^{t - N(t)}$;
renewal with log-normal gaps of mean 1, their logarithms of deviation 1. Each is a function of gaps, all that networks
are told: a Poisson process whose rate moves with the clock cannot be learned by them. Held-out sequences are scored
under the model and under the truth: the difference, in nats an event, is an estimate of the Kullback-Leibler
divergence.

`fullynn` is fitted to each, `rmtpp` where its hazard, exponential in the gap, can be the true one, `nhp` where memories
decay, `iftpp` where gaps are log-normal. Sequences are many, so that few are seen often.
"""

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from .._errors import require
from ..data import Events, concatenate
from ..evaluate import Report, Row
from ..points import (
    AbstractAutoregressive,
    ExponentialHawkes,
    PerEvent,
    Poisson,
    Renewal,
    SelfCorrecting,
    fullynn,
    iftpp,
    nhp,
    rmtpp,
    simulate,
)
from ._experiment import Experiment, Outcome
from ._tpp import Part, part, scored
from ._training import adam


__all__ = ["TPP_NEURAL_GOLDEN"]

_END = 20.0
_WIDTH = 16


def _laws() -> dict[str, AbstractAutoregressive]:
    gap = dist.LogNormal(jnp.asarray(-0.5), jnp.asarray(1.0))
    return {
        "Hawkes": ExponentialHawkes(0.2, 0.8, 1.0),  # pyright: ignore[reportArgumentType]
        "Poisson": Poisson(1.0),  # pyright: ignore[reportArgumentType]
        "self-correcting": SelfCorrecting(1.0, 1.0, 0.0),  # pyright: ignore[reportArgumentType]
        "renewal": Renewal(gap),
    }


_LAWS = ("Hawkes", "Poisson", "self-correcting", "renewal")
_PRESETS = {"iftpp": iftpp, "rmtpp": rmtpp, "fullynn": fullynn, "nhp": nhp}
_LONGEST = {"Hawkes": 512, "Poisson": 56, "self-correcting": 40, "renewal": 80}
"""More events than any sequence has, which is checked."""
_GAP, _ERROR = "nats an event below the truth", "quadrature error, nats an event"
_FITTED = (
    "Hawkes: fullynn",
    "Hawkes: nhp",
    "Poisson: fullynn",
    "Poisson: rmtpp",
    "self-correcting: fullynn",
    "self-correcting: rmtpp",
    "renewal: fullynn",
    "renewal: iftpp",
)


def _drawn(n, key) -> list[Events]:
    keys = jax.random.split(key, len(_LAWS))
    found = []
    for (name, law), k in zip(_laws().items(), keys, strict=True):
        path = simulate(law, 0.0, _END, key=k, n=n, room=_LONGEST[name])
        require(not np.any(path.full), name, "has too many events", _LONGEST[name], "draw with another seed")
        record = cast(Events, path.to_record())
        most = int(record.mask.sum(-1).max())
        found.append(jax.tree.map(lambda x, most=most: x[:, :most] if x.ndim == 2 else x, record))
    return found


def _build(data, key):
    models = {}
    for i, name in enumerate(_FITTED):
        law, preset = name.split(": ")
        own = part(data, _LAWS.index(law), len(_LAWS))
        models[name] = _PRESETS[preset](own, width=_WIDTH, key=jax.random.fold_in(key, i))
    return models


def _metrics(outcome: Outcome) -> Report:
    rows = []
    held: dict[str, Events] = dict(zip(_LAWS, _drawn(outcome.setting["held"], outcome.key), strict=True))
    laws = _laws()
    true = {}
    for name, fitted in outcome.fits.items():
        law = name.split(": ")[0]
        if law not in true:
            true[law] = scored(laws[law], held[law])
        want, own = true[law], scored(fitted.model, held[law])
        events = want["count"].sum()
        each = want["total"] - own["total"]
        spread = each.std(ddof=1) * np.sqrt(len(each)) / events
        rows += [Row(name, _GAP, each.sum() / events, spread), Row(name, _ERROR, own["error"].sum() / events)]
    rows += [Row(law, "nats an event, truth", s["total"].sum() / s["count"].sum()) for law, s in true.items()]
    return Report(tuple(rows))


def _objective(name):
    law = name.split(": ")[0]
    return Part(PerEvent(), _LAWS.index(law), len(_LAWS), 64, _LONGEST[law])  # pyright: ignore[reportCallIssue]


_EXACT = "the likelihood of the law that the sequences were drawn from"

TPP_NEURAL_GOLDEN = Experiment(
    name="tpp-neural-golden",
    paper="shchur2020",
    summary="neural point processes on four known laws: how far below the likelihood of the truth",
    data=lambda setting, key: concatenate(_drawn(setting["n"], key)),
    build=_build,
    objective=_objective,
    metrics=_metrics,
    expected={(name, _GAP): (0.0, 0.01, _EXACT) for name in _FITTED},
    scales={
        "smoke": {"n": 128, "held": 64, "models": ("Hawkes: nhp", "renewal: iftpp"), "fit": adam(60, 1e-2)},
        "paper": {"n": 4096, "held": 1024, "models": _FITTED},
    },
    fit=adam(400, 1e-2, clip=1.0),
)
