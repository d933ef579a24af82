"""Predictions, samplers, goodness of fit, distances between sequences: against closed forms and brute force."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

from sdekit import points as sp
from sdekit.data import Events
from sdekit.evaluate import assert_law, assert_uniform_pit


HAWKES = sp.ExponentialHawkes([0.4, 0.2], [[0.3, 0.1], [0.2, 0.4]], 1.5)
EVENTS = Events(jnp.array([0.5, 1.2, 3.0]), jnp.array([0, 1, 1]), t0=0.0, t1=4.0, num_marks=2)
RENEWAL = sp.Renewal(dist.LogNormal(0.1, 0.6))


@pytest.mark.parametrize(
    ("loss", "want"),
    [
        (sp.Mean(), stats.lognorm.mean(0.6, scale=np.exp(0.1))),
        (sp.Median(), np.exp(0.1)),
        (sp.Mode(), np.exp(0.1 - 0.36)),
    ],
    ids=["mean", "median", "mode"],
)  # fmt: skip
def test_predictions_of_a_renewal_process_are_those_of_its_law(loss, want):
    found = sp.predict_next(RENEWAL, Events(jnp.array([0.5, 1.2]), t1=2.0), loss=loss, horizon=60.0)
    np.testing.assert_allclose(found.gaps, want, rtol=1e-4 if isinstance(loss, sp.Mean) else 1e-6)


def test_marks_are_asked_for_in_three_ways():
    """Given the time a share of intensities; the marginal one by brute force over a fine grid of gaps."""
    law = HAWKES.next_event(jax.tree.map(lambda x: x[2], HAWKES.contexts(EVENTS)))
    given = sp.predict_next(HAWKES, EVENTS, mark=sp.GivenTime(), horizon=60.0)
    rates = np.exp(np.asarray(law.log_intensity(1.8)))
    np.testing.assert_allclose(given.probabilities[2], rates / rates.sum(), rtol=1e-9)
    marginal = sp.predict_next(HAWKES, EVENTS, horizon=60.0)
    g = np.linspace(0, 60, 60001)
    density = np.exp(jax.vmap(law.log_intensity)(g) + jax.vmap(law.log_survival)(g)[:, None])
    want = np.trapezoid(density, g, axis=0)
    np.testing.assert_allclose(marginal.probabilities[2], want / want.sum(), rtol=1e-5)
    mean = np.trapezoid(np.exp(np.asarray(jax.vmap(law.log_survival)(g))), g)
    np.testing.assert_allclose(marginal.gaps[2], mean, rtol=1e-4)
    at = sp.predict_next(HAWKES, EVENTS, mark=sp.AtPrediction(), horizon=60.0)
    rates = np.exp(np.asarray(law.log_intensity(at.gaps[2])))
    np.testing.assert_allclose(at.probabilities[2], rates / rates.sum(), rtol=1e-9)


@functools.cache
def drawn(sampler):
    return sp.simulate(HAWKES, 0.0, 30.0, key=jax.random.key(0), n=100, sampler=sampler, room=256)


SAMPLERS = [sp.Direct(), sp.Inversion(), sp.Thinning(window=0.7)]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=["direct", "inversion", "thinning"])
def test_every_sampler_draws_the_process(sampler):
    path = drawn(sampler)
    assert not np.asarray(path.full).any()
    assert int(path.made.violations.sum()) == 0
    events = path.to_record()
    assert_law(sp.residuals(HAWKES, events).values, lambda x: -np.expm1(-np.maximum(x, 0)))
    assert_uniform_pit(sp.mark_pit(HAWKES, events, key=jax.random.key(1)))


class WrongBound(sp.AbstractNextEvent):
    """A hazard of 2 that says it is below 1."""

    def log_intensity(self, gap):
        return jnp.log(2.0)[None] + 0 * gap

    def compensator(self, gap):
        return jnp.array([2.0]) * gap

    def log_survival(self, gap):
        return -2.0 * gap

    def error(self, gap):
        return jnp.zeros(())

    def bound(self, a, b):
        return jnp.ones(())


def test_a_bound_that_is_too_low_is_counted_and_raised():
    law, thinning = WrongBound(), sp.Thinning()

    @jax.vmap
    def first(key):
        def body(state):
            i, gap, inflation, violations, _ = state
            step = thinning.step(law, gap, jnp.array(50.0), inflation, key=jax.random.fold_in(key, i))
            return i + 1, step.gap, step.inflation, violations + step.violated, step.happened

        start = (0, jnp.zeros(()), jnp.ones(()), jnp.array(0), jnp.array(False))
        state = jax.lax.while_loop(lambda s: ~s[4], body, start)
        return state[1], state[3]

    gaps, violations = first(jax.random.split(jax.random.key(0), 2000))
    assert (np.asarray(violations) == 1).all()
    assert_law(gaps, lambda x: -np.expm1(-2 * np.maximum(x, 0)))


def test_forecasts_know_the_silence_and_the_past():
    """The first event after the end of the window, by inversion of the survival given the silence."""
    ahead = sp.forecast(HAWKES, EVENTS, 200.0, key=jax.random.key(3), n=400, room=512)
    assert float(ahead.ts.min()) > 4.0
    law = HAWKES.next_event(jax.tree.map(lambda x: x[3], HAWKES.contexts(EVENTS)))
    survival = jax.jit(jax.vmap(lambda g: law.log_survival(g)))
    known = float(law.log_survival(1.0))
    first = np.asarray(ahead.ts[:, 0]) - 3.0
    assert_law(first, lambda g: -np.expm1(np.asarray(survival(jnp.asarray(g.ravel()))).reshape(g.shape) - known))


def test_the_bootstrap_knows_what_was_estimated():
    """A rate that was estimated: the plain p-value is too large, that of the bootstrap is of the right size."""
    rate = lambda record, key: sp.Poisson(record.observed() / (record.t1 - record.t0).sum())
    events = sp.Poisson(2.0).sample(jnp.array([0.0, 40.0]), key=jax.random.key(5)).to_record()
    found = sp.goodness_of_fit(rate(events, None), events, key=jax.random.key(1), draws=39, refit=rate)
    assert found.bootstrap_p_value < found.p_value
    assert np.median(found.bootstrap) < stats.kstwo.median(len(found.residuals.values))
    clumped = Events(np.arange(100) // 4 + 0.01 * (np.arange(100) % 4), t1=25.0)
    assert sp.goodness_of_fit(sp.Poisson(4.0), clumped).p_value < 1e-9


def test_a_quantile_band_holds_the_whole_plot_as_often_as_it_says():
    rng, n = np.random.default_rng(0), 60
    _, lower, upper = sp.qq_band(n, 0.9)
    draws = np.sort(rng.exponential(size=(4000, n)), axis=1)
    inside = ((draws >= lower) & (draws <= upper)).all(axis=1).sum()
    assert stats.binom.ppf(5e-7, 4000, 0.9) <= inside <= stats.binom.ppf(1 - 5e-7, 4000, 0.9)


def brute_distance(a, ka, b, kb, cost):
    """Over all ways to match events of a kind in order."""
    best = np.inf
    for size in range(min(len(a), len(b)) + 1):
        for i in itertools.combinations(range(len(a)), size):
            for j in itertools.combinations(range(len(b)), size):
                if all(ka[x] == kb[y] for x, y in zip(i, j, strict=True)):
                    moved = sum(abs(a[x] - b[y]) for x, y in zip(i, j, strict=True))
                    best = min(best, moved + cost * (len(a) + len(b) - 2 * size))
    return best


def test_distances_are_the_cheapest_matching():
    """One kind in any order of matching; of several kinds each on its own."""
    rng = np.random.default_rng(0)
    for _ in range(6):
        a, b = np.sort(rng.uniform(0, 3, 5)), np.sort(rng.uniform(0, 3, 4))
        ka, kb = rng.integers(0, 2, 5), rng.integers(0, 2, 4)
        one = sp.optimal_transport_distance(Events(a, ka, t1=3.0, num_marks=2), Events(b, kb, t1=3.0, num_marks=2), 0.4)
        want = sum(brute_distance(a[ka == k], ka[ka == k], b[kb == k], kb[kb == k], 0.4) for k in (0, 1))
        np.testing.assert_allclose(one, want, rtol=1e-9)


def test_average_precision_of_predicted_events():
    truth = Events.from_list([[0.5, 1.2], [1.0]], [[0, 1], [0]], t1=2.0)
    times = np.array([[0.5, 1.2], [1.0, 1.9]])
    sure = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.4]]])
    np.testing.assert_allclose(sp.t_map(truth, times, sure, 0.1), 1.0)
    np.testing.assert_allclose(sp.t_map(truth, times + 5.0, sure, 0.1), 0.0)
    # Of kind 0 the surest prediction is wrong: precision 1/2 and 2/3 at its two recalls, interpolated to 2/3.
    wrong = np.array([[[0.5, 0.0], [0.0, 1.0]], [[0.6, 0.0], [0.9, 0.0]]])
    np.testing.assert_allclose(sp.t_map(truth, times, wrong, 0.1), (2 / 3 + 1.0) / 2)


def test_trivial_forecasts():
    ahead = sp.most_popular(EVENTS, 2)
    np.testing.assert_allclose(ahead.ts, 4.0 + 4.0 / 3 * np.array([1, 2]))
    np.testing.assert_array_equal(ahead.marks, [1, 1])
    np.testing.assert_allclose(sp.history_density(EVENTS).rate, [1.5 / 4, 2.5 / 4])


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: sp.Poisson(-1.0), ValueError, "Poisson.rate"),
        (lambda: HAWKES.log_prob(Events(jnp.array([0.5]), t1=1.0)), ValueError, "must be kinds below 2, got None"),
        (
            lambda: HAWKES.log_prob(Events(jnp.array([0.5]), jnp.array([2]), t1=1.0)),
            ValueError, "must be at most 2, the number of kinds",
        ),
        (lambda: sp.ExponentialHawkes(0.5, np.ones((2, 2)), 1.0), ValueError, "`branching` must have shape"),
        (
            lambda: sp.simulate_clusters(sp.ExponentialHawkes(1.0, 1.1, 1.0), 0.0, 9.0, key=jax.random.key(0)),
            ValueError, "spectral radius",
        ),
        (lambda: sp.Thinning(window=0.0), ValueError, "`window` must be positive"),
        (lambda: sp.simulate(HAWKES, 1.0, 1.0, key=jax.random.key(0)), ValueError, "must be later than t0"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_a_room_that_is_full_says_so():
    path = sp.simulate(sp.Poisson(5.0), 0.0, 40.0, key=jax.random.key(0), n=3, room=64)
    assert np.asarray(path.full).all()
    whole = sp.Poisson(5.0).sample(jnp.array([0.0, 40.0]), key=jax.random.key(0), n=3)
    assert not np.asarray(whole.full).any()
    np.testing.assert_allclose(path.ts[:, :63], whole.ts[:, :63], rtol=1e-12)
