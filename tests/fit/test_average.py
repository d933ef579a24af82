"""The mean of the weights along a fit, against the mean of what callbacks saw."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sdekit.data import Series
from sdekit.fit import FullBatch, average_weights, averaged, fit
from sdekit.inference import AbstractObjective
from sdekit.processes import OrnsteinUhlenbeck


class Pull(AbstractObjective):
    """Somewhere else at each step."""

    def __call__(self, model, batch, *, key):
        goal = jax.random.normal(key, (2,))
        return (jnp.log(model.rate[0]) - goal[0]) ** 2 + (model.mean[0] - goal[1]) ** 2, {}


DATA = Series(jnp.arange(2.0), jnp.zeros((1, 2, 1)))
MODEL = OrnsteinUhlenbeck(0.7, 0.2)


def run(key, steps, **how):
    optimiser = optax.chain(optax.sgd(0.3), average_weights(3))
    return fit(MODEL, Pull(), DATA, key=key, steps=steps, chunk=1, optimiser=optimiser, progress=False, **how)


def test_it_is_the_mean_of_the_parameters_after_the_steps_that_count(key):
    seen = []
    found = run(key, 8, callbacks=[lambda f: seen.append([float(jnp.log(f.model.rate[0])), float(f.model.mean[0])])])
    mean = np.mean(seen[3:], axis=0)  # the domain of a rate is positive: means are of logarithms
    model = averaged(found)
    np.testing.assert_allclose([float(jnp.log(model.rate[0])), float(model.mean[0])], mean, rtol=1e-9)
    assert float(found.model.mean[0]) == pytest.approx(seen[-1][1])


def test_before_it_starts_it_is_the_last_step(key):
    found = run(key, 2)
    np.testing.assert_allclose(averaged(found).rate, found.model.rate, rtol=1e-12)


def test_a_fit_that_goes_on_has_the_mean_of_one_that_never_stopped(key):
    whole, half = run(key, 6), run(key, 4)
    gone_on = run(key, 6, resume=half)
    assert float(averaged(whole).rate[0]) == float(averaged(gone_on).rate[0])


def test_what_does_not_fit_is_refused(key):
    with pytest.raises(ValueError, match="start"):
        average_weights(-1)
    with pytest.raises(ValueError, match="must be given"):
        average_weights().update(jnp.ones(2), average_weights().init(jnp.ones(2)))
    plain = fit(MODEL, Pull(), DATA, key=key, steps=1, progress=False, optimiser=FullBatch())
    with pytest.raises(ValueError, match="one mean of all"):
        averaged(plain)
