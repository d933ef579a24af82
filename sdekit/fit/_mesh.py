"""How a fit is laid over devices: batches along the axis "data", everything else whole on every device."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .._mesh import AXIS
from .._types import PyTree
from ..data import AbstractRecord


__all__ = ["lay", "place", "replicate", "to_host"]


def lay(batch: AbstractRecord, mesh: Mesh | None) -> AbstractRecord:
    """A batch, inside `jit`, laid over the mesh as its record says; left whole where the devices do not divide it."""
    if mesh is None or len(batch) % mesh.shape[AXIS]:
        return batch
    specs = batch.partition(AXIS)
    return jax.tree.map(lambda x, s: jax.lax.with_sharding_constraint(x, NamedSharding(mesh, s)), batch, specs)


def replicate(tree: PyTree, mesh: Mesh | None) -> PyTree:
    """A PyTree, inside `jit`, whole on every device."""
    if mesh is None:
        return tree
    whole = NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(lambda x: jax.lax.with_sharding_constraint(x, whole), tree)


def place(tree: PyTree, mesh: Mesh | None) -> PyTree:
    """The arrays of a PyTree put whole on every device of the mesh, of this process and of the others."""
    if mesh is None:
        return tree
    whole = NamedSharding(mesh, PartitionSpec())

    def put(x):
        if not isinstance(x, jax.Array | np.ndarray):
            return x
        if _is_key(x):
            return jax.random.wrap_key_data(put(jax.random.key_data(x)), impl=jax.random.key_impl(x))
        return jax.device_put(x, whole)

    return jax.tree.map(put, tree)


def to_host(tree: PyTree, mesh: Mesh | None) -> PyTree:
    """The arrays of a PyTree brought back from the mesh to the default device of this process."""
    if mesh is None:
        return tree

    def get(x):
        if not isinstance(x, jax.Array):
            return x
        if _is_key(x):
            return jax.random.wrap_key_data(get(jax.random.key_data(x)), impl=jax.random.key_impl(x))
        return jnp.asarray(np.asarray(x))

    return jax.tree.map(get, tree)


def _is_key(x) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
