"""The unit in which a neural point process sees time, taken from data."""

from typing import Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._parameters import AbstractParametric, constraints, parameter
from .._types import RealScalar, as_float
from ..data import Events


__all__ = ["GapScale"]

_LOWEST = -4.0


class GapScale(AbstractParametric):
    r"""What a typical gap is: networks see $g / \text{unit}$ and the standardised logarithm, never a time.

    **Arguments:**

    - `unit`: a typical gap.
    - `log_mean`, `log_spread`: mean and standard deviation of the logarithm of a gap.
    - `least`: the shortest gap that can be told from none. Shorter ones, ties among them, are scored as this one: a
      density of the logarithm would otherwise reward ties without limit.

    **Raises:** `ValueError` for a unit, a spread or a least gap that is not positive.

    !!! example

        ```python
        from sdekit.data import Events
        from sdekit.points import GapScale
        GapScale.of(Events.from_list([[0.5, 1.2], [0.25]], t1=2.0)).unit
        ```
    """

    unit: Float[Array, ""] = parameter(constraints.positive, converter=as_float, trainable=False)
    log_mean: Float[Array, ""] = parameter(constraints.real, converter=as_float, trainable=False)
    log_spread: Float[Array, ""] = parameter(constraints.positive, converter=as_float, trainable=False)

    least: Float[Array, ""] = parameter(constraints.positive, converter=as_float, trainable=False, default=1e-12)

    @classmethod
    def of(cls, record: Events) -> Self:
        """The scale of a record: mean gap, moments of the logarithms of its positive gaps, half of the least of them.

        **Arguments:**

        - `record`: one sequence or a stack, with at least one positive gap.

        **Returns:** a `GapScale`.

        **Raises:** `ValueError` for a record without positive gaps.
        """
        gaps = np.asarray(record.gaps(), np.float64)[np.asarray(record.mask)]
        gaps = gaps[gaps > 0]
        require(gaps.size > 0, "record", "must have a positive gap", record, "pass a record with events")
        logs = np.log(gaps)
        numbers = gaps.mean(), logs.mean(), max(logs.std(), 0.1), gaps.min() / 2
        return cls(*(jnp.asarray(x, record.ts.dtype) for x in numbers))

    def log(self, gap: RealScalar) -> Float[Array, ""]:
        """The standardised logarithm of a gap."""
        return (jnp.log(jnp.maximum(gap, self.least)) - self.log_mean) / self.log_spread

    def features(self, gap: RealScalar) -> Float[Array, " 2"]:
        """What networks are told of a gap: two numbers of order one."""
        return jnp.stack([jnp.maximum(self.log(gap), _LOWEST), jnp.log1p(gap / self.unit)])


def kinds_of(record: Events) -> int:
    """How many kinds of events a record has: one without marks."""
    known = record.marks is None or record.num_marks is not None
    require(known, "record.marks", "must be kinds, or none", record.marks, "real marks need a law of their own")
    return record.num_marks or 1


def frequencies(record: Events) -> np.ndarray:
    """How often each kind occurs; one event is added to each, so that none is impossible."""
    kinds = kinds_of(record)
    if record.marks is None:
        return np.ones(1)
    counts = np.bincount(np.asarray(record.marks)[np.asarray(record.mask)], minlength=kinds) + 1.0
    return counts / counts.sum()
