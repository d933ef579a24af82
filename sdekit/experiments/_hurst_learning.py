r"""The Hurst index of a latent noise, learned by a variational bound, against maximum likelihood by a Kalman filter.

64 noisy fractional Ornstein-Uhlenbeck series each for a rough and a smooth index, drawn exactly. The model is driven by
the Markov approximation of the noise, so that its evidence is known: a Kalman filter on the lifted state. The control
of the posterior is the best one in continuous time for the parameters in hand, so that the bound lacks only what a
control that is held over a step cannot do. The fit sees paths, path weights and their gradients, and no filter. It
learns the index, the scale and the noise of the observations; the rate is known, because with the index it lies
on a ridge along which these series say next to nothing.
"""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from .._types import Array, Key, RealScalar
from ..data import AbstractRecord, Series, concatenate, load
from ..evaluate import Report, Row
from ..fit import FullBatch, fit
from ..inference import (
    ELBO,
    AbstractObjective,
    GaussianObservation,
    LatentSDE,
    MarginalLikelihood,
    Observed,
    OptimalControl,
    confidence,
)
from ..nets import AbstractContext, AbstractEncoder
from ..noise import MandelbrotVanNess, MarkovFractional
from ..processes import DrivenOrnsteinUhlenbeck, OrnsteinUhlenbeck
from ._experiment import Experiment, Outcome
from ._training import adam


__all__ = ["HURST_LEARNING"]

_INDICES = (0.3, 0.8)
_END, _TIMES, _NOISE, _RATE = 5.0, 41, 1.0, 1.0
_STEPS, _GRADE = 8, 0.75
"""Steps between observations. Holding the control over a step costs about 0.1 nats a series at H = 0.3; weighted paths
win nearly all of it back."""
_BATCH, _PATHS = 16, 96
_PAST = 4
"""How many Gaussians carry the past of the noise."""
_LEARNED, _SHORT, _OFF = "Hurst index", "bound less evidence, per series", "Hurst index less truth, in standard errors"
_BETWEEN = "Hurst index less Kalman MLE"


class _Group(AbstractObjective):
    """An objective of the series of one index."""

    objective: AbstractObjective
    group: int = eqx.field(static=True)

    def __call__(self, model: Any, batch: AbstractRecord, *, key: Key):
        data = _part(cast(Series, batch), self.group)
        first, rest = jax.random.split(key)
        some = jax.random.choice(first, len(data), (min(_BATCH, len(data)),), replace=False)
        return self.objective(_tied(model), jax.tree.map(lambda x: x[some], data), key=rest)


def _tied(model: Any) -> Any:
    """The model, its guide with the parameters in hand."""
    guide = lambda m: (m.encoder.driver, m.encoder.base, m.encoder.observation)
    return eqx.tree_at(guide, model, (model.driver, model.base, model.observation))


def _part(data: Series, group: int) -> Series:
    n = len(data) // len(_INDICES)
    return data[group * n : (group + 1) * n]


def _name(hurst: float) -> str:
    return f"H={hurst:g}"


def _data(setting, key):
    ts = jnp.linspace(0.0, _END, _TIMES)
    draw = lambda i, hurst: load(
        "fou", n=setting["n"], ts=ts, hurst=hurst, rate=_RATE, scale=1.0, noise=_NOISE, key=jax.random.fold_in(key, i)
    )
    return concatenate([draw(i, hurst) for i, hurst in enumerate(_INDICES)])


def _driver() -> MarkovFractional:
    return MarkovFractional(0.5, terms=5, horizon=_END, kind=MandelbrotVanNess(), within=(0.1, 0.95), past_terms=_PAST)


class _Affine(AbstractContext):
    """The gains of the guide's control at a time, as a vector, and its law of the start."""

    control: OptimalControl
    start: Array

    def __call__(self, t: RealScalar) -> Array:
        precision, shift = self.control.information(t)
        process = cast(DrivenOrnsteinUhlenbeck, self.control.process)
        g = process.diffusion(t, jnp.zeros_like(shift)).as_matrix()[:, 0]
        gains = jnp.append(-precision @ g, g @ shift)
        return jnp.pad(gains, (0, self.start.shape[0] - gains.shape[0]))


class _Guide(AbstractEncoder):
    """What the exact posterior of a linear model knows of a series."""

    driver: MarkovFractional
    base: OrnsteinUhlenbeck
    observation: GaussianObservation

    @property
    def size(self) -> int:
        state = 1 + self.driver.size
        return state**2 + state

    def __call__(self, series: Series) -> _Affine:
        process = DrivenOrnsteinUhlenbeck(self.driver, self.base.rate, self.base.mean, self.base.scale)
        model = Observed(process, GaussianObservation(self.observation.scale, matrix=process.reads))
        # All rows are observed: a mask that is known keeps what depends on times alone out of the map over series.
        whole = Series(series.ts, series.ys, np.ones(series.ys.shape, bool))
        control = OptimalControl(model, whole)
        return cast(Any, _Affine)(control, jnp.append(control.precision[0].ravel(), control.shift[0]))


