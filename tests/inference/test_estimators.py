"""Estimators against their closed forms and known limits. Maxima are found by SciPy's BFGS on JAX's gradient."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from jax.flatten_util import ravel_pytree
from scipy.stats import ncx2

from sdekit import constrain, trainable, unconstrain
from sdekit.data import Series
from sdekit.evaluate import assert_covariance
from sdekit.inference import TransitionLikelihood, confidence, log_prob
from sdekit.processes import (
    AbstractNumericalDiffusion,
    Additive,
    CoxIngersollRoss,
    GeometricBrownianMotion,
    Ito,
    OrnsteinUhlenbeck,
)


def maximise(model, likelihood, data, frozen=None):
    """The model of greatest likelihood, in unconstrained coordinates from `model` on."""
    free, fixed = eqx.partition(unconstrain(model), trainable(model, frozen))
    raw, restore = ravel_pytree(free)
    build = lambda vector: constrain(eqx.combine(restore(vector), fixed))
    items = data.stack()
    loss = lambda vector: -jax.vmap(lambda item: likelihood.log_prob(build(vector), item))(items).sum()
    step = jax.jit(jax.value_and_grad(loss))
    found = scipy.optimize.minimize(
        lambda v: [np.asarray(a, float) for a in step(v)], raw, jac=True, method="BFGS", options={"gtol": 1e-9}
    )
    return build(jnp.asarray(found.x))


class EulerOU(AbstractNumericalDiffusion):
    """An Ornstein-Uhlenbeck process that does not know its transition law."""

    exact: OrnsteinUhlenbeck
    interpretation = Ito
    structure = Additive

    @property
    def dim(self):
        return self.exact.dim

    @property
    def initial(self):
        return self.exact.initial

    def drift(self, t, x):
        return self.exact.drift(t, x)

    def diffusion(self, t, x):
        return self.exact.diffusion(t, x)


RATE, MEAN, SCALE, H, LENGTH = 1.5, 0.4, 0.6, 0.5, 800


@pytest.fixture(scope="module")
def path():
    model = OrnsteinUhlenbeck(RATE, MEAN, SCALE)
    made = model.sample(H * jnp.arange(LENGTH + 1.0), key=jax.random.key(7))
    return Series(made.ts, made.xs)


def test_exact_estimates_are_those_of_the_autoregression(path):
    fit = maximise(OrnsteinUhlenbeck(1.0, 0.0, 1.0), TransitionLikelihood(), path)
    x, y = np.asarray(path.ys[:-1, 0]), np.asarray(path.ys[1:, 0])
    slope, intercept = np.polyfit(x, y, 1)
    residual = np.mean((y - slope * x - intercept) ** 2)
    rate = -np.log(slope) / H
    assert fit.rate[0] == pytest.approx(rate, rel=1e-6)
    assert fit.mean[0] == pytest.approx(intercept / (1 - slope), rel=1e-6)
    assert fit.scale[0] == pytest.approx(np.sqrt(residual * 2 * rate / (1 - slope**2)), rel=1e-6)
    table = confidence(fit, TransitionLikelihood(), path)
    assert table.warnings == ()
    # Asymptotic variance of the rate: (e^{2 theta h} - 1) / (n h^2), at the estimate.
    error = np.sqrt((np.exp(2 * rate * H) - 1) / (LENGTH * H**2))
    assert table["rate"]["standard_error"] == pytest.approx(error, rel=0.05)
    assert table["rate"]["lower"] < RATE < table["rate"]["upper"]


def test_euler_estimates_go_to_their_known_limit(path):
    """Exactly the autoregression read as Euler's: (1 - slope) / h; and its limit within five standard errors."""
    fit = maximise(EulerOU(OrnsteinUhlenbeck(1.0, 0.0, 1.0)), TransitionLikelihood(), path).exact
    x, y = np.asarray(path.ys[:-1, 0]), np.asarray(path.ys[1:, 0])
    slope, intercept = np.polyfit(x, y, 1)
    residual = np.mean((y - slope * x - intercept) ** 2)
    assert fit.rate[0] == pytest.approx((1 - slope) / H, rel=1e-6)
    assert fit.scale[0] ** 2 == pytest.approx(residual / H, rel=1e-6)
    decay = np.exp(-RATE * H)
    assert abs(fit.rate[0] - (1 - decay) / H) < 5 * np.sqrt((1 - decay**2) / LENGTH) / H
    limit = SCALE**2 * (1 - decay**2) / (2 * RATE * H)
    assert abs(fit.scale[0] ** 2 - limit) < 5 * limit * np.sqrt(2 / LENGTH)


def test_estimates_of_geometric_brownian_motion(key):
    """The variance of the rate is sigma^2 / T whatever the number of observations. False alarm 1e-6."""
    rate, scale, t, n = 0.3, 0.4, 4.0, 16
    model = GeometricBrownianMotion(rate, scale)
    xs = model.sample(jnp.linspace(0.0, t, n + 1), key=key, n=2000).xs[..., 0]
    steps = np.diff(np.log(xs), axis=1)
    fit = maximise(
        GeometricBrownianMotion(0.1, 0.3), TransitionLikelihood(), Series(jnp.linspace(0.0, t, n + 1), xs[0])
    )
    sigma2 = np.var(steps, axis=1) / (t / n)
    mu = steps.sum(axis=1) / t + sigma2 / 2
    assert fit.rate[0] == pytest.approx(mu[0], rel=1e-6)
    assert fit.scale[0] == pytest.approx(np.sqrt(sigma2[0]), rel=1e-6)
    assert_covariance(steps.sum(axis=1) / t, scale**2 / t, effect=0.02)


def test_square_root_diffusion_against_scipy():
    k, m, s, h = 0.8, 0.5, 0.3, 0.4
    ys = np.array([0.4, 0.6, 0.55, 0.3])
    c = 2 * k / (s**2 * (1 - np.exp(-k * h)))
    exact = ncx2(4 * k * m / s**2, 2 * c * ys[:-1] * np.exp(-k * h)).logpdf(2 * c * ys[1:]) + np.log(2 * c)
    series = Series(h * np.arange(4.0), ys)
    model = CoxIngersollRoss(k, m, s)
    once = eqx.filter_jit(eqx.filter_value_and_grad(lambda m, series: TransitionLikelihood().log_prob(m, series)))
    assert once(model, series)[0] == pytest.approx(exact.sum(), rel=1e-8)
    first = scipy.stats.gamma(2 * k * m / s**2, scale=s**2 / (2 * k)).logpdf(ys[0])
    assert log_prob(model, series) == pytest.approx(exact.sum() + first, rel=1e-8)
    gap = Series(h * np.arange(4.0), np.array([0.4, np.nan, 0.55, 0.3]), np.array([1, 0, 1, 1], bool))
    value, slope = once(model, gap)
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in jax.tree.leaves(slope))
