"""Paths of reaction networks at given times."""

from .._types import Key, Times
from ..paths import SampledPath
from ._network import ReactionNetwork
from ._simulate import AbstractSimulation, check_ensemble, simulate_with
from ._ssa import SSA


__all__ = ["simulate"]

_EXACT = SSA()


def simulate(
    network: ReactionNetwork, ts: Times, *, key: Key, n: int | None = None, method: AbstractSimulation = _EXACT
) -> SampledPath:
    """Counts of a reaction network at given times, without a record of the jumps between: the fast way.

    Path `i` depends on `(key, i)` alone, and with `SSA` it is path `i` of `network.sample`. Not differentiable (see
    `score_expectation`). For final states alone pass two times.

    **Arguments:**

    - `network`: the network.
    - `ts`: increasing times, the first of them that of `network.start`.
    - `key`: a JAX key.
    - `n`: how many paths; `None` for one without a leading axis.
    - `method`: `SSA()`, exact, or `TauLeaping()`.

    **Returns:** a `SampledPath`, states of shape `(n, t, d)`.

    **Raises:** `ValueError` for times that do not increase, fewer than two of them, or `n < 1`; what the method raises.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import ReactionNetwork, simulate
        network = ReactionNetwork({"pair": "2 A -> B", "part": "B -> 2 A"}, {"pair": 0.01, "part": 0.2}, {"A": 30})
        simulate(network, jnp.linspace(0.0, 1.0, 5), key=jax.random.key(0), n=100).xs.shape  # (100, 5, 2)
        ```
    """
    return simulate_with(network, check_ensemble(ts, n), key, n, method)
