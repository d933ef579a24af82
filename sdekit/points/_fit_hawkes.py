"""Fits of exponential Hawkes processes whose decays are fixed: concave, one kind at a time."""

import abc
import dataclasses

import equinox as eqx
import numpy as np
import scipy.optimize
import scipy.stats
from jaxtyping import ArrayLike, Bool

from .._errors import require
from ..data import Events
from ..inference import ParameterTable
from ._hawkes import ExponentialHawkes, ExponentialSumHawkes
from ._sums import HawkesSums


__all__ = ["AbstractHawkesFit", "BoundedLBFGS", "ExpectationMaximisation", "HawkesFit", "fit_hawkes"]

_FLOOR = 1e-10
"""The least base rate, as a share of the mean rate: a likelihood may want it 0, and its logarithm would not."""


class AbstractHawkesFit(eqx.Module):
    """How the parameters of one kind are found: the base rate and the row of the branching matrix.

    !!! example

        ```python
        from sdekit.points import AbstractHawkesFit, BoundedLBFGS
        isinstance(BoundedLBFGS(), AbstractHawkesFit)  # True
        ```
    """

    @abc.abstractmethod
    def row(
        self, design: np.ndarray, cost: np.ndarray, start: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, int]:
        """The maximum of `log(design @ x).sum() - cost @ x` between bounds, and the number of iterations."""


