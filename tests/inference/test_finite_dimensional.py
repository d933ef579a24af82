"""Scores of finite-dimensional laws, against those of ensembles, closed forms, and the parameters of data."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import pytest

from sdekit.data import Series, load
from sdekit.evaluate import energy_score
from sdekit.fit import fit
from sdekit.inference import Distance, FiniteDimensionalMatching, GaussianDiscrepancy
from sdekit.inference._drawn import draw_states
from sdekit.processes import BrownianMotion, OrnsteinUhlenbeck
from sdekit.transport import mmd


TS = jnp.array([0.0, 0.5, 1.5])


def process(dim=2):
    return OrnsteinUhlenbeck(jnp.ones(dim), jnp.zeros(dim), jnp.ones(dim))


def drawn(key, n):
    return draw_states(process(), TS, key=key, n=n)


def data(key, n=7, dim=2):
    return Series(TS, jax.random.normal(key, (n, 3, dim)))


@pytest.mark.parametrize("times", [1, 2, 3])
def test_the_score_is_that_of_an_ensemble(times, key):
    objective = FiniteDimensionalMatching(paths=6, times=times)
    batch, rows = data(key), jnp.arange(times)
    xs = drawn(key, objective.paths)
    whole = xs[:, rows].reshape(6, -1)
    expected = np.mean([energy_score(whole, y.ravel()) for y in np.asarray(batch.ys[:, rows])])
    assert np.isclose(objective._score(xs, batch, rows), expected, rtol=1e-12)


def test_with_gaussian_kernels_it_is_the_discrepancy_less_what_the_data_alone_say(key):
    lengths = (1.0, 2.0)
    rho = GaussianDiscrepancy(lengths)
    objective = FiniteDimensionalMatching(paths=8, times=1, discrepancy=rho)
    batch = data(key)
    xs = drawn(key, objective.paths)
    x, y = xs[:, 1], batch.ys[:, 1]
    own = sum(float(rho(a, b)) for a in y for b in y) + len(y)  # a point and itself count -1
    score = objective._score(xs, batch, jnp.array([1])) - 0.5 * own / (len(y) * (len(y) - 1))
    assert np.isclose(2 * score, mmd(x, y, bandwidth=jnp.array(lengths)), rtol=1e-9)


def test_a_series_that_lacks_a_value_is_left_out(key):
    batch, objective = data(key), FiniteDimensionalMatching(paths=4)
    xs = drawn(key, objective.paths)
    mask = np.ones((7, 3, 2), bool)
    mask[2, 0, 1] = mask[5, 1, 0] = False
    masked = Series(batch.ts, jnp.where(mask, batch.ys, 0), mask)
    without = lambda rows, keep: objective._score(xs, Series(batch.ts[keep], batch.ys[keep]), jnp.array(rows))
    assert np.isclose(objective._score(xs, masked, jnp.array([0, 1])), without([0, 1], np.array([0, 1, 3, 4, 6])))
    assert np.isclose(objective._score(xs, masked, jnp.array([0, 2])), without([0, 2], np.array([0, 1, 3, 4, 5, 6])))


def test_white_scores_do_not_depend_on_units(key):
    """Invariant under linear maps of the values at all times, up to the small ridge of the covariance."""
    batch, rows = data(key, n=12), jnp.array([0, 2])
    objective = FiniteDimensionalMatching(paths=6, whiten=True)
    xs = drawn(key, objective.paths)
    mix = jnp.array([[2.0, 0.3], [-1.0, 0.7]])
    moved = Series(batch.ts, batch.ys @ mix.T)
    one, two = objective._score(xs, batch, rows), objective._score(xs @ mix.T, moved, rows)
    assert np.isclose(one, two, rtol=1e-6)
    assert not np.isclose(one, FiniteDimensionalMatching(paths=6)._score(xs, batch, rows), rtol=1e-3)
    alone = Series(batch.ts[:1], batch.ys[:1])  # one series has no covariance
    plain = FiniteDimensionalMatching(paths=6)._score(xs, alone, rows)
    assert np.isclose(objective._score(xs, alone, rows), plain, rtol=1e-12)


def test_the_truth_has_the_least_score_in_the_mean(key):
    """Brownian motion has the marginals of its time-changed self, but not the pairs: only pairs tell them apart."""
    ts = jnp.array([1.0, 2.0])
    start = lambda v: dist.Normal(jnp.zeros(1), jnp.full(1, np.sqrt(v))).to_event(1)
    near = OrnsteinUhlenbeck(1.0, 0.0, np.sqrt(2.0), start(1.0))
    slow = OrnsteinUhlenbeck(0.05, 0.0, np.sqrt(0.1), start(1.0))
    seen = near.sample(ts, key=key, n=4000)
    batch = Series(ts, seen.xs)
    run = eqx.filter_jit(lambda o, m, k: o(m, batch, key=k)[0])
    gaps = {}
    for times in (1, 2):
        objective = FiniteDimensionalMatching(paths=512, sets=2, times=times)
        scores = np.array([[run(objective, m, k) for m in (near, slow)] for k in jax.random.split(key, 12)])
        gap = scores[:, 1] - scores[:, 0]
        gaps[times] = gap.mean(), gap.std() / np.sqrt(len(gap))
    assert gaps[2][0] > 10 * gaps[2][1]
    assert gaps[2][0] > 10 * abs(gaps[1][0])


def test_the_gradient_vanishes_at_the_truth_alone(key):
    """5 standard errors of 40 batches: a false-alarm rate of 1e-6 for each of three numbers; far off, 10 of them."""
    ts = jnp.linspace(0.0, 2.0, 5)
    start = dist.Normal(jnp.zeros(1), jnp.full(1, np.sqrt(0.5))).to_event(1)
    objective = FiniteDimensionalMatching(paths=64, sets=10)

    @jax.jit
    def slopes(p, keys):
        def one(k):
            batch = load("ou", n=128, ts=ts, rate=1.0, mean=0.0, scale=1.0, key=k)
            model = lambda p: OrnsteinUhlenbeck(p[0], p[1], p[2], start)
            return jax.grad(lambda p: objective(model(p), batch, key=jax.random.fold_in(k, 1))[0])(p)

        return jax.vmap(one)(keys)

    def ratio(p):
        found = np.asarray(slopes(jnp.array(p), jax.random.split(key, 40)))
        return np.abs(found.mean(0)) / (found.std(0) / np.sqrt(40))

    assert np.all(ratio([1.0, 0.0, 1.0]) < 5)
    assert np.max(ratio([1.0, 0.0, 1.5])) > 10
    assert np.max(ratio([1.0, 1.0, 1.0])) > 10


@pytest.mark.slow
def test_a_fit_improves_the_score(key):
    batch = load("ou", n=256, ts=jnp.linspace(0.0, 2.0, 9), rate=1.0, mean=0.0, scale=1.0, key=key)
    model, objective = OrnsteinUhlenbeck(0.4, 0.3, 2.5), FiniteDimensionalMatching(paths=64, sets=8)
    found = fit(model, objective, batch, key=key, steps=100, progress=False, optimiser=optax.adam(3e-2))
    spread = float(found.model.scale[0] / np.sqrt(2 * found.model.rate[0]))
    assert abs(spread - np.sqrt(0.5)) < 0.2, spread
    assert found.history["score"][-1] < found.history["score"][0]


def test_what_does_not_fit_is_refused(key):
    for bad in ({"paths": 1}, {"sets": 0}, {"times": 0}, {"steps": 0}):
        with pytest.raises(ValueError, match="FiniteDimensionalMatching"):
            FiniteDimensionalMatching(**bad)
    for lengths in ((), (0.0,)):
        with pytest.raises(ValueError, match="lengths"):
            GaussianDiscrepancy(lengths)
    with pytest.raises(ValueError, match="rows of a series"):
        FiniteDimensionalMatching(times=4)(process(), data(key), key=key)
    with pytest.raises(TypeError, match="must be a process"):
        FiniteDimensionalMatching()(3, data(key), key=key)
    moved = Series(jnp.stack([TS, TS + 1]), jnp.zeros((2, 3, 1)))
    with pytest.raises(RuntimeError, match="alike for all series"):
        FiniteDimensionalMatching(paths=2)(BrownianMotion(), moved, key=key)
    assert Distance()(jnp.zeros(2), jnp.zeros(2)) == 0
