"""Estimators of gradients: unbiased against closed forms, at a false-alarm rate of 1e-6 a test; and the biased ones."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

from sdekit.evaluate import assert_mean
from sdekit.inference import (
    Enumeration,
    GumbelSoftmax,
    MeasureValued,
    Reparametrised,
    ScoreFunction,
    StraightThrough,
)


LOGITS = jnp.array([0.3, -0.5, 1.0])
COSTS = jnp.array([2.0, -1.0, 0.5])


def draws(estimator, f, law, params, key, n=2, repeats=4000):
    """Many independent pairs of value and gradient."""
    both = jax.value_and_grad(lambda p, k: estimator(f, law, p, key=k, n=n))
    return jax.jit(jax.vmap(both, (None, 0)))(params, jax.random.split(key, repeats))


def softmax_gradient(values):
    """Of `sum_k p_k f_k` in the logits: `p_k (f_k - E f)`."""
    p = np.asarray(np.exp(LOGITS) / np.exp(LOGITS).sum())
    values = np.asarray(values)
    return float(p @ values), p * (values - p @ values)


CATEGORICAL = lambda z: dist.Categorical(logits=z)
NORMAL = lambda p: dist.Normal(p[0], p[1])
M, S = 0.4, 0.7
DAMPED = np.exp(-(S**2) / 2)
# E cos(X) = cos(m) exp(-s^2 / 2); E 1{X > 1} is the tail, whose slopes are densities at 1.
COSINE = np.cos(M) * DAMPED, np.array([-np.sin(M) * DAMPED, -S * np.cos(M) * DAMPED])
Z = (1 - M) / S
TAIL = stats.norm.sf(Z), np.array([stats.norm.pdf(Z) / S, Z * stats.norm.pdf(Z) / S])
STEP = lambda x: jnp.where(x > 1.0, 1.0, 0.0)
SQUARE = lambda k: jnp.asarray(k, float) ** 2
PAIR = jnp.array([M, S])

CASES = {
    "score, categorical": (ScoreFunction(), lambda k: COSTS[k], CATEGORICAL, LOGITS, softmax_gradient(COSTS)),
    "score, its own baseline": (ScoreFunction(1.3), lambda k: COSTS[k], CATEGORICAL, LOGITS, softmax_gradient(COSTS)),
    "score, normal": (ScoreFunction(), jnp.cos, NORMAL, PAIR, COSINE),
    "score, a jump": (ScoreFunction(), STEP, NORMAL, PAIR, TAIL),
    # E N^2 = r + r^2.
    "score, Poisson": (ScoreFunction(), SQUARE, dist.Poisson, jnp.array(3.0), (12.0, 7.0)),
    "measure, Poisson": (MeasureValued(), SQUARE, dist.Poisson, jnp.array(3.0), (12.0, 7.0)),
    "measure, Poisson of a logarithm": (
        MeasureValued(), SQUARE, lambda z: dist.Poisson(jnp.exp(z)), jnp.log(3.0), (12.0, 21.0),
    ),
    "measure, normal": (MeasureValued(), jnp.cos, NORMAL, PAIR, COSINE),
    "measure, a jump": (MeasureValued(), STEP, NORMAL, PAIR, TAIL),
    # E X^2 = 2 / r^2; E 1{X > 1} = exp(-r).
    "measure, exponential": (MeasureValued(), SQUARE, dist.Exponential, jnp.array(1.5), (2 / 2.25, -4 / 1.5**3)),
    "measure, exponential, a jump": (
        MeasureValued(), STEP, dist.Exponential, jnp.array(1.5), (np.exp(-1.5), -np.exp(-1.5)),
    ),
    "reparametrised": (Reparametrised(), jnp.cos, NORMAL, PAIR, COSINE),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_value_and_gradient_are_unbiased(key, case):
    estimator, f, law, params, (value, gradient) = case
    values, gradients = draws(estimator, f, law, params, key)
    assert_mean(values, value, alpha=5e-7)
    assert_mean(gradients, gradient, alpha=5e-7)


def test_enumeration_is_exact(key):
    value, gradient = jax.jit(jax.value_and_grad(
        lambda z: Enumeration()(lambda k: COSTS[k], CATEGORICAL, z, key=key, n=1)
    ))(LOGITS)  # fmt: skip
    exact, slope = softmax_gradient(COSTS)
    assert float(value) == pytest.approx(exact, rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12)
    # 5 p (1 - p)^4 and so on: a binomial by hand, E (X - 2)^2 = 5 p (1 - p) + (5 p - 2)^2.
    law = lambda p: dist.Binomial(5, probs=p)
    slope = jax.jit(jax.grad(lambda p: Enumeration()(lambda k: SQUARE(k - 2), law, p, key=key, n=1)))(0.3)
    assert float(slope) == pytest.approx(5 * (1 - 0.6) + 10 * (1.5 - 2), rel=1e-9)


@pytest.mark.parametrize("estimator", [Enumeration(), ScoreFunction(), StraightThrough()])
def test_what_f_closes_over_is_differentiated(key, estimator):
    """E of `a . costs[x]` in `a`, by enumeration."""
    corner = isinstance(estimator, StraightThrough)
    f = lambda a: (lambda x: a * (x @ COSTS)) if corner else (lambda x: a * COSTS[x])
    value, slope = jax.jit(jax.value_and_grad(lambda a: estimator(f(a), CATEGORICAL, LOGITS, key=key, n=4)))(1.0)
    assert float(slope) == pytest.approx(float(value), rel=1e-12)


def test_the_baseline_of_the_other_draws_lowers_the_variance(key):
    f = lambda k: COSTS[k] + 10.0
    with_it = draws(ScoreFunction(), f, CATEGORICAL, LOGITS, key, n=8, repeats=500)[1]
    without = draws(ScoreFunction(0.0), f, CATEGORICAL, LOGITS, key, n=8, repeats=500)[1]
    assert (np.var(with_it, axis=0) < np.var(without, axis=0) / 10).all()


def test_measure_valued_draws_are_coupled(key):
    """Of one draw of `N^2` at rate 3: `2 N + 1`, of variance 12; of the score function over 300."""
    coupled = draws(MeasureValued(), SQUARE, dist.Poisson, jnp.array(3.0), key, n=1)[1]
    score = draws(ScoreFunction(0.0), SQUARE, dist.Poisson, jnp.array(3.0), key, n=1)[1]
    # The standard error of the variance is 0.29: 1e-6 two-sided is 5 of these, at an excess kurtosis of 1/3.
    assert np.var(coupled) == pytest.approx(12.0, abs=1.5)
    assert np.var(score) > 10 * np.var(coupled)


def test_straight_through_has_the_right_value_and_a_bias(key):
    f = lambda x: (x @ COSTS) ** 3
    values, gradients = draws(StraightThrough(), f, CATEGORICAL, LOGITS, key)
    value, exact = softmax_gradient(COSTS**3)
    assert_mean(values, value)
    with pytest.raises(AssertionError):
        assert_mean(gradients, exact)


def test_gumbel_softmax_is_biased_and_less_at_low_temperature(key):
    f = lambda x: (x @ COSTS) ** 3
    _, exact = softmax_gradient(COSTS**3)
    off = [
        np.abs(np.mean(draws(GumbelSoftmax(t), f, CATEGORICAL, LOGITS, key, n=4)[1], axis=0) - exact).max()
        for t in (2.0, 0.2)
    ]
    assert off[1] < off[0] / 4
    with pytest.raises(AssertionError):
        assert_mean(draws(GumbelSoftmax(2.0), f, CATEGORICAL, LOGITS, key)[1], exact)


REFUSED = {
    "no draws": (ScoreFunction(), dist.Poisson, 0, "`n` must be a positive"),
    "one draw without a baseline": (ScoreFunction(), dist.Poisson, 1, "at least 2"),
    "not a law": (ScoreFunction(), lambda r: r, 2, "must return a NumPyro distribution"),
    "a batch of laws": (ScoreFunction(), lambda r: dist.Poisson(r * jnp.ones(2)), 2, "no batch shape"),
    "a smooth draw of counts": (Reparametrised(), dist.Poisson, 2, "draws that can be differentiated"),
    "a list of all counts": (Enumeration(), dist.Poisson, 2, "values that can be listed"),
    "the measure of another law": (MeasureValued(), lambda r: dist.Gamma(r, 1.0), 2, "Poisson, Exponential, Normal"),
    "a relaxed count": (GumbelSoftmax(), dist.Poisson, 2, "must be a Categorical"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(key, case):
    estimator, law, n, message = case
    with pytest.raises(ValueError, match=message):
        estimator(lambda x: 1.0 * x, law, 1.5, key=key, n=n)


@pytest.mark.parametrize("kind", [GumbelSoftmax, StraightThrough])
def test_a_temperature_must_be_positive(kind):
    with pytest.raises(ValueError, match="temperature` must be positive"):
        kind(0.0)


@pytest.mark.parametrize("name", ["score, normal", "measure, normal", "measure, exponential", "reparametrised"])
def test_float32_stays(key, name):
    estimator, _, law, params, _ = CASES[name]
    value, slope = jax.value_and_grad(lambda p: estimator(jnp.cos, law, p, key=key, n=2))(params.astype(jnp.float32))
    assert value.dtype == slope.dtype == jnp.float32
