"""Observation laws against SciPy, and what a mask may never do."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from sdekit.data import Series
from sdekit.evaluate import assert_mean
from sdekit.inference import (
    AbstractGaussianObservation,
    BernoulliObservation,
    CategoricalObservation,
    GaussianObservation,
    Observed,
    PoissonObservation,
    StudentTObservation,
)
from sdekit.processes import OrnsteinUhlenbeck


C = np.array([[1.0, 0.5, 0.0], [0.0, -1.0, 2.0]])
X = jnp.array([0.3, -0.4, 0.9])
MEAN = C @ np.asarray(X)
OFFSET = np.array([0.1, -0.2])

CASES = {
    "gaussian": (GaussianObservation([0.5, 0.7], C), [1.0, 2.0], scipy.stats.norm(MEAN, [0.5, 0.7]).logpdf),
    "student": (StudentTObservation(3.0, 0.5, C), [1.0, 9.0], scipy.stats.t(3.0, MEAN, 0.5).logpdf),
    "poisson": (PoissonObservation(OFFSET, C), [0.0, 4.0], scipy.stats.poisson(np.exp(MEAN + OFFSET)).logpmf),
    "bernoulli": (
        BernoulliObservation(OFFSET, C),
        [0.0, 1.0],
        scipy.stats.bernoulli(1 / (1 + np.exp(-MEAN - OFFSET))).logpmf,
    ),
}
each = pytest.mark.parametrize("name", CASES)


@each
def test_log_density_is_scipys(name):
    law, y, exact = CASES[name]
    terms = exact(np.array(y))
    both, one = jnp.array([True, True]), jnp.array([False, True])
    assert law.log_prob(X, jnp.array(y), both) == pytest.approx(terms.sum(), rel=1e-10)
    assert law.log_prob(X, jnp.array(y), one) == pytest.approx(terms[1], rel=1e-10)
    assert law.log_prob(X, jnp.array(y), ~both) == 0


@each
def test_a_masked_nan_leaves_no_trace(name):
    law, y, _ = CASES[name]
    mask = jnp.array([False, True])

    def f(law, x, first):
        return law.log_prob(x, jnp.array([first, y[1]]), mask)

    both = jax.vmap(lambda first: eqx.filter_value_and_grad(f)(law, X, first))(jnp.array([jnp.nan, 0.0]))
    for leaf in jax.tree.leaves(both):
        np.testing.assert_array_equal(leaf[0], leaf[1])
        assert bool(jnp.isfinite(leaf).all())


@each
def test_draws_have_the_mean_of_the_law(name, key):
    """False alarm 1e-6; the mean of 20 000 draws to 0.06."""
    law, _, exact = CASES[name]
    draws = jax.jit(jax.vmap(lambda k: law.sample(X, key=k)))(jax.random.split(key, 20_000))
    assert draws.shape == (20_000, 2)
    assert_mean(draws, exact.__self__.mean(), effect=0.2)


def test_labels(key):
    law = CategoricalObservation()
    p = np.exp(X) / np.exp(X).sum()
    every = jax.vmap(lambda y: law.log_prob(X, y[None], jnp.ones(1, bool)))(jnp.arange(3.0))
    np.testing.assert_allclose(every, np.log(p), rtol=1e-12)
    assert law.log_prob(X, jnp.array([jnp.nan]), jnp.zeros(1, bool)) == 0
    draws = jax.vmap(lambda k: law.sample(X, key=k))(jax.random.split(key, 20_000))
    assert_mean(jax.nn.one_hot(draws[:, 0].astype(int), 3), p, effect=0.05)
    with pytest.raises(ValueError, match="one label"):
        law.log_prob(X, jnp.zeros(2), jnp.ones(2, bool))


def test_gaussian_law_says_its_matrices():
    law = GaussianObservation([0.5, 0.7], C)
    assert isinstance(law, AbstractGaussianObservation)
    c, r = law.linear(3)
    np.testing.assert_array_equal(c, C)
    np.testing.assert_allclose(r, np.diag([0.25, 0.49]))
    np.testing.assert_array_equal(GaussianObservation(0.5).linear(2)[0], np.eye(2))
    with pytest.raises(ValueError, match=r"one column a state component \(2\)"):
        law.linear(2)
    with pytest.raises(ValueError, match="scale"):
        GaussianObservation([0.1, 0.2, 0.3], C).linear(3)


def test_what_has_no_closed_form_says_so(key):
    counts = Observed(OrnsteinUhlenbeck(1.0), PoissonObservation())
    series = Series(jnp.arange(3.0), jnp.array([1.0, 0.0, 2.0]))
    assert counts.dim == 1
    assert counts.sample(series.ts, key=key, n=4).xs.shape == (4, 3, 1)
    for act in (counts.log_prob, counts.condition):
        with pytest.raises(ValueError, match="OrnsteinUhlenbeck seen through PoissonObservation"):
            act(series)
    with pytest.raises(ValueError, match="marginal"):
        counts.marginal(1.0)


def test_a_series_of_another_length_is_refused():
    model = Observed(OrnsteinUhlenbeck([1.0, 2.0]), GaussianObservation(0.1))
    with pytest.raises(ValueError, match="2 component"):
        model.log_prob(Series(jnp.arange(3.0), jnp.zeros(3)))
