"""The network on ordered pairs: renaming the members renames what it says, and masked members say nothing."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from sdekit.nets import PairNetwork


NET = PairNetwork(3, 2, 4, out_pairs=2, out_nodes=1, width=8, depth=2, key=jax.random.key(0))
RNG = np.random.default_rng(1)
N = 5
call = eqx.filter_jit(lambda *a: NET(*a))


def inputs():
    return RNG.normal(size=(N, N, 3)), RNG.normal(size=(N, 2)), RNG.normal(size=4)


def test_renaming_members_renames_the_result():
    pairs, nodes, whole = map(jnp.asarray, inputs())
    mask = jnp.array([True, True, False, True, True])
    order = np.array([3, 0, 4, 1, 2])
    out, ends = call(pairs, nodes, whole, mask)
    out2, ends2 = call(pairs[order][:, order], nodes[order], whole, mask[order])
    np.testing.assert_allclose(out2, out[order][:, order], rtol=0, atol=1e-12)
    np.testing.assert_allclose(ends2, ends[order], rtol=0, atol=1e-12)
    assert np.abs(np.asarray(out - out.swapaxes(0, 1))).max() > 1e-3  # a pair is not its reverse


def test_masked_members_change_nothing():
    pairs, nodes, whole = inputs()
    mask = np.array([True, True, True, False, False])
    out, ends = call(jnp.asarray(pairs), jnp.asarray(nodes), jnp.asarray(whole), jnp.asarray(mask))
    pairs[3:], pairs[:, 3:], nodes[3:] = np.nan, 7.0, np.inf
    out2, ends2 = call(jnp.asarray(pairs), jnp.asarray(nodes), jnp.asarray(whole), jnp.asarray(mask))
    np.testing.assert_array_equal(out2[:3, :3], out[:3, :3])
    np.testing.assert_array_equal(ends2[:3], ends[:3])
    short, short_ends = NET(jnp.asarray(pairs[:3, :3]), jnp.asarray(nodes[:3]), jnp.asarray(whole), jnp.ones(3, bool))
    np.testing.assert_allclose(short, out[:3, :3], rtol=0, atol=1e-12)
    np.testing.assert_allclose(short_ends, ends[:3], rtol=0, atol=1e-12)
