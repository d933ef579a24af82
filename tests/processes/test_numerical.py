"""Diffusions without closed-form transitions: solved, and held to what is known of them."""

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given, strategies as st
from scipy import integrate

from sdekit import processes as sp
from sdekit.evaluate import assert_covariance, assert_law, assert_mean
from sdekit.noise import Brownian
from sdekit.solve import solve


N = 4000
seeds = st.integers(0, 2**31 - 1)
few = hypothesis.settings(max_examples=2)


def fixed(*x):
    return dist.Delta(jnp.array(x, float), event_dim=1)


def test_double_well_stays_in_its_stationary_law():
    # A distance of 0.07 would be found; the scheme's own error is far below.
    process = sp.DoubleWell([0.25, 0.5], [1.0, 1.5], [0.7, 0.6])
    xs = solve(process, jnp.array([0.0, 1.0]), key=jax.random.key(1), dt=0.02, n=N).xs
    for i, (b, w, s) in enumerate([(0.25, 1.0, 0.7), (0.5, 1.5, 0.6)]):
        grid = np.linspace(-4, 4, 8001)
        mass = integrate.cumulative_simpson(np.exp(-2 * b * ((grid / w) ** 2 - 1) ** 2 / s**2), x=grid, initial=0)
        known = lambda x, mass=mass: np.interp(x, grid, mass / mass[-1])
        assert_law(xs[:, 0, i], known, effect=0.07)
        assert_law(xs[:, 1, i], known, effect=0.07)
        law = sp.DoubleWellLaw(2 * b / s**2, w)
        np.testing.assert_allclose(law.cdf(grid), mass / mass[-1], atol=1e-9)
        density = np.exp(-2 * b * ((grid / w) ** 2 - 1) ** 2 / s**2)
        np.testing.assert_allclose(law.variance, np.trapezoid(grid**2 * density, grid) / mass[-1], rtol=1e-8)


@few
@given(seed=seeds)
def test_jacobi_moments(seed):
    rng = np.random.default_rng(seed)
    rate, mean = rng.uniform(0.5, 2, 2), rng.uniform(0.3, 0.7, 2)
    process = sp.Jacobi(rate, mean, np.sqrt(2 * rate / 8), fixed(0.3, 0.6))
    m, v = process.moments(0.8, jnp.array([0.3, 0.6]))
    # The moment equations, by Runge-Kutta.
    k, s2 = rate, np.asarray(process.scale) ** 2

    def field(t, y):
        m1, m2 = y[:2], y[2:]
        return np.concatenate([k * (mean - m1), (2 * k * mean + s2) * m1 - (2 * k + s2) * m2])

    end = integrate.solve_ivp(field, (0, 0.8), [0.3, 0.6, 0.09, 0.36], rtol=1e-11, atol=1e-13).y[:, -1]
    np.testing.assert_allclose(m, end[:2], rtol=1e-9)
    np.testing.assert_allclose(v, end[2:] - end[:2] ** 2, rtol=1e-7)
    xs = solve(process, jnp.array([0.0, 0.8]), key=jax.random.key(seed), dt=0.01, n=N).xs[:, 1]
    assert_mean(xs, m, tolerance=1e-3)
    assert_covariance(xs, np.diag(v), tolerance=1e-3)


def test_heston_mean_and_variance():
    process = sp.Heston(0.1, 1.5, 0.3, 0.4, -0.6, fixed(0.2, 0.5))
    xs = np.asarray(solve(process, jnp.array([0.0, 1.0]), key=jax.random.key(3), dt=0.005, n=N).xs[:, 1])
    k, m, s, v0 = 1.5, 0.3, 0.4, 0.5
    decay = np.exp(-k)
    mean = m + (v0 - m) * decay
    area = m + (v0 - m) * (1 - decay) / k
    np.testing.assert_allclose(process.expectation(1.0), [0.2 + 0.1 - area / 2, mean], rtol=1e-9)
    assert_mean(xs, process.expectation(1.0), tolerance=2e-3)
    variance = v0 * s**2 / k * (decay - decay**2) + m * s**2 / (2 * k) * (1 - decay) ** 2
    assert_covariance(xs[:, 1:], [[variance]], tolerance=1e-3)
    # The price itself grows at its rate, whatever the correlation: a martingale after discounting.
    assert_mean(np.exp(xs[:, 0]), np.exp(0.2 + 0.1), tolerance=5e-3)
    np.testing.assert_allclose(process.variance.marginal(0.0).mean, 0.3)


