"""Bayesian rates: conjugate given paths, and paths given rates by the sampler of Rao and Teh."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import check_traced, require
from .._types import Array, Key
from ..data import AbstractRecord
from ..math import chain_draw
from ..paths import JumpPath, Provenance
from ._endpoints import compact
from ._hidden import Evidence, Hidden
from ._pattern import fill
from ._rates import RateMatrix


__all__ = ["GammaPrior", "RatePosterior", "gibbs", "path_statistics", "rate_posterior"]


class GammaPrior(eqx.Module):
    r"""Independent priors of the rates, $q \sim \mathrm{Gamma}(\alpha, \beta)$ with mean $\alpha / \beta$.

    !!! example

        ```python
        from sdekit.jumps import GammaPrior
        GammaPrior(shape=1.0, rate=0.5)
        ```
    """

    shape: float | Float[Array, " m"]
    rate: float | Float[Array, " m"]

    def __check_init__(self):
        for name in ("shape", "rate"):
            value = np.asarray(getattr(self, name))
            require(bool((value > 0).all()), f"GammaPrior.{name}", "must be positive", value, "pass numbers above 0")


@dataclasses.dataclass(frozen=True)
class RatePosterior:
    """Draws of the rates given data. What `gibbs` returns.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.data import Panel
        from sdekit.jumps import Conditional, GammaPrior, RateMatrix, gibbs

        panel = Panel(jnp.arange(6.0), jnp.array([0, 0, 1, 1, 0, 0]))
        model = RateMatrix([[0.0, 1.0], [1.0, 0.0]], Conditional())
        gibbs(model, panel, GammaPrior(1.0, 1.0), key=jax.random.key(0), draws=20, burn=5).generators.mean(0)
        ```
    """

    values: Float[Array, "draws m"]
    """The rates, one column a group of tied transitions."""
    generators: Float[Array, "draws n n"]
    jumps: Float[Array, "draws n n"]
    """Numbers of jumps of the paths that each draw was made from."""
    times: Float[Array, "draws n"]
    """Times spent in each state by those paths."""


def path_statistics(path: JumpPath, num_states: int) -> tuple[Float[Array, "n n"], Float[Array, " n"]]:
    """The numbers of jumps between each two states of one path or more, and the times spent in each.

    **Arguments:**

    - `path`: a path, or a stack whose statistics are added up.
    - `num_states`: the number of states.

    **Returns:** jumps, shape `(n, n)`, and times, shape `(n,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import path_statistics
        from sdekit.paths import JumpPath
        path_statistics(JumpPath(jnp.array([0.0, 0.7]), jnp.array([0, 1]), t1=3.0), 2)  # one jump; 0.7 and 2.3
        ```
    """
    held = path.durations().reshape(-1)
    times = jnp.zeros(num_states, held.dtype).at[path.states.reshape(-1)].add(held)
    before, after = path.states[..., :-1].reshape(-1), path.states[..., 1:].reshape(-1)
    real = path.mask[..., 1:].reshape(-1).astype(held.dtype)
    return jnp.zeros((num_states, num_states), held.dtype).at[before, after].add(real), times


def rate_posterior(
    model: RateMatrix, prior: GammaPrior, jumps: Float[Array, "n n"], times: Float[Array, " n"]
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    r"""The posterior of the rates given whole paths, $\mathrm{Gamma}(\alpha + N, \beta + T)$.

    **Arguments:**

    - `model`: says which transitions there are, and which share a rate.
    - `prior`: the prior of each rate.
    - `jumps`, `times`: what `path_statistics` gives.

    **Returns:** shapes and rates of the gamma laws, one a group of tied transitions.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import GammaPrior, RateMatrix, rate_posterior

        model = RateMatrix([[0.0, 1.0], [1.0, 0.0]])
        shape, rate = rate_posterior(model, GammaPrior(1.0, 1.0), jnp.array([[0.0, 3.0], [2.0, 0.0]]), jnp.ones(2))
        ```
    """
    rows, columns = np.asarray(model.edges).T
    add = lambda x: jnp.zeros_like(model.values).at[np.asarray(model.groups)].add(x)
    return prior.shape + add(jumps[rows, columns]), prior.rate + add(times[rows])


def gibbs(
    model: RateMatrix | Hidden, data: AbstractRecord, prior: GammaPrior, *, key: Key, draws: int = 1000,
    burn: int = 200, room: int = 256,
) -> RatePosterior:  # fmt: skip
    r"""Draw rates from their posterior given panels or series, alternating between paths and rates.

    Given rates, each path is drawn anew at its jumps and at virtual events, a Poisson process of rate
    $\Lambda - |q_{ss}|$ along the old path, by one filter forward and one draw backward: no time is discretised. Given
    paths, the rates are gamma. The observation law of a hidden model stays as it is.

    **Arguments:**

    - `model`: a `RateMatrix`, or `Hidden` around one; its rates are where the chain starts.
    - `data`: a panel of snapshots or sets of states, or a series; an item or a stack.
    - `prior`: the prior of the rates.
    - `key`: a JAX key.
    - `draws`, `burn`: draws kept, and draws thrown away before.
    - `room`: the most events of a path, virtual ones included.

    **Returns:** a `RatePosterior`.

    **Raises:** `TypeError` for another model, `ValueError` for exact times, `RuntimeError` if `room` is too small.

    Source: Rao and Teh (2013), Journal of Machine Learning Research 14, algorithm 2.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.data import Panel
        from sdekit.jumps import Conditional, GammaPrior, RateMatrix, gibbs

        panel = Panel(jnp.arange(6.0), jnp.array([0, 0, 1, 1, 0, 0]))
        model = RateMatrix([[0.0, 1.0], [1.0, 0.0]], Conditional())
        gibbs(model, panel, GammaPrior(1.0, 1.0), key=jax.random.key(0), draws=20, burn=5).values.mean(0)
        ```
    """
    process = model.process if isinstance(model, Hidden) else model
    if not isinstance(process, RateMatrix):
        raise TypeError(f"`model` must be a RateMatrix or Hidden around one, got {type(process).__name__}.")
    data = data.stack()
    evidence = jax.vmap(lambda item: Evidence.of(model, item))(data)
    snapshots = not np.asarray(evidence.kinds).any() and not evidence.exact
    require(snapshots, "data", "must hold snapshots alone", data, "use em or fit for exact times")
    values, generators, jumps, times = _sweeps(process, evidence, prior, key, draws, burn, room)
    return RatePosterior(values, generators, jumps, times)


@eqx.filter_jit
def _sweeps(process, evidence, prior, key, draws, burn, room):
    n = process.num_states
    count = evidence.ts.shape[0]
    ends = jnp.where(evidence.inside, evidence.ts[:, 1:], evidence.ts[:, :1]).max(1)

    def one_path(k, Q, path, item, end):
        weights = process.initial.weights(Q)
        return renewed(k, Q, weights, path, item, end, room)

    def sweep(carry, k):
        values, paths = carry
        path_key, rate_key = jax.random.split(k)
        Q = fill(values[np.asarray(process.groups)], process.edges, n)
        paths = jax.vmap(one_path, (0, None, 0, 0, 0))(jax.random.split(path_key, count), Q, paths, evidence, ends)
        jumps, times = path_statistics(paths, n)
        shape, rate = rate_posterior(process, prior, jumps, times)
        values = jax.random.gamma(rate_key, shape, dtype=values.dtype) / rate
        return (values, paths), (values, fill(values[np.asarray(process.groups)], process.edges, n), jumps, times)

    begin = jax.vmap(lambda item, end: _first_path(item, end, n, room))(evidence, ends)
    keys = jax.random.split(key, burn + draws + 1)
    _, kept = jax.lax.scan(sweep, (process.values, begin), keys[1:])
    return jax.tree.map(lambda x: x[burn:], kept)


def _first_path(item: Evidence, end: Array, n: int, room: int) -> JumpPath:
    """A path that jumps all the time, evenly: dense enough to hold a path through what was seen."""
    times = item.ts[0] + (end - item.ts[0]) * jnp.arange(room // 4) / (room // 4)
    pad = jnp.full(room + 1 - room // 4, end)
    mask = jnp.arange(room + 1) < room // 4
    return JumpPath(jnp.concatenate([times, pad]), jnp.arange(room + 1) % n, end, mask, Provenance("exact"))


def renewed(key: Key, Q: Array, weights: Array, path: JumpPath, item: Evidence, end: Array, room: int) -> JumpPath:
    """A new path given the data, on the jumps of the old one and virtual events along it."""
    number, when, thin, draw = jax.random.split(key, 4)
    n, t0 = Q.shape[0], item.ts[0]
    rate = 1.5 * jnp.max(-jnp.diagonal(Q))
    # Candidates at the full rate, kept with the share that the old state leaves to virtual events.
    span = end - t0
    count = jax.random.poisson(number, rate * span)
    places = jnp.arange(room)
    times = jnp.where(places < count, t0 + span * jax.random.uniform(when, (room,), Q.dtype), jnp.inf)
    old = path(jnp.minimum(times, end))
    keep = jax.random.uniform(thin, (room,), Q.dtype) * rate < rate + jnp.diagonal(Q)[old]
    virtual = jnp.where(keep, times, jnp.inf)
    jumps = jnp.where(path.mask[1:], path.ts[1:], jnp.inf)
    events = jnp.sort(jnp.concatenate([virtual, jumps]))
    total = jnp.isfinite(events).sum()
    problem = f"has no place for the events of a path beyond {room}"
    full = (total > room) | (count > room)
    events = check_traced(events, full, "room", problem, "pass a larger room")[:room]
    real = jnp.isfinite(events)
    # What was seen between two events speaks for the state held between them.
    held = jnp.searchsorted(events, item.ts, side="right")
    inside = jnp.concatenate([jnp.ones(1, bool), item.inside])
    seen = jnp.zeros((room + 1, n), Q.dtype).at[held].add(jnp.where(inside[:, None], item.seen, 0))
    R = jnp.eye(n, dtype=Q.dtype) + Q / rate
    steps = jnp.where(real[:, None, None], R[None], jnp.eye(n, dtype=Q.dtype)[None])
    states = chain_draw(weights, steps, seen, key=draw).astype(path.states.dtype)
    return compact(jnp.minimum(events, end), states[1:], real, states[0], end, t0)
