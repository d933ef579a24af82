"""A process seen through an observation law."""

from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import fault, require
from .._process import (
    AbstractConditioned,
    AbstractDensity,
    AbstractGaussianProcess,
    AbstractLinearGaussian,
    AbstractMarginal,
    AbstractProcess,
)
from .._types import Array, Key, Law, RealScalar, Times
from ..data import Series
from ..paths import SampledPath
from ._algebra import psd_cholesky
from ._kalman import AbstractKalmanMethod, Sequential, evidence
from ._moments import gaussian_moments
from ._observation import AbstractObservation
from ._observations import AbstractGaussianObservation
from ._posterior import GaussianPosterior, LinearGaussianPosterior, dense_log_prob


__all__ = ["Observed"]


class Observed(AbstractDensity, AbstractConditioned, AbstractMarginal):
    r"""A process seen through an observation law: noisy, partial, irregular measurements of a latent path.

    Its paths are paths of observations. Evidence and conditioning are exact where the process is linear Gaussian
    (Kalman, `O(t d^3)`) or a Gaussian process (dense Cholesky, `O(t^3)`) and the observation law is linear Gaussian.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import GaussianObservation, Observed

        model = Observed(sk.processes.OrnsteinUhlenbeck(rate=1.0), GaussianObservation(0.1))
        path = model.sample(jnp.linspace(0.0, 5.0, 20), key=jax.random.key(0))
        series = sk.data.Series(path.ts, path.xs)
        model.log_prob(series)
        model.condition(series).sample(jnp.array([5.5, 6.0]), key=jax.random.key(1), n=10)
        ```
    """

    process: AbstractProcess
    """The latent process."""
    observation: AbstractObservation
    method: AbstractKalmanMethod
    """How a Kalman filter runs along time, where one is used."""

    def __init__(
        self,
        process: AbstractProcess,
        observation: AbstractObservation,
        method: AbstractKalmanMethod | None = None,
    ):
        self.process = process
        self.observation = observation
        self.method = Sequential() if method is None else method

    @property
    def dim(self) -> int:
        see = lambda x, key: self.observation.sample(x, key=key)
        return jax.eval_shape(see, jnp.zeros(self.process.dim), jax.random.key(0)).shape[0]

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        latent, noise = jax.random.split(key)
        path = self.process.draw(ts, key=latent)
        if not isinstance(path, SampledPath):
            remedy = "take a process drawn on a grid of times"
            raise TypeError(fault("Observed.process", "must draw a SampledPath", type(path).__name__, remedy))
        keys = jax.random.split(noise, ts.shape[0])
        see = lambda x, k: self.observation.sample(x, key=k)
        return eqx.tree_at(lambda p: p.xs, path, jax.vmap(see)(path.xs, keys))

    def log_prob(self, series: Series) -> Float[Array, ""]:
        c, r = self._linear("log_prob", series)
        if isinstance(self.process, AbstractLinearGaussian):
            return evidence(self.process, series, c, r, self.method)
        return dense_log_prob(self.process, series, c, r)

    def condition(self, series: Series) -> "Observed":
        """The process given one series, seen through the same law.

        **Arguments:**

        - `series`: one series; its first time is where the initial law of the process stands.

        **Returns:** an `Observed` whose `process` is the latent posterior (its draws and marginals carry no
        observation noise); its own draws are new observations.

        **Raises:** `ValueError` where no closed form exists.
        """
        c, r = self._linear("condition", series)
        if isinstance(self.process, AbstractLinearGaussian):
            posterior = LinearGaussianPosterior(self.process, series, c, r, self.method)
        else:
            posterior = GaussianPosterior(cast(AbstractGaussianProcess, self.process), series, c, r)
        return Observed(posterior, self.observation, self.method)

    def marginal(self, t: RealScalar) -> Law:
        law = self.observation
        if not isinstance(law, AbstractGaussianObservation) or not isinstance(self.process, AbstractMarginal):
            raise ValueError(self._no_closed_form("marginal", "draw with `sample(ts, key=key, n=n)`"))
        mean, cov = gaussian_moments(self.process.marginal(t), f"{type(self.process).__name__}.marginal")
        c, r = law.linear(self.process.dim)
        return dist.MultivariateNormal(c @ mean, scale_tril=psd_cholesky(c @ cov @ c.T + r))

    def _no_closed_form(self, what, remedy):
        parts = f"{type(self.process).__name__} seen through {type(self.observation).__name__}"
        return fault(f"Observed.{what}", "has no closed form for this pair", parts, remedy)

    def _linear(self, what, series):
        """The observation matrix and noise covariance, once it is certain that they are of use."""
        exact = isinstance(self.process, AbstractLinearGaussian | AbstractGaussianProcess)
        if not exact or not isinstance(self.observation, AbstractGaussianObservation):
            remedy = (
                "take an AbstractLinearGaussian process or an AbstractGaussianProcess with a GaussianObservation; "
                "otherwise use a variational objective or a particle filter, or TransitionLikelihood where the states "
                "are observed without noise"
            )
            raise ValueError(self._no_closed_form(what, remedy))
        require(series.is_item, "series", "must be one series", series.ts, "index the record, e.g. series[0]")
        c, r = self.observation.linear(self.process.dim)
        require(
            series.dim == c.shape[0], "series.ys", f"must have {c.shape[0]} component(s), as the observation law has",
            series.ys, "pass ys of shape (t, e), with a mask where a component is missing",
        )  # fmt: skip
        return c, r
