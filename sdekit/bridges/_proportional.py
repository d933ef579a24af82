"""Iterative proportional fitting: each drift regressed on paths that are drawn with the other, for any reference."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import fault, require
from .._types import Array, Key, PyTree
from ..data import AbstractRecord, Series
from ..inference import AbstractObjective
from ._iterate import Iteration, paired_series
from ._matching import MatchedBridge


__all__ = ["MeanMatching", "proportional_fitting"]


class MeanMatching(AbstractObjective):
    r"""The regression of one part of a `MatchedBridge` on paths that were drawn with the other part.

    A step $X_{k+1} = X_k + h\,b_+(X_k) + \xi$ of the forward process has $E[\xi / h \mid X_{k+1}] = -a\nabla\log p$
    up to order $h$, so that `backward` is the mean of $-$`forward`$(X_{k+1}) - \xi / h$ given $X_{k+1}$; with the parts
    changed about, `forward` is that of steps backwards. Nothing is asked of the reference but its drift and its noise.

    The batch is a `Series` of paths whose components are a state and its target, as `proportional_fitting` makes it.

    **Arguments:**

    - `back`: whether to learn `backward`, from paths forwards.

    **Raises:** `TypeError` for a model that is no `MatchedBridge`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), jax.random.normal(jax.random.key(0), (2, 8, 1)))
        nets = [sk.nets.MLPField(1, 8, 1, time=True, key=jax.random.key(k)) for k in (1, 2)]
        model = bridges.MatchedBridge(sk.processes.DoubleWell(), data, *nets)
        paths = sk.data.Series(jnp.tile(jnp.linspace(0.1, 1.0, 4), (3, 1)), jnp.zeros((3, 4, 2)))
        bridges.MeanMatching(back=True)(model, paths, key=jax.random.key(3))
        ```

    Source: De Bortoli et al. (2021), Diffusion Schroedinger bridge, NeurIPS, proposition 3 (mean matching).
    """

    back: bool = eqx.field(static=True)

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        if not isinstance(model, MatchedBridge):
            remedy = "wrap the networks in MatchedBridge(reference, data, forward, backward)"
            raise TypeError(fault("model", "must be a MatchedBridge", type(model).__name__, remedy))
        if not isinstance(batch, Series):
            remedy = "pass states and targets"
            raise TypeError(fault("batch", "must be a Series of paths", type(batch).__name__, remedy))
        part = model.backward if self.back else model.forward

        def loss(t, row):
            x, target = jnp.split(row, 2)
            found = part(t, x)
            return found @ (found / 2 - target)

        return jax.vmap(jax.vmap(loss))(batch.ts, batch.ys).mean(), {}


def proportional_fitting(
    bridge: MatchedBridge, train: Callable[..., MatchedBridge], *, key: Key, rounds: int = 5, paths: int = 1000
) -> Iteration:
    r"""Iterative proportional fitting by mean matching: a learned bridge for any reference whose noise is additive.

    Each round draws paths forwards from the first snapshot and learns the backward drift, then paths backwards from the
    second snapshot and learns the forward drift. In the first round the paths are those of the reference, if `forward`
    is zero there: half a round is the projection of the last law on those with one of the marginals. Nothing is asked
    of the reference but to be simulated, which makes this the fallback where transitions are far from Gaussian; where
    they are linear, `BridgeMatching` has less noise and no error of steps.

    **Arguments:**

    - `bridge`: where to start. Its `forward` should be near zero, and its `steps` are those of the paths.
    - `train`: `(bridge, objective, record, *, key) -> bridge`, for half a round. For instance
        `lambda b, loss, paths, *, key: sdekit.fit(b, loss, paths, key=key, steps=500, batch_size=64).model`.
    - `key`: a JAX key.
    - `rounds`: how many.
    - `paths`: drawn for half a round.

    **Returns:** an `Iteration`: the bridge, ends of its paths, and its divergence from the reference by round.

    **Raises:** `ValueError` for `rounds < 1` or `paths < 1`; `TypeError` for another model.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        xs = 0.2 * jax.random.normal(jax.random.key(0), (2, 64, 1)) + jnp.array([-1.0, 1.0])[:, None, None]
        nets = [sk.nets.MLPField(1, 8, 1, time=True, key=jax.random.key(k)) for k in (1, 2)]
        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), xs)
        start = bridges.MatchedBridge(sk.processes.DoubleWell(scale=0.7), data, *nets, steps=8)
        train = lambda b, loss, paths, *, key: sk.fit(
            b, loss, paths, key=key, steps=10, batch_size=16, progress=False).model
        bridges.proportional_fitting(start, train, key=jax.random.key(3), rounds=1, paths=32).kl
        ```

    Source: De Bortoli et al. (2021), Diffusion Schroedinger bridge, NeurIPS, algorithm 1; Vargas et al. (2021).
    """
    require(rounds >= 1, "rounds", "must be positive", rounds, "pass rounds >= 1")
    require(paths >= 1, "paths", "must be positive", paths, "pass paths >= 1")
    if not isinstance(bridge, MatchedBridge):
        remedy = "wrap the networks in MatchedBridge(reference, data, forward, backward)"
        raise TypeError(fault("bridge", "must be a MatchedBridge", type(bridge).__name__, remedy))
    values = []
    for i in range(rounds):
        draws, learns, energy = (jax.random.split(k) for k in jax.random.split(jax.random.fold_in(key, i), 3))
        for back in (True, False):
            record, _ = _walked(bridge, paths, back, draws[int(back)])
            bridge = train(bridge, MeanMatching(back=back), record, key=learns[int(back)])
        values.append(float(bridge.kl(key=energy[0])))
    ends = _walked(bridge, paths, True, jax.random.fold_in(key, rounds))[1]
    return Iteration(bridge, paired_series(bridge.times, *ends), np.asarray(values))


@eqx.filter_jit
def _walked(bridge: MatchedBridge, n: int, forwards: bool, key: Key) -> tuple[Series, tuple[Array, Array]]:
    """Paths by Euler's method, from the first snapshot or back from the second: states and targets; and both ends."""
    pick, walk = jax.random.split(key)
    grid = bridge.grid() if forwards else bridge.grid()[::-1]
    first = bridge.data.draw(n, key=pick).xs[0 if forwards else 1]
    field, part = (bridge.drift, bridge.forward) if forwards else (bridge.backward_drift, bridge.backward)

    def path(x, key):
        def step(x, inputs):
            s, t, k = inputs
            g = bridge.diffusion(s, x)
            h = jnp.abs(t - s)
            kick = g.mv(jnp.sqrt(h) * jax.random.normal(k, g.in_structure().shape, x.dtype))
            new = (x + (t - s) * field(s, x) + kick).astype(x.dtype)
            return new, (new, -part(s, new) - kick / h)

        return jax.lax.scan(step, x, (grid[:-1], grid[1:], jax.random.split(key, grid.shape[0] - 1)))[1]

    xs, targets = jax.vmap(path)(first, jax.random.split(walk, n))
    ts, rows = jnp.broadcast_to(grid[1:], xs.shape[:2]), jnp.concatenate([xs, targets.astype(xs.dtype)], axis=-1)
    if forwards:
        return Series(ts, rows), (first, xs[:, -1])
    return Series(ts[:, ::-1], rows[:, ::-1]), (xs[:, -1], first)
