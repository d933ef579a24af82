"""Prey and predators: growth and death are known, how they meet is not. A network learns it, and becomes a formula.

Paths of the stochastic equation are observed without error. The network is fitted together with the noise by the
likelihood of transitions; a formula is read off it on the states of the data; and the coefficients of the formula are
then fitted to the data themselves, with standard errors. Beside the hybrid drift stand what is known, alone, and a
network alone, compared by the deterministic flows from new starts.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from .._parameters import AbstractParametric, constraints, parameter
from .._types import Array, Key, as_vector
from ..data import Series
from ..evaluate import Report, Row
from ..fit import FullBatch, fit
from ..inference import TransitionLikelihood, confidence
from ..nets import MLPField
from ..neural import Formula, HybridDrift, NeuralODE, symbolic
from ..processes import Diagonal, Diffusion, LotkaVolterra
from ..solve import solve
from ._experiment import Experiment, Outcome
from ._training import adam


__all__ = ["HYBRID_LOTKA_VOLTERRA"]

_TRUTH: Any = {"birth": 2 / 3, "predation": 4 / 3, "conversion": 1.0, "death": 1.0}
_NAMES = ("prey", "predators")
_GAP, _TIMES = 0.02, 401
_START = (np.zeros(2), np.full(2, 0.4))
"""Of the logarithm of the first state."""
_MEETING = "prey predators"
_WRONG, _FLOW = "terms too many or too few", "error of the flow over 20 units of time"
_HYBRID, _NETWORK, _KNOWN = "known + network", "network alone", "known alone"
_READ, _REFITTED = "formula", "formula, refitted"


class _Growth(eqx.Module):
    """Prey that meet no predator grow; predators that meet no prey die."""

    birth: float = eqx.field(static=True, default=_TRUTH["birth"])
    death: float = eqx.field(static=True, default=_TRUTH["death"])

    def __call__(self, t, x):
        return jnp.stack([self.birth * x[0], -self.death * x[1]])


class _Proportional(AbstractParametric):
    """Noise in proportion to the state."""

    scale: Array = parameter(constraints.positive, converter=as_vector)

    def __call__(self, t, x):
        return self.scale * x


def _initial():
    return dist.LogNormal(jnp.asarray(_START[0]), jnp.asarray(_START[1])).to_event(1)


def _data(setting, key):
    truth = LotkaVolterra(**_TRUTH, scale=0.1, initial=_initial())
    path = cast(Any, solve(truth, jnp.arange(_TIMES) * _GAP, key=key, n=setting["n"], steps=4))
    return Series(path.ts, path.xs)


def _diffusion(drift: Callable) -> Diffusion:
    return Diffusion(drift, _Proportional(jnp.full(2, 0.2)), _initial(), structure=Diagonal)


def _build(_data, key):
    return {
        _HYBRID: _diffusion(HybridDrift.around(_Growth(), dim=2, width=32, depth=2, key=key)),
        _NETWORK: _diffusion(MLPField(dim=2, width=32, depth=2, key=key)),
    }


def wrong(formula: Formula) -> int:
    """How many terms are there and should not be, or should be and are not."""
    return sum(len(set(found) ^ {_MEETING}) for found in formula.terms)


@eqx.filter_jit
def _flows(field, starts, ts):
    model = NeuralODE(field, _initial(), steps=20)
    return jax.vmap(lambda x: model.flow(x, ts))(starts)


def _metrics(outcome: Outcome) -> Report:
    data = cast(Series, outcome.data)
    drift = outcome.fits[_HYBRID].model.drift_field
    states = np.asarray(data.ys).reshape(-1, 2)[::7]
    formula = symbolic(drift.network, states, variables=_NAMES)
    refitted, errors = _refit(formula, data, outcome.key)
    found = {_READ: formula, _REFITTED: refitted}
    rows = [Row(_READ, _WRONG, float(wrong(formula)))]
    for i, (name, truth) in enumerate((("predation", -_TRUTH["predation"]), ("conversion", _TRUTH["conversion"]))):
        rows += [Row(_READ, name, _coefficient(formula, formula.values, i))]
        value, error = (_coefficient(formula, column, i) for column in (refitted.values, errors))
        rows += [Row(_REFITTED, name, value, error), Row(_REFITTED, _in_errors(name), (value - truth) / error)]
    starts = jax.vmap(_initial().sample)(jax.random.split(outcome.key, 64))
    ts = jnp.linspace(0.0, 20.0, 41)
    exact = _flows(LotkaVolterra(**_TRUTH).drift, starts, ts)
    fields = {
        _HYBRID: drift, _NETWORK: outcome.fits[_NETWORK].model.drift_field, _KNOWN: _Growth(),
        **{kind: HybridDrift(_Growth(), f) for kind, f in found.items()},
    }  # fmt: skip
    for kind, field in fields.items():
        gap = np.asarray(_flows(field, starts, ts)) - np.asarray(exact)
        rows.append(Row(kind, _FLOW, float(np.sqrt(np.mean(gap**2))), ideal=0.0))
    return Report(tuple(rows))


def _refit(formula: Formula, data: Series, key: Key) -> tuple[Formula, np.ndarray]:
    """The formula with the coefficients that the data themselves say, and their standard errors."""
    likelihood = TransitionLikelihood(substeps=4)
    model = _diffusion(HybridDrift(_Growth(), formula))
    model = fit(model, likelihood, data, key=key, steps=60, optimiser=FullBatch(), tolerance=1e-8, progress=False).model
    table = confidence(model, likelihood, data)
    rows = [i for i, name in enumerate(table.names) if "network" in name]
    return cast(Any, model.drift_field).network, table.standard_error[rows]


def _coefficient(formula: Formula, values: Any, component: int) -> float:
    """What stands before the product of prey and predators in one component; NaN if it is not there."""
    place = (formula.library.names(_NAMES).index(_MEETING), component)
    return float(values[formula.places.index(place)]) if place in formula.places else math.nan


def _draw(outcome: Outcome, folder: Path) -> None:
    """Flows from one start."""
    import matplotlib.pyplot as plt

    from .. import plot

    drift = outcome.fits[_HYBRID].model.drift_field
    states = np.asarray(cast(Series, outcome.data).ys).reshape(-1, 2)[::7]
    formula = symbolic(drift.network, states, variables=_NAMES)
    ts, start = jnp.linspace(0.0, 20.0, 201), jnp.array([[1.5, 0.5]])
    fields = {"truth": LotkaVolterra(**_TRUTH).drift, _HYBRID: drift, _READ: HybridDrift(_Growth(), formula)}
    figure, axes = plt.subplots(2, 1, figsize=(6.4, 3.6), sharex=True)
    for (name, field), style in zip(fields.items(), ("k-", "C0--", "C1:"), strict=True):
        xs = np.asarray(_flows(field, start, ts))[0]
        for ax, x in zip(axes, xs.T, strict=True):
            ax.plot(ts, x, style, lw=1.4, label=name)
    for ax, name in zip(axes, _NAMES, strict=True):
        ax.set_ylabel(name)
    axes[0].set_title(str(formula).replace("\n", ",  "), loc="left", fontsize=9.5)
    axes[0].legend(frameon=False, fontsize=8, ncols=3, loc="lower right", bbox_to_anchor=(1, 0.98))
    axes[1].set_xlabel("time")
    figure.tight_layout()
    plot.save(figure, folder / "flows.png")
    plt.close("all")


def _in_errors(name: str) -> str:
    return f"{name} less truth, in standard errors"


_DRAWN = "the equations that the data were drawn from"


HYBRID_LOTKA_VOLTERRA = Experiment(
    name="hybrid-lotka-volterra",
    paper="rackauckas2020",
    summary="known growth plus a network for how prey and predators meet; the law of mass action read off the network",
    data=_data,
    build=_build,
    objective=lambda _name: TransitionLikelihood(),
    metrics=_metrics,
    expected={
        (_READ, _WRONG): (0.0, 0.0, _DRAWN),
        (_READ, "predation"): (-_TRUTH["predation"], 0.1, _DRAWN),
        (_READ, "conversion"): (_TRUTH["conversion"], 0.1, _DRAWN),
        **{
            (_REFITTED, _in_errors(name)): (0.0, 4.9, "standard normal, two-sided 1e-6")
            for name in ("predation", "conversion")
        },
    },
    scales={
        "smoke": {"n": 32, "fit": adam(400, 1e-2, end=0.02)},
        "paper": {"n": 128, "fit": adam(1000, 1e-2, end=0.02)},
    },
    draw=_draw,
)  # fmt: skip
