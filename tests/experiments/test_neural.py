"""The neural experiments at small sizes: spirals are told apart, the law of mass action is found."""

import jax
import numpy as np
import optax
import pytest

from sdekit.data import load
from sdekit.experiments import _hybrid_lotka_volterra as hybrid, _spirals as spirals
from sdekit.experiments._experiment import Outcome
from sdekit.fit import fit


def test_the_levy_area_knows_which_way_a_spiral_turns():
    """The generator has labels that mean something. Of 1000 spirals, 10 may look wrong."""
    data = load("spirals", n=1000, dropped=0.7, key=jax.random.key(0))
    assert spirals.by_area(data).mean() > 0.99
    assert (np.asarray(data.series.mask.all(-1).sum(-1)) == 30).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["CDE", "RDE"])
def test_spirals_are_told_apart(kind):
    data = load("spirals", n=256, times=60, dropped=0.5, key=jax.random.key(0))
    model = spirals._build(data, jax.random.key(1))[spirals._name(kind, 0.5)]
    found = fit(
        model, spirals.CrossEntropy(), data, key=jax.random.key(2), steps=150, batch_size=32, progress=False,
        optimiser=optax.adam(1e-2),
    )  # fmt: skip
    test = load("spirals", n=400, times=60, dropped=0.5, key=jax.random.key(3))
    assert np.asarray(spirals._right(found.model, test)).mean() > 0.93


@pytest.mark.slow
def test_the_law_of_mass_action_is_found():
    experiment = hybrid.HYBRID_LOTKA_VOLTERRA
    data = experiment.data({"n": 8}, jax.random.key(0))
    models = experiment.build(data, jax.random.key(1))
    how = {"steps": 200, "optimiser": optax.adam(optax.cosine_decay_schedule(1e-2, 200)), "progress": False}
    fits = {name: fit(m, experiment.objective(name), data, key=jax.random.key(2), **how) for name, m in models.items()}
    report = experiment.metrics(Outcome(data, fits, {}, jax.random.key(3))).expect(experiment.expected)
    assert report.within, report.to_markdown()
    flow = lambda model: report[model, hybrid._FLOW].value
    assert flow(hybrid._REFITTED) < flow(hybrid._HYBRID) < flow(hybrid._KNOWN)
