"""The noise of Ornstein-Uhlenbeck modes over steps: exact covariances at any rates, and exact joining of steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from sdekit.math import kernel_root, mode_decay
from sdekit.noise import Grid, ModeNoise


@jax.jit
def roots(rates, h):
    return kernel_root(lambda s: jnp.exp(-s[:, None] * rates[None, :]), h)


@pytest.mark.float32
@settings(max_examples=20)
@given(st.lists(st.floats(-8.0, 12.0), min_size=5, max_size=5), st.floats(-4.0, 2.0))
def test_the_root_is_that_of_the_covariance_of_the_convolutions(powers, power):
    """Against the closed form in float64; no rate and no step is too long or too short."""
    dtype = jnp.result_type(float)
    rates = jnp.asarray(10.0 ** np.array(powers), dtype)
    h = jnp.asarray(10.0**power, dtype)
    root = np.asarray(roots(rates, h), np.float64)
    total = np.add.outer(np.asarray(rates, np.float64), np.asarray(rates, np.float64))
    exact = -np.expm1(-total * float(h)) / total
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    tolerance = 1e-12 if dtype == jnp.float64 else 1e-5
    assert np.abs(root @ root.T - exact).max() < tolerance * scale.max()
    assert (np.abs(root @ root.T - exact) / scale).max() < tolerance
    assert (np.triu(root, 1) == 0).all() and (np.diag(root) >= 0).all()


def test_the_root_has_no_derivative_and_says_so():
    with pytest.raises(TypeError, match="no derivative with respect to rates or times"):
        jax.grad(lambda h: roots(jnp.ones(2), h).sum())(0.1)


@pytest.mark.float32
def test_the_decay_of_a_mode_at_rate_zero_is_the_step():
    loss, gain = mode_decay(jnp.array([0.0, 1e-12, 3.0, 1e9]), 0.5)
    np.testing.assert_allclose(loss, -np.expm1(-0.5 * np.array([0.0, 1e-12, 3.0, 1e9])) * -1, rtol=1e-6)
    np.testing.assert_allclose(gain, [0.5, 0.5, -np.expm1(-1.5) / 3, 1e-9], rtol=1e-6)


def test_joined_steps_have_the_law_of_a_long_step_and_replay():
    """The coarse convolution is the sum of the fine ones, each decayed to the end: an identity, not a law."""
    rates = jnp.array([0.5, 40.0])
    noise = ModeNoise(Grid(jnp.array([0.0, 0.4, 1.0]), 6), rates, 2, key=jax.random.key(0))
    coarse = noise.coarsen(3)
    for step in range(4):
        h = float(noise.grid.width(3 * step))
        fine = np.stack([noise.convolutions(3 * step + i) for i in range(3)])
        left = np.exp(-np.outer(h * np.arange(2, -1, -1), np.append(0.0, rates)))
        np.testing.assert_allclose(coarse.convolutions(step), (left[:, None] * fine).sum(0), rtol=1e-12)
        joined = sum(left[i][:, None] * np.asarray(noise.spread(3 * step)) @ np.asarray(noise.spread(3 * step)).T
                     * left[i] for i in range(3))  # fmt: skip
        root = np.asarray(coarse.spread(step))
        np.testing.assert_allclose(root @ root.T, joined, rtol=1e-10)
    np.testing.assert_allclose(noise.evaluate(0.0, 0.4), noise.increments()[:6].sum(0), rtol=1e-12)


def test_components_are_independent():
    """Correlations of 4 numbers over 4000 steps: |r| < 5.6 / sqrt(4000) at a false alarm of 1e-6 for all pairs."""
    noise = ModeNoise(Grid(jnp.array([0.0, 1.0]), 4000), jnp.array([3.0]), 2, key=jax.random.key(1))
    draws = np.asarray(jax.jit(jax.vmap(noise.convolutions))(jnp.arange(4000)))
    r = np.corrcoef(draws.reshape(4000, 4).T)
    assert np.abs(r[:2, 2:]).max() < 5.6 / np.sqrt(4000)
    assert r[0, 1] > 0.99  # one Brownian motion inside a component
