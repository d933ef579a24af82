"""Cox processes: the rate itself is random."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import fault, require
from .._process import AbstractGaussianProcess, AbstractProcess
from .._types import Key, RealScalar, Times
from ..data import AbstractRecord, Events
from ..math import gaussian_root
from ..paths import EventPath, Provenance


__all__ = ["LogGaussianCox"]


class LogGaussianCox(AbstractProcess):
    r"""The Poisson process of a random rate $e^{G(t)}$, constant in cells, with a Gaussian process `G`.

    Given the field it is an `InhomogeneousPoisson`, drawn exactly: counts in cells are Poisson, times uniform in a
    cell.
    The mean count of a cell of length `h` is $h\,e^{m + K(0)/2}$, the pair correlation $e^{K(r)}$. The likelihood has
    no closed form: `log_prob` is Laplace's approximation.

    **Arguments:**

    - `field`: the Gaussian process of the logarithm of the rate.
    - `cells`: how many cells a window is cut into.
    - `room`: for how many events there is room in a path; a fuller one raises an error.

    **Raises:** `ValueError` for fewer than one cell.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import LogGaussianCox
        from sdekit.processes import GaussianProcess, Matern32
        cox = LogGaussianCox(GaussianProcess(Matern32()), cells=50)
        cox.sample(jnp.array([0.0, 20.0]), key=jax.random.key(0), n=3)
        ```

    Source: Moller, Syversveen and Waagepetersen (1998), Log Gaussian Cox processes.
    """

    field: AbstractGaussianProcess
    cells: int = eqx.field(static=True, default=128)
    room: int = eqx.field(static=True, default=4096)

    dim = 1

    def __check_init__(self):
        require(self.cells >= 1, "cells", "must be positive", self.cells, "pass e.g. 128")
        require(self.room >= 1, "room", "must be positive", self.room, "pass how many events a path may have")

    def _grid(self, t0: RealScalar, t1: RealScalar) -> tuple[Array, Array]:
        width = (t1 - t0) / self.cells
        return t0 + width * (jnp.arange(self.cells) + 0.5), width

    def draw(self, ts: Times, *, key: Key) -> EventPath:
        t0, t1 = ts[0], ts[-1]
        centres, width = self._grid(t0, t1)
        k1, k2, k3 = jax.random.split(key, 3)
        root = gaussian_root(self.field.covariance(centres, centres))
        log_rate = self.field.mean(centres) + root @ jax.random.normal(k1, (self.cells,), root.dtype)
        counts = jax.random.poisson(k2, width * jnp.exp(log_rate))
        ends = jnp.cumsum(counts)
        place = jnp.searchsorted(ends, jnp.arange(self.room), side="right")
        times = t0 + width * (place + jax.random.uniform(k3, (self.room,), root.dtype))
        mask = jnp.arange(self.room) < ends[-1]
        times = jnp.sort(jnp.where(mask, times, t1))
        problem, remedy = "found more events than there is room for", "pass a larger LogGaussianCox.room"
        times = eqx.error_if(times, ends[-1] > self.room, f"`room` {problem}. {remedy}.")
        return EventPath(times, None, mask, t0=t0, t1=t1, made=Provenance("exact given the field"))

    def expected_counts(self, t0: RealScalar, t1: RealScalar) -> Float[Array, ""]:
        """The mean number of events on a window."""
        centres, width = self._grid(t0, t1)
        variance = jnp.diagonal(self.field.covariance(centres, centres))
        return (width * jnp.exp(self.field.mean(centres) + variance / 2)).sum()

    def count_variance(self, t0: RealScalar, t1: RealScalar) -> Float[Array, ""]:
        """The variance of the number of events on a window: above the mean, as for every Cox process."""
        centres, width = self._grid(t0, t1)
        k = self.field.covariance(centres, centres)
        means = width * jnp.exp(self.field.mean(centres) + jnp.diagonal(k) / 2)
        return means.sum() + means @ jnp.expm1(k) @ means

    def posterior(self, record: Events) -> tuple[Float[Array, " c"], Float[Array, " c"]]:
        """The most likely logarithm of the rate in each cell, given one sequence, and standard deviations about it.

        **Arguments:**

        - `record`: one sequence.

        **Returns:** mode and standard deviations of Laplace's approximation, shape `(cells,)`.
        """
        _, mode, spread = self._laplace(record)
        return mode, spread

    def log_prob(self, record: AbstractRecord) -> Float[Array, ""]:
        """Laplace's approximation of the log-likelihood of one sequence: near where cells hold many events or none.

        **Arguments:**

        - `record`: one sequence.

        **Returns:** a scalar.
        """
        return self._laplace(record)[0]

    def _laplace(self, record):
        if not isinstance(record, Events):
            raise TypeError(fault("record", "must be Events", type(record).__name__, "see Events.from_list"))
        require(record.is_item, "record", "must be one sequence", record.ts, "index it, or use jax.vmap")
        centres, width = self._grid(record.t0, record.t1)
        cell = jnp.clip(((record.ts - record.t0) / width).astype(int), 0, self.cells - 1)
        counts = jnp.zeros(self.cells, width.dtype).at[cell].add(record.mask.astype(width.dtype))
        root = gaussian_root(self.field.covariance(centres, centres))
        mean, eye = self.field.mean(centres), jnp.eye(self.cells, dtype=root.dtype)

        # In white coordinates the objective is concave, with Hessian -(1 + root' rates root).
        def step(z, _):
            rates = width * jnp.exp(mean + root @ z)
            slope = root.T @ (counts - rates) - z
            move = jnp.linalg.solve(eye + root.T @ (rates[:, None] * root), slope)
            # A step of at most one in the logarithm of a rate: far from the mode Newton's own overshoots.
            most = jnp.abs(root @ move).max()
            return z + move * jnp.minimum(1.0, 1.0 / jnp.maximum(most, 1e-30)), None

        z, _ = jax.lax.scan(step, jnp.zeros(self.cells, root.dtype), None, length=40)
        log_rate = mean + root @ z
        rates = width * jnp.exp(log_rate)
        precision = eye + root.T @ (rates[:, None] * root)
        value = (counts * log_rate - rates).sum() - z @ z / 2 - jnp.linalg.slogdet(precision)[1] / 2
        spread = jnp.sqrt(jnp.maximum(jnp.sum(root * jnp.linalg.solve(precision, root.T).T, axis=1), 0))
        return value, log_rate, spread
