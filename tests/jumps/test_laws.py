"""Laws and moments without a path: projection, linear noise, closures, exact linear laws."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from scipy import stats

from sdekit.data import Series
from sdekit.jumps import (
    LinearNoise,
    LinearNoiseClosure,
    NormalClosure,
    Projection,
    ReactionNetwork,
    moments,
    monomolecular_law,
)

from .models import birth_death, chi_square, dimers


# What is found is the same; compiled as a whole it costs a tenth.
linear_law = eqx.filter_jit(lambda network, t: monomolecular_law(network, jnp.asarray(t)))
counts_of = eqx.filter_jit(lambda law, i, most: law.probabilities(i, most))
rates_of = eqx.filter_jit(lambda network, xs: jax.vmap(lambda x: network.propensities(0.0, x))(xs))
slope_of = eqx.filter_jit(eqx.filter_value_and_grad(lambda chain, series: chain.log_prob(series)))


def generator(chain, leak):
    """By a loop over states and reactions."""
    states = np.asarray(chain.states)
    number = {tuple(x): i for i, x in enumerate(states.tolist())}
    q = np.zeros((len(states), len(states)))
    rates = np.asarray(rates_of(chain.network, chain.states))
    for i, (x, a) in enumerate(zip(states, rates, strict=True)):
        for rate, change in zip(a, chain.network.stoichiometry, strict=True):
            j = number.get(tuple((x + change).tolist()))
            if j is not None:
                q[i, j] += rate
            if j is not None or leak:
                q[i, i] -= rate
    return q


@pytest.mark.parametrize(("network", "most"), [(birth_death(), {"X": 18}), (dimers(), {"A": 21, "B": 10})])
def test_the_projected_law_is_the_matrix_exponential_with_its_bound(network, most):
    chain = Projection(network, most)
    np.testing.assert_allclose(chain.rates(0.0), generator(chain, leak=False), atol=1e-12)
    law, lost = chain.law(0.7)
    exact = scipy.linalg.expm(generator(chain, leak=True) * 0.7)[int(chain.start)]
    np.testing.assert_allclose(law, exact, atol=1e-12)
    np.testing.assert_allclose(lost, 1 - exact.sum(), atol=1e-12)


def test_the_lost_mass_bounds_the_error():
    law, lost = Projection(birth_death(), {"X": 14}).law(1.0)
    whole = np.asarray(counts_of(linear_law(birth_death(), 1.0), 0, 14))
    assert lost > 1e-3
    assert (law <= whole + 1e-12).all()
    assert (whole <= law + lost + 1e-12).all()


def test_conservation_keeps_the_projection_small_and_its_law_stationary():
    chain = Projection(dimers(), {"A": 21, "B": 10})
    assert chain.size == 11
    assert ((chain.states @ np.array([1, 2])) == 21).all()
    b = np.asarray(chain.states[:, 1])
    a = 21 - 2 * b
    # A birth-death chain in B: detailed balance.
    weights = np.ones(11)
    order = np.argsort(b)
    for i, j in itertools.pairwise(order):
        weights[j] = weights[i] * 0.05 * a[i] * (a[i] - 1) / 2 / (0.4 * b[j])
    np.testing.assert_allclose(chain.stationary_law(), weights / weights.sum(), rtol=1e-9, atol=1e-15)


def test_the_likelihood_of_counts_is_that_of_the_matrix_exponential_and_its_gradient():
    chain = Projection(birth_death(), {"X": 18})
    ts, xs = np.array([0.0, 0.3, 1.1, 1.2]), np.array([5.0, 8.0, np.nan, 7.0])
    series = Series(ts, np.nan_to_num(xs)[:, None], np.isfinite(xs)[:, None])
    value = lambda birth: np.log(
        np.prod([
            scipy.linalg.expm(generator(Projection(birth_death(birth), {"X": 18}), leak=False) * h)[a, b]
            for h, a, b in ((0.3, 5, 8), (0.9, 8, 7))
        ])
    )  # fmt: skip
    found, grad = slope_of(chain, series)
    np.testing.assert_allclose(found, value(10.0), rtol=1e-10)
    slope = (value(10.0 + 1e-4) - value(10.0 - 1e-4)) / 2e-4
    np.testing.assert_allclose(grad.network.rates[0], slope, rtol=1e-5)
    with pytest.raises(Exception, match="not among the states"):
        chain.log_prob(Series(ts[:2], np.array([[5.0], [40.0]])))


def test_draws_of_the_projection_have_its_law():
    chain = Projection(dimers(), {"A": 21, "B": 10})
    path = chain.sample(jnp.array([0.0, 1.0]), key=jax.random.key(0), n=1000)
    assert chi_square(np.asarray(path(1.0)), np.asarray(chain.law(1.0)[0])) > 1e-6


@pytest.mark.parametrize("most", [{}, {"X": 18, "Y": 3}, {"X": 3}])
def test_a_box_that_does_not_fit_is_refused(most):
    with pytest.raises(ValueError, match="most"):
        Projection(birth_death(), most)


CHAIN = ReactionNetwork(
    {"in": "0 -> A", "go": "A -> B", "back": "B -> A", "out": "B -> 0"},
    {"in": 1.0, "go": 0.8, "back": 0.3, "out": 0.5},
    {"A": 6, "B": 2},
)


def test_the_exact_law_of_a_linear_network_is_that_of_the_projection():
    law = linear_law(CHAIN, 1.3)
    chain = Projection(CHAIN, {"A": 20, "B": 20})
    p, lost = chain.law(1.3)
    assert lost < 1e-8
    x, p = np.asarray(chain.states), np.asarray(p)
    np.testing.assert_allclose(law.mean, p @ x, rtol=1e-6)
    np.testing.assert_allclose(law.covariance, (p[:, None] * x).T @ x - np.outer(p @ x, p @ x), rtol=1e-5, atol=1e-6)
    for i, name in enumerate(CHAIN.species):
        np.testing.assert_allclose(counts_of(law, i, 20), chain.marginal_law(name, p), atol=1e-8)
    births = counts_of(linear_law(birth_death(start=0), 2.0), 0, 40)
    np.testing.assert_allclose(births, stats.poisson.pmf(np.arange(41), 10 * (1 - np.exp(-2))), atol=1e-12)


def test_other_reactions_have_no_such_law():
    with pytest.raises(ValueError, match=r"2 A -> B.*monomolecular"):
        linear_law(dimers(), 1.0)


TS = jnp.array([0.0, 0.5, 1.3])


def test_moments_of_a_linear_network_are_exact():
    found = moments(CHAIN, TS, rtol=1e-9, atol=1e-9)
    for i, t in enumerate(TS):
        law = linear_law(CHAIN, t)
        np.testing.assert_allclose(found.mean[i], law.mean, rtol=1e-7)
        np.testing.assert_allclose(found.covariance[i], law.covariance, atol=1e-6)


def test_the_normal_closure_is_nearer_than_the_linear_noise():
    network = dimers(start=101, pair=0.01)
    chain = Projection(network, {"A": 101, "B": 50})
    p, x = np.asarray(chain.law(1.3)[0]), np.asarray(chain.states)
    closed, linear = moments(network, TS, NormalClosure()), moments(network, TS, LinearNoiseClosure())
    np.testing.assert_allclose(closed.mean[-1], p @ x, rtol=1e-4)
    error = lambda m: abs(float(m.mean[-1, 1]) - float(p @ x[:, 1]))
    assert error(closed) < error(linear) < 0.5
    variance = p @ x[:, 1] ** 2 - (p @ x[:, 1]) ** 2
    np.testing.assert_allclose(closed.covariance[-1, 1, 1], variance, rtol=1e-3)


def test_the_linear_noise_process_has_exact_transitions_of_a_linear_network():
    process = LinearNoise(CHAIN, steps=16)
    (a, b, q), marginal = eqx.filter_jit(lambda p: (p.discretise(0.5, 1.3), p.marginal(1.3)))(process)
    law = linear_law(CHAIN, 0.8)
    np.testing.assert_allclose(a, law.kept.T, rtol=1e-6)
    start = linear_law(CHAIN, 0.5)
    end = linear_law(CHAIN, 1.3)
    np.testing.assert_allclose(a @ start.mean + b, end.mean, rtol=1e-6)
    np.testing.assert_allclose(a @ start.covariance @ a.T + q, end.covariance, atol=1e-5)
    np.testing.assert_allclose(marginal.mean, end.mean, rtol=1e-6)
    np.testing.assert_allclose(marginal.covariance_matrix, end.covariance, atol=1e-4)
