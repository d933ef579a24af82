"""Factors, solves and densities of positive semi-definite matrices, singular ones included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from sdekit.inference import _algebra


psd_cholesky, psd_solve, whiten, degenerate_log_prob = map(
    jax.jit, (_algebra.psd_cholesky, _algebra.psd_solve, _algebra.whiten, _algebra.degenerate_log_prob)
)

SIZES = (1, 3, 11)  # short ones are unrolled, long ones loop


def matrix(seed, d, rank):
    root = np.random.default_rng(seed).normal(size=(d, rank))
    return jnp.asarray(root @ root.T)


@pytest.mark.parametrize("d", SIZES)
def test_factor_of_a_definite_matrix_is_cholesky(d):
    a = matrix(d, d, d + 2)
    np.testing.assert_allclose(psd_cholesky(a), np.linalg.cholesky(a), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("d", SIZES)
@pytest.mark.parametrize("lost", [1, 2])
def test_factor_of_a_singular_matrix_reproduces_it(d, lost):
    a = matrix(d, d, max(d - lost, 0)) if d > lost else jnp.zeros((d, d))
    factor = psd_cholesky(a)
    np.testing.assert_allclose(factor @ factor.T, a, atol=1e-12 * (1 + float(jnp.max(jnp.abs(a)))))


def test_a_component_known_exactly_has_a_zero_column():
    a = matrix(0, 3, 4).at[1].set(0.0).at[:, 1].set(0.0)
    factor = psd_cholesky(a)
    assert np.all(factor[:, 1] == 0) and np.all(np.diag(factor)[[0, 2]] > 0)


@pytest.mark.parametrize("d", SIZES)
def test_solve_is_exact_on_the_range(d):
    a = matrix(d, d, max(d - 1, 1))
    x = np.random.default_rng(1).normal(size=(d, 2))
    b = a @ x
    np.testing.assert_allclose(a @ psd_solve(psd_cholesky(a), b), b, atol=1e-8 * float(jnp.max(jnp.abs(b)) + 1))


def test_gradients_are_finite_where_a_row_is_known_exactly():
    def f(p):
        factor = psd_cholesky(jnp.array([[1.0, 0.0], [0.0, 0.0]]) * p)
        return degenerate_log_prob(jnp.array([0.3, 0.0]), factor, jnp.array(0), jnp.array(1.0))

    value, slope = jax.value_and_grad(f)(2.0)
    assert value == pytest.approx(scipy.stats.norm(0, np.sqrt(2)).logpdf(0.3), rel=1e-12)
    assert slope == pytest.approx(-0.25 + 0.09 / 8, rel=1e-12)


def test_density_on_a_subspace():
    a = matrix(0, 3, 2)
    residual = a @ jnp.array([1.0, -0.5, 0.2])
    on = degenerate_log_prob(residual, psd_cholesky(a), jnp.array(0), jnp.array(1.0))
    first = scipy.stats.multivariate_normal(np.zeros(2), a[:2, :2]).logpdf(residual[:2])
    assert on == pytest.approx(first, rel=1e-8)
    off = degenerate_log_prob(residual + jnp.array([0.0, 0.0, 1.0]), psd_cholesky(a), jnp.array(0), jnp.array(1.0))
    assert off == -jnp.inf


def test_whitening_says_what_lies_outside_the_range():
    z, gap = whiten(psd_cholesky(jnp.diag(jnp.array([4.0, 0.0]))), jnp.array([[2.0], [3.0]]))
    np.testing.assert_allclose(z[:, 0], [1.0, 0.0])
    np.testing.assert_allclose(gap[:, 0], [0.0, 3.0])
