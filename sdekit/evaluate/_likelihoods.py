"""Metrics that stand on the density of the data under the model."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from .._parameters import named_parameters
from .._process import AbstractDensity, AbstractDiffusion, AbstractGaussianProcess, AbstractTransition
from .._types import Array, Key, PyTree
from ..data import AbstractRecord
from ..inference import AbstractLikelihood, MarginalLikelihood
from ._forecast import divided
from ._metric import AbstractMetric, Estimate, pooled


__all__ = ["AIC", "BIC", "LogLikelihood", "LogScore"]

_DENSE = (AbstractDensity, AbstractTransition, AbstractGaussianProcess, AbstractDiffusion)


@eqx.filter_jit
def _log_probs(likelihood: AbstractLikelihood, model: PyTree, record: AbstractRecord) -> Array:
    return jax.vmap(lambda item: likelihood.log_prob(model, item))(record.stack())


def _size(model: PyTree, frozen: Callable[[Any], Any] | None) -> int:
    return sum(p.size for p in named_parameters(model, frozen).values())


class LogScore(AbstractMetric):
    r"""The log-density of the end of each series given its beginning, by held-out value, in nats. Higher is better.

    $[\log p(\text{all}) - \log p(\text{past})] / \#\text{held-out values}$: exact, and a proper score of the
    whole joint forecast. Of `Events`, the end is the rest of the window and a value is an event.

    **Arguments:**

    - `past`: the share of the times of each item that is given.
    - `until`: the last time that is given; takes the place of `past`.
    - `likelihood`: how the density is found.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import LogScore, evaluate

        data = sk.data.Series(jnp.arange(4.0), jnp.array([0.1, 0.3, -0.2, 0.0]))
        evaluate(sk.processes.OrnsteinUhlenbeck(rate=1.0), data, LogScore(past=0.5), key=jax.random.key(0))
        ```

    Source: Gneiting and Raftery (2007), section 4.1.
    """

    past: float = eqx.field(static=True, default=0.8)
    until: float | None = eqx.field(static=True, default=None)
    likelihood: AbstractLikelihood = MarginalLikelihood()
    needs: ClassVar[tuple[type, ...]] = _DENSE

    def __call__(self, model: PyTree, data: AbstractRecord, *, key: Key) -> dict[str, Estimate]:
        past, future = divided(data, self.past, self.until)
        gain = _log_probs(self.likelihood, model, data) - _log_probs(self.likelihood, model, past)
        held = jax.vmap(lambda item: item.observed())(future)
        return {"log score": pooled([gain], [held], ideal=math.inf)}


class LogLikelihood(AbstractMetric):
    """The log-likelihood of all items, in nats. Higher is better.

    **Arguments:**

    - `likelihood`: how the density is found.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import LogLikelihood, evaluate

        data = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.3, -0.2]))
        evaluate(sk.processes.OrnsteinUhlenbeck(rate=1.0), data, LogLikelihood(), key=jax.random.key(0))
        ```
    """

    likelihood: AbstractLikelihood = MarginalLikelihood()
    needs: ClassVar[tuple[type, ...]] = _DENSE

    def __call__(self, model: PyTree, data: AbstractRecord, *, key: Key) -> dict[str, Estimate]:
        return {"log-likelihood": Estimate(_log_probs(self.likelihood, model, data).sum(), ideal=math.inf)}


class AIC(AbstractMetric):
    r"""Akaike's criterion $2k - 2 \log L$, with `k` the number of free parameters. Lower is better.

    It judges parameters that maximise the same likelihood on the same data.

    **Arguments:**

    - `likelihood`: how the density is found.
    - `frozen`: a function from the model to the parts that were held fixed in the fit.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import AIC, evaluate

        data = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.3, -0.2]))
        evaluate(sk.processes.OrnsteinUhlenbeck(rate=1.0), data, AIC(), key=jax.random.key(0))
        ```

    Source: Akaike (1974), A new look at the statistical model identification.
    """

    likelihood: AbstractLikelihood = MarginalLikelihood()
    frozen: Callable[[Any], Any] | None = eqx.field(static=True, default=None)
    needs: ClassVar[tuple[type, ...]] = _DENSE

    def __call__(self, model: PyTree, data: AbstractRecord, *, key: Key) -> dict[str, Estimate]:
        fitted = _log_probs(self.likelihood, model, data).sum()
        return {"AIC": Estimate(2 * _size(model, self.frozen) - 2 * fitted, ideal=-math.inf)}


class BIC(AbstractMetric):
    r"""Schwarz's criterion $k \log m - 2 \log L$, with `m` the number of observed values. Lower is better.

    **Arguments:** as `AIC`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.evaluate import BIC, evaluate

        data = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.3, -0.2]))
        evaluate(sk.processes.OrnsteinUhlenbeck(rate=1.0), data, BIC(), key=jax.random.key(0))
        ```

    Source: Schwarz (1978), Estimating the dimension of a model.
    """

    likelihood: AbstractLikelihood = MarginalLikelihood()
    frozen: Callable[[Any], Any] | None = eqx.field(static=True, default=None)
    needs: ClassVar[tuple[type, ...]] = _DENSE

    def __call__(self, model: PyTree, data: AbstractRecord, *, key: Key) -> dict[str, Estimate]:
        fitted = _log_probs(self.likelihood, model, data).sum()
        penalty = _size(model, self.frozen) * jnp.log(data.observed())
        return {"BIC": Estimate(penalty - 2 * fitted, ideal=-math.inf)}
