"""Renewal processes: independent gaps of one law."""

import jax
import jax.numpy as jnp

from .._parameters import law_field
from .._types import Law
from ..data import Events
from ._autoregressive import AbstractRecurrent
from ._ergodic import AbstractErgodic
from ._gaps import density_peak, log_survival
from ._next import AbstractDirect


__all__ = ["Renewal"]

_HALVINGS = 64


class GapHazard(AbstractDirect):
    """The hazard of a law of gaps."""

    law: Law

    def log_intensity(self, gap):
        return (self.law.log_prob(gap) - log_survival(self.law, gap))[None]

    def compensator(self, gap):
        return -log_survival(self.law, jnp.asarray(gap))[None]

    def log_survival(self, gap):
        return log_survival(self.law, jnp.asarray(gap))

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def bound(self, a, b):
        peak = density_peak(self.law)
        if peak is None:
            return jnp.exp(jnp.maximum(self.log_intensity(a), self.log_intensity(b)))[0]
        # The density is below its largest value and the survival above that at the end.
        return jnp.exp(self.law.log_prob(jnp.clip(peak, a, b)) - log_survival(self.law, jnp.asarray(b)))

    def sample(self, after, *, key):
        k1, k2 = jax.random.split(key)
        fresh = self.law.sample(k1)
        dtype = jnp.result_type(fresh)
        after = jnp.asarray(after, dtype)
        target = self.log_survival(after) - jax.random.exponential(k2, dtype=dtype)

        def wait():
            # After some silence: by bisection, on a scale that is doubled until it is long enough.
            high = jax.lax.while_loop(
                lambda h: self.log_survival(after + h) > target, lambda h: 2 * h, jnp.ones((), dtype)
            )

            def halve(_, ends):
                low, high = ends
                middle = (low + high) / 2
                early = self.log_survival(after + middle) > target
                return jnp.where(early, middle, low), jnp.where(early, high, middle)

            low, high = jax.lax.fori_loop(0, _HALVINGS, halve, (jnp.zeros((), dtype), high))
            return after + (low + high) / 2

        return jax.lax.cond(after > 0, wait, lambda: fresh), jnp.zeros((), int)


class Renewal(AbstractErgodic, AbstractRecurrent):
    r"""Gaps that are independent and of one law; the window starts as if an event had just come.

    **Arguments:**

    - `gap`: the law of a gap, from `numpyro.distributions` (exponential, gamma, Weibull, log-normal), or
      `InverseGaussian`. `fit` moves its parameters.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.points import Renewal
        Renewal(dist.LogNormal(0.0, 0.5)).sample(jnp.array([0.0, 20.0]), key=jax.random.key(0))
        ```

    Source: Cox (1962), Renewal Theory.
    """

    gap: Law = law_field(trainable=True)

    dim = 1
    mark_law = None

    def start(self, t0, room):
        return ()

    def advance(self, state, gap, mark):
        return ()

    def contexts(self, record: Events):
        self.marks_of(record)
        return ()

    def next_event(self, context):
        return GapHazard(self.gap)

    def long_run_rate(self):
        return 1 / jnp.atleast_1d(self.gap.mean)

    def long_run_covariance(self):
        # The central limit theorem of renewal counts: Cox (1962), section 3.3.
        return jnp.reshape(self.gap.variance / self.gap.mean**3, (1, 1))
