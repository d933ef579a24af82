"""Poisson processes whose rate is that of a hidden Markov chain."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from .._parameters import constraints, parameter
from .._types import as_float, is_concrete
from ..data import Events
from ..math import gauss_legendre, transition_matrix
from ._autoregressive import AbstractRecurrent
from ._ergodic import AbstractErgodic
from ._next import AbstractNextEvent


__all__ = ["MarkovModulatedPoisson"]

_NODES = 24


class FilteredHazard(AbstractNextEvent):
    r"""$\lambda_k(g) = w e^{Gg} \lambda_k / w e^{Gg} 1$, with the filtered law $w$ of the chain.

    $G = Q - \mathrm{diag}(\sum_k \lambda_k)$. Exponentials are taken of $G + mI$ with the least total rate `m`: what is
    left decays as the chain switches.
    """

    weights: Float[Array, " s"]
    killed: Float[Array, "s s"]
    least: Float[Array, ""]
    rates: Float[Array, "s k"]

    def _law(self, gap):
        return self.weights @ transition_matrix(self.killed, jnp.asarray(gap, self.killed.dtype))

    def log_intensity(self, gap):
        law = self._law(gap)
        return jnp.log(law @ self.rates) - jnp.log(law.sum())

    def compensator(self, gap):
        total = -self.log_survival(gap)
        if self.rates.shape[1] == 1:
            return total[None]
        # The sum is known; quadrature shares it out.
        x, w = (jnp.asarray(v, total.dtype) for v in gauss_legendre(_NODES))
        parts = w @ jax.vmap(lambda s: jnp.exp(self.log_intensity(s)))(gap * (1 + x) / 2)
        return total * parts / parts.sum()

    def log_survival(self, gap):
        return jnp.log(self._law(gap).sum()) - self.least * gap

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def bound(self, a, b):
        return self.rates.sum(axis=1).max()


class MarkovModulatedPoisson(AbstractErgodic, AbstractRecurrent):
    r"""Events of kind `k` at the rate $\lambda_k(Z_t)$ of a hidden Markov jump process $Z$, which starts stationary.

    The likelihood is exact: $\pi \prod_i e^{G g_i} \Lambda_{k_i} \, e^{G g_{n+1}} 1$ with
    $G = Q - \mathrm{diag}(\sum_k \lambda_k)$. So is the intensity, which is that of the filter. Where there are several
    kinds, the share of each in the compensator is by a Gauss-Legendre rule; their sum is exact.

    **Arguments:**

    - `rates`: $\lambda$, shape `(s,)` for one kind or `(s, k)`.
    - `switching`: the rates of the chain, shape `(s, s)`; its diagonal does not count. Every state must be reached from
      every other.

    **Raises:** `ValueError` for shapes that do not fit, fewer than two states, or rates that are not positive.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import MarkovModulatedPoisson
        bursts = MarkovModulatedPoisson([0.5, 8.0], [[0.0, 0.2], [1.0, 0.0]])
        events = bursts.sample(jnp.array([0.0, 30.0]), key=jax.random.key(0)).to_record()
        bursts.log_prob(events)
        ```

    Source: Fischer and Meier-Hellstern (1993), The Markov-modulated Poisson process (MMPP) cookbook, Performance
    Evaluation 18, sections 2 and 3.
    """

    rates: Float[Array, "s k"] = parameter(constraints.positive)
    switching: Float[Array, " s*(s-1)"] = parameter(constraints.positive)
    """The rates of the chain off the diagonal, row by row."""

    def __init__(self, rates: ArrayLike, switching: ArrayLike):
        rates, chain = as_float(rates), as_float(switching)
        self.rates = rates[:, None] if rates.ndim == 1 else rates
        s = self.rates.shape[0]
        require(
            self.rates.ndim == 2 and s > 1, "rates", "must have shape (s,) or (s, k), s > 1", rates, "a row a state"
        )
        require(chain.shape == (s, s), "switching", f"must have shape ({s}, {s})", chain, "a row a state of the chain")
        self.switching = chain[~np.eye(s, dtype=bool)]
        if is_concrete(self.switching):
            ok = bool((np.asarray(self.switching) > 0).all())
            require(ok, "switching", "must be positive off the diagonal", chain, "pass e.g. 1e-3 for a rare transition")

    @property
    def mark_law(self) -> None:
        return None

    @property
    def dim(self) -> int:
        return self.rates.shape[1]

    def generator(self) -> Float[Array, "s s"]:
        """The generator of the hidden chain: rows that sum to zero."""
        s = self.rates.shape[0]
        off = jnp.zeros((s, s), self.switching.dtype).at[~np.eye(s, dtype=bool)].set(self.switching)
        return off - jnp.diag(off.sum(axis=1))

    def stationary_probabilities(self) -> Float[Array, " s"]:
        """The stationary law of the hidden chain."""
        Q = self.generator()
        return jnp.linalg.solve((Q + 1).T, jnp.ones(Q.shape[0], Q.dtype))

    def _killed(self) -> tuple[Float[Array, "s s"], Float[Array, ""]]:
        total = self.rates.sum(axis=1)
        least = total.min()
        return self.generator() - jnp.diag(total - least), least

    def start(self, t0, room):
        return self.stationary_probabilities()

    def advance(self, state, gap, mark):
        return self._seen(state, transition_matrix(self._killed()[0], gap), mark)

    def _seen(self, state, moved, mark):
        law = (state @ moved) * self.rates[:, mark]
        return law / law.sum()

    def contexts(self, record: Events):
        moved = jax.vmap(lambda gap: transition_matrix(self._killed()[0], gap))(record.gaps())
        first = self.stationary_probabilities()

        def step(state, inputs):
            new = self._seen(state, *inputs)
            return new, new

        _, rest = jax.lax.scan(step, first, (moved, self.marks_of(record)))
        return jnp.concatenate([first[None], rest])

    def next_event(self, context):
        return FilteredHazard(context, *self._killed(), self.rates)

    def long_run_rate(self):
        return self.stationary_probabilities() @ self.rates

    def long_run_covariance(self):
        # The deviation matrix of the chain is the integral of P(t) - 1 pi: Fischer and Meier-Hellstern, section 4.
        law, Q = self.stationary_probabilities(), self.generator()
        limit = jnp.broadcast_to(law[None], Q.shape)
        deviation = jnp.linalg.inv(limit - Q) - limit
        cross = (law[:, None] * self.rates).T @ deviation @ self.rates
        return jnp.diag(law @ self.rates) + cross + cross.T
