"""Identities of exact fields, what breaks them, the best epsilon, and the bridge among the interpolants."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import integrate, optimize

import sdekit.interpolants as si

from .cases import PATHS, ends, mixture


TURN = jnp.array([[0.0, 1.0], [-1.0, 0.0]])


@pytest.mark.parametrize("name", ["linear", "VP"])
def test_exact_fields_have_no_residuals_and_wrong_ones_have(name):
    path, rng = PATHS[name], np.random.default_rng(0)
    field = si.exact_field(path, *ends(path, mixture(rng, 2), mixture(rng, 3)))
    x, t = jnp.array([0.4, -0.3]), 0.4
    wrong = si.Field(path, si.Velocity(lambda t, x: -field.velocity(t, x)), si.Score(field.score))

    @jax.jit
    def run(x):
        score = lambda y: field.score(t, y)
        turned = lambda y: TURN @ score(y)
        e = jnp.eye(2)
        zero = (
            si.transport_residual(field, t, x),
            si.fokker_planck_residual(field, t, x, 3.0),
            si.asymmetry(score, x),
            si.loop_integral(score, x, e[0], 0.5 * e[1], nodes=200),
            si.gauge_residual(turned, score, x),
        )
        more = si.transport_residual(wrong, t, x), si.asymmetry(turned, x), si.gauge_residual(score, score, x)
        return zero, more

    zero, more = run(x)
    assert all(np.abs(v).max() < 1e-9 for v in zero), zero
    assert all(np.abs(v).max() > 1e-2 for v in more), more


def test_the_sign_of_the_mirror_is_seen():
    """b = -gamma gamma' s is right; a published sampler has the other sign."""
    path = PATHS["mirror"]
    field = si.exact_field(path, law1=mixture(np.random.default_rng(0), 3))
    wrong = si.Field(path, si.Velocity(lambda t, x: path.gamma.product(t) * field.score(t, x)), si.Score(field.score))
    run = jax.jit(lambda x: [si.transport_residual(f, 0.3, x) for f in (field, wrong)])
    right, other = run(jnp.array([0.4, -0.3]))
    assert np.abs(right).max() < 1e-10 and np.abs(other).max() > 0.1


def test_the_dimension_of_flat_data():
    cov = jnp.diag(jnp.array([1.0, 0.5, 1e-6]))
    field = si.exact_field(PATHS["one-sided linear"], law1=dist.MultivariateNormal(jnp.zeros(3), cov))
    spectrum = jax.jit(lambda x: si.flow_spectrum(field, x, start=0.0, stop=1.0, steps=200))(jnp.ones(3))
    np.testing.assert_allclose(spectrum, np.sqrt([1.0, 0.5, 1e-6]), atol=5e-4)
    assert int(si.intrinsic_dimension(spectrum)) == 2


def test_gaps_and_the_best_epsilon():
    """Constant errors of .3 and .15: gaps .045 and .01125, least bound .045 at 2."""
    path = PATHS["linear"]
    laws = [dist.Normal(jnp.full(1, m), s).to_event(1) for m, s in ((0.0, 1.0), (2.0, 0.5))]
    exact = si.exact_field(path, *laws)
    wrong = si.Field(
        path, si.Velocity(lambda t, x: exact.velocity(t, x) + 0.3), si.Score(lambda t, x: exact.score(t, x) + 0.15)
    )
    gaps = jax.jit(lambda k: si.loss_gaps(wrong, exact, *laws, key=k, n=50))(jax.random.key(0))
    np.testing.assert_allclose([gaps.velocity, gaps.score], [0.045, 0.01125], rtol=1e-10)
    np.testing.assert_allclose(si.best_epsilon(gaps), 2.0, rtol=1e-10)
    bound = [float(si.kl_bound(gaps, e)) for e in (1.0, 2.0, 5.0)]
    np.testing.assert_allclose(bound, [0.05625, 0.045, 0.06525], rtol=1e-10)


def test_the_best_interpolant_is_the_schroedinger_bridge():
    """gamma^2 = t(1 - t) e^{polynomial}: least kinetic energy gives the variance of the Gaussian bridge."""
    s0, s1, epsilon, m1 = 1.0, 0.6, 0.5, 1.5

    class Variance(eqx.Module):
        coefficients: jax.Array

        def __call__(self, t):
            return t * (1 - t) * jnp.exp(jnp.polyval(self.coefficients, 2 * t - 1))

    laws = [dist.Normal(jnp.full(1, m), s).to_event(1) for m, s in ((0.0, s0), (m1, s1))]
    nodes, weights = np.polynomial.legendre.leggauss(24)
    ts, weights = jnp.asarray((nodes + 1) / 2), jnp.asarray(weights / 2)
    z = jnp.array([-1.0, 1.0])  # two points with the mean and the variance of a Gaussian: exact for affine fields

    @jax.jit
    def energy(coefficients):
        path = eqx.tree_at(lambda p: p.gamma, si.linear(), si.RootSchedule(Variance(coefficients)))
        field = si.exact_field(path, *laws)
        law = jax.vmap(lambda t: _moments(path, t, laws))(ts)
        xs = law[0][:, None, :] + jnp.sqrt(law[1])[:, None, :] * z[None, :, None]
        return si.kinetic_energy(field, ts, weights, xs, epsilon)

    grad = jax.jit(jax.grad(energy))
    found = optimize.minimize(
        lambda c: float(energy(jnp.asarray(c))), np.zeros(7), jac=lambda c: np.asarray(grad(jnp.asarray(c))), tol=1e-12
    )
    path = si.AffinePath(si.linear().alpha, si.linear().beta, si.RootSchedule(Variance(jnp.asarray(found.x))))
    # Bunne et al. (2023), equation 9, with reference noise sigma^2 = 2 epsilon.
    sigma2 = 2 * epsilon
    c = 0.5 * (np.sqrt(4 * s0**2 * s1**2 + sigma2**2) - sigma2)
    for t in (0.1, 0.35, 0.6, 0.9):
        bridge = ((1 - t) * s0) ** 2 + (t * s1) ** 2 + 2 * t * (1 - t) * c + sigma2 * t * (1 - t)
        np.testing.assert_allclose(float(_moments(path, t, laws)[1][0]), bridge, rtol=2e-4)

    def least(t):
        v = ((1 - t) * s0) ** 2 + (t * s1) ** 2 + 2 * t * (1 - t) * c + sigma2 * t * (1 - t)
        half = t * s1**2 - (1 - t) * s0**2 + (1 - 2 * t) * (c + sigma2 / 2) - epsilon
        return (m1**2 + half**2 / v) / 2

    np.testing.assert_allclose(found.fun, integrate.quad(least, 0, 1)[0], rtol=1e-6)


def _moments(path, t, laws):
    a, b, g = path.alpha.square(t), path.beta.square(t), path.gamma.square(t)
    mean = path.alpha(t) * laws[0].mean + path.beta(t) * laws[1].mean
    return mean, a * laws[0].variance + b * laws[1].variance + g
