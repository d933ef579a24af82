"""What every Brownian noise keeps: one motion, asked for by step, by time, as a table, under `jit` and `vmap`."""

import functools

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit import noise as sn
from sdekit.evaluate import assert_covariance, assert_law

from .. import house


pytestmark = pytest.mark.float32
AREA = diffrax.SpaceTimeTimeLevyArea


def brownian(key):
    return sn.Brownian(0.5, 0.25, 12, 2, key=key, levy_area=AREA)


def ragged(key):
    return sn.Brownian(grid=sn.Grid([0.0, 1.0, 1.5], counts=[8, 4]), dim=2, key=key, levy_area=AREA)


def coarsened(key):
    return sn.Brownian(0.0, 0.125, 24, 2, key=key, levy_area=AREA).coarsen(2)


def refined(key):
    return sn.Brownian(0.0, 0.5, 6, 2, key=key, levy_area=AREA).refine(2, key=jax.random.fold_in(key, 1))


def correlated(key):
    return sn.Correlated(brownian(key), jnp.array([[1.0, 0.0], [0.6, 0.8]]))


def tabulated(key):
    table = brownian(key).table()
    return sn.Tabulated(brownian(key).grid, table.W, table.H, table.K)


CASES = [brownian, ragged, coarsened, refined, correlated, tabulated]
every = pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)


def close(a, b):
    tight = 1e-11 if jnp.zeros(()).dtype == jnp.float64 else 2e-5
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=tight, atol=tight), a, b)


def test_every_final_class_is_here(key):
    final = {c for c in house.module_classes() if issubclass(c, sn.AbstractBrownian) and not house.is_abstract(c)}
    assert final == {type(make(key)) for make in CASES}


@eqx.filter_jit
def _look(noise):
    """Everything a noise says, in one program."""
    times = noise.grid.times()
    return {
        "times": times,
        "table": noise.table(),
        "step": noise.levy(jnp.asarray(5)),
        "span": noise.evaluate(times[5], times[9], use_levy=True),
        "pairs": noise.coarsen(2).table(),
    }


def joined(table):
    """The rows of a table joined one by one, in NumPy."""
    rows = [jax.tree.map(lambda x: np.asarray(x)[i], table) for i in range(table.W.shape[0])]
    return functools.reduce(sn.chain, rows)


@every
def test_steps_times_and_tables_tell_of_one_motion(make, key):
    noise = make(key)
    seen = _look(noise)
    table = seen["table"]
    assert isinstance(table, noise.levy_area)
    assert table.W.shape == table.H.shape == table.K.shape == (12, noise.dim)
    close(np.diff(seen["times"]), table.dt)
    close(seen["step"], jax.tree.map(lambda x: x[5], table))
    close(seen["span"], joined(jax.tree.map(lambda x: x[5:9], table)))
    close(joined(seen["pairs"]), joined(table))
    close(noise.increments(), table.W)


@every
def test_keys_map_to_independent_motions_of_the_law(make, key):
    draw = jax.jit(jax.vmap(lambda k: make(k).levy(5)))
    value = draw(jax.random.split(key, 4000))
    h = np.asarray(value.dt, np.float64)[:1]
    mixing = make(key).mixing
    covariance = np.eye(2) if mixing is None else np.asarray(mixing @ mixing.T, np.float64)
    for part, variance in ((value.W, 1.0), (value.H, 1 / 12), (value.K, 1 / 720)):
        scaled = np.asarray(part, np.float64) / np.sqrt(variance * h)
        assert_covariance(scaled, covariance, effect=0.2)
        assert_law(scaled, stats.norm.cdf, effect=0.1)
