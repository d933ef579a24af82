"""What a field generates has the marginals of its path, for every epsilon, in both directions."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import integrate

import sdekit as sk
import sdekit.interpolants as si
from sdekit.evaluate import assert_covariance, assert_mean
from sdekit.solve import solve

from .cases import PATHS, ends


LAW0 = dist.MultivariateNormal(jnp.array([0.5, -1.0]), jnp.array([[1.0, 0.3], [0.3, 0.5]]))
LAW1 = dist.MultivariateNormal(jnp.array([-1.0, 2.0]), jnp.array([[0.4, -0.2], [-0.2, 0.9]]))
EPSILON = {"0": 0.0, "1": 1.0, "5": 5.0}


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("name", ["linear", "trigonometric", "one-sided linear", "VP", "mean-reverting"])
def test_moments_solve_their_equation_for_every_epsilon(name, backward):
    """The drift is affine, A x + c: m' = A m + c, C' = A C + C A' + 2 eps I, against the law of the path."""
    path = PATHS[name]
    laws = ends(path, LAW0, LAW1)
    field = si.exact_field(path, *laws)
    first, last = (0.95, 0.05) if backward else (0.05, 0.95)
    law = lambda t: si.marginal_law(path, t, *laws).component_distribution
    start = LAW0 if not path.one_sided else dist.Normal(jnp.zeros(2), jnp.ones(2)).to_event(1)
    for epsilon in EPSILON.values():
        process = si.GenerativeDiffusion(field, epsilon, start, backward=backward)
        affine = eqx.filter_jit(
            lambda tau, p=process: (p.drift(tau, jnp.zeros(2)), jax.jacfwd(lambda x: p.drift(tau, x))(jnp.zeros(2)))
        )

        def rate(tau, y, affine=affine, epsilon=epsilon):
            c, a = (np.asarray(v) for v in affine(jnp.asarray(tau)))
            m, cov = y[:2], y[2:].reshape(2, 2)
            return np.concatenate([a @ m + c, (a @ cov + cov @ a.T + 2 * epsilon * np.eye(2)).ravel()])

        span = (1 - first, 1 - last) if backward else (first, last)
        begin = np.concatenate([np.asarray(law(first).mean[0]), np.asarray(law(first).covariance_matrix[0]).ravel()])
        found = integrate.solve_ivp(rate, span, begin, rtol=1e-12, atol=1e-13, method="DOP853").y[:, -1]
        np.testing.assert_allclose(found[:2], law(last).mean[0], atol=1e-10, rtol=1e-10)
        np.testing.assert_allclose(found[2:].reshape(2, 2), law(last).covariance_matrix[0], atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("epsilon", EPSILON)
def test_paths_have_the_law_of_the_data(epsilon):
    field = si.exact_field(PATHS["linear"], LAW0, LAW1)
    process = si.GenerativeDiffusion(field, EPSILON[epsilon], LAW0)
    xs = solve(process, jnp.array([0.0, 1.0]), key=jax.random.key(1), n=2000, steps=100, solver=diffrax.ShARK()).xs
    # The bias of 100 steps is below a tenth of the tolerance of these tests, whose false alarms are 1e-6.
    assert_mean(np.asarray(xs[:, -1]), np.asarray(LAW1.mean))
    assert_covariance(np.asarray(xs[:, -1]), np.asarray(LAW1.covariance_matrix))


def test_backwards_from_data_is_the_base():
    field = si.exact_field(PATHS["linear"], LAW0, LAW1)
    process = si.GenerativeDiffusion(field, 1.0, LAW1, backward=True)
    xs = solve(process, jnp.array([0.0, 1.0]), key=jax.random.key(2), n=2000, steps=100, solver=diffrax.ShARK()).xs
    assert_mean(np.asarray(xs[:, -1]), np.asarray(LAW0.mean))
    assert_covariance(np.asarray(xs[:, -1]), np.asarray(LAW0.covariance_matrix))


def test_the_reverse_of_a_diffusion_is_andersons():
    """With the path's own diffusivity the drift is -f x + g^2 s at the time 1 - tau."""
    path = PATHS["VP"]
    field = si.exact_field(path, LAW0)
    process = si.GenerativeDiffusion(field, path.diffusivity, dim=2)
    x, tau = jnp.array([0.3, -0.2]), 0.3
    f, g2 = path.linear_sde(1 - tau)
    right = -f * x + g2 * field.score(1 - tau, x)
    np.testing.assert_allclose(process.drift(tau, x), right, rtol=1e-10)
    np.testing.assert_allclose(process.diffusion(tau, x).as_matrix(), np.sqrt(g2) * np.eye(2), rtol=1e-10)


def test_sample_serves_it_and_one_field_is_evaluated_once_a_step():
    path, calls = PATHS["one-sided linear"], []

    def says(t, x):
        calls.append(1)
        return -x

    process = si.GenerativeDiffusion(si.Field(path, si.Velocity(says)), 1.0, dim=1)
    calls.clear()
    with jax.disable_jit():
        process.drift(0.5, jnp.ones(1))
    assert len(calls) == 1
    out = process.sample(jnp.array([0.0, 0.5]), key=jax.random.key(0), n=3)
    assert out.xs.shape == (3, 2, 1)
    assert isinstance(process, sk.processes.AbstractDiffusion)


def test_logarithms_stay_positive_however_long_the_step():
    """Geometric Brownian motion at sigma = 2, ten steps: the mean and the variance of the logarithm, and no sign."""
    path = si.geometric_brownian(0.3, 2.0)
    logs = dist.Normal(jnp.array([0.2]), 0.5).to_event(1)
    field = si.exact_field(path, logs)
    end = si.marginal_law(path, 1.0, logs).component_distribution
    start = dist.Normal(end.mean[0], jnp.sqrt(end.covariance_matrix[0, 0])).to_event(1)
    from numpyro.distributions.transforms import ExpTransform

    process = si.Pushforward(si.Sampler(field, si.EulerStep(path.diffusivity), start), ExpTransform())
    for steps in (10, 400):
        ts = jnp.linspace(0.0, 1.0, steps + 1)
        xs = np.asarray(process.sample(ts, key=jax.random.key(0), n=2000).xs)
        assert xs.min() > 0
    assert_mean(np.log(xs[:, -1]), np.array([0.2]))
    y, x = jnp.array([0.3]), jnp.exp(jnp.array([0.3]))
    np.testing.assert_allclose(
        process.log_prob(x, logs.log_prob(y)), dist.LogNormal(0.2, 0.5).log_prob(x)[0], rtol=1e-12
    )


def test_quantiles_of_log_normals_are_transported():
    """The flow of dX = mu X dt + sigma X dW takes quantiles of the law at 1 to those of the data."""
    path = si.geometric_brownian(0.3, 0.8)
    logs = dist.Normal(jnp.array([0.2]), 0.5).to_event(1)
    field, q = si.exact_field(path, logs), np.array([-2.0, -0.3, 0.0, 1.0, 2.5])
    sd = np.sqrt(0.25 + 0.64)
    begin = 0.2 + 0.3 - 0.32 + sd * q
    move = jax.jit(jax.vmap(lambda y: si.flow(field, y, start=1.0, stop=0.0, steps=400)[0]))
    found = np.exp(np.asarray(move(jnp.asarray(begin)[:, None])))[:, 0]
    np.testing.assert_allclose(found, np.exp(0.2 + 0.5 * q), rtol=1e-10)
