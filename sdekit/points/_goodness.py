"""Does a process fit? Time rescaling with p-values that mean what they say, marks, calibration."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from .._errors import require
from .._types import Key
from ..data import Events
from ..paths import EventPath
from ._autoregressive import AbstractAutoregressive, needed_room, room_for
from ._next import AbstractNextEvent
from ._residuals import Residuals, residuals
from ._simulate import fill


__all__ = ["Calibration", "Goodness", "calibration", "goodness_of_fit", "mark_pit", "qq_band"]


@dataclasses.dataclass(frozen=True)
class Goodness:
    """How the rescaled gaps of data compare with unit exponentials. What `goodness_of_fit` returns.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import Poisson, goodness_of_fit
        events = Poisson(2.0).sample(jnp.array([0.0, 50.0]), key=jax.random.key(0)).to_record()
        print(goodness_of_fit(Poisson(2.0), events))
        ```
    """

    residuals: Residuals
    distance: float
    """The Kolmogorov-Smirnov distance to the unit exponential law."""
    p_value: float
    """Of that distance, if the parameters were known in advance."""
    correlation: float
    """Between a rescaled gap and the next, on the scale of normal quantiles."""
    correlation_p_value: float
    """Of the sum of squared correlations at the first lags (Ljung and Box)."""
    bootstrap: np.ndarray | None = None
    """Distances of data drawn from the process, refitted where `refit` was given."""

    @property
    def bootstrap_p_value(self) -> float:
        """The share of drawn data sets that fit no better; NaN without draws."""
        if self.bootstrap is None:
            return float("nan")
        return float((1 + (self.bootstrap >= self.distance).sum()) / (1 + len(self.bootstrap)))

    def __repr__(self) -> str:
        text = f"{len(self.residuals.values)} gaps, mean {self.residuals.values.mean():.4g}"
        text += f", distance {self.distance:.4g} (p = {self.p_value:.3g})"
        if self.bootstrap is not None:
            text += f", bootstrap p = {self.bootstrap_p_value:.3g}"
        return f"Goodness({text}, lag-1 correlation {self.correlation:.3g} (p = {self.correlation_p_value:.3g}))"


def _distance(found: Residuals) -> float:
    return float(scipy.stats.kstest(found.uniforms, "uniform").statistic)


def _ljung_box(values: np.ndarray, lags: int) -> tuple[float, float]:
    z = scipy.stats.norm.ppf(np.clip(-np.expm1(-values), 1e-12, 1 - 1e-12))
    z = z - z.mean()
    n, power = len(z), float(z @ z)
    r = np.array([float(z[h:] @ z[:-h]) / power for h in range(1, lags + 1)])
    q = n * (n + 2) * (r**2 / (n - np.arange(1, lags + 1))).sum()
    return float(r[0]), float(scipy.stats.chi2.sf(q, lags))


def goodness_of_fit(
    process: AbstractAutoregressive,
    record: Events,
    *,
    key: Key | None = None,
    draws: int = 0,
    refit: Callable[[Events, Key], AbstractAutoregressive] | None = None,
    kind: int | None = None,
    lags: int = 5,
) -> Goodness:
    """Test a process by time rescaling, all sequences on one axis.

    Where parameters were estimated from the same data, the plain p-value is too large. Data are then drawn from the
    process, each set is fitted again by `refit`, and its distance taken: a parametric bootstrap.

    **Arguments:**

    - `process`: the process.
    - `record`: one sequence or a stack.
    - `key`: a JAX key, needed with `draws`.
    - `draws`: how many data sets to draw; 0 for no bootstrap.
    - `refit`: a function `(record, key) -> process` that fits anew; without it parameters count as known.
    - `kind`: test the events of one kind.
    - `lags`: how many correlations to test.

    **Returns:** a `Goodness`.

    **Raises:** `ValueError` for fewer than `lags + 2` events, or draws without a key.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import Poisson, goodness_of_fit
        events = Poisson(2.0).sample(jnp.array([0.0, 50.0]), key=jax.random.key(0)).to_record()
        rate = lambda record, key: Poisson(record.observed() / (record.t1 - record.t0).sum())
        goodness_of_fit(rate(events, None), events, key=jax.random.key(1), draws=19, refit=rate).bootstrap_p_value
        ```

    Source: Brown et al. (2002); Stute, Gonzalez Manteiga and Presedo Quindimil (1993) for the bootstrap.
    """
    found = residuals(process, record, kind=kind)
    n = len(found.values)
    require(n >= lags + 2, "record", f"must hold at least {lags + 2} events", n, "use more data or fewer lags")
    test = scipy.stats.kstest(found.uniforms, "uniform")
    correlation, correlation_p = _ljung_box(found.values, lags)
    again = None
    if draws:
        require(key is not None, "key", "is needed to draw data", None, "pass a JAX key")
        again = np.empty(draws)
        for i in range(draws):
            first, second = jax.random.split(jax.random.fold_in(key, i))  # pyright: ignore[reportArgumentType]
            new = draw_like(process, record, key=first)
            fitted = process if refit is None else refit(new, second)
            again[i] = _distance(residuals(fitted, new, kind=kind))
    return Goodness(found, float(test.statistic), float(test.pvalue), correlation, correlation_p, again)


def draw_like(process: AbstractAutoregressive, record: Events, *, key: Key) -> Events:
    """Sequences of the process on the windows of a record, all of them padded alike."""
    stacked = record.stack()
    room: int | None = room_for(1.25 * stacked.length)
    while room is not None:
        path: EventPath = _draw_like(process, stacked.t0, stacked.t1, key, room)
        room = needed_room(path, room)
    return path.to_events(clock=record.clock)  # pyright: ignore[reportPossiblyUnboundVariable]


@eqx.filter_jit
def _draw_like(process, t0, t1, key, room):
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(t0.shape[0]))
    return jax.vmap(lambda a, b, k: fill(process, a, b, key=k, room=room))(t0, t1, keys)


def qq_band(n: int, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Quantiles of `n` unit exponentials with a band that holds all order statistics with probability `level`.

    From the distance of Kolmogorov and Smirnov, carried to quantiles.

    **Arguments:**

    - `n`: how many residuals there are.
    - `level`: the probability that the whole plot stays inside.

    **Returns:** the expected quantiles and the lower and upper ends of the band, each of shape `(n,)`.

    **Raises:** `ValueError` for a level out of (0, 1).

    !!! example

        ```python
        from sdekit.points import qq_band
        expected, lower, upper = qq_band(100)
        ```
    """
    require(0 < level < 1, "level", "must lie strictly between 0 and 1", level, "pass e.g. 0.95")
    width = scipy.stats.kstwo.isf(1 - level, n)
    middle = (np.arange(n) + 0.5) / n
    quantile = lambda p: -np.log1p(-np.clip(p, 0, 1))
    with np.errstate(divide="ignore"):
        return quantile(middle), quantile(np.arange(n) / n - width + 1 / n), quantile(np.arange(n) / n + width)


