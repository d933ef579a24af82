"""Iterative proportional fitting: the closed form of a linear reference, without using that it is linear; faults."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit import fit
from sdekit.bridges import BridgeMatching, GaussianSchroedingerBridge, MatchedBridge, MeanMatching, proportional_fitting
from sdekit.data import Snapshots
from sdekit.fit import FullBatch
from sdekit.processes import DoubleWell, OrnsteinUhlenbeck

from .test_matching import Affine


def start(reference):
    z = np.random.default_rng(0).normal(size=(2, 1000, 1))
    z = (z - z.mean(1, keepdims=True)) / z.std(1, keepdims=True)
    xs = z * np.sqrt([0.5, 0.2])[:, None, None] + np.array([-0.5, 1.0])[:, None, None]
    parts = Affine(jnp.zeros((4, 2))), Affine(jnp.zeros((4, 2)))
    return MatchedBridge(reference, Snapshots(jnp.array([0.0, 1.0]), jnp.asarray(xs)), *parts, steps=40)


def train(bridge, loss, paths, *, key):
    return fit(bridge, loss, paths, key=key, steps=12, optimiser=FullBatch(), progress=False).model


def test_a_linear_reference_gives_the_closed_form():
    reference = OrnsteinUhlenbeck(rate=1.0, mean=0.3, scale=0.8)
    exact = GaussianSchroedingerBridge(reference, [[-0.5], [1.0]], [[[0.5]], [[0.2]]])
    found = proportional_fitting(start(reference), train, key=jax.random.key(1), rounds=4, paths=2000)
    # Errors of 40 Euler steps, of drifts cubic in time, and of 2000 paths.
    np.testing.assert_allclose(found.history["kl"][-1], exact.kl(), rtol=0.1)
    x0, x1 = np.asarray(found.pairs.ys[..., 0]).T
    expected = float(exact.coupling()[0, 0]) / np.sqrt(0.5 * 0.2)
    assert abs(np.corrcoef(x0, x1)[0, 1] - expected) < 0.08
    there = jnp.array([0.25, 0.75, 0.25, 0.75]), jnp.array([-0.5, -0.5, 0.5, 0.5])[:, None]
    both = lambda b: lambda t, x: (b.drift(t, x), b.backward_drift(t, x))
    fields = eqx.filter_jit(lambda b: jax.vmap(both(b))(*there))
    np.testing.assert_allclose(fields(found.bridge), fields(exact), atol=0.2)


def test_faults_are_named():
    model = start(DoubleWell())
    with pytest.raises(TypeError, match="must have linear transitions"):
        BridgeMatching()(model, model.data, key=jax.random.key(0))
    with pytest.raises(TypeError, match="`batch` must be a Series of paths"):
        MeanMatching(True)(model, model.data, key=jax.random.key(0))
    with pytest.raises(TypeError, match="`bridge` must be a MatchedBridge"):
        proportional_fitting(None, train, key=jax.random.key(0))
    with pytest.raises(ValueError, match="`rounds` must be positive"):
        proportional_fitting(model, train, key=jax.random.key(0), rounds=0)