def test_langevin_in_a_harmonic_well_is_linear():
    """Over- and underdamped motion in a quadratic potential, against the linear process that it is."""
    ts = jnp.array([0.0, 0.7])
    potential = lambda x: 1.5 * (x**2).sum()
    over = sp.OverdampedLangevin(potential, fixed(1.0, -0.5), 0.4)
    same = sp.LinearSDE(-3 * np.eye(2), 0.0, np.sqrt(0.8), fixed(1.0, -0.5)).marginal(0.7)
    xs = solve(over, ts, key=jax.random.key(4), dt=0.01, n=N).xs[:, 1]
    assert_mean(xs, same.mean, tolerance=1e-3)
    assert_covariance(xs, same.covariance_matrix, tolerance=1e-3)
    under = sp.UnderdampedLangevin(potential, fixed(1.0, -0.5), friction=0.8, temperature=0.4, mass=2.0)
    matrix = np.array([[0.0, 1.0], [-1.5, -0.8]])
    noise = np.array([[0.0], [np.sqrt(2 * 0.8 * 0.4 / 2.0)]])
    same = sp.LinearSDE(matrix, 0.0, noise, fixed(1.0, -0.5)).marginal(0.7)
    xs = solve(under, ts, key=jax.random.key(5), dt=0.01, n=N).xs[:, 1]
    assert_mean(xs, same.mean, tolerance=1e-3)
    assert_covariance(xs, same.covariance_matrix, tolerance=1e-3)


def test_langevin_densities_make_the_probability_stand_still():
    r"""The stationary Fokker-Planck equation, $-\nabla \cdot (f p) + \nabla\nabla : (g g^\top p)/2 = 0$, by automatic
    differentiation."""
    potential = lambda x: (x**4).sum() / 4 + x[0] ** 2 / 2
    over = sp.OverdampedLangevin(potential, fixed(0.0, 0.0), 0.7)
    under = sp.UnderdampedLangevin(lambda q: (q**4).sum() / 4, fixed(0.0, 0.0), 0.9, 0.7, 1.3)
    for process in (over, under):
        p = lambda x: jnp.exp(process.log_stationary(x))
        spread = lambda x: process.diffusion(0.0, x).as_matrix() @ process.diffusion(0.0, x).as_matrix().T

        @jax.jit
        @jax.vmap
        def both(x):
            advection = jnp.trace(jax.jacfwd(lambda x: process.drift(0.0, x) * p(x))(x))
            return advection, (spread(x) * jax.hessian(p)(x)).sum() / 2

        advection, spreading = both(jnp.asarray(np.random.default_rng(0).normal(size=(20, 2))))
        np.testing.assert_allclose(advection, spreading, rtol=1e-9, atol=1e-12)


def test_verhulst_follows_its_strong_solution():
    """Solved and explicit along the same Brownian path: the difference falls with the step."""
    process = sp.StochasticVerhulst([1.0, 2.0], [1.0, 0.5], [0.5, 0.3], fixed(0.4, 1.0))
    ts = jnp.linspace(0.0, 1.0, 1025)
    noise = Brownian(0.0, 1 / 1024, 1024, 2, key=jax.random.key(6))
    ws = jnp.concatenate([jnp.zeros((1, 2)), jnp.cumsum(noise.increments(), axis=0)])
    exact = process.strong_solution(ts, ws, jnp.array([0.4, 1.0]))
    start = jnp.array([0.4, 1.0])
    gap = lambda noise, every: np.abs(solve(process, ts[::every], noise=noise, x0=start).xs - exact[::every]).max()
    fine, coarse = gap(noise, 1), gap(noise.coarsen(8), 8)
    assert fine < 2e-3
    assert fine < coarse / 3


