"""A decoder whose density, survival and draws come from a monotone spline of the logarithm of the gap."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key
from ._decoder import AbstractDecoder, inverse_softplus
from ._decoders_closed import AbstractGapLaws
from ._decoders_intensity import check_decoder
from ._encoder import uniform
from ._next import searched_bound
from ._scale import GapScale


__all__ = ["RationalQuadraticSpline"]

_REACH = 5.0
_LEAST = 1e-3


class Knots(NamedTuple):
    """A monotone spline of rational quadratic pieces on `[-5, 5]`, for each kind; outside it is the identity."""

    x: Float[Array, "k b+1"]
    y: Float[Array, "k b+1"]
    slope: Float[Array, "k b+1"]

    def piece(self, at, knots):
        """The piece that holds each number, by a product with 0 and 1: a gather is slow to differentiate."""
        inner = at[:, None] >= knots[:, 1:-1]
        ones = jnp.ones((at.shape[0], 1), bool)
        here = (jnp.concatenate([ones, inner], axis=1) & ~jnp.concatenate([inner, ~ones], axis=1)).astype(at.dtype)
        ends = (v for knot in self for v in ((here * knot[:, :-1]).sum(axis=1), (here * knot[:, 1:]).sum(axis=1)))
        x0, x1, y0, y1, d0, d1 = ends
        return x0, x1 - x0, y0, y1 - y0, d0, d1

    def forth(self, x):
        """The value of the spline and the logarithm of its slope."""
        inside = jnp.abs(x) < _REACH
        safe = jnp.where(inside, x, jnp.zeros_like(x))
        x0, w, y0, h, d0, d1 = self.piece(safe, self.x)
        u, s = (safe - x0) / w, h / w
        v, below = u * (1 - u), s + (d0 + d1 - 2 * s) * u * (1 - u)
        y = y0 + h * (s * u * u + d0 * v) / below
        slope = 2 * jnp.log(s / below) + jnp.log(d1 * u * u + 2 * s * v + d0 * (1 - u) ** 2)
        return jnp.where(inside, y, x), jnp.where(inside, slope, jnp.zeros_like(slope))

    def back(self, y):
        """What the spline takes to `y`."""
        inside = jnp.abs(y) < _REACH
        safe = jnp.where(inside, y, jnp.zeros_like(y))
        x0, w, y0, h, d0, d1 = self.piece(safe, self.y)
        s, rise = h / w, safe - y0
        bend = rise * (d0 + d1 - 2 * s)
        a, b, c = h * (s - d0) + bend, h * d0 - bend, -s * rise
        u = 2 * c / (-b - jnp.sqrt(jnp.maximum(b * b - 4 * a * c, 0)))
        return jnp.where(inside, x0 + w * u, y)


class SplineGaps(AbstractGapLaws):
    """Normal laws of a spline of the standardised logarithm of the gap."""

    knots: Knots
    centre: Float[Array, " k"]
    log_width: Float[Array, " k"]
    scale: GapScale

    def only(self, kind):
        knots, centre, log_width = jax.tree.map(lambda x: x[kind][None], (self.knots, self.centre, self.log_width))
        return SplineGaps(knots, centre, log_width, self.scale)

    def _normal(self, gap):
        return self.knots.forth((self.scale.log(gap) - self.centre) * jnp.exp(-self.log_width))

    def log_densities(self, gap):
        z, slope = self._normal(gap)
        log = self.scale.log(gap) * self.scale.log_spread + self.scale.log_mean + jnp.log(self.scale.log_spread)
        return slope - self.log_width - 0.5 * z * z - 0.5 * float(np.log(2 * np.pi)) - log

    def log_survivals(self, gap):
        z, _ = self._normal(gap)
        return jnp.where(jnp.asarray(gap) > 0, log_ndtr(-z), jnp.zeros_like(z))

    def bound(self, a, b):
        return searched_bound(self, a, b, 3)

    def gaps(self, after, *, key):
        u = jax.random.uniform(key, self.centre.shape, self.centre.dtype, minval=jnp.finfo(self.centre.dtype).tiny)
        z = -norm.ppf(u * jnp.exp(self.log_survivals(after)))
        log = self.knots.back(z) * jnp.exp(self.log_width) + self.centre
        return jnp.maximum(jnp.exp(log * self.scale.log_spread + self.scale.log_mean), after)


class RationalQuadraticSpline(AbstractDecoder):
    r"""Gaps whose logarithm a monotone spline takes to a normal law, $P(G > g) = \Phi(-T_k((\log g - m_k) / s_k))$.

    The spline is made of rational quadratic pieces: its slope and its inverse are in closed form, and so are density,
    survival and draws. Outside of five standard deviations it is the identity, so that the tails are log-normal; where
    it is the identity throughout, so is the law. With one kind and `IndependentMarks` times and kinds are
    conditionally independent, with `TimeGivenMark` each kind has a spline of its own.

    **Arguments:**

    - `size`, `kinds`, `key`: as in `MovingIntensity`.
    - `bins`: how many pieces.
    - `narrowest`: as in `LogNormalMixture`, of the law as a whole.

    **Raises:** `ValueError` for sizes that are not positive.

    !!! example

        ```python
        import jax
        from sdekit.points import RationalQuadraticSpline
        RationalQuadraticSpline(8, 2, bins=6, key=jax.random.key(0)).kinds  # 2
        ```

    Source: Durkan, Bekasov, Murray and Papamakarios (2019), Neural spline flows, section 3.1; Gregory and Delbourgo
    (1982) for the pieces.
    """

    weight: Float[Array, "o h"]
    bias: Float[Array, "k p"]
    kinds: int = eqx.field(static=True)
    bins: int = eqx.field(static=True)
    narrowest: float = eqx.field(static=True)

    def __init__(self, size: int, kinds: int, *, bins: int = 8, narrowest: float = 0.02, key: Key):
        check_decoder(size, kinds, 2)
        require(bins >= 1, "bins", "must be positive", bins, "pass e.g. 8")
        require(narrowest > 0, "narrowest", "must be positive", narrowest, "pass e.g. 0.02")
        self.weight = uniform(key, (kinds * (3 * bins + 1), size), size) / 2
        flat = float(inverse_softplus(np.asarray(1 - _LEAST)))
        start = np.concatenate([np.zeros(2 + 2 * bins), np.full(bins - 1, flat)])
        self.bias = jnp.asarray(np.broadcast_to(start, (kinds, 3 * bins + 1)), self.weight.dtype)
        self.kinds, self.bins, self.narrowest = kinds, bins, narrowest

    def law(self, memory, scale):
        h = memory(jnp.zeros(1, scale.unit.dtype))[0]
        told = (h @ self.weight.T).reshape(self.bias.shape) + self.bias
        places = jnp.split(told[:, 2:], [self.bins, 2 * self.bins], axis=1)
        x, y = (_rising(part) for part in places[:2])
        ends = jnp.ones((self.kinds, 1), told.dtype)
        slope = jnp.concatenate([ends, _LEAST + jax.nn.softplus(places[2]), ends], axis=1)
        log_width = jnp.logaddexp(told[:, 1], float(np.log(self.narrowest)))
        return SplineGaps(Knots(x, y, slope), told[:, 0], log_width, scale)


def _rising(logits: Float[Array, "k b"]) -> Float[Array, "k b+1"]:
    """Knots from -5 to 5, none nearer to the next than a thousandth of that."""
    share = _LEAST + (1 - _LEAST * logits.shape[1]) * jax.nn.softmax(logits, axis=-1)
    inner = 2 * _REACH * jnp.cumsum(share[:, :-1], axis=-1) - _REACH
    end = jnp.full((logits.shape[0], 1), _REACH, logits.dtype)
    return jnp.concatenate([-end, inner, end], axis=1)
