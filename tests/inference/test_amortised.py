"""The record of simulated tasks, and the objective whose least value is at the posterior."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import sdekit as sk
from sdekit.inference import AbstractAmortised, AbstractParameterLaw, AmortisedLikelihood, Simulated


class Normal(AbstractParameterLaw):
    mean: jax.Array
    log_scale: jax.Array

    def log_prob(self, truth):
        z = (truth - self.mean) * jnp.exp(-self.log_scale)
        return -0.5 * z**2 - self.log_scale - 0.5 * jnp.log(2 * jnp.pi)


class Linear(AbstractAmortised):
    factor: jax.Array
    log_scale: jax.Array

    def __call__(self, evidence):
        return Normal(self.factor * evidence, self.log_scale)


def test_the_least_loss_is_at_the_posterior():
    """x ~ N(0, 1), y = x + N(0, 1/4): the posterior is N(4/5 y, 1/5); over `n` tasks, the regression of x on y."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = x + 0.5 * rng.normal(size=400)
    tasks = Simulated(jnp.asarray(y), jnp.asarray(x), is_item=False)
    start = Linear(jnp.array(0.0), jnp.array(0.0))
    fit = sk.fit(start, AmortisedLikelihood(), tasks, key=jax.random.key(0), steps=40,
                 optimiser=sk.FullBatch(optax.lbfgs()), progress=False)  # fmt: skip
    factor = x @ y / (y @ y)
    np.testing.assert_allclose(fit.model.factor, factor, rtol=1e-4)
    np.testing.assert_allclose(np.exp(fit.model.log_scale), np.sqrt(np.mean((x - factor * y) ** 2)), rtol=1e-4)
    # five standard errors of the regression: the law of the tasks is the posterior's
    assert abs(factor - 0.8) < 5 * np.sqrt(0.2 / (400 * 1.25))


def test_a_record_of_tasks_is_drawn_split_and_joined():
    tasks = Simulated(jnp.arange(12.0).reshape(6, 2), {"a": jnp.arange(6.0)}, is_item=False)
    assert len(tasks) == 6 and len(tasks[2]) == 1 and tasks[2].is_item and "6 tasks" in repr(tasks)
    some = tasks.draw(4, key=jax.random.key(0))
    np.testing.assert_array_equal(some.evidence[:, 0], 2 * some.truth["a"])
    assert len(set(np.asarray(some.truth["a"]).tolist())) == 4
    one, two = tasks.split(0.5, key=jax.random.key(1))
    assert sorted(np.asarray(one.join(two).truth["a"]).tolist()) == list(range(6))
    assert len(tasks[2].stack()) == 1 and eqx.tree_equal(tasks[2].stack()[0], tasks[2])
    with pytest.raises(IndexError):
        tasks[6]
    with pytest.raises(ValueError, match="size"):
        tasks.draw(7, key=jax.random.key(0))
    with pytest.raises(ValueError, match="leading axis"):
        Simulated(jnp.zeros(3), jnp.zeros(4), is_item=False)
    with pytest.raises(TypeError, match="no times"):
        tasks.standardise()
