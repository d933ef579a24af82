"""Scores against definitions by brute force, closed forms, and their propriety by simulation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from sdekit.evaluate import (
    assert_mean,
    assert_uniform_pit,
    coverage as eager_coverage,
    crps as eager_crps,
    energy_score as eager_energy_score,
    interval_score as eager_interval_score,
    log_score as eager_log_score,
    pit as eager_pit,
    quantiles,
)


# One compilation a shape, instead of one an operation.
coverage, crps, energy_score, interval_score, log_score, pit = map(
    eqx.filter_jit, (eager_coverage, eager_crps, eager_energy_score, eager_interval_score, eager_log_score, eager_pit)
)


seeds = st.integers(0, 2**32 - 1)


def gaussian_crps(y, mean, sd):
    """Gneiting, Raftery, Westveld and Goldman (2005), equation 5."""
    z = (y - mean) / sd
    return sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))


def brute(samples, y, fair):
    """The definition, by loops over pairs of draws of vectors."""
    n = len(samples)
    near = sum(np.linalg.norm(x - y) for x in samples) / n
    pairs = sum(np.linalg.norm(a - b) for a in samples for b in samples)
    return near - pairs / (2 * n * (n - 1 if fair else n))


@given(seeds, st.booleans())
def test_crps_is_its_definition(seed, fair):
    g = np.random.default_rng(seed)
    offset = 10.0 ** g.integers(0, 6)
    samples, y = offset + g.normal(size=(7, 3)), offset + g.normal(size=3)
    expected = [brute(samples[:, j : j + 1], y[j : j + 1], fair) for j in range(3)]
    np.testing.assert_allclose(crps(samples, y, fair=fair), expected, rtol=1e-9, atol=1e-9)


@given(seeds, st.booleans())
def test_energy_score_is_its_definition(seed, fair):
    g = np.random.default_rng(seed)
    samples, y = g.normal(size=(9, 2, 3)), g.normal(size=(2, 3))
    expected = [brute(samples[:, j], y[j], fair) for j in range(2)]
    np.testing.assert_allclose(energy_score(samples, y, fair=fair), expected, rtol=1e-10)


@given(seeds)
def test_energy_score_with_one_component_is_crps(seed):
    g = np.random.default_rng(seed)
    samples, y = g.normal(size=(9, 4)), g.normal(size=4)
    np.testing.assert_allclose(energy_score(samples[..., None], y[..., None]), crps(samples, y), rtol=1e-10)


def test_fair_crps_is_unbiased_for_the_closed_form(key):
    mean, sd, y = 0.4, 1.7, -0.6
    samples = mean + sd * jax.random.normal(key, (5, 40_000))
    scores = crps(samples, jnp.full(40_000, y))
    assert_mean(scores, gaussian_crps(y, mean, sd), effect=0.1)
    with pytest.raises(AssertionError):
        assert_mean(crps(samples, jnp.full(40_000, y), fair=False), gaussian_crps(y, mean, sd))


def test_large_ensemble_converges_to_the_closed_form():
    x = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    np.testing.assert_allclose(crps(x, np.array(0.7), fair=False), gaussian_crps(0.7, 0, 1), atol=1e-4)


@pytest.mark.parametrize("score", [crps, lambda x, y: energy_score(x[..., None], y[..., None]), log_score,
                                   lambda x, y: interval_score(x, y, level=0.8)])  # fmt: skip
def test_scores_are_proper(score, key):
    """The truth scores better on average than a shifted, a wide and a narrow forecast, beyond all chance."""
    a, b = jax.random.split(key)
    y = jax.random.normal(a, (20_000,))
    x = jax.random.normal(b, (30, 20_000))
    true = np.asarray(score(x, y))
    for wrong in (x + 0.7, 2.0 * x, 0.5 * x):
        with pytest.raises(AssertionError):
            assert_mean(np.asarray(score(wrong, y)) - true, 0.0)
        assert np.mean(np.asarray(score(wrong, y)) - true) > 0


@pytest.mark.parametrize("n", [1, 20])
def test_pit_is_uniform_under_the_truth(n, key):
    a, b, c = jax.random.split(key, 3)
    y, x = jax.random.normal(a, (5000,)), jax.random.normal(b, (n, 5000))
    assert_uniform_pit(pit(x, y, key=c), effect=0.07)
    y, x = jax.random.poisson(a, 1.5, (5000,)), jax.random.poisson(b, 1.5, (n, 5000))
    assert_uniform_pit(pit(x.astype(float), y.astype(float), key=c), effect=0.07)


def test_pit_sees_a_narrow_forecast(key):
    a, b, c = jax.random.split(key, 3)
    y, x = jax.random.normal(a, (5000,)), 0.6 * jax.random.normal(b, (20, 5000))
    with pytest.raises(AssertionError):
        assert_uniform_pit(pit(x, y, key=c))


@pytest.mark.parametrize(("n", "level"), [(9, 0.8), (50, 0.9)])
def test_coverage_is_exact_for_a_finite_ensemble(n, level, key):
    a, b = jax.random.split(key)
    y, x = jax.random.normal(a, (20_000,)), jax.random.normal(b, (n, 20_000))
    assert_mean(coverage(x, y, level=level), level, effect=0.03)


@given(seeds)
def test_quantiles_are_those_of_numpy(seed):
    x = np.random.default_rng(seed).normal(size=(19, 2))
    p = (0.05, 0.31, 0.5, 0.95)
    np.testing.assert_allclose(quantiles(x, p), np.quantile(x, p, axis=0, method="weibull"), rtol=1e-12)


def test_quantiles_refuse_too_few_draws():
    with pytest.raises(ValueError, match=r"must lie in \[1/\(n\+1\), n/\(n\+1\)\] for n = 10 samples"):
        quantiles(np.zeros(10), (0.01,))
    with pytest.raises(ValueError, match=r"samples.*must have shape \(n, \*y.shape\)"):
        eager_crps(np.zeros((3, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="at least 2 draws"):
        eager_crps(np.zeros((1, 2)), np.zeros(2))


def test_interval_score_by_hand():
    x = np.arange(1.0, 100.0)
    for y, expected in ((50.0, 90.0), (0.0, 90.0 + 20 * 5.0), (99.0, 90.0 + 20 * 4.0)):
        np.testing.assert_allclose(interval_score(x, np.array(y), level=0.9), expected, rtol=1e-12)


def test_log_score_is_near_the_density(key):
    x = jax.random.normal(key, (20_000,))
    np.testing.assert_allclose(log_score(x, jnp.array(0.3)), -stats.norm.logpdf(0.3), atol=0.05)
    kernel = stats.gaussian_kde(np.asarray(x[:200]), lambda k: (4 / (3 * k.n)) ** 0.2)
    np.testing.assert_allclose(log_score(x[:200], jnp.array(0.3)), -kernel.logpdf(0.3)[0], rtol=1e-6)


ELEMENTWISE = {
    "crps": crps,
    "coverage": lambda x, y, m=None: coverage(x, y, m, level=0.5),
    "interval": lambda x, y, m=None: interval_score(x, y, m, level=0.5),
    "log": log_score,
    "pit": lambda x, y, m=None: jnp.nan_to_num(pit(x, y, m, key=jax.random.key(0))),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_masked_entries_change_nothing(name, key):
    score = ELEMENTWISE[name]
    x, y = jax.random.normal(key, (8, 4)), jnp.zeros(4)
    mask = jnp.array([True, False, True, False])
    full, some = score(x, y), score(x.at[:, 1].set(jnp.nan), y.at[1].set(jnp.nan).at[3].set(jnp.inf), mask)
    np.testing.assert_allclose(some, jnp.where(mask, full, 0.0), rtol=1e-12)


def test_masked_components_leave_the_energy_score(key):
    x, y = jax.random.normal(key, (8, 4, 3)), jnp.zeros((4, 3))
    mask = jnp.ones((4, 3), bool).at[:, 1].set(False).at[2].set(False)
    some = energy_score(x.at[..., 1].set(jnp.nan), y.at[..., 1].set(jnp.nan), mask)
    expected = energy_score(x[..., ::2], y[..., ::2])
    np.testing.assert_allclose(some, expected.at[2].set(0.0), rtol=1e-12)


def test_gradients_are_finite_and_right(key):
    x, y = jax.random.normal(key, (6, 3, 2)), jnp.zeros((3, 2))
    mask = jnp.ones((3, 2), bool).at[1, 0].set(False)
    for score in (crps, energy_score):
        total = eqx.filter_jit(lambda x, score=score: score(x, y, mask).sum())
        g = jax.grad(total)(x)
        assert jnp.isfinite(g).all()
        assert (g[:, 1, 0] == 0).all()
        h = 1e-6 * jax.random.normal(jax.random.key(1), x.shape)
        np.testing.assert_allclose((g * h).sum(), (total(x + h) - total(x - h)) / 2, rtol=1e-4)
    assert jnp.isfinite(jax.grad(lambda x: energy_score(x, y).sum())(jnp.zeros_like(x))).all()


def test_compiled_and_eager_agree(key):
    x, y = jax.random.normal(key, (5, 2)), jnp.zeros(2)
    np.testing.assert_allclose(crps(x, y), eager_crps(x, y), rtol=1e-12)
    np.testing.assert_allclose(energy_score(x, y), eager_energy_score(x, y), rtol=1e-12)


def test_float32_is_kept(key):
    x, y = jax.random.normal(key, (6, 3), jnp.float32), jnp.zeros(3, jnp.float32)
    for score in ELEMENTWISE.values():
        assert score(x, y).dtype == jnp.float32
    assert energy_score(x, y).dtype == jnp.float32
