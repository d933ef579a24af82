"""The assertions themselves: their false-alarm rate and their power, by simulation at a larger alpha."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from sdekit.evaluate import (
    assert_covariance,
    assert_law,
    assert_mean,
    assert_proportion,
    assert_same_law,
    assert_uniform_pit,
)


seeds = st.integers(0, 2**32 - 1)


def alarms(assertion, repeats):
    """How often an assertion fails."""
    count = 0
    for i in range(repeats):
        try:
            assertion(i)
        except AssertionError:
            count += 1
    return count


def level_holds(count, repeats, alpha, slack=1.0):
    """The count is no higher than the level allows, itself at 1e-9."""
    return stats.binom.sf(count - 1, repeats, min(slack * alpha, 1.0)) > 1e-9


LAWS = {
    "normal": (lambda g, n: g.normal(size=n), stats.norm.cdf),
    "exponential": (lambda g, n: g.exponential(size=n), stats.expon.cdf),
    "poisson": (lambda g, n: g.poisson(2.5, size=n), stats.poisson(2.5).cdf),
    "atom at zero": (
        lambda g, n: np.maximum(g.normal(size=n), 0.0),
        lambda x: np.where(x < 0, 0.0, stats.norm.cdf(x)),
    ),
}


@pytest.mark.parametrize("name", LAWS)
def test_law_keeps_its_level(name):
    draw, cdf = LAWS[name]
    g = np.random.default_rng(1)
    count = alarms(lambda _: assert_law(draw(g, 80), cdf, alpha=0.05), 1000)
    assert level_holds(count, 1000, 0.05)


def test_law_is_exact_for_a_continuous_law():
    g = np.random.default_rng(2)
    count = alarms(lambda _: assert_law(g.normal(size=50), stats.norm.cdf, alpha=0.05), 2000)
    assert stats.binomtest(count, 2000, 0.05).pvalue > 1e-9
    assert count > 0.02 * 2000


def test_law_over_components_keeps_its_level():
    g = np.random.default_rng(3)
    count = alarms(lambda _: assert_law(g.normal(size=(60, 2, 3)), stats.norm.cdf, alpha=0.05), 600)
    assert level_holds(count, 600, 0.05)


def test_law_finds_the_effect_it_promises():
    n, alpha, effect = 2000, 0.01, 0.08
    shift = 2 * stats.norm.ppf(0.5 + effect / 2)  # the distance of N(shift, 1) from N(0, 1) is the effect
    g = np.random.default_rng(4)
    found = alarms(lambda _: assert_law(g.normal(shift, size=n), stats.norm.cdf, alpha=alpha, effect=effect), 200)
    assert found >= 190


@given(seeds)
def test_law_distance_is_that_of_scipy(seed):
    x = np.random.default_rng(seed).normal(size=37)
    expected = stats.kstest(x, "expon").statistic
    with pytest.raises(AssertionError) as error:
        assert_law(x, stats.expon.cdf, alpha=0.999999)
    assert f"{expected:.4g}" in str(error.value)


def test_law_messages():
    x = np.random.default_rng(5).normal(0.5, size=(1000, 2))
    with pytest.raises(AssertionError, match=r"component \[\d\].*n = 1000, false-alarm rate 1e-06; a distance of 0\.1"):
        assert_law(x, stats.norm.cdf)
    with pytest.raises(ValueError, match=r"`effect` cannot be found with n = 1000.*at least \d+ samples"):
        assert_law(x, stats.norm.cdf, effect=0.01)
    with pytest.raises(AssertionError, match="draw 3, component 0 is nan"):
        assert_law(np.where(np.arange(9) == 3, np.nan, 1.0), stats.norm.cdf)
    with pytest.raises(ValueError, match="at least 2 draws"):
        assert_law(np.ones(1), stats.norm.cdf)


def test_law_needed_size_suffices():
    with pytest.raises(ValueError, match="at least") as error:
        assert_law(np.zeros(10), stats.norm.cdf, effect=0.05)
    needed = int(str(error.value).split("at least ")[1].split(" ")[0])
    x = (np.arange(needed) + 0.5) / needed
    assert_law(x, stats.uniform.cdf, effect=0.05)


def test_law_takes_jax_functions_and_a_tolerance(key):
    x = jax.random.normal(key, (4000,), jnp.float32)
    assert_law(x, jax.scipy.stats.norm.cdf)
    assert_law(x + 0.1, jax.scipy.stats.norm.cdf, tolerance=0.04)
    with pytest.raises(AssertionError):
        assert_law(x + 0.3, jax.scipy.stats.norm.cdf, tolerance=0.04)


def test_uniform_pit(key):
    u = jax.random.uniform(key, (2000,))
    assert_uniform_pit(u)
    with pytest.raises(AssertionError, match="distance"):
        assert_uniform_pit(u**1.5)
    with pytest.raises(AssertionError, match=r"entry \[1\] is 1.5"):
        assert_uniform_pit(np.array([0.1, 1.5]))


@pytest.mark.parametrize(("n", "m"), [(60, 60), (40, 200)])
def test_same_law_keeps_its_level(n, m):
    g = np.random.default_rng(6)
    count = alarms(lambda _: assert_same_law(g.normal(size=n), g.normal(size=m), alpha=0.05), 1000)
    assert level_holds(count, 1000, 0.05)
    count = alarms(lambda _: assert_same_law(g.poisson(2, size=(n, 2)), g.poisson(2, size=(m, 2)), alpha=0.05), 500)
    assert level_holds(count, 500, 0.05)


def test_same_law_finds_the_effect_it_promises():
    g, effect = np.random.default_rng(7), 0.12
    shift = 2 * stats.norm.ppf(0.5 + effect / 2)
    test = lambda _: assert_same_law(g.normal(size=3000), g.normal(shift, size=2000), alpha=0.01, effect=effect)
    assert alarms(test, 200) >= 190


@given(seeds)
def test_same_law_distance_is_that_of_scipy(seed):
    g = np.random.default_rng(seed)
    a, b = g.normal(size=31), g.poisson(2.0, size=45) + 1.0
    with pytest.raises(AssertionError) as error:
        assert_same_law(a, b, alpha=0.9)
    assert f"{stats.ks_2samp(a, b).statistic:.4g} exceeds" in str(error.value)


def test_same_law_needs_matching_shapes():
    with pytest.raises(ValueError, match="trailing shape"):
        assert_same_law(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="cannot be found"):
        assert_same_law(np.zeros(5), np.zeros(5), effect=0.1)


@pytest.mark.parametrize(
    ("name", "slack"), [("normal", 1.0), ("exponential", 1.0), ("poisson", 1.0), ("lognormal", 1.5), ("student", 1.0)]
)
def test_mean_keeps_its_level(name, slack):
    draws = {
        "normal": (lambda g, s: g.normal(size=s), 0.0),
        "exponential": (lambda g, s: g.exponential(size=s), 1.0),
        "poisson": (lambda g, s: g.poisson(2.5, size=s), 2.5),
        "lognormal": (lambda g, s: g.lognormal(size=s), np.exp(0.5)),
        "student": (lambda g, s: g.standard_t(5, size=s), 0.0),
    }
    draw, mean = draws[name]
    g = np.random.default_rng(8)
    count = alarms(lambda _: assert_mean(draw(g, (200, 3)), mean, alpha=0.01), 2000)
    assert level_holds(count, 2000, 0.01, slack)


def test_mean_keeps_a_small_level_for_a_skew_law():
    """At 1e-4 Student's t alone raises ten times too many alarms for an exponential law with n = 100."""
    g, repeats = np.random.default_rng(9), 20_000
    count = alarms(lambda _: assert_mean(g.exponential(size=100), 1.0, alpha=1e-4), repeats)
    assert level_holds(count, repeats, 1e-4)


