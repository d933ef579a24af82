"""A context that moves smoothly with time."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._errors import require
from .._types import Key, RealScalar, Times
from ..data import Series
from ._checks import check_series, check_sizes, observed_rows
from ._encoder import AbstractContext, AbstractEncoder


__all__ = ["SmoothContext", "SmoothEncoder"]


class SmoothContext(AbstractContext):
    r"""Averages over the observed rows of a series, weighted by how near they are: smooth in time.

    Head $h$ gives $\sum_j a_j v_{hj}$ with $a_j \propto \exp(s_{hj} - \frac12 (t - t_j)^2 / \ell_h^2)$, and, since
    weights forget it, how far off the rows are on average, $\sum_j a_j (t_j - t) / \ell_h$.

    **Arguments:**

    - `ts`: the times of the rows, shape `(t,)`.
    - `scores`: shape `(t, h)`.
    - `values`: shape `(t, h, w)`.
    - `seen`: which rows have been observed, shape `(t,)`. With none the context is zero.
    - `lengths`: the lengths of the kernels, shape `(h,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.nets import SmoothContext
        ts, values = jnp.array([0.0, 1.0]), jnp.array([[[5.0]], [[7.0]]])
        SmoothContext(ts, jnp.zeros((2, 1)), values, jnp.ones(2, bool), jnp.ones(1))(0.5)  # [6.0, 0.0]
        ```

    Source: Nadaraya (1964) and Watson (1964), for regression by kernels; Shukla and Marlin (2021), Multi-time attention
    networks for irregularly sampled time series, for attention from a continuous time.
    """

    ts: Times
    scores: Float[Array, "t h"]
    values: Float[Array, "t h w"]
    seen: Bool[Array, " t"]
    lengths: Float[Array, " h"]

    @property
    def start(self) -> Float[Array, " c"]:
        return self(self.ts[0])

    def __call__(self, t: RealScalar) -> Float[Array, " c"]:
        gaps = jnp.where(self.seen, self.ts - jnp.asarray(t, self.ts.dtype), 0).astype(self.values.dtype)
        away = gaps[:, None] / self.lengths[None]
        logits = jnp.where(self.seen[:, None], self.scores - 0.5 * away**2, -jnp.inf)
        weights = jax.nn.softmax(jnp.where(self.seen.any(), logits, 0), axis=0) * self.seen[:, None]
        mean = jnp.einsum("th,thw->hw", weights, self.values)
        return jnp.concatenate([mean.ravel(), jnp.sum(weights * away, axis=0)])


class SmoothEncoder(AbstractEncoder):
    r"""Attention from any time to the observed rows, by kernels of several lengths: a `SmoothContext`.

    For marginals, which must not jump: the contexts of the other encoders do, at each observation. There is no loop
    over rows, and time and memory are linear in them.

    **Arguments:**

    - `dim`: the number of components `e` of an observation.
    - `width`: the length of a value, and the width of the network that makes it.
    - `heads`: how many kernels.
    - `shortest`, `longest`: the lengths of the first and of the last kernel to begin with, in the unit of time of the
        series: a typical time between observations, and the time over which they tell of each other.
    - `key`: a JAX key for the initial weights.

    Its contexts have length `heads * (width + 1)`.

    **Raises:** `ValueError` for sizes below 1 or lengths that are not positive and in order, or when called on a series
    of another number of components.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.nets import SmoothEncoder
        encoder = SmoothEncoder(dim=1, width=8, heads=4, shortest=0.1, longest=1.0, key=jax.random.key(0))
        context = encoder(sk.data.Series(jnp.array([0.0, 0.3, 1.0]), jnp.ones(3)))
        context(0.5).shape  # (36,)
        ```

    Source: Shukla and Marlin (2021), Multi-time attention networks for irregularly sampled time series.
    """

    embed: eqx.nn.MLP
    log_lengths: Float[Array, " h"]
    heads: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)

    def __init__(self, dim: int, width: int, heads: int = 4, *, key: Key, shortest: float = 0.1, longest: float = 1.0):
        check_sizes("SmoothEncoder", dim=dim, width=width, heads=heads)
        ok = 0 < shortest <= longest
        given = (shortest, longest)
        require(ok, "SmoothEncoder.shortest, longest", "must be positive and in order", given, "pass e.g. 0.1, 1.0")
        self.embed = eqx.nn.MLP(2 * dim, heads * (width + 1), width, 1, jax.nn.silu, key=key)
        self.log_lengths = jnp.linspace(jnp.log(shortest), jnp.log(longest), heads)
        self.heads, self.width, self.dim = heads, width, dim

    @property
    def size(self) -> int:
        return self.heads * (self.width + 1)

    def __call__(self, series: Series) -> SmoothContext:
        check_series("SmoothEncoder", series, self.dim)
        parts = jax.vmap(self.embed)(observed_rows(series)).reshape(series.ts.shape[0], self.heads, -1)
        lengths = jnp.exp(self.log_lengths)
        return SmoothContext(series.ts, parts[..., 0], parts[..., 1:], series.mask.any(-1), lengths)  # pyright: ignore[reportCallIssue]
