"""Entropic plans against SciPy's log-sum-exp in float64, and the couplings made of plans and assignments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from sdekit.processes import BrownianMotion, DoubleWell, OrnsteinUhlenbeck
from sdekit.transport import Exact, Minibatch, Sinkhorn, sinkhorn, wasserstein2


RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 2)), RNG.normal(1.0, 0.5, size=(30, 2))
COST = cdist(X, Y, "sqeuclidean")
A, B = RNG.uniform(size=40), RNG.uniform(size=30)


def brute(cost, epsilon, a, b, steps=20000):
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(steps):
        f = epsilon * (np.log(a) - logsumexp((g[None] - cost) / epsilon, axis=1))
        new = epsilon * (np.log(b) - logsumexp((f[:, None] - cost) / epsilon, axis=0))
        done, g = np.abs(new - g).max() < 1e-14, new
        if done:
            break
    return np.exp((f[:, None] + g[None] - cost) / epsilon)


@pytest.mark.parametrize("epsilon", [1.0, 0.05])
def test_the_plan_is_that_of_plain_log_domain_iterations(epsilon):
    a, b = A / A.sum(), B / B.sum()
    plan = sinkhorn(COST, epsilon, A, B, tolerance=1e-10, iterations=100_000)
    exact = brute(COST, epsilon, a, b)
    assert plan.converged
    np.testing.assert_allclose(plan.matrix, exact, atol=1e-9)
    independent = a[:, None] * b[None]
    divergence = np.sum(exact * np.log(np.maximum(exact, 1e-300) / independent))
    np.testing.assert_allclose(plan.value, np.sum(exact * COST) + epsilon * divergence, rtol=1e-8)


def test_a_point_of_weight_0_changes_nothing():
    a, b = np.where(np.arange(40) < 35, A, 0), np.where(np.arange(30) < 28, B, 0)
    plan = sinkhorn(COST, 0.3, a, b, tolerance=1e-10, iterations=100_000)
    small = brute(COST[:35, :28], 0.3, a[:35] / a.sum(), b[:28] / b.sum())
    np.testing.assert_allclose(plan.matrix[:35, :28], small, atol=1e-9)
    assert plan.converged and plan.matrix[35:].sum() == 0 and plan.matrix[:, 28:].sum() == 0
    assert np.isfinite(plan.value)


def test_the_value_has_the_plan_as_its_gradient():
    value = lambda cost: sinkhorn(cost, 0.5, A, B, tolerance=1e-11, iterations=100_000).value
    gradient, h = jax.grad(value)(jnp.asarray(COST)), 1e-5
    for i, j in ((0, 0), (3, 7)):
        up, down = COST.copy(), COST.copy()
        up[i, j] += h
        down[i, j] -= h
        np.testing.assert_allclose(gradient[i, j], (value(up) - value(down)) / (2 * h), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("share", [1e-2, 1e-3, 1e-4])
def test_float32_holds_at_a_small_epsilon_and_says_truly_whether_it_converged(share):
    cost = COST.astype(np.float32)
    for limit in (1, 100, 20_000):
        plan = sinkhorn(cost, share * cost.max(), iterations=limit)
        matrix = np.asarray(plan.matrix, np.float64)
        off = np.abs(matrix.sum(0) - 1 / 30).sum() + np.abs(matrix.sum(1) - 1 / 40).sum()
        assert np.isfinite(matrix).all()
        assert plan.converged == (plan.error <= 1e-3)
        np.testing.assert_allclose(off, plan.error, atol=2e-4)
    assert plan.converged


def test_points_far_apart_underflow_nothing():
    # Each row prefers the first column by thousands of epsilons.
    cost = np.float32(np.array([[0.0, 1e4], [0.0, 1.1e4]]))
    plan = sinkhorn(cost, 1.0, tolerance=1e-3)
    np.testing.assert_allclose(plan.matrix, [[0.0, 0.5], [0.5, 0.0]], atol=1e-3)


@pytest.mark.parametrize(("bad", "name"), [({"cost": np.array([[np.nan]])}, "cost"), ({"epsilon": 0.0}, "epsilon"),
                                       ({"a": np.ones(3)}, "a"), ({"b": -B}, "b"), ({"tolerance": 0.0}, "tolerance"),
                                       ({"cost": np.ones(3)}, "cost")])  # fmt: skip
def test_what_does_not_fit_is_named(bad, name):
    with pytest.raises(ValueError, match=f"`{name}` must"):
        sinkhorn(**{"cost": COST, "epsilon": 1.0, **bad})


# Couplings


def test_exact_pairs_are_those_of_scipy_under_jit_and_vmap():
    x, y = RNG.normal(size=(3, 20, 2)), RNG.normal(size=(3, 20, 2))
    pair = lambda x, y: Exact().pair(x, y, key=jax.random.key(0))[1]
    got = jax.jit(jax.vmap(pair))(x, y)
    for i in range(3):
        np.testing.assert_allclose(got[i], y[i][linear_sum_assignment(cdist(x[i], y[i], "sqeuclidean"))[1]])


@pytest.mark.parametrize(("n", "m"), [(300, 300), (200, 50), (30, 70)])
def test_exact_pairs_cost_what_the_best_assignment_costs(n, m):
    x, y = RNG.normal(size=(n, 2)), RNG.normal(2.0, 1.0, size=(m, 2))
    x0, x1 = Exact().pair(x, y, key=jax.random.key(1))
    np.testing.assert_array_equal(x0, x)
    if n % m == 0:
        whole = np.repeat(y, n // m, axis=0)
        cost = cdist(x, whole, "sqeuclidean")
        best = cost[linear_sum_assignment(cost)].mean()
        np.testing.assert_allclose(((x0 - x1) ** 2).sum(1).mean(), best, rtol=1e-9)
    else:
        _, counts = np.unique(np.asarray(x1), axis=0, return_counts=True)
        assert len(counts) == min(n, m) and counts.max() <= -(-n // m)


def test_the_cost_of_a_brownian_reference_is_the_squared_distance():
    coupling = Sinkhorn(BrownianMotion(scale=[0.7, 0.7]), 1.0, 3.0)
    cost = coupling.cost(jnp.asarray(X), jnp.asarray(Y))
    shifted = cost - COST / (4 * 0.7**2)
    np.testing.assert_allclose(shifted, np.full(COST.shape, np.log(2 * np.pi * 2 * 0.7**2)), rtol=1e-10)


def test_entropic_pairs_have_the_law_of_the_plan():
    coupling = Sinkhorn(OrnsteinUhlenbeck(rate=[1.0, 0.5], scale=[1.0, 0.8]), 0.0, 0.5, 1e-6)
    plan = coupling.plan(X, Y)
    assert plan.converged
    keys = jax.random.split(jax.random.key(2), 4000)
    pair = jax.jit(lambda x, y: jax.vmap(lambda k: coupling.pair(x, y, key=k)[1].mean(0))(keys))
    means = np.asarray(pair(X, Y))
    # The mean over the 40 rows has at most this standard deviation: false alarm 1e-6 for the two components.
    spread = Y.std(0) / np.sqrt(40 * 4000)
    assert (np.abs(means.mean(0) - Y.mean(0)) < 5.1 * spread).all()


def test_batches_are_paired_on_their_own():
    x, y = RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2))
    x0, x1 = Minibatch(Exact(), 20).pair(x, y, key=jax.random.key(3))
    np.testing.assert_array_equal(x0, x)
    assert len(np.unique(np.asarray(x1), axis=0)) == 60
    cost = ((x0 - x1) ** 2).sum(1).mean()
    assert wasserstein2(x, y) ** 2 < cost < ((x - y) ** 2).sum(1).mean()


def test_couplings_name_what_does_not_fit():
    with pytest.raises(ValueError, match=r"`Minibatch.size` must divide the 40 points"):
        Minibatch(Exact(), 7).pair(X, X, key=jax.random.key(0))
    with pytest.raises(ValueError, match="`x1` must have 40 rows"):
        Minibatch(Exact(), 10).pair(X, Y, key=jax.random.key(0))
    with pytest.raises(TypeError, match=r"`Sinkhorn.reference` must have a transition law"):
        Sinkhorn(DoubleWell())
    with pytest.raises(ValueError, match=r"`Sinkhorn.t1` must be later"):
        Sinkhorn(BrownianMotion(), 1.0, 1.0)
    tight = Sinkhorn(BrownianMotion(scale=[1.0, 1.0]), tolerance=1e-30)
    with pytest.raises(RuntimeError, match="the plan's marginals are not within"):
        tight.pair(X, Y, key=jax.random.key(0))
