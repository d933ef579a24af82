"""Matching: the exact bridge is the minimum, both ways of drawing, iterations towards the bridge, faults."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit import fit
from sdekit.bridges import BridgeMatching, GaussianSchroedingerBridge, MatchedBridge, coupled, iterate
from sdekit.data import Series, Snapshots
from sdekit.processes import BrownianMotion, LinearSDE
from sdekit.transport import Exact, Independent, Paired


MEANS = np.array([[0.5, -1.0], [1.0, 2.0]])
COVARIANCES = np.array([[[1.0, 0.3], [0.3, 0.5]], [[0.4, -0.1], [-0.1, 0.8]]])
LINEAR = LinearSDE(np.array([[-0.7, 1.0], [-0.5, -0.2]]), np.array([0.3, -0.4]), np.array([[0.8, 0.0], [0.3, 0.6]]))


class Near(eqx.Module):
    """A part of an exact bridge between Gaussians, by the formulas of Chen, Georgiou and Pavon, changed affinely."""

    exact: GaussianSchroedingerBridge = eqx.field(metadata={"trainable": False})
    cross: jax.Array = eqx.field(metadata={"trainable": False})
    change: jax.Array
    back: bool = eqx.field(static=True)

    def __call__(self, t, x):
        reference, (t0, t1) = self.exact.reference, self.exact.times
        (m0, m1), (s0, s1), c = self.exact.means, self.exact.covariances, self.cross
        t = jnp.minimum(t, t1 - 1e-6)  # at the end itself the pull is 0/0
        phi, b, q = reference.discretise(t0, t)
        psi, d, r = reference.discretise(t, t1)
        whole = psi @ q @ psi.T + r
        g = jnp.linalg.solve(whole, psi @ q).T
        w = phi - g @ psi @ phi
        mean = w @ m0 + g @ m1 + b - g @ (psi @ b + d)
        ends = jnp.concatenate([w @ s0 + g @ c.T, w @ c + g @ s1], axis=1)
        spread = ends @ jnp.concatenate([w, g], axis=1).T + q - g @ psi @ q
        score = -jnp.linalg.solve((spread + spread.T) / 2, x - mean)
        end = m1 - ends[:, 2:].T @ score
        noise = reference.diffusion(t, x).as_matrix()
        noise = noise @ noise.T
        ahead = noise @ psi.T @ jnp.linalg.solve(r, end - psi @ x - d)
        part = noise @ score - ahead if self.back else ahead
        return part + self.change[:, :2] @ x + self.change[:, 2] * t + self.change[:, 3]


def near(reference, change=0.0):
    exact = GaussianSchroedingerBridge(reference, MEANS, COVARIANCES, [0.5, 2.0])
    data = Snapshots(exact.times, jnp.zeros((2, 1, 2)))
    cross, change = jnp.asarray(exact.coupling()), jnp.full((2, 4), change)
    parts = (Near(exact, cross, change, back) for back in (False, True))
    return exact, MatchedBridge(reference, data, *parts, steps=20)


@eqx.filter_jit
def gradients(model, exact, keys, size):
    """Of the losses of independent batches of exact pairs, in the changes of both parts."""
    a, b, q = exact.discretise(*exact.times)
    roots = jnp.linalg.cholesky(exact.covariances[0]), jnp.linalg.cholesky(q)

    def one(key):
        k, z = jax.random.split(key)
        z = jax.random.normal(z, (2, size, 2))
        x0 = exact.means[0][None] + z[0] @ roots[0].T
        x1 = x0 @ a.T + b[None] + z[1] @ roots[1].T
        batch = Series(jnp.broadcast_to(exact.times, (size, 2)), jnp.stack([x0, x1], 1))
        changes = lambda m: (m.forward.change, m.backward.change)
        loss = lambda c: BridgeMatching()(eqx.tree_at(changes, model, c), batch, key=k)[0]
        return jnp.stack(jax.grad(loss)(changes(model)))

    return jax.lax.map(one, keys)


def test_the_exact_bridge_is_the_minimum():
    exact, model = near(LINEAR)
    keys = jax.random.split(jax.random.key(0), 64)
    found = np.asarray(gradients(model, exact, keys, 16))
    score = found.mean(0) / (found.std(0) / 8)
    # Sixteen means of 64 independent batches: false alarm 1e-6 by Student's law. A change of .3 is seen at once.
    assert np.abs(score).max() < 6.4
    _, off = near(LINEAR, 0.3)
    moved = np.asarray(gradients(off, exact, keys, 16))
    assert np.abs(moved.mean(0) / (moved.std(0) / 8)).max() > 10


def test_draws_and_scores_are_those_of_the_drifts():
    exact, model = near(BrownianMotion(scale=np.array([0.8, 1.3])))
    n = 1000
    keys = jax.random.split(jax.random.key(1), n)
    laws = [np.asarray(exact.marginal(t).covariance_matrix) for t in (0.5, 2.0)]
    ends = [np.random.default_rng(i).multivariate_normal(MEANS[i], COVARIANCES[i], n) for i in range(2)]
    forward = eqx.filter_jit(jax.vmap(lambda x, k: model.end(x, key=k)))(jnp.asarray(ends[0]), keys)
    back = eqx.filter_jit(jax.vmap(lambda x, k: model.start(x, key=k)))(jnp.asarray(ends[1]), keys)
    flow = eqx.filter_jit(jax.vmap(lambda x: model.transport(x)))(jnp.asarray(ends[0]))
    for found, i in ((forward, 1), (back, 0), (flow, 1)):
        # Means to 5.5 standard errors, false alarm 1e-6 for the six; covariances to .15.
        assert np.abs((found.mean(0) - MEANS[i]) / np.sqrt(np.diag(laws[i]) / n)).max() < 5.5
        np.testing.assert_allclose(np.cov(np.asarray(found).T), laws[i], atol=0.15)
    t, x = 1.1, jnp.array([0.3, 0.7])
    np.testing.assert_allclose(model.score(t, x), exact.score(t, x), rtol=1e-6)
    np.testing.assert_allclose(model.probability_flow(t, x), exact.probability_flow(t, x), rtol=1e-6)


class Affine(eqx.Module):
    """A part that is affine in the state and polynomial in time."""

    weights: jax.Array

    def __call__(self, t, x):
        basis = t ** jnp.arange(len(self.weights))
        return (basis @ self.weights)[:1] * x + (basis @ self.weights)[1:]


def test_iterations_go_to_the_bridge_from_any_coupling():
    reference = BrownianMotion()
    exact = GaussianSchroedingerBridge(reference, [[-0.5], [0.5]], [[[1.0]], [[1.0]]])
    xs = jax.random.normal(jax.random.key(0), (2, 1000, 1)) + jnp.array([-0.5, 0.5])[:, None, None]
    xs = xs / xs.std(1, keepdims=True)
    parts = Affine(jnp.zeros((3, 2))), Affine(jnp.zeros((3, 2)))
    start = MatchedBridge(reference, Snapshots(jnp.array([0.0, 1.0]), xs), *parts, steps=15)

    def train(bridge, pairs, *, key):
        how = {"steps": 120, "batch_size": 250, "progress": False}
        return fit(bridge, BridgeMatching(times=16), pairs, key=key, **how).model

    found = iterate(start, start.data, train, key=jax.random.key(1), rounds=4)
    x0, x1 = found.pairs.ys[:, 0, 0], found.pairs.ys[:, 1, 0]
    # The exact coupling has the correlation (sqrt 5 - 1)/2, at which independence is the start: within .05 (measured).
    assert abs(np.corrcoef(x0, x1)[0, 1] - float(exact.coupling()[0, 0])) < 0.05
    np.testing.assert_allclose(found.history["kl"][-1], exact.kl(), rtol=0.15)
    ts = jnp.array([0.0, 0.4, 1.0])
    path = found.bridge.sample(ts, key=jax.random.key(2), n=2000)
    assert path.xs.shape == (2000, 3, 1)
    law = found.bridge.marginal(0.4)
    np.testing.assert_allclose(law.sample(jax.random.key(3), (2000,)).std(), path.xs[:, 1].std(), rtol=0.12)
    with pytest.raises(TypeError, match="must know its density"):
        law.log_prob(jnp.zeros(1))


def test_faults_are_named():
    _, model = near(BrownianMotion(scale=np.ones(2)))
    data = model.data
    three = Snapshots(jnp.arange(3.0), jnp.zeros((3, 1, 2)))
    with pytest.raises(ValueError, match="`data` must have snapshots at two times"):
        MatchedBridge(model.reference, three, model.forward, model.backward)
    with pytest.raises(TypeError, match="`model` must be a MatchedBridge"):
        BridgeMatching()(model.forward, data, key=jax.random.key(0))
    with pytest.raises(TypeError, match="`batch` must be Snapshots or Series"):
        BridgeMatching()(model, None, key=jax.random.key(0))
    with pytest.raises(ValueError, match="`batch` must have items of two times"):
        BridgeMatching()(model, Series(jnp.arange(3.0), jnp.zeros((3, 2))), key=jax.random.key(0))
    with pytest.raises(ValueError, match="`rounds` must be positive"):
        iterate(model, data, lambda *_, key: model, key=jax.random.key(0), rounds=0)
    with pytest.raises(ValueError, match=r"`BridgeMatching.margin` must lie in"):
        BridgeMatching(margin=0.6)
    pairs = coupled(data, Paired(), key=jax.random.key(0))
    assert pairs.ys.shape == coupled(data, Exact(), key=jax.random.key(0)).ys.shape == (1, 2, 2)
    assert coupled(data, Independent(), key=jax.random.key(0)).ys.shape == (1, 2, 2)
