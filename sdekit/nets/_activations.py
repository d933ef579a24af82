"""Activations with a known slope."""

import jax
from jaxtyping import Array, Float


__all__ = ["lipswish"]


def lipswish(x: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""The smooth activation $0.909\, x\, \sigma(x)$, whose slope never exceeds 1.

    **Arguments:**

    - `x`: an array of any shape.

    **Returns:** an array of the same shape.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.nets import lipswish
        lipswish(jnp.array([-1.0, 0.0, 1.0]))
        ```

    Source: Chen, Behrmann, Duvenaud and Jacobsen (2019), Residual flows for invertible generative modeling.
    """
    return 0.909 * jax.nn.silu(x)
