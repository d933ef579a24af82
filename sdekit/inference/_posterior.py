"""Gaussian processes given observations: exact marginals and exact draws at any times."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import check_traced
from .._process import AbstractGaussianProcess, AbstractLinearGaussian, AbstractMarginal
from .._types import Array, Key, Law, RealScalar, Times
from ..data import Series
from ..math import gaussian_condition, gaussian_log_prob, gaussian_root
from ..paths import Provenance, SampledPath
from ._algebra import psd_cholesky, symmetric
from ._kalman import AbstractKalmanMethod, Chain, Sequential, chain


__all__ = ["GaussianPosterior", "LinearGaussianPosterior", "dense_log_prob", "exactly"]


class LinearGaussianPosterior(AbstractMarginal):
    r"""A linear Gaussian process given noisy or exact observations of $C X$.

    Marginals come from the Kalman filter and smoother on the union of the times; draws from the simulation smoother
    (a draw of the prior, corrected by the smoothed difference between the data and its own simulated observations).
    Times stand at or after the first time of the series, where the initial law of the process stands.

    Source: Durbin and Koopman (2002), A simple and efficient simulation smoother, Biometrika 89(3), 603-615.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import GaussianObservation, Observed

        series = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.4, 0.2]))
        seen = Observed(sk.processes.OrnsteinUhlenbeck(rate=1.0), GaussianObservation(0.1))
        posterior = seen.condition(series).process  # a LinearGaussianPosterior
        posterior.marginal(1.5).mean
        ```
    """

    process: AbstractLinearGaussian
    series: Series
    matrix: Float[Array, "e d"]
    noise: Float[Array, "e e"]
    """The covariance of the observation noise; zero for exact observations."""
    method: AbstractKalmanMethod

    def __init__(
        self,
        process: AbstractLinearGaussian,
        series: Series,
        matrix: Float[Array, "e d"],
        noise: Float[Array, "e e"],
        method: AbstractKalmanMethod | None = None,
    ):
        self.process, self.series, self.matrix, self.noise = process, series, matrix, noise
        self.method = Sequential() if method is None else method

    @property
    def dim(self) -> int:
        return self.process.dim

    def _union(self, ts) -> tuple[Chain, Array]:
        """The chain at the times of the series and at `ts`, and where `ts` stand among them."""
        first = self.series.ts[0]
        remedy = "ask for later times, or begin the series with an unobserved row (mask=False) at an earlier time"
        ts = check_traced(ts, jnp.any(ts < first), "ts", "must not stand before the first time of the series", remedy)
        times = jnp.concatenate([self.series.ts, ts.astype(self.series.ts.dtype)])
        order = jnp.argsort(times, stable=True)
        known = self.series.ts.shape[0]
        pad = lambda x: jnp.concatenate([x, jnp.zeros((ts.shape[0], x.shape[1]), x.dtype)])[order]
        times = times[order]
        where = jnp.argsort(order)[known:]
        model = chain(self.process, times, pad(self.series.ys), pad(self.series.mask), self.matrix, self.noise)
        return model, where

    def marginals(self, ts: Times) -> tuple[Float[Array, "t d"], Float[Array, "t d d"]]:
        """The mean and covariance of the state at each time.

        **Arguments:**

        - `ts`: times in any order, shape `(t,)`, none before the first time of the series.

        **Returns:** the means `(t, d)` and covariances `(t, d, d)`.

        **Raises:** `RuntimeError` for a time before the first of the series.
        """
        return _marginals(self, jnp.asarray(ts))

    def marginal(self, t: RealScalar) -> Law:
        mean, cov = self.marginals(jnp.asarray(t)[None])
        return _normal(mean[0], cov[0])

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        model, where = self._union(ts)
        states, noise = jax.random.split(key)
        shocks = jax.random.normal(states, model.b.shape, model.b.dtype)
        roots = jax.vmap(psd_cholesky)(model.q)

        def step(x, row):
            a, b, root, z = row
            x = a @ x + b + root @ z
            return x, x

        _, xs = jax.lax.scan(step, jnp.zeros_like(model.b[0]), (model.a, model.b, roots, shocks))
        errors = jax.random.normal(noise, model.ys.shape, model.ys.dtype) @ psd_cholesky(model.r).T
        gap = jnp.where(model.mask, model.ys - xs @ model.c.T - errors, 0)
        centred = model._replace(b=jnp.zeros_like(model.b), ys=gap)
        correction = self.method.smooth(centred, self.method.filter(centred)).mean
        return SampledPath(ts, (xs + correction)[where], Provenance("exact"))


@eqx.filter_jit
def _marginals(posterior, ts):
    model, where = posterior._union(ts)
    smoothed = posterior.method.smooth(model, posterior.method.filter(model))
    return smoothed.mean[where], smoothed.covariance[where]


def _normal(mean, cov) -> Law:
    """A Gaussian law that may be degenerate."""
    return dist.MultivariateNormal(mean, scale_tril=psd_cholesky(cov), validate_args=False)


class GaussianPosterior(AbstractMarginal):
    r"""A scalar Gaussian process given noisy or exact observations $y = c X + N(0, R)$, by dense algebra.

    Source: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, eqs. (2.22) to (2.24).

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import GaussianPosterior

        def law(process, series):  # any AbstractGaussianProcess
            return GaussianPosterior(process, series, jnp.ones((1, 1)), jnp.full((1, 1), 0.01)).marginal(0.5)
        ```
    """

    process: AbstractGaussianProcess
    series: Series
    matrix: Float[Array, "e 1"]
    noise: Float[Array, "e e"]

    def __init__(
        self,
        process: AbstractGaussianProcess,
        series: Series,
        matrix: Float[Array, "e 1"],
        noise: Float[Array, "e e"],
    ):
        self.process, self.series, self.matrix, self.noise = process, series, matrix, noise

    @property
    def dim(self) -> int:
        return 1

    def moments(self, ts: Times) -> tuple[Float[Array, " t"], Float[Array, "t t"]]:
        """The mean and the joint covariance of the states at `ts`.

        **Arguments:**

        - `ts`: times, shape `(t,)`.

        **Returns:** the mean `(t,)` and the covariance `(t, t)`.
        """
        mean, cov, ys, mask = _dense(self.process, self.series, self.matrix, self.noise)
        between = self.process.covariance(self.series.ts, ts)
        cross = (between[:, None, :] * self.matrix[:, 0][None, :, None]).reshape(ys.shape[0], -1)
        new_mean, new_cov = gaussian_condition(
            mean, cov, ys, mask, 0.0, cross, self.process.mean(ts), self.process.covariance(ts, ts)
        )
        return new_mean, symmetric(new_cov)

    def marginal(self, t: RealScalar) -> Law:
        mean, cov = self.moments(jnp.asarray(t)[None])
        return dist.Normal(mean, jnp.sqrt(jnp.maximum(jnp.diagonal(cov), 0))).to_event(1)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        mean, cov = self.moments(ts)
        n = ts.shape[0]
        # The posterior covariance is singular at exactly observed times; rounding may make it slightly indefinite.
        jitter = 10 * n * jnp.finfo(cov.dtype).eps * jnp.max(jnp.diagonal(self.process.covariance(ts, ts)))
        factor = gaussian_root(cov + jitter * jnp.eye(n, dtype=cov.dtype))
        x = mean + factor @ jax.random.normal(key, (n,), cov.dtype)
        return SampledPath(ts, x[:, None], Provenance("exact"))


def _dense(process, series, matrix, noise):
    """Mean and covariance of all observations in one vector, their values and their mask."""
    t, e = series.ys.shape
    c = matrix[:, 0]
    mean = (process.mean(series.ts)[:, None] * c[None, :]).reshape(-1)
    spread = process.covariance(series.ts, series.ts)[:, None, :, None] * (c[:, None] * c[None, :])[None, :, None, :]
    errors = jnp.eye(t, dtype=spread.dtype)[:, None, :, None] * noise[None, :, None, :]
    cov = symmetric((spread + errors).reshape(t * e, t * e))
    return mean, cov, series.ys.reshape(-1), series.mask.reshape(-1)


@eqx.filter_jit
def dense_log_prob(process, series, matrix, noise) -> Float[Array, ""]:
    """The log-density of the observed entries of a series under a Gaussian process, by a dense Cholesky factor."""
    return gaussian_log_prob(*_dense(process, series, matrix, noise))


def exactly(process, series):
    """The observation matrix and noise of states observed without noise."""
    eye = jnp.eye(process.dim, dtype=series.ys.dtype)
    return eye, jnp.zeros_like(eye)
