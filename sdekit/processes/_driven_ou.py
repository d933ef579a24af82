r"""An Ornstein-Uhlenbeck process driven by a noise with a Markov lift: linear, Gaussian, and Markov with its modes."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._lifted import AbstractLifted, readouts
from .._parameters import constraints, law_field, parameter
from .._process import AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal
from .._types import Array, Law, RealScalar, State, as_vector
from ..math import gauss_legendre, graded_rule, mode_decay
from ..noise import AbstractDriver
from ._brownian import BrownianMotion
from ._fixed import components
from ._linear_gaussian import gaussian, gaussian_moments, push
from ._ou import OrnsteinUhlenbeck
from ._stable import vectors


__all__ = ["DrivenOrnsteinUhlenbeck"]


class DrivenOrnsteinUhlenbeck(AbstractLifted, AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal):
    r"""$dX = \theta(\mu - X)\,dt + \sigma\,dN$, each component on its own; Markov together with the modes of $N$.

    The transition is exact: a filter gives the evidence of noisy, irregular, incomplete observations in O(t j^3) for
    `j` modes, where the process that $N$ approximates takes O(t^3). Observe it through `matrix=process.reads`.

    **Arguments:**

    - `driver`: the law of the noise $N$. Its moving modes must have a steady readout.
    - `rate`: $\theta > 0$, a number or shape `(d,)`; `None` for $\theta = 0$, the noise itself.
    - `mean`, `scale`: $\mu$ and $\sigma > 0$, numbers or shape `(d,)`.
    - `start`: the law of $X$ at time 0, Gaussian or fixed; 0 by default. Independent of the modes.

    **Raises:** `ValueError` for shapes that do not fit, values outside their domain, or a readout that moves.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        process = sk.processes.DrivenOrnsteinUhlenbeck(sk.noise.BrownianDriver(), rate=1.0)
        model = sk.Observed(process, sk.GaussianObservation(0.1, matrix=process.reads))
        path = model.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        model.log_prob(sk.Series(path.ts, path.xs))
        ```

    Source: Daems, Opper, Crevecoeur and Birdal (2024), section 3; Harms and Stefanovits (2019).
    """

    driver: AbstractDriver
    rate: Float[Array, " d"] | None = parameter(
        constraints.positive, converter=lambda r: r if r is None else as_vector(r)
    )
    mean: Float[Array, " d"] = parameter(converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    start: Law = law_field()
    weighed: ClassVar[int] = 0

    def __init__(
        self,
        driver: AbstractDriver,
        rate: ArrayLike | None = None,
        mean: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        start: Law | None = None,
    ):
        owner = "DrivenOrnsteinUhlenbeck"
        known = {} if rate is None else {"rate": rate}
        *found, self.mean, self.scale = vectors(owner, **known, mean=mean, scale=scale)
        self.rate = found[0] if found else None
        self.driver = driver
        self.start = dist.Delta(jnp.zeros_like(self.mean), event_dim=1) if start is None else start
        if not driver.steady:
            raise ValueError(
                f"`{owner}.driver` must read its moving modes alike at all times, got {type(driver).__name__}. Sample"
                " it as a `Driven` process, or take a driver with a fixed Hurst index."
            )

    @property
    def base(self) -> OrnsteinUhlenbeck | BrownianMotion:
        if self.rate is None:
            return BrownianMotion(scale=self.scale, initial=self.start)
        return OrnsteinUhlenbeck(self.rate, self.mean, self.scale, self.start)

    @property
    def initial(self) -> Law:
        root = self.driver.start.astype(self.scale.dtype)
        d, size = self.scale.shape[0], self.driver.size
        mean, cov = gaussian_moments(self.start, "DrivenOrnsteinUhlenbeck")
        mean = jnp.concatenate([mean, jnp.zeros(d * size, mean.dtype)])
        if root.shape[1] == 0 and isinstance(components(self.start), dist.Delta):
            return dist.Delta(mean, event_dim=1)
        cov = jnp.diag(cov) if cov.ndim == 1 else cov
        modes = jnp.kron(jnp.eye(d, dtype=root.dtype), root @ root.T)
        return gaussian(mean, jax.scipy.linalg.block_diag(cov, modes))

    @property
    def reads(self) -> Float[Array, "d s"]:
        """The matrix that reads `X` from the state, for observation laws, shape `(d, d + d j)`."""
        d = self.scale.shape[0]
        return jnp.eye(d, self.dim, dtype=self.scale.dtype)

    def control(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        return jnp.zeros(z.shape[0], x.dtype)

    def discretise(self, t0, t1):
        d, size = self.scale.shape[0], self.driver.size
        rate = jnp.zeros_like(self.scale) if self.rate is None else self.rate
        a, b, q = jax.vmap(lambda *one: self._component(t0, t1, *one))(jnp.arange(d), rate, self.mean, self.scale)
        # From a block for each component to the order of the state: all x, then the modes of each component.
        order = jnp.arange(d * (1 + size)).reshape(d, 1 + size)
        order = jnp.concatenate([order[:, 0], order[:, 1:].ravel()])
        joined = lambda blocks: jax.scipy.linalg.block_diag(*blocks)[order][:, order]
        return joined(a), b.ravel()[order], joined(q)

    def _component(self, t0, t1, i, rate, mean, scale):
        """`A, b, Q` of `(x, z)` of component `i`."""
        driver, h = self.driver, jnp.asarray(t1 - t0, rate.dtype)
        modes = driver.modes
        c = self._readout(i, t1)[:modes]
        g = driver.rates.astype(rate.dtype)
        decay, gain = jnp.exp(-rate * h), mode_decay(rate[None], h)[1][0]
        top = jnp.concatenate(
            [decay[None], -scale * c * g * _convolved(rate, g, h), scale * self._drawn(t0, t1, i, rate)]
        )
        rest = jnp.concatenate([jnp.exp(-g * h), jnp.ones(driver.still, g.dtype)])
        a = jnp.concatenate(
            [top[None], jnp.concatenate([jnp.zeros((driver.size, 1), g.dtype), jnp.diag(rest)], axis=1)]
        )
        b = jnp.concatenate([(mean * rate * gain)[None], jnp.zeros(driver.size, g.dtype)])
        s, w = graded_rule(bool(h.dtype == jnp.float64))
        s, w = h * jnp.asarray(s, h.dtype), h * jnp.asarray(w, h.dtype)

        def kernel(s):
            # How the Brownian motion a time s before the end reaches the state: directly, and through the modes.
            through = driver.direct * jnp.exp(-rate * s) + c @ (jnp.exp(-rate * s) - g * _convolved(rate, g, s))
            return jnp.concatenate([(scale * through)[None], jnp.exp(-g * s), jnp.zeros(driver.still, g.dtype)])

        k = jax.vmap(kernel)(s)
        return a, b, jnp.einsum("sa,s,sb->ab", k, w, k, precision=jax.lax.Precision.HIGHEST)

    def _readout(self, i, t):
        return readouts(self.driver, t, self.scale.shape[0])[i].astype(self.scale.dtype)

    def _drawn(self, t0, t1, i, rate):
        r"""$\int e^{-\theta(t_1 - s)} c'(s)\,ds$ for the modes that never move, by parts."""
        if not self.driver.still:
            return jnp.zeros(0, rate.dtype)
        read = lambda t: self._readout(i, t)[self.driver.modes :]
        x, w = gauss_legendre(16)
        q = (1 + x) / 2
        s = t0 + (t1 - t0) * jnp.asarray(q**3, rate.dtype)  # readouts rise like a power of the time
        weights = (t1 - t0) * jnp.asarray(1.5 * q**2 * w, rate.dtype) * jnp.exp(-rate * (t1 - s))
        return read(t1) - jnp.exp(-rate * (t1 - t0)) * read(t0) - rate * (weights @ jax.vmap(read)(s))

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self.discretise(t0, t1)
        return gaussian(a @ x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        return push(self.initial, *self.discretise(0.0, t), "DrivenOrnsteinUhlenbeck")


def _convolved(rate, rates, h):
    r"""$\int_0^h e^{-\theta(h - s)} e^{-\gamma s} ds$, also where the two rates agree."""
    low, apart = jnp.minimum(rate, rates), jnp.abs(rate - rates)
    return jnp.exp(-low * h) * mode_decay(apart, h)[1]
