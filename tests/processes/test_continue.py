"""Continued paths have the law of paths drawn at once, and that of the conditional Gaussian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.evaluate import assert_covariance, assert_mean
from sdekit.paths import SampledPath
from sdekit.processes import (
    Exponential,
    FractionalBrownianMotion,
    FractionalOrnsteinUhlenbeck,
    GaussianProcess,
    RiemannLiouvilleMotion,
    extend,
    extend_until,
)
from sdekit.solve import FirstPassage


MODELS = {
    "fbm": FractionalBrownianMotion(0.8),
    "fou": FractionalOrnsteinUhlenbeck(0.3, 1.0, 2.0, 0.7),
    "gaussian": GaussianProcess(Exponential(1.0, 2.0), 0.5),
}
NAMES = pytest.mark.parametrize("name", MODELS)
PAST = np.linspace(0.0, 1.0, 5)
N = 20_000


@NAMES
def test_continued_paths_have_the_joint_law(name):
    model = MODELS[name]
    path = model.sample(PAST, key=jax.random.key(0), n=N)
    whole = extend(model, path, 3, key=jax.random.key(1))
    np.testing.assert_allclose(whole.ts, np.arange(8) / 4, atol=1e-12)
    np.testing.assert_array_equal(whole.xs[:, :5], path.xs)
    mean, cov = model.mean(whole.ts), model.covariance(whole.ts, whole.ts)
    # False-alarm rate 1e-6 each; a wrong memory of one step is an effect above 0.1.
    assert_mean(whole.xs[..., 0], mean, tolerance=1e-9)
    assert_covariance(whole.xs[..., 0], cov, tolerance=1e-9, effect=0.25)


@NAMES
def test_continuations_of_one_path_have_the_conditional_law(name):
    model = MODELS[name]
    path = model.sample(PAST, key=jax.random.key(2))
    many = SampledPath(path.ts, jnp.broadcast_to(path.xs, (N, 5, 1)))
    later = extend(model, many, 3, key=jax.random.key(3))
    # The conditional Gaussian in NumPy, from the values that vary.
    ts = np.asarray(later.ts)
    mean, cov = (np.asarray(v) for v in (model.mean(later.ts), model.covariance(later.ts, later.ts)))
    seen = np.flatnonzero(np.diag(cov)[:5] > 0)
    gain = np.linalg.solve(cov[np.ix_(seen, seen)], cov[seen, 5:]).T
    exact = mean[5:] + gain @ (np.asarray(path.xs[:, 0]) - mean[:5])[seen]
    spread = cov[5:, 5:] - gain @ cov[seen, 5:]
    assert_mean(later.xs[:, 5:, 0], exact, effect=0.1)
    assert_covariance(later.xs[:, 5:, 0], spread, effect=0.1)
    assert ts.shape == (8,)


def test_until_an_event_is_the_continued_path_held_at_the_event():
    model = MODELS["fbm"]
    path, level, key = (
        model.sample(PAST, key=jax.random.key(4), n=50),
        FirstPassage(0.7, bridge=False),
        jax.random.key(5),
    )
    free = np.asarray(extend(model, path, 20, key=key).xs[..., 0])
    out = extend_until(model, path, level, 20, key=key)
    xs, ts = np.asarray(out.path.xs[..., 0]), np.asarray(out.path.ts)
    side = np.sign(0.7 - free[:, 4])
    crossed = (0.7 - free[:, 4:]) * side[:, None] <= 0
    np.testing.assert_array_equal(out.hit, crossed.any(1))
    assert 5 < crossed.any(1).sum() < 50
    for i in range(50):
        first = 4 + np.argmax(crossed[i]) if crossed[i].any() else len(ts)
        np.testing.assert_allclose(xs[i, :first], free[i, :first], atol=1e-12)
        np.testing.assert_allclose(xs[i, first:], 0.7, atol=1e-12)
        if first < len(ts):
            a, b = free[i, first - 1], free[i, first]
            at = ts[first - 1] + (0.7 - a) / (b - a) * (ts[first] - ts[first - 1])
            np.testing.assert_allclose(out.time[i], at, rtol=1e-9)
        else:
            np.testing.assert_allclose(out.time[i], ts[-1])


def test_a_path_may_begin_with_nothing_and_grow_in_pieces():
    model, start = MODELS["fbm"], SampledPath(jnp.zeros(1), jnp.zeros((N, 1, 1)))
    path = extend(model, start, 2, key=jax.random.key(6), dt=0.5)
    path = extend(model, path, 2, key=jax.random.key(7))
    assert_covariance(path.xs[:, 1:, 0], model.covariance(path.ts[1:], path.ts[1:]), effect=0.3)


def test_under_jit_it_is_the_same():
    model = MODELS["fou"]
    path, key = model.sample(PAST, key=jax.random.key(8)), jax.random.key(9)
    eager = extend(model, path, 3, key=key).xs
    traced = jax.jit(lambda path, key: extend(model, path, 3, key=key).xs)(path, key)
    np.testing.assert_allclose(traced, eager, rtol=1e-9)


def test_what_cannot_be_continued_is_named():
    key = jax.random.key(0)
    path = SampledPath(jnp.array([0.0, 1.0]), jnp.zeros((2, 1)))
    with pytest.raises(ValueError, match="`process` cannot be continued"):
        extend(RiemannLiouvilleMotion(0.3), path, 1, key=key)
    with pytest.raises(ValueError, match=r"`path\.ts` must be evenly spaced"):
        extend(MODELS["fou"], SampledPath(jnp.array([0.0, 1.0, 3.0]), jnp.zeros((3, 1))), 1, key=key)
    with pytest.raises(ValueError, match=r"`path\.ts\[0\]` must be 0"):
        extend(MODELS["fbm"], SampledPath(jnp.array([1.0, 2.0]), jnp.zeros((2, 1))), 1, key=key)
    with pytest.raises(ValueError, match=r"`event\.bridge` must be False"):
        extend_until(MODELS["fbm"], path, FirstPassage(1.0), 3, key=key)
    with pytest.raises(ValueError, match=r"`FractionalOrnsteinUhlenbeck\.start` must be None"):
        extend(FractionalOrnsteinUhlenbeck(0.3, 1.0, start=0.0), path, 1, key=key)
    with pytest.raises(ValueError, match="`dt` must be given for a path of one time"):
        extend(MODELS["fou"], path, 1, key=key, dt=0.5)
