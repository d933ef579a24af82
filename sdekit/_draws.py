"""How `sample` draws: one path, or many in chunks and over the devices of a mesh; states of a law."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from ._mesh import AXIS
from ._types import Array, Key, Law


__all__: list[str] = []


@eqx.filter_jit
def draw_one(process, ts, key):
    return process.draw(ts, key=key)


@eqx.filter_jit
def draws(law: Law, n: int, key: Key) -> Array:
    """Independent draws from a law of states, shape `(n, d)`."""
    return jnp.asarray(jax.vmap(law.sample)(jax.random.split(key, n)))


@eqx.filter_jit
def draw_many(process, ts, key, n, chunk, mesh):
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n))
    one = lambda k: process.draw(ts, key=k)
    paths = eqx.filter_eval_shape(one, key)
    static = eqx.filter(paths, lambda x: not isinstance(x, jax.ShapeDtypeStruct))
    arrays = lambda k: eqx.filter(one(k), eqx.is_array)
    if mesh is None:
        many = _map(arrays, keys, chunk)
    else:
        # One row of keys a device, so that a loop over chunks runs along an axis that is not laid out.
        laid = NamedSharding(mesh, PartitionSpec(AXIS))
        rows = jax.lax.with_sharding_constraint(keys.reshape(mesh.shape[AXIS], -1), laid)
        many = jax.vmap(lambda ks: _map(arrays, ks, chunk))(rows)
        many = jax.tree.map(lambda x: jax.lax.with_sharding_constraint(x.reshape(n, *x.shape[2:]), laid), many)
    return eqx.combine(many, static).stacked()


def _map(f, keys, chunk):
    return jax.vmap(f)(keys) if chunk is None or chunk >= keys.shape[0] else jax.lax.map(f, keys, batch_size=chunk)
