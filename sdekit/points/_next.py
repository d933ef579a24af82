"""The law of the next event, given the past: hazards as functions of the time since the last event."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._types import Key, RealScalar


__all__ = ["AbstractDirect", "AbstractGapDensity", "AbstractNextEvent"]


class AbstractNextEvent(eqx.Module):
    r"""When the next event comes and of which kind: the hazard $\lambda_k(g)$ of each kind, `g` after the last event.

    The density that the next event comes after the gap `g` and is of kind `k` is $\lambda_k(g) S(g)$, with
    $-\log S(g) = \int_0^g \sum_k \lambda_k$. Whatever a model starts from, an intensity or a density, it says these.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import Poisson
        law = Poisson(2.0).next_event(())
        law.log_survival(jnp.array(1.5))  # -3
        ```
    """

    @abc.abstractmethod
    def log_intensity(self, gap: RealScalar) -> Float[Array, " k"]:
        """The logarithm of the hazard of each kind."""

    @abc.abstractmethod
    def compensator(self, gap: RealScalar) -> Float[Array, " k"]:
        """The integral of the hazard of each kind over `[0, gap]`."""

    @abc.abstractmethod
    def log_survival(self, gap: RealScalar) -> Float[Array, ""]:
        """The log-probability that nothing happens in `[0, gap]`: minus the sum of `compensator`."""

    @abc.abstractmethod
    def error(self, gap: RealScalar) -> Float[Array, ""]:
        """A bound on the error of `log_survival` that comes from quadrature; 0 in closed form."""

    @abc.abstractmethod
    def bound(self, a: RealScalar, b: RealScalar) -> Float[Array, ""]:
        """A number that the sum of the hazards does not exceed on `[a, b]`, for thinning."""


class AbstractDirect(AbstractNextEvent):
    """A law of the next event that can be drawn from at once: no rejection, no search.

    !!! example

        ```python
        import jax
        from sdekit.points import Poisson
        Poisson(2.0).next_event(()).sample(0.0, key=jax.random.key(0))
        ```
    """

    @abc.abstractmethod
    def sample(self, after: RealScalar, *, key: Key) -> tuple[Float[Array, ""], Int[Array, ""]]:
        """The gap (infinite if nothing will ever happen) and the kind, given that nothing happened until `after`."""


class AbstractGapDensity(AbstractDirect):
    """A law that starts from the density of the gap, which is not taken to be a hazard and back when it is scored.

    !!! example

        ```python
        from sdekit.points import AbstractDirect, AbstractGapDensity
        issubclass(AbstractGapDensity, AbstractDirect)  # True
        ```
    """

    @abc.abstractmethod
    def log_density(self, gap: RealScalar) -> Float[Array, " k"]:
        """The log-density that the next event comes after `gap` and is of each kind."""


def log_density(law: AbstractNextEvent, gap: RealScalar) -> Float[Array, " k"]:
    """The log-density that the next event comes after `gap` and is of each kind."""
    if isinstance(law, AbstractGapDensity):
        return law.log_density(gap)
    return law.log_intensity(gap) + law.log_survival(gap)


def total_log_intensity(law: AbstractNextEvent, gap: RealScalar) -> Float[Array, ""]:
    """The logarithm of the sum of the hazards."""
    return jax.nn.logsumexp(law.log_intensity(gap))


def draw_kind(law: AbstractNextEvent, gap: RealScalar, *, key: Key) -> Int[Array, ""]:
    """The kind of an event at `gap`."""
    rates = law.log_intensity(gap)
    return jnp.zeros((), int) if rates.shape == (1,) else jax.random.categorical(key, rates)


def searched_bound(law: AbstractNextEvent, a: RealScalar, b: RealScalar, power: int) -> Float[Array, ""]:
    """A bound of the sum of the hazards that a search says, for hazards of any shape. Thinning checks it.

    A quarter above the most on 32 points that crowd at `a`, the more the higher the power.
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    points = jnp.linspace(0.0, 1.0, 32, dtype=jnp.result_type(a)) ** power
    return 1.25 * jnp.exp(jax.vmap(law.log_intensity)(a + (b - a) * points)).sum(axis=-1).max()
