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
from sdekit.noise import HurstCurve
from sdekit.processes._fractional import FractionalBrownianMotion, FractionalOrnsteinUhlenbeck
from sdekit.processes._gaussian import GaussianProcess
from sdekit.processes._kernels import Exponential, Matern32, Matern52, Periodic, RationalQuadratic
from sdekit.processes._riemann_liouville import MultifractionalMotion, RiemannLiouvilleMotion


IRREGULAR = np.array([0.05, 0.1, 0.45, 0.6, 1.3, 1.35, 2.0])
REGULAR = np.linspace(0.0, 1.5, 7)
KNOWN = Series(jnp.array([0.3, 1.0, 1.7]), jnp.array([0.5, jnp.nan, -0.2]), jnp.array([True, False, True]))


MODELS = {
    "sum": lambda x: GaussianProcess(Matern32(0.5 + x[0], 0.3 + x[1]) + Exponential(0.4, 0.5 + x[2]), x[3], jitter=0.0),
    "product": lambda x: GaussianProcess(
        RationalQuadratic(0.5 + x[0], 1.0, 0.5 + x[1]) * Matern52(1.0, 0.5 + x[1]) * Periodic(1.0, 0.7 + x[2], 0.9),
        x[3],
    ),
    "fbm": lambda x: FractionalBrownianMotion(x[0], 0.5 + x[1]),
    "fou": lambda x: FractionalOrnsteinUhlenbeck(x[0], 0.5 + x[1], x[2], 0.5 + x[3]),
    "fou from a law": lambda x: FractionalOrnsteinUhlenbeck(
        x[0], 0.5 + x[1], x[2], 0.5 + x[3], start=dist.Normal(jnp.ones(1), 0.5).to_event(1)
    ),
    "riemann-liouville": lambda x: RiemannLiouvilleMotion(x[0], 0.5 + x[1]),
    "multifractional": lambda x: MultifractionalMotion(HurstCurve([0.0, 1.0, 2.0], x[:3]), 0.5 + x[3]),
    "bridge": lambda x: FractionalBrownianMotion(x[0], 0.5 + x[1]).bridge(-0.5, x[2:3], 3.0, x[3:4]),
    "conditioned": lambda x: FractionalBrownianMotion(x[0], 0.5 + x[1]).condition(KNOWN),
}
PARAMETERS = st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4).map(np.array)
SEEDS = st.integers(0, 2**32 - 1)
NAMES = pytest.mark.parametrize("name", MODELS)


@eqx.filter_jit
def _everything(model, series):
    """Moments at the times of a series, its log-density and the gradient of it: compiled once a class."""
    value, gradient = eqx.filter_value_and_grad(lambda m: m.log_prob(series))(model)
    ts = series.ts
    return model.mean(ts), model.covariance(ts, ts), model.reference_variance(ts), value, gradient


EMPTY = Series(IRREGULAR, np.zeros(len(IRREGULAR)), np.zeros(len(IRREGULAR), bool))


def _record(model, seed, drop=0.3):
    """A series drawn from the law of the model by NumPy, with holes."""
    rng = np.random.default_rng(seed)
    mean, cov, *_ = (np.asarray(x) for x in _everything(model, EMPTY)[:3])
    ys = rng.multivariate_normal(mean, cov, method="eigh")
    keep = rng.uniform(size=len(ys)) >= drop
    return Series(IRREGULAR, np.where(keep, ys, np.nan), keep), ys, keep


@NAMES
@given(x=PARAMETERS, seed=SEEDS)
def test_moments_and_densities_are_those_of_the_multivariate_normal(name, x, seed):
    model = MODELS[name](x)
    series, ys, keep = _record(model, seed)
    mean, cov, reference, value, _ = _everything(model, series)
    np.testing.assert_allclose(cov, cov.T, rtol=1e-12, atol=1e-14)
    assert np.linalg.eigvalsh(cov).min() > -1e-12
    jitter = 1e-10 if model.jitter is None else model.jitter
    cov = np.asarray(cov + jitter * jnp.diag(reference))[np.ix_(keep, keep)]
    exact = 0.0
    if keep.any():
        exact = scipy.stats.multivariate_normal(np.asarray(mean)[keep], cov, allow_singular=True).logpdf(ys[keep])
    np.testing.assert_allclose(value, exact, rtol=1e-6, atol=1e-7)
    # What is masked has no influence, whatever it is.
    assert _everything(model, Series(IRREGULAR, np.where(keep, ys, 1e30), keep))[3] == value


@NAMES
@given(x=PARAMETERS, seed=SEEDS)
def test_gradients_of_densities_are_derivatives(name, x, seed):
    model = MODELS[name](x)
    series, _, _ = _record(model, seed)
    gradient = _everything(model, series)[4]
    # What a model was conditioned on is data, not a parameter.
    free = eqx.filter(model, lambda v: eqx.is_inexact_array(v) and v.ndim == 0)
    for (path, leaf), (_, slope) in zip(*map(_scalars, (model, gradient)), strict=True):
        if name == "conditioned":
            assert np.isfinite(slope)
            continue
        at = lambda e, path=path, leaf=leaf: _everything(_replaced(model, path, leaf + e), series)[3]
        e = 1e-5
        numeric = (8 * (at(e / 2) - at(-e / 2)) - (at(e) - at(-e))) / (6 * e)
        np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-4 * (1 + abs(numeric)), err_msg=str(path))
    assert jax.tree.leaves(free)


def _scalars(tree):
    return [(p, v) for p, v in jax.tree_util.tree_flatten_with_path(tree)[0] if jnp.ndim(v) == 0]


