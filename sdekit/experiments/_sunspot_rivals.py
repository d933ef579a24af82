"""Forecasts of a series by what came before neural networks: seasonal, autoregressive, Gaussian process."""

from collections.abc import Callable

import numpy as np
from scipy import linalg, optimize

from .._errors import require


__all__ = ["PERIOD", "rivals"]

PERIOD = 11
_ORDERS = range(1, 16)
Forecaster = Callable[[np.ndarray, int, int, np.random.Generator], np.ndarray]


def rivals(train: np.ndarray) -> dict[str, Forecaster]:
    """The rivals, with parameters from the years to learn from alone.

    **Arguments:**

    - `train`: values, shape `(t,)`, on the scale on which errors are alike.

    **Returns:** by name a function `(past, horizon, n, rng)` that draws `(n, horizon)` values after `past`.
    """
    return {
        "climatology": lambda past, h, n, rng: rng.choice(train, (n, h)),
        "seasonal naive": _seasonal(train),
        "autoregression": _autoregression(train),
        "Gaussian process": _gaussian_process(train),
    }


def _seasonal(train: np.ndarray) -> Forecaster:
    """The value a period ago, and an error that this has had before."""
    errors = train[PERIOD:] - train[:-PERIOD]

    def draw(past, horizon, n, rng):
        require(horizon <= PERIOD, "horizon", f"must not exceed {PERIOD}", horizon, "forecast a period at most")
        return past[-PERIOD:][:horizon] + rng.choice(errors, (n, horizon))

    return draw


def _autoregression(train: np.ndarray) -> Forecaster:
    """Least squares, the order by the Bayesian criterion on the same rows for all orders."""
    most = max(_ORDERS)
    target = train[most:]

    def fitted(p):
        lags = [train[most - k : len(train) - k] for k in range(1, p + 1)]
        design = np.column_stack([np.ones(len(target)), *lags])
        weights, *_ = np.linalg.lstsq(design, target, rcond=None)
        square = np.mean((target - design @ weights) ** 2)
        return len(target) * np.log(square) + (p + 2) * np.log(len(target)), weights, square

    _, weights, square = min((fitted(p) for p in _ORDERS), key=lambda found: found[0])
    order = len(weights) - 1
    deviation = np.sqrt(square * len(target) / (len(target) - order - 1))

    def draw(past, horizon, n, rng):
        state = np.repeat(past[-order:][::-1][None], n, axis=0)
        drawn = np.empty((n, horizon))
        for h in range(horizon):
            drawn[:, h] = weights[0] + state @ weights[1:] + deviation * rng.normal(size=n)
            state = np.concatenate([drawn[:, h, None], state[:, :-1]], axis=1)
        return drawn

    return draw


def _gaussian_process(train: np.ndarray) -> Forecaster:
    """A decaying rhythm of smooth shape, a slow level, and noise; parameters by the marginal likelihood."""
    mean, unit = train.mean(), train.std()

    def kernel(lag, p):
        rhythm, decay, period, shape, level, slow, _ = p
        wave = rhythm * np.exp(-lag / decay) * np.exp(-2 * np.sin(np.pi * lag / period) ** 2 / shape**2)
        return wave + level * np.exp(-0.5 * (lag / slow) ** 2)

    def covariance(t, p):
        return kernel(np.abs(t[:, None] - t[None]), p) + p[-1] * np.eye(len(t))

    z, t = (train - mean) / unit, np.arange(len(train), dtype=float)

    def loss(logs):
        try:
            root = np.linalg.cholesky(covariance(t, np.exp(logs)))
        except np.linalg.LinAlgError:
            return 1e10
        white = linalg.solve_triangular(root, z, lower=True)
        # A weak normal prior on logarithms keeps parameters that the data do not tell from running away.
        return 0.5 * white @ white + np.log(np.diag(root)).sum() + 0.05 * np.sum((logs - start) ** 2)

    start = np.log([1.0, 30.0, PERIOD, 1.0, 0.2, 50.0, 0.05])
    p = np.exp(optimize.minimize(loss, start, method="L-BFGS-B").x)

    def draw(past, horizon, n, rng):
        m = len(past)
        whole = covariance(np.arange(m + horizon, dtype=float), p)
        gain = linalg.solve(whole[:m, :m], whole[:m, m:], assume_a="pos").T
        centre = gain @ ((past - mean) / unit)
        root = np.linalg.cholesky(whole[m:, m:] - gain @ whole[:m, m:])
        return mean + unit * (centre + rng.normal(size=(n, horizon)) @ root.T)

    return draw
