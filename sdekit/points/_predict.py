"""Predictions of the next event: which number is asked for is an object, not a habit."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._errors import require
from .._types import RealScalar
from ..data import Events
from ..math import gauss_legendre
from ._autoregressive import AbstractAutoregressive
from ._next import AbstractNextEvent, total_log_intensity
from ._samplers import invert


__all__ = [
    "AbstractMarkQuestion",
    "AbstractTimeLoss",
    "AtPrediction",
    "GivenTime",
    "Marginal",
    "Mean",
    "Median",
    "Mode",
    "Prediction",
    "predict_next",
]

_HALVINGS = 60


class AbstractTimeLoss(eqx.Module):
    """What a prediction of the next gap minimises.

    !!! example

        ```python
        from sdekit.points import AbstractTimeLoss, Median
        isinstance(Median(), AbstractTimeLoss)  # True
        ```
    """

    @abc.abstractmethod
    def gap(self, law: AbstractNextEvent, horizon: RealScalar) -> Float[Array, ""]:
        """The predicted gap; what comes after `horizon` counts as `horizon`."""


class Mean(AbstractTimeLoss):
    r"""The mean of the gap, cut at the horizon: $E \min(g, h) = \int_0^h S$. It minimises the squared error.

    **Arguments:**

    - `nodes`: of the Gauss-Legendre rule in the quantiles of the gap.

    !!! example

        ```python
        from sdekit.points import Mean
        Mean(nodes=64)
        ```
    """

    nodes: int = eqx.field(static=True, default=32)

    def gap(self, law, horizon):
        gaps, weights, rest = quantile_rule(law, horizon, self.nodes)
        return (weights * gaps).sum() + rest * horizon


class Median(AbstractTimeLoss):
    """The median of the gap, at most the horizon. It minimises the absolute error.

    !!! example

        ```python
        from sdekit.points import Median
        Median()
        ```
    """

    def gap(self, law, horizon):
        return invert(law, -jnp.log(jnp.full_like(horizon, 2)), jnp.zeros_like(horizon), horizon, _HALVINGS)


class Mode(AbstractTimeLoss):
    """The most likely gap, searched for on a grid of quantiles and then between its neighbours.

    **Arguments:**

    - `nodes`: of the grid.

    !!! example

        ```python
        from sdekit.points import Mode
        Mode()
        ```
    """

    nodes: int = eqx.field(static=True, default=32)

    def gap(self, law, horizon):
        log_density = lambda g: total_log_intensity(law, g) + law.log_survival(g)
        inner, _, _ = quantile_rule(law, horizon, self.nodes)
        grid = jnp.concatenate([jnp.zeros(1, inner.dtype), inner, horizon[None]])
        values = jax.vmap(log_density)(grid)
        best = jnp.argmax(jnp.where(jnp.isnan(values), -jnp.inf, values))
        ends = grid[jnp.maximum(best - 1, 0)], grid[jnp.minimum(best + 1, grid.shape[0] - 1)]
        golden = (5**0.5 - 1) / 2

        def narrow(_, ends):
            a, b = ends
            c, d = b - golden * (b - a), a + golden * (b - a)
            left = log_density(c) > log_density(d)
            return jnp.where(left, a, c), jnp.where(left, d, b)

        a, b = jax.lax.fori_loop(0, 48, narrow, ends)
        middle = (a + b) / 2
        return jnp.where(log_density(middle) >= values[best], middle, grid[best])


class AbstractMarkQuestion(eqx.Module):
    """What is known when the kind of the next event is asked for. Papers differ in it, and so do their accuracies.

    !!! example

        ```python
        from sdekit.points import AbstractMarkQuestion, GivenTime
        isinstance(GivenTime(), AbstractMarkQuestion)  # True
        ```
    """

    @abc.abstractmethod
    def probabilities(
        self, law: AbstractNextEvent, predicted: RealScalar, true: RealScalar, horizon: RealScalar
    ) -> Float[Array, " k"]:
        """The probability of each kind."""


class Marginal(AbstractMarkQuestion):
    r"""The past alone: $p(k) = \int f(g, k)\,dg$. A forecast.

    **Arguments:**

    - `nodes`: of the Gauss-Legendre rule in the quantiles of the gap.

    !!! example

        ```python
        from sdekit.points import Marginal
        Marginal()
        ```
    """

    nodes: int = eqx.field(static=True, default=32)

    def probabilities(self, law, predicted, true, horizon):
        gaps, weights, _ = quantile_rule(law, horizon, self.nodes)
        each = jax.vmap(lambda g: jax.nn.softmax(law.log_intensity(g)))(gaps)
        known = weights @ each
        return known / jnp.maximum(known.sum(), jnp.finfo(known.dtype).tiny)


class GivenTime(AbstractMarkQuestion):
    """The past and the true time of the event. Not a forecast: what "accuracy" means in several papers.

    !!! example

        ```python
        from sdekit.points import GivenTime
        GivenTime()
        ```
    """

    def probabilities(self, law, predicted, true, horizon):
        return jax.nn.softmax(law.log_intensity(true))


class AtPrediction(AbstractMarkQuestion):
    """The past, and the predicted time as if it were the true one.

    !!! example

        ```python
        from sdekit.points import AtPrediction
        AtPrediction()
        ```
    """

    def probabilities(self, law, predicted, true, horizon):
        return jax.nn.softmax(law.log_intensity(predicted))


def quantile_rule(law: AbstractNextEvent, horizon: Array, nodes: int) -> tuple[Array, Array, Array]:
    """Gaps and weights that integrate over the law of the gap up to the horizon, and the probability of no event."""
    rest = jnp.exp(law.log_survival(horizon))
    u, w = (jnp.asarray(x, horizon.dtype) for x in gauss_legendre(nodes))
    # Far quantiles grow like a logarithm or faster: nodes crowd there, and the integrand is smooth again.
    left = (1 - u) / 2
    share, w = (1 - rest) * (1 - left**3), 3 * left**2 * w
    gaps = jax.vmap(lambda p: invert(law, jnp.log1p(-p), jnp.zeros_like(horizon), horizon, _HALVINGS))(share)
    return gaps, w / 2 * (1 - rest), rest


class Prediction(eqx.Module):
    """What is said of each event before it comes; row `i` knows the first `i` events alone, the last row all of them.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import Median, Poisson, predict_next
        predict_next(Poisson(2.0), Events(jnp.array([0.5]), t1=2.0), loss=Median()).gaps
        ```
    """

    gaps: Float[Array, " e+1"]
    """From the event before (or the start of the window) to the next."""
    times: Float[Array, " e+1"]
    probabilities: Float[Array, "e+1 k"]
    """Of each kind of event."""

    @property
    def kinds(self) -> Int[Array, " e+1"]:
        """The most likely kind: it minimises the rate of errors."""
        return jnp.argmax(self.probabilities, axis=-1)


_MEAN, _MARGINAL = Mean(), Marginal()


@eqx.filter_jit
def predict_next(
    process: AbstractAutoregressive,
    record: Events,
    *,
    loss: AbstractTimeLoss = _MEAN,
    mark: AbstractMarkQuestion = _MARGINAL,
    horizon: RealScalar | None = None,
) -> Prediction:
    """Predict every event of a sequence from those before it, and the one after the last.

    From the law itself, by quadrature: no draws.

    **Arguments:**

    - `process`: the process.
    - `record`: one sequence.
    - `loss`: `Mean()`, `Median()` or `Mode()`.
    - `mark`: `Marginal()`, `GivenTime()` or `AtPrediction()`. With `GivenTime` the last row has no true time, and takes
      the end of the window for it.
    - `horizon`: the longest gap; later events count as at the horizon. The length of the window if not given. A law
      with a mass at infinity has a mean only with a horizon.

    **Returns:** a `Prediction`, with rows for padding that say nothing.

    **Raises:** `ValueError` for marks that the process does not know.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import GivenTime, Poisson, predict_next
        events = Events(jnp.array([0.5, 1.2]), jnp.array([0, 1]), t1=2.0)
        predict_next(Poisson([2.0, 1.0]), events, mark=GivenTime()).kinds  # [0, 0, 0]
        ```
    """
    process.marks_of(record)
    require(record.is_item, "record", "must be one sequence", record.ts, "index it, or use jax.vmap")
    contexts: Any = process.contexts(record)
    limit = jnp.asarray(record.t1 - record.t0 if horizon is None else horizon, record.ts.dtype)
    before = jnp.concatenate([record.t0[None], record.ts])
    true = jnp.concatenate([record.gaps(), jnp.zeros(1, record.ts.dtype)])
    true = jnp.where(jnp.append(record.mask, False), true, record.t1 - before)

    def one(context, gap):
        law = process.next_event(context)
        predicted = loss.gap(law, limit)
        return predicted, mark.probabilities(law, predicted, gap, limit)

    gaps, probabilities = jax.vmap(one, axis_size=before.shape[0])(contexts, true)
    return Prediction(gaps, before + gaps, probabilities)
