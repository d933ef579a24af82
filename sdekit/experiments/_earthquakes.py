"""Earthquakes around Japan, 2015 to 2019: from a Poisson process to aftershocks that depend on magnitudes."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data import AbstractRecord, Events, load
from ..evaluate import Report, Row
from ..fit import FullBatch
from ..inference import AbstractLikelihood
from ..points import (
    ETAS,
    AbstractAutoregressive,
    ExponentialHawkes,
    GutenbergRichter,
    Poisson,
    PowerLawHawkes,
    goodness_of_fit,
    residuals,
)
from ._experiment import Experiment, Outcome


__all__ = ["EARTHQUAKES"]


class GroundLikelihood(AbstractLikelihood):
    """The likelihood of the times alone: of a marked process its times given earlier magnitudes."""

    def log_prob(self, model, item: AbstractRecord):
        scores = model.scores(_for(model, item))
        return scores.time.sum() + scores.survival


def _for(model: AbstractAutoregressive, record) -> Events:
    return record if model.mark_law is not None else eqx.tree_at(lambda e: e.marks, record, None)


def _data(setting, key) -> Events:
    quakes = load("japan_quakes")
    keep = np.asarray(quakes.marks) >= setting["cutoff"]
    ts, marks = np.asarray(quakes.ts)[keep], np.asarray(quakes.marks)[keep]
    return Events(ts, marks, t0=float(quakes.t0), t1=float(quakes.t1), ties=True)


def _build(record, key):
    marks = np.asarray(record.marks)
    cutoff = float(marks.min())
    # Magnitudes are given to a tenth: the mean excess over the lower end of the first cell.
    richter = GutenbergRichter(1 / (marks.mean() - cutoff + 0.05), cutoff - 0.05)
    rate = int(record.observed()) / float(record.t1 - record.t0)
    return {
        "Poisson": Poisson(rate),
        "Hawkes, exponential": ExponentialHawkes(0.5 * rate, 0.5, 1.0),
        "Hawkes, power law": PowerLawHawkes(0.5 * rate, 0.5, 0.3, 0.01),
        "ETAS": ETAS(0.5 * rate, 0.2, 1.0, 0.3, 0.01, cutoff, richter),
    }


def _metrics(outcome: Outcome) -> Report:
    record, rows, first = outcome.data, [], None
    assert isinstance(record, Events)
    n = int(record.observed())
    for name, fit in outcome.fits.items():
        seen = _for(fit.model, record)
        total = float(jax.jit(lambda m, e: GroundLikelihood().log_prob(m, e))(fit.model, record))
        first = total if first is None else first
        test = goodness_of_fit(fit.model, seen)
        rows.append(Row(name, "log-likelihood of times an event", total / n))
        rows.append(Row(name, "gain over Poisson, nats an event", (total - first) / n))
        rows.append(Row(name, "distance of residuals", test.distance))
        rows.append(Row(name, "p-value of residuals, parameters as known", test.p_value))
        rows.append(Row(name, "lag-1 correlation of residuals", test.correlation))
    etas = outcome.fits["ETAS"].model
    rows.append(Row("ETAS", "growth of magnitude effect, alpha", float(etas.magnitude)))
    rows.append(Row("ETAS", "Omori's p", 1 + float(etas.power)))
    rows.append(Row("ETAS", "direct aftershocks of an earthquake at the cutoff", float(etas.productivity)))
    rows.append(Row("ETAS", "mean direct aftershocks", float(etas.offspring())))
    rows.append(Row("ETAS", "share that no other one caused", float(etas.base[0]) * float(record.t1) / n))
    rows.append(Row("ETAS", "b-value", float(etas.mark_law.rate) / np.log(10)))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    record = outcome.data
    assert isinstance(record, Events)
    with plot.style():
        figure, axes = plt.subplots(1, 4, figsize=(11, 3.0))
        for ax, (name, fit) in zip(axes, outcome.fits.items(), strict=True):
            plot.rescaled(residuals(fit.model, _for(fit.model, record)), ax=ax)
            ax.set_title(name)
        plot.save(figure, folder / "residuals.png")
        plt.close(figure)
        figure, ax = plt.subplots(figsize=(7.5, 2.8))
        largest = float(record.ts[jnp.argmax(record.marks)])  # pyright: ignore[reportArgumentType]
        ts = np.linspace(max(largest - 20, 0.0), min(largest + 60, float(record.t1)), 800)
        for name in ("Hawkes, exponential", "ETAS"):
            model = outcome.fits[name].model
            rates = model.intensities(jnp.asarray(ts), _for(model, record))
            ax.semilogy(ts - largest, rates[:, 0], lw=1.0, label=name)
        ax.set(xlabel="days after the largest earthquake", ylabel="earthquakes a day")
        ax.legend(frameon=False)
        plot.save(figure, folder / "intensity.png")
        plt.close(figure)


EARTHQUAKES = Experiment(
    name="earthquakes",
    paper="ogata1988",
    summary="an epidemic model of aftershocks for the Japanese catalogue, against simpler point processes",
    data=_data,
    build=_build,
    objective=lambda _name: GroundLikelihood(),
    metrics=_metrics,
    expected={},
    scales={"smoke": {"cutoff": 5.0, "fit": {"steps": 40}}, "paper": {"cutoff": 4.5}},
    fit={"optimiser": FullBatch(), "steps": 150, "tolerance": 1e-9},
    baseline="Poisson",
    draw=_draw,
)
