"""A small convolutional network from square images, as flat vectors, to features."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key


__all__ = ["ConvEncoder"]


class ConvEncoder(eqx.Module):
    """Features of a square image: 3 x 3 convolutions that halve its side, and a linear layer.

    Convolutions are written as products of matrices: XLA's own are slow on a CPU inside a loop, where `fit` runs them.

    **Arguments:**

    - `side`: the side of the image in pixels; an image is a vector of `side**2` numbers, row by row.
    - `channels`: how many channels each layer has.
    - `features`: the length of the result.
    - `activation`: after each convolution.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for a side that cannot be halved once a layer, or sizes below 1.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import ConvEncoder
        ConvEncoder(side=16, channels=(8, 16), features=5, key=jax.random.key(0))(jnp.zeros(256)).shape  # (5,)
        ```

    Source: LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition.
    """

    kernels: tuple[eqx.nn.Linear, ...]
    """From the 9 pixels around a place, row by row, their channels last, to the channels of the next layer."""
    last: eqx.nn.Linear
    side: int = eqx.field(static=True)
    activation: Callable[[Array], Array] = eqx.field(static=True)

    def __init__(
        self,
        side: int,
        channels: Sequence[int],
        features: int,
        *,
        key: Key,
        activation: Callable[[Array], Array] = jax.nn.silu,
    ):
        for size, value in (("features", features), ("channels", min(channels, default=0))):
            require(
                value >= 1, f"ConvEncoder.{size}", "must be positive", value, "pass at least 1, and one layer or more"
            )
        least, odd = divmod(side, 2 ** len(channels))
        remedy = f"pass a multiple of {2 ** len(channels)}, or fewer channels"
        require(least >= 1 and odd == 0, "ConvEncoder.side", "must be halved by each layer", side, remedy)
        *keys, last = jax.random.split(key, len(channels) + 1)
        sizes = zip((1, *channels[:-1]), channels, keys, strict=True)
        self.kernels = tuple(eqx.nn.Linear(9 * a, b, key=k) for a, b, k in sizes)
        self.last = eqx.nn.Linear(channels[-1] * least**2, features, key=last)
        self.side, self.activation = side, activation

    def __call__(self, image: Float[Array, " p"]) -> Float[Array, " f"]:
        x = image.reshape(self.side, self.side, 1)
        for kernel in self.kernels:
            x = self.activation(jax.vmap(jax.vmap(kernel))(_around(x)))
        return self.last(x.ravel())


def _around(x: Float[Array, "h w c"]) -> Float[Array, "h//2 w//2 9*c"]:
    """The 3 x 3 neighbours of every second pixel of every second row, zeros outside."""
    side = x.shape[0]
    x = jnp.pad(x, ((1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([x[i : i + side : 2, j : j + side : 2] for i in range(3) for j in range(3)], axis=-1)
