"""Iterated matching: the coupling of a learned bridge is the next one that it learns from."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import fault, require
from .._types import Array, Key, Times
from ..data import Series, Snapshots
from ..transport import AbstractCoupling, Independent
from ._matching import MatchedBridge, paired_ends


__all__ = ["Iteration", "coupled", "iterate"]


def coupled(data: Snapshots, coupling: AbstractCoupling, *, key: Key) -> Series:
    """Pairs from a coupling of two snapshots, as series of two times: a record from which `fit` draws pairs.

    Large blocks coupled once are nearer to the coupling of the two laws than small batches coupled anew.

    **Arguments:**

    - `data`: snapshots at two times.
    - `coupling`: how to pair them.
    - `key`: a JAX key.

    **Returns:** `Series` with an item for each pair, values of shape `(n, 2, d)`.

    **Raises:** `ValueError` for other than two times.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), jax.random.normal(jax.random.key(0), (2, 32, 1)))
        bridges.coupled(data, sk.transport.Exact(), key=jax.random.key(1)).ys.shape  # (32, 2, 1)
        ```
    """
    if not isinstance(data, Snapshots):
        remedy = "build one with sdekit.data.Snapshots.from_list(ts, clouds)"
        raise TypeError(fault("data", "must be a record of Snapshots", type(data).__name__, remedy))
    return paired_series(data.ts, *paired_ends(data, coupling, key))


def paired_series(ts: Times, x0: Array, x1: Array) -> Series:
    return Series(jnp.broadcast_to(ts, (x0.shape[0], 2)), jnp.stack([x0, x1], axis=1))


class Iteration(NamedTuple):
    """What `iterate` returns.

    !!! example

        ```python
        from sdekit.bridges import Iteration
        Iteration._fields
        ```
    """

    bridge: MatchedBridge
    """As it was trained in the last round."""
    pairs: Series
    """Its coupling, by draws."""
    kl: Float[np.ndarray, " r"]
    """Its divergence from the reference after each round."""

    @property
    def history(self) -> dict[str, np.ndarray]:
        """The divergence by round."""
        return {"kl": self.kl}


def iterate(
    bridge: MatchedBridge,
    data: Snapshots,
    train: Callable[..., MatchedBridge],
    *,
    key: Key,
    rounds: int = 5,
    coupling: AbstractCoupling | None = None,
) -> Iteration:
    r"""Iterative Markovian fitting: bridge matching, with the ends of the bridge's own paths as the next coupling.

    A mixture of pinned references has the right marginals; its Markovian projection, which matching finds, has them too
    and another coupling. In turn they converge to the one law that is both: the Schroedinger bridge. Half of the next
    pairs are drawn forwards from the first snapshot, half backwards from the second, so that neither end drifts away.

    **Arguments:**

    - `bridge`: where to start.
    - `data`: snapshots at two times.
    - `train`: `(bridge, pairs, *, key) -> bridge`, for one round. For instance
        `lambda b, pairs, *, key: sdekit.fit(b, BridgeMatching(), pairs, key=key, steps=500, batch_size=256).model`.
    - `key`: a JAX key.
    - `rounds`: how many.
    - `coupling`: that of the first round; `Independent()` by default. `Sinkhorn(reference)` starts nearer.

    **Returns:** an `Iteration`.

    **Raises:** `ValueError` for `rounds < 1`, or as `coupled`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), jax.random.normal(jax.random.key(0), (2, 64, 1)))
        nets = [sk.nets.MLPField(1, 8, 1, time=True, key=jax.random.key(k)) for k in (1, 2)]
        start = bridges.MatchedBridge(sk.processes.BrownianMotion(), data, *nets, steps=8)
        train = lambda b, pairs, *, key: sk.fit(
            b, bridges.BridgeMatching(), pairs, key=key, steps=10, batch_size=32, progress=False).model
        bridges.iterate(start, data, train, key=jax.random.key(3), rounds=2).kl
        ```

    Source: Shi, De Bortoli, Campbell and Doucet (2023), Diffusion Schroedinger bridge matching, NeurIPS, algorithm 1;
    Peluchetti (2023), Diffusion bridge mixture transports, Schroedinger bridge problems and generative modeling.
    """
    require(rounds >= 1, "rounds", "must be positive", rounds, "pass rounds >= 1")
    first = jax.random.fold_in(key, rounds)
    pairs = coupled(data, Independent() if coupling is None else coupling, key=first)
    values = []
    for i in range(rounds):
        learn, energy, draw = jax.random.split(jax.random.fold_in(key, i), 3)
        bridge = train(bridge, pairs, key=learn)
        values.append(float(bridge.kl(key=energy)))
        pairs = _renewed(bridge, data, draw)
    return Iteration(bridge, pairs, np.asarray(values))


@eqx.filter_jit
def _renewed(bridge: MatchedBridge, data: Snapshots, key: Key) -> Series:
    pick, up, down = jax.random.split(key, 3)
    n = len(data)
    x0, x1 = (data if data.even else data.draw(n, key=pick)).xs
    order = jax.random.permutation(pick, n)
    left, right = x0[order[: n // 2]], x1[order[n // 2 :]]
    ends = jax.vmap(lambda x, k: bridge.end(x, key=k))(left, jax.random.split(up, left.shape[0]))
    starts = jax.vmap(lambda x, k: bridge.start(x, key=k))(right, jax.random.split(down, right.shape[0]))
    return paired_series(data.ts, jnp.concatenate([left, starts]), jnp.concatenate([ends, right]))
