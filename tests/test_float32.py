"""The dtype follows the inputs, with float64 on or off: models of float32 stay float32, and agree with float64."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit as sk


pytestmark = pytest.mark.float32

f32 = lambda *xs: [jnp.asarray(x, jnp.float32) for x in xs]
TS = np.linspace(0.0, 4.0, 9)
YS = np.array([0.3, 0.1, -0.2, 0.4, 0.5, 0.2, 0.0, -0.1, 0.3])
CASES = {
    "brownian": lambda c: sk.processes.BrownianMotion(*c(0.8, 0.1)),
    "ou": lambda c: sk.processes.OrnsteinUhlenbeck(*c(0.7, 0.2, 0.5)),
    "geometric": lambda c: sk.processes.GeometricBrownianMotion(*c(0.1, 0.3)),
    "cir": lambda c: sk.processes.CoxIngersollRoss(*c(1.0, 2.0, 0.5)),
    "gaussian": lambda c: sk.processes.GaussianProcess(sk.processes.Matern32(*c(1.0, 2.0)), *c(0.0)),
    "Riemann-Liouville": lambda c: sk.processes.RiemannLiouvilleMotion(*c(0.3, 0.8)),
    "hybrid": lambda c: sk.processes.RiemannLiouvilleMotion(*c(0.3, 0.8), method=sk.processes.Hybrid()),
    "fractional OU": lambda c: sk.processes.FractionalOrnsteinUhlenbeck(*c(0.7, 1.0, 0.0, 0.8)),
}


@pytest.mark.parametrize("name", CASES)
def test_paths_keep_the_dtype_of_the_times(name):
    path = CASES[name](f32).sample(jnp.asarray(TS, jnp.float32), key=jax.random.key(0), n=3)
    assert path.xs.dtype == jnp.float32
    assert path.xs.shape == (3, 9, 1)
    assert bool(jnp.isfinite(path.xs).all())


@pytest.mark.parametrize("name", ["ou", "gaussian", "fractional OU"])
def test_likelihoods_keep_the_dtype_and_agree_with_numpy_in_float64(name):
    model = CASES[name](f32)
    series = sk.Series(*f32(TS, YS))
    value = sk.log_prob(model, series)
    assert value.dtype == jnp.float32
    cov = covariance(name)
    exact = (
        -0.5 * (YS - mean(name)) @ np.linalg.solve(cov, YS - mean(name)) - 0.5 * np.linalg.slogdet(2 * np.pi * cov)[1]
    )
    # float32 carries 6e-8 relative, and the condition of these covariances is below 1e3.
    assert float(value) == pytest.approx(exact, abs=2e-3)


def mean(name):
    return 0.2 if name == "ou" else 0.0


def covariance(name):
    """The covariance at TS, in float64, by formulas of its own (fractional OU: by its spectral density)."""
    tau = np.abs(TS[:, None] - TS[None, :])
    if name == "ou":
        return 0.5**2 / (2 * 0.7) * np.exp(-0.7 * tau)
    if name == "gaussian":
        r = np.sqrt(3) * tau / 2.0
        return (1 + r) * np.exp(-r)
    from scipy.integrate import quad
    from scipy.special import gamma

    hurst, rate, scale = 0.7, 1.0, 0.8
    front = scale**2 * gamma(2 * hurst + 1) * np.sin(np.pi * hurst) / np.pi
    # int_0^inf cos(w tau) w^(1-2H) / (rate^2 + w^2) dw, the singular power as a weight near 0.
    density = lambda w: 1 / (rate**2 + w**2)

    def one(lag):
        near = quad(lambda w: np.cos(w * lag) * density(w), 0, 1, weight="alg", wvar=(1 - 2 * hurst, 0))[0]
        power = lambda w: w ** (1 - 2 * hurst) * density(w)
        far = quad(power, 1, np.inf)[0] if lag == 0 else quad(power, 1, np.inf, weight="cos", wvar=lag)[0]
        return near + far

    table = {lag: one(lag) for lag in np.unique(np.round(tau, 9))}
    return front * np.vectorize(lambda lag: table[np.round(lag, 9)])(tau)


PARTLY = {
    "brownian": lambda x: sk.processes.BrownianMotion(x),
    "geometric": lambda x: sk.processes.GeometricBrownianMotion(scale=x),
    "ou": lambda x: sk.processes.OrnsteinUhlenbeck(x),
    "matrix ou": lambda x: sk.processes.MatrixOrnsteinUhlenbeck(x[None, None]),
    "linear": lambda x: sk.processes.LinearSDE(-x[None, None]),
    "cir": lambda x: sk.processes.CoxIngersollRoss(x),
    "jacobi": lambda x: sk.processes.Jacobi(x),
    "benes": lambda x: sk.processes.Benes(x),
    "fractional motion": lambda x: sk.processes.FractionalBrownianMotion(x),
    "fractional OU": lambda x: sk.processes.FractionalOrnsteinUhlenbeck(x, 1.0, start=0.5),
    "gaussian": lambda x: sk.processes.GaussianProcess(sk.processes.RationalQuadratic(length=x)),
    "product": lambda x: sk.processes.GaussianProcess(sk.processes.Periodic(x) * sk.processes.Matern52(scale=x)),
    "langevin": lambda x: sk.processes.OverdampedLangevin(jnp.sum, dist.Delta(x[None], event_dim=1)),
}


@pytest.mark.parametrize("name", PARTLY)
def test_defaults_follow_the_dtype_of_what_is_given(name):
    model = PARTLY[name](*f32(0.7))
    assert {leaf.dtype for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_array))} == {jnp.dtype("float32")}
    if isinstance(model, sk.processes.AbstractDensity):
        assert model.log_prob(sk.Series(*f32(TS[1:], YS[1:]))).dtype == jnp.float32


def test_a_fit_in_float32_stays_there():
    model = sk.Observed(sk.processes.OrnsteinUhlenbeck(*f32(0.5, 0.0, 0.5)), sk.GaussianObservation(*f32(0.3)))
    series = sk.Series(*f32(TS, YS))
    start = float(sk.log_prob(model, series))
    found = sk.fit(model, sk.MarginalLikelihood(), series, key=jax.random.key(0), steps=20, progress=False)
    assert all(p.dtype == jnp.float32 for p in sk.named_parameters(found.model).values())
    assert float(sk.log_prob(found.model, series)) > start
