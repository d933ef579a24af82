r"""Fractional Ornstein-Uhlenbeck bridges: the exact control, and a trained one, against the exact evidence.

$dX = -\theta X\,dt + dB^H$ from 0, seen once as $y = 0$ at $T = 2$ with noise $\sigma = 0.1$. The least of
$E[X_T^2/2\sigma^2] + KL$ over all controls is $\frac12 \log(1 + \mathrm{Var} X_T/\sigma^2)$, in closed form.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from .._types import Key
from ..data import Series
from ..evaluate import Report, Row
from ..inference import AbstractObjective, GaussianObservation, Observed, OptimalControl
from ..noise import AbstractDriver, GammaMax, MandelbrotVanNess, MarkovFractional, RiemannLiouville
from ..processes import CentredGaussian, Controlled, DrivenOrnsteinUhlenbeck, JointLaw, LinearSDE
from ..solve import ExponentialIntegrator, solve
from ._experiment import Experiment, Outcome
from ._training import adam


__all__ = ["FOU_BRIDGE"]

END, NOISE = 2.0, 0.1
# By Hurst index and rate: least loss and posterior deviation at t = 1 of the exact type II process (1/Gamma
# normalised), and the least loss of the paper's five modes on its fixed grid (gamma_max = 20, weights for T = 6).
CASES = {
    (0.1, 0.0): (2.7803, 1.4428, 2.6881),
    (0.3, 0.0): (2.6166, 0.9131, 2.6156),
    (0.5, 0.0): (2.6517, 0.7089, 2.6507),
    (0.7, 0.0): (2.7072, 0.5764, 2.7045),
    (0.9, 0.0): (2.7542, 0.4767, 2.7488),
    (0.6, 1.0): (1.9553, 0.5628, 1.9542),
    (0.7, 1.0): (1.9716, 0.5128, 1.9695),
    (0.8, 1.0): (1.9978, 0.4668, 1.9942),
    (0.9, 1.0): (2.0283, 0.4245, 2.0227),
    (0.7, 2.0): (1.5612, 0.4130, 1.5603),
    (0.9, 2.0): (1.5817, 0.3480, 1.5780),
}
_EXACT = "Gaussian conditioning of the exact type II process"
_STEPS = 400
LEAST, PAPER, CONTROL = "least loss", "least loss, paper's grid", "exact control's loss over the least"
TRAINED, SPREAD, GAP = "trained loss over the least", "trained deviation at t=1 over the exact", "loss over the least"


def _name(case: tuple[float, float]) -> str:
    return f"H={case[0]:g}, rate={case[1]:g}"


def _case(name: str) -> tuple[float, float]:
    return next(case for case in CASES if _name(case) == name)


def _driver(hurst: float) -> MarkovFractional:
    """The paper's: its rates are slow enough for steps near the end that float32 can tell apart."""
    return MarkovFractional(hurst, 5, 6.0, RiemannLiouville(unit=False), GammaMax(20.0))


def bridge_model(driver: AbstractDriver, rate: float) -> Any:
    """The prior, seen once at the end."""
    process = DrivenOrnsteinUhlenbeck(driver, rate=rate or None)
    return Observed(process, GaussianObservation(jnp.full(1, NOISE), matrix=process.reads))


def _series() -> Series:
    return Series(jnp.array([0.0, END]), jnp.zeros((2, 1)), jnp.array([[False], [True]]))


def information_times(process: DrivenOrnsteinUhlenbeck, steps: int) -> Float[Array, " steps+1"]:
    """Times between which the observation loses equal parts of its information, as a good control must act."""
    fine = END - np.append(END * np.geomspace(1.0, 1e-12, 4000), 0.0)
    spread = eqx.filter_vmap(lambda t: process.discretise(t, END)[2][0, 0])(jnp.asarray(fine))
    left = np.log(np.asarray(spread, np.float64) + NOISE**2)
    times = np.interp(np.linspace(left[0], left[-1], steps + 1), left[::-1], fine[::-1])
    times[[0, -1]] = 0.0, END
    return jnp.asarray(times)


class _Feedback(eqx.Module):
    """A control that is linear in the state, its gains a network of the time that is left."""

    network: eqx.nn.MLP

    def __init__(self, size: int, *, key: Key):
        network = eqx.nn.MLP(2, size + 2, 32, 2, jax.nn.silu, key=key)
        last = lambda n: (n.layers[-1].weight, n.layers[-1].bias)
        self.network = eqx.tree_at(last, network, replace_fn=jnp.zeros_like)

    def __call__(self, t, x, z):
        left = jnp.log((END - t + 1e-4) / (END + 1e-4)) / 10
        out = self.network(jnp.stack([left, t / END]))
        return -jnp.exp(8 * out[:1]) * (x + out[1:2] + 8 * z @ out[2:])


