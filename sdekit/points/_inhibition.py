"""Hawkes processes in which events may also hold one another back."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._parameters import constraints, parameter
from .._types import as_float, as_vector
from ..data import Events
from ..math import gauss_legendre
from ._autoregressive import AbstractRecurrent
from ._decayed import decayed
from ._next import AbstractNextEvent


__all__ = ["AbstractLink", "NonlinearHawkes", "Rectified", "Softplus"]


class AbstractLink(eqx.Module):
    """An increasing function that makes an intensity of a number of either sign.

    !!! example

        ```python
        from sdekit.points import AbstractLink, Rectified
        isinstance(Rectified(), AbstractLink)  # True
        ```
    """

    @abc.abstractmethod
    def log_value(self, x: Float[Array, "*s"]) -> Float[Array, "*s"]:
        """The logarithm of the intensity."""

    @abc.abstractmethod
    def integral(
        self, base: Float[Array, " k"], excess: Float[Array, " k"], decay: Float[Array, ""], gap: Float[Array, ""]
    ) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """The integral of the link of `base + excess * exp(-decay * s)` over `[0, gap]`, and a bound on its error."""


class Rectified(AbstractLink):
    """The positive part: the intensity is 0 while held back. Its compensator is in closed form.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import Rectified
        Rectified().log_value(jnp.array([2.0, -1.0]))  # [0.6931, -inf]
        ```
    """

    def log_value(self, x):
        return jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1)), -jnp.inf)

    def integral(self, base, excess, decay, gap):
        # base + excess exp(-decay s) is monotone: it crosses 0 once at the most.
        crosses = base * excess < 0
        ratio = jnp.where(crosses, -base / jnp.where(crosses, excess, 1), 1)
        at = jnp.where(crosses & (ratio < 1), -jnp.log(ratio) / decay, 0)
        rising = excess < 0
        none = (base <= 0) & (excess <= 0)
        starts_negative = base + excess <= 0
        low = jnp.minimum(jnp.where(rising & crosses & starts_negative, at, 0), gap)
        high = jnp.where(~rising & crosses, jnp.minimum(jnp.where(starts_negative, 0, at), gap), gap)
        fall = jnp.exp(-decay * low) * -jnp.expm1(-decay * (high - low))
        value = base * (high - low) + excess / decay * fall
        return jnp.where(none | (high <= low), 0, value), jnp.zeros_like(value)


class Softplus(AbstractLink):
    r"""$s \log(1 + e^{x / s})$: smooth, never 0. Its compensator is by quadrature in $e^{-\beta s}$.

    **Arguments:**

    - `sharpness`: `s`, how wide the bend is.
    - `nodes`: of the Gauss-Legendre rule; the error is judged by one with half as many.

    **Raises:** `ValueError` for a sharpness that is not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import Softplus
        jnp.exp(Softplus().log_value(jnp.array([0.0])))  # [0.6931]
        ```
    """

    sharpness: float = eqx.field(static=True, default=1.0)
    nodes: int = eqx.field(static=True, default=24)

    def __check_init__(self):
        require(self.sharpness > 0, "sharpness", "must be positive", self.sharpness, "pass e.g. 1.0")
        require(self.nodes >= 4, "nodes", "must be at least 4", self.nodes, "pass e.g. 24")

    def value(self, x):
        return self.sharpness * jax.nn.softplus(x / self.sharpness)

    def log_value(self, x):
        z = x / self.sharpness
        # Far below 0 softplus is the exponential.
        low = z < -30
        return jnp.log(self.sharpness) + jnp.where(low, z, jnp.log(jax.nn.softplus(jnp.where(low, 0, z))))

    def integral(self, base, excess, decay, gap):
        # With v = exp(-decay s) and the limit taken out the integrand is smooth however long the gap.
        low = jnp.exp(-decay * gap)

        def rule(nodes):
            x, w = (jnp.asarray(v, base.dtype) for v in gauss_legendre(nodes))
            # Evenly in v, as the integrand is an analytic function of it.
            v = (low + (1 - low) * (1 + x) / 2)[None]
            rest = self.value(base[:, None] + excess[:, None] * v) - self.value(base)[:, None]
            return (rest / v * w[None]).sum(axis=1) * (1 - low) / (2 * decay)

        fine = rule(self.nodes)
        return self.value(base) * gap + fine, jnp.abs(fine - rule(self.nodes // 2))


class LinkedHazard(AbstractNextEvent):
    r"""$\lambda_i(g) = \text{link}(\mu_i + a_i e^{-\beta g})$, each monotone in `g`."""

    base: Float[Array, " k"]
    excess: Float[Array, " k"]
    decay: Float[Array, ""]
    link: AbstractLink

    def log_intensity(self, gap):
        return self.link.log_value(self.base + self.excess * jnp.exp(-self.decay * gap))

    def compensator(self, gap):
        return self.link.integral(self.base, self.excess, self.decay, jnp.asarray(gap, self.base.dtype))[0]

    def log_survival(self, gap):
        return -self.compensator(gap).sum()

    def error(self, gap):
        return self.link.integral(self.base, self.excess, self.decay, jnp.asarray(gap, self.base.dtype))[1].sum()

    def bound(self, a, b):
        return jnp.exp(jnp.maximum(self.log_intensity(a), self.log_intensity(b))).sum()


class NonlinearHawkes(AbstractRecurrent):
    r"""$\lambda_i(t) = f\big(\mu_i + \sum_{t_n < t} w_{i k_n} \beta e^{-\beta (t - t_n)}\big)$, weights of either sign.

    **Arguments:**

    - `base`: $\mu$, shape `()` or `(k,)`.
    - `weights`: `w`, a number or shape `(k, k)`; negative where events hold back.
    - `decay`: $\beta$, one for all.
    - `link`: `f`, `Rectified()` or `Softplus()`.

    **Raises:** `ValueError` for shapes that do not fit, or parameters out of their domain.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import NonlinearHawkes, Rectified
        shy = NonlinearHawkes(1.0, -0.4, 2.0, Rectified())
        shy.sample(jnp.array([0.0, 20.0]), key=jax.random.key(0))
        ```

    Source: Bremaud and Massoulie (1996), Stability of nonlinear Hawkes processes.
    """

    base: Float[Array, " k"] = parameter(constraints.real, converter=as_vector)
    weights: Float[Array, "k k"] = parameter(
        constraints.real, converter=lambda x: jnp.reshape(as_float(x), (1, 1)) if np.ndim(x) == 0 else as_float(x)
    )
    decay: Float[Array, ""] = parameter(constraints.positive)
    link: AbstractLink

    mark_law = None

    def __check_init__(self):
        k = self.dim
        fits = np.shape(self.weights) == (k, k)
        require(fits, "weights", f"must have shape ({k}, {k})", self.weights, "a row for each kind in `base`")

    @property
    def dim(self) -> int:
        return self.base.shape[0]

    def start(self, t0, room):
        return jnp.zeros(self.dim, self.base.dtype)

    def advance(self, state, gap, mark):
        return state * jnp.exp(-self.decay * gap) + jax.nn.one_hot(mark, self.dim, dtype=state.dtype)

    def contexts(self, record: Events):
        jumps = jax.nn.one_hot(self.marks_of(record), self.dim, dtype=self.base.dtype)
        after = decayed(record.gaps(), jumps, self.decay)
        return jnp.concatenate([jnp.zeros((1, self.dim), after.dtype), after])

    def next_event(self, context):
        return LinkedHazard(self.base, self.weights @ context * self.decay, self.decay, self.link)
