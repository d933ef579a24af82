"""Likelihoods of every kind of observation, EM, smoothing and the variational bound, against SciPy and brute force."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

import sdekit as sk
import sdekit.jumps
from sdekit.data import Panel, Seen, Series
from sdekit.inference import GaussianObservation
from sdekit.jumps import (
    Conditional,
    GaussianEmission,
    Given,
    Hidden,
    HiddenMarkov,
    Misclassification,
    PoissonEmission,
    RateMatrix,
    baum_welch,
    em,
    flashing_ratchet,
    pair_counts,
    path_statistics,
    variational_posterior,
)


RATES = np.array([[0, 1.0, 0.3], [0.5, 0, 0.2], [0.1, 2.0, 0]])
Q = RATES - np.diag(RATES.sum(1))
START = np.array([0.5, 0.3, 0.2])
MODEL = RateMatrix(RATES, Given(jnp.asarray(START)))
log_prob = eqx.filter_jit(lambda model, record: model.log_prob(record))
counts_of = jax.jit(path_statistics, static_argnums=1)
smooth, viterbi = eqx.filter_jit(sk.jumps.smooth), eqx.filter_jit(sk.jumps.viterbi)
LAW = GaussianEmission(jnp.array([0.0, 2.0, 4.0]), jnp.array([0.5, 1.0, 0.7]))


def test_every_kind_of_observation_counts_as_it_should():
    codes, kinds = [0, 1, 2, 2, 3, 1], [Seen.SNAPSHOT, Seen.SNAPSHOT, Seen.ENTRY, Seen.JUMP, Seen.SNAPSHOT, Seen.JUMP]
    ts = np.array([0.0, 0.4, 1.5, 2.0, 2.2, 3.0])
    panel = Panel(ts, np.array(codes), kinds=np.array(kinds), num_states=3, censored=[(0, 1)])
    P = lambda h: scipy.linalg.expm(Q * h)
    off = RATES
    a = START * [1, 0, 0]
    a = (a @ P(0.4)) * [0, 1, 0]
    a = (a @ P(1.1) @ off) * [0, 0, 1]
    a = a * np.exp(Q[2, 2] * 0.5)
    a = (a @ P(0.2)) * [1, 1, 0]
    stay = np.exp(np.diag(Q) * 0.8)
    expected = a[0] * stay[0] * off[0, 1] + a[1] * stay[1]  # from 0 by a jump at its rate, from 1 by staying
    np.testing.assert_allclose(log_prob(MODEL, panel), np.log(expected), rtol=1e-9)
    # What is missing is summed over, and what follows the last observation does not count.
    gap = Panel(ts[:4], np.array([0, 0, 2, 0]), np.array([True, False, True, False]), num_states=3)
    np.testing.assert_allclose(log_prob(MODEL, gap), np.log(START[0] * P(1.5)[0, 2]), rtol=1e-9)


@pytest.fixture(scope="module")
def paths():
    return MODEL.sample(jnp.array([0.0, 10.0]), key=jax.random.key(20260101), n=400)


@pytest.fixture(scope="module")
def panel(paths):
    return paths.to_panel(jnp.linspace(0.0, 10.0, 21), num_states=3)


@pytest.fixture(scope="module")
def series():
    n = 16
    ts = np.sort(np.random.default_rng(0).uniform(0, 8, n))
    path = Hidden(MODEL, LAW).sample(jnp.asarray(ts), key=jax.random.key(20260101))
    return Series(path.ts, path.xs, jnp.asarray(np.arange(n) != 4)[:, None])


def test_a_whole_path_has_its_textbook_density(paths):
    path = jax.tree.map(lambda x: x[0], paths)
    jumps, times = (np.asarray(x) for x in counts_of(path, 3))
    some = jumps > 0
    expected = (
        np.log(START[int(path.states[0])]) + (jumps[some] * np.log(RATES[some])).sum() + (times * np.diag(Q)).sum()
    )
    np.testing.assert_allclose(log_prob(MODEL, path.to_panel(num_states=3)), expected, rtol=1e-9)


def test_hidden_states_death_and_labels():
    rates = np.array([[0, 0.4, 0.1], [0, 0, 0.3], [0, 0, 0]])
    G = rates - np.diag(rates.sum(1))
    confusion = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.0, 0.0, 1.0]])
    chain = RateMatrix(rates, Given(jnp.array([1.0, 0.0, 0.0])))
    panel = Panel(np.array([0.0, 1.0, 2.5]), np.array([0, 1, 2]))
    P = lambda h: scipy.linalg.expm(G * h)
    a = np.array([1.0, 0, 0]) * confusion[:, 0]
    a = (a @ P(1.0)) * confusion[:, 1]
    dead, entered = (a @ P(1.5))[2], a @ P(1.5)[:, :2] @ rates[:2, 2]
    law = Misclassification(jnp.asarray(confusion))
    np.testing.assert_allclose(log_prob(Hidden(chain, law), panel), np.log(dead), rtol=1e-9)
    np.testing.assert_allclose(log_prob(Hidden(chain, law, exact=(2,)), panel), np.log(entered), rtol=1e-9)
    with pytest.raises(ValueError, match=r"`exact` must hold states 0..2, got 3"):
        Hidden(chain, law, exact=(3,))


def test_any_observation_law_serves_and_smoothing_is_its_gradient(series):
    levels = GaussianObservation(0.6, matrix=jnp.array([[0.0, 2.0, 4.0]]))
    same = GaussianEmission(jnp.array([0.0, 2.0, 4.0]), jnp.full(3, 0.6))
    np.testing.assert_allclose(
        log_prob(Hidden(MODEL, levels), series), log_prob(Hidden(MODEL, same), series), rtol=1e-12
    )
    model = Hidden(MODEL, LAW)
    laws, value = smooth(model, series)
    np.testing.assert_allclose(value, log_prob(model, series), rtol=1e-10)
    np.testing.assert_allclose(laws.sum(1), 1, rtol=1e-10)
    states = np.asarray(viterbi(model, series))
    assert (states == np.asarray(laws).argmax(1)).mean() > 0.7


def test_the_variational_bound_is_the_evidence(series):
    model = Hidden(MODEL, LAW)
    found = variational_posterior(model, series, tolerance=1e-8)
    np.testing.assert_allclose(found.elbo, log_prob(model, series), atol=1e-6)
    np.testing.assert_allclose(found.probabilities, smooth(model, series)[0], atol=1e-6)
    assert found.kl > 0


def test_em_finds_the_logarithm_of_the_observed_transition_matrix(panel):
    start = RateMatrix(np.ones((3, 3)) - np.eye(3), Conditional())
    found = em(start, panel, steps=3000, tolerance=1e-14)
    gaps, counts = pair_counts(panel)
    assert len(gaps) == 1
    expected = scipy.linalg.logm(counts[0] / counts[0].sum(1, keepdims=True)) / 0.5
    np.testing.assert_allclose(found.model.generator(), expected, atol=1e-4)
    np.testing.assert_allclose(found.times.sum(), 400 * 10, rtol=1e-8)
    total = eqx.filter_jit(lambda m, p: jax.vmap(m.log_prob)(p).sum())(found.model, panel)
    np.testing.assert_allclose(found.log_prob, total, rtol=1e-10)


def test_counts_and_items_give_the_same_steps_and_none_goes_down(panel):
    panel = panel[:5]
    start = RateMatrix(np.ones((3, 3)) - np.eye(3), Conditional(), tied=[[(0, 1), (1, 0)]])
    # A free start takes the general way, item by item.
    free = RateMatrix(np.ones((3, 3)) - np.eye(3), Given(jnp.full(3, 1 / 3), free=True), tied=[[(0, 1), (1, 0)]])
    one, other = em(start, panel, steps=4), em(free, panel, steps=4)
    np.testing.assert_allclose(one.model.values, other.model.values, rtol=1e-9)
    seen = np.bincount(np.asarray(panel.states)[:, 0], minlength=3) / 5
    np.testing.assert_allclose(other.model.initial.values, seen, atol=1e-9)
    values = [em(start, panel, steps=k).log_prob for k in (1, 2, 8)]
    assert values == sorted(values)


def test_em_moves_emissions_too(series):
    model = Hidden(MODEL, LAW)
    found = em(model, series, steps=20)
    assert found.log_prob > float(log_prob(model, series))
    assert found.model.observation.mean.shape == (3, 1)


def test_em_says_what_is_impossible():
    one_way = RateMatrix([[0.0, 1.0], [0.0, 0.0]], Conditional())
    panel = Panel.from_list([[0.0, 1.0], [0.0, 1.0, 2.0]], [[0, 1], [0, 1, 0]])
    with pytest.raises(ValueError, match=r"`data\[1\].states\[2\]` cannot be reached from state 1, got 0"):
        em(one_way, panel)
    with pytest.raises(ValueError, match="must not be Stationary"):
        em(flashing_ratchet(1.0), panel)
    with pytest.raises(ValueError, match=r"`ts\[1\]` must be later"):
        Panel(np.array([1.0, 0.5]), np.array([0, 1]))
    with pytest.raises(ValueError, match="not a known state"):
        Panel(np.array([0.0, 0.5]), np.array([0, 7]), num_states=2)


def test_baum_welch_is_em_by_brute_force(key):
    law = GaussianEmission(jnp.array([0.0, 2.0]), jnp.array([1.0, 1.0]))
    model = HiddenMarkov(jnp.array([0.6, 0.4]), jnp.array([[0.9, 0.1], [0.3, 0.7]]), law)
    path = model.sample(jnp.arange(30.0), key=key)
    series = Series(path.ts, path.xs)
    found = baum_welch(model, series, steps=1)
    y = np.asarray(path.xs)[:, 0]
    e = scipy.stats.norm.pdf(y[:, None], [0.0, 2.0], 1.0)
    P, n = np.asarray(model.matrix), len(y)
    alphas, betas = [np.array([0.6, 0.4]) * e[0]], [np.ones(2)]
    for k in range(1, n):
        alphas.append((alphas[-1] @ P) * e[k])
        betas.insert(0, P @ (e[n - k] * betas[0]))
    total = alphas[-1].sum()
    laws = np.array(alphas) * np.array(betas) / total
    moves = sum(np.outer(alphas[k], e[k + 1] * betas[k + 1]) * P for k in range(n - 1)) / total
    mean = (laws * y[:, None]).sum(0) / laws.sum(0)
    np.testing.assert_allclose(found.history[0], np.log(total), rtol=1e-10)
    np.testing.assert_allclose(found.model.matrix, moves / moves.sum(1, keepdims=True), rtol=1e-9)
    np.testing.assert_allclose(found.model.observation.mean[:, 0], mean, rtol=1e-9)
    spread = np.sqrt((laws * (y[:, None] - mean) ** 2).sum(0) / laws.sum(0))
    np.testing.assert_allclose(found.model.observation.scale[:, 0], spread, rtol=1e-8)


def test_estimates_of_counts_and_labels_are_weighted_means():
    weights = jnp.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    ys, mask = jnp.array([[2.0], [4.0], [1.0]]), jnp.ones((3, 1), bool)
    np.testing.assert_allclose(PoissonEmission([1.0, 1.0]).estimate(ys, mask, weights).rate[:, 0], [8 / 3, 2.0])
    labels = Misclassification(jnp.full((2, 3), 1 / 3)).estimate(jnp.array([[0.0], [2.0], [2.0]]), mask, weights)
    np.testing.assert_allclose(labels.matrix, [[2 / 3, 0, 1 / 3], [0, 0, 1]], atol=1e-12)


@pytest.mark.parametrize("name", ["psor", "fev"])
def test_the_likelihoods_of_msm(name):
    try:
        data = sk.data.load(f"msm_{name}")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    from sdekit.experiments._fev import AT, start
    from sdekit.experiments._panel_psoriasis import at_the_maximum

    total = eqx.filter_jit(lambda model, record: -2 * jax.vmap(model.log_prob)(record).sum())
    if name == "psor":
        np.testing.assert_allclose(total(at_the_maximum(data), data), 1114.89946121717, rtol=1e-6)
    else:
        for model in ("normal 3", "measured 3, acute"):
            np.testing.assert_allclose(total(start(model), data), AT[model], rtol=1e-6)
