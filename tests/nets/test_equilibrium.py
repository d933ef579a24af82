"""Fixed points against many layers, and their gradients against those of the layers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
import pytest

from sdekit.nets import ContractiveCell, DeepEquilibrium


CELL = ContractiveCell(inputs=2, size=4, contraction=0.8, key=jax.random.key(0))
STRONG = eqx.tree_at(lambda c: c.within, CELL, 5 * jax.random.normal(jax.random.key(1), (4, 4)))
X = jnp.array([0.3, -1.2])


def unrolled(cell, x, layers):
    z = jnp.zeros(4, x.dtype)
    return jax.lax.scan(lambda z, _: (cell(z, x), None), z, length=layers)[0]


def test_a_cell_contracts_whatever_its_weights():
    a, b = jax.random.normal(jax.random.key(2), (2, 100, 4))
    gap = lambda a, b: np.abs(a - b).max(axis=1)
    out = [np.asarray(jax.vmap(lambda z: STRONG(z, X))(z)) for z in (a, b)]
    assert (gap(*out) <= 0.8 * gap(np.asarray(a), np.asarray(b)) * (1 + 1e-6)).all()


@pytest.mark.float32
def test_the_output_and_its_gradients_are_those_of_many_layers():
    tight = 1e-12 if jnp.result_type(float) == jnp.float64 else 1e-6

    @eqx.filter_jit
    @eqx.filter_grad(has_aux=True)
    def deep(cell_and_x):
        cell, x = cell_and_x
        z = DeepEquilibrium(cell, 4, rtol=tight, atol=tight)(x)
        return (z**3).sum(), z

    @eqx.filter_jit
    @eqx.filter_grad(has_aux=True)
    def many(cell_and_x):
        cell, x = cell_and_x
        z = unrolled(cell, x, 200)
        return (z**3).sum(), z

    x = X.astype(jnp.result_type(float))
    (found, z), (expected, z_many) = deep((STRONG, x)), many((STRONG, x))
    assert np.abs(np.asarray(z)).max() > 0.1
    np.testing.assert_allclose(z, z_many, atol=100 * tight)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=1000 * tight)


def test_any_solver_finds_it_and_batches_agree_with_single_inputs():
    xs = jax.random.normal(jax.random.key(3), (3, 2))
    newton = DeepEquilibrium(CELL, 4, solver=optx.Newton(1e-10, 1e-10))
    expected = np.stack([unrolled(CELL, x, 200) for x in xs])
    np.testing.assert_allclose(eqx.filter_jit(jax.vmap(newton))(xs), expected, atol=1e-6)


def test_faults_are_named():
    with pytest.raises(ValueError, match=r"ContractiveCell\.contraction"):
        ContractiveCell(2, 4, contraction=1.0, key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"DeepEquilibrium\.rtol"):
        DeepEquilibrium(CELL, 4, rtol=0.0)
    growing = DeepEquilibrium(lambda z, x: 2 * z + 1, 2, max_steps=5)
    with pytest.raises(RuntimeError, match="maximum number of"):
        growing(X)
