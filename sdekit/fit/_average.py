"""Averages of weights along a fit."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from .._errors import require
from .._types import Array, PyTree
from ._result import Fit
from ._state import finish


__all__ = ["WeightAverage", "average_weights", "averaged"]


class WeightAverage(NamedTuple):
    """The state of `average_weights`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.fit import average_weights
        average_weights().init({"rate": jnp.ones(2)}).count  # 0
        ```
    """

    count: Array
    """Steps seen so far."""
    average: PyTree[Array]
    """The mean of the parameters after each step from `start` on; before that, the parameters."""


def average_weights(start: int = 0) -> optax.GradientTransformation:
    r"""Keep the mean of the parameters over all steps from `start` on; it changes no step. Put it last in a chain.

    Where a fit goes round a minimum without coming to rest, because its loss is noisy or because two play against each
    other, the mean lies nearer to it than the last step. The mean is taken in unconstrained coordinates.

    **Arguments:**

    - `start`: the first step that counts.

    **Returns:** a transformation of `optax`. Read the mean by `averaged`.

    **Raises:** `ValueError` for a negative start.

    !!! example

        ```python
        import jax, jax.numpy as jnp, optax
        import sdekit as sk
        from sdekit.fit import average_weights, averaged, fit

        data = sk.data.load("ou", n=32, ts=jnp.linspace(0.0, 2.0, 9), key=jax.random.key(0))
        optimiser = optax.chain(optax.adam(0.05), average_weights(start=20))
        found = fit(sk.processes.OrnsteinUhlenbeck(rate=0.3), sk.inference.TransitionLikelihood(), data,
                    key=jax.random.key(1), steps=40, batch_size=8, optimiser=optimiser, progress=False)
        averaged(found).rate
        ```

    Source: Polyak and Juditsky (1992), Acceleration of stochastic approximation by averaging; Yazici et al. (2019), The
    unusual effectiveness of averaging in GAN training.
    """
    require(start >= 0, "start", "must not be negative", start, "pass the first step that counts")

    def init(params):
        return WeightAverage(jnp.zeros((), jnp.int32), params)

    def update(updates, state, params=None):
        require(params is not None, "params", "must be given", None, "pass the parameters to `update`")
        count = jnp.maximum(state.count - start + 1, 1)
        move = lambda a, p, u: a + (p + u - a) / count.astype(a.dtype)
        return updates, WeightAverage(state.count + 1, jax.tree.map(move, state.average, params, updates))

    return optax.GradientTransformation(init, update)


def averaged(fit: Fit) -> Any:
    """The model with the mean of the weights along a fit whose optimiser ends in `average_weights`.

    **Arguments:**

    - `fit`: the fit.

    **Returns:** a model like `fit.model`.

    **Raises:** `ValueError` for a fit that kept no mean of all of its parameters, or kept several.

    !!! example

        ```python
        import jax, jax.numpy as jnp, optax
        import sdekit as sk
        from sdekit.fit import average_weights, averaged, fit

        data = sk.data.Series(jnp.arange(3.0), jnp.array([0.0, 0.2, 0.1]))
        found = fit(sk.processes.OrnsteinUhlenbeck(rate=0.3), sk.inference.TransitionLikelihood(), data,
                    key=jax.random.key(1), steps=2, optimiser=optax.chain(optax.sgd(0.1), average_weights()),
                    progress=False)
        averaged(found)
        ```
    """
    leaves = jax.tree.leaves(fit.state.opt_state, is_leaf=lambda x: isinstance(x, WeightAverage))
    found = [leaf.average for leaf in leaves if isinstance(leaf, WeightAverage)]
    same = len(found) == 1 and jax.tree.structure(found[0]) == jax.tree.structure(fit.state.params)
    remedy = "pass fit an optimiser such as optax.chain(optax.adam(1e-2), average_weights())"
    require(same, "fit", "must hold one mean of all of its parameters", len(found), remedy)
    return finish(found[0], fit.model)
