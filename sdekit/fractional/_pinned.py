"""Bridges of fractional noise: the state is pinned at both ends, the modes of the noise at neither."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._lifted import AbstractLifted, readouts
from .._parameters import constraints, parameter
from .._process import AbstractLinearGaussian, AbstractMarginal
from .._types import Array, Key, Law, RealScalar, State, Times, as_vector, is_concrete
from ..math import graded_rule
from ..noise import AbstractDriver
from ..paths import SampledPath
from ..processes import BrownianMotion, DrivenOrnsteinUhlenbeck
from ..processes._linear_gaussian import gaussian, gaussian_moments, push
from ..processes._span import draw_pinned
from ..processes._stable import vectors


__all__ = ["PinnedFractionalBridge"]


class PinnedFractionalBridge(AbstractLifted, AbstractLinearGaussian, AbstractMarginal):
    r"""$X = a + \sigma N$ on $[0, T]$ given that $X_T = b$, each component on its own; the modes are not pinned.

    The control of its Brownian motion is in closed form. With $\tau = T - t$, the forecast
    $\mu = x + \sigma \sum_j c_j (e^{-\gamma_j \tau} - 1) z_j$ of $X_T$ and its variance $S$,

    $$u = \frac{\sigma \kappa(\tau)}{S} (b - \mu), \qquad \kappa(\tau) = b_0 + \sum_j c_j e^{-\gamma_j \tau}, \qquad
    S = \sigma^2 \int_0^\tau \kappa^2,$$

    $b_0$ the direct part of the driver. Transitions and marginals are exact; `sample` takes no steps and ends in $b$.
    `solve` steps the controlled equation, which has no value at $T$ itself.

    **Arguments:**

    - `driver`: the law of the noise. Its moving modes must have a steady readout.
    - `start`, `end`: $a$ and $b$, numbers or shape `(d,)`.
    - `t1`: $T > 0$.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`.

    **Raises:** `ValueError` for shapes that do not fit, values outside their domain, or a readout that moves.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        bridge = sk.fractional.PinnedFractionalBridge(sk.noise.MarkovFractional(0.3, 5), start=0.0, end=1.0)
        path = bridge.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        path.xs[-1, 0]  # 1.0
        bridge.forecast(0.5, path.xs[5, :1], path.xs[5, 1:][None])  # mean and variance of the end, unpinned
        ```

    Source: Nobis et al. (2025), "Fractional Diffusion Bridge Models", proposition 4.
    """

    driver: AbstractDriver
    start: Float[Array, " d"] = parameter(trainable=False, converter=as_vector)
    end: Float[Array, " d"] = parameter(trainable=False, converter=as_vector)
    t1: Float[Array, ""] = parameter(constraints.positive, trainable=False)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    weighed: ClassVar[int] = 0

    def __init__(
        self,
        driver: AbstractDriver,
        start: ArrayLike = 0.0,
        end: ArrayLike = 0.0,
        t1: RealScalar = 1.0,
        scale: ArrayLike = 1.0,
    ):
        owner = "PinnedFractionalBridge"
        problem, remedy = "must read its moving modes alike at all times", "take a driver with a fixed Hurst index"
        require(driver.steady, f"{owner}.driver", problem, type(driver).__name__, remedy)
        self.driver = driver
        self.start, self.end, self.scale = vectors(owner, start=start, end=end, scale=scale)
        self.t1 = jnp.asarray(t1, self.scale.dtype)
        rows, d = jnp.atleast_2d(driver.readout(0.0)).shape[0], self.scale.shape[0]
        remedy = f"give the driver one row for all, or {d} rows"
        require(rows in (1, d), f"{owner}.driver", "reads another number of components", rows, remedy)
        if is_concrete(self.t1):
            require(bool(self.t1 > 0), f"{owner}.t1", "must be later than 0", t1, "pass a positive time")

    @property
    def base(self) -> BrownianMotion:
        return BrownianMotion(self.scale, initial=dist.Delta(self.start, event_dim=1))

    @property
    def unpinned(self) -> DrivenOrnsteinUhlenbeck:
        """The same noise with its end free."""
        start = dist.Delta(self.start, event_dim=1)
        return DrivenOrnsteinUhlenbeck(self.driver, None, 0.0, self.scale, start)

    @property
    def initial(self) -> Law:
        free = self.unpinned.initial
        mean, cov = gaussian_moments(free, "PinnedFractionalBridge")
        if isinstance(free.base_dist if isinstance(free, dist.Independent) else free, dist.Delta):
            return free
        a, _, q = self._pin(0.0, jnp.eye(mean.shape[0], dtype=mean.dtype), cov)
        return gaussian(a @ mean + self._gain(0.0, cov) @ self.end, q)

    def forecast(self, t: RealScalar, x: State, z: Float[Array, "d j"]) -> tuple[State, Float[Array, " d"]]:
        r"""The mean $\mu$ and the variance $S$ of $X_T$ given state and modes at `t`, were it not pinned."""
        _, mean, variance = self._ahead(t, x, z)
        return mean, variance

    def pull(self, t: RealScalar, x: State, z: Float[Array, "d j"], end: State) -> Float[Array, " d"]:
        """The control that leads to `end`. With a forecast of the end by a network it is that of a bridge model."""
        kernel, mean, variance = self._ahead(t, x, z)
        return self.scale * kernel * (end - mean) / variance

    def control(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        return self.pull(t, x, z, self.end).astype(x.dtype)

    def _ahead(self, t, x, z):
        """The kernel at the time left, mean and variance of the end."""
        driver, d, dtype = self.driver, self.scale.shape[0], self.scale.dtype
        left, modes, g = self.t1 - jnp.asarray(t, dtype), driver.modes, driver.rates.astype(dtype)
        c = readouts(driver, self.t1, d).astype(dtype)
        mean = x + self.scale * jnp.sum(c[:, :modes] * jnp.expm1(-g * left)[None] * z[:, :modes], axis=1)
        if driver.still:
            change = c - readouts(driver, t, d).astype(dtype)
            mean = mean + self.scale * jnp.sum(change[:, modes:] * z[:, modes:], axis=1)
        # A sum of squares at the nodes: positive, also where the weights have both signs.
        s, w = (jnp.asarray(v, dtype) for v in graded_rule(bool(dtype == jnp.float64)))
        kernel = lambda s: driver.direct + c[:, :modes] @ jnp.exp(-g * s)
        variance = self.scale**2 * left * (w @ jax.vmap(kernel)(left * s) ** 2)
        return kernel(left), mean, variance

    def _sight(self, t):
        """How the state and the modes at `t` reach the end, and the variance that is added."""
        d = self.scale.shape[0]
        a, _, q = self.unpinned.discretise(t, self.t1)
        return a[:d], jnp.diagonal(q)[:d]

    def _gain(self, t, q):
        """The gain by which the end moves the state and the modes at `t`, of covariance `q`."""
        sight, added = self._sight(t)
        across = jnp.matmul(q, sight.T, precision=jax.lax.Precision.HIGHEST)
        total = jnp.sum(sight * across.T, axis=1) + added
        return across / jnp.where(total > 0, total, 1)[None]

    def _pin(self, t, a, q):
        """A transition to `t`, given the end: its matrix, the gain of the end, its covariance."""
        gain = self._gain(t, q)
        sight, added = self._sight(t)
        keep = jnp.eye(q.shape[0], dtype=q.dtype) - jnp.matmul(gain, sight, precision=jax.lax.Precision.HIGHEST)
        rest = jnp.matmul(jnp.matmul(keep, q, precision=jax.lax.Precision.HIGHEST), keep.T)
        return keep @ a, gain, rest + (gain * added[None]) @ gain.T

    def discretise(self, t0, t1):
        a, _, q = self.unpinned.discretise(t0, t1)
        a, gain, q = self._pin(t1, a, q)
        return a, gain @ self.end, q

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self.discretise(t0, t1)
        return gaussian(a @ x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        return push(self.initial, *self.discretise(0.0, t), "PinnedFractionalBridge")

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return draw_pinned(self, 0.0, self.t1, ts, key=key)