@eqx.filter_jit
def _probabilities(process, record):
    def one(item):
        gaps = jnp.where(item.mask, item.gaps(), 1)
        contexts = jax.tree.map(lambda x: x[:-1], process.contexts(item))
        law: Callable[..., AbstractNextEvent] = process.next_event
        at = lambda c, g: (jax.nn.softmax(law(c).log_intensity(g)), -jnp.expm1(law(c).log_survival(g)))
        return jax.vmap(at)(contexts, gaps)

    return jax.vmap(one)(record.stack())


def mark_pit(process: AbstractAutoregressive, record: Events, *, key: Key) -> np.ndarray:
    r"""Randomised probability integral transforms of the kinds: uniform and independent under the truth.

    $U(F(k - 1), F(k))$, with `F` the distribution function of the kind given the past and the time.

    **Arguments:**

    - `process`: a process with more than one kind.
    - `record`: one sequence or a stack.
    - `key`: a JAX key, for the randomisation.

    **Returns:** a number for each event, in NumPy.

    **Raises:** `ValueError` for a process without kinds.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import Poisson, mark_pit
        process = Poisson([2.0, 1.0])
        events = process.sample(jnp.array([0.0, 9.0]), key=jax.random.key(0)).to_record()
        mark_pit(process, events, key=jax.random.key(1))
        ```

    Source: Czado, Gneiting and Held (2009), Predictive model assessment for count data.
    """
    ok = process.dim > 1 and process.mark_law is None
    require(ok, "process", "must have several kinds of events", process.dim, "test the residuals alone")
    stacked = record.stack()
    here = np.asarray(stacked.mask)
    p = np.asarray(_probabilities(process, record)[0], np.float64)[here]
    kinds = np.asarray(stacked.marks)[here]
    upto = np.cumsum(p, axis=-1)[np.arange(len(kinds)), kinds]
    own = p[np.arange(len(kinds)), kinds]
    return np.clip(upto - own * np.asarray(jax.random.uniform(key, own.shape), np.float64), 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How far stated probabilities are from frequencies. What `calibration` returns.

    !!! example

        ```python
        from sdekit.points import Calibration
        Calibration(time=0.01, mark=0.02)
        ```
    """

    time: float
    """The mean distance between the probability and the frequency of gaps below their stated quantiles."""
    mark: float
    """The mean distance between the confidence in the likeliest kind and how often it came, over bins."""


def calibration(process: AbstractAutoregressive, record: Events, *, bins: int = 10) -> Calibration:
    r"""Calibration errors of the next event: of its time (probabilistic, PCE) and of its kind (expected, ECE).

    **Arguments:**

    - `process`: the process.
    - `record`: one sequence or a stack.
    - `bins`: of probability.

    **Returns:** a `Calibration`; the error of kinds is 0 where there is one kind.

    **Raises:** `ValueError` for fewer than two bins.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import Poisson, calibration
        process = Poisson([2.0, 1.0])
        calibration(process, process.sample(jnp.array([0.0, 90.0]), key=jax.random.key(0)).to_record())
        ```

    Source: Bosser and Ben Taieb (2023), On the predictive accuracy of neural temporal point process models.
    """
    require(bins >= 2, "bins", "must be at least 2", bins, "pass e.g. 10")
    stacked = record.stack()
    here = np.asarray(stacked.mask)
    p, u = (np.asarray(x, np.float64)[here] for x in _probabilities(process, record))
    levels = np.arange(1, bins) / bins
    time = float(np.abs((u[:, None] <= levels).mean(axis=0) - levels).mean())
    if process.dim == 1:
        return Calibration(time, 0.0)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == np.asarray(stacked.marks)[here]
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    sums = [(confidence[place == b].sum() - right[place == b].sum()) for b in range(bins)]
    return Calibration(time, float(np.abs(sums).sum() / len(right)))
