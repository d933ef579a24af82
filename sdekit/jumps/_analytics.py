"""What a generator says in closed form: stationary law, passages, relaxation, entropy production."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._types import Array, Times, as_float
from ..math import transition_matrices
from ._abstract import AbstractHomogeneous
from ._start import balance


__all__ = [
    "entropy_production",
    "entropy_rate",
    "generator_of",
    "hitting_probabilities",
    "kemeny_constant",
    "mean_first_passage",
    "passage_law",
    "relaxation_times",
    "stationary",
]

Chain = AbstractHomogeneous | Array


def generator_of(chain: Chain) -> Float[Array, "n n"]:
    """The generator of a rate model, or the matrix itself."""
    if isinstance(chain, AbstractHomogeneous):
        return chain.generator()
    Q = as_float(chain)
    require(Q.ndim == 2 and Q.shape[0] == Q.shape[1], "chain", "must be a model or a generator (n, n)", Q, "see docs")
    return Q


def _states(states: int | Sequence[int], n: int, argument: str) -> np.ndarray:
    found = np.unique(np.atleast_1d(np.asarray(states, int)))
    for s in found:
        require(0 <= s < n, argument, f"is not a known state, 0..{n - 1}", int(s), "count states from 0")
    require(found.size > 0, argument, "must not be empty", states, "name a state")
    return found


def stationary(chain: Chain) -> Float[Array, " n"]:
    r"""The stationary law, $\pi Q = 0$.

    **Arguments:**

    - `chain`: a rate model with one generator, or a generator of shape `(n, n)`, with one closed class.

    **Returns:** shape `(n,)`.

    !!! example

        ```python
        from sdekit.jumps import RateMatrix, stationary
        stationary(RateMatrix([[0.0, 1.0], [2.0, 0.0]]))  # 2/3, 1/3
        ```
    """
    return balance(generator_of(chain))


def mean_first_passage(chain: Chain) -> Float[Array, "n n"]:
    r"""The mean times to reach each state from each, $\tau_{ij} = E_i[\inf\{t: X_t = j\}]$, zero on the diagonal.

    From $Q_{-j,-j}\,\tau_{\cdot j} = -1$; infinite or negative numbers come out where a state may never be reached.

    **Arguments:**

    - `chain`: as in `stationary`.

    **Returns:** shape `(n, n)`: row from, column to.

    Source: Norris (1997), Markov Chains, theorem 3.3.3.

    !!! example

        ```python
        from sdekit.jumps import RateMatrix, mean_first_passage
        mean_first_passage(RateMatrix([[0.0, 1.0], [2.0, 0.0]]))[0, 1]  # 1
        ```
    """
    Q = generator_of(chain)
    eye = jnp.eye(Q.shape[0], dtype=Q.dtype)

    def to(j):
        # Row j asks that the time from j to itself be 0; the others are -Q tau = 1.
        A = jnp.where((eye[j] > 0)[:, None], eye[j][None, :], -Q)
        return jnp.linalg.solve(A, 1 - eye[j])

    return jax.vmap(to)(jnp.arange(Q.shape[0])).T


def hitting_probabilities(chain: Chain, targets: int | Sequence[int], avoid: int | Sequence[int]) -> Float[Array, " n"]:
    """The probabilities, from each state, to reach one set of states before another.

    **Arguments:**

    - `chain`: as in `stationary`.
    - `targets`, `avoid`: states or lists of them, without one in common.

    **Returns:** shape `(n,)`: one on the targets, zero on what is avoided.

    **Raises:** `ValueError` for an unknown state or sets that meet.

    Source: Norris (1997), theorem 3.3.1.

    !!! example

        ```python
        from sdekit.jumps import BirthDeath, hitting_probabilities
        hitting_probabilities(BirthDeath([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]), 3, 0)  # 0, 1/3, 2/3, 1
        ```
    """
    Q = generator_of(chain)
    n = Q.shape[0]
    up, down = _states(targets, n, "targets"), _states(avoid, n, "avoid")
    require(not set(up) & set(down), "avoid", "must have no state in common with targets", down, "separate the sets")
    ends = np.zeros(n, bool)
    ends[up] = ends[down] = True
    A = jnp.where(jnp.asarray(ends)[:, None], jnp.eye(n, dtype=Q.dtype), Q)
    return jnp.linalg.solve(A, jnp.zeros(n, Q.dtype).at[up].set(1))


def passage_law(
    chain: Chain, targets: int | Sequence[int], ts: Times, start: ArrayLike
) -> tuple[Float[Array, " t"], Float[Array, " t"]]:
    r"""The phase-type law of the time to reach a set of states: survival function and density.

    $S(t) = p\,e^{S t} 1$ and $f(t) = p\,e^{S t}(-S 1)$, with `S` the generator on the other states.

    **Arguments:**

    - `chain`: as in `stationary`.
    - `targets`: a state or a list of them.
    - `ts`: times, not negative, shape `(t,)`.
    - `start`: the law of the state at time 0, shape `(n,)`, or the number of a state.

    **Returns:** survival and density at each time, shape `(t,)` each.

    **Raises:** `ValueError` for an unknown state.

    Source: Neuts (1981), Matrix-Geometric Solutions in Stochastic Models, chapter 2.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import RateMatrix, passage_law
        survival, density = passage_law(RateMatrix([[0.0, 2.0], [1.0, 0.0]]), 1, jnp.array([0.5]), 0)  # e^-1, 2 e^-1
        ```
    """
    Q = generator_of(chain)
    n = Q.shape[0]
    ends = _states(targets, n, "targets")
    rest = np.setdiff1d(np.arange(n), ends)
    require(rest.size > 0, "targets", "must leave a state", ends, "leave one out")
    p = jnp.asarray(start)
    p = jnp.eye(n, dtype=Q.dtype)[p] if p.ndim == 0 else p.astype(Q.dtype)
    S = Q[np.ix_(rest, rest)]
    left = jnp.einsum("i,tij->tj", p[rest], transition_matrices(S, jnp.asarray(ts, Q.dtype)))
    return left.sum(1), left @ Q[np.ix_(rest, ends)].sum(1)


def relaxation_times(chain: Chain) -> np.ndarray:
    r"""The relaxation times $1 / |\mathrm{Re}\,\lambda_k|$ of the eigenvalues but 0, longest first.

    Computed in NumPy, on the host: not for use under `jit`.

    **Arguments:**

    - `chain`: as in `stationary`.

    **Returns:** shape `(n - 1,)`.

    !!! example

        ```python
        from sdekit.jumps import RateMatrix, relaxation_times
        relaxation_times(RateMatrix([[0.0, 1.0], [2.0, 0.0]]))  # 1/3
        ```
    """
    values = np.linalg.eigvals(np.asarray(generator_of(chain), np.float64))
    values = values[np.argsort(np.abs(values))][1:]
    return np.sort(1 / np.abs(values.real))[::-1]


def kemeny_constant(chain: Chain) -> Float[Array, ""]:
    r"""Kemeny's constant, $\sum_j \pi_j \tau_{ij}$: the mean time, from any state, to a stationary one.

    **Arguments:**

    - `chain`: as in `stationary`.

    **Returns:** a scalar, also the sum of $1 / |\lambda_k|$ of a reversible chain.

    !!! example

        ```python
        from sdekit.jumps import RateMatrix, kemeny_constant
        kemeny_constant(RateMatrix([[0.0, 1.0], [2.0, 0.0]]))  # 1/3
        ```
    """
    Q = generator_of(chain)
    law = balance(Q)
    n = Q.shape[0]
    # The trace of the deviation matrix (1 pi - Q)^-1, less the one eigenvalue that is no relaxation.
    return jnp.trace(jnp.linalg.inv(jnp.broadcast_to(law[None], (n, n)) - Q)) - 1


def entropy_rate(chain: Chain, law: Float[Array, " n"] | None = None) -> Float[Array, ""]:
    r"""The rate of entropy production, $\sum_{i<j} (p_i q_{ij} - p_j q_{ji}) \log \frac{p_i q_{ij}}{p_j q_{ji}}$.

    **Arguments:**

    - `chain`: as in `stationary`.
    - `law`: the law of the state, shape `(n,)`; the stationary law, if not given.

    **Returns:** a scalar, not negative, zero in detailed balance, infinite if a transition has no way back.

    Source: Schnakenberg (1976), Reviews of Modern Physics 48(4), equation 7.6.

    !!! example

        ```python
        from sdekit.jumps import RateMatrix, entropy_rate
        entropy_rate(RateMatrix([[0.0, 1.0], [2.0, 0.0]]))  # 0: two states are always in balance
        ```
    """
    Q = generator_of(chain)
    p = balance(Q) if law is None else law
    flow = jnp.where(jnp.eye(Q.shape[0], dtype=bool), 0, p[:, None] * Q)
    both = (flow > 0) & (flow.T > 0)
    one = (flow > 0) != (flow.T > 0)
    ratio = jnp.log(jnp.where(both, flow, 1)) - jnp.log(jnp.where(both, flow.T, 1))
    value = 0.5 * ((flow - flow.T) * ratio).sum()
    return jnp.where(one.any(), jnp.inf, value)


def entropy_production(
    chain: Chain, horizon: ArrayLike, start: Float[Array, " n"] | None = None, nodes: int = 64
) -> Float[Array, ""]:
    """The entropy produced from time 0 to a horizon: the integral of `entropy_rate` along the master equation.

    **Arguments:**

    - `chain`: as in `stationary`.
    - `horizon`: the time to integrate to.
    - `start`: the law at time 0, positive, shape `(n,)`; the stationary law, if not given.
    - `nodes`: of the Gauss-Legendre rule.

    **Returns:** a scalar.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import RateMatrix, entropy_production
        entropy_production(RateMatrix([[0.0, 1.0], [2.0, 0.0]]), 2.5, jnp.array([0.5, 0.5]))
        ```
    """
    Q = generator_of(chain)
    p = balance(Q) if start is None else jnp.asarray(start, Q.dtype)
    x, w = np.polynomial.legendre.leggauss(nodes)
    horizon = jnp.asarray(horizon, Q.dtype)
    times = horizon * jnp.asarray((x + 1) / 2, Q.dtype)
    laws = jnp.einsum("i,tij->tj", p, transition_matrices(Q, times))
    values = jax.vmap(lambda law: entropy_rate(Q, law))(laws)
    return horizon / 2 * (jnp.asarray(w, Q.dtype) * values).sum()