class _Loss(AbstractObjective):
    """The expected misfit and the path divergence of a control, over paths that the step redraws."""

    times: Float[Array, " t"]
    paths: int = eqx.field(static=True)

    def __call__(self, model, batch, *, key):
        loss = _losses(model, self.times, self.paths, key, ExponentialIntegrator()).sum(1).mean()
        return loss, {}


def _losses(posterior: Controlled, times: Array, n: int, key: Key, solver: ExponentialIntegrator) -> Array:
    """Of each path: misfit, divergence, and the martingale of mean 0 that makes their sum constant at the optimum."""
    path: Any = solve(posterior, times, key=key, steps=1, n=n, solver=solver)
    x, _, weights = jax.vmap(posterior.parts)(path.xs[:, -1])
    return jnp.concatenate([0.5 * x**2 / NOISE**2, weights], axis=1)


@eqx.filter_jit
def _measure(posterior: Controlled, times: Array, n: int, key: Key) -> tuple[Array, Array, Array]:
    """The mean loss, its standard error, and the deviation of the state nearest to t = 1."""
    found = _losses(posterior, times, n, key, ExponentialIntegrator(trapezoid=True)).sum(1)
    middle = jnp.argmin(jnp.abs(times - 1.0))
    path: Any = solve(posterior, times, key=key, steps=1, n=n, solver=ExponentialIntegrator(trapezoid=True))
    return found.mean(), found.std() / jnp.sqrt(n), path.xs[:, middle, 0].std()


def _controlled(process: DrivenOrnsteinUhlenbeck, field: Callable, start: Any = None) -> Controlled:
    # A linear base for every case, so that all of them share one program.
    rate = 0.0 if process.rate is None else process.rate[0]
    base = LinearSDE(matrix=-jnp.full((1, 1), rate), scale=jnp.ones((1, 1)))
    return Controlled(base, process.driver, field, start, martingale=True)  # pyright: ignore[reportCallIssue]


def _data(setting: Mapping[str, Any], key: Key) -> Series:
    return _series()


def _build(series: Any, key: Key) -> dict[str, Controlled]:
    return {
        _name(case): _controlled(bridge_model(_driver(case[0]), case[1]).process, _Feedback(5, key=key))
        for case in CASES
    }


def _objective(name: str) -> _Loss:
    return _Loss(information_times(bridge_model(_driver(_case(name)[0]), _case(name)[1]).process, 200), 128)


def _least(model: Observed) -> float:
    """Minus the log-evidence, less the constant of the observation's density."""
    return -float(model.log_prob(_series())) - 0.5 * float(np.log(2 * np.pi * NOISE**2))


def _exact_rows(name: str, hurst: float, rate: float, n: int, key: Key) -> list[Row]:
    best = MarkovFractional(hurst, 5, END, RiemannLiouville(unit=False))
    model = bridge_model(_driver(hurst), rate)
    posterior = _controlled(model.process, OptimalControl(model, _series()))
    mean, error, _ = _measure(posterior, information_times(model.process, _STEPS), n, key)
    least = _least(model)
    return [
        Row(name, LEAST, _least(bridge_model(best, rate))),
        Row(name, PAPER, least),
        Row(name, CONTROL, float(mean) - least, float(error)),
    ]


def _trained_rows(name: str, posterior: Controlled, n: int, key: Key) -> list[Row]:
    model = bridge_model(_driver(_case(name)[0]), _case(name)[1])
    mean, error, spread = _measure(posterior, information_times(model.process, _STEPS), n, key)
    between = model.condition(_series()).process
    exact = float(jnp.sqrt(between.marginal(1.0).variance[0]))
    return [
        Row(name, TRAINED, float(mean) - _least(model), float(error)),
        Row(name, SPREAD, float(spread) / exact, float(spread) / exact / np.sqrt(2 * n)),
    ]


