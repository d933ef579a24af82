"""Laws of what is seen of a hidden state, with estimates in closed form given the laws of the states."""

import abc
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from .._errors import require
from .._parameters import constraints, parameter
from .._types import Array, Key, State, as_float
from ..inference import AbstractObservation


__all__ = [
    "AbstractEmission",
    "GaussianEmission",
    "Misclassification",
    "PoissonEmission",
    "label_noise",
    "state_log_probs",
]


class AbstractEmission(AbstractObservation):
    """The law of an observation for each state of a chain. Its state `x` is one-hot, of length `n`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import AbstractEmission, PoissonEmission

        law = PoissonEmission(jnp.array([1.0, 5.0]))
        assert isinstance(law, AbstractEmission)
        law.log_probs(jnp.array([2.0]), jnp.array([True]))
        ```
    """

    @abc.abstractmethod
    def log_probs(self, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, " n"]:
        """The log-density of an observation in each state, shape `(n,)`."""

    @abc.abstractmethod
    def estimate(self, ys: Float[Array, "t e"], mask: Bool[Array, "t e"], weights: Float[Array, "t n"]) -> Self:
        """The law that maximises the expected log-density, given the probabilities of the states at each time."""

    def log_prob(self, x: State, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, ""]:
        return self.log_probs(y, mask)[jnp.argmax(x)]


def state_log_probs(
    law: AbstractObservation, ys: Float[Array, "t e"], mask: Bool[Array, "t e"], n: int
) -> Float[Array, "t n"]:
    """The log-density of each observation in each state, by any observation law of a one-hot state.

    **Arguments:**

    - `law`: an observation law.
    - `ys`, `mask`: the observations, shape `(t, e)`.
    - `n`: the number of states.

    **Returns:** shape `(t, n)`; rows of zeros where nothing was observed.

    **Raises:** `ValueError` if the law is for another number of states.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.inference import GaussianObservation
        from sdekit.jumps import state_log_probs

        law = GaussianObservation(0.5, matrix=jnp.array([[0.0, 3.0]]))  # levels 0 and 3
        state_log_probs(law, jnp.zeros((4, 1)), jnp.ones((4, 1), bool), 2)
        ```
    """
    if isinstance(law, AbstractEmission):
        found = jax.vmap(law.log_probs)(ys, mask)
        require(found.shape[1] == n, "observation", f"must be for {n} states", found, "pass one law a state")
        return found
    eye = jnp.eye(n, dtype=ys.dtype)
    return jax.vmap(lambda y, m: jax.vmap(lambda x: law.log_prob(x, y, m))(eye))(ys, mask)


def _columns(x) -> Array:
    x = as_float(x)
    return x[:, None] if x.ndim == 1 else x


def _means(ys: Array, mask: Array, weights: Array) -> tuple[Array, Array]:
    """Weighted means `(n, e)` of the observed entries, and the weight behind each."""
    count = weights.T @ mask.astype(weights.dtype)
    safe = jnp.maximum(count, jnp.finfo(weights.dtype).tiny)
    return weights.T @ jnp.where(mask, ys, 0) / safe, safe


class GaussianEmission(AbstractEmission):
    r"""Independent Gaussian components, $y_c \mid i \sim N(m_{ic}, s_{ic}^2)$.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import GaussianEmission
        GaussianEmission(jnp.array([0.0, 3.0]), jnp.array([1.0, 0.5]))  # two states, one component
        ```
    """

    mean: Float[Array, "n e"] = parameter(converter=_columns)
    scale: Float[Array, "n e"] = parameter(constraints.positive, converter=_columns)

    def __check_init__(self):
        shape = self.mean.shape
        require(self.scale.shape == shape, "scale", f"must have the shape of mean, {shape}", self.scale, "one a mean")

    def log_probs(self, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, " n"]:
        z = (jnp.where(mask, y, 0)[None] - self.mean) / self.scale
        terms = -0.5 * z**2 - jnp.log(self.scale) - 0.5 * jnp.log(2 * jnp.pi).astype(z.dtype)
        return jnp.where(mask[None], terms, 0).sum(1)

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        i = jnp.argmax(x)
        return self.mean[i] + self.scale[i] * jax.random.normal(key, self.mean.shape[1:], self.mean.dtype)

    def estimate(self, ys: Float[Array, "t e"], mask: Bool[Array, "t e"], weights: Float[Array, "t n"]) -> Self:
        mean, count = _means(ys, mask, weights)
        # About the old means, so that nothing cancels where the data lie far from zero.
        gap = jnp.where(mask, ys, 0)[:, None, :] - self.mean[None]
        square = jnp.einsum("tn,tne->ne", weights, jnp.where(mask[:, None, :], gap**2, 0)) / count
        variance = square - (mean - self.mean) ** 2
        floor = jnp.finfo(mean.dtype).eps * (1 + mean**2)
        return eqx.tree_at(lambda e: (e.mean, e.scale), self, (mean, jnp.sqrt(jnp.maximum(variance, floor))))


