"""Devices: the mesh axis "data" carries the items of a batch or the paths of an ensemble."""

from jax.sharding import AxisType, Mesh

from ._errors import fault, require


__all__ = ["AXIS", "require_mesh"]

AXIS = "data"


def require_mesh(mesh: Mesh | None, size: int, argument: str, remedy: str = "pass a multiple of it") -> Mesh | None:
    """The mesh with automatic axes, after a check that it can carry `size` items along its axis "data".

    Under explicit axes (the default of `jax.make_mesh` in recent versions) every operation of a model would have to
    speak of shardings; under automatic ones the compiler lays the model out.

    **Arguments:**

    - `mesh`: a mesh, or `None`.
    - `size`: how many items it is to carry.
    - `argument`: the argument that says so, for the message.
    - `remedy`: what to do if the devices do not divide it.

    **Returns:** a mesh of the same devices, or `None`.

    **Raises:** `ValueError` if there is no axis "data", or its length does not divide `size`.

    !!! example

        ```python
        import jax
        from sdekit._mesh import require_mesh
        require_mesh(jax.make_mesh((1,), ("data",)), 8, "batch_size")
        ```
    """
    if mesh is None:
        return None
    axes = tuple(mesh.axis_names)
    require(AXIS in axes, "mesh", f'must have an axis "{AXIS}"', axes, f'build it by jax.make_mesh((k,), ("{AXIS}",))')
    k = mesh.shape[AXIS]
    if size % k:
        problem = f'must be a multiple of the {k} devices along the mesh axis "{AXIS}"'
        raise ValueError(fault(argument, problem, size, remedy))
    return Mesh(mesh.devices, axes, axis_types=(AxisType.Auto,) * len(axes))
