"""Paths drawn: free, pinned, thinned and given data, against exact expectations. Each assertion fails once in 1e6."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from sdekit.data import Panel
from sdekit.jumps import (
    Conditional,
    GammaPrior,
    Given,
    RateMatrix,
    TimedRates,
    bridge,
    endpoint_holding,
    endpoint_jumps,
    gibbs,
    path_statistics,
    rate_posterior,
    stationary,
)


MODEL = RateMatrix([[0, 1.0, 0.3], [0.5, 0, 0.2], [0.1, 2.0, 0]], room=32)
count = jax.jit(jax.vmap(lambda path: path_statistics(path, 3)))
state = jax.jit(lambda paths, t: paths(t))
Z = scipy.stats.norm.isf(0.5e-6 / 12)


def close(values, expected):
    """Whether means over the first axis are within the error that all but a part in a million stay in."""
    values = np.asarray(values, float)
    error = values.std(0) / np.sqrt(len(values))
    assert (np.abs(values.mean(0) - expected) <= Z * error + 1e-12).all(), (values.mean(0), expected, error)


def test_paths_hold_and_jump_as_the_stationary_law_says(key):
    paths = MODEL.sample(jnp.array([0.0, 4.0]), key=key, n=1000)
    jumps, times = count(paths)
    law = np.asarray(stationary(MODEL))
    close(times, 4 * law)
    close(jumps, 4 * law[:, None] * np.where(np.eye(3), 0, MODEL.generator()))


def test_bridges_have_the_expectations_of_van_loan(key):
    held, moved = jax.jit(lambda m: (endpoint_holding(m, 1.5), endpoint_jumps(m, 1.5)))(MODEL)
    draw = jax.jit(jax.vmap(lambda k, a, b: bridge(MODEL, 1.5, a, b, key=k, room=32), (0, None, None)))
    for a, b in ((0, 2), (1, 1)):
        paths = draw(jax.random.split(key, 1000), a, b)
        assert (np.asarray(state(paths, 0.0)) == a).all()
        assert (np.asarray(state(paths, 1.5)) == b).all()
        jumps, times = count(paths)
        close(times, held[a, b])
        close(jumps, moved[a, b])


def test_an_absorbing_state_is_never_left(key):
    model = RateMatrix([[0.0, 2.0], [0.0, 0.0]], Given(jnp.array([1.0, 0.0])))
    paths = model.sample(jnp.array([0.0, 1.0]), key=key, n=1000)
    assert int(paths.jumps().max()) == 1
    close(paths.jumps(), -np.expm1(-2.0))


def test_thinning_gives_the_integrated_rate(key):
    # A switch that is thrown at rate 1 + sin t whichever way it stands: jumps are Poisson.
    wave = TimedRates(lambda t: (1 + jnp.sin(t)) * jnp.array([[0.0, 1.0], [1.0, 0.0]]), bound=2.0, num_states=2)
    jumps = np.asarray(wave.sample(jnp.array([0.0, 3.0]), key=key, n=1000).jumps())
    mean = 3 + 1 - np.cos(3)
    close(jumps, mean)
    close((jumps - mean) ** 2, mean)


def test_too_little_room_and_a_bound_too_low_are_errors(key):
    small = RateMatrix([[0.0, 50.0], [50.0, 0.0]], room=4)
    with pytest.raises(eqx.EquinoxRuntimeError, match="has no room for the jumps"):
        small.sample(jnp.array([0.0, 5.0]), key=key)
    low = TimedRates(lambda t: jnp.array([[0.0, 5.0], [5.0, 0.0]]), bound=2.0, num_states=2)
    with pytest.raises(eqx.EquinoxRuntimeError, match="`bound` is below an exit rate"):
        low.sample(jnp.array([0.0, 5.0]), key=key)


def test_an_end_that_cannot_be_reached_is_an_error(key):
    with pytest.raises(ValueError, match="`end` cannot be reached from state 1, got 0"):
        bridge(RateMatrix([[0.0, 2.0], [0.0, 0.0]]), 1.0, 1, 0, key=key)
    with pytest.raises(ValueError, match=r"`start` is not a known state, 0..1, got 5"):
        bridge(RateMatrix([[0.0, 2.0], [0.0, 0.0]]), 1.0, 5, 0, key=key)


def test_rates_given_whole_paths_are_gamma():
    model = RateMatrix([[0.0, 1.0, 0], [1.0, 0, 1.0], [0, 1.0, 0]], tied=[[(0, 1), (1, 2)]])
    jumps, times = jnp.array([[0.0, 3, 0], [2, 0, 4], [0, 1, 0]]), jnp.array([1.0, 2.0, 3.0])
    shape, rate = rate_posterior(model, GammaPrior(0.5, 2.0), jumps, times)
    np.testing.assert_allclose(shape, [7.5, 2.5, 1.5])
    np.testing.assert_allclose(rate, [5.0, 4.0, 5.0])
    with pytest.raises(ValueError, match=r"`GammaPrior.shape` must be positive"):
        GammaPrior(0.0, 1.0)


def test_gibbs_draws_follow_the_posterior_on_a_grid(key):
    """Two rates, a few observations: the posterior by brute force on a grid of rates.

    Draws are thinned so far that they are all but independent, and their number is halved for what is left."""
    states, gap = [0, 0, 1, 0, 1, 1, 1, 0, 0, 1], 0.8
    panel = Panel(gap * jnp.arange(10.0), jnp.array(states))
    model = RateMatrix([[0.0, 1.0], [1.0, 0.0]], Conditional())
    found = gibbs(model, panel, GammaPrior(2.0, 2.0), key=key, draws=1600, burn=100, room=96)
    draws = np.asarray(found.values)[::4]
    a, b = np.meshgrid(np.linspace(0.005, 8, 800), np.linspace(0.005, 8, 800), indexing="ij")
    s = a + b
    up, down = a / s * -np.expm1(-s * gap), b / s * -np.expm1(-s * gap)
    log = scipy.stats.gamma.logpdf(a, 2, scale=0.5) + scipy.stats.gamma.logpdf(b, 2, scale=0.5)
    for i, j in itertools.pairwise(states):
        log += np.log({(0, 1): up, (1, 0): down, (0, 0): 1 - up, (1, 1): 1 - down}[i, j])
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    expected = np.array([(weight * a).sum(), (weight * b).sum()])
    error = np.sqrt(2) * draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - expected) < Z * error).all(), (draws.mean(0), expected, error)