class PoissonEmission(AbstractEmission):
    r"""Counts, $y_c \mid i \sim \mathrm{Poisson}(r_{ic})$.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import PoissonEmission
        PoissonEmission(jnp.array([1.0, 8.0]))
        ```
    """

    rate: Float[Array, "n e"] = parameter(constraints.positive, converter=_columns)

    def log_probs(self, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, " n"]:
        count = jnp.where(mask & (y >= 0), y, 0)
        terms = count[None] * jnp.log(self.rate) - self.rate - jax.lax.lgamma(count + 1)[None]
        return jnp.where(mask[None], jnp.where((y < 0)[None], -jnp.inf, terms), 0).sum(1)

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        return jax.random.poisson(key, self.rate[jnp.argmax(x)]).astype(self.rate.dtype)

    def estimate(self, ys: Float[Array, "t e"], mask: Bool[Array, "t e"], weights: Float[Array, "t n"]) -> Self:
        mean, _ = _means(ys, mask, weights)
        return eqx.tree_at(lambda e: e.rate, self, jnp.maximum(mean, jnp.finfo(mean.dtype).tiny))


class Misclassification(AbstractEmission):
    """Labels, wrong with given probabilities: row `i` of the matrix is the law of the label in state `i`.

    A zero says that the label is never seen in that state, and stays so.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import Misclassification
        Misclassification(jnp.array([[0.9, 0.1], [0.1, 0.9]]))
        ```
    """

    matrix: Float[Array, "n k"] = parameter(constraints.simplex, trainable=lambda law: law.free)
    free: bool = eqx.field(static=True, default=True)
    """Whether a fit moves the matrix; otherwise it is taken as known."""

    def log_probs(self, y: Float[Array, " e"], mask: Bool[Array, " e"]) -> Float[Array, " n"]:
        label = jnp.where(mask[0], y[0], 0).astype(int)
        column = self.matrix[:, label]
        return jnp.where(mask[0], jnp.where(column > 0, jnp.log(jnp.where(column > 0, column, 1)), -jnp.inf), 0)

    def sample(self, x: State, *, key: Key) -> Float[Array, " e"]:
        return jax.random.categorical(key, jnp.log(self.matrix[jnp.argmax(x)]))[None].astype(self.matrix.dtype)

    def estimate(self, ys: Float[Array, "t e"], mask: Bool[Array, "t e"], weights: Float[Array, "t n"]) -> Self:
        if not self.free:
            return self
        labels = jax.nn.one_hot(jnp.where(mask[:, 0], ys[:, 0], -1).astype(int), self.matrix.shape[1])
        counts = weights.T @ labels.astype(weights.dtype)
        total = counts.sum(1, keepdims=True)
        new = jnp.where(total > 0, counts / jnp.where(total > 0, total, 1), self.matrix)
        return eqx.tree_at(lambda e: e.matrix, self, new)


def label_noise(num_states: int, error: float, *, free: bool = False) -> Misclassification:
    """Labels that are wrong with one probability, and then any of the others alike.

    **Arguments:**

    - `num_states`: the number of states, 2 or more.
    - `error`: the probability that a label is wrong.
    - `free`: whether a fit moves the matrix.

    **Returns:** a `Misclassification`.

    **Raises:** `ValueError` for a probability outside of [0, 1].

    !!! example

        ```python
        from sdekit.jumps import label_noise
        label_noise(3, 0.1).matrix  # 0.9 on the diagonal, else 0.05
        ```
    """
    require(num_states >= 2, "num_states", "must be at least 2", num_states, "one state has no wrong label")
    require(0 <= error <= 1, "error", "must lie in [0, 1]", error, "pass a probability")
    eye = jnp.eye(num_states)
    return Misclassification((1 - error) * eye + error / (num_states - 1) * (1 - eye), free)
