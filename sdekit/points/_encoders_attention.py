"""Encoders of events by attention to those before: the lag enters by rotation, the past alone is seen."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._errors import require
from .._types import Key
from ._encoder import AbstractEventEncoder, AbstractMemory, FixedMemory, embed, uniform
from ._encoders_recurrent import check_sizes


__all__ = ["AttentionHistory", "AttentiveHistory", "AttentiveMemory"]

_SLOWEST, _FASTEST = 0.01, 2.0


class Layer(eqx.Module):
    """One block: attention of a query to keys in its past, then a small network, each added to the stream."""

    project: Float[Array, "w p"]
    out: Float[Array, "w w"]
    wide: Float[Array, "w u"]
    back: Float[Array, "u w"]
    biases: tuple[Float[Array, " u"], Float[Array, " w"]]
    norms: Float[Array, "2 w"]
    heads: int = eqx.field(static=True)

    def __init__(self, width: int, heads: int, *, key: Key):
        k1, k2, k3, k4 = jax.random.split(key, 4)
        self.project = uniform(k1, (width, 3 * width), width)
        self.out = uniform(k2, (width, width), width)
        self.wide = uniform(k3, (width, 2 * width), width)
        self.back = uniform(k4, (2 * width, width), 2 * width)
        self.biases = (jnp.zeros(2 * width), jnp.zeros(width))
        self.norms = jnp.ones((2, width))
        self.heads = heads

    def split(self, x, turn):
        """Queries, keys and values of `n` tokens, heads first, shape `(h, n, d)`.

        The first two are turned by the times of the tokens, as `turned` has them: their product knows the lag alone.
        """
        told = (normalised(x) * self.norms[:1]) @ self.project
        q, k, v = (y.reshape(x.shape[0], self.heads, -1) for y in jnp.split(told, 3, axis=-1))
        return tuple(y.transpose(1, 0, 2) for y in (rotated(q, turn), rotated(k, turn), v))

    def mixed(self, x, q, keys, values, seen):
        """The tokens after the block, from keys and values `(h, j, d)` of the tokens that each may see, `(n, j)`."""
        # The barrier keeps the layout in which the products are fast: on a CPU a quarter of the encoder, measured.
        gathered = attended(*jax.lax.optimization_barrier((q / math.sqrt(q.shape[-1]), keys, values)), seen)
        x = x + gathered.transpose(1, 0, 2).reshape(x.shape) @ self.out
        wide, back = self.biases
        return x + jax.nn.gelu((normalised(x) * self.norms[1:]) @ self.wide + wide[None]) @ self.back + back[None]


@jax.custom_vjp
def attended(q, keys, values, seen):
    """What queries `(h, i, d)` gather of values `(h, j, d)`; for the way back, the weights are kept."""
    return _attended(q, keys, values, seen)[0]


def _attended(q, keys, values, seen):
    logits = jnp.where(seen[None], jnp.einsum("hid,hjd->hij", q, keys), jnp.finfo(q.dtype).min)
    weights = jnp.exp(logits - logits.max(axis=-1, keepdims=True))
    whole = weights.sum(axis=-1, keepdims=True)
    gathered = jnp.einsum("hij,hjd->hid", weights, values) / whole
    return gathered, (q, keys, values, weights, whole, gathered)


def _attended_backward(kept, cotangent):
    q, keys, values, weights, whole, gathered = kept
    share = cotangent / whole
    # Sums over `i` give `(h, d, j)`: the other order takes twice as long on a CPU.
    at_values = jnp.einsum("hid,hij->hdj", share, weights).swapaxes(1, 2)
    at_logits = jnp.einsum("hid,hjd->hij", share, values) - (share * gathered).sum(axis=-1, keepdims=True)
    at_logits = weights * at_logits
    at_keys = jnp.einsum("hid,hij->hdj", q, at_logits).swapaxes(1, 2)
    return jnp.einsum("hij,hjd->hid", at_logits, keys), at_keys, at_values, None


attended.defvjp(_attended, _attended_backward)


def normalised(x: Array) -> Array:
    """To mean 0 and variance 1, along the last axis."""
    x = x - x.mean(axis=-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def turned(elapsed: Float[Array, " n"], half: int) -> tuple[Array, Array]:
    """Cosines and sines of angles that grow with the time, each at its own speed, shape `(n, 1, half)`."""
    speeds = np.geomspace(_SLOWEST, _FASTEST, half)
    angle = elapsed[:, None, None] * jnp.asarray(speeds, elapsed.dtype)[None, None]
    # Once for all layers: without the barrier each use of them finds them again.
    return jax.lax.optimization_barrier((jnp.cos(angle), jnp.sin(angle)))


def rotated(x: Float[Array, "n h d"], turn: tuple[Array, Array]) -> Float[Array, "n h d"]:
    """Pairs of components turned by the angles of each token."""
    a, b = jnp.split(x, 2, axis=-1)
    c, s = turn
    return jnp.concatenate([a * c - b * s, a * s + b * c], axis=-1)


class Past(eqx.Module):
    """Keys and values of the tokens so far, for each layer, and the last token as the layers left it."""

    keys: Float[Array, "l h r d"]
    values: Float[Array, "l h r d"]
    count: Int[Array, ""]
    elapsed: Float[Array, ""]
    last: Float[Array, " w"]


class Stack(eqx.Module):
    """The layers and tokens that both attention encoders are made of."""

    layers: tuple[Layer, ...]
    table: Float[Array, "k w"]
    inputs: Float[Array, "2 w"]
    begin: Float[Array, " w"]

    def __init__(self, kinds: int, width: int, layers: int, heads: int, *, key: Key):
        check_sizes(kinds, width)
        require(layers >= 1, "layers", "must be positive", layers, "pass e.g. 2")
        even = heads >= 1 and width % (2 * heads) == 0
        require(even, "heads", f"must divide half the width, {width}", heads, "pass e.g. 4 heads and a width of 32")
        k1, k2, k3, k4 = jax.random.split(key, 4)
        self.layers = tuple(Layer(width, heads, key=k) for k in jax.random.split(k1, layers))
        self.table = uniform(k2, (kinds, width), 1)
        self.inputs = uniform(k3, (2, width), 2)
        self.begin = uniform(k4, (width,), 1)

    def token(self, event):
        return embed(self.table, event.kind) + event.features @ self.inputs

    def first(self, room: int) -> Past:
        """The past that holds the mark of the beginning alone."""
        layer, width = self.layers[0], self.begin.shape[0]
        shape = (len(self.layers), layer.heads, room + 1, width // layer.heads)
        zero = jnp.zeros(shape, self.begin.dtype)
        now = jnp.zeros((), zero.dtype)
        none = Past(keys=zero, values=zero, count=jnp.array(0), elapsed=now, last=self.begin)
        return self.pushed(none, self.begin)

    def pushed(self, past: Past, token: Array) -> Past:
        """The past with one more token, at the time that has elapsed."""
        keys, values, x = past.keys, past.values, token[None]
        seen = jnp.arange(keys.shape[2])[None] <= past.count
        turn = turned(past.elapsed[None], keys.shape[-1] // 2)
        for i, layer in enumerate(self.layers):
            q, k, v = layer.split(x, turn)
            keys, values = keys.at[i, :, past.count].set(k[:, 0]), values.at[i, :, past.count].set(v[:, 0])
            x = layer.mixed(x, q, keys[i], values[i], seen)
        return Past(keys=keys, values=values, count=past.count + 1, elapsed=past.elapsed, last=x[0])

    def after(self, past: Past, event) -> Past:
        """The past with one more event."""
        return self.pushed(eqx.tree_at(lambda p: p.elapsed, past, past.elapsed + event.gap), self.token(event))

    def all(self, events) -> Past:
        """The pasts of a sequence, one row each: the first `i` events."""
        tokens = jnp.concatenate([self.begin[None], self.token(events)])
        elapsed = jnp.concatenate([jnp.zeros(1, events.gap.dtype), jnp.cumsum(events.gap)])
        n = tokens.shape[0]
        below = jnp.tril(jnp.ones((n, n), bool))
        turn = turned(elapsed, tokens.shape[-1] // self.layers[0].heads // 2)
        keys, values, x = [], [], tokens
        for layer in self.layers:
            q, k, v = layer.split(x, turn)
            x = layer.mixed(x, q, k, v, below)
            keys.append(k)
            values.append(v)
        shared = lambda y: jnp.broadcast_to(jnp.stack(y), (n, len(self.layers), *y[0].shape))
        count = 1 + jnp.arange(n)
        return Past(keys=shared(keys), values=shared(values), count=count, elapsed=elapsed, last=x)


class AttentionHistory(AbstractEventEncoder):
    """Causal attention over events; its memory is the last of the tokens, and does not move between events.

    Each token holds a kind and the gap before it. Lags enter by rotation of queries and keys, in place of encodings of
    absolute times: shifting time changes nothing. Row `i` sees the first `i` events and the mark of the beginning,
    never the event that it scores (the published code of the transformer Hawkes process does).

    **Arguments:**

    - `kinds`: how many kinds of events.
    - `width`: the length of a token.
    - `layers`, `heads`: of the attention; the width is a multiple of twice the heads.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.points import AttentionHistory
        AttentionHistory(2, 8, layers=1, heads=2, key=jax.random.key(0)).size  # 8
        ```

    Source: Zuo et al. (2020), Transformer Hawkes process; Zhang et al. (2020), Self-attentive Hawkes process; Su et al.
    (2021), RoFormer, for the rotation.
    """

    stack: Stack
    kinds: int = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __init__(self, kinds: int, width: int, *, layers: int = 2, heads: int = 4, key: Key):
        self.stack = Stack(kinds, width, layers, heads, key=key)
        self.kinds, self.size = kinds, width

    def start(self, room):
        return self.stack.first(room)

    def advance(self, state, event):
        return self.stack.after(state, event)

    def context(self, state):
        return normalised(state.last)

    def contexts(self, events):
        return normalised(self.stack.all(events).last)

    def memory(self, context):
        return FixedMemory(context)


class AttentiveMemory(AbstractMemory):
    """What a query that moves with time gathers from the tokens of the past.

    !!! example

        ```python
        import jax
        from sdekit.points import AttentiveHistory
        encoder = AttentiveHistory(2, 8, layers=1, heads=2, key=jax.random.key(0))
        encoder.memory(encoder.context(encoder.start(3)))(jax.numpy.array([0.5])).shape  # (1, 8)
        ```
    """

    layers: tuple[Layer, ...]
    query: Float[Array, " w"]
    past: Past

    def __call__(self, gaps):
        seen = jnp.arange(self.past.keys.shape[2]) < self.past.count
        seen = jnp.broadcast_to(seen, (*gaps.shape, *seen.shape))
        x = jnp.broadcast_to(self.query, (*gaps.shape, *self.query.shape))
        turn = turned(self.past.elapsed + gaps, self.past.keys.shape[-1] // 2)
        for i, layer in enumerate(self.layers):
            q, _, _ = layer.split(x, turn)
            x = layer.mixed(x, q, self.past.keys[i], self.past.values[i], seen)
        return normalised(x)


class AttentiveHistory(AbstractEventEncoder):
    """Attention whose query moves on between events: the memory at a time is what attention from that time gathers.

    Costs one query of the whole past for each time that is asked for.

    **Arguments:** as `AttentionHistory`.

    **Raises:** `ValueError` for sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.points import AttentiveHistory
        AttentiveHistory(2, 8, layers=1, heads=2, key=jax.random.key(0)).size  # 8
        ```

    Source: Yang, Mei and Eisner (2022), Transformer embeddings of irregularly spaced events, section 3, with one query
    for all kinds in place of one a kind.
    """

    stack: Stack
    query: Float[Array, " w"]
    kinds: int = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __init__(self, kinds: int, width: int, *, layers: int = 2, heads: int = 4, key: Key):
        k1, k2 = jax.random.split(key)
        self.stack = Stack(kinds, width, layers, heads, key=k1)
        self.query = uniform(k2, (width,), 1)
        self.kinds, self.size = kinds, width

    def start(self, room):
        return self.stack.first(room)

    def advance(self, state, event):
        return self.stack.after(state, event)

    def context(self, state):
        return state

    def contexts(self, events):
        return self.stack.all(events)

    def memory(self, context):
        return AttentiveMemory(self.stack.layers, self.query, context)
