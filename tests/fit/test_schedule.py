"""Objectives that change with the step: each step has its own, whatever was interrupted, and validation the last."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import pytest

from sdekit.fit import fit
from sdekit.inference import AbstractScheduled
from sdekit.processes import OrnsteinUhlenbeck

from .toys import OUTransitions, line, lines, ornstein_uhlenbeck, same_bits, same_history


class Ramp(AbstractScheduled):
    """`weight * slope[0]`, the weight growing by one a step up to 100: under SGD the sum of the weights is seen."""

    weight: object = None

    def at(self, step):
        return Ramp(jnp.minimum(jnp.asarray(step, float), 100.0))

    def __call__(self, model, batch, *, key):
        weight = 100.0 if self.weight is None else self.weight
        return weight * model.slope[0], {"weight": jnp.asarray(weight)}


OPTIONS = {"optimiser": optax.sgd(1e-3), "chunk": 4, "progress": False}


def test_every_step_has_its_own_objective(key):
    found = fit(line(), Ramp(), lines(), key=key, steps=10, **OPTIONS)
    np.testing.assert_allclose(found.model.slope[0], -1e-3 * np.arange(10).sum(), rtol=1e-5)
    np.testing.assert_allclose(found.history["weight"], [1.5, 5.5, 8.5], rtol=1e-6)


def test_validation_is_by_the_end_of_the_schedule(key):
    found = fit(line(), Ramp(), lines(), key=key, steps=8, valid=0.25, **OPTIONS)
    np.testing.assert_array_equal(found.history["valid_weight"], 100.0)
    slopes = -1e-3 * np.array([np.arange(4).sum(), np.arange(8).sum()])
    np.testing.assert_allclose(found.history["valid_loss"], 100 * slopes, rtol=1e-5)


@pytest.mark.parametrize("stop", [4, 6])
def test_a_fit_that_went_on_equals_one_that_was_not_interrupted(key, stop):
    whole = fit(line(), Ramp(), lines(), key=key, steps=12, **OPTIONS)
    part = fit(line(), Ramp(), lines(), key=key, steps=stop, **OPTIONS)
    rest = fit(line(), Ramp(), lines(), key=key, steps=12, resume=part, **OPTIONS)
    assert same_bits((rest.state, rest.model), (whole.state, whole.model))
    if stop % OPTIONS["chunk"] == 0:
        assert same_history(rest.history, whole.history)


def test_a_fit_goes_on_though_a_law_of_its_model_was_built_anew(key):
    # A law prints its address, which differs between two builds of the same model.
    model = lambda: OrnsteinUhlenbeck(0.5, 0.0, 1.0, dist.Delta(jnp.zeros(1), event_dim=1))
    options = {"key": key, "progress": False, "chunk": 2}
    part = fit(model(), OUTransitions(), ornstein_uhlenbeck(21), steps=2, **options)
    rest = fit(model(), OUTransitions(), ornstein_uhlenbeck(21), steps=4, resume=part, **options)
    whole = fit(model(), OUTransitions(), ornstein_uhlenbeck(21), steps=4, **options)
    assert same_bits(rest.state, whole.state)
