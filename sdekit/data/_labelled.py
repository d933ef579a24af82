"""Series with an answer each: a class, or numbers."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Int

from .._errors import fault, require
from .._types import Array, as_float, is_concrete
from ._checks import as_int, require_all
from ._items import AbstractItems
from ._series import Series
from ._text import count


__all__ = ["Labelled"]


class Labelled(AbstractItems):
    """A series with its label, or a stack of them: for classification and regression of whole series.

    **Arguments:**

    - `series`: one series, or a stack.
    - `labels`: classes `0 .. num_classes - 1`, integers of shape `()` or `(n,)`; or answers that are numbers, floats of
        shape `(q,)` or `(n, q)`.
    - `num_classes`: the number of classes; the largest code plus one if not given, and 0 for answers that are numbers.

    **Raises:** `TypeError` for anything but a `Series`; `ValueError` for labels that do not fit the items, codes that
    are no class, answers that are not finite.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Labelled, Series

        series = Series(jnp.arange(3.0), jnp.ones((2, 3, 1)))
        Labelled(series, jnp.array([0, 1]))  # Labelled(2 items, 3 times, 1 component, 2 classes)
        ```
    """

    series: Series
    labels: Int[Array, "*n"] | Float[Array, "*n q"]
    num_classes: int = eqx.field(static=True)
    """The number of classes; 0 where labels are numbers."""

    def __init__(self, series: Series, labels: ArrayLike, *, num_classes: int | None = None):
        if not isinstance(series, Series):
            raise TypeError(fault("series", "must be a Series", type(series).__name__, "build a Series first"))
        items = series.ts.shape[:-1]
        labels = labels if isinstance(labels, jax.Array) else np.asarray(labels)
        if jnp.issubdtype(labels.dtype, jnp.floating):
            labels = as_float(labels)
            fits = labels.ndim == len(items) + 1 and labels.shape[:-1] == items
            require(fits, "labels", f"must have shape {items} + (q,)", labels, "pass a row of numbers for each item")
            require(num_classes in (None, 0), "num_classes", "is for classes", num_classes, "pass integer labels")
            if is_concrete(labels):
                remedy = "drop the items without an answer"
                require_all(np.isfinite(np.asarray(labels)), "labels", "must be finite", labels, remedy)
            num_classes = 0
        else:
            labels = as_int(labels, "labels")
            require(labels.shape == items, "labels", f"must have shape {items}", labels, "pass one class an item")
            if num_classes is None:
                require(is_concrete(labels), "num_classes", "must be given under jit", None, "pass num_classes=")
                num_classes = int(np.max(np.asarray(labels))) + 1
            if is_concrete(labels):
                codes, problem = np.asarray(labels), f"must be a class, 0..{num_classes - 1}"
                require_all((codes >= 0) & (codes < num_classes), "labels", problem, labels, "count classes from 0")
        self.series, self.labels, self.num_classes = series, labels, num_classes

    @property
    def ts(self) -> Array:
        """The times of the series."""
        return self.series.ts

    @property
    def mask(self) -> Array:
        return self.series.mask

    @property
    def is_item(self) -> bool:
        return self.series.is_item

    @property
    def length(self) -> int:
        return self.series.length

    @property
    def lengths(self) -> Array:
        return self.series.lengths

    def pad(self, length: int) -> Self:
        return eqx.tree_at(lambda r: r.series, self, self.series.pad(length))

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        return eqx.tree_at(lambda r: r.series, self, self.series.map(times, values))

    def _values(self):
        return self.series._values()

    def _scale_of_time(self) -> tuple[float, float]:
        return self.series._scale_of_time()

    def _log_jacobian(self, log_scale: Array, log_time_scale: Array) -> Array:
        return self.series._log_jacobian(log_scale, log_time_scale)

    def _summary(self) -> str:
        items = [] if self.is_item else [count(len(self), "item")]
        size = [count(self.length, "time"), count(self.series.dim, "component")]
        classes = f"{self.num_classes} {'class' if self.num_classes == 1 else 'classes'}"
        answer = classes if self.num_classes else count(self.labels.shape[-1], "target")
        return ", ".join([*items, *size, answer])
