"""What every transition law promises."""

import equinox as eqx
import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from sdekit.evaluate import assert_covariance, assert_mean, assert_uniform_pit

from . import cases
from .cases import COMPONENTS, DRAWN, KINDS, PATHS, ROWS, TIMES, TRANSITIONS, ids, look, seeds, slopes


few = hypothesis.settings(max_examples=3)
times = lambda rng: (float(rng.uniform(0, 0.4)), float(rng.uniform(0.6, 1.6)))


def setting(case, seed):
    """A process, two times, states at the first and likely states at the second, `ROWS` of each."""
    rng = np.random.default_rng(seed)
    process, (t0, t1) = case.build(rng), times(rng)
    xs = case.states(rng, process, ROWS)
    _, mean, variance, _, _ = (np.asarray(v) for v in look(process, t0, t1, xs, xs))
    return process, t0, t1, xs, case.near(rng, mean, variance)


@pytest.mark.parametrize("case", **ids(COMPONENTS))
@few
@given(seed=seeds)
def test_density_and_moments_are_those_of_scipy(case, seed):
    process, t0, t1, xs, ys = setting(case, seed)
    law = case.oracle(process, t0, t1, xs)
    log_p, mean, variance, _, _ = look(process, t0, t1, xs, ys)
    # SciPy's own noncentral chi-square density loses digits; it is held to mpmath in the suite of that law.
    np.testing.assert_allclose(log_p, law.logpdf(ys).sum(-1), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(mean, law.mean(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(variance, law.var(), rtol=1e-8)


@pytest.mark.parametrize("case", **ids(COMPONENTS))
@few
@given(seed=seeds)
def test_paths_follow_the_transition(case, seed):
    """Each step of a sampled path, given the one before, at uneven times: 3000 steps find a distance of 0.08."""
    process, ts = case.build(np.random.default_rng(seed)), TIMES
    xs = np.asarray(process.sample(jnp.asarray(ts), key=jax.random.key(seed), n=PATHS).xs)
    pit = [case.oracle(process, ts[i], ts[i + 1], xs[:, i]).cdf(xs[:, i + 1]) for i in range(3)]
    assert_uniform_pit(np.concatenate(pit), effect=0.08)


@pytest.mark.parametrize("case", **ids(DRAWN))
@few
@given(seed=seeds)
def test_paths_have_the_moments_of_the_chain(case, seed):
    """Mean and covariance over all times, from the affine maps multiplied out in NumPy."""
    process = case.build(np.random.default_rng(seed))
    xs = np.asarray(process.sample(jnp.asarray(TIMES), key=jax.random.key(seed), n=PATHS).xs)
    mean, cov = cases.joint(process, TIMES)
    assert_mean(xs.reshape(PATHS, -1), mean, tolerance=1e-9)
    assert_covariance(xs.reshape(PATHS, -1), cov, tolerance=1e-9)


@pytest.mark.parametrize("case", **ids(COMPONENTS))
@few
@given(seed=seeds)
def test_chapman_kolmogorov_and_mass_one(case, seed):
    """Both integrals over the middle state, by a rule that resolves both densities."""
    rng = np.random.default_rng(seed)
    process = case.build(rng)
    t0, t1, t2 = 0.1, 0.6, 1.4
    x = case.states(rng, process, 1)
    first, whole = case.oracle(process, t0, t1, x[0]), case.oracle(process, t0, t2, x[0])
    z = whole.mean() + np.sqrt(whole.var()) * rng.uniform(-0.5, 1.5, 2)
    z = np.where(z > 0, z, whole.mean()) if case.positive else z
    low, high = first.ppf(1e-13), first.isf(1e-13)
    nodes, weights = np.polynomial.legendre.leggauss(ROWS)
    # In the root of a positive state (and a power of it near 0, where the density may be infinite) all is smooth.
    power = 16 if case.positive else 1
    low, high = (np.maximum(low, 0) ** (1 / power), high ** (1 / power)) if case.positive else (low, high)
    u = low + (high - low) * (1 + nodes[:, None]) / 2
    ys, jacobian = u**power, power * u ** (power - 1) * (high - low) / 2 * weights[:, None]
    total = np.zeros(2)
    chained = np.zeros(2)
    for i in range(2):
        # One component at a time: the other stays at a point, whose density divides out.
        still = np.broadcast_to(x[0], ys.shape).copy()
        rest = first.logpdf(x[0])[1 - i]
        still[:, i] = ys[:, i]
        p = np.exp(np.asarray(look(process, t0, t1, np.broadcast_to(x, ys.shape), still)[0]) - rest)
        ends = np.broadcast_to(x[0], ys.shape).copy()
        ends[:, i] = z[i]
        other = case.oracle(process, t1, t2, still).logpdf(ends)[:, 1 - i]
        q = np.exp(np.asarray(look(process, t1, t2, still, ends)[0]) - other)
        total[i], chained[i] = (p * jacobian[:, i]).sum(), (p * q * jacobian[:, i]).sum()
    np.testing.assert_allclose(total, 1, rtol=1e-6)
    np.testing.assert_allclose(chained, np.exp(whole.logpdf(z)), rtol=1e-6)


@pytest.mark.parametrize("case", **ids(TRANSITIONS))
@few
@given(seed=seeds)
def test_short_transitions_have_the_moments_of_the_coefficients(case, seed):
    rng = np.random.default_rng(seed)
    process, t, h = case.build(rng), 0.3, 1e-6
    xs = case.states(rng, process, ROWS)
    _, mean, variance, drift, g = look(process, t, t + h, xs, xs)
    np.testing.assert_allclose((mean - xs) / h, drift, rtol=1e-3, atol=1e-3)
    if variance.ndim == 2:
        spread = np.einsum("nij,nij->ni", g, g)
        np.testing.assert_allclose(variance / h, spread, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("case", **ids(KINDS))
@few
@given(seed=seeds)
def test_gradients_are_finite_differences(case, seed):
    rng = np.random.default_rng(seed)
    args = jax.tree.map(lambda v: jnp.asarray(v) if isinstance(v, np.ndarray | float) else v, setting(case, seed))
    arrays, static = eqx.partition(args, eqx.is_inexact_array)
    gradient = eqx.filter(slopes(*args), eqx.is_inexact_array)
    # A direction in all arguments at once, relative to their size, so that positive ones stay positive.
    way = jax.tree.map(lambda v: jnp.asarray(rng.normal(size=v.shape)) * jnp.abs(v), arrays)
    expected = sum(jnp.vdot(a, b) for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(way), strict=True))

    def at(e):
        moved = eqx.combine(jax.tree.map(lambda v, w: v + e * w, arrays, way), static)
        return np.asarray(look(*moved)[0])

    h = 1e-4
    slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    assert np.isfinite(np.asarray(expected))
    np.testing.assert_allclose(expected, slope.sum(), rtol=1e-5, atol=1e-4 * np.abs(slope).sum())


@pytest.mark.parametrize("case", **ids(TRANSITIONS))
def test_eager_one_by_one_equals_compiled_batch(case):
    process, t0, t1, xs, ys = setting(case, 7)
    batch = look(process, t0, t1, xs, ys)
    with jax.disable_jit():
        for i in range(2):
            law = process.transition(t0, t1, jnp.asarray(xs[i]))
            np.testing.assert_allclose(law.log_prob(jnp.asarray(ys[i])), batch[0][i], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(law.mean, batch[1][i], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", **ids(KINDS))
def test_float32_is_near_float64(case):
    process, t0, t1, xs, ys = setting(case, 11)
    single = jax.tree.map(lambda v: v.astype(jnp.float32) if eqx.is_inexact_array(v) else v, process)
    near = look(single, np.float32(t0), np.float32(t1), xs.astype(np.float32), ys.astype(np.float32))
    wide = look(process, t0, t1, xs, ys)
    for name, a, b in zip(("log_prob", "mean", "variance", "drift", "diffusion"), near, wide, strict=True):
        assert a.dtype == jnp.float32, name
        np.testing.assert_allclose(a, b, rtol=5e-3, atol=5e-3, err_msg=name)


@pytest.mark.parametrize("case", **ids(COMPONENTS + DRAWN))
def test_draws_replay_and_keys_matter(case):
    process, ts = case.build(np.random.default_rng(3)), jnp.asarray(TIMES)
    xs = process.sample(ts, key=jax.random.key(3), n=PATHS).xs
    assert np.isfinite(xs).all()
    np.testing.assert_array_equal(xs, process.sample(ts, key=jax.random.key(3), n=PATHS).xs)
    other = process.sample(ts, key=jax.random.key(4), n=PATHS).xs
    assert not np.isclose(xs[:, 1:3], other[:, 1:3]).any()


@pytest.mark.parametrize("case", **ids([COMPONENTS[1], COMPONENTS[6]]))
def test_a_path_does_not_depend_on_how_many_are_drawn(case):
    process, ts = case.build(np.random.default_rng(3)), jnp.asarray(TIMES)
    many = process.sample(ts, key=jax.random.key(3), n=PATHS).xs
    one = process.sample(ts, key=jax.random.fold_in(jax.random.key(3), 2)).xs
    np.testing.assert_allclose(one, many[2], rtol=1e-9, atol=1e-9)
    single = jax.tree.map(lambda v: v.astype(jnp.float32) if eqx.is_inexact_array(v) else v, process)
    assert single.sample(ts.astype(jnp.float32), key=jax.random.key(3)).xs.dtype == jnp.float32
    assert single.sample(ts, key=jax.random.key(3)).xs.dtype == jnp.float64
