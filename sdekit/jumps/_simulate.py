"""The door to simulation of reaction networks at given times."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Int, UInt32

from .._errors import require, require_times
from .._types import Array, Key, Times, as_float
from ..data import Events
from ..math import clock_words
from ..paths import Provenance, SampledPath
from ._ssa_record import record_path


__all__ = ["AbstractSimulation", "reaction_events", "simulate_with"]


class AbstractSimulation(eqx.Module):
    """A way to simulate a reaction network at given times: exactly (`SSA`) or by leaps (`TauLeaping`).

    !!! example

        ```python
        from sdekit.jumps import SSA, AbstractSimulation
        isinstance(SSA(), AbstractSimulation)  # True
        ```
    """

    name: eqx.AbstractClassVar[str]

    @abc.abstractmethod
    def run(self, network: Any, ts: Times, k0: UInt32[Array, " n"], k1: UInt32[Array, " n"]) -> Int[Array, "n k d"]:
        """The counts of `n` paths at `ts[1:]`; path `i` has the words `k0[i]`, `k1[i]` (`clock_words`)."""


@eqx.filter_jit
def simulate_with(network: Any, ts: Array, key: Key, n: int | None, method: AbstractSimulation) -> SampledPath:
    """`simulate`, compiled."""
    dtype = jnp.result_type(network.rates.dtype, ts.dtype)
    cast = lambda v: v.astype(dtype) if jnp.issubdtype(v.dtype, jnp.inexact) else v
    network = jax.lax.stop_gradient(jax.tree.map(cast, network))
    ts = ts.astype(dtype)
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n)) if n is not None else key[None]
    k0, k1 = jax.vmap(clock_words)(keys)
    counts = method.run(network, ts, k0, k1)
    start = jnp.broadcast_to(network.start, (counts.shape[0], 1, network.dim))
    xs = jnp.concatenate([start, counts], 1).astype(dtype)
    return SampledPath(ts, xs if n is not None else xs[0], Provenance(method.name))


def check_ensemble(ts: Any, n: int | None) -> Array:
    require_times(ts, least=2)
    require(n is None or n >= 1, "n", "must be a positive number of paths", n, "pass n >= 1, or None for one path")
    return as_float(ts)


def reaction_events(network: Any, ts: Times, *, key: Key, n: int | None = None) -> Events:
    """Exact paths of a network as data: the time of every reaction, marked by its number.

    The complete record of a path, for `ReactionNetwork.log_prob` and so for `fit`. The same paths as `network.sample`
    with this key.

    **Arguments:**

    - `network`: a `ReactionNetwork`.
    - `ts`: increasing times; the window is from the first to the last.
    - `key`: a JAX key.
    - `n`: how many paths; `None` for one without a leading axis.

    **Returns:** `Events`, their marks in the order of `network.reactions`.

    **Raises:** as `network.sample`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import ReactionNetwork, reaction_events
        network = ReactionNetwork({"decay": "A -> 0"}, rates={"decay": 1.0}, start={"A": 9}, room=9)
        events = reaction_events(network, jnp.array([0.0, 2.0]), key=jax.random.key(0))
        network.log_prob(events)
        ```
    """
    ts = check_ensemble(ts, n)
    return _events(network, ts, key, n)


@eqx.filter_jit
def _events(network: Any, ts: Array, key: Key, n: int | None) -> Events:
    if n is None:
        found = record_path(network, ts, key)
    else:
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n))
        found = jax.vmap(lambda k: record_path(network, ts, k))(keys)
    times, marks, mask = (v[..., 1:] for v in (found.ts, found.marks, found.mask))
    r = len(network.reactions)
    marks = jnp.where(mask, marks, 0)
    return Events(times, marks, mask, t0=ts[0], t1=ts[-1], num_marks=r, ties=True)
