r"""The Hurst index of a multifractional motion at each time, from quadratic variations in windows.

Exact paths on $[0, 1]$ with a known index $H_t$, two curves. In each window $V_a$ is the mean of the squared second
differences over `a` steps, and $\hat H = \frac12 \log_2(V_2 / V_1)$. What the estimator tends to, and its variance for
one path, are known exactly from the covariance of the motion: with $V_a = x^\top A_a x$ and $x \sim N(0, C)$,
$E V_a = \mathrm{tr}(A_a C)$, and to first order $\mathrm{Var}(\hat H) = 2\,\mathrm{tr}((M C)^2) / (2 \log 2)^2$ with
$M = A_2 / E V_2 - A_1 / E V_1$. Istas and Lang (1997), Quadratic variations and estimation of the local Hoelder index.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import plot
from ..data import Series
from ..evaluate import Report, Row
from ..inference import MarginalLikelihood
from ..math import multifractional_covariance
from ..processes import MultifractionalMotion
from ._experiment import Experiment, Outcome


__all__ = ["MULTIFRACTIONAL"]

_CURVES = {
    "logistic": lambda t: 0.3 + 0.4 / (1 + jnp.exp(-12 * (t - 0.5))),
    "sine": lambda t: 0.5 + 0.25 * jnp.sin(2 * jnp.pi * t),
}
_WORST = "pooled estimate less its exact limit, worst window, in standard errors"
_LIMIT = "exact limit less the index, worst window"
_RMSE = "root mean square error of a path"
_RATIO = "root mean square error of a path over the exact one"


def _data(setting, key) -> Series:
    """All paths of the first curve, then all of the second."""
    ts: Any = np.linspace(0.0, 1.0, setting["steps"] + 1)

    def draw(curve, k):
        path: Any = MultifractionalMotion(curve).sample(ts, key=k, n=setting["paths"])
        return path.xs

    xs = jnp.concatenate([draw(curve, jax.random.fold_in(key, i)) for i, curve in enumerate(_CURVES.values())])
    return Series(jnp.broadcast_to(jnp.asarray(ts), xs.shape[:2]), xs)


def _windows(steps: int, window: int) -> list[slice]:
    """Windows side by side; the first is left out, where the motion has only begun."""
    return [slice(i, i + window + 1) for i in range(window, steps - window + 1, window)]


def _forms(window: int) -> tuple[np.ndarray, np.ndarray]:
    """The matrices of `V_1` and `V_2` in the values of a window."""
    eye = np.eye(window + 1)
    parts = []
    for a in (1, 2):
        second = eye[2 * a :] - 2 * eye[a:-a] + eye[: -2 * a]
        parts.append(second.T @ second / len(second))
    return parts[0], parts[1]


def _index(v1: np.ndarray, v2: np.ndarray) -> np.ndarray:
    return np.log2(v2 / v1) / 2


def _exact(curve, ts: Any, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At each window: the index in its middle, what the estimate tends to, and its standard deviation for a path."""
    hurst, (one, two) = np.asarray(curve(ts), np.float64), _forms(window)
    rows = []
    for part in _windows(len(ts) - 1, window):
        cov = multifractional_covariance(hurst[part], hurst[part], ts[part], ts[part])
        v1, v2 = np.trace(one @ cov), np.trace(two @ cov)
        mixed = (two / v2 - one / v1) @ cov
        spread = np.sqrt(2 * np.trace(mixed @ mixed)) / (2 * np.log(2))
        rows.append((hurst[part][window // 2], _index(v1, v2), spread))
    truth, limit, spread = np.array(rows).T
    return truth, limit, spread


def _variations(xs: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """`V_1` and `V_2` of each path in each window, shape `(n, windows)`."""
    parts = [xs[:, part] for part in _windows(xs.shape[1] - 1, window)]
    v = [[np.einsum("ni,ij,nj->n", x, form, x, optimize=True) for x in parts] for form in _forms(window)]
    return np.array(v[0]).T, np.array(v[1]).T


def _study(outcome: Outcome, name: str) -> dict[str, np.ndarray]:
    data: Any = outcome.data
    n, window = outcome.setting["paths"], outcome.setting["window"]
    first = n * list(_CURVES).index(name)
    xs = np.asarray(data.ys[first : first + n, :, 0], np.float64)
    ts = np.linspace(0.0, 1.0, xs.shape[1])
    truth, limit, spread = _exact(_CURVES[name], ts, window)
    v1, v2 = _variations(xs, window)
    m1, m2 = v1.mean(0), v2.mean(0)
    error = np.std(v2 / m2 - v1 / m1, axis=0, ddof=1) / np.sqrt(n) / (2 * np.log(2))
    middle = np.array([ts[part][window // 2] for part in _windows(len(ts) - 1, window)])
    # The trivial estimate: one index for the whole path.
    constant = _index(v1.mean(1), v2.mean(1))[:, None] * np.ones_like(v1)
    return {
        "ts": middle, "truth": truth, "limit": limit, "spread": spread, "error": error, "pooled": _index(m1, m2),
        "each": _index(v1, v2), "constant": constant, "grid": ts, "xs": xs,
    }  # fmt: skip


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for name in _CURVES:
        found = _study(outcome, name)
        rmse = lambda h, found=found: float(np.sqrt(np.mean((h - found["truth"]) ** 2)))
        exact = float(np.sqrt(np.mean(found["spread"] ** 2 + (found["limit"] - found["truth"]) ** 2)))
        worst = np.abs((found["pooled"] - found["limit"]) / found["error"]).max()
        rows.append(Row(name, _WORST, float(worst)))
        rows.append(Row(name, _LIMIT, float(np.abs(found["limit"] - found["truth"]).max())))
        rows.append(Row(name, _RMSE, rmse(found["each"])))
        rows.append(Row(name, _RATIO, rmse(found["each"]) / exact))
        rows.append(Row(f"{name}, one index for the path", _RMSE, rmse(found["constant"])))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    with plot.style():
        figure, axes = plt.subplots(2, len(_CURVES), figsize=(7.0, 4.2), sharex=True, sharey="row", squeeze=False)
        for (above, below), name in zip(axes.T, _CURVES, strict=True):
            found = _study(outcome, name)
            above.plot(found["grid"], found["xs"][0], color=plot.PALETTE[0], lw=0.7)
            above.set_title(name)
            low, high = np.quantile(found["each"], [0.05, 0.95], axis=0)
            below.fill_between(found["ts"], low, high, color=plot.PALETTE[0], alpha=0.2, lw=0, label="90 % of paths")
            below.plot(found["ts"], found["each"][0], color=plot.PALETTE[0], lw=0.9, label="the path above")
            below.plot(found["ts"], found["pooled"], color=plot.PALETTE[1], ls="--", label="all paths")
            below.plot(found["grid"], _CURVES[name](found["grid"]), color="0.15", lw=1.0, label="the index")
            below.set_xlabel("time")
        axes[0, 0].set_ylabel("motion")
        axes[1, 0].set_ylabel("Hurst index")
        axes[1, 0].legend(frameon=False, fontsize=7)
        plot.save(figure, folder / "multifractional.png")
    plt.close("all")


MULTIFRACTIONAL = Experiment(
    name="multifractional",
    paper="peltier1995",
    summary="the Hurst index of a multifractional motion at each time, from exact paths, by quadratic variations",
    data=_data,
    build=lambda _data, _key: {},
    objective=lambda _name: MarginalLikelihood(),
    metrics=_metrics,
    expected={
        **{(name, _WORST): (0.0, 5.6, "normal, two-sided 1e-6 over 31 windows or fewer") for name in _CURVES},
        **{(name, _LIMIT): (0.0, 0.03, "the covariance of the motion") for name in _CURVES},
        **{(name, _RATIO): (1.0, 0.1, "the covariance of the motion, delta method") for name in _CURVES},
    },
    scales={
        "smoke": {"paths": 200, "steps": 1024, "window": 64},
        "paper": {"paths": 1000, "steps": 2048, "window": 128},
    },
    draw=_draw,
)
