"""The word: a decoder turns what is remembered into the law of the next event. And what quadrature shares."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..math import gauss_legendre
from ._encoder import AbstractMemory
from ._next import AbstractNextEvent
from ._scale import GapScale


__all__ = ["AbstractDecoder", "AbstractHazardCurve"]

_LINEAR = -15.0
_TERMS = (15, 31)
"""The last powers of the series in single and in double precision, for relative errors of 1e-8 and 1e-16."""


class AbstractDecoder(eqx.Module):
    """Turns a memory into the law of the next event.

    !!! example

        ```python
        import jax
        from sdekit.points import AbstractDecoder, Gompertz
        isinstance(Gompertz(8, 2, key=jax.random.key(0)), AbstractDecoder)  # True
        ```
    """

    kinds: eqx.AbstractVar[int]

    @abc.abstractmethod
    def law(self, memory: AbstractMemory, scale: GapScale) -> AbstractNextEvent:
        """The law of the next event, in the unit of the record."""


class AbstractHazardCurve(AbstractNextEvent):
    r"""A law that is known by its hazards; compensators come from Gauss-Legendre quadrature.

    Nodes crowd at the last event, where hazards move fastest: $g_i = g\,u_i^2$. The error that is reported is the
    difference to the rule with three quarters of the nodes.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import AbstractHazardCurve, FixedMemory, GapScale, RelaxingIntensity
        law = RelaxingIntensity(8, 2, key=jax.random.key(0)).law(FixedMemory(jnp.ones(8)), GapScale(1.0, 0.0, 1.0))
        isinstance(law, AbstractHazardCurve), law.error(2.0) < 1e-6  # True, True
        ```
    """

    nodes: eqx.AbstractVar[int]
    unit: eqx.AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def arguments(self, gaps: Float[Array, " q"]) -> Float[Array, "q k"]:
        """At many gaps, what the softplus is taken of: hazards are that in units of a typical gap."""

    def hazards(self, gaps: Float[Array, " q"]) -> Float[Array, "q k"]:
        """The hazard of each kind at many gaps."""
        return softplus(self.arguments(gaps)) / self.unit

    def log_intensity(self, gap):
        return log_softplus(self.arguments(jnp.asarray(gap)[None])[0]) - jnp.log(self.unit)

    def compensator(self, gap):
        return self._integral(gap, self.nodes)

    def log_survival(self, gap):
        return -self._whole(gap, self.nodes)

    def error(self, gap):
        fewer = self._whole(gap, max(1, 3 * self.nodes // 4))
        return jnp.abs(self._whole(gap, self.nodes) - fewer)

    def _integral(self, gap, nodes):
        gap = jnp.asarray(gap)
        u, w = graded_nodes(nodes)
        hazards = self.hazards(gap * jnp.asarray(u, gap.dtype))
        return gap * (jnp.asarray(w, hazards.dtype)[:, None] * hazards).sum(axis=0)

    def _whole(self, gap, nodes):
        """The sum of `_integral` over kinds, nodes and kinds in one row: kinds alone are too few for a vector unit."""
        gap = jnp.asarray(gap)
        u, w = graded_nodes(nodes)
        x = self.arguments(gap * jnp.asarray(u, gap.dtype))
        w = jnp.asarray(np.repeat(w, x.shape[1]), x.dtype)
        return gap / self.unit * (softplus(jax.lax.optimization_barrier(x.reshape(-1))) @ w)


def graded_nodes(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on `[0, 1]`, graded towards 0."""
    x, w = gauss_legendre(nodes)
    u = (1 + x) / 2
    return u * u, w * u


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """That of `jax.nn`, at a fraction of its time on a CPU, its gradient included: no logarithm is taken.

    $\\log(1 + u) = 2 \\,\\text{artanh}(s)$ with $s = u / (2 + u) \\le 1/3$, whose series is a polynomial.
    """
    u = jnp.exp(-jnp.abs(x))
    s = u / (2 + u)
    square, series = s * s, jnp.zeros_like(s)
    for power in range(_TERMS[x.dtype.itemsize > 4], 0, -2):
        series = series * square + 2 / power
    return jnp.maximum(x, 0) + s * series


softplus.defjvps(lambda t, _, x: t * jax.nn.sigmoid(x))


def log_softplus(x: Array) -> Array:
    """The logarithm of the softplus, also where that is too small to be told from 0."""
    return jnp.where(x < _LINEAR, x, jnp.log(softplus(jnp.maximum(x, _LINEAR))))


def inverse_softplus(y: np.ndarray) -> np.ndarray:
    """What the softplus takes to `y`."""
    return y + np.log(-np.expm1(-y))
