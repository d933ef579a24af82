"""Diffusions driven by noises with a Markov lift: exact laws at any rates, senses of the integral, path weights."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

import sdekit as sk
from sdekit.noise import BrownianDriver, Grid, ModeNoise, Tabulated
from sdekit.processes import (
    BrownianMotion,
    Controlled,
    Diagonal,
    Diffusion,
    Driven,
    DrivenOrnsteinUhlenbeck,
    Ito,
    Lifted,
    OrnsteinUhlenbeck,
    Stratonovich,
)
from sdekit.solve import ExponentialIntegrator, solve

from ..noise.drivers import Modes, covariance


FAST = Modes(jnp.array([0.3, 20.0, 3e3, 1e6]), jnp.array([0.5, -0.6, 3.0, 500.0]), direct=0.2, still=1)
SLOW = Modes(jnp.array([0.3, 4.0]), jnp.array([0.5, 0.8]))


def test_the_noise_has_its_exact_law_with_rates_up_to_a_million_in_100_steps():
    """Every entry of the covariance at 5 times within its standard error: 15 entries, false alarm 1e-6 in all."""
    ts, n = jnp.linspace(0.0, 1.0, 6), 20_000
    path = solve(Lifted(BrownianMotion(), FAST), ts, key=jax.random.key(0), n=n, dt=0.01)
    assert path.made.steps == 100
    x = np.asarray(path.xs)[:, 1:, 0]
    exact = covariance(FAST, np.asarray(ts[1:]))
    error = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / n)
    assert (np.abs(x.T @ x / n - exact) / error).max() < stats.norm.isf(1e-6 / 30)
    assert (np.abs(x.mean(0)) / np.sqrt(np.diag(exact) / n)).max() < stats.norm.isf(1e-6 / 10)


def test_the_noise_itself_as_a_linear_process():
    """Without mean reversion its marginal variances are those of the readout of the modes."""
    process = DrivenOrnsteinUhlenbeck(FAST)
    found = [float(process.marginal(t).variance[0]) for t in (0.2, 1.0)]
    np.testing.assert_allclose(found, np.diag(covariance(FAST, np.array([0.2, 1.0]))), rtol=1e-10)


def test_driven_is_the_state_of_its_lift():
    ts, key = jnp.linspace(0.0, 1.0, 4), jax.random.key(1)
    process = Driven(OrnsteinUhlenbeck(rate=jnp.array([1.0, 2.0])), FAST, dt=0.05)
    path = process.sample(ts, key=key, n=3)
    lifted = solve(process.lift, ts, key=key, n=3, dt=0.05)
    assert path.dim == process.dim == 2
    np.testing.assert_array_equal(path.xs, lifted.xs[..., :2])
    parts = jax.vmap(jax.vmap(process.lift.parts))(lifted.xs)
    assert parts.z.shape == (3, 4, 2, 5) and parts.weights.shape == (3, 4, 0)


def test_brownian_driver_is_brownian_motion():
    """The lift of Brownian motion has no modes, and Heun along it is Heun along the increments."""
    process = OrnsteinUhlenbeck(rate=1.0, start=dist.Delta(jnp.ones(1), event_dim=1))
    noise = ModeNoise(Grid(jnp.array([0.0, 1.0]), 50), jnp.zeros(0), key=jax.random.key(2))
    ours = solve(Lifted(process, BrownianDriver()), noise.grid.times(), noise=noise, x0=jnp.ones(1))
    table = Tabulated(noise.grid, noise.increments())
    plain = solve(process, noise.grid.times(), noise=table, x0=jnp.ones(1), solver=diffrax.Heun())
    np.testing.assert_allclose(ours.xs, plain.xs, rtol=1e-12)


def test_the_plain_equation_and_the_exponential_integrator_meet():
    """Along one Brownian motion the root mean square difference falls as the step: Euler has order one here."""
    lifted, ts = Lifted(OrnsteinUhlenbeck(rate=1.0), SLOW), jnp.array([0.0, 1.0])

    @eqx.filter_jit
    def gaps(key):
        fine, x0 = ModeNoise(Grid(ts, 256), SLOW.rates, key=key), jnp.zeros(lifted.dim)
        found = []
        for noise in (fine.coarsen(16), fine.coarsen(4), fine):
            exact = solve(lifted, ts, noise=noise, x0=x0).xs[-1]
            table = Tabulated(noise.grid, noise.increments())
            found.append(exact - solve(lifted, ts, noise=table, x0=x0, solver=diffrax.Euler()).xs[-1])
        return jnp.stack(found)

    size = np.sqrt(np.mean(np.asarray(jax.vmap(gaps)(jax.random.split(jax.random.key(3), 200))) ** 2, axis=(0, 2)))
    np.testing.assert_allclose(np.log(size[:-1] / size[1:]) / np.log(4), 1.0, atol=0.15)


def growth(interpretation):
    return Diffusion(lambda t, x: 0.1 * x, lambda t, x: 0.5 * x, dist.Delta(jnp.ones(1), event_dim=1), interpretation,
                     Diagonal)  # fmt: skip


@pytest.mark.parametrize("solver", [None, diffrax.Heun(), diffrax.StratonovichMilstein(), diffrax.Euler()])
@pytest.mark.parametrize("sense", [Ito, Stratonovich])
def test_the_sense_of_the_integral(sense, solver):
    r"""$dX = aX\,dt + bX\,dN$ is $\exp(at + bN)$ in Stratonovich's sense, less $b^2 \bar c^2 t / 2$ in Ito's."""
    lifted = Lifted(growth(sense), SLOW)
    wrapped = ExponentialIntegrator(solver)
    if sense is Stratonovich and isinstance(solver, diffrax.Euler):
        with pytest.raises(ValueError, match="takes Ito's sense"):
            solve(lifted, jnp.array([0.0, 1.0]), key=jax.random.key(0), solver=wrapped)
        return
    steps, gain = 2048, float(SLOW.weights.sum())

    @eqx.filter_jit
    def error(key):
        noise = ModeNoise(Grid(jnp.array([0.0, 1.0]), steps), SLOW.rates, key=key)
        path = solve(lifted, jnp.array([0.0, 1.0]), noise=noise, solver=wrapped, x0=jnp.zeros(3).at[0].set(1.0))
        x, z, _ = lifted.parts(path.xs[-1])
        exact = jnp.exp(0.1 + 0.5 * (z @ SLOW.weights) - (0.125 * gain**2 if sense is Ito else 0.0))
        return (x - exact) / exact

    errors = jax.vmap(error)(jax.random.split(jax.random.key(4), 64))
    # Strong order 1/2 for Euler (0.5^2 c^2 / sqrt(2 n) in size, times 6), 1 for the others.
    bound = 6 * 0.25 * gain**2 / np.sqrt(2 * steps) if isinstance(solver, diffrax.Euler) else 20 / steps
    assert float(jnp.abs(errors).max()) < bound


def test_path_weights():
    r"""Under a control, $E\,e^{-w}$ is 1 and reweighted moments are those of the prior (5 statistics, 1e-6 in all)."""
    base, n = OrnsteinUhlenbeck(rate=1.0, start=dist.Delta(jnp.zeros(1), event_dim=1)), 20_000
    field = lambda t, x, z: jnp.tanh(x) - 0.5 * z[:, 1] + jnp.sin(t)
    posterior = Controlled(base, FAST, field, martingale=True)
    path = solve(posterior, jnp.array([0.0, 0.5]), key=jax.random.key(5), n=n, dt=0.1)
    x, z, weights = jax.vmap(posterior.parts)(path.xs[:, -1])
    ratio = np.exp(-np.asarray(weights.sum(1)))
    prior = solve(Lifted(base, FAST), jnp.array([0.0, 0.5]), key=jax.random.key(6), n=n, dt=0.1).xs[:, -1]
    for f in (lambda x, z: x[:, 0], lambda x, z: x[:, 0] ** 2, lambda x, z: z[:, 0, 1] * x[:, 0]):
        left = ratio * np.asarray(f(x, z))
        right = np.asarray(f(*jax.vmap(Lifted(base, FAST).parts)(prior)[:2]))
        error = np.sqrt(left.var() / n + right.var() / n)
        assert abs(left.mean() - right.mean()) < stats.norm.isf(1e-7) * error
    assert abs(ratio.mean() - 1) < stats.norm.isf(1e-7) * ratio.std() / np.sqrt(n)


def test_a_constant_control_moves_every_mode():
    """The mean is that of the linear equation, exactly, and the divergence is half the square of the control."""
    posterior = Controlled(BrownianMotion(), FAST, lambda t, x, z: jnp.full(1, 2.0))
    ts = jnp.array([0.0, 0.3, 1.0])
    silent = lambda m: eqx.tree_at(lambda n: n.roots, m, jnp.zeros_like(m.roots))
    noise = silent(ModeNoise(Grid(ts, 7), FAST.rates, key=jax.random.key(0)))
    path = solve(posterior, ts, noise=noise, x0=jnp.zeros(posterior.dim))
    rates, weights = np.asarray(FAST.rates), np.asarray(FAST.weights)
    mean = [2 * (0.2 * t + weights @ (-np.expm1(-rates * t) / rates)) for t in (0.3, 1.0)]
    np.testing.assert_allclose(path.xs[1:, 0], mean, rtol=1e-12)
    np.testing.assert_allclose(path.xs[1:, -1], [0.6, 2.0], rtol=1e-12)


def test_gradients_agree_with_differences():
    def end(weights, adjoint=None):
        lifted = Controlled(OrnsteinUhlenbeck(rate=1.0), eqx.tree_at(lambda d: d.weights, SLOW, weights),
                            lambda t, x, z: jnp.tanh(x) + z[:, 0])  # fmt: skip
        path = solve(lifted, jnp.array([0.0, 1.0]), key=jax.random.key(7), dt=0.05, adjoint=adjoint)
        return path.xs[-1, 0] + path.xs[-1, -1]

    found = jax.jit(jax.grad(end))(SLOW.weights)
    step = 1e-6 * jnp.eye(2)
    value = jax.jit(end)
    expected = [(value(SLOW.weights + h) - value(SLOW.weights - h)) / 2e-6 for h in step]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    forward = jax.jacfwd(lambda w: end(w, diffrax.ForwardMode()))(SLOW.weights)
    np.testing.assert_allclose(forward, found, rtol=1e-10)


@pytest.mark.float32
def test_the_dtype_follows_the_model_and_huge_weights_stay_finite():
    driver = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32) if eqx.is_array(x) else x, FAST)
    base = OrnsteinUhlenbeck(rate=jnp.ones(1, jnp.float32))
    path = Lifted(base, driver).sample(jnp.linspace(0, 1, 5, dtype=jnp.float32), key=jax.random.key(0), n=3)
    assert path.xs.dtype == jnp.float32 and bool(jnp.isfinite(path.xs).all())


def test_what_the_integrator_refuses():
    ts, key = jnp.array([0.0, 1.0]), jax.random.key(0)
    lifted = Lifted(BrownianMotion(), SLOW)
    with pytest.raises(ValueError, match="steps lifted diffusions alone"):
        solve(BrownianMotion(), ts, key=key, solver=ExponentialIntegrator())
    with pytest.raises(ValueError, match="asks for more than the increments"):
        solve(lifted, ts, key=key, solver=ExponentialIntegrator(diffrax.ShARK()))
    with pytest.raises(ValueError, match="does not fit an ExponentialIntegrator"):
        solve(lifted, ts, key=key, adjoint=diffrax.BacksolveAdjoint())
    with pytest.raises(ValueError, match="must have the modes"):
        solve(lifted, ts, noise=ModeNoise(Grid(ts, 4), jnp.ones(3), key=key), x0=jnp.zeros(3))
    with pytest.raises(ValueError, match="another number of components"):
        Lifted(BrownianMotion(), eqx.tree_at(lambda d: d.weights, SLOW, jnp.ones((3, 2))))
    with pytest.raises(ValueError, match="another length than the state"):
        Controlled(BrownianMotion(), SLOW, lambda t, x, z: x, dist.Delta(jnp.zeros(2), event_dim=1))
    moving = sk.processes.Driven(BrownianMotion(), SLOW)
    with pytest.raises(ValueError, match="must read its moving modes alike"):
        DrivenOrnsteinUhlenbeck(eqx.tree_at(lambda d: d.steady, SLOW, False), rate=1.0)
    assert moving.dim == 1
