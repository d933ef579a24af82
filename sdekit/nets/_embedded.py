"""An encoder of what a network makes of each row."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._types import Array
from ..data import Series
from ._encoder import AbstractContext, AbstractEncoder


__all__ = ["Embedded"]


class Embedded(AbstractEncoder):
    """An encoder behind a network: it reads `network(y)` for each row, such as features of an image.

    Masked entries are zero where the network sees them. A row of features is observed where anything of its row was.

    **Arguments:**

    - `network`: a function or module from a row `(e,)` to features `(f,)`.
    - `encoder`: an encoder of series with `f` components.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.nets import ConvEncoder, Embedded, GRUEncoder
        keys = jax.random.split(jax.random.key(0))
        look = ConvEncoder(side=8, channels=(4,), features=6, key=keys[0])
        encoder = Embedded(look, GRUEncoder(dim=6, width=16, size=4, key=keys[1]))
        encoder(sk.data.Series(jnp.arange(3.0), jnp.ones((3, 64))))(0.5).shape  # (4,)
        ```
    """

    network: Callable[[Float[Array, " e"]], Float[Array, " f"]]
    encoder: AbstractEncoder

    @property
    def size(self) -> int:
        return self.encoder.size

    def __call__(self, series: Series) -> AbstractContext:
        features = jax.vmap(self.network)(jnp.where(series.mask, series.ys, 0))
        seen = jnp.broadcast_to(series.mask.any(-1)[:, None], features.shape)
        return self.encoder(Series(series.ts, features, seen))
