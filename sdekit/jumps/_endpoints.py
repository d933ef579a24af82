"""Chains pinned at both ends: expectations and paths."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from .._errors import check_traced, require
from .._types import Array, Key, RealScalar, is_concrete
from ..math import transition_matrix, uniformized_powers
from ..paths import JumpPath, Provenance
from ._analytics import Chain, generator_of


__all__ = ["bridge", "endpoint_holding", "endpoint_jumps"]


def _van_loan(Q: Float[Array, "n n"], t: RealScalar) -> tuple[Array, Array]:
    r"""$P(t)$, and its derivatives in all entries of the generator, $\int_0^t e^{Q s} e_i e_j^T e^{Q (t - s)} ds$."""
    return transition_matrix(Q, t), jax.jacfwd(lambda G: transition_matrix(G, t))(Q)


def endpoint_holding(chain: Chain, t: RealScalar) -> Float[Array, "n n n"]:
    r"""The expected time spent in each state given both ends, $E[T_i \mid X_0 = a, X_t = b]$.

    **Arguments:**

    - `chain`: a rate model with one generator, or a generator.
    - `t`: the interval.

    **Returns:** shape `(n, n, n)`, entry `[a, b, i]`; they sum to `t` over `i`. NaN where `b` cannot be reached.

    Source: Hobolth and Jensen (2005), Statistical Applications in Genetics and Molecular Biology 4(1); Van Loan
    (1978), IEEE Transactions on Automatic Control 23(3).

    !!! example

        ```python
        from sdekit.jumps import RateMatrix, endpoint_holding
        endpoint_holding(RateMatrix([[0.0, 1.0], [2.0, 0.0]]), 1.0)[0, 1]  # times in 0 and in 1, from 0 to 1
        ```
    """
    P, G = _van_loan(generator_of(chain), t)
    return jnp.diagonal(G, axis1=2, axis2=3) / P[:, :, None]


def endpoint_jumps(chain: Chain, t: RealScalar) -> Float[Array, "n n n n"]:
    r"""The expected numbers of jumps given both ends, $E[N_{ij} \mid X_0 = a, X_t = b]$.

    **Arguments:** as `endpoint_holding`.

    **Returns:** shape `(n, n, n, n)`, entry `[a, b, i, j]`, zero for `i = j`.

    Source: as `endpoint_holding`.

    !!! example

        ```python
        from sdekit.jumps import RateMatrix, endpoint_jumps
        endpoint_jumps(RateMatrix([[0.0, 1.0], [2.0, 0.0]]), 1.0)[0, 1]  # one more jump up than down
        ```
    """
    Q = generator_of(chain)
    P, G = _van_loan(Q, t)
    off = jnp.where(jnp.eye(Q.shape[0], dtype=bool), 0, Q)
    return off[None, None] * G / P[:, :, None, None]


def bridge(
    chain: Chain, t: RealScalar, start: Int[Array, ""] | int, end: Int[Array, ""] | int, *, key: Key, room: int = 128
) -> JumpPath:
    r"""A path from one state at 0 to another at `t`, exactly, by uniformization.

    The number of events is drawn from $\mathrm{Poisson}(m; \Lambda t) (R^m)_{ab} / P_{ab}(t)$, their times are uniform,
    and their states are drawn along the powers of `R`; events that change nothing are dropped. For many paths, `vmap`.

    **Arguments:**

    - `chain`: as in `endpoint_holding`.
    - `t`: the interval.
    - `start`, `end`: the states at its ends.
    - `key`: a JAX key.
    - `room`: the most events, those that change nothing included: several times $\Lambda t$.

    **Returns:** a `JumpPath` from 0 to `t`.

    **Raises:** `ValueError` for an unknown state or an end that cannot be reached; `RuntimeError` if `room` is too
    small to hold all but a part in a million of the law.

    Source: Hobolth and Stone (2009), Annals of Applied Statistics 3(3), section 2.3.

    !!! example

        ```python
        import jax
        from sdekit.jumps import RateMatrix, bridge
        bridge(RateMatrix([[0.0, 1.0], [2.0, 0.0]]), 2.0, 0, 1, key=jax.random.key(0))
        ```
    """
    Q = generator_of(chain)
    n = Q.shape[0]
    for name, s in (("start", start), ("end", end)):
        if is_concrete(s):
            require(0 <= int(s) < n, name, f"is not a known state, 0..{n - 1}", int(s), "count states from 0")
    t = jnp.asarray(t, Q.dtype)
    rate = jnp.maximum(-jnp.diagonal(Q).min(), jnp.finfo(Q.dtype).tiny)
    powers = uniformized_powers(Q, rate, room + 1)
    if is_concrete((Q, start, end)):
        reached = bool(np.asarray(powers[:, start, end] > 0).any())
        require(reached, "end", f"cannot be reached from state {start}", end, "look at the rates")
    m = jnp.arange(room + 1)
    logs = m * jnp.log(rate * t) - rate * t - jax.lax.lgamma(m + jnp.ones((), Q.dtype))
    law = jnp.exp(logs) * powers[:, start, end]
    missing = 1 - law.sum() / transition_matrix(Q, t)[start, end]
    problem = f"is too small: {room} events do not hold the law of this bridge"
    law = check_traced(law, missing > 1e-5, "room", problem, "pass a larger room")
    number, when, where = jax.random.split(key, 3)
    count = jax.random.categorical(number, jnp.log(law))
    times = jnp.sort(jnp.where(m[1:] <= count, jax.random.uniform(when, (room,), Q.dtype), 2)) * t
    R = powers[1]

    def step(s, inputs):
        i, k = inputs
        # Event i of `count`: from s, so that the end is reached in the events that are left.
        ways = R[s] * powers[jnp.maximum(count - i, 0), :, end]
        new = jnp.where(i <= count, jax.random.categorical(k, jnp.log(ways)), s).astype(jnp.int32)
        return new, new

    first = jnp.asarray(start, jnp.int32)
    _, states = jax.lax.scan(step, first, (m[1:], jax.random.split(where, room)))
    return compact(times, states, m[1:] <= count, first, t)


def compact(times: Array, states: Array, real: Array, first: Array, t1: Array, t0: RealScalar = 0.0) -> JumpPath:
    """The path of a list of events, without those that change nothing."""
    before = jnp.concatenate([first[None], states[:-1]])
    keep = real & (states != before)
    order = jnp.argsort(~keep, stable=True)
    keep = jnp.concatenate([jnp.ones(1, bool), keep[order]])
    start = jnp.asarray(t0, times.dtype)[None]
    times = jnp.concatenate([start, jnp.where(keep[1:], times[order], t1)])
    return JumpPath(times, jnp.concatenate([first[None], states[order]]), t1, keep, Provenance("exact"))
