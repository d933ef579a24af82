"""Fractional noise: the law of its increments on any grid, replay, and equations whose solutions are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.evaluate import assert_covariance
from sdekit.math import fbm_covariance, fou_started_covariance
from sdekit.noise import FractionalBrownian, Grid
from sdekit.processes import GeometricBrownianMotion, OrnsteinUhlenbeck
from sdekit.solve import FirstPassage, solve


RAGGED = Grid([1.0, 1.5, 2.0], counts=[2, 3])
MAKE = {
    "equal": lambda key: FractionalBrownian(0.3, 1.0, 0.25, 4, dim=2, key=key),
    "two indices": lambda key: FractionalBrownian([0.3, 0.8], 1.0, 0.25, 4, dim=2, key=key),
    "ragged": lambda key: FractionalBrownian(0.8, dim=2, key=key, grid=RAGGED),
}


@pytest.mark.parametrize("name", MAKE)
def test_increments_have_the_law_and_components_are_independent(name):
    make = MAKE[name]
    one = make(jax.random.key(0))
    table = eqx.filter_vmap(lambda k: make(k).table)(jax.random.split(jax.random.key(1), 10_000))
    ts = np.asarray(one.grid.times()) - 1.0
    motion = np.cumsum(np.asarray(table), axis=1)
    hursts = np.broadcast_to(np.asarray(one.hurst), (2,))
    cov = np.kron(np.diag([1.0, 0.0]), fbm_covariance(hursts[0], ts[1:], ts[1:]))
    cov += np.kron(np.diag([0.0, 1.0]), fbm_covariance(hursts[1], ts[1:], ts[1:]))
    assert_covariance(motion.transpose(0, 2, 1).reshape(10_000, -1), cov, effect=0.15)
    # Under `jit` the same numbers, and in float32 nearly.
    np.testing.assert_allclose(jax.jit(lambda k: make(k).table)(jax.random.key(0)), one.table, rtol=1e-9, atol=1e-12)


def test_steps_join_replay_and_are_summed_between_times():
    noise = FractionalBrownian(0.3, 0.0, 0.125, 8, dim=2, key=jax.random.key(2))
    np.testing.assert_array_equal(noise.increments(), noise.table)
    np.testing.assert_allclose(noise.coarsen(4).increments(), noise.table.reshape(2, 4, 2).sum(1), rtol=1e-12)
    np.testing.assert_allclose(noise.evaluate(0.25, 0.75), noise.table[2:6].sum(0), rtol=1e-12)
    np.testing.assert_allclose(noise.evaluate(0.75, 0.25), -noise.table[2:6].sum(0), rtol=1e-12)
    np.testing.assert_allclose(noise.evaluate(0.5), noise.table[:4].sum(0), rtol=1e-12)
    single = FractionalBrownian(0.3, np.float32(0), 0.125, 8, key=jax.random.key(2))
    assert single.table.dtype == jnp.float32


def test_traced_index_gives_the_same_law_and_a_derivative():
    make = lambda h, grid: FractionalBrownian(h, key=jax.random.key(3), grid=grid).table.sum()
    for grid in (Grid([0.0, 1.0], 5), RAGGED):
        value = jax.jit(lambda h, grid=grid: (make(h, grid), jax.grad(make)(h, grid)))
        (_, slope), (up, _), (down, _) = value(0.3), value(0.3 + 1e-5), value(0.3 - 1e-5)
        np.testing.assert_allclose(slope, (up - down) / 2e-5, rtol=1e-5)
    root = jax.jit(lambda h: jax.vmap(lambda k: FractionalBrownian(h, 0.0, 0.5, 2, key=k).table[:, 0])(
        jax.random.split(jax.random.key(4), 10_000)))(0.8)  # fmt: skip
    cross = 0.5 * (2**1.6 - 2) * 0.5**1.6
    assert_covariance(root, np.array([[0.5**1.6, cross], [cross, 0.5**1.6]]), effect=0.1)


@pytest.mark.parametrize("hurst", [0.2, 0.5, 0.8])
def test_a_linear_equation_with_additive_noise_is_the_fractional_ou_process(hurst):
    """The solution is linear in the increments: its exact covariance from that of the noise."""
    ends = np.array([0.5, 1.0])
    exact = 2.0 ** (-2 * hurst) * fou_started_covariance(hurst, 2.0, ends, ends)
    model, ts = OrnsteinUhlenbeck(rate=2.0), jnp.r_[0.0, ends]

    def distance(n):
        noise = FractionalBrownian(hurst, 0.0, 1 / n, n, key=jax.random.key(0))
        run = lambda table: solve(model, ts, noise=eqx.tree_at(lambda m: m.table, noise, table), x0=jnp.zeros(1))
        matrix = np.asarray(jax.jit(jax.jacrev(lambda table: run(table).xs[1:, 0]))(noise.table))[..., 0]
        grid = np.arange(n + 1) / n
        motion = fbm_covariance(hurst, grid, grid)
        return np.abs(matrix @ np.diff(np.diff(motion, axis=0), axis=1) @ matrix.T - exact).max()

    coarse, fine = distance(32), distance(128)
    assert fine < 5e-4
    assert fine < coarse / 3


@pytest.mark.parametrize("hurst", [0.4, 0.7])
def test_a_linear_equation_with_multiplicative_noise_is_the_exponential(hurst):
    model, ts = GeometricBrownianMotion(0.3, 0.5), jnp.array([0.0, 0.5, 1.0])
    fine = FractionalBrownian(hurst, 0.0, 1 / 4096, 4096, key=jax.random.key(6))
    exact = np.exp(0.3 + 0.5 * float(fine.table.sum()))
    errors = []
    for factor in (64, 1):
        path = solve(model, ts, noise=fine.coarsen(factor), x0=jnp.ones(1))
        assert (path.made.solver, path.made.noise) == ("Heun", "FractionalBrownian")
        errors.append(abs(float(path.xs[-1, 0]) - exact))
    assert errors[1] < 2e-3
    assert errors[1] < errors[0]


def test_what_is_wrong_is_named():
    key = jax.random.key(0)
    with pytest.raises(ValueError, match=r"`hurst` must lie in \(0, 1\)"):
        FractionalBrownian(1.0, 0.0, 0.1, 10, key=key)
    with pytest.raises(ValueError, match=r"`hurst` must have shape \(\) or \(2,\)"):
        FractionalBrownian([0.1, 0.2, 0.3], 0.0, 0.1, 10, dim=2, key=key)
    with pytest.raises(ValueError, match="`grid` or all of"):
        FractionalBrownian(0.3, 0.0, 0.1, key=key)
    noise = FractionalBrownian(0.3, 0.0, 0.1, 10, key=key)
    with pytest.raises(ValueError, match=r"`event\.bridge` must be False"):
        solve(OrnsteinUhlenbeck(1.0), jnp.array([0.0, 1.0]), noise=noise, key=key, event=FirstPassage(1.0))
