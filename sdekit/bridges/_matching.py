"""Bridges learned by matching: both drifts regressed on those of the reference pinned at paired ends."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import fault, require
from .._parameters import law_field
from .._process import AbstractLinearGaussian
from .._types import Array, Key, Law, PyTree, RealScalar, State, Times
from ..data import AbstractRecord, Series, Snapshots
from ..inference import AbstractObjective
from ..paths import Provenance, SampledPath
from ..transport import AbstractCoupling, Exact
from ._bridge import AbstractSchroedingerBridge
from ._clouds import require_problem
from ._laws import BridgeMarginal, Cloud
from ._linearised import runge_kutta


__all__ = ["BridgeMatching", "MatchedBridge"]


class MatchedBridge(AbstractSchroedingerBridge):
    r"""A bridge between two snapshots whose drifts are learned: networks for what is added to the reference's.

    `forward` stands for $a\nabla\log\varphi_t$ and `backward` for $a\nabla\log\hat\varphi_t$, $a = g g^\top$, so that
    $b_+ = f + $ `forward`, $b_- = f - $ `backward`, and $a\nabla\log p_t$ is their sum. For a linear reference fit it
    with `sdekit.fit` and `BridgeMatching`, or with `iterate`; for any other with `proportional_fitting`. Draws start
    from the first snapshot and take steps of Heun's method.

    **Arguments:**

    - `reference`: a diffusion with noise that does not depend on the state and reaches every component.
    - `data`: snapshots at two times.
    - `forward`, `backward`: functions `(t, x) -> (d,)` with parameters.
    - `steps`: of a path, evenly spread; the times that are asked for come on top.

    **Raises:** `ValueError` for other than two snapshots, or as `SinkhornBridge`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        x = jax.random.normal(jax.random.key(0), (2, 64, 2)) + jnp.array([0.0, 3.0])[:, None, None]
        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), x)
        nets = [sk.nets.MLPField(2, 16, 2, time=True, key=jax.random.key(k)) for k in (1, 2)]
        start = bridges.MatchedBridge(sk.processes.BrownianMotion(scale=[1.0, 1.0]), data, *nets, steps=10)
        bridge = sk.fit(start, bridges.BridgeMatching(), data, key=jax.random.key(3), steps=10, progress=False).model
        bridge.drift(0.5, jnp.ones(2))
        ```

    Source: Tong et al. (2024), Simulation-free Schroedinger bridges via score and flow matching, AISTATS, arXiv
    2307.03672, section 3 (for Brownian references).
    """

    forward: Callable[[RealScalar, State], State]
    backward: Callable[[RealScalar, State], State]
    steps: int = eqx.field(static=True)
    reference: Any = law_field()
    data: Snapshots = law_field()

    def __init__(self, reference: Any, data: Snapshots, forward: Any, backward: Any, *, steps: int = 50):
        self.reference, self.data = require_problem(reference, data)
        two = data.ts.shape[0] == 2
        require(two, "data", "must have snapshots at two times", data, "pass data.at([k, k + 1])")
        require(steps >= 1, "steps", "must be positive", steps, "pass steps >= 1")
        self.forward, self.backward, self.steps = forward, backward, steps

    @property
    def times(self) -> Times:
        return self.data.ts

    @property
    def initial(self) -> Law:
        return Cloud(self.data.xs[0], self.data.weights[0])

    def drift(self, t: RealScalar, x: State) -> State:
        return self.reference.drift(t, x) + self.forward(t, x)

    def backward_drift(self, t: RealScalar, x: State) -> State:
        return self.reference.drift(t, x) - self.backward(t, x)

    def score(self, t: RealScalar, x: State) -> State:
        g = self.diffusion(t, x).as_matrix()
        return jnp.linalg.solve(g @ g.T, self.forward(t, x) + self.backward(t, x))

    def marginal(self, t: RealScalar) -> Law:
        """The law at a time, by draws: it has no density."""
        return BridgeMarginal(self, t)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        first, walk = jax.random.split(key)
        x0 = self.data.xs[0][jax.random.categorical(first, jnp.log(self.data.weights[0]))]
        ts = ts.astype(self.times.dtype)
        grid = jnp.sort(jnp.concatenate([self.grid(), jnp.clip(ts, self.times[0], self.times[1])]))
        xs = self._walk(self.drift, x0, grid, walk)
        return SampledPath(ts, xs[jnp.searchsorted(grid, ts)], Provenance("Heun"))

    def end(self, x: State, *, key: Key) -> State:
        """A draw at the second time given the state `x` at the first."""
        return self._walk(self.drift, x, self.grid(), key)[-1]

    def start(self, x: State, *, key: Key) -> State:
        """A draw at the first time given the state `x` at the second, by the drift read backwards."""
        return self._walk(self.backward_drift, x, self.grid()[::-1], key)[-1]

    def transport(self, x: State, steps: int | None = None) -> State:
        """Where the probability flow takes `x` from the first time to the second."""
        steps = -(-self.steps // 4) if steps is None else steps
        return runge_kutta(self.probability_flow, self.times[0], self.times[1], x, steps)

    def kl(self, *, key: Key, n: int = 1000) -> Float[Array, ""]:
        r"""$E\int\tfrac12|g^{-1}(b_+ - f)|^2\,dt$ over `n` paths: the divergence from the reference."""
        return _energy(self, n, key)

    def grid(self) -> Times:
        """The times of the steps of a path."""
        t0, t1 = self.times
        return t0 + (t1 - t0) * jnp.linspace(0.0, 1.0, self.steps + 1, dtype=self.times.dtype)

    def _walk(self, field: Callable, x: State, grid: Times, key: Key) -> Float[Array, "t d"]:
        """States at the times of a grid, which may fall: then the noise is that of the reversed diffusion."""

        def step(x, inputs):
            s, t, k = inputs
            g = self.reference.diffusion(s, x)
            noise = jax.random.normal(k, g.in_structure().shape, x.dtype)
            kick = g.mv(jnp.sqrt(jnp.abs(t - s)) * noise)
            slope = field(s, x)
            new = x + (t - s) * (slope + field(t, x + (t - s) * slope + kick)) / 2 + kick
            return new.astype(x.dtype), new.astype(x.dtype)

        keys = jax.random.split(key, grid.shape[0] - 1)
        _, xs = jax.lax.scan(step, x, (grid[:-1], grid[1:], keys))
        return jnp.concatenate([x[None], xs])


@eqx.filter_jit
def _energy(bridge: MatchedBridge, n: int, key: Key) -> Array:
    grid = bridge.grid()
    xs = jax.vmap(lambda k: bridge.draw(grid, key=k).xs)(jax.random.split(key, n))

    def half(t, x):
        g = bridge.diffusion(t, x).as_matrix()
        return 0.5 * (jnp.linalg.lstsq(g, bridge.forward(t, x))[0] ** 2).sum()

    rates = jax.vmap(lambda path: jax.vmap(half)(grid, path))(xs).mean(0)
    return jnp.trapezoid(rates, grid)


class _Pinned(NamedTuple):
    """The reference at one time between its ends, as maps: a law, and what pulls towards each end."""

    a: Array
    b: Array
    gain: Array
    ahead: Array
    offset: Array
    root: Array
    up: Array
    down: Array


def _pinned(reference: Any, t0: RealScalar, t: RealScalar, t1: RealScalar) -> _Pinned:
    a, b, q = reference.discretise(t0, t)
    ahead, offset, left = reference.discretise(t, t1)
    total = ahead @ q @ ahead.T + left
    gain = jnp.linalg.solve(total, ahead @ q).T
    rest = jnp.eye(q.shape[0], dtype=q.dtype) - gain @ ahead
    spread = rest @ q @ rest.T + gain @ left @ gain.T
    scale = jnp.sqrt(jnp.diagonal(spread))
    jitter = 4 * q.shape[0] * jnp.finfo(q.dtype).eps * jnp.eye(q.shape[0], dtype=q.dtype)
    root = scale[:, None] * jnp.linalg.cholesky(spread / scale[:, None] / scale[None] + jitter)
    g = reference.diffusion(t, b).as_matrix()
    noise = g @ g.T
    up = noise @ jnp.linalg.solve(left, ahead).T
    return _Pinned(a, b, gain, ahead, offset, root, up, jnp.linalg.solve(q, noise).T)


class BridgeMatching(AbstractObjective):
    r"""The regression of a `MatchedBridge`'s two parts on those of the reference pinned at paired ends.

    $E\int \tfrac12|u|^2 - u \cdot a\nabla_x\log p(t, X_t; t_1, X_1)\,dt$ for `forward`, and with
    $\nabla_x\log p(t_0, X_0; t, X_t)$ for `backward`, $X_t$ a draw of the reference given both ends; the mean over
    times. At the minimum, that is the Markov process with the marginals of the mixture of pinned processes, each loss
    is minus half the mean square of its part. Where the coupling is the static bridge of the reference, the minimum is
    the Schroedinger bridge.

    Targets grow without bound at one end each. Each pair is therefore seen with a draw and its mirror image: the
    unbounded parts meet the difference of the two, and the variance of the gradient stays finite.

    The batch is `Snapshots` at two times, which `coupling` pairs, or the `Series` of pairs that `coupled` makes.

    **Arguments:**

    - `coupling`: how ends are paired. `Sinkhorn(reference)` in large batches has the bridge as its limit; `Exact()`
        is its limit for little noise.
    - `times`: how many times a batch is looked at, one in each of as many equal parts.
    - `margin`: the share of the interval that is left out at each end.

    **Raises:** `TypeError` for a model that is no `MatchedBridge`, a reference that is not linear or a batch of another
    kind; `ValueError` for a batch that has other than two times.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), jax.random.normal(jax.random.key(0), (2, 32, 1)))
        nets = [sk.nets.MLPField(1, 8, 1, time=True, key=jax.random.key(k)) for k in (1, 2)]
        model = bridges.MatchedBridge(sk.processes.OrnsteinUhlenbeck(1.0), data, *nets)
        bridges.BridgeMatching(sk.transport.Sinkhorn(model.reference))(model, data, key=jax.random.key(3))
        ```

    Source: Tong et al. (2024), arXiv 2307.03672, equation 10 and algorithm 1, for any linear reference; antithetic
    draws: Albergo, Boffi and Vanden-Eijnden (2023), appendix B.
    """

    coupling: AbstractCoupling = eqx.field(default_factory=Exact)
    times: int = eqx.field(static=True, default=64)
    margin: float = eqx.field(static=True, default=1e-3)

    def __check_init__(self):
        require(self.times >= 1, "BridgeMatching.times", "must be positive", self.times, "pass times >= 1")
        ok = 0 < self.margin < 0.5
        require(ok, "BridgeMatching.margin", "must lie in (0, 0.5)", self.margin, "pass e.g. 1e-3")

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        if not isinstance(model, MatchedBridge):
            remedy = "wrap the networks in MatchedBridge(reference, data, forward, backward)"
            raise TypeError(fault("model", "must be a MatchedBridge", type(model).__name__, remedy))
        if not isinstance(model.reference, AbstractLinearGaussian):
            remedy = "use `proportional_fitting`, or a linear diffusion such as BrownianMotion or LinearSDE"
            kind = type(model.reference).__name__
            raise TypeError(fault("model.reference", "must have linear transitions", kind, remedy))
        pair, moment, noise = jax.random.split(key, 3)
        x0, x1 = paired_ends(batch, self.coupling, pair)
        n = x0.shape[0]
        t0, t1 = model.times
        m = min(self.times, n)
        # The maps depend on the time alone: pairs share a few times, and the maps are found once for each.
        u = (jnp.arange(m) + jax.random.uniform(moment, (m,))) / m
        t = (t0 + (t1 - t0) * jnp.clip(u, self.margin, 1 - self.margin)).astype(x0.dtype)
        maps = jax.vmap(lambda s: _pinned(model.reference, t0, s, t1))(t)
        place = jnp.arange(n) % m
        one = lambda i, a, b, z: _losses(model, t[i], jax.tree.map(lambda v: v[i], maps), a, b, z)
        up, down = jax.vmap(one)(place, x0, x1, jax.random.normal(noise, x0.shape, x0.dtype))
        named = {"forward": up.mean(), "backward": down.mean()}
        return named["forward"] + named["backward"], named


def _losses(model: MatchedBridge, t: Array, maps: _Pinned, x0: State, x1: State, z: State) -> tuple[Array, Array]:
    """The losses of the two parts for one pair at one time, the mean over a draw and its mirror image."""
    begun = maps.a @ x0 + maps.b
    mean = begun + maps.gain @ (x1 - maps.ahead @ begun - maps.offset)
    kick = maps.root @ z
    up = down = jnp.zeros((), x0.dtype)
    for x in (mean + kick, mean - kick):
        u, v = model.forward(t, x), model.backward(t, x)
        up += u @ (u / 2 - maps.up @ (x1 - maps.ahead @ x - maps.offset)) / 2
        down += v @ (v / 2 + maps.down @ (x - begun)) / 2
    return up, down


def paired_ends(batch: Any, coupling: AbstractCoupling, key: Key) -> tuple[Array, Array]:
    if isinstance(batch, Snapshots):
        require(batch.ts.shape[0] == 2, "batch", "must have two times", batch.ts, "pick with batch.at([k, k + 1])")
        draw, pair = jax.random.split(key)
        # Weights and gaps are drawn away: from here on all points count alike.
        xs = (batch if batch.even else batch.draw(len(batch), key=draw)).xs
        return coupling.pair(xs[0], xs[1], key=pair)
    if not isinstance(batch, Series):
        remedy = "pass Snapshots at two times, or what `coupled` makes of them"
        raise TypeError(fault("batch", "must be Snapshots or Series of pairs", type(batch).__name__, remedy))
    pairs = batch.ys.ndim == 3 and batch.ys.shape[1] == 2
    require(pairs, "batch", "must have items of two times", batch.ys, "pass what `coupled` makes of snapshots")
    return batch.ys[:, 0], batch.ys[:, 1]