def past_gap(hurst: float, n: int, key: Key) -> tuple[tuple[float, float], tuple[float, float]]:
    """How far the bound of type I noise is from its evidence: with a posterior over the past, and with its prior.

    **Returns:** each with its standard error.
    """
    driver = MarkovFractional(hurst, terms=5, horizon=END, kind=MandelbrotVanNess())
    model = bridge_model(driver, 0.0)
    process = model.process
    control = OptimalControl(model, _series())
    a, _, q = process.discretise(0.0, END)
    root = driver.start
    reads = a[0, 1:] @ root  # how the observed state reads the Gaussians of the past
    total = q[0, 0] + NOISE**2 + reads @ reads
    spread = jnp.eye(len(reads)) - jnp.outer(reads, reads) / total
    divergence = 0.5 * (jnp.trace(spread) - len(reads) - jnp.linalg.slogdet(spread)[1])
    times, zero = information_times(process, _STEPS), dist.Delta(jnp.zeros(1), event_dim=1)
    found = []
    for law, cost in ((CentredGaussian(root @ jnp.linalg.cholesky(spread)), divergence), (CentredGaussian(root), 0.0)):
        posterior = _controlled(process, control, JointLaw((zero, law)))
        mean, error, _ = _measure(posterior, times, n, key)
        found.append((float(mean + cost) - _least(model), float(error)))
    return found[0], found[1]


def _metrics(outcome: Outcome) -> Report:
    n, keys = outcome.setting["paths"], jax.random.split(outcome.key, 3)
    rows = []
    for case in CASES:
        if _name(case) in outcome.fits:
            rows += _exact_rows(_name(case), *case, n, keys[0])
    for name, fit in outcome.fits.items():
        rows += _trained_rows(name, fit.model, n, keys[1])
    with_past, without = past_gap(0.9, n, keys[2])
    rows.append(Row("type I, H=0.9, posterior over the past", GAP, *with_past))
    rows.append(Row("type I, H=0.9, prior over the past", GAP, *without))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    names = list(outcome.fits)
    columns = min(len(names), 4)
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.2 * columns, 2.4 * rows), sharey=True, squeeze=False)
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    for name, ax in zip(names, axes.flat, strict=False):
        model = bridge_model(_driver(_case(name)[0]), _case(name)[1])
        times = information_times(model.process, _STEPS)
        path: Any = solve(outcome.fits[name].model, times, key=outcome.key, steps=1, n=64)
        ts = np.linspace(0.02, END, 100)
        between = model.condition(_series()).process
        spread = 2 * np.sqrt(np.asarray(jax.vmap(lambda t: between.marginal(t).variance[0])(jnp.asarray(ts))))
        ax.plot(times, path.xs[:24, :, 0].T, lw=0.5, color="C0", alpha=0.5)
        ax.plot(ts, spread, "k--", ts, -spread, "k--", lw=1)
        ax.set(title=name, xlabel="time")
    for ax in axes[:, 0]:
        ax.set_ylabel("state")
    figure.suptitle("Trained bridges, and two deviations of the exact posterior", x=0.01, ha="left", fontsize=9.5)
    figure.tight_layout()
    plot.save(figure, folder / "bridges.png")
    plt.close("all")


def _expected() -> dict[tuple[str, str], tuple[float, float, str]]:
    expected = {}
    for case, (least, _, paper) in CASES.items():
        name = _name(case)
        # Five modes lack some variance of rough noise: 2.3 % in all at H = 0.1.
        expected[name, LEAST] = (least, {0.1: 0.03, 0.3: 0.006}.get(case[0], 0.002), _EXACT)
        expected[name, PAPER] = (paper, 2e-4, "Gaussian conditioning of the paper's five modes")
        expected[name, CONTROL] = (0.0, 0.01, "the control is optimal; 400 steps")
        expected[name, TRAINED] = (0.0, 0.03, "the least loss in closed form")
        expected[name, SPREAD] = (1.0, 0.03, "Gaussian conditioning")
    expected["type I, H=0.9, posterior over the past", GAP] = (0.0, 0.02, "the evidence in closed form")
    expected["type I, H=0.9, prior over the past", GAP] = (0.36, 0.05, "the gap in closed form")
    return expected


FOU_BRIDGE = Experiment(
    name="fou-bridge",
    paper="daems2024",
    summary="fractional OU bridges: the exact and a trained control against the evidence in closed form",
    data=_data,
    build=_build,
    objective=_objective,
    metrics=_metrics,
    expected=_expected(),
    scales={
        "smoke": {"paths": 4096, "models": ("H=0.7, rate=1",), "fit": adam(800, 1e-2)},
        "paper": {"paths": 16384},
    },
    fit={
        **adam(2000, 1e-2),
        "frozen": lambda m: (m.base, m.driver),
    },
    draw=_draw,
)
