"""Decoders whose density and survival are in closed form: Gompertz gaps and mixtures of log-normal gaps."""

import abc
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr
from jax.scipy.stats import norm
from jaxtyping import Array, Float, Int
from scipy import special

from .._errors import require
from .._types import Key, RealScalar
from ._decoder import AbstractDecoder
from ._decoders_intensity import base_rates, check_decoder
from ._encoder import uniform
from ._next import AbstractGapDensity, searched_bound
from ._scale import GapScale


__all__ = ["AbstractGapLaws", "Gompertz", "LogNormalMixture"]

_NEAR_ZERO = 1e-4


class AbstractGapLaws(AbstractGapDensity):
    """A race between kinds: a gap for each kind, independent of the others, and the first of them happens.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import AbstractGapLaws, FixedMemory, GapScale, Gompertz
        law = Gompertz(8, 2, key=jax.random.key(0)).law(FixedMemory(jnp.ones(8)), GapScale(1.0, 0.0, 1.0))
        isinstance(law, AbstractGapLaws)  # True
        ```
    """

    @abc.abstractmethod
    def only(self, kind: Int[Array, ""]) -> Self:
        """The law of the gap of one kind, without the others."""

    @abc.abstractmethod
    def log_densities(self, gap: RealScalar) -> Float[Array, " k"]:
        """The log-density of the gap of each kind, were it alone."""

    @abc.abstractmethod
    def log_survivals(self, gap: RealScalar) -> Float[Array, " k"]:
        """The log-probability that each kind, were it alone, comes later."""

    @abc.abstractmethod
    def gaps(self, after: RealScalar, *, key: Key) -> Float[Array, " k"]:
        """A gap of each kind, given that it is longer than `after`."""

    def log_survival(self, gap):
        return self.log_survivals(gap).sum()

    def compensator(self, gap):
        return -self.log_survivals(gap)

    def log_intensity(self, gap):
        return self.log_densities(gap) - self.log_survivals(gap)

    def log_density(self, gap):
        later = self.log_survivals(gap)
        return self.log_densities(gap) + (later.sum() - later)

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def sample(self, after, *, key):
        each = self.gaps(after, key=key)
        return each.min(), jnp.argmin(each)


class GompertzGaps(AbstractGapLaws):
    r"""Hazards $e^{a + w g}$."""

    level: Float[Array, " k"]
    slope: Float[Array, " k"]

    def only(self, kind):
        return GompertzGaps(self.level[kind][None], self.slope[kind][None])

    def log_densities(self, gap):
        return self.level + self.slope * gap + self.log_survivals(gap)

    def log_survivals(self, gap):
        x = self.slope * gap
        small = jnp.abs(x) < _NEAR_ZERO
        safe = jnp.where(small, jnp.ones_like(x), x)
        ratio = jnp.where(small, 1 + x / 2 + x * x / 6, jnp.expm1(safe) / safe)
        return -jnp.exp(self.level) * gap * ratio

    def bound(self, a, b):
        return jnp.exp(self.level + jnp.maximum(self.slope * a, self.slope * b)).sum()

    def gaps(self, after, *, key):
        # exp(level) (e^{w g} - e^{w after}) / w = E; where the left side stays below E, the event never comes.
        e = jax.random.exponential(key, self.level.shape, self.level.dtype) * jnp.exp(-self.level - self.slope * after)
        x = self.slope * e
        small = jnp.abs(x) < _NEAR_ZERO
        never = x <= -1
        safe = jnp.where(small | never, jnp.ones_like(x), x)
        ratio = jnp.where(small, 1 - x / 2 + x * x / 3, jnp.log1p(safe) / safe)
        return jnp.where(never, jnp.inf, after + e * ratio)


class Gompertz(AbstractDecoder):
    r"""$\lambda_k(g) = e^{v_k \cdot h + b_k + w_k g}$: everything in closed form.

    A falling hazard leaves a chance that nothing happens ever again; a draw says so by an infinite gap. With one kind
    and `IndependentMarks` it is the recurrent marked temporal point process; with a hazard a kind, its marks and times
    depend on one another.

    **Arguments:** as `MovingIntensity`, without `nodes`.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import Gompertz
        Gompertz(8, 2, key=jax.random.key(0)).kinds  # 2
        ```

    Source: Du et al. (2016), Recurrent marked temporal point processes, equations (11) and (12).
    """

    weight: Float[Array, "k h"]
    bias: Float[Array, " k"]
    slope: Float[Array, " k"]
    kinds: int = eqx.field(static=True)

    def __init__(self, size: int, kinds: int, *, key: Key, shares: np.ndarray | None = None):
        check_decoder(size, kinds, 2)
        self.weight = uniform(key, (kinds, size), size)
        self.bias = jnp.asarray(np.log(base_rates(kinds, shares)), self.weight.dtype)
        self.slope = jnp.zeros(kinds)
        self.kinds = kinds

    def law(self, memory, scale):
        level = memory(jnp.zeros(1, scale.unit.dtype))[0] @ self.weight.T + self.bias
        return GompertzGaps(level - jnp.log(scale.unit), self.slope / scale.unit)