def _steer(t: RealScalar, x: Array, z: Array, gains: Array) -> Array:
    state = jnp.append(x, z.ravel())
    return (gains[: state.shape[0]] @ state + gains[state.shape[0]])[None]


def latent_model(_key: Key) -> LatentSDE:
    """The latent SDE before it has learned anything, its index at one half."""
    base = OrnsteinUhlenbeck(_RATE, 0.0, 0.7, dist.Delta(jnp.zeros(1), event_dim=1))
    noise, driver = GaussianObservation(jnp.full(1, 0.7)), _driver()
    return cast(Any, LatentSDE)(base, noise, cast(Any, _Guide)(driver, base, noise), _steer, _start, driver)


def _start(told: Array) -> dist.MultivariateNormal:
    """The law of the Gaussians of the past."""
    size = int((np.sqrt(1 + 4 * told.shape[0]) - 1) / 2)
    root = _past_root(size)
    precision, shift = told[: size**2].reshape(size, size), told[size**2 :]
    cov = jnp.linalg.inv(jnp.eye(root.shape[1]) + root.T @ precision @ root)
    return dist.MultivariateNormal(cov @ root.T @ shift, covariance_matrix=cov)


def _past_root(size: int) -> Array:
    return jnp.eye(size, dtype=jnp.result_type(float))[:, size - _PAST :]


def _observed(model: LatentSDE) -> Observed:
    """The same prior with its exact evidence."""
    base = cast(OrnsteinUhlenbeck, model.base)
    process = DrivenOrnsteinUhlenbeck(model.driver, base.rate, base.mean, base.scale)
    return Observed(process, GaussianObservation(cast(Any, model.observation).scale, matrix=process.reads))


def _frozen(model: Observed) -> list[Any]:
    return [cast(Any, model.observation).matrix, cast(Any, model.process).mean, cast(Any, model.process).rate]


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for group, hurst in enumerate(_INDICES):
        name = _name(hurst)
        if name not in outcome.fits:
            continue
        data, model = _part(cast(Series, outcome.data), group), outcome.fits[name].model
        likelihood, start = MarginalLikelihood(), _observed(model)
        exact = fit(
            start, likelihood, data, key=outcome.key, steps=60, optimiser=FullBatch(), frozen=_frozen, tolerance=1e-5,
            progress=False,
        ).model  # fmt: skip
        table = confidence(exact, likelihood, data, frozen=_frozen)["process.driver.hurst"]
        learned = float(cast(Any, model.driver).hurst)
        bound = _bound(model, data, outcome.key)
        evidence = float(-likelihood(start, data, key=outcome.key)[0])
        rows += [
            Row(name, _LEARNED, learned, table["standard_error"]),
            Row(name, _BETWEEN, learned - table["estimate"]),
            Row(name, _OFF, (learned - hurst) / table["standard_error"]),
            Row(name, _SHORT, bound - evidence),
            Row(f"{name}, Kalman MLE", _LEARNED, table["estimate"], table["standard_error"]),
            Row(f"{name}, Kalman MLE", _OFF, (table["estimate"] - hurst) / table["standard_error"]),
        ]
    return Report(tuple(rows))


@eqx.filter_jit
def _look(model, data, key):
    return ELBO(paths=64, steps=_STEPS, grade=_GRADE, shared=True)(model, data, key=key)[1]["elbo"]


def _bound(model: LatentSDE, data: Series, key: Key) -> float:
    return float(np.asarray(_look(_tied(model), data, key)))


_EXACT = "maximum likelihood by a Kalman filter on the same data"

HURST_LEARNING = Experiment(
    name="hurst-learning",
    paper="daems2024",
    summary="the Hurst index of a latent noise, learned by a bound, against maximum likelihood by a Kalman filter",
    data=_data,
    build=lambda _data, key: {_name(h): latent_model(jax.random.fold_in(key, i)) for i, h in enumerate(_INDICES)},
    objective=lambda name: _Group(
        ELBO(paths=_PATHS, importance=True, steps=_STEPS, grade=_GRADE, shared=True),
        [_name(h) for h in _INDICES].index(name),
    ),
    metrics=_metrics,
    expected={
        **{(_name(h), _BETWEEN): (0.0, 0.03, _EXACT) for h in _INDICES},
        **{(_name(h), _OFF): (0.0, 3.0, "the index that the data were drawn with") for h in _INDICES},
    },
    scales={
        "smoke": {"n": 64, "models": (_name(_INDICES[0]),), "fit": {"steps": 60}},
        "paper": {"n": 64},
    },
    fit={
        **adam(200, 6e-2, end=0.02, clip=20.0),
        "frozen": lambda m: [m.base.mean, m.base.rate, m.encoder],
    },
)
