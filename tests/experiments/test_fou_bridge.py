"""The fractional bridges at small sizes: the exact control is near optimal, and training goes towards it."""

import jax
import numpy as np
import pytest

from sdekit.experiments import _fou_bridge as bridge
from sdekit.experiments._training import adam
from sdekit.fit import fit


CASE = (0.7, 1.0)
NAME = bridge._name(CASE)


@pytest.mark.slow
def test_the_exact_control_has_nearly_the_least_loss():
    """With 512 paths, 5 standard errors (false alarm 1e-6) and the 0.01 of the acceptance."""
    least, paper, excess = bridge._exact_rows(NAME, *CASE, 512, jax.random.key(0))
    expected = {row: bridge.FOU_BRIDGE.expected[NAME, row][:2] for row in (bridge.LEAST, bridge.PAPER)}
    for row, metric in ((least, bridge.LEAST), (paper, bridge.PAPER)):
        assert abs(row.value - expected[metric][0]) <= expected[metric][1]
    assert abs(excess.value) < 0.01 + 5 * excess.error


@pytest.mark.slow
def test_training_lowers_the_loss():
    model = bridge._build(bridge._series(), jax.random.key(0))[NAME]
    objective = bridge._Loss(bridge.information_times(bridge.bridge_model(bridge._driver(0.7), 1.0).process, 40), 32)
    frozen = bridge.FOU_BRIDGE.fit["frozen"]
    found = fit(model, objective, bridge._series(), key=jax.random.key(1), frozen=frozen, progress=False,
                chunk=10, **adam(120, 1e-2))  # fmt: skip
    losses = np.asarray(found.history["loss"])
    assert losses[-1] < 0.8 * losses[0], losses
