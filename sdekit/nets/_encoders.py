"""Encoders of one series, irregular, masked and padded."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key
from ..data import Series
from ._checks import check_gap, check_series, check_sizes, observed_rows
from ._encoder import AbstractEncoder, AheadContext, ConstantContext, next_observed


__all__ = ["AttentionEncoder", "FirstFrames", "GRUEncoder", "gru_states"]


def gru_states(cell: eqx.nn.GRUCell, series: Series, gap: float, *, reverse: bool) -> Float[Array, "t w"]:
    """The state of a recurrent unit after each row; its inputs are the row and the time to the observed one before."""
    rows = observed_rows(series)

    def step(carry, row):
        state, near, any_near = carry
        t, features, seen = row
        lag = jnp.where(any_near, jnp.abs(near - t) / gap, 0).astype(features.dtype)
        state = jnp.where(seen, cell(jnp.append(features, lag), state), state)
        return (state, jnp.where(seen, t, near), any_near | seen), state

    zero = jnp.zeros(cell.hidden_size, jnp.result_type(rows, cell.weight_hh))
    first = (zero, series.ts[-1], jnp.array(False))
    _, states = jax.lax.scan(step, first, (series.ts, rows, series.mask.any(-1)), reverse=reverse)
    return states


class GRUEncoder(AbstractEncoder):
    """A gated recurrent unit that runs backwards in time over the observed rows.

    Its inputs are the values (zero where masked), the mask, and the time to the next observed row. The context at `t`
    is what it has gathered from the end down to the first observed row after `t`, and the time to it: an
    `AheadContext`. Rows without any observation, padding among them, leave it as it is.

    **Arguments:**

    - `dim`: the number of components `e` of an observation.
    - `width`: the length of the recurrent state.
    - `size`: the length `c` of a context, the time to the next observation included: at least 2.
    - `gap`: a typical time between observations. Times enter in units of it.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes that are too small, or when called on a series of another number of components.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.nets import GRUEncoder
        encoder = GRUEncoder(dim=1, width=16, size=4, key=jax.random.key(0))
        context = encoder(sk.data.Series(jnp.array([0.0, 0.3, 1.0]), jnp.ones(3)))
        context(0.5).shape  # (4,)
        ```

    Source: Li, Wong, Chen and Duvenaud (2020), Scalable gradients for stochastic differential equations, section 5;
    Che et al. (2018), Recurrent neural networks for multivariate time series with missing values, for the mask as
    input.
    """

    cell: eqx.nn.GRUCell
    head: eqx.nn.Linear
    gap: float = eqx.field(static=True)
    size: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)

    def __init__(self, dim: int, width: int, size: int, *, key: Key, gap: float = 1.0):
        check_sizes("GRUEncoder", dim=dim, width=width)
        check_gap("GRUEncoder", gap)
        require(size >= 2, "GRUEncoder.size", "must be at least 2", size, "leave room for the time to the next row")
        cell, head = jax.random.split(key)
        self.cell = eqx.nn.GRUCell(2 * dim + 1, width, key=cell)
        # No bias: where nothing lies ahead the state is zero, and so is the context.
        self.head = eqx.nn.Linear(width, size - 1, use_bias=False, key=head)
        self.size, self.dim, self.gap = size, dim, float(gap)

    def __call__(self, series: Series) -> AheadContext:
        check_series("GRUEncoder", series, self.dim)
        states = gru_states(self.cell, series, self.gap, reverse=True)
        return AheadContext(series.ts, jax.vmap(self.head)(states), *next_observed(series), gap=self.gap)  # pyright: ignore[reportCallIssue]


class AttentionEncoder(AbstractEncoder):
    r"""Attention from each row to the observed rows at or after it.

    Row $k$ gathers $\sum_j a_{kj} v(y_j, m_j)$ over observed $j \ge k$ with
    $a_{kj} \propto \exp(s(y_j, m_j) - \lambda\, t_j)$ in each head: a score of the row, and a decay in time with a
    rate $\lambda > 0$ of the head. Rates start spread between `slowest` and `fastest`. Time and memory grow with the
    square of the length.

    **Arguments:**

    - `dim`: the number of components `e` of an observation.
    - `width`: the length of a value, and the width of the network that makes it.
    - `size`: the length `c` of a context, the time to the next observation included: at least 2.
    - `heads`: how many heads.
    - `gap`: a typical time between observations. Times enter in units of it.
    - `slowest`, `fastest`: the decay rates of the first and of the last head to begin with, per `gap`.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes that are too small or rates that are not positive, or when called on a series of
    another number of components.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.nets import AttentionEncoder
        encoder = AttentionEncoder(dim=1, width=16, size=4, key=jax.random.key(0))
        context = encoder(sk.data.Series(jnp.array([0.0, 0.3, 1.0]), jnp.ones(3)))
        context(0.5).shape  # (4,)
        ```

    Source: Vaswani et al. (2017), Attention is all you need; Press, Smith and Lewis (2022), Train short, test long, for
    the decay that is linear in the lag.
    """

    embed: eqx.nn.MLP
    head: eqx.nn.Linear
    log_rates: Float[Array, " heads"]
    gap: float = eqx.field(static=True)
    heads: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        width: int,
        size: int,
        *,
        key: Key,
        heads: int = 4,
        gap: float = 1.0,
        slowest: float = 0.3,
        fastest: float = 30.0,
    ):
        check_sizes("AttentionEncoder", dim=dim, width=width, heads=heads)
        check_gap("AttentionEncoder", gap)
        require(
            size >= 2, "AttentionEncoder.size", "must be at least 2", size, "leave room for the time to the next row"
        )
        ok = 0 < slowest <= fastest
        require(ok, "slowest, fastest", "must be positive and in order", (slowest, fastest), "pass e.g. 0.3, 30.0")
        embed, head = jax.random.split(key)
        self.embed = eqx.nn.MLP(2 * dim, heads * (width + 1), width, 1, jax.nn.silu, key=embed)
        self.head = eqx.nn.Linear(heads * (width + 1), size - 1, use_bias=False, key=head)
        self.log_rates = jnp.linspace(jnp.log(slowest), jnp.log(fastest), heads)
        self.heads, self.size, self.dim, self.gap = heads, size, dim, float(gap)

    def __call__(self, series: Series) -> AheadContext:
        check_series("AttentionEncoder", series, self.dim)
        t = series.ts.shape[0]
        parts = jax.vmap(self.embed)(observed_rows(series)).reshape(t, self.heads, -1)
        scores, values = parts[..., 0], parts[..., 1:]
        following, seen = next_observed(series)
        lags = (series.ts[None, :] - following[:, None]) / self.gap
        ahead = (lags >= 0) & series.mask.any(-1)[None]
        lags = jnp.where(ahead, lags, 0).astype(values.dtype)
        logits = scores.T[:, None, :] - jnp.exp(self.log_rates)[:, None, None] * lags[None]
        logits = jnp.where(ahead[None], logits, jnp.finfo(logits.dtype).min)
        weights = jnp.where(ahead[None], jax.nn.softmax(logits, axis=-1), 0)
        gathered = jnp.einsum("hkj,jhv->khv", weights, values)
        # Softmax forgets how much it summed over: the mean lag of what was attended to tells.
        lag = jnp.einsum("hkj,kj->kh", weights, lags)[..., None]
        out = jax.vmap(self.head)(jnp.concatenate([gathered, lag], axis=-1).reshape(t, -1))
        return AheadContext(series.ts, out, following, seen, self.gap)  # pyright: ignore[reportCallIssue, reportArgumentType]


class FirstFrames(AbstractEncoder):
    """The first rows of a series through a small network: one context for all times, blind to the rest.

    A model whose encoder is this one predicts the rest of a series from its first rows. Inputs are the values (zero
    where masked), the mask, and the times since the first row (zero for rows without any observation).

    **Arguments:**

    - `dim`: the number of components `e` of an observation.
    - `frames`: how many rows `k` to look at; those that a shorter series lacks count as masked.
    - `width`, `depth`: of the network.
    - `size`: the length `c` of a context.
    - `activation`: between layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1, or when called on a series of another number of components.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.nets import FirstFrames
        encoder = FirstFrames(dim=1, frames=3, width=16, depth=1, size=4, key=jax.random.key(0))
        encoder(sk.data.Series(jnp.arange(9.0), jnp.ones(9))).start.shape  # (4,)
        ```

    Source: Li, Wong, Chen and Duvenaud (2020), Scalable gradients for stochastic differential equations, section 7.3.
    """

    mlp: eqx.nn.MLP
    frames: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        frames: int,
        width: int,
        depth: int,
        size: int,
        *,
        key: Key,
        activation: Callable[[Array], Array] = jax.nn.softplus,
    ):
        check_sizes("FirstFrames", dim=dim, frames=frames, width=width, depth=depth, size=size)
        self.mlp = eqx.nn.MLP(frames * (2 * dim + 1), size, width, depth, activation, key=key)
        self.frames, self.size, self.dim = frames, size, dim

    def __call__(self, series: Series) -> ConstantContext:
        check_series("FirstFrames", series, self.dim)
        rows = observed_rows(series)
        since = jnp.where(series.mask.any(-1), series.ts - series.ts[0], 0).astype(rows.dtype)
        rows = jnp.concatenate([rows, since[:, None]], axis=1)[: self.frames]
        rows = jnp.pad(rows, ((0, self.frames - rows.shape[0]), (0, 0)))
        return ConstantContext(self.mlp(rows.ravel()))
