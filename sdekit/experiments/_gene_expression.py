r"""A gene that switches on and off: bursts of messages, whose stationary law is Beta-Poisson.

The gene is on for a time and off for a time; while on it is transcribed. In units of the life of a message, with rates
$k_{on}$, $k_{off}$ and $c$, the messages are Poisson with a mean of $c\,B$, $B \sim \mathrm{Beta}(k_{on}, k_{off})$.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special, stats

from ..data import Events
from ..evaluate import Report, Row
from ..fit import FullBatch
from ..inference import MarginalLikelihood
from ..jumps import Projection, ReactionNetwork, moments, reaction_events, simulate
from ..paths import JumpPath
from ._experiment import Experiment, Outcome


__all__ = ["GENE_EXPRESSION"]

_RATES = {"on": 0.6, "off": 1.2, "transcribe": 30.0, "decay": 1.0}
_STATIONARY, _WINDOW, _MOST = 15.0, 4.0, 80
_SMALL, _CELLS = 4000, 100
_LIKELIHOOD = MarginalLikelihood()
_EXACT = "the Beta-Poisson law"
_BY_CHANCE = "zero is exact; the tolerance is the 1e-6 point of Kolmogorov's statistic at the smaller scale"


def network(rates: dict[str, float] = _RATES) -> ReactionNetwork:
    """The telegraph model of a gene, from a silent start."""
    reactions = {"on": "off -> on", "off": "on -> off", "transcribe": "on -> on + M", "decay": "M -> 0"}
    return ReactionNetwork(reactions, rates, {"off": 1, "on": 0, "M": 0}, room=320)


def beta_poisson(most: int) -> np.ndarray:
    """The stationary probabilities of 0, 1, ..., `most` messages, by Gauss-Jacobi quadrature."""
    on, off, c = (_RATES[k] / _RATES["decay"] for k in ("on", "off", "transcribe"))
    nodes, weights = special.roots_jacobi(200, off - 1, on - 1)
    pmf = stats.poisson.pmf(np.arange(most + 1)[:, None], c * (nodes[None] + 1) / 2)
    return pmf @ (weights / weights.sum())


def _data(setting: Any, key: Any) -> Events:
    return reaction_events(network(), jnp.array([0.0, _WINDOW]), key=key, n=setting["cells"])


def _messages(outcome: Outcome) -> np.ndarray:
    ts = jnp.array([0.0, _STATIONARY])
    return np.asarray(simulate(network(), ts, key=outcome.key, n=outcome.setting["paths"]).xs[:, -1, 2]).astype(int)


def _metrics(outcome: Outcome) -> Report:
    law, m = beta_poisson(_MOST), _messages(outcome)
    below = np.searchsorted(np.sort(m), np.arange(_MOST + 1) + 0.5) / m.size
    chain = Projection(network(), {"off": 1, "on": 1, "M": _MOST})
    found = np.asarray(chain.marginal_law("M", chain.stationary_law()), np.float64)
    late = moments(network(), jnp.array([0.0, 2 * _STATIONARY]))
    rows = [
        Row("SSA", "mean", float(m.mean())),
        Row("SSA", "variance", float(m.var())),
        Row("SSA", "share without a message", float((m == 0).mean())),
        Row("SSA", "Kolmogorov distance", float(np.abs(below - np.cumsum(law)).max())),
        Row("projection", "total variation", float(np.abs(found - law).sum() / 2)),
        Row("moment equations", "mean", float(late.mean[-1, 2])),
        Row("moment equations", "variance", float(late.covariance[-1, 2, 2])),
    ]
    for name, fit in outcome.fits.items():
        for parameter, value in zip(fit.model.parameters, np.asarray(fit.model.rates), strict=True):
            rows.append(Row(name, parameter, float(value)))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    path = network().sample(jnp.array([0.0, 10.0]), key=jax.random.fold_in(outcome.key, 1))
    assert isinstance(path, JumpPath)
    with plot.style():
        figure, axes = plt.subplots(1, 2, figsize=(8.5, 2.8))
        plot.jumps(path, ax=axes[0], component=2)
        on = np.append(np.asarray(path.states[:, 1]), np.asarray(path.states[-1, 1])) > 0
        times = np.append(np.asarray(path.ts), float(path.t1))
        axes[0].fill_between(times, 0, 1, where=on, step="post", transform=axes[0].get_xaxis_transform(),
                             color=plot.PALETTE[4], alpha=0.25, lw=0)  # fmt: skip
        axes[0].set(title="messages of one cell; shaded: the gene is on", ylabel="messages")
        plot.counts(_messages(outcome), beta_poisson(_MOST), ax=axes[1], width=1, label="messages in a cell")
        axes[1].set_title("exact simulation and the Beta-Poisson law")
        plot.save(figure, folder / "gene-expression.png")
        plt.close(figure)


def _expected() -> dict[tuple[str, str], tuple[float, float, str]]:
    law, x = beta_poisson(400), np.arange(401)
    mean = law @ x
    variance = law @ x**2 - mean**2
    fourth = law @ (x - mean) ** 4
    zero = law[0]
    found: dict[tuple[str, str], tuple[Any, Any, str]] = {
        ("SSA", "mean"): (mean, 5 * np.sqrt(variance / _SMALL), _EXACT),
        ("SSA", "variance"): (variance, 5 * np.sqrt((fourth - variance**2) / _SMALL), _EXACT),
        ("SSA", "share without a message"): (zero, 5 * np.sqrt(zero * (1 - zero) / _SMALL), _EXACT),
        ("SSA", "Kolmogorov distance"): (0.0, np.sqrt(np.log(2e6) / 2 / _SMALL), _BY_CHANCE),
        ("projection", "total variation"): (0.0, 1e-4, _EXACT),
        ("moment equations", "mean"): (mean, 0.01, _EXACT),
        ("moment equations", "variance"): (variance, 0.1, _EXACT),
    }
    # Five standard errors: a rate is known to one over the root of how often its reaction fires, here about.
    firings = {"on": 0.4 * 4, "off": 0.4 * 3.0, "transcribe": 30.0, "decay": 20.0}
    for name, rate in _RATES.items():
        found["telegraph", name] = (rate, 5 * rate / np.sqrt(_CELLS * firings[name]), "the rates that made the data")
    return {name: (float(a), float(b), c) for name, (a, b, c) in found.items()}


GENE_EXPRESSION = Experiment(
    name="gene-expression",
    paper="peccoud1995",
    summary="a gene that switches on and off: its law by simulation, projection and Beta-Poisson, its rates by fit",
    data=_data,
    build=lambda _data, _key: {"telegraph": network(dict.fromkeys(_RATES, 3.0))},
    objective=lambda _name: _LIKELIHOOD,
    metrics=_metrics,
    expected=_expected(),
    scales={
        "smoke": {"paths": _SMALL, "cells": _CELLS},
        "paper": {"paths": 100000, "cells": 1000},
    },
    fit={"optimiser": FullBatch(), "steps": 60, "tolerance": 1e-7},
    draw=_draw,
)