class BoundedLBFGS(AbstractHawkesFit):
    """Quasi-Newton steps within bounds, each parameter in units of its own standard error.

    **Arguments:**

    - `tolerance`: on the projected gradient, in nats a standard error.
    - `steps`: the most iterations.

    !!! example

        ```python
        from sdekit.points import BoundedLBFGS
        BoundedLBFGS(tolerance=1e-6)
        ```

    Source: Byrd, Lu, Nocedal and Zhu (1995), A limited memory algorithm for bound constrained optimization.
    """

    tolerance: float = eqx.field(static=True, default=1e-5)
    steps: int = eqx.field(static=True, default=500)

    def row(self, design, cost, start, lower, upper):
        inverse = 1 / (design @ start)
        unit = 1 / np.sqrt(np.maximum((design**2).T @ inverse**2, 1e-300))

        def loss(z):
            rates = design @ (unit * z)
            with np.errstate(divide="ignore", invalid="ignore"):
                value = cost @ (unit * z) - np.log(rates).sum()
                slope = unit * (cost - (1 / rates) @ design)
            return (value, slope) if np.isfinite(value) else (np.inf, np.zeros_like(z))

        bounds = scipy.optimize.Bounds(lower / unit, upper / unit)
        options = {"gtol": self.tolerance, "ftol": 1e-14, "maxiter": self.steps, "maxcor": 20}
        found = scipy.optimize.minimize(loss, start / unit, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        return np.clip(found.x * unit, lower, upper), int(found.nit)


class ExpectationMaximisation(AbstractHawkesFit):
    """Each event is shared among its possible parents: monotone, without steps to choose, slow at the end.

    **Arguments:**

    - `steps`: the number of iterations.

    !!! example

        ```python
        from sdekit.points import ExpectationMaximisation
        ExpectationMaximisation(steps=200)
        ```

    Source: Veen and Schoenberg (2008), Estimation of space-time branching process models in seismology using an EM-type
    algorithm.
    """

    steps: int = eqx.field(static=True, default=200)

    def row(self, design, cost, start, lower, upper):
        x = np.where(upper > 0, np.maximum(start, 1e-12), 0.0)
        safe = np.where(cost > 0, cost, 1.0)
        for _ in range(self.steps):
            # The expected number of events that each term caused, over what it costs to cause one.
            x = np.clip(np.where(cost > 0, x * ((1 / (design @ x)) @ design) / safe, 0.0), lower, upper)
        return x, self.steps


@dataclasses.dataclass(frozen=True)
class HawkesFit:
    """A fitted Hawkes process with its likelihood and standard errors. What `fit_hawkes` returns.

    !!! example

        ```python
        import jax
        from sdekit.points import ExponentialHawkes, fit_hawkes, simulate_clusters
        path = simulate_clusters(ExponentialHawkes(0.5, 0.6, 1.5), 0.0, 500.0, key=jax.random.key(0))
        print(fit_hawkes(path.to_record(), 1.5).table())
        ```
    """

    process: ExponentialHawkes | ExponentialSumHawkes
    log_prob: float
    """The log-likelihood, without a penalty."""
    base_error: np.ndarray
    branching_error: np.ndarray
    """Standard errors from the observed information; NaN at a bound, where they have no meaning."""
    observations: int
    iterations: int

    def table(self, level: float = 0.95) -> ParameterTable:
        """Estimates, standard errors and normal intervals.

        **Arguments:**

        - `level`: the coverage wanted.

        **Returns:** a `ParameterTable`.
        """
        base = np.asarray(self.process.base, np.float64)
        branching = np.asarray(self.process.branching_matrix(), np.float64)
        if isinstance(self.process, ExponentialSumHawkes):
            branching = np.asarray(self.process.branching, np.float64)
        names = [f"base[{i}]" for i in range(len(base))]
        names += [f"branching[{', '.join(map(str, i))}]" for i in np.ndindex(branching.shape)]
        value = np.concatenate([base, branching.ravel()])
        error = np.concatenate([self.base_error, self.branching_error.ravel()])
        half = scipy.stats.norm.ppf(0.5 + level / 2) * error
        return ParameterTable(
            tuple(names), value, error, value - half, value + half, level, self.log_prob, self.observations
        )


_LBFGS = BoundedLBFGS()


def fit_hawkes(
    record: Events,
    decays: ArrayLike,
    *,
    method: AbstractHawkesFit = _LBFGS,
    support: Bool[ArrayLike, "k k"] | None = None,
    penalty: float = 0.0,
) -> HawkesFit:
    r"""The maximum likelihood of an exponential Hawkes process with fixed decays, its parameters not negative.

    The problem is concave and falls apart into one for each kind. It is solved on the host, in NumPy and SciPy, after
    one pass in JAX. For a free decay see `HawkesLikelihood` and `fit`.

    **Arguments:**

    - `record`: one sequence or a stack.
    - `decays`: $\beta$, shape `()` or `(m,)`.
    - `method`: `BoundedLBFGS()` or `ExpectationMaximisation()`.
    - `support`: which entries of the branching matrix may be positive, `[i, j]` where `j` excites `i`.
    - `penalty`: nats for each unit of branching (an L1 penalty): entries that are not needed become 0.

    **Returns:** a `HawkesFit`, its process an `ExponentialHawkes` for one decay, else an `ExponentialSumHawkes`.

    **Raises:** `ValueError` for a support of the wrong shape, a negative penalty, a kind without events.

    !!! example

        ```python
        import jax
        from sdekit.points import ExponentialHawkes, fit_hawkes, simulate_clusters
        path = simulate_clusters(ExponentialHawkes(0.5, 0.6, 1.5), 0.0, 500.0, key=jax.random.key(0))
        fit_hawkes(path.to_record(), 1.5).process.base
        ```
    """
    sums = HawkesSums(record, decays)
    k, m = len(sums.features), len(sums.decays)
    allowed = np.ones((k, k), bool) if support is None else np.asarray(support, bool)
    require(allowed.shape == (k, k), "support", f"must have shape ({k}, {k})", allowed, "one flag a pair of kinds")
    require(penalty >= 0, "penalty", "must not be negative", penalty, "pass 0 for none")
    cover, length = np.asarray(sums.cover, np.float64), float(sums.length)
    base, branching, iterations, total = np.zeros(k), np.zeros((m, k, k)), 0, 0.0
    base_error, branching_error = np.full(k, np.nan), np.full((m, k, k), np.nan)
    for i, columns in enumerate(sums.features):
        n = columns.shape[1]
        require(n > 0, "record", f"must hold events of every kind; none is of kind {i}", n, "drop the kind")
        design = np.concatenate([np.ones((1, n)), np.asarray(columns, np.float64)]).T
        cost = np.concatenate([[length], cover])
        upper = np.concatenate([[np.inf], np.where(np.tile(allowed[i], m), np.inf, 0.0)])
        lower = np.concatenate([[_FLOOR * n / length], np.zeros(m * k)])
        # Half of the events are immigrants, the others have parents of all kinds.
        start = np.concatenate([[0.5 * n / length], np.full(m * k, 0.5 * n / max(cover.sum(), 1.0))])
        start = np.clip(start, lower, upper)
        penalties = np.concatenate([[0.0], np.full(m * k, penalty)])
        x, steps = method.row(design, cost + penalties, start, lower, upper)
        rates = design @ x
        iterations = max(iterations, steps)
        total += np.log(rates).sum() - cost @ x
        base[i], branching[:, i] = x[0], x[1:].reshape(m, k)
        error = _errors(design, rates, x, lower)
        base_error[i], branching_error[:, i] = error[0], error[1:].reshape(m, k)
    dtype = np.asarray(sums.cover).dtype
    process = _process(base.astype(dtype), branching.astype(dtype), sums.decays)
    count = sum(columns.shape[1] for columns in sums.features)
    return HawkesFit(process, float(total), base_error, branching_error, count, iterations)


def _process(base, branching, decays):
    if len(decays) == 1:
        return ExponentialHawkes(base, branching[0], decays[0])
    return ExponentialSumHawkes(base, branching, decays)


def _errors(design, rates, x, lower):
    """Standard errors of what is inside the bounds, from the observed information."""
    free = x > np.maximum(2 * lower, 1e-9)
    scaled = design[:, free] / rates[:, None]
    error = np.full(len(x), np.nan)
    covariance = np.linalg.pinv(scaled.T @ scaled, hermitian=True)
    error[free] = np.sqrt(np.diag(covariance))
    return error
