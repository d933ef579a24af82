"""Gradients of expectations through exact paths, by the likelihood ratio."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key, Times
from ..data import Events
from ..paths import JumpPath, Provenance
from ._network import ReactionNetwork
from ._simulate import check_ensemble
from ._ssa_record import record_path


__all__ = ["score_expectation"]


def score_expectation(
    network: ReactionNetwork, f: Callable[[JumpPath], Any], ts: Times, *, key: Key, n: int
) -> Float[Array, ""]:
    r"""An estimate of $E f(X)$ over exact paths, whose derivative is an unbiased estimate of its derivative.

    Paths jump and cannot be differentiated; the weight of a path can (Girsanov for jump processes):

    $$\partial E f = E\Bigl[f(X) \sum_j \Bigl(\int \partial \log a_j\,dN_j - \int \partial a_j\,dt\Bigr)\Bigr].$$

    From `f` is taken the mean over the other paths, which leaves the mean of the estimate as it is. The variance grows
    with the number of events. First derivatives alone.

    **Arguments:**

    - `network`: a `ReactionNetwork`, with `room` for the jumps of a path.
    - `f`: a function of one `JumpPath` to a number; `path(t)` gives the counts at a time.
    - `ts`: increasing times; the window is from the first to the last.
    - `key`: a JAX key.
    - `n`: how many paths, at least 2.

    **Returns:** the mean of `f` over the paths.

    **Raises:** `ValueError` for `n < 2`; `RuntimeError` for a path with more jumps than there is room for.

    Source: Glynn (1990), Likelihood ratio gradient estimation for stochastic systems; Plyasunov and Arkin (2007),
    Efficient stochastic sensitivity analysis of discrete event systems, equation 9.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import ReactionNetwork, score_expectation
        network = ReactionNetwork({"in": "0 -> X", "out": "X -> 0"}, {"in": 10.0, "out": 1.0}, {"X": 0}, room=64)
        ts = jnp.array([0.0, 1.0])
        mean = lambda model: score_expectation(model, lambda path: path(1.0)[0], ts, key=jax.random.key(0), n=1000)
        eqx.filter_jit(eqx.filter_grad(mean))(network).rates  # near 0.632, -2.64
        ```
    """
    require(n >= 2, "n", "must be at least 2", n, "the mean of the other paths is taken off")
    ts = check_ensemble(ts, n)
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n))
    still = jax.tree.map(jax.lax.stop_gradient, network)

    def one(k):
        found = record_path(still, ts, k)
        path = JumpPath(found.ts, found.states, ts[-1], found.mask, Provenance("SSA"))
        mask = found.mask[1:]
        marks = jnp.where(mask, found.marks[1:], 0)
        number = len(network.reactions)
        events = Events(found.ts[1:], marks, mask, t0=ts[0], t1=ts[-1], num_marks=number, ties=True)
        return jnp.asarray(f(path)).astype(found.ts.dtype), network.log_prob(events)

    values, log_weights = jax.vmap(one)(keys)
    values = jax.lax.stop_gradient(values)
    others = (values.sum() - values) / (n - 1)
    score = (values - others) * (log_weights - jax.lax.stop_gradient(log_weights))
    return jnp.mean(values + score)
