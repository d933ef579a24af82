"""Exact and approximate simulation of networks, against exact laws. False alarms: 1e-6 a test."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit import solve
from sdekit.jumps import (
    SSA,
    ChemicalLangevin,
    Projection,
    Reaction,
    ReactionNetwork,
    TauLeaping,
    monomolecular_law,
    reaction_events,
    simulate,
)

from .models import ALPHA, birth_death, chi_square, dimers


TS = jnp.array([0.0, 0.4, 1.5])
N = 4000
WIDE = stats.norm.isf(ALPHA / 2)


@pytest.fixture(scope="module")
def seen():
    return simulate(birth_death(), TS, key=jax.random.key(1), n=N)


def test_exact_paths_have_the_exact_law_at_every_time(seen):
    for i in (1, 2):
        law = np.asarray(monomolecular_law(birth_death(), TS[i]).probabilities(0, 60))
        assert chi_square(np.asarray(seen.xs[:, i, 0]).astype(int), law) > ALPHA / 2


def test_the_law_of_dimers_is_that_of_the_projection():
    found = simulate(dimers(), TS, key=jax.random.key(2), n=N).xs[:, 2, 1]
    chain = Projection(dimers(), {"A": 21, "B": 10})
    law, _ = chain.law(1.5)
    assert chi_square(np.asarray(found).astype(int), np.asarray(chain.marginal_law("B", law))) > ALPHA


def test_the_covariance_over_time_is_that_of_the_chain(seen):
    # Given X_s the mean of X_t is k/g + (X_s - k/g) exp(-g (t - s)): the residual is uncorrelated with X_s.
    x = np.asarray(seen.xs[..., 0])
    decay = np.exp(-float(TS[2] - TS[1]))
    residual = x[:, 2] - 10 - (x[:, 1] - 10) * decay
    product = (x[:, 1] - x[:, 1].mean()) * residual
    assert abs(product.mean()) < WIDE * product.std() / np.sqrt(N)
    assert abs(residual.mean()) < WIDE * residual.std() / np.sqrt(N)


def test_a_path_is_the_same_with_and_without_its_jumps_and_on_any_lanes(seen):
    jumps = birth_death().sample(TS, key=jax.random.key(1), n=N)
    np.testing.assert_array_equal(np.asarray(jumps(TS)), np.asarray(seen.xs))
    few = simulate(birth_death(), TS, key=jax.random.key(1), n=40, method=SSA(lanes=7))
    np.testing.assert_array_equal(np.asarray(few.xs), np.asarray(seen.xs[:40]))
    ends = simulate(birth_death(), TS[::2], key=jax.random.key(1), n=40, method=SSA(lanes=7))
    np.testing.assert_array_equal(np.asarray(ends.xs), np.asarray(seen.xs[:40, ::2]))


def test_a_network_that_dies_out_stops():
    network = ReactionNetwork({"decay": "A -> 0"}, {"decay": 3.0}, {"A": 9}, room=9)
    assert (simulate(network, jnp.array([0.0, 1.0, 99.0]), key=jax.random.key(0), n=40).xs[:, 2] == 0).all()
    path = network.sample(jnp.array([0.0, 99.0]), key=jax.random.key(0), n=40)
    np.testing.assert_array_equal(path.jumps(), 9)


def wave(t, x, p):
    return p["level"] * (1 + jnp.sin(t))


WAVE = ReactionNetwork([Reaction("0 -> X", wave, lambda x, p: 2 * p["level"])], {"level": 4.0}, {"X": 0}, room=96)


def test_thinning_gives_the_poisson_numbers_of_the_integrated_rate():
    found = simulate(WAVE, jnp.array([0.0, 1.0, 3.0]), key=jax.random.key(3), n=N).xs[..., 0].astype(int)
    for i, t in ((1, 1.0), (2, 3.0)):
        mean = 4 * (t + 1 - np.cos(t))
        assert chi_square(np.asarray(found[:, i]), stats.poisson.pmf(np.arange(60), mean)) > ALPHA / 2
    events = reaction_events(WAVE, jnp.array([0.0, 3.0]), key=jax.random.key(3), n=20)
    np.testing.assert_array_equal(events.mask.sum(1), found[:20, 2])
    # Times of events, through the integrated rate, are uniform given their number.
    ts = np.asarray(events.ts)[np.asarray(events.mask)]
    uniform = (ts + 1 - np.cos(ts)) / (3 + 1 - np.cos(3))
    assert stats.kstest(uniform, "uniform").pvalue > ALPHA


def test_tau_leaping_starts_from_nothing_with_two_times():
    network = birth_death(10.0, 0.1, 0)
    x = np.asarray(simulate(network, jnp.array([0.0, 50.0]), key=jax.random.key(4), n=500, method=TauLeaping(0.05)).xs)
    mean = 100 * (1 - np.exp(-5))
    # The bias of leaps of five per cent is below these limits.
    assert abs(x[:, 1].mean() - mean) < WIDE * np.sqrt(mean / 500) + 0.5
    assert abs(x[:, 1].var() / mean - 1) < WIDE * np.sqrt(2 / 500) + 0.05


@pytest.mark.parametrize("dt", [0.5, 0.25])
def test_fixed_leaps_have_the_mean_of_eulers_recursion_and_so_order_one(dt):
    network = birth_death(100.0, 1.0, 100 * 4)
    x = np.asarray(simulate(network, jnp.array([0.0, 2.0]), key=jax.random.key(5), n=N, method=TauLeaping(dt=dt)).xs)
    mean, variance = 400.0, 0.0
    for _ in range(round(2 / dt)):
        variance = (1 - dt) ** 2 * variance + dt * (100 + mean)
        mean = mean + dt * (100 - mean)
    assert abs(x[:, 1].mean() - mean) < WIDE * np.sqrt(variance / N)
    assert abs(x[:, 1].var() / variance - 1) < WIDE * np.sqrt(2.2 / N)


def test_tau_leaping_keeps_counts_nonnegative_and_what_is_conserved():
    x = simulate(
        dimers(part=0.01), jnp.array([0.0, 2.0, 20.0]), key=jax.random.key(6), n=200, method=TauLeaping(0.2)
    ).xs
    assert (x >= 0).all()
    np.testing.assert_array_equal(x[..., 0] + 2 * x[..., 1], 21)


def test_the_langevin_equation_has_the_mean_and_variance_of_a_linear_network():
    network = birth_death(200.0, 1.0, 200)
    path = solve(ChemicalLangevin(network), jnp.array([0.0, 1.0]), key=jax.random.key(7), dt=0.05, n=2000)
    x = np.asarray(path.xs[:, -1, 0])
    # Steps of 0.05 change the variance by three per cent at most.
    variance = 200 * (1 - np.exp(-2))
    assert abs(x.mean() - 200) < WIDE * np.sqrt(variance / 2000)
    assert abs(x.var() / variance - 1) < WIDE * np.sqrt(2 / 2000) + 0.03


def test_runs_under_jit_and_vmap_over_rates():
    run = lambda birth: simulate(birth_death(birth, 1.0, 5), TS, key=jax.random.key(1), n=8).xs
    both = jax.vmap(run)(jnp.array([10.0, 20.0]))
    np.testing.assert_array_equal(both[0], simulate(birth_death(), TS, key=jax.random.key(1), n=8).xs)


def test_what_cannot_be_simulated_says_so():
    explosive = ReactionNetwork({"double": "2 X -> 3 X"}, {"double": 1.0}, {"X": 5})
    with pytest.raises(Exception, match="more than 1000 events"):
        simulate(explosive, jnp.array([0.0, 9.0]), key=jax.random.key(0), n=2, method=SSA(most=1000))
    with pytest.raises(Exception, match="too few jumps"):
        birth_death(100.0, room=8).sample(jnp.array([0.0, 1.0]), key=jax.random.key(0))
    low = ReactionNetwork([Reaction("0 -> X", wave, lambda x, p: p["level"])], {"level": 40.0}, {"X": 0}, room=96)
    with pytest.raises(Exception, match="bound"):
        low.sample(jnp.array([0.0, 1.0]), key=jax.random.key(0))
    with pytest.raises(ValueError, match="time"):
        simulate(WAVE, TS, key=jax.random.key(0), method=TauLeaping())
    with pytest.raises(ValueError, match="epsilon"):
        TauLeaping(epsilon=1.5)
    with pytest.raises(ValueError, match="lanes"):
        SSA(lanes=0)
