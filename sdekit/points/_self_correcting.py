"""The self-correcting process: each event lowers an intensity that grows by itself."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._parameters import constraints, parameter
from ..data import Events
from ..math import cumulative_sum
from ._autoregressive import AbstractRecurrent
from ._next import AbstractDirect


__all__ = ["SelfCorrecting"]


class GrowingHazard(AbstractDirect):
    """The hazard `exp(level + rate * gap)`."""

    level: Float[Array, ""]
    rate: Float[Array, ""]

    def log_intensity(self, gap):
        return (self.level + self.rate * gap)[None]

    def compensator(self, gap):
        return (jnp.exp(self.level) * jnp.expm1(self.rate * gap) / self.rate)[None]

    def log_survival(self, gap):
        return -self.compensator(gap)[0]

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def bound(self, a, b):
        return jnp.exp(self.level + self.rate * b)

    def sample(self, after, *, key):
        unit = jax.random.exponential(key, dtype=self.level.dtype)
        # log(exp(now) + rate * unit) - now, so that neither exponential overflows.
        grown = jnp.logaddexp(0.0, jnp.log(self.rate * unit) - self.level - self.rate * after)
        return after + grown / self.rate, jnp.zeros((), int)


class SelfCorrecting(AbstractRecurrent):
    r"""The process of Isham and Westcott: $\lambda(t) = e^{\nu + \mu (t - t_0) - \alpha N(t-)}$.

    Counts keep to $\mu t / \alpha$ with a bounded variance. The window starts at level $\nu$.

    **Arguments:**

    - `rate`: $\mu$, how fast the logarithm of the intensity grows.
    - `correction`: $\alpha$, how far an event lowers it.
    - `level`: $\nu$, where it starts.

    **Raises:** `ValueError` for a rate or correction that is not positive.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import SelfCorrecting
        SelfCorrecting(1.0, 1.0).sample(jnp.array([0.0, 20.0]), key=jax.random.key(0))
        ```

    Source: Isham and Westcott (1979), A self-correcting point process, Stochastic Processes and their Applications 8.
    """

    rate: Float[Array, ""] = parameter(constraints.positive)
    correction: Float[Array, ""] = parameter(constraints.positive)
    level: Float[Array, ""] = parameter(constraints.real, default=0.0)

    dim = 1
    mark_law = None

    def start(self, t0, room):
        return self.level

    def advance(self, state, gap, mark):
        return state + self.rate * gap - self.correction

    def contexts(self, record: Events):
        self.marks_of(record)
        # Each step is near 0 on average: sums of steps keep their digits where rate * t would not.
        steps = jnp.concatenate([self.level[None], self.rate * record.gaps() - self.correction])
        return cumulative_sum(steps)

    def next_event(self, context):
        return GrowingHazard(context, self.rate)
