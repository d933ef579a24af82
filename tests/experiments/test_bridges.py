"""The bridge experiments at small sizes: every expected figure has its row, identities hold."""

import jax
import jax.numpy as jnp
import pytest

from sdekit.data import Snapshots
from sdekit.experiments import _sb_gaussian as gaussian, _sb_snapshots as snapshots
from sdekit.experiments._experiment import Outcome
from sdekit.experiments._sb_snapshots import _Task


@pytest.mark.slow
def test_gaussian_identities_hold():
    experiment = gaussian.SB_GAUSSIAN
    setting = {"dims": (2,), "nodes": 24}
    report = experiment.metrics(Outcome(experiment.data(setting, jax.random.key(0)), {}, setting, jax.random.key(1)))
    assert len(report) == 6 and report.within, report.to_markdown()


@pytest.mark.slow
def test_held_out_tables_have_every_row_that_is_expected(monkeypatch):
    xs = jax.random.uniform(jax.random.key(0), (9, 20, 2)) + jnp.linspace(1.0, 2.0, 9)[:, None, None]
    data = Snapshots(jnp.arange(9.0), xs)
    train, test = data.at(slice(0, None, 2)), data.at(slice(1, None, 2))
    make = lambda _name, field: _Task("", train, test, field, 0.3, 2)
    monkeypatch.setattr(snapshots, "_sbirr", make)
    experiment = snapshots.SB_VORTEX
    setting = {"seeds": 2, "rounds": 2, "steps": 5, "copies": 1}
    report = experiment.metrics(Outcome(data, {}, setting, jax.random.key(1)))
    assert set(experiment.expected) <= {(row.model, row.metric) for row in report}
    assert report["OT midpoint", "W1, mean"].value > 0
    assert report["refined bridge", "W1, mean"].error is not None
