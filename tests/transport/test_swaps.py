"""Exchanges of partners: what they keep, where they end, and how near the optimum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from sdekit.transport import Swaps


def clouds(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.uniform(-2, 2, size=(n, d)) + rng.choice([-2, 2], size=(n, 1))


def squares(x, y):
    return ((x[:, None] - y[None]) ** 2).sum(-1)


@pytest.mark.parametrize("d", [2, 6])
def test_no_two_pairs_are_left_to_exchange(d):
    """Monotone two by two: the law of the fixed point, by brute force, for a number of points that is odd."""
    x, y = clouds(41, d)
    pairs = jax.jit(lambda x, y, k: Swaps(None).pair(x, y, key=k))
    x0, x1 = (np.asarray(v) for v in pairs(x, y, jax.random.key(0)))
    np.testing.assert_array_equal(x0, x)
    np.testing.assert_array_equal(x1[np.lexsort(x1.T)], y[np.lexsort(y.T)])
    inner = ((x0[:, None] - x0[None]) * (x1[:, None] - x1[None])).sum(-1)
    assert inner.min() > -1e-12
    best = squares(x, y)[linear_sum_assignment(squares(x, y))].mean()
    assert best - 1e-12 <= squares(x0, x1).diagonal().mean() < 1.05 * best


def test_two_passes_come_near_the_optimum_and_keep_gradients():
    """Twenty batches of the plane: within 2 per cent of the least mean cost (.7 expected), all in one map."""
    x, y = (np.stack(v) for v in zip(*(clouds(64, 2, seed) for seed in range(20)), strict=True))
    keys = jax.random.split(jax.random.key(1), 20)

    def cost(x, y):
        x0, x1 = jax.vmap(lambda x, y, k: Swaps().pair(x, y, key=k))(x, y, keys)
        return ((x0 - x1) ** 2).sum(-1).mean(), x1

    (found, x1), slopes = jax.jit(jax.value_and_grad(cost, has_aux=True))(jnp.asarray(x), jnp.asarray(y))
    best = np.mean([squares(a, b)[linear_sum_assignment(squares(a, b))].mean() for a, b in zip(x, y, strict=True)])
    assert best < float(found) < 1.02 * best
    np.testing.assert_allclose(slopes, 2 * (x - np.asarray(x1)) / (20 * 64), atol=1e-12)


def test_on_the_line_they_sort():
    x, y = clouds(12, 1)
    x0, x1 = Swaps(None).pair(x, y[:4], key=jax.random.key(0))
    order = np.argsort(x0[:, 0])
    np.testing.assert_allclose(x1[order, 0], np.repeat(np.sort(y[:4, 0]), 3))


def test_no_pass_is_an_error():
    with pytest.raises(ValueError, match=r"`Swaps.passes` must be at least 1"):
        Swaps(0)
