r"""A neural SDE trained by scores of its laws at pairs of times, on an Ornstein-Uhlenbeck process with a rising mean.

The data are $dz = (\mu t - \theta z)\,dt + \sigma\,dW$ on $t = 0, 1, \dots, 63$ with $\mu = 0.02$, $\theta = 0.1$,
$\sigma = 0.4$ and $z_0$ uniform on $(-1, 1)$: the process by which neural SDEs were first trained against a critic. Its
marginals are known, a uniform law convolved with a Gaussian one, and so is its covariance; the fit is scored by both.
"""

from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from scipy import stats

from .._process import Additive
from .._types import Key, RealScalar, State
from ..data import Series
from ..evaluate import Report, Row
from ..inference import FiniteDimensionalMatching
from ..nets import ConstantDiffusion, MLPField
from ..processes import Diffusion
from ..solve import solve
from ._experiment import Experiment, Outcome
from ._training import adam


__all__ = ["FDM_OU"]

_MU, _THETA, _SIGMA, _TIMES = 0.02, 0.1, 0.4, 64
_MODEL, _FLOOR = "neural SDE", "a sample of the data"
_W1, _WHERE, _COV, _KS = (
    "W1 of the marginals over their deviation, worst",
    "W1 of the marginals over their deviation, mean",
    "error of the autocovariance over the variance, worst",
    "Kolmogorov-Smirnov distance of the marginals, worst",
)


def _mean(t: np.ndarray) -> np.ndarray:
    return _MU * (t / _THETA + np.expm1(-_THETA * t) / _THETA**2)


def _covariance(t: np.ndarray) -> np.ndarray:
    s, u = np.minimum(t[:, None], t[None]), np.abs(t[:, None] - t[None])
    free = _SIGMA**2 / (2 * _THETA) * np.exp(-_THETA * u) * -np.expm1(-2 * _THETA * s)
    return free + np.exp(-_THETA * (t[:, None] + t[None])) / 3


def _paths(n: int, key: Key) -> jax.Array:
    """Exact draws, shape `(n, t)`."""
    first, rest = jax.random.split(key)
    t = np.arange(_TIMES, dtype=float)
    decay, spread = np.exp(-_THETA), _SIGMA * np.sqrt(-np.expm1(-2 * _THETA) / (2 * _THETA))
    start = jax.random.uniform(first, (n,), minval=-1.0, maxval=1.0)
    white = spread * jax.random.normal(rest, (_TIMES - 1, n))

    def step(z, row):
        gain, noise = row
        z = decay * z + gain + noise
        return z, z

    gains = jnp.asarray(_mean(t[1:]) - decay * _mean(t[:-1]), start.dtype)
    _, zs = jax.lax.scan(step, start, (gains, white))
    return jnp.concatenate([start[None], zs]).T


def _data(setting, key):
    xs = _paths(setting["n"], key)
    return Series(jnp.arange(_TIMES, dtype=xs.dtype) / (_TIMES - 1), xs[..., None])


class _Field(eqx.Module):
    """A network in the units of the data: values about their mean, and drifts that match the noise of a step."""

    mlp: MLPField
    mean: float = eqx.field(static=True)
    spread: float = eqx.field(static=True)
    gain: float = eqx.field(static=True)

    def __call__(self, t: RealScalar, x: State) -> State:
        return self.gain * self.mlp(t, (x - self.mean) / self.spread)


def _build(data: Any, key: Key) -> dict[str, Diffusion]:
    xs = np.asarray(cast(Series, data).ys[..., 0])
    first, roughness = xs[:, 0], np.sqrt((_TIMES - 1) * np.mean(np.diff(xs) ** 2))
    start = dist.Uniform(jnp.asarray(first.min())[None], jnp.asarray(first.max())[None]).to_event(1)
    mlp = MLPField(dim=1, width=32, depth=2, time=True, out_scale=0.1, key=key)
    drift = cast(Any, _Field)(mlp, float(xs.mean()), float(xs.std()), float(roughness * np.sqrt(_TIMES - 1)))
    return {_MODEL: cast(Any, Diffusion)(drift, ConstantDiffusion(jnp.full(1, roughness)), start, structure=Additive)}


