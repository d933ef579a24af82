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


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_quantiles_of_log_normal_data_are_moved_to_ten_digits(scale):
    """Geometric Brownian noise: order 8 on a grid even in the spread, against SciPy's quantiles."""
    path, law = si.geometric_brownian(0.1, scale), dist.Normal(jnp.array([0.2]), 0.3**0.5).to_event(1)
    grid = si.spread_grid(path, 60, 0.3**0.5)[::-1]
    field, u = si.exact_field(path, law), np.linspace(0.01, 0.99, 25)
    at = lambda t: stats.norm.ppf(u, 0.2 + (0.1 - scale**2 / 2) * t, np.sqrt(0.3 + scale**2 * t))
    moved = jax.jit(jax.vmap(lambda y: si.flow(field, y, grid=grid, order=8)[0]))(jnp.asarray(at(0.0))[:, None])
    np.testing.assert_allclose(moved[:, 0], at(1.0), atol=1e-10)


def test_flows_want_their_times_once():
    field, x = si.Field(PATHS["one-sided linear"], si.Velocity(lambda t, x: -x)), jnp.ones(1)
    with pytest.raises(ValueError, match="`start, stop` must both be given"):
        si.flow(field, x, start=0.0)
    with pytest.raises(ValueError, match="`grid` stands in the place of start and stop"):
        si.flow(field, x, start=0.0, stop=1.0, grid=jnp.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="`order` must be 4 or 8"):
        si.flow(field, x, start=0.0, stop=1.0, order=5)


def test_weights_of_paths_have_the_density_of_the_steps_as_their_mean():
    """A field that is wrong, eight steps: Euler's law by its own recursion of moments; 5.5 deviations, below 1e-6."""
    epsilon, h, x = 0.8, 1 / 8, 0.7
    field = si.Field(si.linear(), si.Velocity(lambda t, x: 0.1 - 0.3 * x), si.Score(lambda t, x: -x / 1.2))
    base = dist.Normal(jnp.zeros(1), 1.0).to_event(1)
    one = lambda k: si.path_log_prob(field, jnp.array([x]), base, epsilon, key=k, steps=8)
    logs = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), 20_000)))
    mean, variance, factor = 0.0, 1.0, 1 + h * (-0.3 - epsilon / 1.2)
    for _ in range(8):
        mean, variance = factor * mean + 0.1 * h, factor**2 * variance + 2 * epsilon * h
    right = stats.norm.logpdf(x, mean, variance**0.5)
    weights = np.exp(logs - right)
    assert abs(weights.mean() - 1) < 5.5 * weights.std() / 20_000**0.5
    assert logs.mean() + 5.5 * logs.std() / 20_000**0.5 < right
    many = si.path_log_prob(field, jnp.array([x]), base, epsilon, key=jax.random.key(1), steps=8, paths=50)
    more = {"key": jax.random.key(1), "steps": 8, "paths": 50, "importance": True}
    assert float(many) < float(si.path_log_prob(field, jnp.array([x]), base, epsilon, **more))
    with pytest.raises(ValueError, match="`epsilon` must be positive"):
        si.path_log_prob(field, jnp.array([x]), base, 0.0, key=jax.random.key(0))


def test_the_bound_by_paths_closes_for_the_exact_field():
    """The gap is of the order of the step: a quarter of it with four times as many, within a factor of two."""
    law = dist.Normal(jnp.array([1.0, -0.5]), jnp.array([0.5, 1.5])).to_event(1)
    path, x, keys = si.one_sided_root(), jnp.array([0.6, 0.3]), jax.random.split(jax.random.key(0), 2000)
    field, base = si.exact_field(path, law1=law), si.base_law(path, 2)

    def gap(steps):
        one = lambda k: si.path_log_prob(field, x, base, 0.5, key=k, steps=steps)
        return float(law.log_prob(x)) - np.asarray(jax.jit(jax.vmap(one))(keys))

    few, many = gap(25), gap(100)
    assert 2 < few.mean() / many.mean() < 8
    assert 0 < many.mean() < 0.1
