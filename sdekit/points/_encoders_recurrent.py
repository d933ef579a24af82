"""Recurrent encoders of events: a gated unit, a continuous-time LSTM, a neural ODE with jumps."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key
from ..nets import MLPField
from ._encoder import (
    AbstractEventEncoder,
    AbstractMemory,
    AbstractMonotoneMemory,
    FixedMemory,
    embed,
    scanned,
    uniform,
)
from ._recurrences import decaying, decaying_step, gated, gated_step


__all__ = ["ContinuousLSTM", "DecayingMemory", "FlowMemory", "GRUHistory", "NeuralODEHistory"]


def check_sizes(kinds: int, width: int) -> None:
    """Raise unless both are positive."""
    require(kinds >= 1, "kinds", "must be positive", kinds, "pass how many kinds of events there are")
    require(width >= 1, "width", "must be positive", width, "pass e.g. 32")


class Gates(eqx.Module):
    """The weights of a gated recurrent unit whose inputs are a kind and the features of a gap."""

    table: Float[Array, "k g"]
    inputs: Float[Array, "2 g"]
    recurrent: Float[Array, "h g"]
    bias: Float[Array, " g"]
    fresh: Float[Array, " h"]

    def __init__(self, kinds: int, width: int, *, key: Key):
        k1, k2, k3 = jax.random.split(key, 3)
        self.table = uniform(k1, (kinds, 3 * width), 2)
        self.inputs = uniform(k2, (2, 3 * width), 2)
        self.recurrent = uniform(k3, (width, 3 * width), width)
        self.bias = jnp.zeros(3 * width)
        self.fresh = jnp.zeros(width)

    def told(self, event):
        """What an event adds to the gates, apart from the state; for one event or many at once."""
        return embed(self.table + self.bias[None], event.kind) + event.features @ self.inputs

    def step(self, h, told):
        return gated_step(h, told, self.recurrent, self.fresh)


class GRUHistory(AbstractEventEncoder):
    """A gated recurrent unit over events; its memory does not move between them.

    **Arguments:**

    - `kinds`: how many kinds of events.
    - `width`: the length of its state.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import GRUHistory
        GRUHistory(2, 8, key=jax.random.key(0)).size  # 8
        ```

    Source: Du et al. (2016), Recurrent marked temporal point processes, section 4; Cho et al. (2014) for the unit.
    """

    gates: Gates
    kinds: int = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __init__(self, kinds: int, width: int, *, key: Key):
        check_sizes(kinds, width)
        self.gates = Gates(kinds, width, key=key)
        self.kinds, self.size = kinds, width

    def start(self, room):
        return jnp.zeros(self.size, self.gates.recurrent.dtype)

    def advance(self, state, event):
        return self.gates.step(state, self.gates.told(event))

    def context(self, state):
        return state

    def contexts(self, events):
        gates, start = self.gates, self.start(0)
        return jnp.concatenate([start[None], gated(gates.told(events), gates.recurrent, gates.fresh, start)])

    def memory(self, context):
        return FixedMemory(context)


class DecayingMemory(AbstractMonotoneMemory):
    r"""The memory of a continuous-time LSTM: $o \tanh(\bar c + (c - \bar c) e^{-\delta g})$.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import DecayingMemory
        one = jnp.ones(2)
        DecayingMemory(one, 0 * one, one, one)(jnp.array([0.0])).shape  # (1, 2)
        ```
    """

    cell: Float[Array, " h"]
    target: Float[Array, " h"]
    decay: Float[Array, " h"]
    out: Float[Array, " h"]

    def __call__(self, gaps):
        return jax.vmap(lambda gap: self.out * jnp.tanh(self.at(gap)))(gaps)

    def at(self, gap):
        """The cell, so long after the last event."""
        return self.target + (self.cell - self.target) * jnp.exp(-self.decay * gap)


class ContinuousLSTM(AbstractEventEncoder):
    """The continuous-time LSTM of the neural Hawkes process: cells decay to a target while nothing happens.

    **Arguments:** as `GRUHistory`.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import ContinuousLSTM
        ContinuousLSTM(2, 8, key=jax.random.key(0)).size  # 8
        ```

    Source: Mei and Eisner (2017), The neural Hawkes process, equations (5) to (7).
    """

    table: Float[Array, "k g"]
    recurrent: Float[Array, "h g"]
    bias: Float[Array, " g"]
    kinds: int = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __init__(self, kinds: int, width: int, *, key: Key):
        check_sizes(kinds, width)
        k1, k2 = jax.random.split(key)
        self.table = uniform(k1, (kinds, 7 * width), 2)
        self.recurrent = uniform(k2, (width, 7 * width), width)
        self.bias = jnp.zeros(7 * width)
        self.kinds, self.size = kinds, width

    def start(self, room):
        return jnp.zeros((4, self.size), self.recurrent.dtype)

    def advance(self, state, event):
        return decaying_step(state, event.gap, self._told(event), self.recurrent)

    def context(self, state):
        return state

    def memory(self, context):
        cell, target, decay, out = context
        return DecayingMemory(cell, target, decay, out)

    def contexts(self, events):
        start = self.start(0)
        return jnp.concatenate([start[None], decaying(events.gap, self._told(events), self.recurrent, start)])

    def _told(self, event):
        return embed(self.table + self.bias[None], event.kind)


class FlowMemory(AbstractMemory):
    """A vector that flows along an autonomous field while nothing happens.

    Each gap is crossed by the same number of steps of the classical Runge-Kutta method, so that the memory is a smooth
    function of the gap and a law made of it is one law, not one for each set of times that is asked for.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import MLPField
        from sdekit.points import FlowMemory
        field = MLPField(dim=2, width=4, depth=1, key=jax.random.key(0))
        FlowMemory(jnp.ones(2), field, 4)(jnp.array([0.5])).shape  # (1, 2)
        ```
    """

    vector: Float[Array, " h"]
    field: MLPField
    steps: int = eqx.field(static=True)

    def __call__(self, gaps):
        return jax.vmap(self.flow)(gaps)

    def flow(self, gap):
        """The vector at one gap."""
        f = lambda x: self.field(0.0, x)
        dt = gap / self.steps

        def step(_, x):
            k1 = f(x)
            k2 = f(x + dt / 2 * k1)
            k3 = f(x + dt / 2 * k2)
            return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(x + dt * k3))

        return jax.lax.fori_loop(0, self.steps, step, self.vector)


class NeuralODEHistory(AbstractEventEncoder):
    """A state that follows a learned differential equation between events, and jumps by a gated unit at each.

    It is not solved by `sdekit.solve`: the law of the next event is a function of any gap, asked for at quadrature
    nodes and proposals, so that the flow is part of the law; see `FlowMemory`.

    **Arguments:** as `GRUHistory`, and

    - `steps`: of the Runge-Kutta method between two events.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import NeuralODEHistory
        NeuralODEHistory(2, 8, key=jax.random.key(0)).size  # 8
        ```

    Source: Chen, Rubanova, Bettencourt and Duvenaud (2018), Neural ordinary differential equations; Jia and Benson
    (2019), Neural jump stochastic differential equations, section 3.
    """

    gates: Gates
    field: MLPField
    kinds: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def __init__(self, kinds: int, width: int, *, key: Key, steps: int = 4):
        check_sizes(kinds, width)
        require(steps >= 1, "steps", "must be positive", steps, "pass e.g. 4")
        k1, k2 = jax.random.split(key)
        self.gates = Gates(kinds, width, key=k1)
        self.field = MLPField(dim=width, width=width, depth=1, key=k2, out_scale=0.3)
        self.kinds, self.size, self.steps = kinds, width, steps

    def start(self, room):
        return jnp.zeros(self.size, self.gates.recurrent.dtype)

    def advance(self, state, event):
        return self._step(state, (event.gap, self.gates.told(event)))

    def context(self, state):
        return state

    def contexts(self, events):
        return scanned(self._step, self.start(0), (events.gap, self.gates.told(events)))

    def memory(self, context):
        return FlowMemory(context, self.field, self.steps)

    def _step(self, state, inputs):
        gap, told = inputs
        return self.gates.step(FlowMemory(state, self.field, self.steps).flow(gap), told)
