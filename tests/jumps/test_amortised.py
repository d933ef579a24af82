"""The law of tasks against SciPy, the evidence by brute force, equivariance, and EM with a prior."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse.csgraph
import scipy.special
import scipy.stats

from sdekit.data import Panel, load
from sdekit.jumps import (
    AmortisedRates,
    Conditional,
    GammaPrior,
    Hidden,
    PairEvidence,
    RateMatrix,
    TaskPrior,
    em,
    flashing_ratchet,
    label_noise,
    path_statistics,
)


ALPHA = 1e-6
SHAPES = [(a, b) for a in (1, 2) for b in (1, 3, 5, 10)]
OFF = ~np.eye(6, dtype=bool)
PRIOR = TaskPrior(paths=20, fewest=5, states=(3, 6), noises=(0.1,))
draw = eqx.filter_jit(lambda prior, key: prior.paths_of(key=key))
draw_task = eqx.filter_jit(lambda prior, key: prior.task(key=key))


@pytest.fixture(scope="module")
def chains():
    keys = jax.random.split(jax.random.key(0), 4000)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(lambda k: TaskPrior().chain(key=k)))(keys))


def test_rates_follow_the_mixture_of_beta_laws(chains):
    rates = chains.rates[chains.present]
    cdf = lambda x: np.mean([scipy.stats.beta.cdf(x, a, b) for a, b in SHAPES], axis=0)
    assert scipy.stats.kstest(rates, cdf).pvalue > ALPHA
    mean = np.mean([a / (a + b) for a, b in SHAPES])
    assert abs(rates.mean() - mean) < 5 * 0.26 / np.sqrt(rates.size)  # 5 standard errors: 6e-7
    np.testing.assert_allclose(mean, 0.315, atol=1e-3)
    assert (chains.rates[~chains.present] == 0).all() and not chains.present[:, ~OFF].any()


def test_edges_and_starts_are_as_recovered(chains):
    full = chains.present[:, OFF].all(1)
    assert scipy.stats.binomtest(int(full.sum()), len(full), 0.5).pvalue > ALPHA
    sparse = chains.present[~full]
    parts = [scipy.sparse.csgraph.connected_components(a, connection="strong")[0] for a in sparse[:500]]
    assert set(parts) == {1}
    rng = np.random.default_rng(0)
    graphs = [a for a in rng.random((2500, 6, 6)) < 0.5 if _strong(a & OFF)]
    ours, theirs = sparse[:, OFF].mean(1), np.array(graphs)[:, OFF].mean(1)
    gap = ours.mean() - theirs.mean()
    assert abs(gap) < 5 * np.hypot(ours.std() / len(ours) ** 0.5, theirs.std() / len(theirs) ** 0.5)
    Q = chains.rates - np.eye(6) * chains.rates.sum(2)[:, None]
    still = np.abs(np.einsum("ki,kij->kj", chains.initial, Q)).max(1) < 1e-6
    assert scipy.stats.binomtest(int(still.sum()), len(still), 0.5).pvalue > ALPHA
    other = chains.initial[~still]
    np.testing.assert_allclose(chains.initial.sum(1), 1, atol=1e-6)
    assert scipy.stats.kstest(other[:, 0], scipy.stats.beta(50, 250).cdf).pvalue > ALPHA


def _strong(a):
    return scipy.sparse.csgraph.connected_components(a, connection="strong")[0] == 1


def test_the_generators_stored_with_the_code_of_the_paper_are_of_this_law(chains):
    try:
        stored = load("fim_mjp_prior")
    except FileNotFoundError:
        pytest.skip("the generators of FIM-MJP are not at hand: set SDEKIT_DATA")
    rates, there = stored["intensity_matrices"], stored["adjacency_matrices"] > 0
    theirs = rates[there & OFF[None]]
    assert scipy.stats.ks_2samp(theirs, chains.rates[chains.present]).pvalue > ALPHA


def test_labels_follow_the_chain_and_the_noise():
    prior = TaskPrior(paths=6000, states=(3,), noises=(0.1,), irregular=0.0)
    truth, paths = draw(prior, jax.random.key(3))
    labels = np.asarray(paths.labels)
    # The rates are in units of a tenth of the span; a step of the grid is 1 / unit of these.
    h = 1 / float(paths.unit())
    Q = np.asarray(truth.generator())
    E = np.full((3, 3), 0.05) + 0.85 * np.eye(3)
    p = np.asarray(truth.initial) @ scipy.linalg.expm(Q * h * 20)
    law = E.T @ np.diag(p) @ scipy.linalg.expm(Q * h * 7) @ E
    seen = np.bincount(labels[20] * 3 + labels[27], minlength=9)
    assert scipy.stats.chisquare(seen, 6000 * law.ravel() / law.sum()).pvalue > ALPHA


def test_evidence_of_a_task_is_that_of_its_panel_and_of_brute_force():
    for seed in range(2):
        truth, paths = draw(PRIOR, jax.random.key(seed))
        task = draw_task(PRIOR, jax.random.key(seed)) if seed == 0 else None
        panel = paths.panel(int(truth.states.sum()))
        found, unit = PairEvidence.of(panel, 0.1, room=6)
        np.testing.assert_allclose(unit, 1, rtol=1e-6)
        if task is not None:
            for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(task.evidence), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        slow = np.zeros((9, 6, 6))
        for t, s, m in zip(*(np.asarray(x) for x in (panel.ts, panel.states, panel.mask)), strict=True):
            t, s = t[m], s[m]
            for i in range(len(t)):
                for j in range(i + 1, len(t)):
                    gap = t[j] - t[i]
                    if 0.07 < gap <= 1.7:
                        slow[:, s[i], s[j]] += np.maximum(1 - np.abs(2 * np.log2(gap / 0.1) - np.arange(9)), 0)
        np.testing.assert_allclose(found.counts, slow, rtol=1e-6, atol=1e-6)


def test_evidence_scales_with_the_unit_of_time_and_says_what_it_cannot_read():
    panel = Panel(jnp.arange(8.0), jnp.array([0, 1, 1, 0, 0, 1, 0, 0]))
    slow = Panel(60 * jnp.arange(8.0), panel.states)
    one, two = PairEvidence.of(panel), PairEvidence.of(slow)
    assert eqx.tree_equal(one[0], two[0], rtol=1e-12) and two[1] == pytest.approx(60 * one[1])
    with pytest.raises(ValueError, match="room"):
        PairEvidence.of(panel, room=1)
    with pytest.raises(ValueError, match="snapshots"):
        PairEvidence.of(Panel(panel.ts, panel.states, kinds=jnp.full(8, 2)))
    with pytest.raises(ValueError, match="noises"):
        TaskPrior(noises=(0.7,))


MODEL = AmortisedRates(width=8, depth=1, key=jax.random.key(4))
read = eqx.filter_jit(lambda model, evidence: model(evidence))


def test_renaming_the_states_renames_the_answer():
    truth, paths = draw(PRIOR, jax.random.key(0))
    evidence, _ = PairEvidence.of(paths.panel(int(truth.states.sum())), 0.1, room=6)
    order = np.array([4, 0, 5, 2, 1, 3])
    law, renamed = read(MODEL, evidence), read(MODEL, evidence.permute(order))
    for name in ("mean", "deviation"):
        np.testing.assert_allclose(getattr(renamed, name), getattr(law, name)[order][:, order], atol=1e-9)
    np.testing.assert_allclose(renamed.initial, law.initial[order], atol=1e-9)


def test_padding_says_nothing():
    panel = flashing_ratchet(1.0).sample(jnp.array([0.0, 2.5]), key=jax.random.key(1), n=20)
    panel = panel.to_panel(jnp.linspace(0.0, 2.5, 40), num_states=6)
    exact, padded = (PairEvidence.of(panel, 0.01, room=room)[0] for room in (6, 8))
    law, wide = read(MODEL, exact), read(MODEL, padded)
    np.testing.assert_allclose(wide.mean[:6, :6], law.mean, atol=1e-9)
    np.testing.assert_allclose(wide.initial[:6], law.initial, atol=1e-9)
    assert (np.asarray(wide.mean)[6:] == 0).all() and (np.asarray(wide.initial)[6:] == 0).all()


def test_a_law_of_rates_is_absent_or_gamma():
    truth, paths = draw(PRIOR, jax.random.key(7))
    law = read(MODEL, PairEvidence.of(paths.panel(int(truth.states.sum())), 0.1, room=6)[0])
    m = int(truth.states.sum())
    p = scipy.special.expit(np.asarray(law.presence))
    shape, level = np.asarray(law.shape), np.asarray(law.level)
    total = 0.0
    for i, j in ((i, j) for i in range(m) for j in range(m) if i != j):
        gamma = scipy.stats.gamma(shape[i, j], scale=level[i, j] / shape[i, j])
        here = bool(truth.present[i, j])
        total += np.log(p[i, j]) + gamma.logpdf(float(truth.rates[i, j])) if here else np.log1p(-p[i, j])
        np.testing.assert_allclose(law.mean[i, j], p[i, j] * gamma.mean(), rtol=1e-6)
        second = p[i, j] * (gamma.var() + gamma.mean() ** 2)
        np.testing.assert_allclose(law.deviation[i, j] ** 2, second - (p[i, j] * gamma.mean()) ** 2, rtol=1e-5)
    start = np.asarray(truth.initial)[:m] @ np.log(np.asarray(law.initial)[:m])
    np.testing.assert_allclose(law.log_prob(truth), total + start, rtol=1e-6)
    chain, prior = law.prior(2.0, weight=0.5)
    off = ~np.eye(m, dtype=bool)
    mean, deviation = np.asarray(law.mean)[:m, :m][off], np.asarray(law.deviation)[:m, :m][off]
    np.testing.assert_allclose(np.asarray(chain.values), mean / 2, rtol=1e-6)
    np.testing.assert_allclose(prior.shape / prior.rate, mean / 2, rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(prior.shape) / prior.rate, deviation / 2 * np.sqrt(2), rtol=1e-6)


RATES = np.array([[0, 1.0, 0.3], [0.5, 0, 0.2], [0.1, 2.0, 0]])
CHAIN = RateMatrix(RATES, Conditional())


def test_em_with_a_prior_is_conjugate_on_whole_paths():
    path = CHAIN.sample(jnp.array([0.0, 8.0]), key=jax.random.key(0))
    keep = np.append(np.asarray(path.mask), True)
    ends = np.append(np.asarray(path.ts), path.t1)[keep]
    states = np.append(np.asarray(path.states), path.states[-1])[keep].astype(int)
    panel = Panel(ends, states, kinds=np.full(ends.shape, 2), num_states=3)
    jumps, times = path_statistics(path, 3)
    shape, rate = np.linspace(0.5, 2.0, 6), np.linspace(1.0, 3.0, 6)
    off = ~np.eye(3, dtype=bool)
    found = em(CHAIN, panel, prior=GammaPrior(jnp.asarray(shape), jnp.asarray(rate))).model
    expected = (shape + np.asarray(jumps)[off]) / (rate + np.repeat(np.asarray(times), 2))
    np.testing.assert_allclose(found.values, expected, rtol=1e-8)


def test_no_step_with_a_prior_and_known_noise_lowers_the_posterior():
    paths = CHAIN.sample(jnp.array([0.0, 6.0]), key=jax.random.key(2), n=8)
    panel = paths.to_panel(jnp.linspace(0.0, 6.0, 13), num_states=3)
    prior, noise = GammaPrior(2.0, 1.5), label_noise(3, 0.1)
    model = Hidden(CHAIN, noise)
    steps = [em(model, panel, prior=prior, steps=k, tolerance=0.0) for k in (1, 2, 5, 20, 400)]
    values = np.array([s.log_prob for s in steps])
    assert (np.diff(values) > -1e-9 * np.abs(values[:-1])).all()
    last = steps[-1].model
    np.testing.assert_array_equal(last.observation.matrix, noise.matrix)

    def posterior(logs):
        process = eqx.tree_at(lambda p: p.values, last.process, jnp.exp(logs))
        hidden = eqx.tree_at(lambda h: h.process, last, process)
        return jax.vmap(hidden.log_prob)(panel).sum() + (2.0 * logs - 1.5 * jnp.exp(logs)).sum()

    value, gradient = jax.jit(jax.value_and_grad(posterior))(jnp.log(last.process.values))
    np.testing.assert_allclose(value, values[-1], rtol=1e-10)
    assert np.abs(np.asarray(gradient)).max() < 1e-4
    with pytest.raises(ValueError, match=r"prior\.shape"):
        em(CHAIN, panel, prior=GammaPrior(jnp.ones(4), 1.0))
