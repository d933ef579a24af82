"""The likelihood of the flow against that of the mixture; traces; bits."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

import sdekit.interpolants as si

from .cases import PATHS, ends, mixture


@pytest.mark.parametrize("name", ["linear", "one-sided linear", "VP"])
def test_the_likelihood_is_that_of_the_mixture(name):
    """100 Runge-Kutta steps: 1e-6; forwards and backwards."""
    path, rng = PATHS[name], np.random.default_rng(0)
    laws = ends(path, mixture(rng, 2), mixture(rng, 3))
    field = si.exact_field(path, *laws)
    data, base = (laws[0], si.marginal_law(path, 1.0, laws[0])) if name == "VP" else (laws[1], laws[0])
    base = si.base_law(path, 2) if base is None else base
    xs = jax.vmap(data.sample)(jax.random.split(jax.random.key(0), 20))
    found = jax.jit(jax.vmap(lambda x: si.log_prob(field, x, base)))(xs)
    np.testing.assert_allclose(found, jax.vmap(data.log_prob)(xs), atol=1e-6)
    if name == "linear":
        there = jax.jit(lambda x: si.flow(field, x, start=1.0, stop=0.0))
        back = jax.jit(lambda x: si.flow(field, x, start=0.0, stop=1.0))
        y, down = there(xs[0])
        z, up = back(y)
        np.testing.assert_allclose(z, xs[0], atol=1e-6)
        np.testing.assert_allclose(down, -up, atol=1e-6)


def test_the_likelihood_has_the_gradient_of_the_density():
    """With respect to the datum and to a parameter of the law behind the field."""
    path, x = PATHS["one-sided linear"], jnp.array([0.8])
    law = lambda m: dist.Normal(m[None], 0.5).to_event(1)
    value = lambda m, x: si.log_prob(si.exact_field(path, law1=law(m)), x, si.base_law(path, 1), steps=50)
    by_m, by_x = jax.jit(jax.grad(value, (0, 1)))(jnp.asarray(0.5), x)
    np.testing.assert_allclose(by_x, -(0.8 - 0.5) / 0.25, atol=1e-6)
    np.testing.assert_allclose(by_m, (0.8 - 0.5) / 0.25, atol=1e-6)


@pytest.mark.parametrize("gaussian", [False, True])
def test_random_traces_are_unbiased_with_the_variance_of_the_formula(gaussian):
    a = np.array([[1.0, 2.0, -1.0], [0.5, -2.0, 0.3], [0.0, 1.5, 0.7]])
    estimate, x = si.Hutchinson(gaussian=gaussian), jnp.zeros(3)
    one = lambda k: estimate(lambda x: jnp.asarray(a) @ x, x, estimate.probes(x, key=k))[1]
    draws = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), 20_000)))
    both = (a + a.T) / 2
    variance = 2 * (both**2).sum() - (0 if gaussian else 2 * (np.diag(a) ** 2).sum())
    # Mean by the normal law, false alarm 1e-6; variance within five per cent, more than four of its deviations.
    assert abs(draws.mean() - np.trace(a)) < stats.norm.isf(5e-7) * np.sqrt(variance / 20_000)
    np.testing.assert_allclose(draws.var(), variance, rtol=0.06)


def test_signs_are_exact_for_diagonal_jacobians():
    path = PATHS["one-sided linear"]
    field = si.exact_field(path, law1=dist.Normal(jnp.array([1.0, 0.0]), jnp.array([0.5, 1.0])).to_event(1))
    x, base = jnp.array([0.7, 0.1]), si.base_law(path, 2)
    exact = si.log_prob(field, x, base, steps=20)
    found = si.log_prob(field, x, base, steps=20, divergence=si.Hutchinson(), key=jax.random.key(0))
    np.testing.assert_allclose(found, exact, rtol=1e-10)
    with pytest.raises(ValueError, match="`key` is needed for random probes"):
        si.log_prob(field, x, base, divergence=si.Hutchinson())


def test_bits_of_integers():
    """A density that is constant on each cell has the entropy of the integers, in bits."""
    levels = si.Dequantiser(17, -1.0, 1.0)
    p = np.random.default_rng(0).dirichlet(np.ones(17))
    k = np.repeat(np.arange(17), 50)
    x = levels.points(jnp.asarray(k), key=jax.random.key(0))
    np.testing.assert_array_equal(levels.integers(x), k)
    density = np.log(p[k] / (2 / 17))
    np.testing.assert_allclose(levels.bits(jnp.asarray(density), 1), -np.log2(p[k]), rtol=1e-10)
    np.testing.assert_allclose(levels.bits(64 * jnp.log(0.5), 64), np.log2(17), rtol=1e-12)