def _replaced(model, path, value):
    return jax.tree_util.tree_map_with_path(lambda p, v: value if p == path else v, model)


@NAMES
def test_marginals_are_the_diagonal_and_masked_entries_equal_dropped_ones(name):
    model = MODELS[name](np.array([0.3, 0.4, 0.6, 0.7]))
    _, ys, _ = _record(model, 1)
    keep = np.array([True, True, False, True, False, True, True])
    mean, cov, _, whole, _ = _everything(model, Series(IRREGULAR, ys, keep))
    dropped = eqx.filter_jit(lambda m, s: m.log_prob(s))(model, Series(IRREGULAR[keep], ys[keep]))
    np.testing.assert_allclose(whole, dropped, rtol=1e-10, atol=1e-10)
    law = eqx.filter_jit(lambda m, t: m.marginal(t))(model, jnp.asarray(IRREGULAR[3]))
    np.testing.assert_allclose(law.mean, mean[3:4], rtol=1e-12)
    np.testing.assert_allclose(law.variance, cov[3, 3:4], rtol=1e-10)
    if isinstance(model, AbstractStationary) and model.start is None:
        np.testing.assert_allclose(model.stationary().variance, law.variance, rtol=1e-10)


@pytest.mark.parametrize("name", ["sum", "product", "fbm", "conditioned"])
def test_conditioning_is_the_ratio_of_densities_and_may_be_repeated(name):
    model = MODELS[name](np.array([0.35, 0.4, 0.6, 0.7]))
    _, ys, _ = _record(model, 2)
    at = lambda index: Series(IRREGULAR[index], ys[index])
    first, second, both = at(np.array([0, 2, 3])), at(np.array([1, 4, 6])), at(np.array([0, 1, 2, 3, 4, 6]))
    ts = jnp.array([0.2, 0.9, 3.0])

    @eqx.filter_jit
    def run(model, first, second, both):
        given_first = model.condition(first)
        twice, once = given_first.condition(second), model.condition(both)
        ratio = model.log_prob(both) - model.log_prob(first)
        moments = lambda p: (p.mean(ts), p.covariance(ts, ts))
        return given_first.log_prob(second), ratio, moments(twice), moments(once), once.mean(both.ts)

    later, ratio, twice, once, back = run(model, first, second, both)
    np.testing.assert_allclose(later, ratio, rtol=1e-5, atol=1e-5)
    for a, b in zip(twice, once, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(back, both.ys[:, 0], atol=1e-5)


@NAMES
@pytest.mark.parametrize("ts", [IRREGULAR, REGULAR], ids=["irregular", "regular"])
@given(x=PARAMETERS, seed=SEEDS)
def test_samples_have_the_law(name, ts, x, seed):
    model = MODELS[name](x)
    empty = Series(ts, np.zeros(len(ts)), np.zeros(len(ts), bool))
    mean, cov, *_ = (np.asarray(v) for v in _everything(model, empty)[:3])
    xs = np.asarray(model.sample(ts, key=jax.random.key(seed), n=4000).xs[..., 0])
    scale = np.sqrt(np.maximum(np.diag(cov), 0) + 1e-6)
    # Effects of 0.2 standard deviations in a mean, and of 0.3 in a correlation, are found.
    assert_mean((xs - mean) / scale, np.zeros(len(ts)), effect=0.2, tolerance=1e-4)
    assert_covariance(xs / scale, cov / np.outer(scale, scale), effect=0.3, tolerance=1e-3)


@NAMES
def test_a_path_depends_on_its_key_and_number_alone(name):
    model = MODELS[name](np.array([0.35, 0.4, 0.6, 0.7]))
    key = jax.random.key(3)
    many = model.sample(REGULAR, key=key, n=5).xs
    np.testing.assert_allclose(model.sample(REGULAR, key=key, n=3, chunk=2).xs, many[:3], rtol=1e-6, atol=1e-7)
    one = model.sample(REGULAR, key=jax.random.fold_in(key, 1)).xs
    np.testing.assert_allclose(one, many[1], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", [n for n in MODELS if n != "fou from a law"])  # whose covariance is that of "fou"
def test_float32_is_near_float64(name):
    model = MODELS[name](np.array([0.35, 0.4, 0.6, 0.7]))
    single = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32) if eqx.is_inexact_array_like(v) else v, model)
    ts = IRREGULAR.astype(np.float32)
    _, ys, _ = _record(model, 3)
    mean, cov, _, value, _ = _everything(model, Series(ts.astype(np.float64), ys))
    mean32, cov32, _, value32, gradient32 = _everything(single, Series(ts, ys.astype(np.float32)))
    assert cov32.dtype == mean32.dtype == value32.dtype == jnp.float32
    np.testing.assert_allclose(mean32, mean, atol=5e-5)
    np.testing.assert_allclose(cov32, cov, atol=2e-5)
    if name not in ("conditioned", "product"):  # whose default jitter depends on the dtype
        np.testing.assert_allclose(value32, value, rtol=0.02, atol=0.02)
    assert all(np.isfinite(v).all() for v in jax.tree.leaves(gradient32))
    path = single.sample(REGULAR.astype(np.float32), key=jax.random.key(0), n=2).xs
    assert path.dtype == jnp.float32
    assert np.isfinite(path).all()


@NAMES
def test_unconstrained_coordinates_go_there_and_back(name):
    model = MODELS[name](np.array([0.35, 0.4, 0.6, 0.7]))
    back = sk.constrain(sk.unconstrain(model))
    for a, b in zip(jax.tree.leaves(model), jax.tree.leaves(back), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
