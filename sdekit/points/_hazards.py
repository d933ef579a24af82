"""Hazards of linear Hawkes processes between two events."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._next import AbstractDirect, AbstractNextEvent


__all__: list[str] = []


class DecayingHazard(AbstractDirect):
    r"""$\lambda_i(g) = \mu_i + \sum_c a_{ic} e^{-\beta_{ic} g}$, all positive: drawn from at once by superposition.

    Source: Dassios and Zhao (2013), Exact simulation of Hawkes process with exponentially decaying intensity.
    """

    base: Float[Array, " k"]
    excess: Float[Array, "k c"]
    decay: Float[Array, "*k c"]

    def log_intensity(self, gap):
        return jnp.log(self.base + (self.excess * jnp.exp(-self.decay * gap)).sum(axis=1))

    def compensator(self, gap):
        return self.base * gap - (self.excess / self.decay * jnp.expm1(-self.decay * gap)).sum(axis=1)

    def log_survival(self, gap):
        return -self.compensator(gap).sum()

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def bound(self, a, b):
        return jnp.exp(self.log_intensity(a)).sum()

    def sample(self, after, *, key):
        k1, k2 = jax.random.split(key)
        dtype = self.excess.dtype
        now = self.excess * jnp.exp(-self.decay * after)
        unit = jax.random.exponential(k1, now.shape, dtype)
        # The whole future of one component is now / decay events: it may never come.
        left = 1 - self.decay * unit / jnp.where(now > 0, now, 1)
        comes = (now > 0) & (left > 0)
        waits = jnp.where(comes, -jnp.log(jnp.where(comes, left, 1)) / self.decay, jnp.inf)
        constant = jax.random.exponential(k2, self.base.shape, dtype) / self.base
        first = jnp.minimum(waits.min(axis=1), constant)
        kind = jnp.argmin(first)
        return after + first[kind], kind


class AgedHazard(AbstractNextEvent):
    r"""$\lambda_i(g) = \mu_i + \sum_j w_{ij}\, q\, c^q (a_j + g + c)^{-q-1}$ with the ages $a_j$ of past events."""

    base: Float[Array, " k"]
    weights: Float[Array, "k e"]
    ages: Float[Array, " e"]
    power: Float[Array, ""]
    scale: Float[Array, ""]

    def log_intensity(self, gap):
        old = (self.ages + gap) / self.scale
        kernel = self.power / self.scale * jnp.exp(-(self.power + 1) * jnp.log1p(old))
        return jnp.log(self.base + self.weights @ kernel)

    def compensator(self, gap):
        start = jnp.exp(-self.power * jnp.log1p(self.ages / self.scale))
        share = -jnp.expm1(-self.power * jnp.log1p(gap / (self.ages + self.scale)))
        return self.base * gap + self.weights @ (start * share)

    def log_survival(self, gap):
        return -self.compensator(gap).sum()

    def error(self, gap):
        return jnp.zeros_like(self.log_survival(gap))

    def bound(self, a, b):
        return jnp.exp(self.log_intensity(a)).sum()
