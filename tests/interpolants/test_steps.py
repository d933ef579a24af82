"""Steps and grids: orders, exactness, tables of both regimes, evaluations, noise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit.interpolants as si
from sdekit.evaluate import assert_covariance, assert_mean

from .cases import PATHS


MU, MEAN, ONE = 0.3, 1.0, jnp.array([1.0])
NS = (5, 40)


def setting(variance):
    path = si.mean_reverting([MU], 1.0)
    law = dist.Normal(jnp.array([MEAN]), variance**0.5).to_event(1)
    return path, si.exact_field(path, law)


@jax.jit
def errors(variance):
    """Distance of the end from the closed form by step and number of steps, even in the signal-to-noise ratio."""
    path, field = setting(variance)
    steps, stop = (si.EulerStep(), si.ExponentialStep(order=1), si.ExponentialStep(order=2)), 0.001
    right = si.gaussian_flow(path, jnp.array([MEAN]), variance * jnp.eye(1), 1.0, stop, ONE)
    end = lambda step, grid: si.generate(field, ONE, grid, key=jax.random.key(0), step=step)[-1]
    grids = [si.log_snr_grid(path, n, stop=stop) for n in NS]
    return jnp.array([[jnp.abs(end(step, grid) - right)[0] for grid in grids] for step in steps])


@pytest.mark.parametrize(("step", "slope"), [(si.ExponentialStep(order=1), 1), (si.ExponentialStep(order=2), 2)])
def test_exponential_steps_have_their_orders(step, slope):
    path, field = setting(0.49)
    run = eqx.filter_jit(lambda ts: si.generate(field, ONE, ts, key=jax.random.key(0), step=step)[-1])
    right = si.gaussian_flow(path, jnp.array([MEAN]), 0.49 * jnp.eye(1), 1.0, 0.01, ONE)
    found = [abs(float((run(si.log_snr_grid(path, n, stop=0.01)) - right)[0])) for n in (160, 320)]
    assert abs(np.log2(found[0] / found[1]) - slope) < 0.1, found


def test_where_exponential_steps_win_and_where_they_lose():
    """Concentrated data on a grid even in log-SNR: an order of magnitude. Wide data: order 1 loses to Euler."""
    narrow, wide = (np.asarray(errors(v)) for v in (1e-4, 0.49))
    assert min(narrow[0] / narrow[1]) > 5
    assert min(narrow[0] / narrow[2]) > 10
    assert (wide[1] > wide[0]).all()


@pytest.mark.parametrize("name", ["VP", "mean-reverting", "one-sided linear", "OUVE"])
def test_a_step_is_exact_where_the_data_are_one_point(name):
    path, point = PATHS[name], jnp.array([0.7, -0.3])
    field = si.Field(path, si.Data(lambda t, x: point))
    t0, t1 = (0.1, 0.8) if path.data_time == 1.0 else (0.8, 0.1)
    z = jnp.array([0.2, -1.1])
    ends = (point, None) if path.data_time == 0.0 else (None, point)
    x0, x1 = (path.combine(t, *ends, z) for t in (t0, t1))
    for step in (si.ExponentialStep(order=1), si.ExponentialStep(order=2)):
        out = si.generate(field, x0, jnp.array([t0, t1]), key=jax.random.key(0), step=step)
        np.testing.assert_allclose(out[-1], x1, rtol=1e-12)


def test_the_gaussian_flow_is_that_of_the_equation():
    path = PATHS["VP"]
    cov = jnp.array([[1.0, 0.4], [0.4, 0.3]])
    mean, x = jnp.array([0.5, -1.0]), jnp.array([0.2, 1.3])
    field = si.exact_field(path, dist.MultivariateNormal(mean, cov))
    found = jax.jit(lambda x: si.flow(field, x, start=1.0, stop=0.3, steps=400)[0])(x)
    np.testing.assert_allclose(si.gaussian_flow(path, mean, cov, 1.0, 0.3, x), found, rtol=1e-9)
    flat = si.gaussian_flow(path, mean, jnp.zeros((2, 2)), 1.0, 0.0, x)
    np.testing.assert_allclose(flat, mean, atol=1e-12)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_noise_of_steps_keeps_the_law_of_gaussian_data(eta):
    """Many small steps with any eta give the law of the data; ancestral sampling for eta = 1."""
    path = PATHS["VP"]
    field = si.exact_field(path, dist.Normal(jnp.array([0.5]), 0.7).to_event(1))
    step = si.ExponentialStep(order=1, eta=jnp.asarray(eta))
    grid = lambda path, n: si.log_snr_grid(path, n, stop=1e-4)
    xs = si.Sampler(field, step, dim=1, steps=300, grid=grid).sample(
        jnp.array([0.0, 1.0]), key=jax.random.key(3), n=1500
    )
    # The bias of the mean and of the variance is below .01, a fifth of the tolerance at a false alarm of 1e-6.
    assert_mean(np.asarray(xs.xs[:, -1]), np.array([0.5]))
    assert_covariance(np.asarray(xs.xs[:, -1]), np.array([[0.49]]))


def test_the_corrector_leaves_the_law_alone():
    path = PATHS["VP"]
    field = si.exact_field(path, dist.Normal(jnp.array([0.5]), 0.7).to_event(1))
    step = si.LangevinStep(si.EulerStep(0.0), corrections=50, snr=0.1)
    law = si.marginal_law(path, 0.5, dist.Normal(jnp.array([0.5]), 0.7).to_event(1)).component_distribution
    m, v = law.mean[0], law.covariance_matrix[0]
    x = m[0] + jnp.sqrt(v[0, 0]) * jax.random.normal(jax.random.key(0), (3000, 1))
    run = jax.jit(jax.vmap(lambda x, k: si.generate(field, x, jnp.array([0.5 - 1e-9, 0.5]), key=k, step=step)[-1]))
    out = np.asarray(run(x, jax.random.split(jax.random.key(1), 3000)))
    assert_mean(out, np.asarray(m))
    assert_covariance(out, np.asarray(v))


@pytest.mark.parametrize(
    ("step", "each"),
    [(si.EulerStep(1.0), 1), (si.ExponentialStep(), 1), (si.LangevinStep(si.ExponentialStep(), 2), 3)],
    ids=["Euler", "exponential", "corrected"],
)
def test_n_steps_take_n_evaluations(step, each):
    calls = []

    def says(t, x):
        jax.debug.callback(lambda: calls.append(1))
        return -x

    field = si.Field(PATHS["one-sided linear"], si.Noise(says))
    run = jax.jit(lambda x: si.generate(field, x, jnp.linspace(0.1, 0.9, 8), key=jax.random.key(0), step=step))
    run(jnp.ones(1)).block_until_ready()
    jax.effects_barrier()
    assert len(calls) == 7 * each == 7 * step.evaluations


@pytest.mark.parametrize("step", [si.ExponentialStep(), si.ExponentialStep(1, 1.0), si.EulerStep(0.5)])
def test_whole_paths_from_pure_noise_to_pure_data_are_finite(step):
    """Both ends included, in float32, and the last state is where the data are."""
    path = si.one_sided_linear()
    law = dist.Normal(jnp.array([2.0], jnp.float32), jnp.float32(0.01)).to_event(1)
    field = si.exact_field(path, law1=law)
    grid = si.uniform_grid(path, 20).astype(jnp.float32)
    out = si.generate(field, jnp.array([0.3], jnp.float32), grid, key=jax.random.key(0), step=step)
    assert out.dtype == jnp.float32
    assert np.isfinite(out).all()
    assert abs(float(out[-1, 0]) - 2) < 0.3


def test_grids_are_even_in_what_they_say():
    path = PATHS["VP"]
    grid = si.log_snr_grid(path, 10, stop=1e-3)
    gaps = np.diff(np.asarray(jax.vmap(path.log_snr)(grid)))
    np.testing.assert_allclose(gaps, gaps[0], rtol=1e-9)
    grid = si.karras_grid(path, 10, stop=1e-3)
    sigma = np.exp(-np.asarray(jax.vmap(path.log_snr)(grid)) / 2) ** (1 / 7)
    np.testing.assert_allclose(np.diff(sigma), np.diff(sigma)[0], rtol=1e-8)
    np.testing.assert_array_equal(si.uniform_grid(path, 4), [1.0, 0.75, 0.5, 0.25, 0.0])
    grid = np.asarray(si.spread_grid(si.geometric_brownian(0.0, 2.0), 5, 0.5))
    np.testing.assert_allclose(4 * grid + 0.25, 4.25 * (0.25 / 4.25) ** (np.arange(6) / 5), rtol=1e-12)
