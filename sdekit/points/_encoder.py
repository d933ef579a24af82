"""The words of neural point processes: what an encoder remembers, as a function of the time since the last event."""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


__all__ = ["AbstractEventEncoder", "AbstractMemory", "AbstractMonotoneMemory", "EncodedEvent", "FixedMemory"]


class EncodedEvent(NamedTuple):
    """An event as an encoder is told of it.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import EncodedEvent
        EncodedEvent(gap=jnp.array(0.5), features=jnp.array([0.1, 0.4]), kind=jnp.array(0))
        ```
    """

    gap: Float[Array, " *e"]
    """In units of a typical gap."""
    features: Float[Array, "*e 2"]
    """Of the gap, of order one; see `GapScale.features`."""
    kind: Int[Array, " *e"]


class AbstractMemory(eqx.Module):
    """What is remembered of the past, so long after the last event: a vector that may move while nothing happens.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import AbstractMemory, FixedMemory
        isinstance(FixedMemory(jnp.zeros(3)), AbstractMemory)  # True
        ```
    """

    @abc.abstractmethod
    def __call__(self, gaps: Float[Array, " q"]) -> Float[Array, "q h"]:
        """The vector at many gaps since the last event, in units of a typical gap."""


class AbstractMonotoneMemory(AbstractMemory):
    """A memory each component of which rises or falls all the time: its ends bound it, and so thinning is exact.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import AbstractMonotoneMemory, FixedMemory
        isinstance(FixedMemory(jnp.zeros(3)), AbstractMonotoneMemory)  # True
        ```
    """


class FixedMemory(AbstractMonotoneMemory):
    """A memory that does not move between events.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import FixedMemory
        FixedMemory(jnp.ones(3))(jnp.array([0.1, 0.2])).shape  # (2, 3)
        ```
    """

    vector: Float[Array, " h"]

    def __call__(self, gaps):
        return jnp.broadcast_to(self.vector, (*gaps.shape, *self.vector.shape))


class AbstractEventEncoder(eqx.Module):
    """Sums up the past of a point process: event by event, and for a whole sequence at once. Both must agree.

    !!! example

        ```python
        import jax
        from sdekit.points import AbstractEventEncoder, GRUHistory
        isinstance(GRUHistory(2, 8, key=jax.random.key(0)), AbstractEventEncoder)  # True
        ```
    """

    kinds: eqx.AbstractVar[int]
    size: eqx.AbstractVar[int]
    """The length of the vector that a memory gives."""

    @abc.abstractmethod
    def start(self, room: int) -> Any:
        """The state before any event, with room for so many."""

    @abc.abstractmethod
    def advance(self, state: Any, event: EncodedEvent) -> Any:
        """The state just after an event."""

    @abc.abstractmethod
    def context(self, state: Any) -> Any:
        """What of a state is needed until the next event."""

    @abc.abstractmethod
    def contexts(self, events: EncodedEvent) -> Any:
        """The contexts of a sequence on a leading axis `e + 1`: row `i` knows the first `i` events alone."""

    @abc.abstractmethod
    def memory(self, context: Any) -> AbstractMemory:
        """What is remembered, as a function of the time since the last event."""


def embed(table: Float[Array, "k d"], kind: Array) -> Array:
    """Rows of a small table by a product: gathers are slow to differentiate."""
    return jax.nn.one_hot(kind, table.shape[0], dtype=table.dtype) @ table


def uniform(key: Array, shape: tuple[int, ...], fan: int) -> Array:
    """Initial weights."""
    return jax.random.uniform(key, shape, minval=-(fan**-0.5), maxval=fan**-0.5)


def scanned(step: Callable[[Any, Any], Any], start: Any, inputs: Any) -> Any:
    """The states from the start on, one row each."""

    def body(state, row):
        new = step(state, row)
        return new, new

    _, rest = jax.lax.scan(body, start, inputs)
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), start, rest)
