"""Distances against closed forms, SciPy and linear programmes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import linalg, stats
from scipy.optimize import linprog
from scipy.spatial.distance import cdist

from sdekit.evaluate import assert_mean
from sdekit.transport import (
    energy_distance,
    gaussian_wasserstein2 as eager_gaussian,
    mmd,
    sliced_wasserstein,
    wasserstein1,
    wasserstein2,
)


# One compilation a shape, instead of one an operation.
gaussian_wasserstein2, line1, line2 = map(eqx.filter_jit, (eager_gaussian, wasserstein1, wasserstein2))


seeds = st.integers(0, 2**32 - 1)
DISTANCES = {
    "w1": line1,
    "w2": line2,
    "energy": eqx.filter_jit(energy_distance),
    "mmd": eqx.filter_jit(lambda *a: mmd(*a, bandwidth=0.7)),
    "sliced": eqx.filter_jit(lambda x, y, *w: sliced_wasserstein(x, y, *w, key=jax.random.key(0), projections=8)),
}


def programme(x, y, a, b, p):
    """The Kantorovich problem solved as a linear programme."""
    n, m = len(x), len(y)
    cost = cdist(x, y) ** p
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    got = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a / a.sum(), b / b.sum()]))
    return got.fun ** (1 / p)


def draw(seed, weighted, d=1):
    g = np.random.default_rng(seed)
    x, y = g.normal(size=(6, d)), g.normal(0.5, 2.0, size=(9, d))
    return x, y, *((g.uniform(size=6), g.uniform(size=9)) if weighted else (np.ones(6), np.ones(9)))


@given(seeds, st.booleans())
def test_wasserstein_on_the_line(seed, weighted):
    x, y, a, b = draw(seed, weighted)
    weights = (a, b) if weighted else ()
    np.testing.assert_allclose(
        line1(x[:, 0], y[:, 0], *weights), stats.wasserstein_distance(x[:, 0], y[:, 0], a, b), rtol=1e-9
    )
    np.testing.assert_allclose(line2(x, y, *weights), programme(x, y, a, b, 2), rtol=1e-6)


@given(seeds)
def test_wasserstein_by_assignment(seed):
    g = np.random.default_rng(seed)
    x, y = g.normal(size=(7, 3)), g.normal(size=(7, 3))
    np.testing.assert_allclose(wasserstein1(x, y), programme(x, y, np.ones(7), np.ones(7), 1), rtol=1e-6)
    np.testing.assert_allclose(wasserstein2(x, y), programme(x, y, np.ones(7), np.ones(7), 2), rtol=1e-6)


def test_wasserstein_of_the_quantiles_of_two_normals():
    u = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    np.testing.assert_allclose(wasserstein2(u, 1.0 + 2 * u), np.sqrt(2.0), rtol=1e-3)
    np.testing.assert_allclose(wasserstein1(u, u + 0.3), 0.3, rtol=1e-9)


@given(seeds)
def test_gaussian_distance(seed):
    g = np.random.default_rng(seed)
    roots = g.normal(size=(2, 3, 3))
    s0, s1 = roots @ roots.transpose(0, 2, 1)
    m0, m1 = g.normal(size=(2, 3))
    root = linalg.sqrtm(s0)
    expected = ((m0 - m1) ** 2).sum() + np.trace(s0 + s1 - 2 * np.real(linalg.sqrtm(root @ s1 @ root)))
    np.testing.assert_allclose(gaussian_wasserstein2(m0, s0, m1, s1), np.sqrt(expected), rtol=1e-6)
    np.testing.assert_allclose(gaussian_wasserstein2(m0, s0, m0, s0), 0.0, atol=1e-6)


def test_gaussian_distance_of_samples(key):
    """Between a sample and its affine image under the optimal map, the assignment is known."""
    x = jax.random.normal(key, (200, 2))
    a = jnp.array([[2.0, 0.3], [0.3, 0.5]])
    y = x @ a + 1.0
    np.testing.assert_allclose(wasserstein2(x, y), jnp.sqrt(((x - y) ** 2).sum(1).mean()), rtol=1e-9)
    m, s = x.mean(0), jnp.cov(x.T, bias=True)
    np.testing.assert_allclose(gaussian_wasserstein2(m, s, m @ a + 1.0, a @ s @ a), wasserstein2(x, y), rtol=1e-9)


@given(seeds, st.booleans())
def test_energy_distance(seed, weighted):
    x, y, a, b = draw(seed, weighted)
    expected = stats.energy_distance(x[:, 0], y[:, 0], a, b) ** 2
    np.testing.assert_allclose(energy_distance(x, y, a, b), expected, rtol=1e-7, atol=1e-12)
    x, y, a, b = draw(seed, weighted, d=3)
    a, b = a / a.sum(), b / b.sum()
    expected = 2 * a @ cdist(x, y) @ b - a @ cdist(x, x) @ a - b @ cdist(y, y) @ b
    np.testing.assert_allclose(energy_distance(x, y, a, b), expected, rtol=1e-9)


@given(seeds)
def test_mmd_is_its_definition(seed):
    x, y, _, _ = draw(seed, False, d=2)
    k = lambda u, v: np.mean([np.exp(-(cdist(u, v) ** 2) / (2 * h * h)) for h in (0.5, 2.0)], axis=0)
    off = lambda m: (m.sum() - np.trace(m)) / (len(m) * (len(m) - 1))
    expected = off(k(x, x)) + off(k(y, y)) - 2 * k(x, y).mean()
    np.testing.assert_allclose(mmd(x, y, bandwidth=jnp.array([0.5, 2.0])), expected, rtol=1e-9)


def test_mmd_is_unbiased(key):
    """The closed form for two normals, over many small samples."""
    draws = jax.random.normal(key, (2, 20_000, 4))
    values = jax.jit(jax.vmap(lambda x, y: mmd(x, y, bandwidth=1.0)))(draws[0], 0.8 + draws[1])
    expected = 2 * (1 - np.exp(-0.64 / 6)) / np.sqrt(3)
    assert_mean(values, expected, effect=0.05)


def test_sliced_distance(key):
    x = jax.random.normal(key, (50, 3))
    shift = jnp.array([1.0, -2.0, 0.5])
    one = sliced_wasserstein(x, x + shift[None], key=jax.random.key(1), projections=1000)
    np.testing.assert_allclose(one**2, (shift**2).sum() / 3, rtol=0.12)  # the mean of a squared cosine is 1/3
    flat = sliced_wasserstein(x[:, :1], 2 * x[:, :1], key=jax.random.key(2), projections=3)
    np.testing.assert_allclose(flat, wasserstein2(x[:, 0], 2 * x[:, 0]), rtol=1e-9)
    flat = sliced_wasserstein(x[:, :1], 2 * x[:30, :1], key=jax.random.key(2), projections=3, p=1)
    np.testing.assert_allclose(flat, wasserstein1(x[:, 0], 2 * x[:30, 0]), rtol=1e-9)


@pytest.mark.parametrize("name", DISTANCES)
def test_masked_points_change_nothing(name, key):
    distance = DISTANCES[name]
    x, y = jax.random.normal(key, (6, 1)), jax.random.normal(jax.random.key(1), (8, 1)) + 1.0
    w = jnp.ones(6).at[2].set(0.0)
    kept = distance(jnp.delete(x, 2, 0), y, jnp.ones(5), jnp.ones(8))
    np.testing.assert_allclose(distance(x.at[2].set(jnp.nan), y, w, jnp.ones(8)), kept, rtol=1e-9)


@pytest.mark.parametrize("name", DISTANCES)
def test_equal_samples_are_near_and_the_order_does_not_matter(name, key):
    distance = DISTANCES[name]
    x, y = jax.random.normal(key, (6, 1)), jax.random.normal(jax.random.key(1), (6, 1)) + 1.0
    if name != "mmd":
        np.testing.assert_allclose(distance(x, x[::-1]), 0.0, atol=1e-7)
    np.testing.assert_allclose(distance(x, y), distance(y, x), rtol=1e-9)


@pytest.mark.parametrize("name", DISTANCES)
def test_gradient_under_jit_and_float32(name, key):
    distance = DISTANCES[name]
    x, y = jax.random.normal(key, (6, 1)), jax.random.normal(jax.random.key(1), (6, 1)) + 1.0
    f = distance  # compiled
    g, h = jax.grad(f)(x, y), 1e-6 * jax.random.normal(jax.random.key(2), x.shape)
    np.testing.assert_allclose((g * h).sum(), (f(x + h, y) - f(x - h, y)) / 2, rtol=1e-4)
    assert jnp.isfinite(jax.grad(f)(x, x)).all()
    small = distance(x.astype(jnp.float32), y.astype(jnp.float32))
    assert small.dtype == jnp.float32
    np.testing.assert_allclose(small, f(x, y), rtol=1e-4)


def test_faults_are_named():
    with pytest.raises(ValueError, match=r"`y` must have points of length 2"):
        wasserstein2(np.zeros((3, 2)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"`y` must hold as many points as x, 101"):
        wasserstein2(np.zeros((101, 2)), np.zeros((103, 2)))
    with pytest.raises(ValueError, match=r"`x_weights` must not be negative"):
        wasserstein1(np.zeros(3), np.zeros(3), -np.ones(3))
    with pytest.raises(TypeError, match="must be concrete"):
        jax.jit(wasserstein2)(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="need points of one component"):
        wasserstein1(np.zeros((3, 2)), np.zeros((3, 2)), np.ones(3))


def test_compiled_and_eager_agree(key):
    x, y = jax.random.normal(key, (2, 6))
    np.testing.assert_allclose(line1(x, y), wasserstein1(x, y), rtol=1e-12)
    np.testing.assert_allclose(energy_distance(x, y), DISTANCES["energy"](x, y), rtol=1e-12)