def test_lorenz_and_lotka_volterra_obey_dynkins_formula():
    """E h(X_T) - h(x_0) is the integral of E Lh: for Lorenz with h = x, for predators and prey with h = log x."""
    ts = jnp.linspace(0.0, 0.5, 126)
    for structure in (sp.Diagonal, sp.Additive):
        process = sp.Lorenz(scale=0.5, initial=fixed(1.0, 2.0, 20.0), structure=structure)
        xs = np.asarray(solve(process, ts, key=jax.random.key(7), dt=0.001, n=500).xs)
        x, y, z = np.moveaxis(xs, -1, 0)
        drift = np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], -1)
        residual = xs[:, -1] - xs[:, 0] - integrate.simpson(drift, x=np.asarray(ts), axis=1)
        assert_mean(residual, np.zeros(3), tolerance=0.03)
    process = sp.LotkaVolterra(scale=[0.3, 0.2], initial=fixed(0.8, 0.5))
    ts = jnp.linspace(0.0, 2.0, 101)
    xs = np.asarray(solve(process, ts, key=jax.random.key(8), dt=0.005, n=1000).xs)
    assert (xs > 0).all()
    prey, predators = np.moveaxis(xs, -1, 0)
    drift = np.stack([2 / 3 - 4 / 3 * predators - 0.045, prey - 1 - 0.02], -1)
    residual = np.log(xs[:, -1] / xs[:, 0]) - integrate.simpson(drift, x=np.asarray(ts), axis=1)
    assert_mean(residual, np.zeros(2), tolerance=2e-3)
    assert_covariance(residual, np.diag([0.18, 0.08]), tolerance=2e-3)


@pytest.mark.parametrize(
    ("g", "structure"),
    [
        (lambda t, x: jnp.full(2, 0.3), sp.Additive),
        (lambda t, x: 0.3 * jnp.eye(2), sp.General),
    ],
    ids=["vector", "matrix"],
)
def test_a_diffusion_from_functions_is_the_process_it_describes(g, structure):
    start = fixed(1.0, -1.0)
    own = sp.Diffusion(lambda t, x: 2.0 * (0.5 - x), g, start, structure=structure)
    known = sp.OrnsteinUhlenbeck([2.0, 2.0], 0.5, 0.3, start)
    x = jnp.array([0.3, 0.7])
    np.testing.assert_allclose(own.drift(0.0, x), known.drift(0.0, x))
    np.testing.assert_allclose(own.diffusion(0.0, x).as_matrix(), known.diffusion(0.0, x).as_matrix())
    xs = own.sample(jnp.array([0.0, 1.0]), key=jax.random.key(9), n=2000).xs[:, 1]
    law = known.marginal(1.0)
    assert_mean(xs, law.mean, tolerance=2e-3)
    assert_covariance(xs, np.diag(law.variance), tolerance=2e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"drift": lambda t, x: x.sum()}, r"drift.*shape \(2,\)"),
        ({"diffusion": lambda t, x: jnp.ones((3, 2))}, "diffusion.*one row"),
        ({"diffusion": lambda t, x: jnp.ones(())}, "diffusion.*must return a vector"),
        ({"diffusion": lambda t, x: jnp.eye(2), "structure": sp.Diagonal}, "must be diagonal"),
        ({"structure": sp.Scalar}, "one column"),
        ({"initial": dist.Normal(0.0, 1.0)}, "event shape"),
    ],
)
def test_a_diffusion_says_what_does_not_fit(arguments, message):
    good = {"drift": lambda t, x: -x, "diffusion": lambda t, x: jnp.ones(2), "initial": fixed(0.0, 0.0)}
    sp.Diffusion(**good)
    with pytest.raises(ValueError, match=message):
        sp.Diffusion(**{**good, **arguments})


def test_a_diffusion_takes_types_and_not_strings():
    with pytest.raises(TypeError, match="Ito or Stratonovich"):
        sp.Diffusion(lambda t, x: -x, lambda t, x: x, fixed(0.0), interpretation="ito")
