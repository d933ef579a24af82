"""Laws of gaps: survival functions that keep their digits far out, and the inverse Gaussian law."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.scipy.special import gammaincc, gammaln, log_ndtr
from jaxtyping import Array, Float
from numpyro.distributions import constraints
from numpyro.distributions.util import promote_shapes, validate_sample

from .._errors import fault
from .._types import Law


__all__ = ["GutenbergRichter", "InverseGaussian", "log_survival"]


class InverseGaussian(dist.Distribution):
    r"""The inverse Gaussian law: when Brownian motion with a drift first reaches a level.

    $f(x) = \sqrt{\lambda / 2 \pi x^3}\, e^{-\lambda (x - m)^2 / 2 m^2 x}$.

    **Arguments:**

    - `mean`: `m`, positive.
    - `shape_parameter`: $\lambda$, positive; the variance is $m^3 / \lambda$.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import InverseGaussian
        InverseGaussian(jnp.array(1.0), jnp.array(2.0)).variance  # 0.5
        ```

    Source: Michael, Schucany and Haas (1976), Generating random variates using transformations with multiple roots.
    """

    arg_constraints = {"mean_parameter": constraints.positive, "shape_parameter": constraints.positive}
    support = constraints.positive
    reparametrized_params = ["mean_parameter", "shape_parameter"]
    pytree_data_fields = ("mean_parameter", "shape_parameter")

    def __init__(self, mean, shape_parameter, *, validate_args=None):
        mean, shape_parameter = jnp.asarray(mean), jnp.asarray(shape_parameter)
        self.mean_parameter, self.shape_parameter = promote_shapes(mean, shape_parameter)
        batch = jax.lax.broadcast_shapes(np.shape(mean), np.shape(shape_parameter))
        super().__init__(batch_shape=batch, validate_args=validate_args)

    @property
    def mean(self):
        return jnp.broadcast_to(self.mean_parameter, self.batch_shape)

    @property
    def variance(self):
        return jnp.broadcast_to(self.mean_parameter**3 / self.shape_parameter, self.batch_shape)

    def sample(self, key, sample_shape=()):
        size = self.shape(sample_shape)
        m, shape = self.mean_parameter, self.shape_parameter
        dtype = jnp.result_type(m, shape)
        k1, k2 = jax.random.split(key)
        y = m * jax.random.normal(k1, size, dtype) ** 2 / (2 * shape)
        # The smaller root, as a quotient: the usual form cancels when y is large.
        x = m / (1 + y + jnp.sqrt(y * (2 + y)))
        return jnp.where(jax.random.uniform(k2, size, dtype) <= m / (m + x), x, m**2 / x)

    @validate_sample
    def log_prob(self, value):
        m, shape = self.mean_parameter, self.shape_parameter
        scale = 0.5 * (jnp.log(shape) - jnp.log(2 * jnp.pi) - 3 * jnp.log(value))
        return scale - shape * (value - m) ** 2 / (2 * m**2 * value)

    def cdf(self, value):
        return -jnp.expm1(log_survival(self, value))


class GutenbergRichter(dist.Distribution):
    r"""The law of magnitudes: exponential above a cutoff. A rate of $b \log 10$ is a b-value of `b`.

    **Arguments:**

    - `rate`: positive.
    - `cutoff`: the smallest magnitude.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.points import GutenbergRichter
        GutenbergRichter(jnp.array(2.3), jnp.array(3.0)).mean  # 3.435
        ```

    Source: Gutenberg and Richter (1944), Frequency of earthquakes in California.
    """

    arg_constraints = {"rate": constraints.positive, "cutoff": constraints.real}
    reparametrized_params = ["rate", "cutoff"]
    pytree_data_fields = ("rate", "cutoff")

    def __init__(self, rate, cutoff, *, validate_args=None):
        rate, cutoff = jnp.asarray(rate, float), jnp.asarray(cutoff, float)
        self.rate, self.cutoff = promote_shapes(rate, cutoff)
        batch = jax.lax.broadcast_shapes(np.shape(rate), np.shape(cutoff))
        super().__init__(batch_shape=batch, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.greater_than(self.cutoff)

    @property
    def mean(self):
        return self.cutoff + 1 / self.rate

    @property
    def variance(self):
        return jnp.broadcast_to(1 / self.rate**2, self.batch_shape)

    def sample(self, key, sample_shape=()):
        dtype = jnp.result_type(self.rate, float)
        return self.cutoff + jax.random.exponential(key, self.shape(sample_shape), dtype) / self.rate

    def log_prob(self, value):
        return jnp.where(value >= self.cutoff, jnp.log(self.rate) - self.rate * (value - self.cutoff), -jnp.inf)

    def cdf(self, value):
        return -jnp.expm1(-self.rate * jnp.maximum(value - self.cutoff, 0))


@functools.singledispatch
def log_survival(law: Law, x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """The logarithm of the probability that a gap is longer than `x`, accurate where that probability underflows.

    Known for the exponential, gamma, Weibull, log-normal and inverse Gaussian laws; a further law is registered with
    `log_survival.register`. Any other law with a `cdf` gets `log1p(-cdf)`, which loses digits far out.

    **Arguments:**

    - `law`: the law of a gap.
    - `x`: gaps, not negative.

    **Returns:** of the shape of `x`.

    **Raises:** `TypeError` for a law without a distribution function.

    !!! example

        ```python
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.points import log_survival
        log_survival(dist.Gamma(2.0, 1.0), jnp.array(500.0))  # -493.78
        ```
    """
    try:
        return jnp.log1p(-law.cdf(x))
    except NotImplementedError as error:
        remedy = "use a law with a cdf, or register one: log_survival.register(TheLaw)"
        raise TypeError(fault("law", "has no distribution function", type(law).__name__, remedy)) from error


@log_survival.register
def _(law: dist.Exponential, x):
    return -law.rate * x


@log_survival.register
def _(law: dist.Weibull, x):
    return -((x / law.scale) ** law.concentration)


@log_survival.register
def _(law: dist.LogNormal, x):
    # At 0 the logarithm would be infinite, and its gradient not a number.
    x = jnp.maximum(x, jnp.finfo(jnp.result_type(x)).tiny)
    return log_ndtr((law.loc - jnp.log(x)) / law.scale)


@log_survival.register
def _(law: InverseGaussian, x):
    x = jnp.maximum(x, jnp.finfo(jnp.result_type(x)).tiny)
    m, shape = law.mean_parameter, law.shape_parameter
    root = jnp.sqrt(shape / x)
    a = log_ndtr(root * (1 - x / m))
    b = 2 * shape / m + log_ndtr(-root * (1 + x / m))
    return a + jnp.log1p(-jnp.exp(jnp.minimum(b - a, 0)))


_LEVELS = 60


@log_survival.register
def _(law: dist.Gamma, x):
    a, z = law.concentration, law.rate * x
    far = z > a + 10 + 2 * jnp.sqrt(a)
    near = jnp.log(gammaincc(a, jnp.where(far, a, z)))
    safe = jnp.where(far, z, a + 20)

    # Legendre's continued fraction, from its end: Abramowitz and Stegun (1964), 6.5.31 in its even form.
    def level(tail, n):
        return safe + 2 * n - 1 - a - n * (n - a) / tail, None

    tail, _ = jax.lax.scan(level, safe + 2 * _LEVELS + 1 - a, jnp.arange(_LEVELS, 0, -1, dtype=safe.dtype))
    return jnp.where(far, a * jnp.log(safe) - safe - jnp.log(tail) - gammaln(a), near)


def density_peak(law: Law) -> Float[Array, ""] | None:
    """Where the density of a gap is largest, for laws whose hazard is not monotone; `None` for the others."""
    if isinstance(law, dist.LogNormal):
        return jnp.exp(law.loc - law.scale**2)
    if isinstance(law, InverseGaussian):
        ratio = 1.5 * law.mean_parameter / law.shape_parameter
        return law.mean_parameter / (jnp.sqrt(1 + ratio**2) + ratio)
    return None
