"""Networks as vector fields, and the neural SDE that they make."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit as sk
from sdekit.nets import ConstantDiffusion, MLPField
from sdekit.processes import Additive, Diffusion


def test_a_field_starts_small_and_not_dead():
    x = jnp.array([3.0, -2.0])
    field = MLPField(2, 16, 2, key=jax.random.key(0))
    assert field(0.0, x).shape == (2,)
    assert 0 < jnp.abs(field(0.0, x)).max() < 0.05
    np.testing.assert_array_equal(MLPField(2, 16, 2, key=jax.random.key(0), out_scale=0.0)(0.0, x), 0)
    gradient = eqx.filter_grad(lambda f: (f(0.0, x) ** 2).sum())(field)
    assert all(np.isfinite(g).all() and np.any(g) for g in jax.tree.leaves(gradient))


def test_time_enters_only_when_asked():
    x = jnp.ones(2)
    still = MLPField(2, 8, 1, key=jax.random.key(0))
    moving = MLPField(2, 8, 1, key=jax.random.key(0), time=True)
    np.testing.assert_array_equal(still(0.0, x), still(1.0, x))
    assert not np.allclose(moving(0.0, x), moving(1.0, x), rtol=1e-3, atol=0)


@pytest.mark.parametrize(("name", "value"), [("dim", 0), ("width", 0), ("depth", 0)])
def test_sizes_are_checked(name, value):
    sizes = {"dim": 2, "width": 4, "depth": 1, name: value}
    with pytest.raises(ValueError, match=f"MLPField.{name}"):
        MLPField(**sizes, key=jax.random.key(0))


def test_a_constant_diffusion_is_positive():
    with pytest.raises(ValueError, match=r"ConstantDiffusion\.scale"):
        ConstantDiffusion([1.0, -1.0])


def test_a_neural_sde_samples_differentiates_and_keeps_its_domain():
    model = Diffusion(
        drift=MLPField(2, 8, 1, key=jax.random.key(0), time=True),
        diffusion=ConstantDiffusion([0.1, 0.2]),
        initial=dist.Delta(jnp.zeros(2), event_dim=1),
        structure=Additive,
    )
    names = sk.named_parameters(model)
    assert "diffusion_field.scale" in names
    assert any("mlp" in name for name in names)
    ts = jnp.array([0.0, 0.5])
    xs = model.sample(ts, key=jax.random.key(1)).xs
    assert xs.shape == (2, 2)
    gradient = eqx.filter_jit(eqx.filter_grad(lambda m: (m.draw(ts, key=jax.random.key(1)).xs ** 2).sum()))(model)
    assert np.isfinite(gradient.diffusion_field.scale).all() and np.any(gradient.diffusion_field.scale)
    far = sk.constrain(jax.tree.map(lambda v: v - 5.0 if eqx.is_inexact_array(v) else v, sk.unconstrain(model)))
    assert (far.diffusion_field.scale > 0).all()
