"""A small network as a vector field."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key, RealScalar, State
from ._checks import check_sizes, scale_last


__all__ = ["MLPField"]


class MLPField(eqx.Module):
    """A multi-layer perceptron as a vector field `(t, x) -> (d,)`, for the drift of a neural SDE.

    The last layer starts small (`out_scale`), so that an untrained model is close to having no drift, and long solves
    do not blow up before training has begun.

    **Arguments:**

    - `dim`: the length `d` of a state.
    - `width`: the width of the hidden layers.
    - `depth`: how many hidden layers.
    - `key`: a JAX key for the initial weights.
    - `time`: whether the field depends on time, taken as one more input: scale times to order one.
    - `out_scale`: by what the usual initial weights of the last layer are multiplied; 0 starts at exactly no drift.
    - `activation`: between layers. Smooth by default, since solvers of high order need derivatives.

    **Raises:** `ValueError` for sizes below 1 or a negative `out_scale`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import MLPField
        field = MLPField(dim=2, width=16, depth=2, key=jax.random.key(0))
        field(0.0, jnp.ones(2)).shape  # (2,)
        ```

    Source: Li et al. (2020), Scalable gradients for stochastic differential equations.
    """

    mlp: eqx.nn.MLP
    time: bool = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        width: int,
        depth: int,
        *,
        key: Key,
        time: bool = False,
        out_scale: float = 0.01,
        activation: Callable[[Array], Array] = jax.nn.silu,
    ):
        check_sizes("MLPField", dim=dim, width=width, depth=depth)
        require(out_scale >= 0, "MLPField.out_scale", "must not be negative", out_scale, "pass 0 or a small number")
        mlp = eqx.nn.MLP(dim + time, dim, width, depth, activation, key=key)
        self.mlp = scale_last(mlp, out_scale)
        self.time = time

    def __call__(self, t: RealScalar, x: State) -> Float[Array, " d"]:
        if self.time:
            x = jnp.concatenate([x, jnp.asarray(t, x.dtype)[None]])
        return self.mlp(x)