def _scores(name: str, xs: np.ndarray) -> list[Row]:
    """Marginals against their exact quantiles, and the autocovariance."""
    t = np.arange(_TIMES, dtype=float)
    mean, cov = _mean(t), _covariance(t)
    deviation = np.sqrt(np.diag(cov))
    levels = (np.arange(len(xs)) + 0.5) / len(xs)
    w1, ks = np.empty(_TIMES), np.empty(_TIMES)
    for i in range(_TIMES):
        law = _Marginal(mean[i], np.exp(-_THETA * t[i]), np.sqrt(max(cov[i, i] - np.exp(-2 * _THETA * t[i]) / 3, 0)))
        w1[i] = np.mean(np.abs(np.sort(xs[:, i]) - law.quantile(levels))) / deviation[i]
        ks[i] = stats.kstest(xs[:, i], law.cdf).statistic
    gap = np.abs(np.cov(xs.T) - cov) / np.outer(deviation, deviation)
    return [
        Row(name, _W1, w1.max()),
        Row(name, _WHERE, w1.mean()),
        Row(name, _KS, ks.max()),
        Row(name, _COV, gap.max()),
    ]


class _Marginal:
    """A uniform law of half-width `a` about `m`, convolved with a Gaussian one of deviation `s`."""

    def __init__(self, m: float, a: float, s: float):
        self.m, self.a, self.s = m, a, s

    def cdf(self, x):
        x = np.asarray(x) - self.m
        if self.s == 0:
            return np.clip((x + self.a) / (2 * self.a), 0, 1)
        g = lambda u: u * stats.norm.cdf(u) + stats.norm.pdf(u)
        return self.s * (g((x + self.a) / self.s) - g((x - self.a) / self.s)) / (2 * self.a)

    def quantile(self, p):
        grid = np.linspace(self.m - self.a - 6 * self.s, self.m + self.a + 6 * self.s, 20_001)
        return np.interp(p, self.cdf(grid), grid)


def _metrics(outcome: Outcome) -> Report:
    model, (first, second) = outcome.fits[_MODEL].model, jax.random.split(outcome.key)
    n = outcome.setting["draws"]
    path: Any = solve(model, cast(Series, outcome.data).ts[0], key=first, n=n, steps=1)
    sigma = float(model.diffusion(jnp.zeros(()), jnp.zeros(1)).as_matrix()[0, 0]) / np.sqrt(_TIMES - 1)
    rows = _scores(_MODEL, np.asarray(path.xs[..., 0], np.float64))
    rows.append(Row(_MODEL, "diffusion over the true one", sigma / _SIGMA))
    return Report((*rows, *_scores(_FLOOR, np.asarray(_paths(n, second), np.float64))))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    data, model = cast(Series, outcome.data), outcome.fits[_MODEL].model
    path: Any = solve(model, data.ts[0], key=outcome.key, n=64, steps=1)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    t = np.arange(_TIMES)
    bound = 2 * np.sqrt(np.diag(_covariance(t.astype(float))))
    for ax, xs, title in zip(axes, (data.ys[:64, :, 0], path.xs[..., 0]), ("data", _MODEL), strict=True):
        ax.plot(t, np.asarray(xs).T, lw=0.5, color="C0", alpha=0.5)
        ax.plot(t, _mean(t) + bound, "k--", t, _mean(t) - bound, "k--", lw=1)
        ax.set(title=title, xlabel="time")
    axes[0].set_ylabel("state")
    figure.suptitle("Paths, and two exact deviations about the exact mean", x=0.01, ha="left", fontsize=9.5)
    figure.tight_layout()
    plot.save(figure, folder / "paths.png")
    plt.close("all")


FDM_OU = Experiment(
    name="fdm-ou",
    paper="zhang2025",
    summary="a neural SDE trained by scores of its laws at pairs of times, against exact marginals and covariance",
    data=_data,
    build=_build,
    objective=lambda _name: FiniteDimensionalMatching(paths=256, sets=16, whiten=True, steps=1),
    metrics=_metrics,
    expected={
        (_MODEL, _W1): (0.0, 0.05, "the exact marginals"),
        (_MODEL, _COV): (0.0, 0.05, "the exact covariance"),
    },
    scales={
        "smoke": {"n": 8192, "draws": 8192, "fit": adam(1500, 1e-2, end=1e-3, warm=True, clip=5.0)},
        "paper": {"n": 8192, "draws": 65536, "fit": adam(3000, 1e-2, end=1e-3, warm=True, clip=5.0)},
    },
    fit={"batch_size": 256},
    draw=_draw,
    baseline=_FLOOR,
)
