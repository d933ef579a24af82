"""What moves the parameters: one interface for stochastic and deterministic optimisers."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import optimistix as optx
from jaxtyping import Float

from .._types import Array, PyTree
from ._token import Structural


__all__ = ["AbstractOptimiser", "FullBatch", "Optax", "Optimistix", "as_optimiser"]


class AbstractOptimiser(eqx.Module):
    """One step of a minimisation.

    !!! example

        ```python
        from typing import ClassVar
        import jax
        from sdekit.fit import AbstractOptimiser

        class GradientDescent(AbstractOptimiser):
            rate: float
            deterministic: ClassVar[bool] = False

            def init(self, params):
                return ()

            def update(self, grad, state, params, *, value, value_fn):
                return jax.tree.map(lambda p, g: p - self.rate * g, params, grad), state
        ```
    """

    deterministic: eqx.AbstractClassVar[bool]
    """Whether it needs one and the same function at every step. Then `fit` holds the whole record and the key of the
    objective fixed (common random numbers), so that line searches and curvature estimates see no noise."""

    @abc.abstractmethod
    def init(self, params: PyTree[Array]) -> PyTree[Array]:
        """The state before the first step."""

    @abc.abstractmethod
    def update(
        self,
        grad: PyTree[Array],
        state: PyTree[Array],
        params: PyTree[Array],
        *,
        value: Float[Array, ""],
        value_fn: Callable[[PyTree[Array]], Float[Array, ""]],
    ) -> tuple[PyTree[Array], PyTree[Array]]:
        """The new parameters and state, from the loss `value` and gradient `grad` at `params`.

        `value_fn` is the loss of this step as a function of the parameters, for those that search along a line.
        """


class Optax(AbstractOptimiser):
    """An optimiser of `optax` on a stochastic loss: each step has its own batch and its own key.

    `fit` wraps a bare `optax` transformation in this class.

    !!! example

        ```python
        import optax
        from sdekit.fit import Optax
        Optax(optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3)))
        ```
    """

    transformation: Structural = eqx.field(static=True, converter=Structural)
    deterministic: ClassVar[bool] = False

    def init(self, params):
        return self.transformation.value.init(params)

    def update(self, grad, state, params, *, value, value_fn):
        return _apply(self.transformation.value, grad, state, params, value, value_fn)


class FullBatch(AbstractOptimiser):
    """An optimiser of `optax` on a deterministic loss: whole record, one key for the objective. L-BFGS by default.

    !!! example

        ```python
        import optax
        from sdekit.fit import FullBatch
        FullBatch(optax.lbfgs(memory_size=20))
        ```
    """

    transformation: Structural = eqx.field(static=True, converter=Structural, default_factory=optax.lbfgs)
    deterministic: ClassVar[bool] = True

    def init(self, params):
        return self.transformation.value.init(params)

    def update(self, grad, state, params, *, value, value_fn):
        return _apply(self.transformation.value, grad, state, params, value, value_fn)


def _apply(transformation, grad, state, params, value, value_fn):
    transformation = optax.with_extra_args_support(transformation)
    updates, state = transformation.update(grad, state, params, value=value, grad=grad, value_fn=value_fn)
    return optax.apply_updates(params, updates), state


class Optimistix(AbstractOptimiser):
    """A minimiser of `optimistix`, such as `optimistix.BFGS`, on a deterministic loss.

    Its own tolerances are not used: `fit` stops by `steps` and `tolerance`.

    !!! example

        ```python
        import optimistix as optx
        from sdekit.fit import Optimistix
        Optimistix(optx.BFGS(rtol=1e-8, atol=1e-8))
        ```
    """

    minimiser: optx.AbstractMinimiser
    deterministic: ClassVar[bool] = True

    def init(self, params):
        return self._init(params)[0]

    def update(self, grad, state, params, *, value, value_fn):
        _, static = self._init(params)
        dtype = _dtype(params)
        fn = lambda p, _: (jnp.asarray(value_fn(p), dtype), None)
        state = eqx.combine(state, static)
        params, state, _ = self.minimiser.step(fn, params, None, {}, state, frozenset())
        return params, eqx.filter(state, eqx.is_array)

    def _init(self, params):
        struct = jax.ShapeDtypeStruct((), _dtype(params))
        unused: Any = lambda *_: None  # a minimiser gets the function in `step`
        state = self.minimiser.init(unused, params, None, {}, struct, None, frozenset())
        return eqx.partition(state, eqx.is_array)


def _dtype(params):
    return jnp.result_type(*jax.tree.leaves(params))


_DEFAULT = optax.adam(1e-2)


def as_optimiser(optimiser: Any) -> AbstractOptimiser:
    """The optimiser of `fit`: an `AbstractOptimiser`, a bare `optax` transformation, or `None` for Adam at 0.01.

    **Arguments:**

    - `optimiser`: one of these.

    **Returns:** an `AbstractOptimiser`.

    **Raises:** `TypeError` for anything else.

    !!! example

        ```python
        import optax
        from sdekit.fit._optimiser import as_optimiser
        as_optimiser(optax.adam(1e-3))
        ```
    """
    if isinstance(optimiser, AbstractOptimiser):
        return optimiser
    if optimiser is None:
        return Optax(_DEFAULT)
    if isinstance(optimiser, optax.GradientTransformation):
        return Optax(optimiser)
    raise TypeError(
        f"`optimiser` must be an optax transformation or a `sdekit.fit.AbstractOptimiser`, got {optimiser!r}. "
        "Pass e.g. optax.adam(1e-3), or FullBatch() for L-BFGS."
    )
