"""The control of a posterior, and bounded diffusions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from sdekit.nets import AffineControl, BoundedDiffusion, ControlMLP, lipswish
from sdekit.noise import AbstractDriver
from sdekit.processes import Diagonal, Diffusion


class Modes(AbstractDriver):
    """Two modes that move and one that does not."""

    rates: jax.Array
    still: int = eqx.field(static=True, default=1)
    steady: bool = eqx.field(static=True, default=True)
    direct: float = eqx.field(static=True, default=0.0)

    def readout(self, t):
        return jnp.ones(3)

    @property
    def start(self):
        return jnp.zeros((3, 1))


def test_a_control_starts_at_zero_and_learns_from_every_input():
    driver = Modes(jnp.array([0.5, 100.0]))
    control = ControlMLP(2, 2, 3, 8, 1, driver=driver, key=jax.random.key(0))
    inputs = (jnp.array(0.3), jnp.ones(2), jnp.ones((2, 3)), jnp.ones(3))
    np.testing.assert_array_equal(control(*inputs), jnp.zeros(2))
    awake = eqx.tree_at(lambda c: c.mlp.layers[-1].weight, control, jnp.ones((2, 8)))
    slopes = jax.jacobian(lambda *args: awake(*args), argnums=(0, 1, 2, 3))(*inputs)
    for slope in slopes:
        assert np.isfinite(slope).all()
        assert (np.abs(slope).reshape(2, -1).min(0) > 0).all()
    # Modes enter in units of their standard deviation, 1 / sqrt(1 + 2 rate).
    scaled = inputs[2] / jnp.sqrt(1 + 2 * jnp.array([[0.5, 100.0, 0.0]]))
    still = ControlMLP(2, 2, 3, 8, 1, driver=Modes(jnp.zeros(2)), key=jax.random.key(0))
    raw = eqx.tree_at(lambda c: c.mlp, still, awake.mlp)
    np.testing.assert_allclose(awake(*inputs[:2], scaled, inputs[3]), raw(*inputs), rtol=1e-5)


def test_an_affine_control_starts_at_zero_and_is_affine_in_state_and_modes():
    driver = Modes(jnp.array([0.5, 100.0]))
    control = AffineControl(2, 2, 3, 8, 1, driver=driver, key=jax.random.key(0))
    x, z, context = jnp.array([0.3, -1.0]), jnp.arange(6.0).reshape(2, 3), jnp.ones(3)
    np.testing.assert_array_equal(control(0.5, x, z, context), jnp.zeros(2))
    where = lambda c: c.gains.mlp.layers[-1].weight
    weight = jax.random.normal(jax.random.key(1), where(control).shape)
    read = eqx.filter_jit(lambda x, z: eqx.tree_at(where, control, weight)(0.5, x, z, context))
    here, there, middle = read(x, z), read(3 * x, -z), read(2 * x, 0 * z)
    np.testing.assert_allclose(middle, (here + there) / 2, rtol=1e-4, atol=1e-5)
    assert np.abs(here - there).min() > 1e-3


def test_a_brownian_driver_has_no_modes_to_look_at():
    sizes = {"dim": 2, "noise": 2, "context": 3, "width": 8, "depth": 1, "key": jax.random.key(0)}
    assert ControlMLP(**sizes).mlp.in_size == 2 + 2 + 3
    assert ControlMLP(**sizes, frequencies=()).mlp.in_size == 2 + 3
    with pytest.raises(ValueError, match=r"ControlMLP\.width"):
        ControlMLP(**{**sizes, "width": 0})


def test_a_bounded_diffusion_stays_inside_and_is_diagonal_in_its_inputs():
    field = BoundedDiffusion(3, 8, 1, key=jax.random.key(0), low=0.1, high=0.7, time=True)
    xs = 100.0 * jax.random.normal(jax.random.key(1), (200, 3))
    values = jax.vmap(lambda x: field(1.5, x))(xs)
    assert (values >= 0.1).all() and (values <= 0.7).all()
    slope = jax.jacobian(lambda x: field(0.5, x))(jnp.array([0.3, -0.4, 1.0]))
    off = slope - jnp.diag(jnp.diagonal(slope))
    np.testing.assert_array_equal(off, 0)
    assert (jnp.abs(jnp.diagonal(slope)) > 0).all()
    initial = dist.Normal(jnp.zeros(3), jnp.ones(3)).to_event(1)
    Diffusion(lambda t, x: -x, field, initial, structure=Diagonal)
    with pytest.raises(ValueError, match=r"BoundedDiffusion\.low, high"):
        BoundedDiffusion(3, 8, 1, key=jax.random.key(0), low=1.0, high=0.5)


def test_lipswish_never_has_a_slope_above_one():
    x = jnp.linspace(-20.0, 20.0, 4001)
    slope = jax.vmap(jax.grad(lipswish))(x)
    assert 0.99 < slope.max() <= 1.0
