"""Fractional diffusions forwards and backwards: exact laws, scores against gradients, the data law given back."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from mpmath import mp
from scipy import stats

import sdekit as sk
from sdekit.fractional import (
    Ancestral,
    AugmentedLaw,
    AugmentedScoreMatching,
    FractionalVE,
    FractionalVP,
    NoiseScore,
    Reversed,
)
from sdekit.noise import BrownianDriver, GammaMax, MandelbrotVanNess, MarkovFractional
from sdekit.solve import solve

from ..noise.drivers import Modes


FAST = (np.array([0.3, 20.0, 3e3, 1e6]), np.array([0.5, -0.6, 3.0, 500.0]))
OF_FAST = eqx.filter_jit(
    FractionalVP(
        Modes(*map(jnp.asarray, FAST), direct=0.2), beta_min=3.0, beta_max=3.0, horizon=2.0, normalise=False
    ).moments
)
SMOOTH = MarkovFractional(0.9, 2, grid=GammaMax(20.0))


def cast(model, dtype):
    return jax.tree.map(lambda v: v.astype(dtype) if eqx.is_inexact_array(v) else v, model)


def constant(rates, weights, direct, beta, t):
    r"""The covariance of $(X, Z)$ for a constant $\beta$: kernels are sums of exponentials, integrated in 60 digits."""
    with mp.workdps(60):
        a, t, root = mp.mpf(beta) / 2, mp.mpf(t), mp.sqrt(beta)
        g = [*map(mp.mpf, rates), mp.mpf(0)]  # the direct part is a mode of rate 0
        w = [*map(mp.mpf, weights), mp.mpf(direct)]
        size = len(rates)
        # Row 0 of the coefficients is X, the others the modes, over exponentials of the rates (g, 0, a).
        coef = mp.zeros(1 + size, size + 2)
        for k in range(size + 1):
            coef[0, k] = root * w[k] * g[k] / (g[k] - a)
            coef[0, size + 1] -= root * w[k] * a / (g[k] - a)
        for k in range(size):
            coef[1 + k, k] = 1
        total = lambda i, j: [*g, a][i] + [*g, a][j]
        both = mp.matrix(size + 2, size + 2)
        for i in range(size + 2):
            for j in range(size + 2):
                both[i, j] = -mp.expm1(-total(i, j) * t) / total(i, j) if total(i, j) else t
        cov = coef * both * coef.T
        weights = mp.lu_solve(cov[1:, 1:], cov[1:, 0])
        rest = cov[0, 0] - (cov[0, 1:] * weights)[0]
        return np.array(cov.tolist(), float), np.array(weights.tolist(), float)[:, 0], float(mp.sqrt(rest))


@pytest.mark.parametrize("t", [1e-3, 0.3, 2.0])
def test_the_augmented_law_is_exact_for_rates_up_to_a_million(t):
    exact, weights, rest = constant(*FAST, 0.2, 3.0, t)
    moments = OF_FAST(jnp.asarray(t))
    size = np.sqrt(np.diag(exact))
    np.testing.assert_allclose(moments.covariance[0] / np.outer(size, size), exact / np.outer(size, size), atol=1e-9)
    np.testing.assert_allclose(moments.mean, np.exp(-1.5 * t), rtol=1e-12)
    np.testing.assert_allclose(moments.rest[0], rest, rtol=1e-7, atol=1e-9 * size[0])
    np.testing.assert_allclose(moments.regression[0] * size[1:], weights * size[1:], atol=1e-5 * size[0])


@pytest.mark.parametrize("kind", [FractionalVP, FractionalVE])
def test_float32_keeps_the_digits(kind):
    rough_and_smooth = MarkovFractional(jnp.array([0.3, 0.9]), 3, grid=GammaMax(20.0))
    forward = kind(rough_and_smooth, dist.Delta(jnp.zeros(2), event_dim=1))

    @eqx.filter_jit
    @jax.vmap
    def look(t):
        m = forward.moments(t)
        low = cast(forward, jnp.float32).moments(t)
        return m.covariance, low.covariance, m.rest / jnp.sqrt(m.variance), low.rest / jnp.sqrt(low.variance)

    exact, found, rest, found_rest = look(jnp.array([1e-2, 0.5, 1.0]))
    assert found.dtype == found_rest.dtype == jnp.float32
    np.testing.assert_allclose(found, exact, rtol=5e-6)
    np.testing.assert_allclose(found_rest, rest, atol=5e-6)


def test_under_brownian_motion_it_is_the_ordinary_diffusion():
    """Song et al. (2021), equation 29, with the noise at the start left out."""
    t = 0.37
    vp, ve = FractionalVP(BrownianDriver()), FractionalVE(BrownianDriver(), sigma_min=0.1, sigma_max=20.0)
    total = 0.1 * t + 0.5 * 19.9 * t**2
    np.testing.assert_allclose(vp.moments(t).variance, -np.expm1(-total), rtol=1e-12)
    np.testing.assert_allclose(vp.moments(t).mean, np.exp(-total / 2), rtol=1e-12)
    np.testing.assert_allclose(ve.moments(t).variance, 0.01 * (200.0 ** (2 * t) - 1), rtol=1e-12)
    np.testing.assert_allclose([ve.moments(t).mean, *ve.factor, *vp.factor], 1, rtol=1e-12)


def test_the_variance_at_the_horizon_does_not_depend_on_the_index():
    ends = [FractionalVP(MarkovFractional(h, 3), horizon=0.8).moments(0.8).variance for h in (0.2, 0.5, 0.8)]
    np.testing.assert_allclose(np.array(ends), -np.expm1(-0.8 * 10.05), rtol=1e-9)
    past = FractionalVE(MarkovFractional(0.7, 3, kind=MandelbrotVanNess()), sigma_max=5.0)
    np.testing.assert_allclose(past.moments(1.0).variance, 25 - 1e-4, rtol=1e-9)


def test_the_law_at_one_time_is_that_of_paths_by_steps():
    """Each of 6 covariances within its standard error of 20,000 paths, one false alarm in 1e6; 1 % of bias is borne."""
    forward, n = FractionalVP(SMOOTH, dist.Delta(jnp.array([0.7]), event_dim=1)), 20_000
    xs = np.asarray(solve(forward, jnp.array([0.0, 0.6]), key=jax.random.key(0), n=n, dt=0.004).xs[:, -1])
    moments = forward.moments(0.6)
    exact = np.asarray(moments.covariance[0])
    error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / n)
    gap = np.abs(np.cov(xs.T) - exact) - 0.01 * np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    assert (gap / error).max() < stats.norm.isf(1e-6 / 12)
    mean = np.array([0.7 * moments.mean, 0.0, 0.0])
    assert (np.abs(xs.mean(0) - mean) / np.sqrt(np.diag(exact) / n)).max() < stats.norm.isf(1e-6 / 6) + 0.01


def test_scores_are_gradients_of_log_densities():
    """Given the start, and of Gaussian data, by differentiating densities; d = 2 components, 2 modes."""
    data = dist.Normal(jnp.array([0.5, -1.0]), jnp.array([0.3, 0.8])).to_event(1)
    forward, x0, t = FractionalVP(SMOOTH, data), jnp.array([0.4, -0.2]), 0.3
    x, z = forward.sample_at(t, x0, key=jax.random.key(1))
    law = AugmentedLaw(forward.moments(t), x0)
    state = jnp.concatenate([x, z.ravel()])
    both = lambda score: jnp.concatenate([score[0], score[1].ravel()])
    np.testing.assert_allclose(both(forward.conditional_score(t, x0, x, z)), jax.grad(law.log_prob)(state), rtol=1e-7)
    m = forward.moments(t)
    r = forward.residual(t, x, z)
    score = -(r - m.mean * data.mean) / (m.mean**2 * data.variance + m.rest**2)
    found = both(forward.augmented_score(t, score, z))
    np.testing.assert_allclose(found, jax.grad(forward.marginal(t).log_prob)(state), rtol=1e-5)
    # The law itself: moments against its covariance, the density against that of the dense Gaussian.
    dense = dist.MultivariateNormal(law.mean, forward.discretise(0.0, t)[2])
    np.testing.assert_allclose(law.log_prob(state), dense.log_prob(state), rtol=1e-8)
    np.testing.assert_allclose(law.variance, dense.variance, rtol=1e-9)


class GaussianScore(eqx.Module):
    """Of data that are normal."""

    forward: sk.fractional.AbstractFractionalForward
    mean: float = 0.5
    deviation: float = 0.2

    def __call__(self, t, r):
        m = self.forward.moments(t)
        return (m.mean * self.mean - r) / (m.mean**2 * self.deviation**2 + m.rest**2)


def from_data(forward, t, n):
    """States and modes at `t` of data that are normal: where a reverse process is to start."""

    def one(key):
        first, rest = jax.random.split(key)
        x, z = forward.sample_at(t, 0.5 + 0.2 * jax.random.normal(first, (1,)), key=rest)
        return jnp.concatenate([x, z.ravel()])

    return jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(7), n))


@pytest.mark.parametrize(("hurst", "stochasticity"), [(0.3, 1.0), (0.5, 1.0), (0.9, 1.0), (0.9, 0.0)])
def test_the_reverse_gives_back_the_data(hurst, stochasticity):
    """Mean and deviation at t = 0.01 of 2,000 paths: errors of 1e-6 tails, and 2 % of the deviation for the steps."""
    forward, n = FractionalVP(MarkovFractional(hurst, 2, grid=GammaMax(20.0))), 2000
    process = Reversed(forward, GaussianScore(forward), stochasticity)
    ts = jnp.array([0.0, 0.8, 0.99])
    path = solve(process, ts, x0=from_data(forward, 1.0, n), key=jax.random.key(3), n=n, steps=100, chunk=n)
    assert process.parts(path.xs[0, 0]).z.shape == (1, 2)
    xs, m = np.asarray(path.xs[:, -1, 0]), forward.moments(0.01)
    deviation = float(jnp.sqrt(m.mean**2 * 0.04 + m.variance[0]))
    far = stats.norm.isf(1e-6 / 4)
    assert abs(xs.mean() - 0.5 * float(m.mean)) < far * deviation / np.sqrt(n) + 0.02 * deviation
    assert abs(xs.std() / deviation - 1) < far / np.sqrt(2 * n) + 0.02


def test_ancestral_steps_are_exact_for_a_point():
    """Three steps with rates up to 6e3: the laws at all times are those forwards, and the end is the point."""
    forward, n = FractionalVP(MarkovFractional(0.3, 5)), 20_000
    process = Ancestral(forward, GaussianScore(forward, 0.5, 0.0))
    ts = jnp.array([0.0, 0.3, 0.8, 1.0])
    path = process.sample(ts, key=jax.random.key(4), n=n)
    np.testing.assert_allclose(path.xs[:, -1, 0], 0.5, atol=1e-6)
    np.testing.assert_array_equal(process.initial.event_shape, (6,))
    for i, t in ((1, 0.7), (2, 0.2)):
        m = forward.moments(t)
        exact = np.asarray(m.covariance[0])
        found = np.cov(np.asarray(path.xs[:, i]).T)
        error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / n)
        assert (np.abs(found - exact) / error)[np.triu_indices(6)].max() < stats.norm.isf(1e-6 / 84)
        # The start is noise about 0, where the data would stand at 0.5 e^-5: a shift of 0.003 at the most.
        gap = abs(float(path.xs[:, i, 0].mean()) - 0.5 * float(m.mean))
        assert gap < stats.norm.isf(1e-6 / 4) * np.sqrt(exact[0, 0] / n) + 0.004


def test_ancestral_steps_tend_to_the_data():
    """The deviation falls short by what a step neglects: half as much with twice the steps; two data, two readouts."""
    driver = Modes(jnp.array([0.5, 30.0, 1e4]), jnp.array([[0.5, 0.3, 2.0], [0.8, -0.2, 0.0]]), direct=0.3)
    forward = FractionalVP(driver, dist.Delta(jnp.zeros(2), event_dim=1))
    process = Ancestral(forward, GaussianScore(forward))
    short = []
    for steps in (25, 50):
        path = process.sample(jnp.linspace(0.0, 1.0, steps + 1), key=jax.random.key(5), n=10_000)
        xs = np.asarray(path.xs[:, -1, :2])
        assert np.abs(xs.mean(0) - 0.5).max() < 0.01
        short.append(1 - xs.std(0) / 0.2)
    assert (np.abs(short[1]) < 0.2).all()
    np.testing.assert_allclose(short[1] / short[0], 0.5, atol=0.2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"sigma_max.*above sigma_min"):
        FractionalVE(SMOOTH, sigma_min=2.0, sigma_max=1.0)
    with pytest.raises(ValueError, match=r"start.*law of a vector"):
        FractionalVP(SMOOTH, dist.Normal(0.0, 1.0))
    rows = Modes(jnp.ones(1), jnp.ones((3, 1)))
    with pytest.raises(ValueError, match=r"driver.*another number of components"):
        FractionalVP(rows, dist.Delta(jnp.zeros(2), event_dim=1))
    moving = Modes(jnp.ones(1), jnp.ones(1), steady=False)
    with pytest.raises(ValueError, match=r"driver.*alike at all times"):
        FractionalVP(moving)


def test_the_objective_is_least_at_the_score_of_the_data():
    """Of normal data the noise expected of a residual is linear; the loss there is the mean of what cannot be known."""
    forward, n = FractionalVP(SMOOTH), 20_000
    objective = AugmentedScoreMatching(forward, levels=16, first=0.05)
    xs = 0.7 * jax.random.normal(jax.random.key(0), (1, n, 1))
    batch = sk.data.Snapshots(jnp.zeros(1), xs)
    # With r scaled to size 1, E[eps | r] = rho / sqrt(m^2 s^2 + rho^2) r: look the ratio up at the level.
    total = jnp.sqrt((0.7 * objective.mean) ** 2 + objective.rest[:, 0] ** 2)
    ratio = objective.rest[:, 0] / total
    best = NoiseScore(forward, lambda t, r: jnp.interp(t, objective.times, ratio) * r, 0.7)
    worse = NoiseScore(forward, lambda t, r: 0.9 * jnp.interp(t, objective.times, ratio) * r, 0.7)
    loss, metrics = objective(best, batch, key=jax.random.key(1))
    assert loss == metrics["noise"]
    # The variance that is left is 1 - ratio^2; squares of normals have twice its square.
    left = np.asarray(1 - ratio**2)
    error = np.sqrt(2 * np.mean(left**2) / n)
    assert abs(float(loss) - left.mean()) < stats.norm.isf(1e-6 / 2) * error + 1e-4
    assert objective(worse, batch, key=jax.random.key(1))[0] > loss
    m = forward.moments(objective.times[7])
    score = best(objective.times[7], jnp.array([0.3]))
    np.testing.assert_allclose(score, -0.3 / (0.49 * m.mean**2 + m.rest**2), rtol=1e-9)
    with pytest.raises(ValueError, match=r"NoiseScore and Snapshots"):
        objective(forward, batch, key=jax.random.key(1))
