"""What all bounds on the evidence of a latent SDE share: their parts, their weight, their metrics."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Float

from .._errors import fault, require
from .._types import Array
from ..data import AbstractRecord, Series
from ._latent import LatentSDE


__all__ = ["PathBound", "bound_metrics", "check_weight", "last_weight", "latent_batch"]

_END = 2**30
"""The step at which a schedule is taken to have ended."""


class PathBound(NamedTuple):
    """What the paths of the posterior of one series say: one number a path, but for the divergence of the start.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.inference import PathBound
        PathBound(jnp.zeros(4), jnp.zeros(4), jnp.zeros(4), jnp.zeros(4), jnp.zeros(())).kl_start
        ```
    """

    log_likelihood: Float[Array, " k"]
    """The log-density of the observations given the path."""
    energy: Float[Array, " k"]
    r"""$\frac12 \int |u|^2 dt$."""
    martingale: Float[Array, " k"]
    r"""$\int u \cdot dB$; zero unless it was asked for."""
    log_start: Float[Array, " k"]
    """The log-density ratio of posterior and prior at the drawn start."""
    kl_start: Float[Array, ""]
    """Their divergence, in closed form."""


def check_weight(name: str, weight: Any) -> None:
    """Raise for a fixed weight of the divergences that is negative."""
    ok = not isinstance(weight, int | float) or weight >= 0
    require(ok, name, "must not be negative", weight, "pass a number from 0 on, or a schedule")


def last_weight(weight: Any) -> Any:
    """The weight of the divergences at the end of its schedule, if it has one."""
    return weight(_END) if isinstance(weight, Callable) else weight


def latent_batch(model: Any, batch: AbstractRecord) -> Series:
    """The batch with a leading axis; a `TypeError` where it is no series, or the model no latent SDE."""
    if not isinstance(model, LatentSDE):
        raise TypeError(fault("model", "must be a LatentSDE", type(model).__name__, "build one around your diffusion"))
    if not isinstance(batch, Series):
        raise TypeError(fault("batch", "must be a Series", type(batch).__name__, "pass time series"))
    return batch.stack()


def bound_metrics(bounds: PathBound, elbo: Float[Array, ""], batch: Series) -> dict[str, Float[Array, ""]]:
    """The metrics of a batch from the bounds of its series, stacked, and the mean bound."""
    return {
        "elbo": elbo,
        "log_likelihood": bounds.log_likelihood.mean(),
        "kl_path": bounds.energy.mean(),
        "kl_start": bounds.kl_start.mean(),
        "elbo_per_value": elbo * len(batch) / jnp.maximum(batch.mask.sum(), 1),
    }
