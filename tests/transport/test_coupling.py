"""Couplings: what is paired with what."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.transport import Independent, Paired


X = jnp.arange(500.0)[:, None]


def test_independent_pairs_use_every_point_once_and_are_not_correlated():
    x0, x1 = Independent().pair(X, 1000 + X, key=jax.random.key(0))
    np.testing.assert_array_equal(x0, X)
    np.testing.assert_array_equal(np.sort(x1[:, 0]), 1000 + X[:, 0])
    # The correlation of a random permutation has standard deviation 1 / sqrt(n - 1): false alarm 1e-6.
    assert abs(np.corrcoef(x0[:, 0], x1[:, 0])[0, 1]) < 4.9 / np.sqrt(499)


def test_independent_pairs_of_samples_of_different_sizes():
    x0, x1 = Independent().pair(X, X[:7], key=jax.random.key(1))
    assert x0.shape == x1.shape == (500, 1)
    assert set(np.asarray(x1[:, 0]).tolist()) == set(range(7))


def test_given_pairs_stay():
    x0, x1 = Paired().pair(X, 1000 + X, key=jax.random.key(0))
    np.testing.assert_array_equal(x1 - x0, np.full((500, 1), 1000.0))
    with pytest.raises(ValueError, match="`x1` must have 500 rows, as x0"):
        Paired().pair(X, X[:7], key=jax.random.key(0))
    with pytest.raises(ValueError, match="`x1` must have points of shape"):
        Paired().pair(X, jnp.ones((500, 2)), key=jax.random.key(0))
