"""Exact fields obey the equations of their law, on every path."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given
from scipy import stats

import sdekit.interpolants as si

from .cases import PATHS, ends, mixture, seeds, times


@eqx.filter_jit
def residuals(path, law0, law1, t, x, epsilon):
    """Continuity, Fokker-Planck with `epsilon`, score against the density, b = v - gamma gamma' s; relative."""
    logp = lambda t, x: si.marginal_law(path, t, law0, law1).log_prob(x)
    field = si.exact_field(path, law0, law1)
    rate, slope = jax.grad(logp, (0, 1))(t, x)
    div = lambda f: jnp.trace(jax.jacfwd(f)(x))
    b = field.velocity(t, x)
    parts = [div(lambda y: field.velocity(t, y)), b @ slope]
    found = [(rate + sum(parts)) / (1 + abs(rate) + abs(parts[0]) + abs(parts[1]))]
    if path.gamma is not None:
        s = field.score(t, x)
        drift = lambda y: field.velocity(t, y) + epsilon * field.score(t, y)
        parts = [div(drift), drift(x) @ s, -epsilon * div(lambda y: field.score(t, y)), -epsilon * s @ s]
        found.append((rate + sum(parts)) / (1 + abs(rate) + sum(map(abs, parts))))
        found.append(jnp.abs(s - slope).max() / (1 + jnp.abs(s).max()))
        v, product = field.drift(t, x), path.gamma.product(t)
        found.append(jnp.abs(b - v + product * s).max() / (1 + jnp.abs(b).max() + jnp.abs(v).max()))
    return jnp.stack(found)


@pytest.mark.parametrize("name", PATHS)
@given(seed=seeds, t=times)
def test_transport_and_fokker_planck_equations(name, seed, t):
    rng, path = np.random.default_rng(seed), PATHS[name]
    laws = ends(path, mixture(rng, 2), mixture(rng, 3))
    scale = 1.0 if path.gamma is None else float(path.gamma(t)) + 1
    x = jnp.asarray(rng.normal(size=2) * 2 * scale)
    found = np.asarray(residuals(path, *laws, jnp.asarray(t), x, jnp.asarray(rng.uniform(0, 5))))
    assert np.abs(found).max() < 1e-10, found


@pytest.mark.parametrize("name", ["linear", "one-sided linear", "mean-reverting"])
def test_marginals_are_those_of_draws(name):
    path, rng = PATHS[name], np.random.default_rng(1)
    laws = ends(path, mixture(rng, 2), mixture(rng, 3))
    keys = jax.random.split(jax.random.key(0), 3)
    draw = lambda law, k: jax.vmap(law.sample)(jax.random.split(k, 4000))
    xs = [None if law is None else draw(law, k) for law, k in zip(laws, keys[:2], strict=True)]
    at = lambda x0, x1, k: path.at(0.4, x0, x1, key=k)
    draws = jax.vmap(at, in_axes=(None if xs[0] is None else 0, None if xs[1] is None else 0, 0))(
        *xs, jax.random.split(keys[2], 4000)
    )
    law = si.marginal_law(path, 0.4, *laws)
    # The first component against its exact distribution function; false alarm 1e-6.
    inner, w = law.component_distribution, np.asarray(law.mixing_distribution.probs)
    m, sd = np.asarray(inner.mean[:, 0]), np.sqrt(np.asarray(inner.covariance_matrix[:, 0, 0]))
    cdf = lambda v: (w * stats.norm.cdf(np.asarray(v)[..., None], m, sd)).sum(-1)
    assert stats.kstest(np.asarray(draws[:, 0]), cdf).pvalue > 1e-6


def test_the_velocity_is_a_conditional_expectation():
    """E[x1 - x0 + gamma' z | x_t = x] by quadrature over the posterior of x1, for point and Gaussian ends."""
    path = PATHS["linear, quadratic"]
    t, x = 0.3, 0.4
    m1, s1, s0 = 1.0, 0.7, 0.5
    a, b, g = 0.7, 0.3, 0.7 * 0.3 * 0.7
    dg = 0.7 * (1 - 2 * t)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    x1 = m1 + s1 * nodes
    rest = a**2 * s0**2 + g**2
    post = weights * np.exp(-((x - b * x1) ** 2) / (2 * rest))
    left = x - b * x1
    value = x1 - (a * s0**2 / rest) * left + dg * (g / rest) * left
    field = si.exact_field(
        path, dist.Normal(jnp.zeros(1), s0).to_event(1), dist.Normal(jnp.full(1, m1), s1).to_event(1)
    )
    np.testing.assert_allclose(field.velocity(t, jnp.array([x]))[0], (post * value).sum() / post.sum(), rtol=1e-12)


@pytest.mark.parametrize("name", PATHS)
def test_exact_fields_are_finite_at_both_ends_in_float32(name):
    path, rng = PATHS[name], np.random.default_rng(3)
    path = jax.tree.map(lambda v: v.astype(jnp.float32) if eqx.is_inexact_array(v) else v, path)
    laws = ends(path, mixture(rng, 2, jnp.float32), mixture(rng, 3, jnp.float32))
    field, x = si.exact_field(path, *laws), jnp.array([0.3, -0.4], jnp.float32)
    both = eqx.filter_jit(lambda t: field.velocity(t, x) if path.gamma is None else field.velocity_and_score(t, x))
    for t in (0.0, 1.0):
        for value in jax.tree.leaves(both(jnp.float32(t))):
            assert value.dtype == jnp.float32
            assert np.isfinite(value).all()
