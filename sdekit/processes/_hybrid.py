"""How a Riemann-Liouville motion is drawn: exactly by a dense root, or fast by the hybrid scheme."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.fft
from jaxtyping import Array, Complex, Float

from .._errors import require
from .._process import AbstractProcess
from .._types import Key, Times
from ..math import counter_normal, gauss_legendre, riemann_liouville_covariance
from ..paths import Provenance, SampledPath
from ._fractional import _grid_from_zero, _rooted


__all__ = ["AbstractPathMethod", "DenseRoot", "Hybrid"]


class AbstractPathMethod(eqx.Module):
    """How paths of a Riemann-Liouville motion are drawn at known times.

    !!! example

        ```python
        from sdekit.processes import AbstractPathMethod, Hybrid
        isinstance(Hybrid(kappa=2), AbstractPathMethod)  # True
        ```
    """

    @abc.abstractmethod
    def prepare(self, process: Any, ts: np.ndarray) -> AbstractProcess:
        """The process made ready to draw at just these times; on the host, in float64."""


class DenseRoot(AbstractPathMethod):
    """Exact draws at any times, by a root of the covariance: O(t^3) once, O(t^2) a path.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.processes import DenseRoot, RiemannLiouvilleMotion
        motion = RiemannLiouvilleMotion(hurst=0.1, method=DenseRoot())
        motion.sample(jnp.array([0.1, 0.5, 0.7]), key=jax.random.key(0), n=10)
        ```
    """

    def prepare(self, process: Any, ts: np.ndarray) -> AbstractProcess:
        times = np.asarray(ts, np.float64)
        cov = float(process.scale) ** 2 * riemann_liouville_covariance(process.hurst, times, times)
        return _rooted(process, cov, jnp.result_type(jnp.asarray(ts), process.hurst, process.scale))


class Hybrid(AbstractPathMethod):
    r"""The hybrid scheme: draws on regular grids in O(n log n), close to the exact law.

    The kernel $(t - u)^\alpha$, $\alpha = H - 1/2$, is kept as it is over the last `kappa` steps before `t`, where it
    is singular, and replaced by its mean over each step before. Steps of length 1 (times of length `dt` scale by
    $dt^H$): with $W^{(k)}_j = \int_0^1 (k - v)^\alpha dW_{j + v}$ and $\Delta W_j$, which are drawn jointly,

    $$B_i = \sqrt{2H} \Bigl(\sum_{k \le \kappa} W^{(k)}_{i - k}
      + \sum_{\kappa < k \le i} \frac{k^{\alpha + 1} - (k - 1)^{\alpha + 1}}{\alpha + 1} \Delta W_{i - k}\Bigr).$$

    `error` gives its mean square distance from the motion with the same Brownian motion, exactly.

    **Arguments:**

    - `kappa`: how many steps keep their kernel, at least 1. The error falls slowly with it, as `kappa**(H - 1)`.

    **Raises:** `ValueError` for `kappa` below 1; at draws, for times that are not a regular grid from 0 on.

    Source: Bennedsen, Lunde and Pakkanen (2017), Hybrid scheme for Brownian semistationary processes, Finance and
    Stochastics 21, equations 2.12 to 2.16, with the weights of proposition 2.8 replaced by means of the kernel, which
    have the least mean square error.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.processes import Hybrid, RiemannLiouvilleMotion
        method = Hybrid(kappa=1)
        motion = RiemannLiouvilleMotion(hurst=0.1, method=method)
        motion.sample(jnp.linspace(0.0, 1.0, 1001), key=jax.random.key(0), n=10)
        1000**-0.1 * method.error(0.1, 1000)  # 0.018, of a standard deviation of 1 at time 1
        ```
    """

    kappa: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        require(self.kappa >= 1, "Hybrid.kappa", "must be a positive number of steps", self.kappa, "pass kappa=1")

    def error(self, hurst: float, steps: int) -> float:
        r"""The root mean square distance from the motion after `steps` steps of length 1, for `scale = 1`.

        The mean of $(y^\alpha - \overline{y^\alpha})^2$ over each step past `kappa`, summed, times $2H$. For steps of
        length `dt` and another scale multiply by `scale * dt**hurst`. Covariances of the scheme are then off by at most
        $e_s \sigma_t + e_t \sigma_s + e_s e_t$.

        **Arguments:**

        - `hurst`: the Hurst index.
        - `steps`: the number of steps from time 0.

        **Returns:** the distance; it grows with `steps`, to a limit.
        """
        k = np.arange(self.kappa + 1, max(steps, self.kappa) + 1, dtype=np.float64)
        nodes, weights = gauss_legendre(24)
        values = (k[:, None] - (1 - nodes) / 2) ** (hurst - 0.5)
        means = values @ weights / 2
        return float(np.sqrt(2 * hurst * np.sum((values - means[:, None]) ** 2 @ weights / 2)))

    def prepare(self, process: Any, ts: np.ndarray) -> AbstractProcess:
        grid = _grid_from_zero(ts)
        remedy = "pass times such as numpy.linspace(0, 1, n), or use method=DenseRoot()"
        require(grid is not None, "ts", "must be a regular grid from 0 on for the hybrid scheme", ts, remedy)
        assert grid is not None
        step, lead = grid
        n = lead + len(ts) - 1
        hurst, scale = float(process.hurst), float(process.scale)
        dtype = jnp.result_type(jnp.asarray(ts), process.hurst, process.scale)
        factor = scale * np.sqrt(2 * hurst) * step**hurst
        means = np.diff(np.arange(n + 1.0) ** (hurst + 0.5)) / (hurst + 0.5)
        size: Any = scipy.fft.next_fast_len(2 * n, real=True)
        far = np.concatenate([np.zeros(1), np.where(np.arange(n) < self.kappa, 0.0, means)])
        waves = np.fft.rfft(factor * far, size)
        root = _step_root(hurst, self.kappa) * np.r_[1.0, np.full(self.kappa, factor)][:, None]
        wide = jnp.result_type(dtype, jnp.complex64)
        return _HybridMotion(jnp.asarray(root, dtype), jnp.asarray(waves, wide), lead, size)


def _step_root(hurst: float, kappa: int) -> np.ndarray:
    """A root of the covariance of the increment over a step of length 1 and its `kappa` weighted integrals."""
    k = np.arange(kappa + 1.0)
    motion = riemann_liouville_covariance(hurst, k, k) / (2 * hurst)
    cov = np.ones((kappa + 1, kappa + 1))
    cov[0, 1:] = cov[1:, 0] = np.diff(k ** (hurst + 0.5)) / (hurst + 0.5)
    cov[1:, 1:] = motion[1:, 1:] - motion[:-1, :-1]
    values, vectors = np.linalg.eigh(cov)
    return vectors * np.sqrt(np.maximum(values, 0.0))


class _HybridMotion(AbstractProcess):
    """A Riemann-Liouville motion on a regular grid from time 0, by the hybrid scheme."""

    root: Float[Array, "k k"]
    waves: Complex[Array, " f"]
    lead: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    dim: ClassVar[int] = 1

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        n, width = self.lead + ts.shape[0] - 1, self.root.shape[0]
        noise = counter_normal(key, 0, (n, width), self.root.dtype) @ self.root.T
        xs = jnp.fft.irfft(jnp.fft.rfft(noise[:, 0], self.size) * self.waves, self.size)[: n + 1]
        for k in range(1, min(width, n + 1)):
            xs = xs.at[k:].add(noise[: n + 1 - k, k])
        xs = xs.astype(self.root.dtype).at[0].set(0)
        return SampledPath(ts, xs[self.lead :, None], Provenance("hybrid"))
