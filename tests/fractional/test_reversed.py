"""Noise turned into data: exact where the score is, by steps and by its equation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit as sk

from ..laws.cases import joint
from .test_forward import assert_standard


MEAN, STD = np.array([0.5, -1.0]), np.array([0.2, 0.3])


def forward_of(hurst, terms=3, grid=None):
    driver = (
        sk.noise.MarkovFractional(hurst, terms) if grid is None else sk.noise.MarkovFractional(hurst, terms, grid=grid)
    )
    data = dist.Normal(jnp.asarray(MEAN), jnp.asarray(STD)).to_event(1)
    return sk.fractional.FractionalVP(driver, data)


class GaussianScore(eqx.Module):
    """The score of the residual of data with the law N(mean, std^2)."""

    forward: sk.fractional.FractionalVP
    mean: jax.Array
    std: jax.Array

    def __call__(self, t, r):
        m = self.forward.moments(t)
        return (m.mean * self.mean - r) / (m.mean**2 * self.std**2 + m.rest**2)


def score_of(forward, mean=MEAN, std=STD):
    return GaussianScore(forward, jnp.asarray(mean), jnp.asarray(std))


draw = eqx.filter_jit(lambda process, ts, key: process.sample(ts, key=key, n=2000).xs)


@pytest.mark.parametrize("hurst", [0.3, 0.9])
def test_steps_back_to_one_point_are_exact_however_long(hurst):
    forward = forward_of(hurst)
    at = jnp.zeros(2)  # the law of noise is that of data at 0
    sampler = sk.fractional.Ancestral(forward, score_of(forward, at, at))
    times = np.array([0.0, 0.35, 0.8, 0.99])
    xs = np.asarray(draw(sampler, jnp.asarray(times), jax.random.key(1)))
    point = eqx.tree_at(lambda f: f.start, forward, dist.Delta(at, event_dim=1))
    _, cov = joint(point, [0.0, *(1 - times[::-1])])
    cov = cov[8:, 8:]  # time 0 has no variance
    # The states at all times together, in the order of the forward process; one component of the data, and its modes.
    seen = xs[:, ::-1]
    keep = np.concatenate([8 * i + np.array([0, 2, 3, 4]) for i in range(4)])
    flat = seen.reshape(len(seen), -1)[:, keep]
    root = np.linalg.cholesky(cov[np.ix_(keep, keep)])
    assert_standard(np.linalg.solve(root, flat.T).T)


@pytest.mark.parametrize("hurst", [0.3, 0.5, 0.9])
def test_steps_with_the_exact_score_bring_back_gaussian_data(hurst):
    forward = forward_of(hurst)
    sampler = sk.fractional.Ancestral(forward, score_of(forward))
    ts = 1 - jnp.linspace(1.0, 0.0, 201) ** 2  # short towards the data
    xs = np.asarray(draw(sampler, ts, jax.random.key(2)))
    assert_standard((xs[:, -1, :2] - MEAN) / STD, bias=0.06)


@pytest.mark.parametrize(
    ("hurst", "stochasticity"),
    [
        pytest.param(0.3, 1.0, marks=pytest.mark.slow),
        pytest.param(0.5, 1.0, marks=pytest.mark.slow),
        (0.9, 1.0),
        (0.9, 0.0),
    ],
)
def test_the_reverse_equation_brings_back_gaussian_data(hurst, stochasticity):
    forward = forward_of(hurst, 2, sk.noise.GammaMax(20.0))
    reverse = sk.fractional.Reversed(forward, score_of(forward), stochasticity)
    # Short towards the data, where the score has no value; there the noise left is far below that of the data.
    ts = 1 - jnp.geomspace(1.0, 1e-3, 301)
    xs = np.asarray(draw(reverse, ts, jax.random.key(3)))
    left = forward.moments(1e-3)
    spread = np.sqrt(float(left.mean) ** 2 * STD**2 + float(left.variance[0]))
    assert_standard((xs[:, -1, :2] - float(left.mean) * MEAN) / spread, bias=0.06)


@pytest.mark.parametrize("stochasticity", [0.0, 0.7])
def test_the_drift_back_is_that_of_anderson(stochasticity):
    forward = forward_of(0.7, 2, sk.noise.GammaMax(20.0))
    reverse = sk.fractional.Reversed(forward, score_of(forward), stochasticity)
    state = jnp.asarray(np.random.default_rng(0).normal(size=6))
    mean, cov = joint(forward, [0.0, 0.6])
    score = -np.linalg.solve(cov[-6:, -6:], state - mean[-6:])
    g = np.asarray(forward.diffusion(0.6, state).as_matrix())
    exact = -np.asarray(forward.drift(0.6, state)) + (1 + stochasticity**2) / 2 * (g @ g.T @ score)
    np.testing.assert_allclose(reverse.drift(0.4, state), exact, rtol=1e-6)
    np.testing.assert_allclose(reverse.diffusion(0.4, state).as_matrix(), stochasticity * g, rtol=1e-12)


def test_the_start_is_the_noise_at_the_horizon():
    forward = forward_of(0.7)
    sampler = sk.fractional.Ancestral(forward, score_of(forward))
    assert sampler.dim == forward.dim == 8
    np.testing.assert_allclose(sampler.initial.variance[:2], -np.expm1(-10.05), rtol=1e-9)
