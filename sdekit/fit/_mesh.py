"""How a fit is laid over devices: batches along the axis "data", everything else whole on every device."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from .._errors import fault, require
from .._types import PyTree
from ..data import AbstractRecord


__all__ = ["AXIS", "check_mesh", "lay", "place", "replicate", "to_host"]

AXIS = "data"


def check_mesh(mesh: Mesh | None, size: int, argument: str) -> Mesh | None:
    """The mesh with automatic axes; an error unless it has the axis "data" and that divides a batch of `size` items.

    Under explicit axes (the default of `jax.make_mesh` since 0.8) every operation of a model would have to speak of
    shardings; under automatic ones the compiler lays the model out.
    """
    if mesh is None:
        return None
    axes = tuple(mesh.axis_names)
    require(AXIS in axes, "mesh", f'must have an axis "{AXIS}"', axes, f'build it by jax.make_mesh((k,), ("{AXIS}",))')
    k = mesh.shape[AXIS]
    if size % k:
        raise ValueError(
            fault(argument, f'must be a multiple of the {k} devices along the mesh axis "{AXIS}"', size,
                  f"pass a batch_size such as {max(size // k, 1) * k}")
        )  # fmt: skip
    return Mesh(mesh.devices, axes, axis_types=(AxisType.Auto,) * len(axes))


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
