"""Every kind of field from every other, and at the ends."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit.interpolants as si

from .cases import NOISY, ONE_SIDED, PATHS, ends, mixture


KINDS = (si.Velocity, si.Drift, si.Score, si.Noise, si.Data)
# At these the kind says nothing: the data do not move with time.
BLIND = {("mirror", si.Drift), ("VE", si.Drift), ("geometric Brownian", si.Drift)}
PAIRS = [(a, b) for a in (si.Velocity, si.Drift) for b in (si.Score, si.Noise)]


def cast(path, dtype):
    return jax.tree.map(lambda v: v.astype(dtype) if eqx.is_inexact_array(v) else v, path)


def oracle(path, dtype, x):
    """All kinds at a time, from the velocity and the score of the law alone, and from Tweedie's formula."""
    rng = np.random.default_rng(0)
    laws = ends(path, mixture(rng, 2, dtype), mixture(rng, 3, dtype))
    field = si.exact_field(path, *laws)
    read = eqx.filter_jit(lambda t: field.velocity_and_score(t, x))

    @functools.cache
    def at(t):
        t = jnp.asarray(t, dtype)
        b, s = read(t)
        gamma, product = path.gamma(t), path.gamma.product(t)
        found = {si.Velocity: b, si.Score: s, si.Noise: -gamma * s, si.Drift: b + product * s}
        if path.one_sided:
            shift = 0 if path.kappa is None else path.kappa(t) * path.mean
            c = path.datum(t)
            known = laws[path.beta is not None].mean
            found[si.Data] = known if c == 0 else (x - shift + gamma**2 * s) / c
        return found

    return lambda t: at(float(t))


def from_these(path, at, kinds):
    """The field of the kinds, each read off the oracle."""
    return si.Field(path, *(kind(lambda t, x, kind=kind: at(t)[kind]) for kind in kinds))


def compare(path, dtype, sources, targets, ts, tolerance):
    x = jnp.array([0.4, -0.7], dtype)
    at = oracle(path, dtype, x)
    for t, kinds, target in itertools.product(ts, sources, targets):
        value, right = from_these(path, at, kinds)._tell(jnp.asarray(t, dtype), x, target)[0], at(t)[target]
        assert value.dtype == dtype
        assert np.isfinite(value).all(), (kinds, target, t)
        error = np.abs(np.asarray(value) - np.asarray(right)).max() / (1 + np.abs(np.asarray(right)).max())
        assert error < tolerance, (kinds, target, t, value, right)


@pytest.mark.parametrize("name", ONE_SIDED)
def test_one_kind_tells_all_of_a_one_sided_path(name):
    sources = [(k,) for k in KINDS if (name, k) not in BLIND]
    compare(PATHS[name], jnp.float64, sources, KINDS, (0.1, 0.37, 0.9), 1e-10)


@pytest.mark.parametrize("name", [n for n in NOISY if n not in ONE_SIDED])
def test_two_kinds_tell_all_of_a_two_sided_path(name):
    compare(PATHS[name], jnp.float64, PAIRS, KINDS[:4], (0.1, 0.37, 0.9), 1e-10)


@pytest.mark.parametrize("name", ["linear", "trigonometric", "flow matching, noisy"])
def test_the_data_of_a_two_sided_path_are_the_posterior_mean(name):
    """x1^ from velocity and noise, and back: x = alpha x0^ + beta x1^ + gamma eta with the same drift."""
    path, x, t = PATHS[name], jnp.array([0.4, -0.7]), 0.37
    at = oracle(path, jnp.float64, x)
    hat = from_these(path, at, (si.Velocity, si.Noise)).data(t, x)
    again = si.Field(path, si.Data(lambda t, x: hat), si.Noise(lambda t, x: at(t)[si.Noise]))
    np.testing.assert_allclose(again.velocity(t, x), at(t)[si.Velocity], rtol=1e-10)
    m, c = 1.0, 0.5
    law = dist.Normal(jnp.full(2, m), c**0.5).to_event(1)
    exact = si.exact_field(path, dist.Normal(jnp.zeros(2), 1.0).to_event(1), law)
    k = path.coefficients(t)
    gain = k.beta * c / (k.alpha**2 + k.beta**2 * c + k.gamma**2)
    np.testing.assert_allclose(exact.data(t, x), m + gain * (x - k.beta * m), rtol=1e-10)


@pytest.mark.parametrize("name", NOISY)
def test_conversions_have_their_limits_at_the_ends_in_float32(name):
    path = cast(PATHS[name], jnp.float32)
    sources, targets = (PAIRS, KINDS[:4]) if not path.one_sided else ([(k,) for k in KINDS if k is not si.Drift], KINDS)
    # The limits are one-sided, read off a time t at which gamma is 3e-4, or 5e-3 where its square divides: an error
    # of the order of t, which is .02 for gamma = sin^2.
    compare(path, jnp.float32, sources, targets, (0.0, 1.0), 0.1)


def test_guidance_is_linear_in_its_scale():
    says = lambda t, x, c: -x if c is None else c - x
    field = si.Field(si.one_sided_linear(), si.Velocity(says))
    x, c = jnp.array([0.2, 0.5]), jnp.array([1.0, -1.0])
    for w in (0.0, 1.0, 2.5):
        np.testing.assert_allclose(field.guided(c, w).velocity(0.3, x), w * np.asarray(c) - x, rtol=1e-12)
    np.testing.assert_allclose(field.given(c).velocity(0.3, x), c - x, rtol=1e-12)


def test_guidance_of_gaussians_is_the_score_of_the_tilted_law():
    """s(c) + (w - 1)(s(c) - s) is linear for Gaussians, and so is what the velocity becomes."""
    path = si.one_sided_linear()
    law = lambda m, s: dist.Normal(jnp.full(2, m), s).to_event(1)
    free, given = (si.exact_field(path, law1=law(*p)) for p in ((0.0, 1.0), (1.0, 0.5)))
    says = lambda t, x, c: free.velocity(t, x) if c is None else given.velocity(t, x)
    field = si.Field(path, si.Velocity(says)).guided(1, 2.0)
    t, x = 0.6, jnp.array([0.3, -0.8])
    np.testing.assert_allclose(field.score(t, x), 2 * given.score(t, x) - free.score(t, x), rtol=1e-9)
