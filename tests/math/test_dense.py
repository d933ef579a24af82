"""Dense Gaussian algebra against SciPy's multivariate normal and the Schur complement."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, strategies as st

from sdekit.math import gaussian_condition, gaussian_factor, gaussian_log_prob, gaussian_root


N = 7
log_prob = jax.jit(gaussian_log_prob)
condition = jax.jit(gaussian_condition)


def problem(seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(N + 3, N + 3))
    joint = root @ root.T + 0.1 * np.eye(N + 3)
    mask = rng.uniform(size=N) < 0.6
    y = np.where(mask, rng.normal(size=N), np.nan)
    return rng.normal(size=N + 3), joint, y, mask, rng.uniform(size=N)


@given(st.integers(0, 2**32 - 1))
def test_density_is_that_of_the_observed_entries(seed):
    mean, joint, y, mask, noise = problem(seed)
    exact = 0.0
    if mask.any():
        cov = (joint[:N, :N] + np.diag(noise))[np.ix_(mask, mask)]
        exact = scipy.stats.multivariate_normal(mean[:N][mask], cov).logpdf(y[mask])
    np.testing.assert_allclose(log_prob(mean[:N], joint[:N, :N], y, mask, noise), exact, rtol=1e-10)


@given(st.integers(0, 2**32 - 1))
def test_conditioning_is_the_schur_complement(seed):
    mean, joint, y, mask, noise = problem(seed)
    known = np.flatnonzero(mask)
    new = np.arange(N, N + 3)
    gain = np.linalg.solve(joint[np.ix_(known, known)] + np.diag(noise[known]), joint[np.ix_(known, new)]).T
    m, v = condition(
        mean[:N], joint[:N, :N], y, mask, noise, joint[:N, N:], mean[N:], joint[N:, N:],
    )  # fmt: skip
    np.testing.assert_allclose(m, mean[new] + gain @ (y[known] - mean[known]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(v, joint[np.ix_(new, new)] - gain @ joint[np.ix_(known, new)], rtol=1e-9, atol=1e-9)


def test_gradients_pass_masked_entries_by():
    mean, joint, y, mask, noise = problem(3)
    bad = np.where(mask[:, None] & mask[None, :], joint[:N, :N], np.nan)
    by_mean, by_cov, by_y = jax.grad(gaussian_log_prob, argnums=(0, 1, 2))(mean[:N], bad, y, mask, noise)
    good = np.ix_(mask, mask)
    same = jax.grad(gaussian_log_prob, argnums=(0, 1, 2))(mean[:N][mask], joint[good], y[mask], None, noise[mask])
    np.testing.assert_allclose(by_mean[mask], same[0], rtol=1e-9)
    np.testing.assert_allclose(by_cov[good], same[1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(by_y[mask], same[2], rtol=1e-9)
    assert not np.any(by_mean[~mask])
    assert not np.any(by_y[~mask])
    assert np.isfinite(by_cov).all()


def test_an_entry_without_variance_is_known():
    cov = jnp.array([[0.0, 0.0], [0.0, 4.0]])
    np.testing.assert_allclose(
        log_prob(jnp.zeros(2), cov, jnp.array([0.0, 1.0])), scipy.stats.norm(0, 2).logpdf(1.0), rtol=1e-14
    )
    assert log_prob(jnp.zeros(2), cov, jnp.array([0.1, 1.0])) == -np.inf
    assert np.isfinite(log_prob(jnp.zeros(2), cov, jnp.array([0.1, 1.0]), jnp.array([False, True])))
    np.testing.assert_array_equal(gaussian_root(cov), np.diag([0.0, 2.0]))
    _, white, used = gaussian_factor(jnp.zeros(2), cov, jnp.array([0.1, 1.0]))
    np.testing.assert_array_equal(used, [False, True])
    np.testing.assert_allclose(white, [0.0, 0.5])


def test_root_squares_to_the_covariance():
    _, joint, *_ = problem(5)
    root = gaussian_root(jnp.asarray(joint), 0.5)
    np.testing.assert_allclose(root @ root.T, joint + 0.5 * np.eye(N + 3), rtol=1e-12)
    np.testing.assert_array_equal(np.triu(root, 1), 0)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"`cov` must have shape \(2, 2\)"):
        gaussian_log_prob(jnp.zeros(2), jnp.eye(3), jnp.zeros(2))
    with pytest.raises(ValueError, match=r"`cross` must have shape \(2, 1\)"):
        gaussian_condition(
            jnp.zeros(2), jnp.eye(2), jnp.zeros(2), None, 0.0, jnp.zeros((1, 2)), jnp.zeros(1), jnp.eye(1)
        )
