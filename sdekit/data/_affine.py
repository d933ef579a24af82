"""Standardising values and times, and undoing it."""

from typing import TYPE_CHECKING, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import require
from .._types import Array


if TYPE_CHECKING:
    from ._record import AbstractRecord


__all__ = ["Affine", "standardise"]

T = TypeVar("T")


class Affine(eqx.Module):
    """An affine change of values and of times, kept so that reports and plots can undo it.

    Values become `(y - shift) / scale`, component by component; times become `(t - time_shift) / time_scale`. It acts
    on whatever has a `map(times, values)`: every record and every path.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Series

        series = Series(jnp.arange(4.0), jnp.array([1.0, 2.0, 3.0, 4.0]))
        small, affine = series.standardise()
        affine.inverse(small).ys[:, 0]  # [1., 2., 3., 4.]
        ```
    """

    shift: Float[Array, " d"]
    scale: Float[Array, " d"]
    time_shift: Float[Array, ""]
    time_scale: Float[Array, ""]

    def __call__(self, x: T) -> T:
        """Standardise a record or a path by this map, e.g. a test set by the map of its training set."""
        return x.map(self.times, self.values)  # type: ignore[attr-defined]

    def inverse(self, x: T) -> T:
        """Take a standardised record or path back to the units of the data."""
        return x.map(self.inverse_times, self.inverse_values)  # type: ignore[attr-defined]

    def values(self, ys: Array) -> Array:
        """`(ys - shift) / scale`, for values of shape `(..., d)`."""
        return ((ys - self._like(self.shift, ys)) / self._like(self.scale, ys)).astype(ys.dtype)

    def inverse_values(self, ys: Array) -> Array:
        """`shift + scale * ys`, for values of shape `(..., d)`."""
        return (self._like(self.shift, ys) + self._like(self.scale, ys) * ys).astype(ys.dtype)

    def times(self, ts: Array) -> Array:
        """`(ts - time_shift) / time_scale`."""
        return ((ts - self.time_shift) / self.time_scale).astype(ts.dtype)

    def inverse_times(self, ts: Array) -> Array:
        """`time_shift + time_scale * ts`."""
        return (self.time_shift + self.time_scale * ts).astype(ts.dtype)

    def _like(self, x: Array, ys: Array) -> Array:
        """`x` with the rank of `ys`."""
        require(
            ys.ndim > 0 and ys.shape[-1] == x.shape[0],
            "values",
            f"must have {x.shape[0]} components, as the data of this map",
            ys,
            "use the map of this data",
        )
        return x.reshape((1,) * (ys.ndim - 1) + (-1,))

    def log_jacobian(self, record: "AbstractRecord") -> Float[Array, ""]:
        """What to add to the log-density of a standardised record for its log-density in the units of the data.

        **Arguments:**

        - `record`: the record, standardised or not: only what is observed matters.

        **Returns:** minus the logarithm of the scale, summed over the observed values (and event times), shape `()`.

        !!! example

            ```python
            import jax.numpy as jnp
            from sdekit.data import Series

            small, affine = Series(jnp.arange(3.0), jnp.array([0.0, 2.0, 4.0])).standardise()
            affine.log_jacobian(small)
            ```
        """
        return record._log_jacobian(jnp.log(self.scale), jnp.log(self.time_scale))


def standardise(values: Array | None, mask: Array | None, time: tuple[float, float] | None, dtype) -> Affine:
    """The map to mean 0 and standard deviation 1 of the observed `values`, and of times to `(t - first) / unit`."""
    shift, scale = np.zeros(0), np.ones(0)
    if values is not None:
        flat, seen = (np.asarray(x, np.float64).reshape(-1, values.shape[-1]) for x in (values, mask))
        n = np.maximum(seen.sum(0), 1)
        shift = (flat * seen).sum(0) / n
        scale = np.sqrt((((flat - shift) * seen) ** 2).sum(0) / n)
        # A constant component has no scale of its own: it keeps its unit.
        scale = np.where(scale > 1e-12 * (np.abs(shift) + 1e-300), scale, 1.0)
    first, unit = (0.0, 1.0) if time is None else time
    require(unit > 0, "times", "have no length to scale by", unit, "standardise the values alone")
    return Affine(*(jnp.asarray(x, dtype) for x in (shift, scale, first, unit)))
