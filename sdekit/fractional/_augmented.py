r"""The law of a scaled diffusion driven by modes, together with the modes: kernels, and Gaussian moments as roots.

For $dX = a(t) X\,dt + g(t)\,dN$ with $N = b B + c \cdot Z$, and $\varphi(u) = e^{A(t_1) - A(u)} g(u)$, $A' = a$, the
Brownian motion a time $\tau$ before $t_1$ reaches $X_{t_1}$ through

$$b\,\varphi(t_1 - \tau) + \sum_j c_j k_j(\tau), \qquad
k_j(\tau) = \varphi(t_1) e^{-\gamma_j \tau} - \int_0^\tau \varphi'(t_1 - \tau + v) e^{-\gamma_j v}\,dv.$$

This is integrated by parts: no $\gamma_j$ stands before an integral, so that fast modes cost no digits.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Float
from numpyro.distributions import constraints

from .._types import Array, Key, RealScalar, State
from ..math import gauss_legendre


__all__ = ["AugmentedLaw", "AugmentedMoments", "StepKernels", "moments_of", "step_kernels"]

_EXACT = jax.lax.Precision.HIGHEST
_NEAR, _FAR, _INNER = 25, 7, 15
"""How many panels, each a quarter of the next: towards the end of a step (so that rates may reach 1e15 per step), its
start, and the lower end of an inner integral, of which what is left out is below 1e-9."""


@functools.cache
def _rule(double: bool, near: int, far: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes in (0, 1), one less the nodes, and weights, on panels that shrink to 0 and, if `far`, to 1."""
    x, w = gauss_legendre(11 if double else 7)
    top = 0.5 if far else 1.0

    def side(panels):
        ends = np.concatenate([[0.0], top * 4.0 ** -np.arange(panels - 1, -1, -1)])
        half, centre = np.diff(ends) / 2, (ends[1:] + ends[:-1]) / 2
        return (centre[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()

    q, weights = side(near)
    rest = 1 - q
    if far:
        back, more = side(far)
        q, rest, weights = np.append(q, 1 - back), np.append(rest, back), np.append(weights, more)
    return q, rest, weights


class StepKernels(NamedTuple):
    """How the noise of a step reaches its end, at the nodes of a quadrature: of the state and of the modes.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fractional._augmented import StepKernels
        StepKernels(jnp.ones(4), jnp.ones(4), jnp.ones((4, 3)), jnp.ones((4, 3)), jnp.ones((1, 3)))
        ```
    """

    weights: Float[Array, " n"]
    """Of the quadrature over the step."""
    state: Float[Array, "n r"]
    """The kernels of the state, one for each row of the readout of the driver."""
    modes: Float[Array, "n j"]
    """The kernels of the modes."""
    decay: Float[Array, " j"]
    """What is left of the modes."""
    row: Float[Array, "r j"]
    """How the modes at the start of the step reach the state."""


def step_kernels(
    log_decay: Callable[[Any], Any],
    volatility: Callable[[Any], Any],
    driver: Any,
    factor: Float[Array, " r"],
    t0: RealScalar,
    t1: RealScalar,
) -> StepKernels:
    r"""The kernels of a step from `t0` to `t1` of $dX = A'(t) X\,dt + f\,g(t)\,dN$.

    **Arguments:**

    - `log_decay`, `volatility`: $A$ and $g$, functions of arrays of times, elementwise.
    - `driver`: the law of $N$; its moving modes have a steady readout.
    - `factor`: $f$, for each row of the readout.
    - `t0`, `t1`: the two times.

    **Returns:** `StepKernels`, in the dtype of `factor`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.fractional._augmented import step_kernels
        driver = sk.noise.BrownianDriver()
        found = step_kernels(lambda t: -t, jnp.ones_like, driver, jnp.ones(1), 0.0, 1.0)
        found.weights @ found.state**2  # (1 - e^-2) / 2
        ```
    """
    dtype = factor.dtype
    t0, t1 = jnp.asarray(t0, dtype), jnp.asarray(t1, dtype)
    h, g, double = t1 - t0, driver.rates.astype(dtype), bool(dtype == jnp.float64)
    rows = lambda t: factor[:, None] * jnp.atleast_2d(driver.readout(t)).astype(dtype)
    c, modes = rows(t1), driver.modes
    q, rest, weights = (jnp.asarray(v, dtype) for v in _rule(double, _NEAR, _FAR))
    # One more node, of no weight, is the start of the step: the state at it reaches the end like noise would.
    lags, at = h * jnp.append(q, 1.0), t0 + h * jnp.append(rest, 0.0)
    phi = lambda u: jnp.exp(log_decay(t1) - log_decay(u)) * volatility(u)
    slope = lambda u: jax.jvp(phi, (u,), (jnp.ones_like(u),))[1]
    p, _, inner = (jnp.asarray(v, dtype) for v in _rule(double, _INNER if double else 12, 0))
    ahead = lags[:, None] * p[None]
    share = lags[:, None] * inner[None] * slope(at[:, None] + ahead)
    smooth = jnp.sum(share[:, :, None] * jnp.exp(-g[None, None] * ahead[:, :, None]), axis=1)
    fall = jnp.exp(-lags[:, None] * g[None])
    k = phi(t1) * fall - smooth
    row = c[:, :modes] * (k[-1] - phi(t0))[None]
    if driver.still:
        held = jax.vmap(rows)(at[:-1])[:, :, modes:]
        drawn = jnp.einsum("n,nrj->rj", h * weights * slope(at[:-1]), held)
        row = jnp.concatenate([row, phi(t1) * c[:, modes:] - phi(t0) * rows(t0)[:, modes:] - drawn], axis=1)
    still = driver.still
    kernels = jnp.concatenate([fall[:-1], jnp.zeros((lags.shape[0] - 1, still), dtype)], axis=1)
    state = driver.direct * phi(at[:-1])[:, None] * factor[None] + jnp.matmul(k[:-1], c[:, :modes].T, precision=_EXACT)
    return StepKernels(h * weights, state, kernels, jnp.append(fall[-1], jnp.ones(still, dtype)), row)


class AugmentedMoments(NamedTuple):
    r"""The law of $(X_t, Z_t)$ given $X_0$: for each component Gaussian, independent of the others.

    $Z = L \xi$ and $X = m X_0 + \ell \cdot \xi + \rho\,\epsilon$ with standard normal $\xi$ and $\epsilon$. The
    covariance is never formed, so that float32 keeps the small deviation $\rho$ that $X$ has given $Z$ to 5e-6 of the
    deviation of $X$. All components share one row of $\ell$ and $\rho$, or have a row each.

    !!! example

        ```python
        import sdekit as sk
        forward = sk.fractional.FractionalVP(sk.noise.MarkovFractional(0.9, 2))
        moments = forward.moments(0.5)
        moments.mean, moments.covariance  # a number, (1, 3, 3)
        ```
    """

    mean: Float[Array, ""]
    """$m$, the coefficient of $X_0$."""
    root: Float[Array, "j j"]
    """$L$, lower triangular: the root of the covariance of the modes."""
    loading: Float[Array, "r j"]
    r"""$\ell$."""
    rest: Float[Array, " r"]
    r"""$\rho$, the deviation of $X$ given $X_0$ and $Z$."""

    @property
    def variance(self) -> Float[Array, " r"]:
        """The variance of $X$ given $X_0$."""
        return jnp.sum(self.loading**2, axis=1) + self.rest**2

    @property
    def covariance(self) -> Float[Array, "r k k"]:
        """The covariance of $(X, Z)$, the state first, `k = 1 + j`."""
        root = jax.vmap(self._joint)(self.loading, self.rest)
        return jnp.matmul(root, jnp.swapaxes(root, 1, 2), precision=_EXACT)

    @property
    def regression(self) -> Float[Array, "r j"]:
        r"""$\alpha = L^{-\top} \ell$: $E[X \mid X_0, Z] = m X_0 + \alpha \cdot Z$. Has no value at time 0."""
        return jnp.matmul(self.loading, self.whitener, precision=_EXACT)

    def _joint(self, loading, rest):
        return jnp.concatenate([jnp.append(loading, rest)[None], jnp.pad(self.root, ((0, 0), (0, 1)))])

    @property
    def whitener(self) -> Float[Array, "j j"]:
        """$L^{-1}$. Has no value at time 0."""
        # The inverse of one small triangle serves all components and paths; solves for each are many times slower.
        eye = jnp.eye(self.root.shape[0], dtype=self.root.dtype)
        return jax.scipy.linalg.solve_triangular(self.root, eye, lower=True)

    def score_modes(self, z: Float[Array, "d j"]) -> Float[Array, "d j"]:
        r"""$-C^{-1} z$: the score of the modes alone."""
        return -jnp.matmul(jnp.matmul(z, self.whitener.T, precision=_EXACT), self.whitener, precision=_EXACT)

    def sample(self, x0: State, *, key: Key) -> tuple[State, Float[Array, "d j"]]:
        """One draw of the state and the modes, given the state at time 0, shape `(d,)`."""
        xi = jax.random.normal(key, (x0.shape[0], self.root.shape[0] + 1), self.rest.dtype)
        x = self.mean * x0 + jnp.sum(self.loading * xi[:, :-1], axis=1) + self.rest * xi[:, -1]
        return x, xi[:, :-1] @ self.root.T


def moments_of(kernels: StepKernels, mean: Float[Array, ""], start: Float[Array, "j s"]) -> AugmentedMoments:
    """The law after a step from a known state and centred modes with the root `start`.

    **Arguments:**

    - `kernels`: of the step.
    - `mean`: what is left of the state.
    - `start`: the root of the covariance of the modes where the step starts.

    **Returns:** `AugmentedMoments`, by an orthogonal factorisation of the kernels.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fractional._augmented import StepKernels, moments_of
        kernels = StepKernels(jnp.ones(1), jnp.ones((1, 1)), jnp.zeros((1, 0)), jnp.zeros(0), jnp.zeros((1, 0)))
        moments_of(kernels, jnp.array(1.0), jnp.zeros((0, 0))).rest  # [1.]
        ```
    """
    scale = jnp.sqrt(kernels.weights)[:, None]
    modes = jnp.concatenate([scale * kernels.modes, (kernels.decay[:, None] * start).T])
    state = jnp.concatenate([scale * kernels.state, jnp.matmul(start.T, kernels.row.T, precision=_EXACT)])
    q, upper = jnp.linalg.qr(modes)
    sign = jnp.where(jnp.diagonal(upper) < 0, -1, 1).astype(upper.dtype)
    loading = jnp.matmul(q.T, state, precision=_EXACT)
    left = state - jnp.matmul(q, loading, precision=_EXACT)
    size = jnp.sum(left**2, axis=0)
    rest = jnp.where(size > 0, jnp.sqrt(jnp.where(size > 0, size, 1)), 0)
    return AugmentedMoments(mean, (sign[:, None] * upper).T, (sign[:, None] * loading).T, rest)


class AugmentedLaw(dist.Distribution):
    """The law of the vector of `d` states and their modes, of event shape `(d + d j,)`, given the states at time 0.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        forward = sk.fractional.FractionalVP(sk.noise.MarkovFractional(0.9, 2))
        law = sk.fractional.AugmentedLaw(forward.moments(1.0), jnp.zeros(4))
        law.sample(jax.random.key(0)).shape  # (12,)
        ```
    """

    support: Any = constraints.real_vector
    pytree_data_fields = ("moments", "x0")

    def __init__(self, moments: AugmentedMoments, x0: State, *, validate_args: bool | None = None):
        """**Arguments:**

        - `moments`: the law of a component.
        - `x0`: the states at time 0, shape `(d,)`.
        """
        self.moments, self.x0 = moments, x0
        size = x0.shape[0] * (1 + moments.root.shape[0])
        super().__init__(batch_shape=(), event_shape=(size,), validate_args=validate_args)

    def sample(self, key: Key, sample_shape: tuple[int, ...] = ()) -> Array:
        keys = jax.random.split(key, int(np.prod(sample_shape, dtype=int)))
        x, z = jax.vmap(lambda k: self.moments.sample(self.x0, key=k))(keys)
        both = jnp.concatenate([x, z.reshape(z.shape[0], z.shape[1] * z.shape[2])], axis=1)
        return both.reshape(*sample_shape, *self.event_shape)

    def log_prob(self, value: Array) -> Array:
        flat = value.reshape(-1, value.shape[-1])
        return jax.vmap(self._log_prob)(flat).reshape(value.shape[:-1])

    def _log_prob(self, value):
        d, m = self.x0.shape[0], self.moments
        x, z = value[:d], value[d:].reshape(d, -1)
        xi = jnp.matmul(z, m.whitener.T, precision=_EXACT)
        eps = (x - m.mean * self.x0 - jnp.sum(m.loading * xi, axis=1)) / m.rest
        size = jnp.sum(jnp.log(jnp.broadcast_to(m.rest, x.shape))) + d * jnp.sum(jnp.log(jnp.diagonal(m.root)))
        return -0.5 * (jnp.sum(xi**2) + jnp.sum(eps**2) + value.shape[0] * jnp.log(2 * jnp.pi)) - size

    @property
    def mean(self) -> Array:
        return jnp.zeros(self.event_shape, self.x0.dtype).at[: self.x0.shape[0]].set(self.moments.mean * self.x0)

    @property
    def variance(self) -> Array:
        d, m = self.x0.shape[0], self.moments
        modes = jnp.tile(jnp.sum(m.root**2, axis=1), d)
        return jnp.concatenate([jnp.broadcast_to(m.variance, (d,)), modes])
