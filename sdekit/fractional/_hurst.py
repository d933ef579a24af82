"""The words: an estimator of the Hurst index, what it returns, and what it looks at."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.stats
from equinox import AbstractVar
from jaxtyping import Array, ArrayLike, Bool, Float

from .._errors import check_traced, fault, require
from .._types import as_float, is_concrete
from ..data import Series
from ._readings import AbstractReading


__all__ = ["AbstractDiagnostic", "AbstractHurstEstimator", "HurstEstimate"]


class AbstractDiagnostic(eqx.Module):
    """What an estimate was read off: a likelihood, or a regression. `sdekit.plot.hurst` draws it.

    !!! example

        ```python
        import jax
        from sdekit.fractional import AbstractDiagnostic, DFA, Noise
        estimate = DFA(of=Noise())(jax.random.normal(jax.random.key(0), (512,)))
        isinstance(estimate.diagnostic, AbstractDiagnostic)  # True
        ```
    """

    @property
    @abstractmethod
    def title(self) -> str:
        """The name of the method."""


class HurstEstimate(eqx.Module):
    """A Hurst index, how well it is known, and what it was read off.

    **Arguments:**

    - `hurst`: the estimate.
    - `standard_error`: of the estimate. What it rests on is said by the estimator.
    - `edge`: whether the estimate lies at the edge of what the method can return, so that it says little; nearly always
        a path that was read as a noise, or the reverse.
    - `diagnostic`: the likelihood or regression behind it.

    !!! example

        ```python
        import jax
        from sdekit.fractional import Noise, Whittle
        estimate = Whittle(of=Noise())(jax.random.normal(jax.random.key(0), (512,)))
        print(estimate)  # e.g. HurstEstimate(0.51 +- 0.03, Whittle likelihood)
        estimate.interval(0.95)
        ```
    """

    hurst: Float[Array, ""]
    standard_error: Float[Array, ""]
    edge: Bool[Array, ""]
    diagnostic: AbstractDiagnostic

    def interval(self, level: float = 0.95) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The normal interval, estimate and quantile times standard error; it may reach beyond (0, 1).

        **Arguments:**

        - `level`: its probability, in (0, 1).

        **Returns:** the two ends.

        **Raises:** `ValueError` for a level out of (0, 1).
        """
        require(0 < level < 1, "level", "must lie between 0 and 1", level, "pass e.g. 0.95")
        half = scipy.stats.norm.ppf(0.5 + level / 2) * self.standard_error
        return self.hurst - half, self.hurst + half

    def __repr__(self) -> str:
        if not is_concrete(self) or np.ndim(self.hurst) != 0:
            shape = getattr(self.hurst, "shape", ())
            return f"HurstEstimate({self.diagnostic.title}, shape {shape})"
        text = f"{float(self.hurst):.3f} +- {float(self.standard_error):.3f}, {self.diagnostic.title}"
        at_edge = ", at the edge: is a path read as a noise, or a noise as a path?" if bool(self.edge) else ""
        return f"HurstEstimate({text}{at_edge})"


class AbstractHurstEstimator(eqx.Module):
    """From one series to its Hurst index. Unbatched: `jax.vmap` the estimator over many series.

    Works under `jit` and `vmap`. Likelihood estimators stop their iteration where it has converged, and so have no
    reverse-mode gradient with respect to the series.

    !!! example

        ```python
        import jax
        from sdekit.fractional import Noise, Whittle
        series = jax.random.normal(jax.random.key(0), (4, 256))
        jax.vmap(Whittle(of=Noise()))(series).hurst.shape  # (4,)
        ```
    """

    of: AbstractVar[AbstractReading]

    @abstractmethod
    def least(self) -> int:
        """The length of the shortest series it can be asked about."""

    @abstractmethod
    def estimate(self, x: Float[Array, " n"]) -> HurstEstimate:
        """The estimate for a series that has been checked. Call the estimator itself instead."""

    def __call__(self, x: Float[ArrayLike, " n"] | Series) -> HurstEstimate:
        """Estimate the Hurst index of a series.

        **Arguments:**

        - `x`: values at consecutive steps, shape `(n,)`; or a `Series` of one component, complete, at regular times.

        **Returns:** a `HurstEstimate`.

        **Raises:** `ValueError` for a wrong shape, a series that is too short, constant, irregular or holds NaN;
        `RuntimeError` when the last are found at run time, under a transformation.
        """
        return _estimate(self, _checked(x, self.least()))


@eqx.filter_jit
def _estimate(estimator: AbstractHurstEstimator, x: Float[Array, " n"]) -> HurstEstimate:
    return estimator.estimate(x)


def _values(series: Series) -> Array:
    problem, remedy = "must be one series of one component", "index the record, or select a component"
    require(series.ys.ndim == 2 and series.ys.shape[1] == 1, "x", problem, series.ys, remedy)
    if is_concrete(series):
        require(bool(np.asarray(series.mask).all()), "x", "must be complete", "missing values", "cut to a full stretch")
        gaps = np.diff(np.asarray(series.ts, np.float64))
        # Times are rounded to their dtype.
        slack = 8 * float(np.finfo(np.asarray(series.ts).dtype).eps) * float(np.abs(np.asarray(series.ts)).max())
        even = not len(gaps) or bool(np.ptp(gaps) <= slack + 1e-9 * gaps.mean())
        problem, remedy = "must be at regular times", "pass `x.ys[:, 0]` if only their order counts, or resample"
        require(even, "x", problem, f"gaps from {gaps.min():.4g} to {gaps.max():.4g}", remedy)
    return series.ys[:, 0]


def _checked(x: Float[ArrayLike, " n"] | Series, least: int) -> Float[Array, " n"]:
    values: Array = _values(x) if isinstance(x, Series) else as_float(x)
    return _checked_values(values, least)


def _checked_values(x: Array, least: int) -> Array:
    require(x.ndim == 1, "x", "must be one series, shape (n,)", x, "vmap the estimator over many series")
    require(x.shape[0] >= least, "x", f"must hold at least {least} values", x.shape[0], "pass a longer series")
    constant, missing = "must not be constant", "must be finite"
    drop, longer = "drop or fill what is missing", "pass a series that moves"
    if is_concrete(x):
        known = np.asarray(x)
        if not np.isfinite(known).all():
            i = int(np.argmin(np.isfinite(known)))
            raise ValueError(fault(f"x[{i}]", missing, known[i], drop))
        require(bool(np.ptp(known) > 0), "x", constant, x, longer)
        return x
    finite = check_traced(x, ~jnp.all(jnp.isfinite(x)), "x", missing, drop)
    return check_traced(finite, jnp.all(x == x[0]), "x", constant, longer)
