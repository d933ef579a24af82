"""At which times a loss is looked at."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key
from ._path import AffinePath


__all__ = ["AbstractTimes", "LogSNRTimes", "StratifiedTimes", "UniformTimes"]

Drawn = tuple[Float[Array, " n"], Float[Array, " n"]]


class AbstractTimes(eqx.Module):
    """A law of times in (0, 1), with the weights that make up for it.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit.interpolants as si
        times = si.StratifiedTimes()
        t, weight = times.draw(si.linear(), 8, jnp.float32, key=jax.random.key(0))
        ```
    """

    @abc.abstractmethod
    def draw(self, path: AffinePath, n: int, dtype, *, key: Key) -> Drawn:
        """`n` times, never 0 or 1, and weights so that weighted means estimate the integral over [0, 1]."""


def open_uniform(key: Key, n: int, dtype) -> Float[Array, " n"]:
    """Uniform on the open interval: the middles of the cells that the generator knows."""
    return jax.random.uniform(key, (n,), dtype) + jnp.finfo(dtype).eps / 2


class UniformTimes(AbstractTimes):
    """Independent, uniform.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit.interpolants as si
        si.UniformTimes().draw(si.linear(), 3, jnp.float32, key=jax.random.key(0))
        ```
    """

    def draw(self, path: AffinePath, n: int, dtype, *, key: Key) -> Drawn:
        return open_uniform(key, n, dtype), jnp.ones(n, dtype)


class StratifiedTimes(AbstractTimes):
    """One in each of `n` equal parts of [0, 1]: uniform each, and evenly spread together.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit.interpolants as si
        si.StratifiedTimes().draw(si.linear(), 3, jnp.float32, key=jax.random.key(0))
        ```

    Source: Owen (2013), Monte Carlo theory, methods and examples, section 8.4.
    """

    def draw(self, path: AffinePath, n: int, dtype, *, key: Key) -> Drawn:
        t = (jnp.arange(n, dtype=dtype) + open_uniform(key, n, dtype)) / n
        return jnp.minimum(t, 1 - jnp.finfo(dtype).epsneg), jnp.ones(n, dtype)


class LogSNRTimes(AbstractTimes):
    r"""Uniform in the logarithm of the signal-to-noise ratio, stratified: as many looks at each level of noise.

    **Arguments:**

    - `low`, `high`: between which values of $\log(c^2/\gamma^2)$.
    - `importance`: whether the weights undo the change of law, so that the loss is the integral over the times in
        between; without, each level of noise weighs the same.

    **Raises:** `ValueError` unless `low < high`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit.interpolants as si
        times = si.LogSNRTimes(-8.0, 8.0)
        times.draw(si.one_sided_linear(), 3, jnp.float32, key=jax.random.key(0))
        ```

    Source: Kingma, Salimans, Poole and Ho (2021), Variational diffusion models, section 5.1.
    """

    low: float = eqx.field(static=True, default=-10.0)
    high: float = eqx.field(static=True, default=10.0)
    importance: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        require(self.low < self.high, "LogSNRTimes.low", "must be below high", self.low, "swap them")

    def draw(self, path: AffinePath, n: int, dtype, *, key: Key) -> Drawn:
        u = (jnp.arange(n, dtype=dtype) + open_uniform(key, n, dtype)) / n
        t = jax.vmap(path.time_of)(self.low + (self.high - self.low) * u).astype(dtype)
        if not self.importance:
            return t, jnp.ones(n, dtype)
        speed = jnp.abs(jax.vmap(jax.grad(path.log_snr))(t))
        return t, (self.high - self.low) / speed
