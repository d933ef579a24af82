"""Networks as they are written down, and the density of complete paths."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

import sdekit as sk
from sdekit.data import Events
from sdekit.inference import MarginalLikelihood
from sdekit.jumps import Reaction, ReactionNetwork, reaction_events, score_expectation

from .models import ALPHA, birth_death, dimers


TS = jnp.array([0.0, 2.0])
density = eqx.filter_jit(lambda network, events: network.log_prob(events))


def test_reads_equations():
    r = Reaction("2 A + B -> 3C", "k")
    assert r.reactants == {"A": 2, "B": 1}
    assert r.products == {"C": 3}
    assert r.change == {"A": -2, "B": -1, "C": 3}
    assert Reaction("0 -> X", "k").reactants == {}
    assert Reaction("X + X -> 0", "k").reactants == {"X": 2}


def test_mass_action_counts_the_ways_to_choose():
    network = ReactionNetwork({"k": "3 A + B -> C"}, {"k": 2.0}, {"A": 7, "B": 4, "C": 0})
    np.testing.assert_allclose(network.propensities(0.0, network.start), [2 * 35 * 4])
    np.testing.assert_allclose(network.propensities(0.0, jnp.array([2, 4, 0])), [0.0])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Reaction("A = B", "k"), "one arrow"),
        (lambda: Reaction("A <-> B", "k"), "two reactions"),
        (lambda: Reaction("A -> 2.5 B", "k"), "'A -> 2.5 B'.*cannot be read.*2.5 B"),
        (lambda: Reaction("A -> B", 3.0), "'A -> B'.*unknown kind"),
        (lambda: Reaction("A -> B", "k", lambda x, p: 1.0), "'A -> B'.*mass action"),
        (lambda: ReactionNetwork([Reaction("A -> B", "k")], {"c": 1.0}, {"A": 1}), "'A -> B'.*not in `rates`.*'k'"),
        (lambda: ReactionNetwork({"k": "A -> B"}, {"k": 1.0, "c": 1.0}, {"A": 1}), r"rates\['c'\].*no reaction"),
        (lambda: ReactionNetwork({"k": "A -> B"}, {"k": -1.0}, {"A": 1}), r"rates\['k'\].*positive.*-1"),
        (lambda: ReactionNetwork({"k": "A -> B"}, {"k": 1.0}, {"Z": 1}), r"start\['Z'\].*no reaction"),
        (lambda: ReactionNetwork({"k": "A -> B"}, {"k": 1.0}, {"A": -1}), r"start\['A'\].*nonnegative"),
        (lambda: ReactionNetwork({"k": "A + B -> B + A"}, {"k": 1.0}, {"A": 1}), "changes nothing"),
        (lambda: ReactionNetwork([], {}, {}), "at least one reaction"),
        (
            lambda: ReactionNetwork([Reaction("A -> B", lambda t, x, p: jnp.ones(2))], {}, {"A": 1}),
            "'A -> B'.*not one number",
        ),
    ],
)
def test_errors_name_the_reaction_the_rate_or_the_species(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        build()


def brute_force(network, events, integral):
    """The log-density by a loop over events, with SciPy's integrals where the rates depend on time."""
    x, t, total = np.asarray(network.start, float), float(events.t0), 0.0
    compiled = jax.jit(lambda t, x: network.propensities(t, x))
    a = lambda t, x: np.asarray(compiled(t, x))
    for s, m, here in zip(*(np.asarray(x) for x in (events.ts, events.marks, events.mask)), strict=True):
        if here:
            total += np.log(a(float(s), x)[m]) - integral(a, t, float(s), x)
            x, t = x + network.stoichiometry[m], float(s)
    return total - integral(a, t, float(events.t1), x)


def constant(a, t0, t1, x):
    return a(t0, x).sum() * (t1 - t0)


def quadrature(a, t0, t1, x):
    return integrate.quad(lambda t: float(a(t, x).sum()), t0, t1, epsabs=1e-12)[0]


def test_the_density_of_a_complete_path_is_that_of_its_definition():
    for network in (dimers(), birth_death()):
        events = reaction_events(network, TS, key=jax.random.key(0))
        np.testing.assert_allclose(density(network, events), brute_force(network, events, constant), rtol=1e-10)
    wave = Reaction("0 -> X", lambda t, x, p: p["k"] * (1 + jnp.sin(t)), lambda x, p: 2 * p["k"])
    network = ReactionNetwork([wave], {"k": 2.0}, {"X": 0}, room=24)
    events = Events(jnp.array([0.3, 1.1]), jnp.array([0, 0]), t0=0.0, t1=2.0, num_marks=1)
    np.testing.assert_allclose(density(network, events), brute_force(network, events, quadrature), rtol=1e-8)


def test_padding_does_not_change_a_density():
    events = reaction_events(birth_death(), TS, key=jax.random.key(0))
    k = int(events.mask.sum())
    short = Events(events.ts[:k], events.marks[:k], t0=0.0, t1=2.0, num_marks=2)
    np.testing.assert_allclose(density(birth_death(), short), density(birth_death(), events), rtol=1e-12)


def test_other_records_are_refused():
    with pytest.raises(TypeError, match="Events"):
        birth_death().log_prob(sk.data.Series([0.0, 1.0], [5.0, 6.0]))
    with pytest.raises(ValueError, match="num_marks"):
        birth_death().log_prob(Events(jnp.array([0.3]), jnp.array([0]), t1=1.0, num_marks=5))


def test_fit_finds_the_closed_form_of_complete_paths():
    """For mass action the maximum is known: the number of firings over the integral of the ways to choose."""
    truth = birth_death()
    events = reaction_events(truth, TS, key=jax.random.key(2), n=20)
    score = eqx.filter_jit(eqx.filter_grad(lambda m: jax.vmap(m.log_prob)(events).sum()))(truth).rates
    numbers = np.array([((events.marks == j) & events.mask).sum() for j in (0, 1)])
    closed = numbers / (numbers / truth.rates - score)  # the score is N / c minus the integral
    fit = sk.fit(
        birth_death(3.0, 3.0), MarginalLikelihood(), events, key=jax.random.key(0), steps=25,
        optimiser=sk.FullBatch(), progress=False,
    )  # fmt: skip
    np.testing.assert_allclose(fit.model.rates, closed, rtol=1e-4)
    assert (np.abs(closed - truth.rates) < 5 * closed / np.sqrt(numbers)).all()


def test_the_score_estimator_is_unbiased():
    """Against d/dk E X = (1 - exp(-g t))/g and d/dg E X, at 1e-6; its error is told by independent batches."""
    network = ReactionNetwork({"birth": "0 -> X", "death": "X -> 0"}, {"birth": 8.0, "death": 1.5}, {"X": 3}, room=64)
    window = jnp.array([0.0, 1.0])
    mean = lambda m, key: score_expectation(m, lambda path: path(1.0)[0], window, key=key, n=200)
    one = eqx.filter_jit(eqx.filter_vmap(eqx.filter_grad(mean), in_axes=(None, 0)))
    grads = np.asarray(one(network, jax.random.split(jax.random.key(0), 30)).rates)
    k, g, decay = 8.0, 1.5, np.exp(-1.5)
    exact = np.array([(1 - decay) / g, -3 * decay - k * (1 - decay) / g**2 + k * decay / g])
    error = grads.std(0, ddof=1) / np.sqrt(30)
    assert (np.abs(grads.mean(0) - exact) < stats.t.isf(ALPHA / 4, 29) * error).all()
    assert (error < 0.1 * np.abs(exact)).all()
