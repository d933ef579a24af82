r"""Iterative reference refinement in closed form: an Ornstein-Uhlenbeck process from the moments of its snapshots.

$dX = \theta(\mu - X)\,dt + \sigma\,dW$ with $\theta = 1.5$, $\mu = .5$, $\sigma^2 = .4$ from $N(2, .3)$, seen at four
times, from a reference without drift. Each round divides the divergence by about 16.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._types import Key
from ..bridges import refine, refine_gaussian
from ..data import Snapshots
from ..evaluate import Report, Row
from ..processes import LinearSDE
from ._experiment import Experiment, Outcome
from ._sb_snapshots import unfitted


__all__ = ["SB_REFINEMENT_OU"]

RATE, MEAN, VARIANCE = 1.5, 0.5, 0.4
TIMES = np.array([0.0, 0.5, 1.2, 2.0])
RATES = (1.289458, 1.449243, 1.487330)
"""The rate after each round, by quadrature of the closed forms."""
KL = (2.8359, 3.01e-2, 1.61e-3, 9.8e-5)
_EXACT = "closed form, by quadrature"


def moments() -> tuple[np.ndarray, np.ndarray]:
    """Means and variances at the times."""
    fade = np.exp(-RATE * TIMES)
    return MEAN + (2.0 - MEAN) * fade, 0.3 * fade**2 + VARIANCE / (2 * RATE) * (1 - fade**2)


def _data(setting: Mapping[str, Any], key: Key) -> Snapshots:
    mean, variance = (jnp.asarray(v) for v in moments())
    z = jax.random.normal(key, (len(TIMES), setting["particles"], 1))
    return Snapshots(TIMES, mean[:, None, None] + jnp.sqrt(variance)[:, None, None] * z)


def _start() -> LinearSDE:
    return LinearSDE(jnp.zeros((1, 1)), scale=jnp.full(1, VARIANCE**0.5))


def _metrics(outcome: Outcome) -> Report:
    data: Any = outcome.data
    mean, variance = moments()
    exact = refine_gaussian(_start(), mean[:, None], variance[:, None, None], TIMES, rounds=5).history
    rates = -exact["matrix"].ravel()
    rows = [Row("population", f"rate, round {i + 1}", float(rates[i + 1])) for i in range(len(RATES))]
    rows += [Row("population", f"KL, round {i}", float(exact["kl"][i])) for i in range(len(KL))]
    rows.append(Row("population", "largest rise of the KL", float(np.maximum(np.diff(exact["kl"]), 0).max())))
    how = {k: outcome.setting[k] for k in ("rounds", "steps", "batch")}
    found = refine(_start(), data, key=outcome.key, settle=0.0, **how).history
    # The last rounds have settled and have seen each particle once: their mean has less noise than any.
    last = -found["matrix"].ravel()[-outcome.setting["last"] :]
    rows.append(Row("particles", "rate", float(last.mean()), float(last.std() / np.sqrt(len(last)))))
    return Report(tuple(rows))


_EXPECTED = {("population", f"rate, round {i + 1}"): (v, 1e-5, _EXACT) for i, v in enumerate(RATES)}
_EXPECTED |= {("population", f"KL, round {i}"): (v, 0.01 * v, _EXACT) for i, v in enumerate(KL)}
_EXPECTED["population", "largest rise of the KL"] = (0.0, 1e-6, "each half-step is a minimisation")
_EXPECTED["particles", "rate"] = (RATE, 0.02 * RATE, "the truth, within 2 %")

SB_REFINEMENT_OU = Experiment(
    name="sb-refinement-ou",
    paper="shen2025",
    summary="iterative reference refinement finds an Ornstein-Uhlenbeck process again, in closed form and by particles",
    data=_data,
    build=lambda _data, _key: {},
    objective=unfitted,
    metrics=_metrics,
    expected=_EXPECTED,
    scales={
        "smoke": {"particles": 2000, "batch": 1000, "rounds": 8, "steps": 20, "last": 2},
        "paper": {"particles": 20_000, "batch": 2000, "rounds": 20, "steps": 30, "last": 10},
    },
)
