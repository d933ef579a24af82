"""The models that `sdekit fit` tries, each with where it starts and the likelihood it is fitted by.

All start from a series of mean 0 and standard deviation 1 whose median gap between times is 1.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpyro.distributions as dist

from .._types import Key
from ..data import Series
from ..inference import AbstractLikelihood, GaussianObservation, MarginalLikelihood, Observed, TransitionLikelihood
from ..nets import ConstantDiffusion, MLPField
from ..processes import (
    Additive,
    BrownianMotion,
    Diffusion,
    FractionalOrnsteinUhlenbeck,
    GaussianProcess,
    Matern32,
    OrnsteinUhlenbeck,
)


__all__ = ["CANDIDATES", "Candidate"]

_MARGINAL = MarginalLikelihood()


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A model to try on a series.

    **Arguments:**

    - `title`: what tables call it.
    - `build`: `(series, key) -> model`, at its starting values.
    - `likelihood`: what it is fitted by.
    - `frozen`: what `fit` holds fixed, or `None`.
    - `scalar`: whether it serves series of one component alone.
    - `intervals`: whether its parameters have a meaning, so that intervals are found for them.

    !!! example

        ```python
        from sdekit.experiments import CANDIDATES
        [candidate.title for candidate in CANDIDATES.values()]
        ```
    """

    title: str
    build: Callable[[Series, Key], Any]
    likelihood: AbstractLikelihood = _MARGINAL
    frozen: Callable[[Any], Any] | None = None
    scalar: bool = False
    intervals: bool = True


def _standard(d: int) -> dist.Distribution:
    return dist.Normal(jnp.zeros(d), 1.0).to_event(1)


def _brownian(series: Series, key: Key):
    d = series.dim
    process = BrownianMotion(scale=jnp.full(d, 0.3), drift_rate=0.0, initial=_standard(d))
    return Observed(process, GaussianObservation(jnp.full(d, 0.7)))


def _ou(series: Series, key: Key):
    d = series.dim
    process = OrnsteinUhlenbeck(rate=jnp.full(d, 0.3), mean=0.0, scale=0.6)
    return Observed(process, GaussianObservation(jnp.full(d, 0.5)))


def _fou(series: Series, key: Key):
    return FractionalOrnsteinUhlenbeck(hurst=0.6, rate=0.5, mean=0.0, scale=0.8)


def _gp(series: Series, key: Key):
    return Observed(GaussianProcess(Matern32(jnp.array(0.7), jnp.array(3.0))), GaussianObservation(jnp.full(1, 0.7)))


def _neural(series: Series, key: Key):
    d = series.dim
    drift = MLPField(d, width=4, depth=1, key=key)
    return Diffusion(drift, ConstantDiffusion(jnp.full(d, 0.8)), _standard(d), structure=Additive)


CANDIDATES: dict[str, Candidate] = {
    "brownian": Candidate("Brownian motion + noise", _brownian, frozen=lambda m: m.process.drift_rate),
    "ou": Candidate("OU + noise", _ou),
    "fou": Candidate("fractional OU", _fou, scalar=True),
    "gp": Candidate("Gaussian process + noise", _gp, scalar=True),
    "neural": Candidate("neural SDE", _neural, TransitionLikelihood(include_initial=True), intervals=False),
}
