"""The observation laws."""

import abc

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Bool, Float

from .._errors import require
from .._parameters import constraints, parameter
from .._types import Array, Key, State, as_float, as_vector
from ._observation import AbstractObservation


__all__ = [
    "AbstractGaussianObservation",
    "BernoulliObservation",
    "CategoricalObservation",
    "GaussianObservation",
    "PoissonObservation",
    "StudentTObservation",
]


class AbstractGaussianObservation(AbstractObservation):
    r"""A linear Gaussian observation law, $y = C x + N(0, R)$: what exact filters know how to use.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.inference import AbstractGaussianObservation, GaussianObservation

        law = GaussianObservation(0.1, matrix=jnp.array([[1.0, 0.0]]))
        assert isinstance(law, AbstractGaussianObservation)
        c, r = law.linear(2)
        ```
    """

    @abc.abstractmethod
    def linear(self, dim: int) -> tuple[Float[Array, "e d"], Float[Array, "e e"]]:
        """The observation matrix `C` and the noise covariance `R`, for states of length `dim`."""


def _as_matrix(matrix):
    if matrix is None:
        return None
    matrix = as_float(matrix)
    matrix = matrix[None] if matrix.ndim == 1 else matrix
    require(matrix.ndim == 2, "matrix", "must have shape (e, d)", matrix, "pass one row an observed component")
    return matrix


def _project(matrix, x):
    return x if matrix is None else matrix @ x


def _total(law, y, mask, safe):
    """The log-density of the observed entries. Missing ones are replaced before the arithmetic, not after."""
    return jnp.sum(jnp.where(mask, law.log_prob(jnp.where(mask, y, safe)), 0))


def _square(matrix, scale, dim):
    """`C` and the length of an observation, checked against the state and the scale."""
    c = jnp.eye(dim, dtype=scale.dtype) if matrix is None else matrix
    require(c.shape[1] == dim, "matrix", f"must have one column a state component ({dim})", c, "pass shape (e, d)")
    e = c.shape[0]
    require(scale.shape in ((1,), (e,)), "scale", f"must have shape (), (1,) or ({e},)", scale, "pass one a component")
    return c


class GaussianObservation(AbstractGaussianObservation):
    r"""A linear Gaussian observation, $y = C x + \varepsilon$ with independent $\varepsilon_i \sim N(0, s_i^2)$.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.inference as inference

        law = inference.GaussianObservation(0.1, matrix=jnp.array([[1.0, 0.0]]))
        law.log_prob(jnp.zeros(2), jnp.zeros(1), jnp.ones(1, bool))
        ```
    """

    scale: Float[Array, " e"] = parameter(constraints.positive, converter=as_vector)
    """The standard deviation of the noise, one number for all components or one each."""
    matrix: Float[Array, "e d"] | None = parameter(trainable=False, converter=_as_matrix, default=None)
    """`C`; `None` for the identity. Fixed in a fit."""

    def linear(self, dim: int) -> tuple[Float[Array, "e d"], Float[Array, "e e"]]:
        c = _square(self.matrix, self.scale, dim)
        return c, jnp.diag(jnp.broadcast_to(self.scale, (c.shape[0],)) ** 2)

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        mean = _project(self.matrix, x)
        return _total(dist.Normal(mean, self.scale), y, mask, jax.lax.stop_gradient(mean))

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        mean = _project(self.matrix, x)
        return mean + self.scale * jax.random.normal(key, mean.shape, mean.dtype)


class StudentTObservation(AbstractObservation):
    r"""An observation with heavy tails, $y = C x + s\,\varepsilon$ with Student's $t$ noise: outliers pull little.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit.inference as inference

        inference.StudentTObservation(df=4.0, scale=0.1).sample(jnp.zeros(2), key=jax.random.key(0))
        ```
    """

    df: Float[Array, " e"] = parameter(constraints.positive, converter=as_vector)
    """The degrees of freedom."""
    scale: Float[Array, " e"] = parameter(constraints.positive, converter=as_vector)
    matrix: Float[Array, "e d"] | None = parameter(trainable=False, converter=_as_matrix, default=None)

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        mean = _project(self.matrix, x)
        return _total(dist.StudentT(self.df, mean, self.scale), y, mask, jax.lax.stop_gradient(mean))

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        mean = _project(self.matrix, x)
        return dist.StudentT(jnp.broadcast_to(self.df, mean.shape), mean, self.scale).sample(key)


class PoissonObservation(AbstractObservation):
    r"""Counts, $y_i \sim \mathrm{Poisson}(\exp((C x + o)_i))$.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.inference as inference

        law = inference.PoissonObservation()
        law.log_prob(jnp.zeros(1), jnp.array([2.0]), jnp.array([True]))
        ```
    """

    offset: Float[Array, " e"] = parameter(converter=as_vector, default=0.0)
    """`o`: the log of the rate at `x = 0`."""
    matrix: Float[Array, "e d"] | None = parameter(trainable=False, converter=_as_matrix, default=None)

    def _log_rate(self, x):
        return _project(self.matrix, x) + self.offset

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        log_rate = self._log_rate(x)
        count = jnp.where(mask & (y >= 0), y, 0)
        terms = count * log_rate - jnp.exp(log_rate) - jax.lax.lgamma(count + 1)
        return jnp.sum(jnp.where(mask, jnp.where(y < 0, -jnp.inf, terms), 0))

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        log_rate = self._log_rate(x)
        return jax.random.poisson(key, jnp.exp(log_rate)).astype(log_rate.dtype)


class BernoulliObservation(AbstractObservation):
    r"""Zeros and ones, $P(y_i = 1) = 1 / (1 + \exp(-(C x + o)_i))$.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.inference as inference

        inference.BernoulliObservation().log_prob(jnp.zeros(1), jnp.array([1.0]), jnp.array([True]))  # log(1/2)
        ```
    """

    offset: Float[Array, " e"] = parameter(converter=as_vector, default=0.0)
    matrix: Float[Array, "e d"] | None = parameter(trainable=False, converter=_as_matrix, default=None)

    def _logits(self, x):
        return _project(self.matrix, x) + self.offset

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        return _total(dist.BernoulliLogits(self._logits(x)), y, mask, 0.0)

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        logits = self._logits(x)
        return jax.random.bernoulli(key, jax.nn.sigmoid(logits)).astype(logits.dtype)


class CategoricalObservation(AbstractObservation):
    r"""One label of `k`, $P(y = i) \propto \exp((C x + o)_i)$. An observation is one number, the label `0 .. k-1`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.inference as inference

        inference.CategoricalObservation().log_prob(jnp.zeros(3), jnp.array([2.0]), jnp.array([True]))  # log(1/3)
        ```
    """

    offset: Float[Array, " k"] = parameter(converter=as_vector, default=0.0)
    matrix: Float[Array, "k d"] | None = parameter(trainable=False, converter=_as_matrix, default=None)

    def _logits(self, x):
        return _project(self.matrix, x) + self.offset

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        require(y.shape == (1,), "y", "must hold one label", y, "pass an observation of shape (1,)")
        label = jnp.where(mask[0], y[0], 0).astype(int)
        return jnp.where(mask[0], jax.nn.log_softmax(self._logits(x))[label], 0)

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        logits = self._logits(x)
        return jax.random.categorical(key, logits)[None].astype(logits.dtype)
