"""Point processes at their true laws: likelihoods to ten digits, and why residuals are carried across sequences."""

from pathlib import Path

import jax
import numpy as np
import numpyro.distributions as dist
import scipy.stats

from ..data import Events, load
from ..evaluate import Report, Row
from ..inference import MarginalLikelihood
from ..points import ExponentialHawkes, InhomogeneousPoisson, Poisson, Renewal, SinusoidalRate, residuals
from ._experiment import Experiment, Outcome


__all__ = ["TPP_GOLDEN"]

_SPREAD = np.sqrt(np.log(37.0))
_LAWS = {
    "hawkes1": lambda: ExponentialHawkes(0.2, 0.8, 1.0),
    "stationary_poisson": lambda: Poisson(1.0),
    "nonstationary_poisson": lambda: InhomogeneousPoisson(SinusoidalRate(1.0, 0.99, 100.0)),
    "stationary_renewal": lambda: Renewal(dist.LogNormal(-(_SPREAD**2) / 2, _SPREAD)),
}
_GOLDEN = {
    "hawkes1": -0.49936588553,
    "stationary_poisson": -0.99509418567,
    "nonstationary_poisson": -0.70065956729,
    "stationary_renewal": -0.23498398113,
}
_SOURCE = "the closed form of the true law, found by independent code"


def _data(setting, key) -> Events:
    return load("triangular_hawkes1")


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for name, build in _LAWS.items():
        process, record = build(), load(f"triangular_{name}")
        total = float(jax.jit(jax.vmap(process.log_prob))(record).sum())
        rows.append(Row(name, "log-likelihood an event", total / int(record.observed())))
        for carry in (True, False):
            values = residuals(process, record, carry=carry).values
            how = "carried" if carry else "left over"
            rows.append(Row(name, f"mean residual, {how}", float(values.mean())))
            p = float(scipy.stats.kstest(-np.expm1(-values), "uniform").pvalue)
            rows.append(Row(name, f"p-value, {how}", p))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    with plot.style():
        figure, axes = plt.subplots(1, 2, figsize=(6.6, 3.2))
        record = load("triangular_hawkes1")
        for ax, carry in zip(axes, (True, False), strict=True):
            values = residuals(_LAWS["hawkes1"](), record, carry=carry).values
            plot.rescaled(np.random.default_rng(0).permutation(values)[:20000], ax=ax)
            ax.set_title("carried across sequences" if carry else "unfinished gaps left out")
        plot.save(figure, folder / "residuals.png")
        plt.close(figure)


TPP_GOLDEN = Experiment(
    name="tpp-golden",
    paper="shchur2020",
    summary="log-likelihoods of synthetic event data under their true laws, and the test of the truth by its residuals",
    data=_data,
    build=lambda _data, _key: {},
    objective=lambda _name: MarginalLikelihood(),
    metrics=_metrics,
    expected={(name, "log-likelihood an event"): (value, 1e-9 * abs(value), _SOURCE) for name, value in _GOLDEN.items()}
    | {
        ("hawkes1", "p-value, left over"): (8.5e-4, 1e-5, "the naive test rejects the true law"),
        ("hawkes1", "p-value, carried"): (0.778, 1e-3, "the test on one axis of time does not"),
    },
    scales={"smoke": {}, "paper": {}},
    draw=_draw,
)
