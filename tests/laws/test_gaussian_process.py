"""The laws of scalar Gaussian processes with dense algebra, over all final classes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
import scipy.stats
from hypothesis import given, strategies as st

import sdekit as sk
from sdekit._process import AbstractStationary
from sdekit.data import Series
from sdekit.evaluate import assert_covariance, assert_mean
from sdekit.processes._fractional import FractionalBrownianMotion, FractionalOrnsteinUhlenbeck
from sdekit.processes._gaussian import GaussianProcess
from sdekit.processes._kernels import Exponential, Matern32, Matern52, Periodic, RationalQuadratic


IRREGULAR = np.array([0.05, 0.1, 0.45, 0.6, 1.3, 1.35, 2.0])
REGULAR = np.linspace(0.0, 1.5, 7)
KNOWN = Series(jnp.array([0.3, 1.0, 1.7]), jnp.array([0.5, jnp.nan, -0.2]), jnp.array([True, False, True]))


def _conditioned(x):
    return FractionalOrnsteinUhlenbeck(x[0], 0.5 + x[1], x[2], 0.5 + x[3]).condition(KNOWN)


MODELS = {
    "sum": lambda x: GaussianProcess(Matern32(0.5 + x[0], 0.3 + x[1]) + Exponential(0.4, 0.5 + x[2]), x[3], jitter=0.0),
    "product": lambda x: GaussianProcess(RationalQuadratic(0.5 + x[0], 1.0, 0.5 + x[1]) * Exponential(), x[3]),
    "periodic": lambda x: GaussianProcess(Matern52(0.5 + x[0], 0.5 + x[1]) * Periodic(1.0, 0.7 + x[2], 0.9), x[3]),
    "fbm": lambda x: FractionalBrownianMotion(x[0], 0.5 + x[1]),
    "fou": lambda x: FractionalOrnsteinUhlenbeck(x[0], 0.5 + x[1], x[2], 0.5 + x[3]),
    "fou from a point": lambda x: FractionalOrnsteinUhlenbeck(x[0], 0.5 + x[1], x[2], 0.5 + x[3], start=2.0),
    "fou from a law": lambda x: FractionalOrnsteinUhlenbeck(
        x[0], 0.5 + x[1], x[2], start=dist.Normal(jnp.ones(1), 0.5).to_event(1)
    ),
    "conditioned": _conditioned,
}
PARAMETERS = st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4).map(np.array)
NAMES = pytest.mark.parametrize("name", MODELS)


@eqx.filter_jit
def _law(model, ts):
    return model.mean(ts), model.covariance(ts, ts)


@eqx.filter_jit
def _log_prob(model, series):
    return model.log_prob(series)


@eqx.filter_jit
def _gradient(model, series):
    return eqx.filter_grad(lambda m: m.log_prob(series))(model)


def _series(model, seed, drop=0.3):
    """A record drawn from the law of the model by NumPy, and which entries of it to keep."""
    rng = np.random.default_rng(seed)
    mean, cov = (np.asarray(x) for x in _law(model, IRREGULAR))
    ys = rng.multivariate_normal(mean, cov, method="eigh")
    return ys, rng.uniform(size=len(ys)) >= drop


@NAMES
@given(x=PARAMETERS)
def test_covariances_are_symmetric_and_nonnegative_and_marginals_are_their_diagonal(name, x):
    model = MODELS[name](x)
    mean, cov = _law(model, IRREGULAR)
    np.testing.assert_allclose(cov, cov.T, rtol=1e-12, atol=1e-14)
    assert np.linalg.eigvalsh(cov).min() > -1e-12
    law = model.marginal(IRREGULAR[3])
    np.testing.assert_allclose(law.mean, mean[3:4], rtol=1e-12)
    np.testing.assert_allclose(law.variance, cov[3, 3:4], rtol=1e-10)
    if isinstance(model, AbstractStationary) and model.start is None:
        np.testing.assert_allclose(model.stationary().variance, cov[3, 3:4], rtol=1e-10)


@NAMES
@given(x=PARAMETERS, seed=st.integers(0, 2**32 - 1))
def test_densities_are_those_of_the_multivariate_normal_and_masked_is_dropped(name, x, seed):
    model = MODELS[name](x)
    ys, keep = _series(model, seed)
    mean, cov = (np.asarray(v) for v in _law(model, IRREGULAR))
    jitter = 1e-10 if model.jitter is None else model.jitter
    cov = cov + jitter * np.diag(np.asarray(model.reference_variance(jnp.asarray(IRREGULAR))))
    holes = Series(IRREGULAR, np.where(keep, ys, np.nan), keep)
    value = _log_prob(model, holes)
    exact = 0.0
    if keep.any():
        exact = scipy.stats.multivariate_normal(mean[keep], cov[np.ix_(keep, keep)], allow_singular=True)
        exact = exact.logpdf(ys[keep])
    np.testing.assert_allclose(value, exact, rtol=1e-6, atol=1e-7)
    other = Series(IRREGULAR, np.where(keep, ys, 1e30), keep)
    assert _log_prob(model, other) == value


@NAMES
def test_masked_entries_equal_dropped_ones(name):
    model = MODELS[name](np.array([0.3, 0.4, 0.6, 0.7]))
    ys, _ = _series(model, 1)
    keep = np.array([True, True, False, True, False, True, True])
    whole = _log_prob(model, Series(IRREGULAR, ys, keep))
    np.testing.assert_allclose(whole, _log_prob(model, Series(IRREGULAR[keep], ys[keep])), rtol=1e-10, atol=1e-10)


@NAMES
@given(x=PARAMETERS, seed=st.integers(0, 2**32 - 1))
def test_gradients_of_densities_are_derivatives(name, x, seed):
    if name == "conditioned":
        return  # what it was conditioned on is data, not a parameter
    model = MODELS[name](x)
    ys, keep = _series(model, seed)
    series = Series(IRREGULAR, np.where(keep, ys, np.nan), keep)
    leaves, tree = jax.tree.flatten(model)
    gradients = jax.tree.leaves(_gradient(model, series))
    for i, (leaf, gradient) in enumerate(zip(leaves, gradients, strict=True)):
        if leaf.ndim:
            continue  # the parameters of the law of the start
        at = lambda e, i=i, leaf=leaf: _log_prob(
            jax.tree.unflatten(tree, [*leaves[:i], leaf + e, *leaves[i + 1 :]]), series
        )
        e = 1e-5
        numeric = (8 * (at(e / 2) - at(-e / 2)) - (at(e) - at(-e))) / (6 * e)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-4 * (1 + abs(numeric)))


@NAMES
def test_conditioning_is_the_ratio_of_densities_and_may_be_repeated(name):
    model = MODELS[name](np.array([0.35, 0.4, 0.6, 0.7]))
    ys, _ = _series(model, 2)
    first, second = np.array([0, 2, 3]), np.array([1, 4, 6])
    given_first = model.condition(Series(IRREGULAR[first], ys[first]))
    both = np.sort(np.r_[first, second])
    joint = model.log_prob(Series(IRREGULAR[both], ys[both])) - model.log_prob(Series(IRREGULAR[first], ys[first]))
    later = given_first.log_prob(Series(IRREGULAR[second], ys[second]))
    np.testing.assert_allclose(later, joint, rtol=1e-5, atol=1e-5)
    twice = given_first.condition(Series(IRREGULAR[second], ys[second]))
    once = model.condition(Series(IRREGULAR[both], ys[both]))
    ts = jnp.array([0.2, 0.9, 3.0])
    np.testing.assert_allclose(twice.mean(ts), once.mean(ts), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(twice.covariance(ts, ts), once.covariance(ts, ts), rtol=1e-5, atol=1e-6)
    at = once.mean(jnp.asarray(IRREGULAR[both]))
    np.testing.assert_allclose(at, ys[both], atol=1e-5)


@NAMES
@pytest.mark.parametrize("ts", [IRREGULAR, REGULAR], ids=["irregular", "regular"])
@given(x=PARAMETERS, seed=st.integers(0, 2**32 - 1))
def test_samples_have_the_law(name, ts, x, seed):
    model = MODELS[name](x)
    mean, cov = (np.asarray(v) for v in _law(model, ts))
    xs = np.asarray(model.sample(ts, key=jax.random.key(seed), n=4000).xs[..., 0])
    scale = np.sqrt(np.diag(cov) + 1e-6)
    # Effects of 0.2 standard deviations in a mean, and of 0.3 in a correlation, are found.
    assert_mean((xs - mean) / scale, np.zeros(len(ts)), effect=0.2, tolerance=1e-4)
    assert_covariance(xs / scale, cov / np.outer(scale, scale), effect=0.3, tolerance=1e-3)


@NAMES
def test_a_path_depends_on_its_key_and_number_alone(name):
    model = MODELS[name](np.array([0.35, 0.4, 0.6, 0.7]))
    key = jax.random.key(3)
    for ts in (IRREGULAR, REGULAR):
        many = model.sample(ts, key=key, n=5).xs
        np.testing.assert_allclose(model.sample(ts, key=key, n=3, chunk=2).xs, many[:3], rtol=1e-6, atol=1e-7)
        one = model.sample(ts, key=jax.random.fold_in(key, 1)).xs
        np.testing.assert_allclose(one, many[1], rtol=1e-6, atol=1e-7)


@NAMES
def test_float32_is_near_float64(name):
    x = np.array([0.35, 0.4, 0.6, 0.7])
    model = MODELS[name](x)
    single = jax.tree.map(lambda v: v.astype(jnp.float32) if eqx.is_inexact_array(v) else v, model)
    ts = IRREGULAR.astype(np.float32)
    mean, cov = _law(model, ts.astype(np.float64))
    mean32, cov32 = _law(single, ts)
    assert cov32.dtype == mean32.dtype == jnp.float32
    np.testing.assert_allclose(mean32, mean, atol=5e-5)
    np.testing.assert_allclose(cov32, cov, atol=2e-5)
    path = single.sample(ts, key=jax.random.key(0), n=2).xs
    assert path.dtype == jnp.float32
    assert np.isfinite(path).all()
    ys, _ = _series(model, 3)
    value = _log_prob(single, Series(ts, ys.astype(np.float32)))
    assert value.dtype == jnp.float32
    if name != "conditioned":  # whose default jitter depends on the dtype, at times next to the observed
        np.testing.assert_allclose(value, _log_prob(model, Series(ts.astype(np.float64), ys)), rtol=0.02, atol=0.02)


@NAMES
def test_unconstrained_coordinates_go_there_and_back(name):
    model = MODELS[name](np.array([0.35, 0.4, 0.6, 0.7]))
    back = sk.constrain(sk.unconstrain(model))
    for a, b in zip(jax.tree.leaves(model), jax.tree.leaves(back), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
