"""An encoder of events by linear state spaces: recurrences in parallel, nonlinear between layers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .._errors import require
from .._types import Key
from ..math import linear_recurrence
from ._encoder import AbstractEventEncoder, AbstractMemory, embed, uniform
from ._encoders_attention import normalised
from ._encoders_recurrent import check_sizes


__all__ = ["StateSpaceHistory", "StateSpaceMemory"]


class Space(eqx.Module):
    r"""$dx = (\Lambda x + B u)\,dt + E \alpha_k\,dN_k$ with a diagonal $\Lambda$, and an output read off `x`."""

    log_decay: Float[Array, " p"]
    frequency: Float[Array, " p"]
    speed: eqx.nn.Linear
    feed: Float[Array, "2 p h"]
    jump: Float[Array, "2 p h"]
    read: Float[Array, "2 h p"]
    through: Float[Array, " h"]
    gain: Float[Array, " h"]

    def __init__(self, size: int, width: int, *, key: Key):
        k1, k2, k3, k4 = jax.random.split(key, 4)
        self.log_decay = jnp.linspace(np.log(0.05), np.log(5.0), size)
        self.frequency = jnp.where(jnp.arange(size) % 2 == 0, 0.0, jnp.exp(self.log_decay))
        self.speed = eqx.nn.Linear(width, size, key=k4)
        self.feed = uniform(k1, (2, size, width), width)
        self.jump = uniform(k2, (2, size, width), width)
        self.read = uniform(k3, (2, width, size), size)
        self.through, self.gain = jnp.ones(width), jnp.ones(width)

    def rates(self, held):
        """The eigenvalues while an input is held: it says how fast time runs."""
        rates = jax.lax.complex(-jnp.exp(self.log_decay), self.frequency)
        return rates * (jax.nn.softplus(self.speed(held)) / np.log(2))

    def affine(self, held, gap):
        """What `gap` does to a state under an input that is held: multiplied by the first, and added the second."""
        rates = self.rates(held)
        factor = jnp.exp(rates * gap)
        return factor, (factor - 1) / rates * jax.lax.complex(self.feed[0] @ held, self.feed[1] @ held)

    def kicked(self, mark):
        return jax.lax.complex(self.jump[0] @ mark, self.jump[1] @ mark)

    def output(self, x, u):
        y = self.read[0] @ x.real - self.read[1] @ x.imag + self.through * u
        return normalised(u + jax.nn.gelu(y)) * self.gain


class Spaces(eqx.Module):
    """The states of all layers just after an event, and the inputs that each of them holds until the next."""

    states: Complex[Array, "l p"]
    held: Float[Array, "l h"]


class StateSpaceMemory(AbstractMemory):
    """The output of the last layer, so long after the last event.

    !!! example

        ```python
        import jax
        from sdekit.points import StateSpaceHistory
        encoder = StateSpaceHistory(2, 8, layers=1, key=jax.random.key(0))
        encoder.memory(encoder.context(encoder.start(3)))(jax.numpy.array([0.5])).shape  # (1, 8)
        ```
    """

    layers: tuple[Space, ...]
    at: Spaces

    def __call__(self, gaps):
        return jax.vmap(lambda gap: outputs(self.layers, moved(self.layers, self.at, gap))[-1])(gaps)


def moved(layers: tuple[Space, ...], at: Spaces, gap: Array) -> Array:
    """The states, so long after an event."""
    rows = [layer.affine(h, gap) for layer, h in zip(layers, at.held, strict=True)]
    return jnp.stack([a * x + b for (a, b), x in zip(rows, at.states, strict=True)])


def outputs(layers: tuple[Space, ...], states: Array) -> list[Array]:
    """The input of the first layer, and the output of each."""
    stream = [jnp.zeros(layers[0].gain.shape, layers[0].gain.dtype)]
    for layer, x in zip(layers, states, strict=True):
        stream.append(layer.output(x, stream[-1]))
    return stream


class StateSpaceHistory(AbstractEventEncoder):
    """A stack of linear state spaces driven by jumps at the events, as in the state-space point process.

    A whole sequence is encoded by one associative scan a layer. Each layer holds its input from one event to the next,
    and the input sets how fast its time runs.

    **Arguments:**

    - `kinds`: how many kinds of events.
    - `width`: the length of the vector between layers.
    - `states`: how many complex states a layer has.
    - `layers`: how many layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import StateSpaceHistory
        StateSpaceHistory(2, 8, layers=2, key=jax.random.key(0)).size  # 8
        ```

    Source: Chang, Boyd, Xiao, Kass-Hout, Bhatia, Smyth and Warrington (2025), Deep continuous-time state-space models
    for marked event sequences, section 3 (forward zero-order hold, input-dependent dynamics).
    """

    layers: tuple[Space, ...]
    table: Float[Array, "k h"]
    kinds: int = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __init__(self, kinds: int, width: int, *, states: int = 16, layers: int = 2, key: Key):
        check_sizes(kinds, width)
        require(states >= 1 and layers >= 1, "states, layers", "must be positive", (states, layers), "pass e.g. 16, 2")
        k1, k2 = jax.random.split(key)
        self.layers = tuple(Space(states, width, key=k) for k in jax.random.split(k1, layers))
        self.table = uniform(k2, (kinds, width), 1)
        self.kinds, self.size = kinds, width

    def start(self, room):
        zero = jnp.zeros((len(self.layers), *self.layers[0].log_decay.shape), self.table.dtype)
        states = jax.lax.complex(zero, zero)
        return Spaces(states, jnp.stack(outputs(self.layers, states)[:-1]))

    def advance(self, state, event):
        mark = embed(self.table, event.kind)
        kick = jnp.stack([layer.kicked(mark) for layer in self.layers])
        states = moved(self.layers, state, event.gap) + kick
        return Spaces(states, jnp.stack(outputs(self.layers, states)[:-1]))

    def context(self, state):
        return state

    def contexts(self, events):
        marks = embed(self.table, events.kind)
        n = events.gap.shape[0] + 1
        u = jnp.zeros((n, self.size), marks.dtype)
        states, held = [], []
        for layer in self.layers:
            a, b = jax.vmap(layer.affine)(u[:-1], events.gap)
            b = b + jax.vmap(layer.kicked)(marks)
            zero = jnp.zeros(b.shape[1:], b.dtype)
            x = jnp.concatenate([zero[None], linear_recurrence(a, b, zero)])
            states.append(x)
            held.append(u)
            u = jax.vmap(layer.output)(x, u)
        return Spaces(jnp.stack(states, axis=1), jnp.stack(held, axis=1))

    def memory(self, context):
        return StateSpaceMemory(self.layers, context)
