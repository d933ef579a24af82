"""A permutation that is evaluated point by point."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit.math import distinct, random_order


@pytest.mark.parametrize("n", [1, 2, 7, 100, 257])
def test_it_is_a_permutation(n):
    out = np.asarray(random_order(jnp.arange(n), n, key=jax.random.key(n)))
    np.testing.assert_array_equal(np.sort(out), np.arange(n))


def test_single_images_and_pairs_are_uniform():
    # Chi-squared over 6 images and over the 30 ordered pairs of two places; each false alarm is 1e-6.
    keys = jax.random.split(jax.random.key(0), 20_000)
    two = np.asarray(jax.jit(jax.vmap(lambda k: random_order(jnp.arange(2), 6, key=k)))(keys))
    single = np.bincount(two[:, 0], minlength=6)
    pairs = np.bincount(6 * two[:, 0] + two[:, 1], minlength=36).reshape(6, 6)
    assert (np.diag(pairs) == 0).all()
    for counts in (single, pairs[~np.eye(6, dtype=bool)]):
        assert stats.chisquare(counts).pvalue > 1e-6


def test_bad_lengths_are_refused():
    with pytest.raises(ValueError, match="`n` must lie in"):
        random_order(jnp.arange(2), 0, key=jax.random.key(0))


@pytest.mark.parametrize(("n", "size"), [(5, 5), (8, 3), (1000, 7), (40, 2)])
def test_a_few_are_different(n, size):
    out = np.asarray(jax.vmap(lambda k: distinct(n, size, key=k))(jax.random.split(jax.random.key(1), 200)))
    assert ((out >= 0) & (out < n)).all()
    assert all(len(set(row)) == size for row in out.tolist())


def test_more_than_there_are_is_refused():
    with pytest.raises(ValueError, match="`size` must be between 1 and the number of items, 3, got 4"):
        distinct(3, 4, key=jax.random.key(0))
