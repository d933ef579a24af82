"""Likelihoods: objectives that are the log-density of one item."""

import abc

import equinox as eqx
import jax
from jaxtyping import Float

from .._errors import fault, require
from .._process import (
    AbstractDensity,
    AbstractDiffusion,
    AbstractGaussianProcess,
    AbstractLinearGaussian,
    AbstractProcess,
    AbstractTransition,
)
from .._types import Array, Key, PyTree, is_concrete
from ..data import AbstractRecord, Series
from ._kalman import AbstractKalmanMethod, Sequential, evidence
from ._objective import AbstractObjective
from ._posterior import dense_log_prob, exactly
from ._transitions import transitions_log_prob


__all__ = ["AbstractLikelihood", "MarginalLikelihood", "TransitionLikelihood", "log_prob"]

_SEQUENTIAL = Sequential()


class AbstractLikelihood(AbstractObjective):
    """An objective that is a log-density: what standard errors and information criteria stand on.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk

        class Independent(sk.inference.AbstractLikelihood):  # a new likelihood: one method
            def log_prob(self, model, item):
                return jax.vmap(model.stationary().log_prob)(item.ys).sum()

        series = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.4, 0.2]))
        Independent()(sk.processes.OrnsteinUhlenbeck(rate=1.0), series, key=jax.random.key(0))
        ```
    """

    @abc.abstractmethod
    def log_prob(self, model: PyTree, item: AbstractRecord) -> Float[Array, ""]:
        """The log-density of one item of a record under the model."""

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Minus the mean log-density of the items of a batch.

        **Arguments:**

        - `model`: the model.
        - `batch`: a record, stacked or a single item.
        - `key`: unused: a likelihood is not random.

        **Returns:** the loss, and `{"log_prob": mean log-density of an item}`.
        """
        value = jax.vmap(lambda item: self.log_prob(model, item))(batch.stack()).mean()
        return -value, {"log_prob": value}


class TransitionLikelihood(AbstractLikelihood):
    r"""The likelihood of fully observed paths of a Markov process, $\sum_k \log p(y_k \mid y_{k-1})$.

    Exact where the process declares its transition law (`AbstractTransition`). Any other diffusion gets the Gaussian
    pseudo-likelihood of `gaussian_step`, which is biased at a fixed spacing `h` of the observations: for an
    Ornstein-Uhlenbeck process the Euler estimates tend to $(1 - e^{-\theta h})/h$ for the rate and to
    $\sigma^2 (1 - e^{-2 \theta h}) / (2 \theta h)$ for the squared scale. `substeps` removes the part of the bias that
    a linear drift causes. Rows missing whole are stepped over; rows observed in part are an error.

    Source: Sarkka and Solin (2019), Applied Stochastic Differential Equations, sections 9.1 and 11.3.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import TransitionLikelihood

        series = sk.data.Series(jnp.arange(3.0), jnp.array([0.0, 0.3, 0.1]))
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0)
        loss, metrics = TransitionLikelihood()(model, series, key=jax.random.key(0))
        ```
    """

    include_initial: bool = eqx.field(static=True, default=False)
    """Whether the first observation counts, under the initial law."""
    substeps: int = eqx.field(static=True, default=1)
    """Steps between observations of the pseudo-likelihood; more than one also serves noise of less than full rank."""

    def __check_init__(self):
        require(self.substeps >= 1, "substeps", "must be a positive integer", self.substeps, "pass substeps >= 1")

    def log_prob(self, model: PyTree, item: AbstractRecord) -> Float[Array, ""]:
        return transitions_log_prob(
            model, _as_series(item), include_initial=self.include_initial, substeps=self.substeps
        )


class MarginalLikelihood(AbstractLikelihood):
    r"""The exact marginal likelihood of noisy, irregular, incomplete series: $\log p(y)$ by `log_prob`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import GaussianObservation, MarginalLikelihood, Observed

        series = sk.data.Series(jnp.array([0.0, 0.4, 1.7]), jnp.array([0.0, 0.3, 0.1]))
        model = Observed(sk.processes.OrnsteinUhlenbeck(rate=1.0), GaussianObservation(0.1))
        loss, metrics = MarginalLikelihood()(model, series, key=jax.random.key(0))
        ```
    """

    method: AbstractKalmanMethod = Sequential()
    """How a Kalman filter runs for a bare process; an `Observed` model brings its own."""

    def log_prob(self, model: PyTree, item: AbstractRecord) -> Float[Array, ""]:
        return log_prob(model, item, method=self.method)


def log_prob(
    process: AbstractProcess, series: AbstractRecord, *, method: AbstractKalmanMethod = _SEQUENTIAL
) -> Float[Array, ""]:
    """The exact log-density of one item of a record under a process.

    Taken from the first of these that the process declares: a density (`AbstractDensity`), linear Gaussian transitions,
    transitions, the covariance of a Gaussian process. Missing entries are integrated out.

    **Arguments:**

    - `process`: the process. Without an observation law its states are what was observed, without noise.
    - `series`: one item; the initial law of a Markov process stands at its first time.
    - `method`: how a Kalman filter runs along time, where one is used.

    **Returns:** a scalar.

    **Raises:** `ValueError` if the process has no density in closed form, or if a row is observed in part where that
    has no closed form (`RuntimeError` under `jit`).

    Source: the prediction error decomposition, Schweppe (1965).

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import log_prob

        series = sk.data.Series(jnp.array([0.0, 0.4, 1.7]), jnp.array([0.0, 0.3, 0.1]))
        log_prob(sk.processes.OrnsteinUhlenbeck(rate=1.0), series)
        ```
    """
    if isinstance(process, AbstractDensity):
        return process.log_prob(series)
    series = _as_series(series)
    if isinstance(process, AbstractProcess):
        require(series.is_item, "series", "must be one series", series.ts, "index the record, e.g. series[0]")
        require(
            series.dim == process.dim, "series.ys", f"must have {process.dim} component(s)", series.ys, "see Observed"
        )
    if isinstance(process, AbstractLinearGaussian) and not _complete(series):
        return evidence(process, series, *exactly(process, series), method)
    if isinstance(process, AbstractTransition):
        return transitions_log_prob(process, series, include_initial=True)
    if isinstance(process, AbstractGaussianProcess):
        return dense_log_prob(process, series, *exactly(process, series))
    kind = "this diffusion" if isinstance(process, AbstractDiffusion) else "this process"
    remedy = f"use TransitionLikelihood for {kind} (a pseudo-likelihood), or wrap a linear Gaussian process in Observed"
    raise ValueError(fault("process", "has no density in closed form", type(process).__name__, remedy))


def _as_series(series: AbstractRecord) -> Series:
    if not isinstance(series, Series):
        remedy = "pass a Series, or a process that is an AbstractDensity for this kind of record"
        raise TypeError(fault("series", "must be a Series for this process", type(series).__name__, remedy))
    return series


def _complete(series: Series) -> bool:
    """Whether it is known now that the first row is observed and no row is observed in part."""
    if not is_concrete(series.mask):
        return False
    some, every = series.mask.any(-1), series.mask.all(-1)
    return bool(every[0] & (some == every).all())