def test_mean_finds_the_effect_it_promises():
    g = np.random.default_rng(10)
    test = lambda _: assert_mean(g.normal(0.12, size=(4000, 2)), 0.0, alpha=0.01, effect=0.12)
    assert alarms(test, 200) >= 195


def test_mean_messages_axes_and_constants():
    x = np.random.default_rng(11).normal(size=(2, 500, 3)) + np.array([0.0, 0.0, 1.0])
    assert_mean(x, np.array([0.0, 0.0, 1.0]), axis=1)
    with pytest.raises(AssertionError, match=r"component \[\d, 2\].*is not 0.*n = 500.*a difference of 0\.\d+ would"):
        assert_mean(x, 0.0, axis=1)
    with pytest.raises(ValueError, match="cannot be found"):
        assert_mean(x, 0.0, axis=1, effect=1e-3)
    assert_mean(x, np.zeros(3) + np.array([0.2, 0.2, 1.2]), axis=1, tolerance=0.2)
    assert_mean(np.full(10, np.float32(0.1)), 0.1)
    with pytest.raises(AssertionError):
        assert_mean(np.full(10, 0.1), 0.2)
    assert_mean(np.zeros(4), 0.0)


@pytest.mark.parametrize("heavy", [False, True])
def test_covariance_keeps_its_level(heavy):
    g = np.random.default_rng(12)
    root = np.array([[1.0, 0.0], [0.8, 0.6]])
    scale = lambda n: np.sqrt(8 / g.chisquare(10, size=(n, 1))) if heavy else 1.0
    draw = lambda n: g.normal(size=(n, 2)) @ root.T * scale(n)
    count = alarms(lambda _: assert_covariance(draw(300), root @ root.T, alpha=0.01), 2000)
    assert level_holds(count, 2000, 0.01)


def test_covariance_finds_faults():
    g = np.random.default_rng(13)
    x = g.normal(size=(5000, 3))
    assert_covariance(x, np.eye(3))
    assert_covariance(x[:, 0], 1.0, effect=0.2)
    wrong = np.eye(3)
    wrong[0, 1] = wrong[1, 0] = 0.2
    with pytest.raises(AssertionError, match=r"entry \[0, 1\]"):
        assert_covariance(x, wrong)
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        assert_covariance(x, 1.0)
    assert_covariance(np.full((10, 2), np.float32(0.1)), np.zeros((2, 2)))


def test_proportion_keeps_its_level_and_finds_faults():
    g = np.random.default_rng(14)
    p = np.array([0.2, 0.3, 0.5])
    count = alarms(lambda _: assert_proportion(g.multinomial(100, p), 100, p, alpha=0.05), 2000)
    assert level_holds(count, 2000, 0.05)
    with pytest.raises(AssertionError, match=r"component \[1\]: 600 of 1000"):
        assert_proportion(np.array([200, 600]), 1000, np.array([0.2, 0.5]))
    with pytest.raises(ValueError, match="counts between 0 and 10"):
        assert_proportion(0.5, 10, 0.5)
