"""The paths of linear diffusions: kernels, semigroups, published coefficients, and the way back to the equation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

import sdekit.interpolants as si

from .cases import DIFFUSIONS, MEAN, PATHS


B = lambda t: 0.1 * t + 19.9 * t**2 / 2
beta = lambda t: 0.1 + 19.9 * t
SIGMA = lambda t, low, high: low * (high / low) ** t
# Drift and squared diffusion as the papers have them.
EQUATIONS = {
    "VP": (lambda t: -beta(t) / 2, beta),
    "sub-VP": (lambda t: -beta(t) / 2, lambda t: beta(t) * -np.expm1(-2 * B(t))),
    "VE": (lambda t: 0.0, lambda t: SIGMA(t, 0.01, 20) ** 2 * 2 * np.log(2000)),
    "OUVE": (lambda t: -1.5, lambda t: SIGMA(t, 0.05, 0.5) ** 2 * 2 * np.log(10)),
    "mean-reverting": (lambda t: -beta(t) / 2, lambda t: 2 * 0.7**2 * beta(t) / 2),
    "geometric Brownian": (lambda t: 0.0, lambda t: 0.25),
    "from SDE": (lambda t: -1.0 - t, lambda t: (1 + t**2) ** 2),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_kernels_solve_the_equations_of_the_papers(name):
    """alpha' = f alpha and (gamma^2)' = 2 f gamma^2 + g^2 pointwise, and by SciPy's integrator from 0."""
    path, (f, g2) = PATHS[name], EQUATIONS[name]
    ts = np.linspace(0.0, 1.0, 9)
    a, g = path.alpha, path.gamma
    read = jax.jit(jax.vmap(lambda t: (a(t), a.derivative(t), g.square(t), g.product(t))))
    a, da, v, product = map(np.asarray, read(jnp.asarray(ts)))
    np.testing.assert_allclose(da, [f(t) * x for t, x in zip(ts, a, strict=True)], rtol=1e-11, atol=1e-12)
    rate = np.array([2 * f(t) * x + g2(t) for t, x in zip(ts, v, strict=True)])
    np.testing.assert_allclose(2 * product, rate, rtol=1e-11, atol=1e-12 * np.abs(rate).max())
    ode = lambda t, y: [f(t) * y[0], 2 * f(t) * y[1] + g2(t)]
    solved = integrate.solve_ivp(ode, (0, 1), [1.0, 0.0], t_eval=ts, rtol=1e-12, atol=1e-14, method="DOP853").y
    np.testing.assert_allclose(a, solved[0], rtol=1e-9)
    np.testing.assert_allclose(v, solved[1], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_equation_comes_back(name):
    path, (f, g2) = PATHS[name], EQUATIONS[name]
    for t in (0.2, 0.7):
        np.testing.assert_allclose(np.asarray(path.linear_sde(t)), [f(t), g2(t)], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(path.diffusivity(t), g2(t) / 2, rtol=1e-9)


@pytest.mark.parametrize("name", EQUATIONS)
def test_kernels_compose(name):
    """From 0 to s and on to t with the equation's own kernel is from 0 to t; the mean term too."""
    path, (f, g2) = PATHS[name], EQUATIONS[name]
    s, t = 0.3, 0.8
    ode = lambda u, y: [f(u) * y[0], 2 * f(u) * y[1] + g2(u)]
    a, v = integrate.solve_ivp(ode, (s, t), [1.0, 0.0], rtol=1e-12, atol=1e-14, method="DOP853").y[:, -1]
    np.testing.assert_allclose(a * path.alpha(s), path.alpha(t), rtol=1e-9)
    np.testing.assert_allclose(a**2 * path.gamma.square(s) + v, path.gamma.square(t), rtol=1e-8)
    if path.kappa is not None and name != "geometric Brownian":  # whose mean is not reverted to
        np.testing.assert_allclose(a * path.kappa(s) + 1 - a, path.kappa(t), rtol=1e-9)


def test_a_root_that_was_forgotten_is_seen():
    """The standard deviation 1 - exp(-2 theta t) of a published sampler is a variance: its equation is off by .2."""
    wrong = si.SmoothSchedule(lambda t: -jnp.expm1(-2 * t))
    assert abs(2 * wrong.product(0.5) - (-2 * wrong.square(0.5) + 2)) > 0.2


@pytest.mark.parametrize("name", [n for n in DIFFUSIONS if n != "Resfusion"] + ["one-sided linear", "one-sided root"])
def test_time_is_found_from_the_ratio_of_signal_to_noise(name):
    path = PATHS[name]
    ts = jnp.asarray([1e-6, 0.01, 0.3, 0.9, 0.999])
    back = jax.jit(jax.vmap(lambda t: path.time_of(path.log_snr(t))))(ts)
    np.testing.assert_allclose(back, ts, rtol=1e-9)
    slope = jax.grad(lambda v: path.time_of(v))(path.log_snr(0.3))
    np.testing.assert_allclose(slope * jax.grad(path.log_snr)(0.3), 1.0, rtol=1e-9)


def test_resfusion_forgets_the_data_at_its_end():
    path = PATHS["Resfusion"]
    np.testing.assert_allclose(path.alpha(1.0), 0, atol=1e-15)
    np.testing.assert_allclose(path.kappa(1.0), 0.5, rtol=1e-14)
    np.testing.assert_allclose(path.gamma.square(1.0), 0.75, rtol=1e-14)
    # sqrt(abar) x0 + (1 - sqrt(abar)) (m - x0) + sqrt(1 - abar) z
    t, x0, z, m = 0.4, jnp.array([0.7, 0.2]), jnp.array([1.0, -1.0]), jnp.asarray(MEAN)
    abar = 1 - float(path.gamma.square(t))
    right = abar**0.5 * x0 + (1 - abar**0.5) * (m - x0) + (1 - abar) ** 0.5 * z
    np.testing.assert_allclose(path.combine(t, x0, None, z), right, rtol=1e-13)


@pytest.mark.parametrize("name", PATHS)
def test_ends_are_the_ends(name):
    path, x0, x1 = PATHS[name], jnp.array([1.0, 2.0]), jnp.array([-3.0, 0.5])
    z = jnp.zeros(2)
    if path.data_time == 0.0 or not path.one_sided:
        np.testing.assert_allclose(path.combine(0.0, x0, x1, z), x0, atol=1e-14)
    if path.data_time == 1.0:
        np.testing.assert_allclose(path.combine(1.0, x0, x1, z), x1, atol=1e-14)
    if path.gamma is not None and name != "flow matching, noisy":
        np.testing.assert_allclose(path.gamma(path.data_time), 0, atol=1e-14)
