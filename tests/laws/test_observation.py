"""Laws of every observation law: masks, densities that add to one, tracing, precision."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.inference import (
    AbstractObservation,
    BernoulliObservation,
    CategoricalObservation,
    Decoded,
    GaussianObservation,
    PoissonObservation,
    StudentTObservation,
)
from sdekit.jumps import GaussianEmission, Misclassification, PoissonEmission
from tests import house


LINE, COUNTS = jnp.linspace(-400.0, 400.0, 400_001), jnp.arange(60.0)
# A law of one component, and the points over which its density adds to one (with their spacing).
CASES = [
    (GaussianObservation(0.7), 1, LINE, 0.002),
    (StudentTObservation(5.0, 0.7), 1, LINE, 0.002),
    (PoissonObservation(0.3), 1, COUNTS, 1.0),
    (BernoulliObservation(0.3), 1, jnp.arange(2.0), 1.0),
    (CategoricalObservation(jnp.array([0.1, -0.3, 0.5])), 3, jnp.arange(3.0), 1.0),
    (GaussianEmission(jnp.array([-0.3, 0.5]), jnp.array([0.7, 0.2])), 2, LINE, 0.002),
    (PoissonEmission(jnp.array([0.7, 3.0])), 2, COUNTS, 1.0),
    (Misclassification(jnp.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])), 3, jnp.arange(3.0), 1.0),
    (Decoded(eqx.nn.Linear(2, 1, key=jax.random.key(0)), GaussianObservation(0.7)), 2, LINE, 0.002),
]
NAMES = [type(law).__name__ for law, *_ in CASES]
each = pytest.mark.parametrize(("law", "d", "points", "step"), CASES, ids=NAMES)
each_law = pytest.mark.parametrize(("law", "d"), [case[:2] for case in CASES], ids=NAMES)

density = eqx.filter_jit(lambda law, x, y, mask: law.log_prob(x, y, mask))


def test_every_final_class_is_here():
    def below(cls):
        return {cls}.union(*map(below, cls.__subclasses__()))

    final = {c for c in below(AbstractObservation) if c.__module__.startswith("sdekit") and not house.is_abstract(c)}
    # Laws of measured lung function live with their experiment: an observation of theirs has three parts.
    assert {c for c in final if ".experiments." not in c.__module__} == {type(law) for law, *_ in CASES}


@each
def test_the_density_adds_to_one(law, d, points, step):
    x = 0.4 * jnp.arange(1.0, d + 1)
    logs = jax.jit(jax.vmap(lambda y: law.log_prob(x, y[None], jnp.ones(1, bool))))(points)
    assert step * jnp.exp(logs).sum() == pytest.approx(1.0, abs=1e-6)


@each_law
def test_a_draw_is_where_the_density_is(law, d, key):
    x = 0.4 * jnp.arange(1.0, d + 1)
    y = law.sample(x, key=key)
    assert y.shape == (1,) and y.dtype == x.dtype
    assert np.isfinite(density(law, x, y, jnp.ones(1, bool)))


@each_law
def test_a_missing_value_counts_nothing_and_has_no_gradient(law, d):
    x = 0.4 * jnp.arange(1.0, d + 1)
    f = lambda m, x: m.log_prob(x, jnp.array([jnp.nan]), jnp.zeros(1, bool))
    value, slopes = eqx.filter_value_and_grad(lambda both: f(*both))((law, x))
    assert value == 0
    assert all(bool((g == 0).all()) for g in jax.tree.leaves(slopes))


@each
def test_jit_is_eager_and_float32_is_near_float64(law, d, points, step):
    x, y, seen = 0.4 * jnp.arange(1.0, d + 1), points[1:2] / 400, jnp.ones(1, bool)
    y = points[1:2] if step == 1 else y
    exact = law.log_prob(x, y, seen)
    assert density(law, x, y, seen) == pytest.approx(float(exact), rel=1e-12)
    low = jax.tree.map(lambda a: a.astype(jnp.float32), (law, x, y))
    value = density(*low, seen)
    assert value.dtype == jnp.float32 and value == pytest.approx(float(exact), rel=1e-5)
