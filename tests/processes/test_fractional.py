"""Fractional processes: the Brownian cases, the figures of a pinned bridge, and how `sample` chooses."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given, strategies as st

from sdekit.data import Series
from sdekit.evaluate import assert_covariance
from sdekit.processes import OrnsteinUhlenbeck
from sdekit.processes._fractional import FractionalBrownianMotion, FractionalOrnsteinUhlenbeck
from sdekit.processes._gaussian import ConditionedGaussian


def _solver(process):
    return type(process).__name__


def test_index_one_half_is_the_ornstein_uhlenbeck_process():
    ts = jnp.array([0.3, 0.35, 1.2, 4.0])
    ys = jnp.array([0.2, 0.1, 1.5, -0.3])
    ou = OrnsteinUhlenbeck(rate=1.3, mean=0.5, scale=0.7)
    for start, law in ((None, ou.stationary()), (2.0, ou.transition(0.0, ts[0], jnp.array([2.0])))):
        exact = law.log_prob(ys[:1])
        for i in range(3):
            exact += ou.transition(ts[i], ts[i + 1], ys[i : i + 1]).log_prob(ys[i + 1 : i + 2])
        fou = FractionalOrnsteinUhlenbeck(0.5, 1.3, 0.5, 0.7, start=start)
        np.testing.assert_allclose(fou.log_prob(Series(ts, ys)), exact, rtol=1e-10)
    np.testing.assert_allclose(fou.stationary().variance, ou.stationary().variance, rtol=1e-14)


def test_increments_of_fractional_brownian_motion_are_stationary_and_self_similar():
    motion = FractionalBrownianMotion(0.3, 2.0)
    ts = jnp.array([0.5, 1.0, 1.5, 7.0, 7.5])
    cov = np.asarray(motion.covariance(ts, ts))
    step = lambda i, j: cov[i, i] + cov[j, j] - 2 * cov[i, j]
    np.testing.assert_allclose([step(0, 1), step(1, 2), step(3, 4)], 4 * 0.5**0.6, rtol=1e-12)
    np.testing.assert_allclose(motion.covariance(3 * ts, 3 * ts), 3**0.6 * cov, rtol=1e-12)


# Fractional Ornstein-Uhlenbeck processes of unit variance from 0, observed once at t = 2 with noise 0.1 as y = 0: the
# variance at t = 2, the posterior standard deviation at t = 1, and -log p(y) - log(2 pi 0.01) / 2. Computed apart from
# this code, by quadrature of the covariance of the driving motion.
PINNED = [
    (0.6, 1.0, 0.5230, 0.5801, 1.9880),
    (0.7, 1.0, 0.5643, 0.5282, 2.0253),
    (0.9, 1.0, 0.6759, 0.3407, 2.1141),
    (0.7, 2.0, 0.2335, 0.4274, 1.5963),
    (0.9, 2.0, 0.2349, 0.2903, 1.5992),
]


@pytest.mark.parametrize(("hurst", "rate", "variance", "deviation", "loss"), PINNED)
def test_pinned_process_has_the_published_figures(hurst, rate, variance, deviation, loss):
    model = FractionalOrnsteinUhlenbeck(hurst, rate, start=0.0)
    found, posterior = _pinned(model)
    np.testing.assert_allclose(found, variance, atol=2e-4)
    np.testing.assert_allclose(np.sqrt(posterior), deviation, atol=2e-3)
    np.testing.assert_allclose(0.5 * np.log((found + 0.01) / 0.01), loss, atol=2e-3)


@pytest.mark.parametrize(("hurst", "deviation"), [(0.1, 0.8458), (0.3, 0.7897), (0.7, 0.5854), (0.9, 0.3632)])
def test_pinned_motion_has_the_published_figures(hurst, deviation):
    found, posterior = _pinned(FractionalBrownianMotion(hurst))
    np.testing.assert_allclose(found, 2 ** (2 * hurst), rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(posterior), deviation, atol=1e-3)


@jax.jit
def _pinned(model):
    series = Series(jnp.array([2.0]), jnp.array([0.0]))
    posterior = ConditionedGaussian(model, series, noise_variance=0.01)
    return model.marginal(2.0).variance[0], posterior.marginal(1.0).variance[0]


def test_regular_grids_are_drawn_by_transforms_and_others_by_a_root():
    motion, process = FractionalBrownianMotion(0.3), FractionalOrnsteinUhlenbeck(0.3, 1.0)
    started = FractionalOrnsteinUhlenbeck(0.3, 1.0, start=0.0)
    regular, late, off = np.linspace(0, 1, 9), np.linspace(0.25, 1, 7), np.linspace(0.33, 1, 8)
    for model, fast, slow in (
        (motion, (regular, late), (off, regular**2, -regular[::-1], np.array([1.0]))),
        (started, (regular, late), (off, regular**2, np.array([1.0]))),
        (process, (regular, late, off, -regular[::-1]), (regular**2, np.array([1.0]))),
    ):
        assert all("Gridded" in _solver(model.on_grid(ts)) for ts in fast)
        assert all("Rooted" in _solver(model.on_grid(ts)) for ts in slow)
    # The times of float32 grids are rounded; they are regular all the same.
    assert "Gridded" in _solver(motion.on_grid(np.linspace(0, 7, 1001, dtype=np.float32)))
    assert "Rooted" in _solver(motion.on_grid(np.linspace(0, 7, 101) + 1e-6 * np.sin(np.arange(101))))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.5, 0.9]))
def test_grids_that_start_late_continue_the_motion_from_time_0(seed, hurst):
    for model in (FractionalBrownianMotion(hurst, 2.0), FractionalOrnsteinUhlenbeck(hurst, 1.0, start=0.5)):
        ts = np.linspace(0.5, 1.0, 5)
        xs = model.sample(ts, key=jax.random.key(seed), n=4000).xs[..., 0]
        assert_covariance(xs, model.covariance(jnp.asarray(ts), jnp.asarray(ts)), effect=1.0)


def test_under_jit_traced_times_work_and_known_times_are_fast():
    motion, ts = FractionalBrownianMotion(0.3), np.linspace(0, 1, 6)
    eager = motion.sample(ts, key=jax.random.key(0)).xs
    known = jax.jit(lambda key: motion.sample(ts, key=key).xs)(jax.random.key(0))
    np.testing.assert_allclose(known, eager, rtol=1e-6, atol=1e-12)
    traced = jax.jit(lambda ts: motion.sample(ts, key=jax.random.key(0)).xs)(jnp.asarray(ts))
    assert traced.shape == eager.shape
    assert np.isfinite(traced).all()
    assert traced[0, 0] == 0
    slope = jax.grad(lambda h: FractionalBrownianMotion(h).sample(jnp.asarray(ts), key=jax.random.key(0)).xs.sum())(0.3)
    assert np.isfinite(slope)


@pytest.mark.parametrize("hurst", [0.02, 0.9, 0.98])
@pytest.mark.parametrize("ts", [np.linspace(0, 1, 200), np.linspace(0, 1, 200) ** 2], ids=["regular", "irregular"])
def test_rough_and_smooth_paths_are_finite_in_float32(hurst, ts):
    for process in (
        FractionalBrownianMotion(np.float32(hurst), np.float32(1)),
        FractionalOrnsteinUhlenbeck(*np.float32([hurst, 1, 0, 1])),
        FractionalOrnsteinUhlenbeck(*np.float32([hurst, 1, 0, 1]), start=np.float32(0.0)),
    ):
        xs = np.asarray(process.sample(ts.astype(np.float32), key=jax.random.key(0), n=200).xs[..., 0])
        assert xs.dtype == np.float32
        assert np.isfinite(xs).all()
        # The mean square of increments, over all paths and steps: 40,000 of them, though dependent within a path.
        at = np.asarray(ts, np.float64)
        cov = np.asarray(process._covariance(np.float64, at, at)) if "Orn" in _solver(process) else None
        if cov is not None:
            exact = np.diag(cov)[1:] + np.diag(cov)[:-1] - 2 * np.diag(cov, 1)
        else:
            exact = np.diff(at) ** (2 * hurst)
        ratio = np.mean(np.diff(xs) ** 2 / exact)
        np.testing.assert_allclose(ratio, 1, atol=0.5 if hurst > 0.5 else 0.1)


@pytest.mark.float32
@pytest.mark.parametrize("start", ["motion", "stationary", "started"])
def test_densities_in_float32_are_those_of_float64_for_long_records(start):
    rng = np.random.default_rng(3)
    keep = (rng.uniform(size=400) < 0.8)[:, None]
    for hurst in (0.1, 0.7, 0.98):
        for ts in (np.arange(1, 401) / 400, np.sort(rng.uniform(0.0, 10.0, 400))):
            single = _long(start, np.float32, hurst)
            with jax.enable_x64(True):  # the oracle, in the float32 job too
                cov = np.asarray(_long(start, np.float64, hurst).covariance(*np.float64(np.float32([ts, ts]))))
            ys = rng.multivariate_normal(np.zeros(400), cov, method="cholesky").astype(np.float32)
            exact = _numpy_log_prob(cov[np.ix_(keep[:, 0], keep[:, 0])], np.float64(ys[keep[:, 0]]))
            value = _log_prob(single, Series(np.float32(ts), ys, keep))
            assert value.dtype == np.float32
            np.testing.assert_allclose(value, exact, atol=1e-2, err_msg=f"{hurst}")


@jax.jit
def _log_prob(model, series):
    return model.log_prob(series)


def _long(start, dtype, hurst):
    hurst = dtype(np.float32(hurst))
    if start == "motion":
        return FractionalBrownianMotion(hurst, dtype(1))
    return FractionalOrnsteinUhlenbeck(hurst, *dtype([1, 0, 1]), start=None if start == "stationary" else dtype(0))


def _numpy_log_prob(cov, ys):
    return -0.5 * (ys @ np.linalg.solve(cov, ys) + np.linalg.slogdet(2 * np.pi * cov)[1])


def test_motion_observed_on_both_sides_of_time_0_has_the_density_of_its_covariance():
    motion, ts = FractionalBrownianMotion(0.8, 2.0), np.array([-2.0, -0.5, -0.1, 0.0, 0.3, 1.0])
    ys, keep = np.array([0.7, 0.2, 0.1, 0.0, -0.2, 0.4]), np.array([1, 0, 1, 0, 1, 1], bool)
    cov = np.asarray(motion.covariance(jnp.asarray(ts[keep]), jnp.asarray(ts[keep])))
    value = _log_prob(motion, Series(ts, ys, keep))
    np.testing.assert_allclose(value, _numpy_log_prob(cov, ys[keep]), rtol=1e-10)
    known = _log_prob(motion, Series(ts, ys, keep | (ts == 0)))
    np.testing.assert_allclose(known, value, rtol=1e-10)


def test_long_paths_need_no_matrix():
    ts = np.linspace(0, 1, 2**17 + 1)
    path = FractionalBrownianMotion(0.2).sample(ts, key=jax.random.key(0)).xs[:, 0]
    # Quadratic variation of n increments: n^(1 - 2H) times chi-square over n; detects 3 per cent in its exponent.
    n = len(ts) - 1
    np.testing.assert_allclose(np.sum(np.diff(np.asarray(path)) ** 2), n ** (1 - 0.4), rtol=0.03)


def test_wrong_parameters_are_named():
    with pytest.raises(ValueError, match=r"FractionalBrownianMotion\.hurst"):
        FractionalBrownianMotion(1.0)
    with pytest.raises(ValueError, match=r"FractionalOrnsteinUhlenbeck\.start"):
        FractionalOrnsteinUhlenbeck(0.3, 1.0, start=dist.Cauchy(jnp.zeros(1), 1.0).to_event(1))
    with pytest.raises(ValueError, match="`series` must have one component"):
        FractionalBrownianMotion(0.3).log_prob(Series(jnp.arange(3.0), jnp.zeros((3, 2))))
