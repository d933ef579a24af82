"""What every stationary law promises: transitions keep it, and no probability flows under it."""

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from sdekit import processes as sp
from sdekit.evaluate import assert_law

from .cases import Case, between, cir_oracle, ids, matrix_ou, ou_oracle, seeds, traced


few = hypothesis.settings(max_examples=3)


def ou(rng):
    return sp.OrnsteinUhlenbeck(between(rng, 0.1, 3), rng.normal(size=2), between(rng, 0.3, 2))


def cir(rng):
    rate, mean = between(rng, 0.1, 5), between(rng, 0.1, 3)
    return sp.CoxIngersollRoss(rate, mean, np.sqrt(4 * rate * mean / between(rng, 2.5, 40)))


def jacobi(rng):
    rate = between(rng, 0.5, 3)
    return sp.Jacobi(rate, rng.uniform(0.25, 0.75, 2), np.sqrt(2 * rate / between(rng, 5, 30)))


def double_well(rng):
    return sp.DoubleWell(between(rng, 0.1, 1), between(rng, 0.5, 2), between(rng, 0.3, 1.5))


def verhulst(rng):
    return sp.StochasticVerhulst(between(rng, 0.5, 3), between(rng, 0.3, 3), between(rng, 0.2, 0.6))


SCALAR = [
    Case("OrnsteinUhlenbeck", ou, ou_oracle),
    Case("CoxIngersollRoss", cir, cir_oracle, positive=True),
    Case("Jacobi", jacobi),
    Case("DoubleWell", double_well),
    Case("StochasticVerhulst", verhulst, positive=True),
]


@traced
def flux(process, xs):
    r"""The probability flux $f p - (g^2 p)'/2$ divided by $p$, at each state, and the size of its parts."""
    law = process.stationary()

    def one(x):
        square = lambda x: jnp.diagonal(process.diffusion(0.0, x).as_matrix()) ** 2
        slope = jax.jvp(square, (x,), (jnp.ones_like(x),))[1]
        score = jax.grad(law.log_prob)(x)
        return process.drift(0.0, x), (slope + square(x) * score) / 2

    return jax.vmap(one)(xs)


@traced
def draws(process, keys):
    return jax.vmap(process.stationary().sample)(keys)


@pytest.mark.parametrize("case", **ids(SCALAR))
@given(seed=seeds)
def test_no_probability_flows(case, seed):
    process = case.build(np.random.default_rng(seed))
    xs = draws(process, jax.random.split(jax.random.key(seed), 50))
    there, back = flux(process, xs)
    np.testing.assert_allclose(there, back, rtol=1e-7, atol=1e-7 * np.abs(there).max())


@traced
def one_step(process, key):
    start, move = jax.random.split(key)
    xs = jax.vmap(process.stationary().sample)(jax.random.split(start, 4000))
    keys = jax.random.split(move, 4000)
    return xs, jax.vmap(lambda x, k: process.transition(0.0, 0.7, x).sample(k))(xs, keys)


def scipy_stationary(process):
    from scipy import stats

    k, m, s = (np.asarray(v) for v in (process.rate, process.mean, process.scale))
    if isinstance(process, sp.OrnsteinUhlenbeck):
        return stats.norm(m, s / np.sqrt(2 * k))
    return stats.gamma(2 * k * m / s**2, scale=s**2 / (2 * k))


@pytest.mark.parametrize("case", **ids(SCALAR[:2]))
@few
@given(seed=seeds)
def test_a_transition_keeps_the_stationary_law(case, seed):
    # 4000 draws find a distance of 0.07.
    process = case.build(np.random.default_rng(seed))
    expected = scipy_stationary(process)
    for xs in one_step(process, jax.random.key(seed)):
        assert_law(xs, expected.cdf, effect=0.07)


@given(seed=seeds)
def test_the_matrix_process_keeps_its_covariance(seed):
    process = matrix_ou(np.random.default_rng(seed))
    law = process.stationary()
    s = np.asarray(law.covariance_matrix)
    k, root = np.asarray(process.rate), np.asarray(process.scale)
    np.testing.assert_allclose(k @ s + s @ k.T, root @ root.T, rtol=1e-7, atol=1e-9 * np.abs(root @ root.T).max())
    a, b, q = (np.asarray(v) for v in process.discretise(0.0, 0.7))
    np.testing.assert_allclose(a @ s @ a.T + q, s, rtol=1e-7, atol=1e-9 * np.abs(s).max())
    np.testing.assert_allclose(a @ np.asarray(law.mean) + b, law.mean, rtol=1e-9, atol=1e-9)


def test_a_matrix_process_that_does_not_return_is_refused():
    with pytest.raises(ValueError, match="positive real parts"):
        sp.MatrixOrnsteinUhlenbeck(np.array([[0.0, 1.0], [-1.0, 0.0]]))


def test_a_population_that_dies_out_has_no_stationary_law():
    with pytest.raises(ValueError, match="population dies"):
        sp.StochasticVerhulst(growth=0.1, scale=1.0).stationary()
