"""Scans along a hidden chain of finitely many states: filter, smoother, most likely path, draw."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._errors import require
from .._types import Key


__all__ = ["chain_draw", "chain_log_prob", "chain_smooth", "chain_viterbi"]

First = Float[Array, " n"]
Steps = Float[Array, "t-1 n n"]
Seen = Float[Array, "t n"]


def _check(first: Array, steps: Array, seen: Array) -> None:
    require(seen.ndim == 2, "seen", "must have shape (t, n)", seen, "pass one row a time")
    t, n = seen.shape
    require(first.shape == (n,), "first", f"must have shape ({n},)", first, "pass one weight a state")
    fits = steps.shape == (t - 1, n, n)
    require(fits, "steps", f"must have shape ({t - 1}, {n}, {n})", steps, "pass one matrix a step")


def _shifted(seen: Seen) -> tuple[Seen, Float[Array, " t"]]:
    """Likelihoods of each time scaled to a largest of one, and the logs of the scales."""
    top = jax.lax.stop_gradient(seen.max(1))
    top = jnp.where(jnp.isfinite(top), top, 0)
    return jnp.exp(seen - top[:, None]), top


def _normal(a: Array) -> tuple[Array, Array]:
    total = a.sum()
    ok = total > 0
    safe = jnp.where(ok, total, 1)
    return jnp.where(ok, a / safe, 0), jnp.where(ok, jnp.log(safe), -jnp.inf)


def _filter(first, steps, e):
    a0, l0 = _normal(first * e[0])

    def step(a, inputs):
        P, w = inputs
        a, scale = _normal((a @ P) * w)
        return a, (a, scale)

    _, (rest, scales) = jax.lax.scan(step, a0, (steps, e[1:]))
    return jnp.concatenate([a0[None], rest]), jnp.concatenate([l0[None], scales])


def chain_log_prob(first: First, steps: Steps, seen: Seen) -> Float[Array, ""]:
    r"""The log-likelihood of a hidden chain, $\log \sum_x w_{x_0} e_0(x_0) \prod_k P_k(x_{k-1}, x_k) e_k(x_k)$.

    The derivative of the value in an entry of a matrix or in a weight is an expectation given the data: in
    $\log e_k(i)$ it is $P(x_k = i \mid y)$.

    **Arguments:**

    - `first`: weights of the states at the first time, shape `(n,)`; they need not sum to one.
    - `steps`: the matrices from each time to the next, shape `(t - 1, n, n)`.
    - `seen`: the log-likelihood of what was seen at each time in each state, shape `(t, n)`; minus infinity where it
        is impossible.

    **Returns:** a scalar; minus infinity if the data are impossible.

    **Raises:** `ValueError` for shapes that do not fit.

    Source: Rabiner (1989), A tutorial on hidden Markov models, Proceedings of the IEEE 77(2), section V.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import chain_log_prob
        P = jnp.array([[[0.9, 0.1], [0.2, 0.8]]])
        chain_log_prob(jnp.array([0.5, 0.5]), P, jnp.zeros((2, 2)))  # 0: nothing was seen
        ```
    """
    _check(first, steps, seen)
    e, shift = _shifted(seen)
    return _filter(first, steps, e)[1].sum() + shift.sum()


def chain_smooth(first: First, steps: Steps, seen: Seen) -> tuple[Seen, Float[Array, "t-1 n n"], Float[Array, ""]]:
    """The laws of the states of a hidden chain given all that was seen: forward and backward.

    **Arguments:** as `chain_log_prob`.

    **Returns:** the laws at each time, shape `(t, n)`; those of each pair of neighbours, shape `(t - 1, n, n)`; and the
    log-likelihood.

    **Raises:** `ValueError` for shapes that do not fit.

    Source: Rabiner (1989), equations 27 and 37.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import chain_smooth
        P = jnp.array([[[0.9, 0.1], [0.2, 0.8]]])
        chain_smooth(jnp.array([0.5, 0.5]), P, jnp.zeros((2, 2)))[0]
        ```
    """
    _check(first, steps, seen)
    e, shift = _shifted(seen)
    alphas, scales = _filter(first, steps, e)

    def back(b, inputs):
        P, w = inputs
        new, _ = _normal(P @ (w * b))
        return new, new

    ones = jnp.ones_like(first)
    _, betas = jax.lax.scan(back, ones, (steps, e[1:]), reverse=True)
    betas = jnp.concatenate([betas, ones[None]])
    laws = alphas * betas
    laws = laws / laws.sum(1, keepdims=True)
    pairs = alphas[:-1, :, None] * steps * (e[1:] * betas[1:])[:, None, :]
    return laws, pairs / pairs.sum((1, 2), keepdims=True), scales.sum() + shift.sum()


def chain_viterbi(first: First, steps: Steps, seen: Seen) -> tuple[Int[Array, " t"], Float[Array, ""]]:
    """The most likely path of a hidden chain.

    **Arguments:** as `chain_log_prob`.

    **Returns:** the states, shape `(t,)`, and the log of their joint density with the data.

    **Raises:** `ValueError` for shapes that do not fit.

    Source: Viterbi (1967), Error bounds for convolutional codes, IEEE Transactions on Information Theory 13(2).

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import chain_viterbi
        P = jnp.array([[[0.9, 0.1], [0.2, 0.8]]])
        chain_viterbi(jnp.array([0.5, 0.5]), P, jnp.zeros((2, 2)))[0]  # [0, 0]
        ```
    """
    _check(first, steps, seen)

    def step(best, inputs):
        P, w = inputs
        scores = best[:, None] + jnp.log(P)
        return scores.max(0) + w, scores.argmax(0)

    best, came = jax.lax.scan(step, jnp.log(first) + seen[0], (steps, seen[1:]))
    last = best.argmax()
    _, before = jax.lax.scan(lambda s, c: (c[s], c[s]), last, came, reverse=True)
    return jnp.concatenate([before, last[None]]), best.max()


def chain_draw(first: First, steps: Steps, seen: Seen, *, key: Key) -> Int[Array, " t"]:
    """A path of a hidden chain drawn from its law given all that was seen: filter forward, draw backward.

    **Arguments:** as `chain_log_prob`, and a JAX key.

    **Returns:** the states, shape `(t,)`.

    **Raises:** `ValueError` for shapes that do not fit.

    Source: Carter and Kohn (1994), On Gibbs sampling for state space models, Biometrika 81(3).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.math import chain_draw
        P = jnp.array([[[0.9, 0.1], [0.2, 0.8]]])
        chain_draw(jnp.array([0.5, 0.5]), P, jnp.zeros((2, 2)), key=jax.random.key(0))
        ```
    """
    _check(first, steps, seen)
    e, _ = _shifted(seen)
    alphas, _ = _filter(first, steps, e)
    # All the noise at once: keys that are split along the scan would take most of its time.
    noise = jax.random.gumbel(key, seen.shape, seen.dtype)
    last = (jnp.log(alphas[-1]) + noise[-1]).argmax()

    def back(state, inputs):
        a, P, g = inputs
        state = (jnp.log(a * P[:, state]) + g).argmax()
        return state, state

    _, before = jax.lax.scan(back, last, (alphas[:-1], steps, noise[:-1]), reverse=True)
    return jnp.concatenate([before, last[None]])
