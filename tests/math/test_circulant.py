"""Circulant embedding: spectra against the dense circulant, samples against the covariance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, strategies as st

from sdekit.evaluate import assert_covariance, assert_mean
from sdekit.math import circulant_sample, circulant_spectrum, fgn_autocovariance


@given(st.integers(2, 40), st.floats(0.01, 3.0))
def test_the_hartley_transform_of_the_spectrum_is_the_covariance(n, rate):
    r = np.exp(-rate * np.arange(n))
    root = circulant_spectrum(r)
    size = 2 * (n - 1)
    # The map from white noise to the sequence, by its matrix: exact, no sampling error.
    k = np.arange(size)
    hartley = np.cos(2 * np.pi * np.outer(np.arange(n), k) / size) + np.sin(
        2 * np.pi * np.outer(np.arange(n), k) / size
    )
    np.testing.assert_allclose((hartley * root**2) @ hartley.T, scipy.linalg.toeplitz(r), atol=1e-12)


@given(st.floats(0.01, 0.99), st.integers(1, 200))
def test_fractional_noise_embeds_for_every_index_and_length(hurst, n):
    root = circulant_spectrum(lambda k: fgn_autocovariance(hurst, k), n)
    assert len(root) >= max(2 * (n - 1), 1)
    np.testing.assert_allclose((root**2).sum(), 1, rtol=1e-12)  # the variance


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@given(seed=st.integers(0, 2**32 - 1), hurst=st.floats(0.05, 0.95))
def test_samples_have_the_covariance(dtype, seed, hurst):
    lags = np.arange(8)
    root = jnp.asarray(circulant_spectrum(lambda k: fgn_autocovariance(hurst, k), 8), dtype)
    x = _many(root, jax.random.key(seed))
    assert x.dtype == dtype
    assert_mean(x, np.zeros(8), effect=0.1)
    assert_covariance(x, scipy.linalg.toeplitz(fgn_autocovariance(hurst, lags)), effect=0.2)


@jax.jit
def _many(root, key):
    return jax.vmap(lambda k: circulant_sample(root, k, 8))(jax.random.split(key, 20_000))


def test_extension_finds_a_longer_embedding_or_says_why_not():
    smooth = lambda k: np.exp(-((k / 8.0) ** 2))  # cut off at lag 9 it is not nonnegative
    with pytest.raises(ValueError, match="negative eigenvalue"):
        circulant_spectrum(smooth(np.arange(10)))
    root = circulant_spectrum(smooth, 10, extend=3)
    np.testing.assert_allclose(np.fft.fft(root**2).real[:10], smooth(np.arange(10)), atol=1e-9)
    with pytest.raises(ValueError, match="negative eigenvalue"):
        circulant_spectrum(lambda k: np.where(k == 1, 0.9, k == 0), 8, extend=2)  # no covariance at all


def test_one_point_and_wrong_arguments():
    root = jnp.asarray(circulant_spectrum(np.array([4.0])))
    assert circulant_sample(root, jax.random.key(0)).shape == (1,)
    np.testing.assert_allclose(root, [2.0])
    with pytest.raises(ValueError, match="`extend` needs more lags"):
        circulant_spectrum(np.ones(3), extend=1)
    with pytest.raises(ValueError, match="`n` must be the length"):
        circulant_spectrum(np.cos)
    with pytest.raises(ValueError, match=r"`n` must be in \[1, 1\]"):
        circulant_sample(root, jax.random.key(0), 2)
