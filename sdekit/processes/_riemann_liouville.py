"""Fractional motions that start at time 0: Riemann-Liouville, with one Hurst index, and with one for each time."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from .._parameters import constraints, parameter
from .._process import AbstractGridded, AbstractProcess
from .._types import RealScalar, Times, as_float, as_vector, is_concrete
from ..math import multifractional_covariance, riemann_liouville_covariance
from ..noise import HurstCurve
from ._fractional import _HURST, _rooted
from ._gaussian import AbstractDenseGaussian, deviations_of
from ._hybrid import AbstractPathMethod, DenseRoot


__all__ = ["MultifractionalMotion", "RiemannLiouvilleMotion"]


class RiemannLiouvilleMotion(AbstractDenseGaussian, AbstractGridded):
    r"""Riemann-Liouville (type II) fractional Brownian motion, $B_t = \sigma\sqrt{2H}\int_0^t (t-u)^{H-1/2} dW_u$.

    The variance at time `t` is $\sigma^2 t^{2H}$, as that of `FractionalBrownianMotion`; the increments are not
    stationary, because nothing happens before time 0. Brownian motion for `hurst = 1/2`. The fractional integral of
    white noise, with $1/\Gamma(H + 1/2)$ in front, is had by $\sigma = 1/(\sqrt{2H}\,\Gamma(H + 1/2))$.

    **Arguments:**

    - `hurst`: the Hurst index $H$ in (0, 1).
    - `scale`: the standard deviation $\sigma$ at time 1.
    - `method`: how paths are drawn at known times: `DenseRoot()`, exact, by default; `Hybrid(kappa)` for long regular
        grids. Where times or parameters are traced (inside `jit`) draws are by Cholesky.

    Times are not negative. Densities are exact, by Cholesky without jitter, as those of `FractionalBrownianMotion`.

    **Raises:** `ValueError` for negative times.

    Source: Levy (1953), Random functions: general theory with special reference to Laplacian random functions;
    Marinucci and Robinson (1999), Alternative forms of fractional Brownian motion.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import Hybrid, RiemannLiouvilleMotion
        ts = jnp.linspace(0.0, 1.0, 101)
        RiemannLiouvilleMotion(hurst=0.1).sample(ts, key=jax.random.key(0), n=10)
        RiemannLiouvilleMotion(hurst=0.1, method=Hybrid()).sample(ts, key=jax.random.key(0), n=10)
        ```
    """

    method: AbstractPathMethod
    hurst: Float[Array, ""] = parameter(_HURST)
    scale: Float[Array, ""] = parameter(constraints.positive)
    jitter: ClassVar[float | None] = 0.0

    def __init__(self, hurst: ArrayLike, scale: ArrayLike = 1.0, method: AbstractPathMethod | None = None):
        self.hurst, self.scale = as_float(hurst), as_float(scale)
        self.method = DenseRoot() if method is None else method

    def mean(self, ts: Times) -> Float[Array, " t"]:
        return jnp.zeros(ts.shape, jnp.result_type(ts, self.scale))

    def covariance(self, ss: Float[Array, " s"], ts: Times) -> Float[Array, "s t"]:
        return self.scale**2 * riemann_liouville_covariance(self.hurst, ss, ts)

    def contrasts(self, ts, ys, mask):
        return deviations_of(self, ts, ys)

    def reference_variance(self, ts: Times) -> Float[Array, " t"]:
        return self.scale**2 * _power(ts, 2 * self.hurst)

    def on_grid(self, ts: np.ndarray) -> AbstractProcess:
        return self.method.prepare(self, ts)


def _power(t: Array, a: Array) -> Array:
    """`t**a`, 0 at 0 with derivatives of 0."""
    later = t > 0
    return jnp.where(later, jnp.where(later, t, 1) ** a, 0)


class MultifractionalMotion(AbstractDenseGaussian, AbstractGridded):
    r"""Multifractional motion of Riemann-Liouville type, $B_t = \sigma\sqrt{2H_t}\int_0^t (t-u)^{H_t-1/2} dW_u$.

    At time `t` paths are as rough as those of a motion with the index $H_t$, and the variance is $\sigma^2 t^{2 H_t}$.
    `RiemannLiouvilleMotion` if the index is the same at all times. The covariance is exact for any pair of indices.

    **Arguments:**

    - `hurst`: a function from a time to an index in (0, 1): a `sdekit.noise.HurstCurve`, any module or function in
        JAX, or a number.
    - `scale`: $\sigma$, positive.

    Times are not negative. Draws are exact, by a dense root found in float64 on the host (by Cholesky where traced);
    densities by Cholesky without jitter.

    **Raises:** `ValueError` for negative times, or an index outside (0, 1); where it is traced the result is NaN.

    Source: Peltier and Levy Vehel (1995), Multifractional Brownian motion: definition and preliminary results, with the
    kernel of Muniandy and Lim (2001).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.noise import HurstCurve
        from sdekit.processes import MultifractionalMotion
        smoother = MultifractionalMotion(HurstCurve([0.0, 1.0], [0.2, 0.8]))
        smoother.sample(jnp.linspace(0.0, 1.0, 101), key=jax.random.key(0), n=10)
        MultifractionalMotion(lambda t: 0.5 + 0.3 * jnp.sin(t)).marginal(1.0).variance  # [1.]
        ```
    """

    hurst: Callable[[RealScalar], ArrayLike]
    scale: Float[Array, ""] = parameter(constraints.positive)
    jitter: ClassVar[float | None] = 0.0

    def __init__(self, hurst: Callable[[RealScalar], ArrayLike] | ArrayLike, scale: ArrayLike = 1.0):
        self.hurst = hurst if callable(hurst) else HurstCurve(0.0 * as_vector(hurst), as_vector(hurst))
        self.scale = as_float(scale)

    def indices(self, ts: Times) -> Float[Array, " t"]:
        """The Hurst index at each time, shape `(t,)`."""
        values = jax.vmap(lambda t: jnp.asarray(self.hurst(t)).reshape(()))(ts)
        good = (values > 0) & (values < 1)
        if is_concrete(values):
            remedy = "pass a function with values in (0, 1), e.g. a sigmoid"
            require(bool(good.all()), "MultifractionalMotion.hurst", "must lie in (0, 1)", values, remedy)
        return jnp.where(good, values, jnp.nan)

    def mean(self, ts: Times) -> Float[Array, " t"]:
        return jnp.zeros(ts.shape, jnp.result_type(ts, self.scale))

    def covariance(self, ss: Float[Array, " s"], ts: Times) -> Float[Array, "s t"]:
        return self.scale**2 * multifractional_covariance(self.indices(ss), self.indices(ts), ss, ts)

    def contrasts(self, ts, ys, mask):
        return deviations_of(self, ts, ys)

    def reference_variance(self, ts: Times) -> Float[Array, " t"]:
        return self.scale**2 * _power(ts, 2 * self.indices(ts))

    def on_grid(self, ts: np.ndarray) -> AbstractProcess:
        times, at = np.asarray(ts, np.float64), jnp.asarray(ts)
        hurst: Any = np.asarray(self.indices(at), np.float64)
        cov = float(self.scale) ** 2 * multifractional_covariance(hurst, hurst, times, times)
        return _rooted(self, cov, jnp.result_type(at, self.scale))
