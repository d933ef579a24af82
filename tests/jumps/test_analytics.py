"""Exact results: the ratchet's table to six digits, closed forms, identities of generators drawn at random."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from hypothesis import given, strategies as st

from sdekit.jumps import (
    BirthDeath,
    CovariateRates,
    RateMatrix,
    Reversible,
    TimedRates,
    endpoint_holding,
    endpoint_jumps,
    entropy_production,
    entropy_rate,
    flashing_ratchet,
    hitting_probabilities,
    kemeny_constant,
    label_autocovariance,
    label_gram,
    label_pairs,
    label_runs,
    mean_first_passage,
    passage_law,
    relaxation_times,
    stationary,
)


TABLE = {
    0.0: ([1 / 6] * 6, 0.0, 0.0, [0.5, 1 / 3, 1 / 3, 0.2, 0.2], 3.0),
    0.5: ([0.235642, 0.158161, 0.106198, 0.183910, 0.164540, 0.151549], 0.048541, 0.149960,
          [0.5, 0.349899, 0.305569, 0.205102, 0.186056], 2.964151),
    1.0: ([0.301192, 0.136542, 0.062267, 0.200298, 0.159135, 0.140567], 0.179194, 0.564151,
          [0.5, 0.349645, 0.280561, 0.205034, 0.158854], 2.873339),
    2.0: ([0.396408, 0.084282, 0.019310, 0.224102, 0.146071, 0.129827], 0.565647, 1.868136,
          [0.5, 0.315472, 0.258673, 0.192137, 0.087288], 2.654758),
    3.0: ([0.447441, 0.046333, 0.006226, 0.236860, 0.136583, 0.126556], 0.992735, 3.411479,
          [0.5, 0.280174, 0.252914, 0.158195, 0.038910], 2.493049),
}  # fmt: skip

law_of, rate_of, passages = jax.jit(stationary), jax.jit(entropy_rate), jax.jit(mean_first_passage)
produced, kemeny = jax.jit(entropy_production), jax.jit(kemeny_constant)


def _produced(Q, horizon):
    """Entropy produced from the uniform law: what the system gains, and what the jumps give to the medium."""
    n = len(Q)
    p0, big = np.full(n, 1 / n), np.block([[Q, np.eye(n)], [np.zeros((n, 2 * n))]])
    p1, occupied = (p0 @ scipy.linalg.expm(big * horizon)[:n]).reshape(2, n)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and Q[i, j] > 0]
    medium = sum(occupied[i] * Q[i, j] * np.log(Q[i, j] / Q[j, i]) for i, j in pairs)
    return scipy.stats.entropy(p1) - scipy.stats.entropy(p0) + medium


@pytest.mark.parametrize("V", TABLE)
def test_the_flashing_ratchet(V):
    law, sigma, total, times, jumps = TABLE[V]
    Q = flashing_ratchet(V).generator()
    np.testing.assert_allclose(law_of(Q), law, atol=1e-6)
    np.testing.assert_allclose(rate_of(Q), sigma, atol=1e-6)
    np.testing.assert_allclose(total, _produced(np.asarray(Q), 2.5), atol=1e-6)
    np.testing.assert_allclose(produced(Q, 2.5, jnp.full(6, 1 / 6)), _produced(np.asarray(Q), 2.5), atol=1e-9)
    np.testing.assert_allclose(relaxation_times(Q), times, atol=1e-6)
    np.testing.assert_allclose(-(law_of(Q) * jnp.diagonal(Q)).sum(), jumps, atol=1e-6)


def test_the_ratchet_passes_and_flows_as_the_table_says():
    Q = flashing_ratchet(1.0).generator()
    tau = passages(Q)
    np.testing.assert_allclose(tau[0], [0, 2.053525, 2.965268, 1.330745, 2.383149, 2.726646], atol=1e-6)
    np.testing.assert_allclose(tau[2], [0.789913, 1.663332, 0, 1.627697, 2.299450, 2.398265], atol=1e-6)
    flow = law_of(Q)[:, None] * Q
    np.testing.assert_allclose(flow[0, 1] - flow[1, 0], -0.042437, atol=1e-6)


def _random(seed, n=4):
    rng = np.random.default_rng(seed)
    rates = np.exp(rng.normal(size=(n, n)))
    np.fill_diagonal(rates, 0)
    return jnp.asarray(rates - np.diag(rates.sum(1)))


@given(st.integers(0, 2**31))
def test_identities_of_generators(seed):
    Q = _random(seed)
    law, tau = np.asarray(law_of(Q)), np.asarray(passages(Q))
    np.testing.assert_allclose(law @ np.asarray(Q), 0, atol=1e-10)
    np.testing.assert_allclose(tau @ law, kemeny(Q), rtol=1e-8)  # Kemeny: the same from every state
    values = np.linalg.eigvals(np.asarray(Q))
    np.testing.assert_allclose(
        (1 / -np.sort(values.real)[:-1]).sum() if np.isrealobj(values) else kemeny(Q), kemeny(Q), rtol=1e-8
    )
    assert rate_of(Q) >= 0


@given(st.integers(0, 2**31))
def test_reversible_chains_are_in_detailed_balance(seed):
    rng = np.random.default_rng(seed)
    model = Reversible(rng.dirichlet(np.ones(4)), rng.exponential(size=6))
    Q = model.generator()
    flow = model.law[:, None] * Q
    np.testing.assert_allclose(flow, flow.T, rtol=1e-10)
    np.testing.assert_allclose(law_of(Q), model.law, atol=1e-10)
    np.testing.assert_allclose(rate_of(Q), 0, atol=1e-9)


def test_birth_and_death_have_the_products_and_sums_of_the_textbook():
    births, deaths = np.array([1.0, 2.0, 0.5]), np.array([0.7, 1.1, 3.0])
    model = BirthDeath(births, deaths)
    law = np.cumprod(np.concatenate([[1.0], births / deaths]))
    np.testing.assert_allclose(stationary(model), law / law.sum(), rtol=1e-10)
    up = [sum(law[: k + 1]) / (births[k] * law[k]) for k in range(3)]
    np.testing.assert_allclose(mean_first_passage(model)[0, 3], sum(up), rtol=1e-10)
    weight = np.cumprod(np.concatenate([[1.0], deaths[:2] / births[1:]]))
    expected = np.concatenate([[0.0], np.cumsum(weight)]) / weight.sum()
    np.testing.assert_allclose(hitting_probabilities(model, 3, 0), expected, rtol=1e-10)


def test_a_passage_through_equal_stages_is_a_gamma_law():
    model = RateMatrix(np.diag(np.full(3, 2.0), 1))
    ts = jnp.linspace(0.0, 4.0, 9)
    survival, density = jax.jit(lambda m, ts: passage_law(m, 3, ts, 0))(model, ts)
    gamma = scipy.stats.gamma(3, scale=0.5)
    np.testing.assert_allclose(survival, gamma.sf(ts), atol=1e-12)
    np.testing.assert_allclose(density, gamma.pdf(ts), atol=1e-12)


def test_expectations_between_two_ends_are_the_integrals_of_van_loan():
    Q = np.asarray(_random(3, 3))
    P = scipy.linalg.expm(Q * 0.8)
    held, moved = jax.jit(lambda Q: (endpoint_holding(Q, 0.8), endpoint_jumps(Q, 0.8)))(jnp.asarray(Q))
    for i, j in ((0, 0), (1, 2), (2, 0)):
        E = np.zeros((3, 3))
        E[i, j] = 1
        G = scipy.linalg.expm(np.block([[Q, E], [0 * Q, Q]]) * 0.8)[:3, 3:]
        if i == j:
            np.testing.assert_allclose(held[:, :, i], G / P, rtol=1e-9)
        else:
            np.testing.assert_allclose(moved[:, :, i, j], Q[i, j] * G / P, rtol=1e-9)
    np.testing.assert_allclose(held.sum(-1), 0.8, rtol=1e-10)


def test_rates_that_change_with_time_have_the_transition_matrix_of_the_solved_equation():
    import scipy.integrate

    wave = lambda t: np.array([[0.0, 1 + np.sin(3 * t), 0.2], [0.5, 0.0, t], [1.0, 0.3, 0.0]])
    model = TimedRates(
        lambda t: jnp.array([[0.0, 1 + jnp.sin(3 * t), 0.2], [0.5, 0.0, t], [1.0, 0.3, 0.0]]), bound=6.0, num_states=3,
        substeps=16,
    )  # fmt: skip

    def slope(t, p):
        Q = wave(t)
        return (p.reshape(3, 3) @ (Q - np.diag(Q.sum(1)))).ravel()

    solved = scipy.integrate.solve_ivp(slope, (0.4, 1.7), np.eye(3).ravel(), rtol=1e-11, atol=1e-12)
    moves = jax.jit(lambda ts: model.moves(ts))(jnp.array([0.4, 1.7]))
    np.testing.assert_allclose(moves.matrices[0], solved.y[:, -1].reshape(3, 3), atol=1e-6)
    stay, _ = scipy.integrate.quad(lambda t: -(1 + np.sin(3 * t) + 0.2), 0.4, 1.7)
    np.testing.assert_allclose(moves.stays[0, 0], stay, atol=1e-6)


def test_effects_of_covariates_are_shared_left_out_and_turned_round():
    edges = [(0, 1), (1, 0), (1, 2)]
    rates = np.array([[0, 1.0, 0], [2.0, 0, 3.0], [0, 0, 0]])
    model = CovariateRates(
        rates, {"dose": [[(0, 1), (1, 2, -1)]], "age": None}, centre=[1.0, 0.0], values=[0.5, 0.1, 0.2, 0.3]
    )
    Q = np.asarray(model.generator(jnp.array([3.0, 2.0])))
    log = {(0, 1): 0.5 * 2 + 0.1 * 2, (1, 0): 0.2 * 2, (1, 2): -0.5 * 2 + 0.3 * 2}
    for edge in edges:
        np.testing.assert_allclose(Q[edge], rates[edge] * np.exp(log[edge]), rtol=1e-10)


def test_labels_have_the_laws_of_brute_force():
    rng = np.random.default_rng(0)
    A, E = rng.dirichlet(np.ones(3), 3), rng.dirichlet(np.ones(2), 3)
    all_of = jax.jit(
        lambda A, E: (label_pairs(A, E, 4), label_gram(A, E, 4), label_runs(A, E, 1, 200), label_gram(A, E, 3))
    )
    pairs, grams, runs, triples = (np.asarray(x) for x in all_of(A, E))
    np.testing.assert_allclose(grams.sum((1, 2)), pairs[3], atol=1e-12)
    np.testing.assert_allclose(grams.sum((0, 3)), pairs[1], atol=1e-12)
    mean = pairs[0].sum(1) @ [0.0, 1.0]
    np.testing.assert_allclose(label_autocovariance(A, E, [0.0, 1.0], 4)[2], pairs[2][1, 1] - mean**2, atol=1e-12)
    starts = grams.sum((2, 3))[0, 1]
    np.testing.assert_allclose(runs[0], triples[0, 1, 0] / starts, atol=1e-12)
    np.testing.assert_allclose(runs[1], grams[0, 1, 1, 0] / starts, atol=1e-12)
    # Runs of mean length L begin at rate P(label) / L.
    np.testing.assert_allclose(runs @ np.arange(1, 201), mean / starts, rtol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RateMatrix([[0.0, -1.0], [1.0, 0.0]]), r"`rates\[0, 1\]` is a rate and must not be .* -1.0"),
        (lambda: RateMatrix([[-3.0, 1.0], [1.0, -1.0]]), r"`rates\[0, 0\]` must be minus the sum .* -1, got -3.0"),
        (lambda: RateMatrix([[0.0, np.nan], [1.0, 0.0]]), r"`rates\[0, 1\]` must be finite"),
        (lambda: RateMatrix([[0.0, 1.0], [1.0, 0.0]], tied=[[(0, 1), (0, 2)]]), r"`tied\[0\]` names a transition"),
        (lambda: Reversible([0.5, 0.5], [1.0], [(0, 2)]), r"`edges\[0\]` must join two different states of 0..1"),
        (lambda: hitting_probabilities(BirthDeath([1.0], [1.0]), 2, 0), r"`targets` is not a known state, 0..1, got 2"),
        (lambda: CovariateRates([[0.0, 1.0], [1.0, 0.0]], {"a": [[(0, 3)]]}), r"`effects\['a'\]` names a transition"),
    ],
)  # fmt: skip
def test_errors_name_the_entry(build, message):
    with pytest.raises(ValueError, match=message):
        build()
