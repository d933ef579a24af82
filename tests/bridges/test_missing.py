"""Missing components against Gaussian algebra: positions seen at three times, velocities not; faults."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import linalg, stats

from sdekit.bridges import complete
from sdekit.data import Snapshots
from sdekit.processes import LinearSDE


DRIFT, NOISE, TIMES = np.array([[0.0, 1.0], [-1.0, -0.3]]), np.array([[0.0], [0.7]]), np.array([0.0, 0.8, 2.0])
SPRING = LinearSDE(DRIFT, scale=NOISE)


def transition(t):
    """Van Loan's block exponential."""
    block = linalg.expm(t * np.block([[-DRIFT, NOISE @ NOISE.T], [np.zeros((2, 2)), DRIFT.T]]))
    phi = block[2:, 2:].T
    return phi, phi @ block[:2, 2:]


def gaussian_chain(means, variances, spread):
    """The Gaussian law of all states nearest to the reference's with these laws of positions, by fitting in turn."""
    precision, pull = np.zeros((6, 6)), np.zeros(6)
    precision[1, 1] = 1 / spread**2
    for k, gap in enumerate(np.diff(TIMES)):
        phi, q = transition(gap)
        both = np.hstack([-phi, np.eye(2)])
        precision[2 * k : 2 * k + 4, 2 * k : 2 * k + 4] += both.T @ np.linalg.solve(q, both)
    precision[::2, ::2] += np.eye(3)
    for _ in range(500):
        for k in range(3):
            covariance = np.linalg.inv(precision)
            mean, i = covariance @ pull, 2 * k
            precision[i, i] += 1 / variances[k] - 1 / covariance[i, i]
            pull[i] += means[k] / variances[k] - mean[i] / covariance[i, i]
    covariance = np.linalg.inv(precision)
    return covariance @ pull, covariance


def test_velocities_are_those_of_the_gaussian_bridge():
    # Even quantiles, as near to normal as forty points can be; transitions are much wider than their gaps.
    z = stats.norm.ppf((np.arange(40) + 0.5) / 40)
    clouds = np.array([1.0, 0.6, -0.5])[:, None] + np.array([0.5, 0.4, 0.6])[:, None] * z
    data = Snapshots(TIMES, clouds[..., None])
    found = complete(SPRING, data, [0], key=jax.random.key(0), spread=1.5, copies=20, rounds=4, sweeps=30)
    mean, covariance = gaussian_chain(clouds.mean(1), clouds.var(1), 1.5)
    for k in range(3):
        w, (x, v) = np.asarray(found.weights[k]), np.asarray(found.xs[k]).T
        np.testing.assert_allclose(w.reshape(40, 20).sum(1), 1 / 40, atol=1e-12)
        moments = w @ v, w @ (v - w @ v) ** 2, w @ ((x - w @ x) * (v - w @ v))
        i = 2 * k
        expected = mean[i + 1], covariance[i + 1, i + 1], covariance[i, i + 1]
        # 800 copies of nearly equal weights: a standard error of .03 at most; five of them.
        np.testing.assert_allclose(moments, expected, atol=0.15)


def test_faults_are_named():
    data = Snapshots(TIMES, np.zeros((3, 4, 1)))
    with pytest.raises(ValueError, match="`observed` must be distinct components, 0 to 1"):
        complete(SPRING, data, [2], key=jax.random.key(0))
    with pytest.raises(ValueError, match="`observed` must leave out a component"):
        complete(SPRING, data, [0, 1], key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"`data` must have 1 component\(s\), as `observed`"):
        complete(SPRING, Snapshots(TIMES, jnp.zeros((3, 4, 2))), [0], key=jax.random.key(0))
    with pytest.raises(ValueError, match="`copies` must be positive"):
        complete(SPRING, data, [0], key=jax.random.key(0), copies=0)
