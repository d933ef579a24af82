"""Hawkes processes with a long memory: power-law kernels, and the epidemic model of aftershocks."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._parameters import constraints, law_field, parameter
from .._types import Law, as_vector
from ..data import Events
from ._autoregressive import AbstractAutoregressive
from ._excitation import AbstractExcitation, as_excitation
from ._hawkes import AbstractLinearHawkes
from ._hazards import AgedHazard


__all__ = ["ETAS", "PowerLawHawkes"]


def _ages(record: Events) -> tuple[Array, Array]:
    """Ages of all events at each event and at the start, shape `(e + 1, e)`, and which have happened."""
    at = jnp.concatenate([record.t0[None], record.ts])
    happened = (jnp.arange(record.length + 1)[:, None] > jnp.arange(record.length)[None]) & record.mask[None]
    return jnp.where(happened, at[:, None] - record.ts[None], 0), happened


def _grown(state, gap, mark):
    """Past events a gap older, and one more."""
    ages, marks, count = state
    new = jnp.arange(ages.shape[0]) == count
    return jnp.where(new, 0, ages + gap), jnp.where(new, mark, marks).astype(marks.dtype), count + 1


class PowerLawHawkes(AbstractLinearHawkes):
    r"""The Hawkes process with kernels $\Phi_{ij}\, q\, c^q (s + c)^{-q - 1}$, as in the law of Omori and Utsu.

    All past events are remembered: a likelihood costs the square of their number.

    **Arguments:**

    - `base`: $\mu$, shape `()` or `(k,)`.
    - `branching`: $\Phi$, a number, shape `(k, k)`, or an `AbstractExcitation`.
    - `power`: `q`, the power of the tail; the mean delay is finite above 1.
    - `scale`: `c`, in the unit of time.

    **Raises:** `ValueError` for shapes that do not fit, or parameters out of their domain.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import PowerLawHawkes
        PowerLawHawkes(0.5, 0.6, power=1.5, scale=0.2).sample(jnp.array([0.0, 20.0]), key=jax.random.key(0))
        ```
    """

    base: Float[Array, " k"] = parameter(constraints.positive, converter=as_vector)
    branching: AbstractExcitation = eqx.field(converter=as_excitation)
    power: Float[Array, ""] = parameter(constraints.positive)
    scale: Float[Array, ""] = parameter(constraints.positive)

    mark_law = None

    @property
    def dim(self) -> int:
        return self.base.shape[0]

    def branching_matrix(self):
        return self.branching.matrix()

    def delays(self, child, parent, rng):
        return float(self.scale) * np.expm1(rng.standard_exponential(len(child)) / float(self.power))

    def start(self, t0, room):
        return jnp.zeros(room, self.base.dtype), jnp.zeros(room, int), jnp.array(0)

    def advance(self, state, gap, mark):
        return _grown(state, gap, mark)

    def context(self, state):
        ages, kinds, count = state
        return ages, kinds, jnp.arange(ages.shape[0]) < count

    def contexts(self, record: Events):
        kinds = self.marks_of(record)
        ages, happened = _ages(record)
        return ages, jnp.broadcast_to(kinds[None], ages.shape), happened

    def next_event(self, context):
        ages, kinds, happened = context
        weights = jnp.where(happened[None], self.branching.matrix()[:, kinds], 0)
        return AgedHazard(self.base, weights, ages, self.power, self.scale)


class ETAS(AbstractAutoregressive):
    r"""The epidemic-type aftershock sequence: larger earthquakes excite more.

    $\lambda(t) = \mu + \sum_{t_n < t} \kappa\, e^{\alpha (m_n - m_0)}\, q\, c^q (t - t_n + c)^{-q-1}$, magnitudes $m_n$
    of their own law. One earthquake of magnitude $m_0$ has $\kappa$ direct aftershocks.

    **Arguments:**

    - `base`: $\mu$, earthquakes in a unit of time that no other one caused.
    - `productivity`: $\kappa$.
    - `magnitude`: $\alpha$.
    - `power`, `scale`: `q` and `c` of the law of Omori and Utsu; $p = q + 1$ in its usual form.
    - `cutoff`: $m_0$, the magnitude from which on the catalogue is complete.
    - `mark_law`: the law of magnitudes, such as a shifted exponential (Gutenberg and Richter).

    **Raises:** `ValueError` for parameters out of their domain.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import ETAS, GutenbergRichter
        model = ETAS(0.2, 0.4, 1.0, power=0.2, scale=0.01, cutoff=3.0, mark_law=GutenbergRichter(2.3, 3.0))
        model.sample(jnp.array([0.0, 30.0]), key=jax.random.key(0))
        ```

    Source: Ogata (1988), Statistical models for earthquake occurrences and residual analysis for point processes.
    """

    base: Float[Array, " 1"] = parameter(constraints.positive, converter=as_vector)
    productivity: Float[Array, ""] = parameter(constraints.positive)
    magnitude: Float[Array, ""] = parameter(constraints.nonnegative)
    power: Float[Array, ""] = parameter(constraints.positive)
    scale: Float[Array, ""] = parameter(constraints.positive)
    cutoff: Float[Array, ""] = parameter(constraints.real, trainable=False)
    mark_law: Law = law_field()  # pyright: ignore[reportIncompatibleVariableOverride]

    dim = 1

    def __check_init__(self):
        require(self.mark_law is not None, "mark_law", "must be a law", None, "pass the law of magnitudes")

    def start(self, t0, room):
        return jnp.zeros(room, self.base.dtype), jnp.full(room, self.cutoff), jnp.array(0)

    def advance(self, state, gap, mark):
        return _grown(state, gap, mark)

    def context(self, state):
        ages, marks, count = state
        return ages, marks, jnp.arange(ages.shape[0]) < count

    def contexts(self, record: Events):
        marks = self.marks_of(record)
        ages, happened = _ages(record)
        return ages, jnp.broadcast_to(jnp.where(record.mask, marks, self.cutoff)[None], ages.shape), happened

    def next_event(self, context):
        ages, marks, happened = context
        weights = self.productivity * jnp.exp(self.magnitude * (marks - self.cutoff))
        return AgedHazard(self.base, jnp.where(happened, weights, 0)[None], ages, self.power, self.scale)

    def offspring(self) -> Float[Array, ""]:
        """The mean number of direct aftershocks, for exponential magnitudes above the cutoff; infinite if too heavy."""
        spare = 1 / (self.mark_law.mean - self.cutoff)
        kept = jnp.where(spare > self.magnitude, spare - self.magnitude, 1)
        return jnp.where(spare > self.magnitude, self.productivity * spare / kept, jnp.inf)
