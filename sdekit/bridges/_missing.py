"""Snapshots of some components: the others, velocities say, are completed by the bridge itself."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key, RealScalar
from ..data import Snapshots
from ._clouds import log_kernels, require_problem


__all__ = ["complete"]


def complete(
    reference: Any,
    data: Snapshots,
    observed: Sequence[int],
    *,
    key: Key,
    spread: RealScalar = 1.0,
    copies: int = 20,
    rounds: int = 5,
    sweeps: int = 50,
    tolerance: float = 1e-3,
) -> Snapshots:
    r"""Snapshots in all components of a reference from snapshots of some: weighted particles of a Schroedinger bridge.

    The bridge is the law nearest to the reference whose *observed* components have the snapshots as marginals. Where
    components are missing its observed part is not Markov, so that the intervals are coupled: with positions observed
    and velocities not, paths are smooth across the snapshots. Each particle gets `copies` of the missing components,
    drawn from a Gaussian regression on what is observed; potentials that depend on the observed components alone are
    found by Sinkhorn's iterations along the chain of times, with messages between all copies; and the regressions are
    fitted anew to the weights that come out. Given the laws in all components the intervals part again: hand the
    result to `SinkhornBridge`, to `refine`, or to any other solver, with the same reference.

    The reference's hidden components at the first time are $N(0, \text{spread}^2)$, whatever its observed ones are.

    **Arguments:**

    - `reference`: a diffusion with `d` components, with noise that reaches each of them in time.
    - `data`: snapshots of some components, at two or more times.
    - `observed`: which of the `d` they are, in their order.
    - `key`: a JAX key.
    - `spread`: standard deviation of the missing components at the first time.
    - `copies`: of each particle. Messages cost the square of particles times copies.
    - `rounds`: of regressions.
    - `sweeps`: along the chain, in each round.
    - `tolerance`: of the marginals after the last sweep, in total variation.

    **Returns:** `Snapshots` with `d` components and `copies` times as many particles, weighted.

    **Raises:** `ValueError` for `observed` that are not distinct components of the reference, or all of them, or
    another number than the snapshots have, and where marginals are not met; else as `SinkhornBridge`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        spring = sk.processes.LinearSDE([[0.0, 1.0], [-1.0, -0.1]], scale=[[0.0], [0.5]])
        xs = 0.3 * jax.random.normal(jax.random.key(0), (3, 8, 1)) + jnp.array([1.0, 0.5, -0.4])[:, None, None]
        seen = sk.data.Snapshots(jnp.arange(3.0), xs)
        data = bridges.complete(spring, seen, [0], key=jax.random.key(1), copies=4, rounds=2)
        data.xs.shape  # (3, 32, 2)
        ```

    Source: Chen, Conforti, Georgiou and Ripani (2019), Multi-marginal Schroedinger bridges, GSI; Hong, Shi and
    Niles-Weed (2025), Trajectory inference with smooth Schroedinger bridges (messages along the chain of times).
    """
    d, observed = reference.dim, tuple(int(i) for i in observed)
    distinct = len(set(observed)) == len(observed) and all(0 <= i < d for i in observed)
    require(distinct, "observed", f"must be distinct components, 0 to {d - 1}", observed, "number them from 0")
    require(len(observed) < d, "observed", "must leave out a component", observed, "bridge the snapshots as they are")
    fits = data.dim == len(observed)
    require(fits, "data", f"must have {len(observed)} component(s), as `observed`", data.dim, "pick others")
    for name, value in (("copies", copies), ("rounds", rounds), ("sweeps", sweeps)):
        require(value >= 1, name, "must be positive", value, f"pass {name} >= 1")
    order = np.argsort([*observed, *(i for i in range(d) if i not in observed)])
    wide = jnp.pad(data.xs, ((0, 0), (0, 0), (0, d - data.dim)))[..., order]
    local, typed = require_problem(reference, eqx.tree_at(lambda s: s.xs, data, wide))
    data = eqx.tree_at(
        lambda s: (s.ts, s.xs, s.weights), typed, (typed.ts, typed.xs[..., np.array(observed)], typed.weights)
    )
    k, h = data.ts.shape[0], d - data.dim
    law = jnp.zeros((k, data.dim + 1, h)), jnp.tile(spread**2 * jnp.eye(h), (k, 1, 1))
    law = jax.tree.map(lambda v: v.astype(data.xs.dtype), law)
    for i in range(rounds):
        noise = jax.random.normal(jax.random.fold_in(key, i), (k, len(data), copies, h), data.xs.dtype)
        full, law = _round(local, data, law, noise, jnp.asarray(spread, data.xs.dtype), tuple(order), sweeps)
    found = full.weights.reshape(k, -1, copies).sum(2)
    error = float(jnp.abs(found - data.weights).sum(1).max() / 2)
    require(error <= tolerance, "sweeps", f"leave marginals off by {error:.2g}", sweeps, "take more, or more `copies`")
    # To rounding, and with no weight on what is padding.
    share = jnp.where(data.weights > 0, data.weights / jnp.where(found > 0, found, 1), 0)
    return eqx.tree_at(lambda s: s.weights, full, full.weights * jnp.repeat(share, copies, axis=1))


@eqx.filter_jit
def _round(local: Any, data: Snapshots, law: Any, noise: Array, spread: Array, order: Any, sweeps: int) -> Any:
    """Copies drawn from the regressions, the weights of the bridge on them, and the regressions of those."""
    k, n, m, _ = noise.shape
    slopes, spreads = law
    inputs = jnp.concatenate([jnp.ones((k, n, 1), noise.dtype), data.xs], axis=-1)
    hidden = (inputs @ slopes)[:, :, None] + jnp.einsum("kab,knmb->knma", jnp.linalg.cholesky(spreads), noise)
    xs = jnp.concatenate([jnp.broadcast_to(data.xs[:, :, None], (k, n, m, data.dim)), hidden], axis=-1)
    xs = xs.reshape(k, n * m, -1)[..., jnp.array(order)]
    # A sum over copies divided by their density is the integral over the missing components.
    scale = jnp.log(jnp.diagonal(jnp.linalg.cholesky(spreads), axis1=1, axis2=2)).sum(1)
    base = 0.5 * (noise**2).sum(-1) + scale[:, None, None]
    base = base.at[0].add(-0.5 * (hidden[0] ** 2).sum(-1) / spread**2)
    parts = lambda s: (s.xs, s.mask, s.weights)
    blank = jnp.ones((k, n * m), bool), jnp.ones((k, n * m), xs.dtype)
    full = eqx.tree_at(parts, data, (xs, *blank))
    kernels = jax.lax.map(lambda i: log_kernels(local, full, i), jnp.arange(k - 1))
    weights = jnp.exp(_chain(kernels, base, jnp.log(data.weights), sweeps))
    weights = weights / weights.sum((1, 2), keepdims=True)
    full = eqx.tree_at(parts, data, (xs, jnp.repeat(data.mask, m, axis=1), weights.reshape(k, n * m)))
    return full, jax.vmap(_regression)(inputs, hidden, weights)


def _chain(kernels: Array, base: Array, shares: Array, sweeps: int) -> Float[Array, "k n m"]:
    """Logarithms of the weights of copies, by sweeps along the chain: forwards with new potentials, and back."""
    _, n, m = base.shape

    def through(kernel, values):
        return jax.nn.logsumexp(kernel + values.reshape(-1)[:, None], axis=0).reshape(n, m)

    def sweep(carry, _):
        back, _ = carry

        def ahead(message, inputs):
            kernel, base, share, back = inputs
            seen = message + base
            # The potential that gives each particle its share, whatever its copies weigh.
            potential = share - jax.nn.logsumexp(seen + back, axis=1)
            moved = seen + potential[:, None]
            return through(kernel, moved), (moved, potential)

        padded = jnp.concatenate([kernels, jnp.zeros_like(kernels[:1])])
        _, (moved, potentials) = jax.lax.scan(ahead, jnp.zeros((n, m), base.dtype), (padded, base, shares, back))

        def behind(message, inputs):
            kernel, base, potential = inputs
            message = through(kernel.T, message + base + potential[:, None])
            return message, message

        rest = kernels, base[1:], potentials[1:]
        _, messages = jax.lax.scan(behind, jnp.zeros((n, m), base.dtype), rest, reverse=True)
        return (jnp.concatenate([messages, jnp.zeros_like(base[:1])]), moved), None

    # Before the first sweep nothing is known of what is to come.
    start = jnp.zeros_like(base), jnp.zeros_like(base)
    (back, moved), _ = jax.lax.scan(sweep, start, None, length=sweeps)
    return moved + back


def _regression(inputs: Array, hidden: Array, weights: Array) -> tuple[Array, Array]:
    """Slopes and spread of the missing components on the observed ones, under weights of copies."""
    share, mean = weights.sum(1), jnp.einsum("nm,nmh->nh", weights, hidden)
    normal = (inputs * share[:, None]).T @ inputs
    small = 1e-6 * jnp.trace(normal) * jnp.eye(normal.shape[0], dtype=normal.dtype)
    slopes = jnp.linalg.solve(normal + small, inputs.T @ mean)
    gaps = hidden - (inputs @ slopes)[:, None]
    spread = jnp.einsum("nm,nma,nmb->ab", weights, gaps, gaps)
    # Wider than the weights say: what is drawn too narrowly is not seen to be too narrow.
    return slopes, 1.2 * spread + 1e-8 * jnp.trace(spread) * jnp.eye(spread.shape[0], dtype=spread.dtype)
