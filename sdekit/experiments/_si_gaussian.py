r"""What errors of velocity and score cost, against $\epsilon$: between two Gaussians, where the answer is exact.

From $N(0, 0.5)$ to $N(1, 1.7)$ along $x_t = (1 - t) x_0 + t x_1 + \sqrt{t(1 - t)}\,z$, with a velocity wrong by .3
and a score that is wrong by .15 everywhere. The law that is made stays Gaussian: its moments solve an ordinary
differential equation, and its divergence from the data is in closed form.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from ..data import Series
from ..evaluate import Report, Row
from ..inference import TransitionLikelihood
from ..interpolants import (
    Field,
    GenerativeDiffusion,
    Score,
    Velocity,
    best_epsilon,
    brownian_gamma,
    exact_field,
    kl_bound,
    linear,
    loss_gaps,
)
from ._experiment import Experiment, Outcome


__all__ = ["SI_GAUSSIAN"]

_VELOCITY, _SCORE = 0.3, 0.15
_EXACT = {0.0: 0.0560, 1.0: 0.0454, 2.0: 0.0370, 5.0: 0.0265, 80.0: 0.0195}
_BOUND = {1.0: 0.05625, 2.0: 0.045, 5.0: 0.06525, 80.0: 0.9005625}
_SOURCE = "the moment equation, to three digits"


def _laws():
    normal = lambda m, v: dist.Normal(jnp.full(1, m), jnp.sqrt(jnp.full(1, v))).to_event(1)
    return normal(0.0, 0.5), normal(1.0, 1.7)


def _fields() -> tuple[Field, Field]:
    exact = exact_field(linear(brownian_gamma(1.0)), *_laws())
    wrong = Field(
        exact.path,
        Velocity(lambda t, x: exact.velocity(t, x) + _VELOCITY),
        Score(lambda t, x: exact.score(t, x) + _SCORE),
    )
    return exact, wrong


@eqx.filter_jit
def _divergence(epsilon: Any, steps: int) -> Any:
    """KL of the law of the data from that which is made, by Runge-Kutta steps of the moment equation."""
    law0, law1 = _laws()
    process = GenerativeDiffusion(_fields()[1], epsilon, law0)

    def rate(t, y):
        m, v = y
        drift, slope = jax.jvp(lambda x: process.drift(t, x), (m,), (jnp.ones_like(m),))
        return drift, 2 * slope * v + 2 * epsilon

    move = lambda y, k, h: jax.tree.map(lambda a, b: a + h * b, y, k)

    def step(y, i):
        at = lambda j: (2.0 * i + j) / (2 * steps)
        h = 1 / steps
        k1 = rate(at(0), y)
        k2 = rate(at(1), move(y, k1, h / 2))
        k3 = rate(at(1), move(y, k2, h / 2))
        k4 = rate(at(2), move(y, k3, h))
        return jax.tree.map(lambda y, a, b, c, d: y + h / 6 * (a + 2 * b + 2 * c + d), y, k1, k2, k3, k4), None

    (m, v), _ = jax.lax.scan(step, (law0.mean, law0.variance), jnp.arange(steps))
    ratio = law1.variance / v
    return ((ratio - 1 - jnp.log(ratio) + (m - law1.mean) ** 2 / v) / 2)[0]


def _metrics(outcome: Outcome) -> Report:
    steps = outcome.setting["steps"]
    exact, wrong = _fields()
    gaps = loss_gaps(wrong, exact, *_laws(), key=outcome.key, n=outcome.setting["states"])
    rows = [Row(f"epsilon = {e:g}", "KL", float(_divergence(jnp.asarray(e), steps))) for e in _EXACT]
    rows += [Row(f"epsilon = {e:g}", "bound", float(kl_bound(gaps, e))) for e in _BOUND]
    rows += [Row("least bound", "epsilon", float(best_epsilon(gaps)))]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    exact, wrong = _fields()
    gaps = loss_gaps(wrong, exact, *_laws(), key=outcome.key, n=outcome.setting["states"])
    values = np.geomspace(0.1, 80, 25)
    with plot.style():
        figure, ax = plt.subplots(figsize=(4.5, 3.2))
        found = [float(_divergence(jnp.asarray(e), outcome.setting["steps"])) for e in values]
        ax.loglog(values, found, color=plot.PALETTE[0], label="exact")
        ax.loglog(values, np.asarray(kl_bound(gaps, values)), color=plot.PALETTE[1], label="bound")
        ax.axhline(float(_divergence(jnp.asarray(0.0), outcome.setting["steps"])), color="0.6", lw=1, label="flow")
        ax.set(xlabel="epsilon", ylabel="KL, nats")
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8)
        plot.save(figure, folder / "kl.png")
        plt.close(figure)


def _expected() -> dict[tuple[str, str], tuple[float, float, str]]:
    found = {(f"epsilon = {e:g}", "KL"): (value, 5.5e-5, _SOURCE) for e, value in _EXACT.items()}
    found |= {
        (f"epsilon = {e:g}", "bound"): (value, 1e-4 * value, "gaps .045 and .01125") for e, value in _BOUND.items()
    }
    return {**found, ("least bound", "epsilon"): (2.0, 1e-3, "gaps .045 and .01125")}


SI_GAUSSIAN = Experiment(
    name="si-gaussian",
    paper="albergo2023",
    summary="the divergence of what a wrong field makes, against epsilon, exactly",
    data=lambda _setting, _key: Series(jnp.array([0.0, 1.0]), jnp.array([0.0, 1.0])),
    build=lambda _data, _key: {},
    objective=lambda _name: TransitionLikelihood(),
    metrics=_metrics,
    expected=_expected(),
    scales={"smoke": {"steps": 2000, "states": 100}, "paper": {"steps": 4000, "states": 1000}},
    draw=_draw,
)