class LogNormalGaps(AbstractGapLaws):
    """Mixtures of log-normal laws, one mixture a kind."""

    logits: Float[Array, "k c"]
    mean: Float[Array, "k c"]
    log_sd: Float[Array, "k c"]
    scale: GapScale

    def only(self, kind):
        return LogNormalGaps(self.logits[kind][None], self.mean[kind][None], self.log_sd[kind][None], self.scale)

    def _standard(self, gap):
        return (self.scale.log(gap) - self.mean) * jnp.exp(-self.log_sd)

    def log_densities(self, gap):
        log = self.scale.log(gap)
        z = (log - self.mean) * jnp.exp(-self.log_sd)
        parts = jax.nn.log_softmax(self.logits, axis=-1) - 0.5 * z * z - self.log_sd
        jacobian = log * self.scale.log_spread + self.scale.log_mean + jnp.log(self.scale.log_spread)
        return jax.nn.logsumexp(parts, axis=-1) - 0.5 * float(np.log(2 * np.pi)) - jacobian

    def log_survivals(self, gap):
        later = jax.nn.log_softmax(self.logits, axis=-1) + log_ndtr(-self._standard(gap))
        sure = jnp.zeros(self.logits.shape[0], self.logits.dtype)
        return jnp.where(jnp.asarray(gap) > 0, jax.nn.logsumexp(later, axis=-1), sure)

    def bound(self, a, b):
        return searched_bound(self, a, b, 3)

    def gaps(self, after, *, key):
        k1, k2 = jax.random.split(key)
        past = jnp.where(jnp.asarray(after) > 0, log_ndtr(-self._standard(after)), jnp.zeros_like(self.mean))
        which = jax.random.categorical(k1, jax.nn.log_softmax(self.logits, axis=-1) + past, axis=-1)
        take = lambda x: jnp.take_along_axis(x, which[:, None], axis=-1)[:, 0]
        tiny = jnp.finfo(self.mean.dtype).tiny
        u = jax.random.uniform(k2, which.shape, self.mean.dtype, minval=tiny) * jnp.exp(take(past))
        z = take(self.mean) - jnp.exp(take(self.log_sd)) * norm.ppf(u)
        gap = jnp.exp(z * self.scale.log_spread + self.scale.log_mean)
        return jnp.maximum(gap, after)


class LogNormalMixture(AbstractDecoder):
    r"""Gaps from a mixture of log-normal laws for each kind, $f_k(g) = \sum_c w_{kc}\,\text{LN}(g; \mu_{kc}, s_{kc})$.

    No intensity is learned and none integrated. With one kind and `IndependentMarks` it is the intensity-free process
    of Shchur et al.; with `TimeGivenMark` the law $p(k) f_k(g)$ of Waghmare et al.

    **Arguments:**

    - `size`, `kinds`, `key`: as in `MovingIntensity`.
    - `components`: of each mixture.
    - `narrowest`: the least standard deviation of a component, as a share of that of the logarithms of all gaps.
      Without one, ties and times that were recorded on a grid would be rewarded without limit.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import LogNormalMixture
        LogNormalMixture(8, 2, components=4, key=jax.random.key(0)).kinds  # 2
        ```

    Source: Shchur, Bilos and Gunnemann (2020), Intensity-free learning of temporal point processes, section 3.2.
    """

    weight: Float[Array, "o h"]
    bias: Float[Array, "3 k c"]
    kinds: int = eqx.field(static=True)
    narrowest: float = eqx.field(static=True)

    def __init__(self, size: int, kinds: int, *, components: int = 16, narrowest: float = 0.02, key: Key):
        check_decoder(size, kinds, 2)
        require(components >= 1, "components", "must be positive", components, "pass e.g. 16")
        require(narrowest > 0, "narrowest", "must be positive", narrowest, "pass e.g. 0.02")
        self.weight = uniform(key, (3 * kinds * components, size), size) / 2
        # A single broad law to begin with, its parts where the data are: quantiles of a normal law.
        inner = (np.arange(components) + 0.5) / components
        centres = special.ndtri(inner)
        narrow = np.full(components, np.log(1.0 if components == 1 else max(2.5 / components, 0.15)))
        start = np.stack([np.zeros(components), centres, narrow])
        self.bias = jnp.asarray(np.broadcast_to(start[:, None], (3, kinds, components)), self.weight.dtype)
        self.kinds, self.narrowest = kinds, narrowest

    def law(self, memory, scale):
        h = memory(jnp.zeros(1, scale.unit.dtype))[0]
        logits, mean, log_sd = (h @ self.weight.T).reshape(self.bias.shape) + self.bias
        return LogNormalGaps(logits, mean, jnp.logaddexp(log_sd, float(np.log(self.narrowest))), scale)
