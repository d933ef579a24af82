"""Iterative reference refinement: the bridge through snapshots, and the reference nearest to it, in turn."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import require
from .._parameters import named_parameters
from .._types import Array, Key
from ..data import Snapshots
from ._clouds import SinkhornBridge, interval_plan, log_kernels, pinned_moments, pinned_step, require_problem
from ._linearised import Linearised
from ._regression import AbstractRegression, GaussNewton, Visited


__all__ = ["Refinement", "refine"]


class Refinement(eqx.Module):
    """What `refine` returns.

    !!! example

        ```python
        from sdekit import bridges
        bridges.Refinement.__doc__
        ```
    """

    bridge: SinkhornBridge
    """Through all snapshots (or a batch of them), with the refined reference."""
    reference: Any
    """The refined reference."""
    kl: Float[Array, " r"]
    """The divergence of the bridge from the reference at the start of each round, and at the end, less the entropies of
    the snapshots; see `SinkhornBridge.kl`."""
    parameters: tuple[dict[str, Any], ...]
    """The parameters of the reference at the start of each round, and at the end."""

    @property
    def history(self) -> dict[str, np.ndarray]:
        """The divergence and the parameters by round."""
        names = self.parameters[0]
        return {"kl": np.asarray(self.kl), **{n: np.stack([row[n] for row in self.parameters]) for n in names}}


def refine(
    reference: Any,
    data: Snapshots,
    *,
    key: Key,
    rounds: int = 10,
    steps: int = 20,
    copies: int = 1,
    batch: int | None = None,
    regression: AbstractRegression | None = None,
    tolerance: float = 1e-3,
    settle: float = 1e-6,
) -> Refinement:
    r"""A Schroedinger bridge through snapshots at several times, whose reference is the best of a family.

    Minimises $KL(P \| R_\theta)$ over laws $P$ with the snapshots as marginals, and over $\theta$, in turn. Given
    $\theta$ the bridge falls into one between each two successive snapshots: Sinkhorn's plan with the (linearised)
    transition kernels of the reference, and between partners the reference pinned at both, linearised anew at each
    step. Given the bridge, the maximum-likelihood drift is a weighted least-squares regression on that of its paths.
    The divergence decreases, up to the noise of the draws.

    The noise of the reference stays as given: at a fixed $\theta$ paths of another quadratic variation are infinitely
    far, so that the bridge has that of the reference and cannot correct it.

    **Arguments:**

    - `reference`: a diffusion whose drift has parameters: where to start. With a zero drift the first round is the
        bridge of a Brownian motion.
    - `data`: snapshots at two or more times, of any sizes and weights.
    - `key`: a JAX key.
    - `rounds`: the most rounds.
    - `steps`: of a path in each interval.
    - `copies`: paths from each particle.
    - `batch`: particles of each snapshot in a round; `None` for all. Plans cost its square. Rounds go through all
        particles, shuffled, before any comes again: over as many rounds the noise of batches cancels.
    - `regression`: how to fit the drift; `GaussNewton()` by default, `Gradient(...)` for networks.
    - `tolerance`: of the plans, as in `sdekit.transport.sinkhorn`; loose plans are enough until the end.
    - `settle`: stop when the divergence changes by less than this share.

    **Returns:** a `Refinement`: the bridge (a process), the reference, the divergence and the parameters by round.

    **Raises:** as `SinkhornBridge`; `ValueError` if a round leaves numbers that are not finite.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        truth = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=2.0, scale=0.5)
        ts = jnp.array([0.0, 0.5, 1.0, 2.0])
        xs = jax.vmap(lambda t, k: sk.processes.OrnsteinUhlenbeck(1.0, 2.0, 0.5, start=None).sample(
            jnp.array([0.0, 1.0]), key=k, n=50).xs[:, 0])(ts, jax.random.split(jax.random.key(0), 4))
        start = sk.processes.OrnsteinUhlenbeck(rate=0.1, mean=0.0, scale=0.5)
        found = bridges.refine(start, sk.data.Snapshots(ts, xs), key=jax.random.key(1), rounds=2, steps=5)
        found.history["kl"]
        ```

    Source: Shen, Berlinghieri and Broderick (2025), Multi-marginal Schroedinger bridges with iterative reference
    refinement, AISTATS, arXiv 2408.06277, algorithm 1.
    """
    require(rounds >= 1, "rounds", "must be positive", rounds, "pass rounds >= 1")
    require(steps >= 2, "steps", "must be at least 2", steps, "pass steps >= 2")
    require(copies >= 1, "copies", "must be positive", copies, "pass copies >= 1")
    regression = GaussNewton() if regression is None else regression
    local, data = require_problem(reference, data)
    values, rows = [], [_named(reference)]
    for i in range(rounds):
        draw, fit = jax.random.split(jax.random.fold_in(key, i))
        some = data if batch is None else _batch(data, batch, i, key)
        visited, value = _walk(local, some, steps, copies, tolerance, draw)
        values.append(float(value))
        reference = regression(reference, visited, key=fit)
        row = _named(reference)
        finite = np.isfinite(values[-1]) and all(np.isfinite(v).all() for v in row.values())
        remedy = "start nearer, give the reference more noise, or use more `steps`"
        require(finite, "reference", f"leaves numbers that are not finite in round {i}", row, remedy)
        rows.append(row)
        local = eqx.tree_at(lambda v: v.process, local, reference) if isinstance(local, Linearised) else reference
        if i > 1 and abs(values[-2] - values[-1]) <= settle * max(abs(values[-2]), 1.0):
            break
    data = data if batch is None else _batch(data, batch, rounds, key)
    bridge = SinkhornBridge(local, data, tolerance=max(tolerance, 1e-3))
    return Refinement(bridge, reference, jnp.array([*values, float(bridge.kl())]), tuple(rows))


def _batch(data: Snapshots, batch: int, i: int, key: Key) -> Snapshots:
    """The particles of round `i`: one of the blocks of a draw of all."""
    blocks = max(1, len(data) // batch)
    whole = data.draw(blocks * batch, key=jax.random.fold_in(jax.random.fold_in(key, i // blocks), 1))
    # Copies of a heavy particle stand side by side in a draw: strides spread them over the blocks.
    some = tuple(v[:, i % blocks :: blocks] for v in (whole.xs, whole.mask, whole.weights * blocks))
    return eqx.tree_at(lambda s: (s.xs, s.mask, s.weights), whole, some)


def _named(reference: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in named_parameters(reference).items()}


@eqx.filter_jit
def _walk(
    local: Any, data: Snapshots, steps: int, copies: int, tolerance: float, key: Key
) -> tuple[Visited, Float[Array, ""]]:
    """Paths of the bridge through all intervals, with their drifts; and the divergence."""
    count, n, d = data.ts.shape[0] - 1, data.xs.shape[1], data.dim

    def path(x, y, grid, k):
        end = grid[-1]
        noise = jax.random.normal(k, (steps, d), x.dtype)

        def step(x, inputs):
            s, t, z = inputs
            # The pull towards the end from where the path is now; then a draw at the next time.
            _, _, pull = pinned_moments(local, s, x, (s + end) / 2, end, y)
            g = local.diffusion(s, x)
            drift = local.drift(s, x) + g.mv(g.T.mv(pull))
            return pinned_step(local, s, x, t, end, y, z), (x, drift)

        return jax.lax.scan(step, x, (grid[:-1], grid[1:], noise))[1]

    def interval(inputs):
        k, key = inputs
        _, g, _, value = interval_plan(local, data, k, tolerance)
        draw, walk = jax.random.split(key)
        logs = g[None] + log_kernels(local, data, k)
        partners = jax.random.categorical(draw, logs, axis=1, shape=(copies, n))
        grid = data.ts[k] + (data.ts[k + 1] - data.ts[k]) * jnp.linspace(0.0, 1.0, steps + 1, dtype=data.ts.dtype)
        grid = grid.astype(data.xs.dtype)
        keys = jax.random.split(walk, (copies, n))
        ends = data.xs[k + 1]
        one = lambda x, j, key: path(x, ends[j], grid, key)
        xs, drifts = jax.vmap(jax.vmap(one), in_axes=(None, 0, 0))(data.xs[k], partners, keys)
        h = grid[1] - grid[0]
        weights = jnp.broadcast_to((h * data.weights[k] / copies)[None, :, None], (copies, n, steps))
        times = jnp.broadcast_to(grid[None, None, :-1], (copies, n, steps))
        return times, xs, drifts, weights, value

    *parts, values = jax.lax.map(interval, (jnp.arange(count), jax.random.split(key, count)))
    ts, xs, drifts, weights = (p.reshape(-1, *p.shape[4:]) for p in parts)
    return Visited(ts, xs, drifts, weights.astype(xs.dtype)), values.sum()
