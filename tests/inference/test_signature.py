"""Signature kernels and their scores, against truncated signatures and against pairs counted one by one."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from sdekit.data import Series
from sdekit.inference import GaussianLift, LinearLift, SignatureMatching, signature_kernel
from sdekit.processes import OrnsteinUhlenbeck


def signature(steps: np.ndarray, depth: int) -> list[np.ndarray]:
    """The levels of the signature of a path with these straight pieces, by Chen's identity."""
    d = steps.shape[1]
    levels = [np.ones(1)] + [np.zeros(d**n) for n in range(1, depth + 1)]
    for v in steps:
        piece = [np.ones(1)]
        for n in range(1, depth + 1):
            piece.append(np.kron(piece[-1], v) / n)
        levels = [sum(np.kron(levels[k], piece[n - k]) for k in range(n + 1)) for n in range(depth + 1)]
    return levels


def brute(x: np.ndarray, y: np.ndarray, depth: int) -> float:
    pairs = zip(signature(np.diff(x, axis=0), depth), signature(np.diff(y, axis=0), depth), strict=True)
    return sum(float(a @ b) for a, b in pairs)


def two_paths(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, 2)) / 2, rng.normal(size=(5, 2)) / 2


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_product_of_truncated_signatures(seed):
    x, y = two_paths(seed)
    exact = brute(x, y, 10)
    found = [float(signature_kernel(jnp.asarray(x), jnp.asarray(y), lift=LinearLift(), refine=r)) for r in (8, 32)]
    assert abs(found[1] - exact) < 1e-4 * max(1, abs(exact))
    assert abs(found[1] - exact) < abs(found[0] - exact) / 4


def test_a_gaussian_lift_is_a_path_in_its_features():
    """Points of both paths have coordinates, by a root of their Gram matrix, in which the lift is linear."""
    x, y = (p[:3] for p in two_paths(2))
    points = np.concatenate([x, y])
    gram = np.exp(-0.5 * ((points[:, None] - points[None]) ** 2).sum(-1) / 0.7**2)
    features = np.linalg.cholesky(gram)
    exact = brute(features[:3], features[3:], 6)
    found = signature_kernel(jnp.asarray(x), jnp.asarray(y), lift=GaussianLift(0.7), refine=16)
    assert abs(found - exact) < 2e-3


def test_it_is_symmetric_and_blind_to_speed():
    x, y = map(jnp.asarray, two_paths(3))
    kernel = lambda a, b: float(signature_kernel(a, b, lift=LinearLift(), refine=8))
    assert np.isclose(kernel(x, y), kernel(y, x), rtol=1e-12)
    slow = jnp.insert(x, jnp.array([2]), x[1] + 0.3 * (x[2] - x[1]), axis=0)
    assert np.isclose(kernel(slow, y), kernel(x, y), rtol=3e-3)


@pytest.mark.parametrize("n", [4, 5])
def test_the_score_counts_every_pair_once(n, key):
    objective = SignatureMatching(paths=n)
    xs, ys = (jax.random.normal(k, (m, 3, 2)) for k, m in zip(jax.random.split(key), (n, 3), strict=True))
    kernel = lambda a, b: float(signature_kernel(a, b, lift=GaussianLift()))
    within = np.mean([kernel(a, b) for a, b in itertools.combinations(xs, 2)])
    across = np.mean([kernel(a, b) for a in xs for b in ys])
    assert np.isclose(objective._score(xs, ys), 0.5 * within - across, rtol=1e-12)


def test_the_gradient_vanishes_at_the_truth_alone(key):
    """5 standard errors of 40 batches: a false-alarm rate of 1e-6 for each of three numbers; far off, 10 of them."""
    ts = jnp.linspace(0.0, 2.0, 7)
    start = dist.Normal(jnp.zeros(1), jnp.full(1, np.sqrt(0.5))).to_event(1)
    objective, truth = SignatureMatching(paths=24, times=5), jnp.array([1.0, 0.0, 1.0])
    model = lambda p: OrnsteinUhlenbeck(p[0], p[1], p[2], start)

    @eqx.filter_jit
    def slopes(p, keys):
        def one(k):
            first, second = jax.random.split(k)
            batch = Series(ts, jax.vmap(lambda i: model(truth).draw(ts, key=i).xs)(jax.random.split(first, 24)))
            return jax.grad(lambda p: objective(model(p), batch, key=second)[0])(p)

        return jax.lax.map(one, keys)

    def ratio(p):
        found = np.asarray(slopes(jnp.array(p), jax.random.split(key, 40)))
        return np.abs(found.mean(0)) / (found.std(0) / np.sqrt(40))

    assert np.all(ratio([1.0, 0.0, 1.0]) < 5)
    assert np.max(ratio([1.0, 0.0, 2.0])) > 10
    assert np.max(ratio([1.0, 1.0, 1.0])) > 10


def test_what_does_not_fit_is_refused(key):
    batch, process = Series(jnp.arange(3.0), jnp.zeros((2, 3, 1))), OrnsteinUhlenbeck(1.0)
    for bad in ({"paths": 1}, {"times": 1}, {"refine": 0}, {"steps": 0}, {"scale": 0.0}):
        with pytest.raises(ValueError, match="SignatureMatching"):
            SignatureMatching(**bad)
    with pytest.raises(ValueError, match="length"):
        GaussianLift(0.0)
    with pytest.raises(ValueError, match="two points"):
        signature_kernel(jnp.zeros((1, 1)), jnp.zeros((2, 1)), lift=LinearLift())
    with pytest.raises(ValueError, match="rows of a series"):
        SignatureMatching(times=4)(process, batch, key=key)
    holes = Series(batch.ts, batch.ys, batch.ts < 2)
    with pytest.raises(RuntimeError, match="no missing values"):
        SignatureMatching(paths=2)(process, holes, key=key)
