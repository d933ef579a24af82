"""Any scalar Gaussian process, pinned at two times."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from .._parameters import parameter
from .._process import AbstractGridded, AbstractProcess
from .._types import Key, RealScalar, Times, as_vector, is_concrete
from ..math import gaussian_factor
from ..paths import Provenance, SampledPath
from ._gaussian import AbstractDenseGaussian, _extra, deviations_of
from ._stable import to_dtype


__all__ = ["GaussianProcessBridge"]


class _Corrected(AbstractProcess):
    """A bridge at given times: a path of the process, moved by what it misses at the two ends."""

    prior: AbstractProcess
    times: Float[Array, " u"]
    """The times asked for, and the ends."""
    inner: Any
    ends: Any
    gain: Float[Array, "2 t"]
    pins: Float[Array, " 2"]
    dim: ClassVar[int] = 1

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        path: Any = self.prior.draw(self.times, key=key)
        xs = path.xs[:, 0]
        moved = xs[self.inner] + (self.pins - xs[self.ends]) @ self.gain
        for end, x in zip(self.ends, self.pins, strict=True):
            moved = jnp.where(self.inner == end, x, moved)
        return SampledPath(ts, moved[:, None], Provenance("exact"))


class GaussianProcessBridge(AbstractDenseGaussian, AbstractGridded):
    r"""A scalar Gaussian process on $[t_0, t_1]$ given its values at both ends.

    What `bridge` returns for fractional Brownian motions, fractional Ornstein-Uhlenbeck processes and all other
    processes with dense algebra. These have memory: the law in between is that given the two values and no others
    (condition on more by `condition`). With the ends $e = (t_0, t_1)$ and the covariance $K$ of the process,

    $$m(t) + K(t, e) K(e, e)^{-1} (x - m(e)), \qquad K(s, t) - K(s, e) K(e, e)^{-1} K(e, t).$$

    Draws at known times are paths of the process, however it draws them, moved by $K(t, e) K(e, e)^{-1}$ times what
    they miss at the ends; so they meet the ends exactly, and for a fractional Brownian motion on a regular grid cost
    O(t log t).

    **Arguments:**

    - `process`: a Gaussian process with dense algebra.
    - `t0`, `x0`: the first time and the value there, a number or shape `(1,)`.
    - `t1`, `x1`: the last time and the value there.

    **Raises:** `ValueError` if `t0 >= t1`, a value has another shape, or a value is impossible (not 0 at time 0 for a
    fractional Brownian motion). Sampling at times outside `[t0, t1]` raises.

    Source: Rasmussen and Williams (2006), equation 2.19; Gasbarra, Sottinen and Valkeila (2007), Gaussian bridges. The
    draw is that of Journel and Huijbregts (1978), Mining geostatistics.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import FractionalBrownianMotion
        bridge = FractionalBrownianMotion(hurst=0.3).bridge(0.0, jnp.zeros(1), 1.0, jnp.ones(1))
        bridge.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0)).xs[-1]  # [1.]
        ```
    """

    process: Any
    t0: Float[Array, ""] = parameter(trainable=False)
    x0: Float[Array, " 1"] = parameter(trainable=False, converter=as_vector)
    t1: Float[Array, ""] = parameter(trainable=False)
    x1: Float[Array, " 1"] = parameter(trainable=False, converter=as_vector)
    jitter: float | None = eqx.field(static=True)

    def __init__(self, process: AbstractDenseGaussian, t0: RealScalar, x0: ArrayLike, t1: RealScalar, x1: ArrayLike):
        dtype = to_dtype(t0, t1, x0, x1)
        self.process, self.jitter = process, process.jitter
        self.t0, self.t1 = jnp.asarray(t0, dtype), jnp.asarray(t1, dtype)
        self.x0, self.x1 = as_vector(jnp.asarray(x0, dtype)), as_vector(jnp.asarray(x1, dtype))
        where = "GaussianProcessBridge"
        for name, x in (("x0", self.x0), ("x1", self.x1)):
            require(x.shape == (1,), f"{where}.{name}", "must have shape (1,)", x, "pass a number")
        if is_concrete((t0, t1)):
            require(float(t0) < float(t1), f"{where}.t1", f"must be later than t0 = {t0}", t1, "swap the ends")
        mean, cov, _ = self._ends()
        if is_concrete((mean, cov, self.x0, self.x1)):
            fixed = np.diag(np.asarray(cov)) == 0
            for name, x, m, sure in zip(("x0", "x1"), (self.x0, self.x1), np.asarray(mean), fixed, strict=True):
                remedy = "pin it there, or begin later"
                require(not sure or float(x[0]) == m, f"{where}.{name}", f"must be {m}, which is certain", x, remedy)

    def _ends(self) -> tuple[Array, Array, Array]:
        ts = jnp.stack([self.t0, self.t1])
        return self.process.mean(ts), self.process.covariance(ts, ts), ts

    def _solve(self, ts: Times) -> tuple[Array, Array, Array]:
        """Root of the covariance at the ends, the whitened ends, and the whitened covariance of the ends and `ts`."""
        mean, cov, ends = self._ends()
        extra = _extra(self.process, ends, cov.dtype)
        factor, white, used = gaussian_factor(mean, cov, jnp.concatenate([self.x0, self.x1]), None, extra)
        cross = jnp.where(used[:, None], self.process.covariance(ends, ts), 0)
        return factor, white, jsl.solve_triangular(factor, cross, lower=True)

    def mean(self, ts: Times) -> Float[Array, " t"]:
        _, white, gain = self._solve(ts)
        inside = self.process.mean(ts) + white @ gain
        return jnp.where(ts == self.t0, self.x0, jnp.where(ts == self.t1, self.x1, inside))

    def _is_end(self, ts: Times) -> Array:
        return (ts == self.t0) | (ts == self.t1)

    def covariance(self, ss: Float[Array, " s"], ts: Times) -> Float[Array, "s t"]:
        left = self._solve(ss)[2]
        right = left if ss is ts else self._solve(ts)[2]
        fixed = self._is_end(ss)[:, None] | self._is_end(ts)[None, :]
        return jnp.where(fixed, 0, self.process.covariance(ss, ts) - left.T @ right)

    def contrasts(self, ts, ys, mask):
        return deviations_of(self, ts, ys)

    def reference_variance(self, ts: Times) -> Float[Array, " t"]:
        return jnp.where(self._is_end(ts), 0, self.process.reference_variance(ts))

    def on_grid(self, ts: np.ndarray) -> AbstractProcess:
        ends = np.asarray(jnp.stack([self.t0, self.t1])).astype(ts.dtype)
        inside = bool(ts[0] >= ends[0]) and bool(ts[-1] <= ends[1])
        require(inside, "ts", f"must lie in [{ends[0]}, {ends[1]}]", ts, "drop the times outside")
        times = np.union1d(ts, ends)
        prior = self.process.on_grid(times) if isinstance(self.process, AbstractGridded) else self.process
        factor, _, cross = self._solve(jnp.asarray(ts))
        gain = jsl.solve_triangular(factor.T, cross, lower=False)
        places = lambda t: np.searchsorted(times, t)
        pins = jnp.concatenate([self.x0, self.x1])
        return _Corrected(prior, jnp.asarray(times), places(ts), places(ends), gain, pins)
