"""The Kalman filter and smoother against the dense Gaussian density of all observations."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import multivariate_normal

from sdekit.data import Series
from sdekit.inference import GaussianObservation, Observed, Parallel, Sequential

from .helpers import dense_observed, dense_prior, linear_sde


D, E, T = 3, 2, 11
METHODS = (Sequential(), Parallel())

evidence = eqx.filter_jit(lambda model, series: model.log_prob(series))
slope = eqx.filter_jit(eqx.filter_grad(lambda model, series: model.log_prob(series)))


def problem(seed, singular=False, missing=0.3):
    """An irregular series with missing entries, and the model that might have made it."""
    rng = np.random.default_rng(seed)
    process = linear_sde(seed, D, singular)
    ts = np.cumsum(rng.exponential(0.4, size=T))
    c = rng.normal(size=(E, D))
    scale = rng.uniform(0.1, 0.5, size=E)
    mask = rng.uniform(size=(T, E)) > missing
    mask[rng.integers(T)] = False
    mask[0, 0] = True
    ys = rng.normal(size=(T, E))
    return process, ts, ys, mask, c, scale


def build(process, c, scale, method):
    return Observed(process, GaussianObservation(scale, c), method)


@given(seed=st.integers(0, 2**32 - 1), singular=st.booleans())
def test_evidence_is_the_dense_density(seed, singular):
    process, ts, ys, mask, c, scale = problem(seed, singular)
    mean, cov = dense_observed(process, ts, c, np.diag(scale**2))
    seen = mask.reshape(-1)
    exact = multivariate_normal(mean[seen], cov[np.ix_(seen, seen)]).logpdf(ys.reshape(-1)[seen])
    series = Series(ts, np.where(mask, ys, np.nan), mask)
    values = [evidence(build(process, c, scale, m), series) for m in METHODS]
    np.testing.assert_allclose(values, exact, rtol=1e-9)
    np.testing.assert_allclose(values[0], values[1], rtol=1e-9)


@given(seed=st.integers(0, 2**32 - 1))
def test_posterior_marginals_are_those_of_dense_conditioning(seed):
    process, ts, ys, mask, c, scale = problem(seed)
    rng = np.random.default_rng(seed)
    # between observations, at one of them, beyond the last
    query = np.sort(np.r_[ts[0], ts[6], rng.uniform(ts[0], ts[-1], 3), ts[-1] + rng.exponential(2.0)])
    every = np.unique(np.r_[ts, query])
    mean, cov = dense_prior(process, every)
    old, new = np.searchsorted(every, ts), np.searchsorted(every, query)
    seen = mask.reshape(-1)
    c_all = np.kron(np.eye(T), c)
    inner = cov[old][:, :, old].reshape(T * D, T * D)
    spread = (c_all @ inner @ c_all.T + np.kron(np.eye(T), np.diag(scale**2)))[np.ix_(seen, seen)]
    cross = (cov[new][:, :, old].reshape(len(query) * D, T * D) @ c_all.T)[:, seen]
    gain = np.linalg.solve(spread, cross.T).T
    exact_mean = mean[new].reshape(-1) + gain @ (ys.reshape(-1) - c_all @ mean[old].reshape(-1))[seen]
    exact_cov = (cov[new][:, :, new].reshape(cross.shape[0], -1) - gain @ cross.T).reshape(len(query), D, -1, D)
    series = Series(ts, np.where(mask, ys, np.nan), mask)
    for method in METHODS:
        m, p = marginals(build(process, c, scale, method).condition(series).process, query)
        np.testing.assert_allclose(m.reshape(-1), exact_mean, rtol=1e-9, atol=1e-10)
        for k in range(len(query)):
            np.testing.assert_allclose(p[k], exact_cov[k, :, k], rtol=1e-8, atol=1e-10)


marginals = eqx.filter_jit(lambda posterior, ts: posterior.marginals(jnp.asarray(ts)))


def short(seed, rows=3):
    """A few rows, on which the parallel scan compiles quickly."""
    process, ts, ys, mask, c, scale = problem(seed)
    keep = slice(0, rows)
    return process, c, scale, Series(ts[keep], np.where(mask, ys, np.nan)[keep], mask[keep])


both = pytest.mark.parametrize("method", METHODS, ids=["sequential", "parallel"])


@both
def test_gradient_is_the_finite_difference(method):
    process, c, scale, series = short(5)
    model = build(process, c, scale, method)
    g = slope(model, series)
    h = 1e-5
    for where in (lambda m: m.process.u, lambda m: m.process.g, lambda m: m.observation.scale):
        x = where(model)
        direction = jax.random.normal(jax.random.key(3), x.shape)
        ends = [evidence(eqx.tree_at(where, model, x + s * h * direction), series) for s in (1, -1)]
        assert jnp.vdot(where(g), direction) == pytest.approx(float(ends[0] - ends[1]) / (2 * h), rel=1e-6)


def single(tree):
    kind = lambda x: x.dtype if not jnp.issubdtype(x.dtype, jnp.inexact) else "c8" if jnp.iscomplexobj(x) else "f4"
    return jax.tree.map(lambda x: x.astype(kind(x)), tree)


@both
def test_float32_is_near_float64(method):
    process, c, scale, series = short(11)
    model = build(process, c, scale, method)
    value = evidence(single(model), single(series))
    assert value.dtype == jnp.float32
    assert value == pytest.approx(float(evidence(model, series)), rel=1e-4)


@both
def test_masked_rows_change_nothing(method):
    process, ts, ys, mask, c, scale = problem(2)
    mask[-4:] = False
    model = build(process, c, scale, method)
    value = evidence(model, Series(ts, ys, mask))
    moved = eqx.tree_at(lambda s: s.ys, Series(ts, ys, mask), jnp.where(mask, ys, jnp.nan))
    later = eqx.tree_at(lambda s: s.ts, Series(ts, ys, mask), jnp.asarray(ts).at[-4:].add(3.0))
    assert value == evidence(model, moved)  # a masked NaN never enters the arithmetic
    assert value == pytest.approx(float(evidence(model, later)), rel=1e-12)
    fewer = Series(ts[:-4], ys[:-4], mask[:-4])
    if isinstance(method, Sequential):
        assert value == pytest.approx(float(evidence(model, fewer)), rel=1e-12)


def test_vmap_is_a_loop():
    process, ts, ys, mask, c, scale = problem(3)
    model = build(process, c, scale, Sequential())
    stack = Series(np.stack([ts, ts + 0.5]), np.stack([ys, 2 * ys]), np.stack([mask, mask]))
    many = jax.vmap(model.log_prob)(stack)
    np.testing.assert_allclose(many, [evidence(model, stack[i]) for i in range(2)], rtol=1e-12)


def test_parallel_without_any_noise_says_nan():
    process, ts, ys, mask, c, _ = problem(4)
    process = eqx.tree_at(lambda p: p.g, process, jnp.zeros((D, D)))
    model = build(process, c, np.full(E, 1e-300), Parallel())
    assert jnp.isnan(evidence(model, Series(ts, ys, mask)))
