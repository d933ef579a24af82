"""Bounds of fields and coefficients, at any weights."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sdekit as sk
from sdekit.nets import BoundedField, MatrixDiffusion


X = jax.random.normal(jax.random.key(1), (50, 3)) * 100


def wild(module):
    """The module with weights that are far too large."""
    return eqx.tree_at(lambda m: m.mlp, module, jax.tree.map(lambda w: 1e3 * w if eqx.is_array(w) else w, module.mlp))


def test_a_bounded_field_is_within_its_bound_of_its_pull():
    field = wild(BoundedField(3, 8, 1, bound=2.0, pull=0.5, out_scale=1.0, key=jax.random.key(0)))
    rest = np.asarray(jax.vmap(lambda x: field(0.0, x))(X) + 0.5 * X)
    assert np.abs(rest).max() <= 2 + 1e-6 and np.abs(rest).max() > 1.9
    start = BoundedField(3, 8, 1, pull=None, key=jax.random.key(0))
    assert 0 < np.abs(start(0.0, jnp.ones(3))).max() < 0.05


def test_a_pull_is_a_positive_parameter():
    field = BoundedField(3, 8, 1, key=jax.random.key(0))
    far = sk.constrain(jax.tree.map(lambda v: v - 9.0 if eqx.is_inexact_array(v) else v, sk.unconstrain(field)))
    assert (far.pull > 0).all()
    with pytest.raises(ValueError, match=r"BoundedField\.pull"):
        BoundedField(3, 8, 1, pull=-1.0, key=jax.random.key(0))


@pytest.mark.parametrize(("noise", "base"), [(1, np.ones((3, 1))), (2, np.eye(3, 2)), (4, np.eye(3, 4))])
def test_a_matrix_coefficient_starts_at_its_base_and_stays_near(noise, base):
    g = MatrixDiffusion(3, noise, 8, 1, scale=0.5, time=True, key=jax.random.key(0))
    np.testing.assert_allclose(g(0.0, jnp.ones(3)), 0.5 * base, atol=0.02)
    values = np.asarray(jax.vmap(lambda x: wild(g)(1.0, x))(X))
    assert np.abs(values - 0.5 * base[None]).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("cls", [BoundedField, MatrixDiffusion])
def test_sizes_are_checked(cls):
    sizes = (2, 0, 1) if cls is BoundedField else (2, 1, 0, 1)
    with pytest.raises(ValueError, match=rf"{cls.__name__}\.width"):
        cls(*sizes, key=jax.random.key(0))
