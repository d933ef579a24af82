"""Every kind of field from every other, and at the ends."""

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
# At these the kind says nothing: the data do not move, the noise does not, or the ends are not told apart.
BLIND = {
    ("mirror", si.Drift), ("VE", si.Drift), ("geometric Brownian", si.Drift),
}  # fmt: skip
PAIRS = [(a, b) for a in (si.Velocity, si.Drift) for b in (si.Score, si.Noise)]


def told(field, t, x):
    return {
        si.Velocity: field.velocity(t, x),
        si.Drift: field.drift(t, x),
        si.Score: field.score(t, x),
        si.Noise: field.noise(t, x),
        si.Data: field.data(t, x),
    }


@pytest.mark.parametrize("name", ONE_SIDED)
def test_one_kind_tells_all_of_a_one_sided_path(name):
    path, rng = PATHS[name], np.random.default_rng(0)
    field = si.exact_field(path, *ends(path, mixture(rng, 2), mixture(rng, 3)))
    sources = [k for k in KINDS if (name, k) not in BLIND]

    @jax.jit
    def run(t, x):
        return told(field, t, x), [told(field.to(kind), t, x) for kind in sources]

    for t in (0.1, 0.37, 0.9):
        exact, found = run(t, jnp.array([0.4, -0.7]))
        for kind, (target, value) in itertools.product(range(len(sources)), exact.items()):
            error = np.abs(found[kind][target] - value).max() / (1 + np.abs(value).max())
            assert error < 1e-10, (sources[kind], target, t)


@pytest.mark.parametrize("name", [n for n in NOISY if n not in ONE_SIDED])
def test_two_kinds_tell_all_of_a_two_sided_path(name):
    path, rng = PATHS[name], np.random.default_rng(0)
    field = si.exact_field(path, *ends(path, mixture(rng, 2), mixture(rng, 3)))
    pairs = PAIRS if name == "encoding-decoding" else [*PAIRS, (si.Data, si.Noise), (si.Data, si.Score)]
    targets = [k for k in KINDS if name != "encoding-decoding" or k is not si.Data]

    @jax.jit
    def run(t, x):
        pick = lambda f: [f._tell(t, x, k)[0] for k in targets]
        return pick(field), [pick(field.to(*pair)) for pair in pairs]

    for t in (0.1, 0.37, 0.9):
        exact, found = run(t, jnp.array([0.4, -0.7]))
        for pair, values in zip(pairs, found, strict=True):
            for target, value, right in zip(targets, values, exact, strict=True):
                error = np.abs(value - right).max() / (1 + np.abs(right).max())
                assert error < 1e-10, (pair, target, t)


@pytest.mark.parametrize("name", NOISY)
def test_conversions_have_their_limits_at_the_ends_in_float32(name):
    path, rng = PATHS[name], np.random.default_rng(0)
    path = jax.tree.map(lambda v: v.astype(jnp.float32) if eqx.is_inexact_array(v) else v, path)
    laws = ends(path, mixture(rng, 2, jnp.float32), mixture(rng, 3, jnp.float32))
    field, x = si.exact_field(path, *laws), jnp.array([0.4, -0.7], jnp.float32)
    if path.one_sided:
        sources = [(k,) for k in (si.Velocity, si.Score, si.Noise, si.Data) if not (name == "mirror" and k is si.Data)]
        targets = KINDS
    else:
        sources, targets = PAIRS, KINDS[:4]
    if name == "mirror":
        targets = KINDS[:4]

    @jax.jit
    def run(t):
        pick = lambda f: [f._tell(t, x, k)[0] for k in targets]
        return pick(field), [pick(field.to(*kinds)) for kinds in sources]

    for t in (0.0, 1.0):
        exact, found = run(jnp.float32(t))
        for kinds, values in zip(sources, found, strict=True):
            for target, value, right in zip(targets, values, exact, strict=True):
                assert value.dtype == jnp.float32
                assert np.isfinite(value).all(), (kinds, target, t)
                error = np.abs(value - right).max() / (1 + np.abs(right).max())
                assert error < 0.02, (kinds, target, t, value, right)


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
