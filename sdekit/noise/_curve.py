"""A Hurst index that changes with time."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from .._errors import require, require_times
from .._parameters import AbstractParametric, constraints, parameter
from .._types import Array, RealScalar, as_float


__all__ = ["HurstCurve"]


class HurstCurve(AbstractParametric):
    r"""A Hurst index that changes with time: linear between knots, constant beyond them. `fit` moves its values.

    !!! example

        ```python
        import sdekit as sk
        curve = sk.noise.HurstCurve([0.0, 0.5, 1.0], [0.3, 0.5, 0.7], within=(0.1, 0.9))
        curve(0.25)  # 0.4
        ```
    """

    within: tuple[float, float] = eqx.field(static=True)
    ts: Float[Array, " n"] = parameter(trainable=False)
    values: Float[Array, "n *m"] = parameter(lambda self: constraints.interval(*self.within))

    def __init__(self, ts: ArrayLike, values: ArrayLike, within: tuple[float, float] = (0.01, 0.99)):
        """**Arguments:**

        - `ts`: the knots, increasing, shape `(n,)`.
        - `values`: the index at the knots, shape `(n,)`, or `(n, m)` for one a component.
        - `within`: the range that the values stay in.

        **Raises:** `ValueError` for knots that do not increase, or values outside the range.
        """
        self.within = (float(within[0]), float(within[1]))
        self.values = as_float(values)
        self.ts = jnp.asarray(as_float(ts), self.values.dtype)
        require_times(self.ts)
        require(
            self.values.shape[:1] == self.ts.shape and self.values.ndim <= 2,
            "values", f"must have a value for each of {len(self.ts)} knots", self.values, "pass (n,) or (n, m)",
        )  # fmt: skip

    def __call__(self, t: RealScalar) -> Float[Array, "*m"]:
        """The index at a time, shape `()` or `(m,)`."""
        t = jnp.asarray(t, self.ts.dtype)
        if self.values.ndim == 1:
            return jnp.interp(t, self.ts, self.values)
        return jax.vmap(lambda column: jnp.interp(t, self.ts, column), in_axes=1)(self.values)
