"""How fast exact Hawkes processes of ten kinds are drawn, scored and fitted, and that what is fitted is the truth."""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data import Events
from ..evaluate import Report, Row
from ..inference import MarginalLikelihood
from ..points import ExponentialHawkes, HawkesLikelihood, HawkesSums, fit_hawkes, simulate_clusters
from ._experiment import Experiment, Outcome


__all__ = ["HAWKES_SPEED"]

_DECAY = 1.5


def _truth() -> ExponentialHawkes:
    rng = np.random.default_rng(0)
    phi = rng.uniform(size=(10, 10)) * (rng.uniform(size=(10, 10)) < 0.5)
    return ExponentialHawkes(np.full(10, 0.2), phi * 0.6 / np.abs(np.linalg.eigvals(phi)).max(), _DECAY)


def _data(setting, key) -> Events:
    truth = _truth()
    length = setting["events"] / float(truth.long_run_rate().sum())
    return simulate_clusters(truth, 0.0, length, key=key).to_record()


def _best(f, repeat: int) -> float:
    """The shortest time of processor of a few calls, after one that compiles."""
    jax.block_until_ready(f())
    times = []
    for _ in range(repeat):
        start = time.process_time()
        jax.block_until_ready(f())
        times.append(time.process_time() - start)
    return min(times)


def _metrics(outcome: Outcome) -> Report:
    record, truth, repeat = outcome.data, _truth(), outcome.setting["repeat"]
    assert isinstance(record, Events)
    n, length = int(record.observed()), float(record.t1)
    sums = HawkesSums(record, _DECAY)
    loss = jax.jit(lambda s, b, w: jax.value_and_grad(lambda b, w: s.log_prob(b, w), argnums=(0, 1))(b, w))
    free = eqx.filter_jit(eqx.filter_value_and_grad(lambda p, e: HawkesLikelihood().log_prob(p, e)))
    phi = truth.branching_matrix()
    draw = _best(lambda: simulate_clusters(truth, 0.0, length, key=outcome.key).ts, repeat)
    fixed = _best(lambda: loss(sums, truth.base, phi[None])[0], 10 * repeat)
    moving = _best(lambda: free(truth, record)[0], repeat)
    fitting = _best(lambda: fit_hawkes(record, _DECAY).process.base, repeat)
    found = fit_hawkes(record, _DECAY)
    z = (np.asarray(found.process.branching_matrix()) - np.asarray(phi)) / found.branching_error
    at_truth = float(loss(sums, truth.base, phi[None])[0])
    inside = np.isfinite(z) & (np.asarray(phi) > 0)
    rows = [
        Row("Hawkes, 10 kinds", "events", n),
        Row("Hawkes, 10 kinds", "events drawn, millions a second", n / draw / 1e6),
        Row("Hawkes, 10 kinds", "loss and gradient, ms", 1e3 * fixed),
        Row("Hawkes, 10 kinds", "loss and gradient with a free decay, ms", 1e3 * moving),
        Row("Hawkes, 10 kinds", "fit of 110 parameters, s", fitting),
        Row("Hawkes, 10 kinds", "log-likelihood gained by the fit", found.log_prob - at_truth),
        Row("Hawkes, 10 kinds", "mean squared error in standard errors", float((z[inside] ** 2).mean())),
        Row("Hawkes, 10 kinds", "events over their mean", n / float(truth.expected_counts(jnp.asarray(length)).sum())),
    ]  # fmt: skip
    return Report(tuple(rows))


_TRUTH = "parameters 0.2, spectral radius 0.6, decay 1.5"
HAWKES_SPEED = Experiment(
    name="hawkes-speed",
    paper="ozaki1979",
    summary="exact Hawkes processes of ten kinds: drawn, scored, fitted, by time of processor",
    data=_data,
    build=lambda _data, _key: {},
    objective=lambda _name: MarginalLikelihood(),
    metrics=_metrics,
    expected={
        ("Hawkes, 10 kinds", "mean squared error in standard errors"): (1.0, 0.6, f"the truth, {_TRUTH}"),
        ("Hawkes, 10 kinds", "log-likelihood gained by the fit"): (
            55.0,
            40.0,
            "half of chi-square with 110 parameters",
        ),
        ("Hawkes, 10 kinds", "events over their mean"): (1.0, 0.05, "the exact mean, from no past"),
    },
    scales={"smoke": {"events": 5e4, "repeat": 2}, "paper": {"events": 1e5, "repeat": 7}},
)
