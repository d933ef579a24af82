"""Gaussian bridges against what characterises them, and against formulas of their own derivation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import linalg

from sdekit.bridges import GaussianSchroedingerBridge, gaussian_coupling
from sdekit.processes import BrownianMotion, DoubleWell, LinearSDE


def covariance(rng, d):
    a = rng.normal(size=(d, d + 2))
    return a @ a.T / d + 0.1 * np.eye(d)


def case(d, seed, k=2, brownian=False):
    rng = np.random.default_rng(seed)
    if brownian:
        reference = BrownianMotion(scale=rng.uniform(0.5, 1.5, d))
    else:
        stable = rng.normal(size=(d, d)) / np.sqrt(d) - 1.5 * np.eye(d)
        reference = LinearSDE(stable, rng.normal(size=d), rng.normal(size=(d, d)) / np.sqrt(d) + np.eye(d))
    times = np.cumsum(rng.uniform(0.3, 0.8, k))
    means = rng.normal(size=(k, d))
    return GaussianSchroedingerBridge(reference, means, np.stack([covariance(rng, d) for _ in range(k)]), times)


CASES = [(1, 0, True), (20, 3, False)]


@eqx.filter_jit
def _look(bridge, t):
    """Drift as an affine map, marginal and its derivative in time: one compilation a shape."""
    zero = jnp.zeros(bridge.dim)

    def law(t):
        found = bridge.marginal(t)
        return found.mean, found.covariance_matrix

    moments, rates = jax.jvp(law, (t,), (jnp.ones_like(t),))
    return jax.jacfwd(lambda x: bridge.drift(t, x))(zero), bridge.drift(t, zero), moments, rates


def _law(bridge, t):
    return _look(bridge, jnp.asarray(t))[2]


@pytest.mark.parametrize(("d", "seed", "brownian"), CASES)
def test_the_joint_precision_is_that_of_the_reference_and_moments_solve_the_equations_of_the_drift(d, seed, brownian):
    bridge = case(d, seed, brownian=brownian)
    t0, t1 = map(float, bridge.times)
    s0, s1 = np.asarray(bridge.covariances)
    c = np.asarray(bridge.coupling())
    phi, _, q = map(np.asarray, bridge.reference.discretise(t0, t1))
    joint = np.block([[s0, c], [c.T, s1]])
    assert np.linalg.eigvalsh(joint).min() > 0
    found = np.linalg.inv(joint)[:d, d:]
    expected = -phi.T @ np.linalg.inv(q)
    assert np.abs(found - expected).max() <= 1e-9 * max(1, np.abs(expected).max())
    for k, t in enumerate((t0, t1)):
        mean, s = _law(bridge, t)
        np.testing.assert_allclose(mean, bridge.means[k], atol=1e-9)
        np.testing.assert_allclose(s, bridge.covariances[k], atol=1e-9)
    g = np.asarray(bridge.diffusion(t0, jnp.zeros(d)).as_matrix())
    for share in (0.2, 0.7):
        # Derivatives in time by automatic differentiation of the closed-form marginal.
        a, b, (mean, s), (dmean, ds) = jax.tree.map(np.asarray, _look(bridge, jnp.asarray(t0 + share * (t1 - t0))))
        np.testing.assert_allclose(dmean, a @ mean + b, atol=1e-9)
        np.testing.assert_allclose(ds, a @ s + s @ a.T + g @ g.T, atol=1e-9)


def test_the_isotropic_case_of_dsbm():
    # N(-a, 1) to N(a, 1), sigma = 1: covariance (sqrt 5 - 1)/2, variance 1 + (sqrt 5 - 2) t (1 - t).
    d = 2
    ends = np.stack([-0.1 * np.ones(d), 0.1 * np.ones(d)])
    bridge = GaussianSchroedingerBridge(BrownianMotion(np.ones(d)), ends, np.stack([np.eye(d)] * 2))
    np.testing.assert_allclose(bridge.coupling(), (np.sqrt(5) - 1) / 2 * np.eye(d), atol=1e-12)
    for t in (0.25, 0.5):
        _, s = _law(bridge, t)
        np.testing.assert_allclose(s, (1 + (np.sqrt(5) - 2) * t * (1 - t)) * np.eye(d), atol=1e-10)
    # Formula 2.1 of Bunne et al.: the drift by K_t and S_t.
    t, x, c = 0.3, np.linspace(-1, 1, d), (np.sqrt(5) - 1) / 2
    k, s = (1 - t) * (c - 1) + t * (1 - c) - t, 1 + (np.sqrt(5) - 2) * t * (1 - t)
    expected = ends[1] - ends[0] + k / s * (x - (1 - t) * ends[0] - t * ends[1])
    np.testing.assert_allclose(bridge.drift(t, jnp.asarray(x)), expected, atol=1e-10)


def test_static_and_dynamic_divergence_agree():
    d, k = 2, 3
    bridge = case(d, 7, k)
    np.testing.assert_allclose(bridge.dynamic_kl(48), bridge.kl(), rtol=1e-7)
    # And with the divergence of the joint Gaussians by plain algebra, the reference started from the first marginal.
    total = 0.0
    for i in range(k - 1):
        s0, s1, c = np.asarray(bridge.covariances[i]), np.asarray(bridge.covariances[i + 1]), bridge.coupling(i)
        phi, offset, q = map(np.asarray, bridge.reference.discretise(bridge.times[i], bridge.times[i + 1]))
        joint = np.block([[s0, c], [c.T, s1]])
        ref = np.block([[s0, s0 @ phi.T], [phi @ s0, phi @ s0 @ phi.T + q]])
        m = np.concatenate([bridge.means[i], bridge.means[i + 1]])
        shift = m - np.concatenate([bridge.means[i], phi @ bridge.means[i] + offset])
        logs = np.linalg.slogdet(ref)[1] - np.linalg.slogdet(joint)[1]
        solve = np.linalg.solve(ref, np.column_stack([joint, shift]))
        total += 0.5 * (np.trace(solve[:, :-1]) - 2 * d + shift @ solve[:, -1] + logs)
    np.testing.assert_allclose(bridge.kl(), total, rtol=1e-8)


def test_a_chain_has_a_tridiagonal_precision():
    d, k = 2, 3
    bridge = case(d, 11, k)
    maps = [np.asarray(bridge.discretise(bridge.times[i], bridge.times[i + 1])[0]) for i in range(k - 1)]
    blocks = [[None] * k for _ in range(k)]
    for i in range(k):
        moved = np.eye(d)
        for j in range(i, k):
            blocks[j][i] = moved @ np.asarray(bridge.covariances[i])
            blocks[i][j] = blocks[j][i].T
            moved = maps[j] @ moved if j < k - 1 else moved
        np.testing.assert_allclose(_law(bridge, bridge.times[i])[1], bridge.covariances[i], atol=1e-9)
    precision = np.linalg.inv(np.block(blocks)).reshape(k, d, k, d)
    for i in range(k):
        for j in range(k):
            if abs(i - j) > 1:
                assert np.abs(precision[i, :, j]).max() < 1e-9
    # Across a knot, transitions compose.
    a, _, _ = bridge.discretise(bridge.times[0], bridge.times[2])
    np.testing.assert_allclose(a, maps[1] @ maps[0], atol=1e-9)


def test_nelson_and_the_probability_flow():
    bridge = case(2, 11, 3)
    t, x = float(bridge.times[:2].mean()), jnp.array([0.3, -1.0])
    mean, s = map(np.asarray, _law(bridge, t))
    g = np.asarray(bridge.diffusion(t, x).as_matrix())
    score = -np.linalg.solve(s, x - mean)
    forward, backward, flow, found = eqx.filter_jit(
        lambda b, x: (b.drift(t, x), b.backward_drift(t, x), b.probability_flow(t, x), b.score(t, x))
    )(bridge, x)
    np.testing.assert_allclose(found, score, rtol=1e-9)
    np.testing.assert_allclose(forward - backward, g @ g.T @ score, rtol=1e-9)
    np.testing.assert_allclose(flow, (forward + backward) / 2, rtol=1e-9)


def test_little_noise_is_optimal_transport_and_much_noise_is_independence():
    rng = np.random.default_rng(3)
    s0, s1 = covariance(rng, 3), covariance(rng, 3)
    root = linalg.sqrtm(s0).real
    ot = root @ linalg.sqrtm(root @ s1 @ root).real @ np.linalg.inv(root)
    eye = np.eye(3)
    np.testing.assert_allclose(gaussian_coupling(s0, s1, eye, 1e-8 * eye), ot, atol=1e-6)
    np.testing.assert_allclose(gaussian_coupling(s0, s1, eye, 1e8 * eye), 0 * eye, atol=1e-6)


def test_the_coupling_has_a_derivative_where_eigenvalues_meet():
    eye = jnp.eye(2)
    f = lambda scale: gaussian_coupling(scale * eye, eye, eye, eye)[0, 0]
    h = 1e-5
    np.testing.assert_allclose(jax.grad(f)(1.0), (f(1 + h) - f(1 - h)) / (2 * h), rtol=1e-7)


def test_draws_have_the_coupling():
    bridge = case(1, 9)
    n, times = 20_000, jnp.array([bridge.times[0], bridge.times.mean(), bridge.times[1]])
    xs = np.asarray(bridge.sample(times, key=jax.random.key(0), n=n).xs[..., 0])
    expected = np.array([[float(bridge.covariances[0, 0, 0]), float(bridge.coupling()[0, 0])],
                         [0, float(bridge.covariances[1, 0, 0])]])  # fmt: skip
    found = np.cov(xs[:, [0, 2]].T)
    # Standard errors of sample covariances of Gaussians: false alarm 1e-6 for the three entries.
    for i, j in ((0, 0), (0, 1), (1, 1)):
        error = np.sqrt((expected[0, 0] * expected[1, 1] * (1 + (i == j)) + expected[i, j] ** 2) / n)
        scale = np.sqrt(2 / n) * expected[i, i] if i == j else error
        assert abs(found[i, j] - expected[i, j]) < 5.1 * scale


def test_faults_are_named():
    one = dict(means=[[0.0], [1.0]], covariances=[[[1.0]], [[1.0]]])
    with pytest.raises(TypeError, match=r"reference` must be a linear Gaussian diffusion"):
        GaussianSchroedingerBridge(DoubleWell(), **one)
    with pytest.raises(ValueError, match=r"`covariances\[1\]` must be symmetric, positive definite"):
        GaussianSchroedingerBridge(BrownianMotion(), [[0.0], [1.0]], [[[1.0]], [[0.0]]])
    with pytest.raises(ValueError, match=r"`times\[1\]` must be later"):
        GaussianSchroedingerBridge(BrownianMotion(), times=[1.0, 0.0], **one)
    with pytest.raises(ValueError, match=r"`means` must have shape \(2, 2\)"):
        GaussianSchroedingerBridge(BrownianMotion(scale=[1.0, 1.0]), **one)
    with pytest.raises(ValueError, match="`means` must be finite"):
        GaussianSchroedingerBridge(BrownianMotion(), [[np.nan], [1.0]], one["covariances"])
    still = LinearSDE(-np.eye(2), scale=np.array([[1.0], [0.0]]))
    with pytest.raises(ValueError, match="`reference` must have noise"):
        GaussianSchroedingerBridge(still, np.zeros((2, 2)), np.stack([np.eye(2)] * 2))
