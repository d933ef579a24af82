"""Weights and divergences of path laws."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given, strategies as st
from scipy.stats import multivariate_normal

from sdekit.evaluate import assert_mean
from sdekit.inference import chain_kl, girsanov_energy, girsanov_log_weight, path_kl
from sdekit.paths import SampledPath
from sdekit.processes import Diffusion, OrnsteinUhlenbeck, Stratonovich

from .helpers import dense_prior, linear_sde


START = dist.Delta(jnp.array([0.3, -0.2]), event_dim=1)
FULL = jnp.array([[0.8, 0.3, 0.1], [0.0, 0.6, -0.4]])


def process(f, g=FULL, initial=START, **kwargs):
    return Diffusion(f, lambda _t, _x: g, initial, **kwargs)


Q = process(lambda t, x: jnp.stack([x[1] - x[0], jnp.sin(x[0]) + 0.1 * t]))
P = process(lambda t, x: jnp.stack([-(x[0] ** 3), jnp.cos(x[1]) - t]))


@eqx.filter_jit
def euler(model, ts, key, n):
    """Paths by Euler steps, written out here."""
    h = jnp.diff(ts)

    def one(key):
        g = model.diffusion(0.0, START.mean).as_matrix()
        dw = jax.random.normal(key, (h.shape[0], g.shape[1])) * jnp.sqrt(h)[:, None]

        def step(x, row):
            t, dt, w = row
            x = x + model.drift(t, x) * dt + g @ w
            return x, x

        _, xs = jax.lax.scan(step, START.mean, (ts[:-1], h, dw))
        return jnp.concatenate([START.mean[None], xs])

    return SampledPath(ts, jax.vmap(one)(jax.random.split(key, n)))


weights = eqx.filter_jit(girsanov_log_weight)


@given(seed=st.integers(0, 2**32 - 1))
def test_weight_is_the_log_ratio_of_the_euler_chains(seed):
    ts = np.cumsum(np.r_[0.0, np.random.default_rng(seed).uniform(0.01, 0.1, 10)])
    path = euler(Q, jnp.asarray(ts), jax.random.key(seed), 2)
    exact = np.zeros(2)
    for i in range(2):
        xs = np.asarray(path.xs[i])
        for k, h in enumerate(np.diff(ts)):
            logs = [
                multivariate_normal(xs[k] + np.asarray(m.drift(ts[k], xs[k])) * h, FULL @ FULL.T * h).logpdf(xs[k + 1])
                for m in (P, Q)
            ]
            exact[i] += logs[0] - logs[1]
    found = weights(Q, P, path)
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-12)
    assert weights(Q, P, SampledPath(path.ts, path.xs[0])) == pytest.approx(float(found[0]), rel=1e-12)


@pytest.mark.parametrize("steps", [2, 20])
def test_weights_have_mean_one_at_every_step_size(steps, key):
    """False alarm 1e-6; a mean of 1.02 would be found."""
    tilted = process(lambda t, x: Q.drift(t, x) + FULL @ jnp.array([0.4, -0.3, 0.2]))
    path = euler(Q, jnp.linspace(0.0, 1.0, steps + 1), key, 20_000)
    assert_mean(jnp.exp(weights(Q, tilted, path)), 1.0, effect=0.05)


def test_divergence_of_two_ornstein_uhlenbeck_processes(key):
    """Against the closed form, at 5 standard errors (6e-7)."""
    b, a, s, x0, t = 1.2, 0.5, 0.7, 1.5, 2.0
    start = dist.Delta(jnp.array([x0]), event_dim=1)
    q, p = OrnsteinUhlenbeck(b, 0.0, s, start), OrnsteinUhlenbeck(a, 0.0, s, start)
    mean = (1 - np.exp(-2 * b * t)) / (2 * b)
    exact = (a - b) ** 2 / (2 * s**2) * (x0**2 * mean + s**2 / (2 * b) * (t - mean))
    found = path_kl(q, p, jnp.linspace(0.0, t, 201), key=key, n=4000)
    assert found.initial == 0
    assert abs(found.value - exact) < 5 * found.standard_error < 0.05
    stationary = path_kl(
        OrnsteinUhlenbeck(b, 0.0, s), OrnsteinUhlenbeck(a, 0.0, s), jnp.linspace(0.0, t, 201), key=key, n=4000
    )
    ratio = a / b
    initial = 0.5 * (ratio - 1 - np.log(ratio))
    assert stationary.initial == pytest.approx(initial, rel=1e-10)
    assert abs(stationary.value - (a - b) ** 2 * t / (4 * b) - initial) < 5 * stationary.standard_error


def test_divergence_of_chains_grows_to_that_of_the_paths():
    b, a, t = 1.2, 0.5, 2.0
    q, p = OrnsteinUhlenbeck(b), OrnsteinUhlenbeck(a)
    limit = (a - b) ** 2 * t / (4 * b) + 0.5 * (a / b - 1 - np.log(a / b))
    values = [float(chain_kl(q, p, jnp.linspace(0.0, t, n + 1))) for n in (1, 2, 4, 8, 64, 4096)]
    assert np.all(np.diff(values) > 0)
    assert values[-1] < limit
    assert values[-1] == pytest.approx(limit, rel=1e-4)
    assert chain_kl(q, q, jnp.linspace(0.0, t, 5)) == pytest.approx(0, abs=1e-14)


@given(seed=st.integers(0, 2**32 - 1))
def test_divergence_of_chains_is_that_of_the_dense_gaussians(seed):
    q, p = linear_sde(seed), linear_sde(seed + 1)
    ts = np.array([0.0, 0.3, 1.0, 1.2])
    (mq, cq), (mp, cp) = (dense_prior(m, ts) for m in (q, p))
    n, mq, mp = mq.size, mq.reshape(-1), mp.reshape(-1)
    cq, cp = cq.reshape(n, n), cp.reshape(n, n)
    gap, logs = mp - mq, np.linalg.slogdet(cp)[1] - np.linalg.slogdet(cq)[1]
    exact = 0.5 * (np.trace(np.linalg.solve(cp, cq)) - n + gap @ np.linalg.solve(cp, gap) + logs)
    assert chains(q, p, jnp.asarray(ts)) == pytest.approx(exact, rel=1e-7)


chains = eqx.filter_jit(chain_kl)


def test_another_diffusion_is_infinitely_far(key):
    other = process(P.drift, 1.01 * FULL)
    path = euler(Q, jnp.linspace(0.0, 1.0, 5), key, 3)
    assert np.all(weights(Q, other, path) == -np.inf)
    assert girsanov_energy(Q, other, 0.0, jnp.zeros(2)) == np.inf
    found = path_kl(OrnsteinUhlenbeck(1.0, 0.0, 1.0), OrnsteinUhlenbeck(1.0, 0.0, 1.1), path.ts, key=key, n=3)
    assert found.value == np.inf and found.standard_error == np.inf


def test_a_rotated_noise_is_the_same_noise():
    turn = jnp.linalg.qr(jax.random.normal(jax.random.key(0), (3, 3)))[0]
    x = jnp.array([0.4, 1.0])
    same = girsanov_energy(Q, process(P.drift, FULL @ turn), 0.2, x)
    assert same == pytest.approx(float(girsanov_energy(Q, P, 0.2, x)), rel=1e-10)
    u = np.linalg.pinv(FULL) @ np.asarray(P.drift(0.2, x) - Q.drift(0.2, x))
    assert same == pytest.approx(0.5 * u @ u, rel=1e-10)


def test_singular_noise():
    g = jnp.array([[0.0], [0.5]])
    base = process(lambda _t, x: jnp.stack([x[1], -x[0]]), g)
    inside = process(lambda _t, x: jnp.stack([x[1], -x[0] + 0.3]), g)
    outside = process(lambda _t, x: jnp.stack([x[1] + 0.1, -x[0]]), g)
    x = jnp.array([0.4, 1.0])
    assert girsanov_energy(base, inside, 0.0, x) == pytest.approx(0.5 * 0.6**2, rel=1e-12)
    assert girsanov_energy(base, outside, 0.0, x) == np.inf
    diagonal = [Diffusion(m.drift, lambda _t, _x: jnp.array([0.0, 0.5]), START) for m in (base, inside, outside)]
    energies = [girsanov_energy(diagonal[0], m, 0.0, x) for m in diagonal]
    np.testing.assert_allclose(energies, [0, 0.18, np.inf], rtol=1e-12)


def test_senses_of_the_integral_may_differ():
    """x dW in the sense of Stratonovich is x dW + x/2 dt in that of Ito."""
    one = dist.Delta(jnp.ones(1), event_dim=1)
    q = Diffusion(lambda _t, x: -x, lambda _t, x: x, one, interpretation=Stratonovich)
    p = Diffusion(lambda _t, x: -x / 2, lambda _t, x: x, one)
    assert girsanov_energy(q, p, 0.0, jnp.array([1.7])) == pytest.approx(0, abs=1e-20)


def test_laws_on_different_spaces_are_refused():
    with pytest.raises(ValueError, match="states of length 2"):
        girsanov_energy(Q, OrnsteinUhlenbeck(1.0), 0.0, jnp.zeros(2))
