"""Exponentials of generators and scans along chains, against SciPy and brute force over all paths."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from hypothesis import given, strategies as st

from sdekit.math import (
    chain_draw,
    chain_expectations,
    chain_log_prob,
    chain_smooth,
    chain_viterbi,
    transition_matrices,
    transition_matrix,
    uniformized_powers,
)


TIMES = np.concatenate([[0.0, 1e-9], np.geomspace(1e-4, 1e3, 40)])
many, one = jax.jit(transition_matrices), jax.jit(jax.vmap(transition_matrix, (None, 0)))
smooth = jax.jit(chain_smooth)
long = jax.jit(lambda first, matrix, seen: chain_expectations(first, matrix, seen, 4))


def generators(kind, seed, n=5):
    rng = np.random.default_rng(seed)
    Q = {
        "dense": lambda: rng.uniform(size=(n, n)),
        "stiff": lambda: np.exp(2 * rng.normal(size=(n, n))),
        "cycle": lambda: np.roll(np.eye(n), 1, 1),
        "defective": lambda: np.diag(np.ones(n - 1), 1),
    }[kind]()
    np.fill_diagonal(Q, 0)
    return Q - np.diag(Q.sum(1))


@pytest.mark.parametrize("kind", ["dense", "stiff", "cycle", "defective"])
def test_exponentials_are_those_of_scipy(kind):
    Q = generators(kind, 0)
    expected = np.stack([scipy.linalg.expm(Q * t) for t in TIMES])
    tolerance = 1e-12 * max(1, np.abs(Q).max() * TIMES.max() / 100)
    np.testing.assert_allclose(many(Q, TIMES), expected, atol=tolerance)
    np.testing.assert_allclose(one(Q, TIMES), expected, atol=tolerance)


@given(st.integers(0, 2**31))
def test_semigroup(seed):
    rng = np.random.default_rng(seed)
    Q = generators("stiff", seed)
    s, t = rng.exponential(size=2) * 10.0 ** rng.uniform(-3, 1, 2)
    P = np.asarray(many(Q, np.resize([s, t, s + t], TIMES.shape)))
    np.testing.assert_allclose(P[0] @ P[1], P[2], atol=1e-10)
    np.testing.assert_allclose(P.sum(2), 1, atol=1e-10)


def test_the_gradient_is_the_integral_of_van_loan_and_a_finite_difference():
    Q, ts, weights = generators("dense", 1), np.array([0.3, 2.0]), np.random.default_rng(2).normal(size=(2, 5, 5))
    f = jax.jit(lambda Q, ts: (weights * transition_matrices(Q, ts)).sum())
    g = jax.jit(lambda Q: (weights * jax.vmap(transition_matrix, (None, 0))(Q, jnp.asarray(ts))).sum())
    slope, in_time = jax.grad(f, (0, 1))(jnp.asarray(Q), jnp.asarray(ts))
    for i, j in ((0, 1), (2, 2), (4, 0)):
        E = np.zeros((5, 5))
        E[i, j] = 1
        expected = sum(
            (w * scipy.linalg.expm(np.block([[Q, E], [0 * Q, Q]]) * t)[:5, 5:]).sum()
            for w, t in zip(weights, ts, strict=True)
        )
        np.testing.assert_allclose(slope[i, j], expected, rtol=1e-9)
        np.testing.assert_allclose((f(Q + 1e-6 * E, ts) - f(Q - 1e-6 * E, ts)) / 2e-6, expected, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(jax.grad(g)(jnp.asarray(Q)), slope, atol=1e-11)
    expected = [(w * (Q @ scipy.linalg.expm(Q * t))).sum() for w, t in zip(weights, ts, strict=True)]
    np.testing.assert_allclose(in_time, expected, rtol=1e-8)


def test_powers_of_the_uniformized_chain_add_up_to_the_exponential():
    Q = generators("dense", 3)
    rate = 1.3 * -Q.diagonal().min()
    powers = np.asarray(uniformized_powers(jnp.asarray(Q), rate, 60))
    weights = scipy.stats.poisson.pmf(np.arange(60), rate * 0.9)
    np.testing.assert_allclose(np.einsum("m,mij->ij", weights, powers), scipy.linalg.expm(0.9 * Q), atol=1e-12)


def _chain(seed, t=5, n=3):
    rng = np.random.default_rng(seed)
    seen = np.log(rng.uniform(size=(t, n)))
    seen[1, 0] = -np.inf
    return rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n), (t - 1, n)), seen


@given(st.integers(0, 2**31))
def test_scans_agree_with_the_sum_over_all_paths(seed):
    first, steps, seen = _chain(seed)
    paths = list(itertools.product(range(3), repeat=5))
    weight = np.array([
        first[p[0]] * np.prod([steps[k, p[k], p[k + 1]] for k in range(4)])
        * np.exp(sum(seen[k, p[k]] for k in range(5))) for p in paths
    ])  # fmt: skip
    laws, pairs, value = smooth(first, steps, seen)
    np.testing.assert_allclose(value, np.log(weight.sum()), rtol=1e-10)
    np.testing.assert_allclose(jax.jit(chain_log_prob)(first, steps, seen), np.log(weight.sum()), rtol=1e-10)
    share = weight / weight.sum()
    for k in range(5):
        expected = [sum(w for w, p in zip(share, paths, strict=True) if p[k] == i) for i in range(3)]
        np.testing.assert_allclose(laws[k], expected, atol=1e-12)
    expected = [
        [sum(w for w, p in zip(share, paths, strict=True) if p[:2] == (i, j)) for j in range(3)] for i in range(3)
    ]
    np.testing.assert_allclose(pairs[0], expected, atol=1e-12)
    best, score = jax.jit(chain_viterbi)(first, steps, seen)
    assert tuple(np.asarray(best)) == paths[weight.argmax()]
    np.testing.assert_allclose(score, np.log(weight.max()), rtol=1e-10)


def test_an_impossible_chain_has_probability_zero_and_a_finite_gradient():
    first, steps, seen = _chain(0)
    seen[2] = -np.inf
    value, slope = jax.value_and_grad(chain_log_prob, 1)(jnp.asarray(first), jnp.asarray(steps), jnp.asarray(seen))
    assert value == -np.inf
    assert np.isfinite(slope).all()


def test_draws_follow_the_smoothed_law(key):
    first, steps, seen = (jnp.asarray(x) for x in _chain(4))
    n = 20_000
    draws = jax.jit(jax.vmap(lambda k: chain_draw(first, steps, seen, key=k)))(jax.random.split(key, n))
    laws, pairs, _ = smooth(first, steps, seen)
    counts = np.stack([np.bincount(d, minlength=3) for d in np.asarray(draws).T])
    moves = np.zeros((4, 3, 3))
    for k in range(4):
        np.add.at(moves[k], (np.asarray(draws)[:, k], np.asarray(draws)[:, k + 1]), 1)
    # 5.6 standard deviations for each of 51 shares: a false alarm in less than 1e-6; effects above 0.02 are seen.
    for share, law in ((counts / n, laws), (moves / n, pairs)):
        assert (np.abs(share - law) <= 5.6 * np.sqrt(law * (1 - law) / n) + 1e-9).all()


@pytest.mark.parametrize(("length", "blocks"), [(50, 5), (53, 7)])
def test_blocks_change_nothing(length, blocks):
    rng = np.random.default_rng(5)
    first, matrix, seen = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), 3), rng.normal(size=(length, 3)) * 4
    seen[10, 1] = -np.inf
    laws, pairs, value = smooth(first, np.broadcast_to(matrix, (length - 1, 3, 3)), seen)
    found = chain_expectations(jnp.asarray(first), jnp.asarray(matrix), jnp.asarray(seen), blocks)
    for a, b in zip(found, (laws, pairs.sum(0), value), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("stay", [0.4, 0.9999])
def test_blocks_are_entered_rightly_whether_or_not_the_chain_forgets(stay):
    rng, length = np.random.default_rng(1), 520
    matrix, seen = np.full((3, 3), (1 - stay) / 2), 0.01 * rng.normal(size=(length, 3))
    np.fill_diagonal(matrix, stay)
    laws, pairs, value = smooth(first := rng.dirichlet(np.ones(3)), np.broadcast_to(matrix, (length - 1, 3, 3)), seen)
    found = long(jnp.asarray(first), jnp.asarray(matrix), jnp.asarray(seen))
    for a, b in zip(found, (laws, pairs.sum(0), value), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="`Q` must be a square matrix"):
        transition_matrix(jnp.zeros((2, 3)), 1.0)
    with pytest.raises(ValueError, match=r"`steps` must have shape \(4, 3, 3\)"):
        chain_log_prob(jnp.ones(3), jnp.zeros((5, 3, 3)), jnp.zeros((5, 3)))
