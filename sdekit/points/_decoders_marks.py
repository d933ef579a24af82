"""How the time and the kind of the next event depend on one another: a choice of decoder."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import fault, require
from .._types import Key, RealScalar
from ._decoder import AbstractDecoder, graded_nodes
from ._decoders_closed import AbstractGapLaws
from ._decoders_intensity import base_rates
from ._encoder import uniform
from ._next import AbstractGapDensity, AbstractNextEvent, searched_bound
from ._scale import GapScale


__all__ = ["IndependentMarks", "MarkGivenTime", "TimeGivenMark"]

_NODES = 32


class AbstractKinds(eqx.Module):
    """The probabilities of the kinds, given the gap."""

    @abc.abstractmethod
    def log_prob(self, gap: RealScalar) -> Float[Array, " k"]:
        """The log-probability of each kind."""


class SameKinds(AbstractKinds):
    """Whatever the gap."""

    logits: Float[Array, " k"]

    def log_prob(self, gap):
        return jax.nn.log_softmax(self.logits)


class TimedKinds(AbstractKinds):
    """A network of the memory and the gap."""

    told: Float[Array, " w"]
    features: Float[Array, "w 2"]
    out: Float[Array, "k w"]
    bias: Float[Array, " k"]
    scale: GapScale

    def log_prob(self, gap):
        hidden = jax.nn.gelu(self.told + self.scale.features(gap) @ self.features.T)
        return jax.nn.log_softmax(hidden @ self.out.T + self.bias)


def in_parts(law: AbstractNextEvent, gap: RealScalar) -> Float[Array, " k"]:
    """The compensator of each kind: that of all, in parts that come from quadrature of the hazards and add up to it."""
    whole = -law.log_survival(gap)
    u, w = graded_nodes(_NODES)
    u, w = u * u, 2 * w * u
    parts = jnp.exp(jax.vmap(law.log_intensity)(jnp.asarray(gap) * jnp.asarray(u, whole.dtype)))
    parts = jnp.asarray(w, whole.dtype) @ parts
    return whole * parts / jnp.maximum(parts.sum(), jnp.finfo(parts.dtype).tiny)


class AbstractMarked(AbstractNextEvent):
    """The law of the next event of a ground process, with a kind."""

    ground: eqx.AbstractVar[AbstractNextEvent]
    kinds: eqx.AbstractVar[AbstractKinds]

    def log_intensity(self, gap):
        return self.ground.log_intensity(gap) + self.kinds.log_prob(gap)

    def compensator(self, gap):
        if isinstance(self.kinds, SameKinds):
            return -self.log_survival(gap) * jnp.exp(self.kinds.log_prob(gap))
        return in_parts(self, gap)

    def log_survival(self, gap):
        return self.ground.log_survival(gap)

    def error(self, gap):
        return self.ground.error(gap)

    def bound(self, a, b):
        return self.ground.bound(a, b)


class MarkedHazard(AbstractMarked):
    """A ground process whose events get a kind."""

    ground: AbstractNextEvent
    kinds: AbstractKinds


class MarkedGaps(AbstractMarked, AbstractGapDensity):
    """A law of the gap, and a kind at its end."""

    ground: AbstractGapDensity
    kinds: AbstractKinds

    def log_density(self, gap):
        return self.ground.log_density(gap) + self.kinds.log_prob(gap)

    def sample(self, after, *, key):
        k1, k2 = jax.random.split(key)
        gap, _ = self.ground.sample(after, key=k1)
        # A gap without end has no kind: any number is as good.
        finite = jnp.where(jnp.isfinite(gap), gap, jnp.asarray(after, gap.dtype))
        return gap, jax.random.categorical(k2, self.kinds.log_prob(finite))


class KindThenGap(AbstractGapDensity):
    r"""$p(k) f_k(g)$: a kind, and then its gap."""

    logits: Float[Array, " k"]
    each: AbstractGapLaws

    def _left(self, gap):
        """The log-probability of each kind together with a gap that is longer."""
        return jax.nn.log_softmax(self.logits) + self.each.log_survivals(gap)

    def log_density(self, gap):
        return jax.nn.log_softmax(self.logits) + self.each.log_densities(gap)

    def log_intensity(self, gap):
        return self.log_density(gap) - self.log_survival(gap)

    def log_survival(self, gap):
        return jax.nn.logsumexp(self._left(gap))

    def compensator(self, gap):
        return in_parts(self, gap)

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def bound(self, a, b):
        return searched_bound(self, a, b, 3)

    def sample(self, after, *, key):
        k1, k2 = jax.random.split(key)
        kind = jax.random.categorical(k1, self._left(after))
        return self.each.only(kind).gaps(after, key=k2)[0], kind


def marked(ground: AbstractNextEvent, kinds: AbstractKinds) -> MarkedHazard | MarkedGaps:
    """A ground process with kinds, drawn from at once where the ground process is."""
    return MarkedGaps(ground, kinds) if isinstance(ground, AbstractGapDensity) else MarkedHazard(ground, kinds)


def _one_kind(ground: AbstractDecoder) -> None:
    require(ground.kinds == 1, "ground", "must have one kind: the events of all kinds", ground.kinds, "pass kinds=1")


class IndependentMarks(AbstractDecoder):
    r"""$f(g)\,p(k)$: given the past, the kind does not depend on the time. Conditionally independent marks.

    **Arguments:**

    - `ground`: a decoder of one kind, for the times of all events.
    - `size`: the length of a memory.
    - `kinds`: how many kinds of events.
    - `key`, `shares`: as in `MovingIntensity`.

    **Raises:** `ValueError` for a ground decoder of more than one kind.

    !!! example

        ```python
        import jax
        from sdekit.points import Gompertz, IndependentMarks
        k1, k2 = jax.random.split(jax.random.key(0))
        IndependentMarks(Gompertz(8, 1, key=k1), 8, 3, key=k2).kinds  # 3
        ```

    Source: Waghmare, Debnath, Asthana and Malhotra (2022), Modeling inter-dependence between time and mark, section 3.
    """

    ground: AbstractDecoder
    weight: Float[Array, "k h"]
    bias: Float[Array, " k"]
    kinds: int = eqx.field(static=True)

    def __init__(self, ground: AbstractDecoder, size: int, kinds: int, *, key: Key, shares: np.ndarray | None = None):
        _one_kind(ground)
        self.ground, self.kinds = ground, kinds
        self.weight = uniform(key, (kinds, size), size)
        self.bias = jnp.asarray(np.log(base_rates(kinds, shares)), self.weight.dtype)

    def law(self, memory, scale):
        h = memory(jnp.zeros(1, scale.unit.dtype))[0]
        return marked(self.ground.law(memory, scale), SameKinds(h @ self.weight.T + self.bias))


class MarkGivenTime(AbstractDecoder):
    r"""$f(g)\,p(k \mid g)$: the kind by a network that is told the gap.

    **Arguments:** as `IndependentMarks`, and

    - `width`: of the hidden layer.

    **Raises:** `ValueError` for a ground decoder of more than one kind.

    !!! example

        ```python
        import jax
        from sdekit.points import Gompertz, MarkGivenTime
        k1, k2 = jax.random.split(jax.random.key(0))
        MarkGivenTime(Gompertz(8, 1, key=k1), 8, 3, key=k2).kinds  # 3
        ```

    Source: Waghmare, Debnath, Asthana and Malhotra (2022), Modeling inter-dependence between time and mark, section 3.
    """

    ground: AbstractDecoder
    told: Float[Array, "w h"]
    features: Float[Array, "w 2"]
    out: Float[Array, "k w"]
    bias: Float[Array, " k"]
    kinds: int = eqx.field(static=True)

    def __init__(
        self,
        ground: AbstractDecoder,
        size: int,
        kinds: int,
        *,
        width: int = 32,
        key: Key,
        shares: np.ndarray | None = None,
    ):
        _one_kind(ground)
        k1, k2, k3 = jax.random.split(key, 3)
        self.ground, self.kinds = ground, kinds
        self.told = uniform(k1, (width, size), size)
        self.features = uniform(k2, (width, 2), 2)
        self.out = uniform(k3, (kinds, width), width)
        self.bias = jnp.asarray(np.log(base_rates(kinds, shares)), self.out.dtype)

    def law(self, memory, scale):
        h = memory(jnp.zeros(1, scale.unit.dtype))[0]
        kinds = TimedKinds(h @ self.told.T, self.features, self.out, self.bias, scale)
        return marked(self.ground.law(memory, scale), kinds)


class TimeGivenMark(AbstractDecoder):
    r"""$p(k)\,f_k(g)$: the kind first, and then a gap of its own law. Conditionally dependent marks.

    **Arguments:**

    - `each`: a decoder with a law of the gap for each kind (`LogNormalMixture`, `Gompertz`, `CumulativeNetwork`).
    - `size`: the length of a memory.
    - `key`, `shares`: as in `MovingIntensity`.

    **Raises:** `TypeError`, when asked for a law, if `each` has no law of the gap of one kind alone.

    !!! example

        ```python
        import jax
        from sdekit.points import LogNormalMixture, TimeGivenMark
        k1, k2 = jax.random.split(jax.random.key(0))
        TimeGivenMark(LogNormalMixture(8, 3, components=4, key=k1), 8, key=k2).kinds  # 3
        ```

    Source: Waghmare, Debnath, Asthana and Malhotra (2022), Modeling inter-dependence between time and mark, section 3.
    """

    each: AbstractDecoder
    weight: Float[Array, "k h"]
    bias: Float[Array, " k"]
    kinds: int = eqx.field(static=True)

    def __init__(self, each: AbstractDecoder, size: int, *, key: Key, shares: np.ndarray | None = None):
        self.each, self.kinds = each, each.kinds
        self.weight = uniform(key, (each.kinds, size), size)
        self.bias = jnp.asarray(np.log(base_rates(each.kinds, shares)), self.weight.dtype)

    def law(self, memory, scale):
        each = self.each.law(memory, scale)
        if not isinstance(each, AbstractGapLaws):
            remedy = "use LogNormalMixture, Gompertz or CumulativeNetwork"
            raise TypeError(fault("each", "must have a law of the gap for each kind", type(each).__name__, remedy))
        h = memory(jnp.zeros(1, scale.unit.dtype))[0]
        return KindThenGap(h @ self.weight.T + self.bias, each)
