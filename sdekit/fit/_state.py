"""What a fit carries from step to step, and what stays the same."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, Int

from .._errors import fault
from .._parameters import constrain, named_parameters, trainable, unconstrain
from .._types import Array, Key, PyTree
from ..data import AbstractRecord
from ..inference import AbstractObjective, AbstractScheduled
from ._mesh import lay, replicate
from ._optimiser import AbstractOptimiser


__all__ = ["FitState", "Problem", "assemble", "begin", "divide", "finish", "leaf_names"]

RESERVED = ("step", "loss", "gradient", "seconds", "done", "healthy", "converged", "stale")
"""Columns of the history, and flags of a chunk, that a metric may not take."""


class FitState(eqx.Module):
    """All that a fit needs to go on: nothing else decides the next step.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.fit import FitState
        FitState({"rate": jnp.zeros(1)}, (), jax.random.key(0), jnp.array(0), None, None, None)
        ```
    """

    params: PyTree[Array]
    """The trainable leaves in unconstrained coordinates, `None` elsewhere."""
    opt_state: PyTree[Array]
    key: Key
    step: Int[Array, ""]
    """Steps taken. Step `s` draws from `fold_in(key, s)` and from nothing else."""
    best: PyTree[Array] | None
    """The parameters of the lowest validation loss, or `None` without validation."""
    best_loss: Float[Array, ""] | None
    stale: Int[Array, ""] | None
    """Chunks since the validation loss last improved."""


class Problem(eqx.Module):
    """What does not change during a fit."""

    frozen: PyTree
    objective: AbstractObjective
    optimiser: AbstractOptimiser
    batch_size: int | None = eqx.field(static=True)
    mesh: Mesh | None = eqx.field(static=True)

    def batch(self, data: AbstractRecord, *, key: Key) -> AbstractRecord:
        """The batch of one step, laid over the mesh."""
        batch = data if self.batch_size is None else data.draw(self.batch_size, key=key)
        return lay(batch, self.mesh)

    def loss(
        self, params: PyTree[Array], batch: AbstractRecord, *, key: Key, step: Int[Array, ""] | None = None
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss and the metrics of unconstrained parameters, at a step, or at the end of a schedule."""
        objective = self.objective
        if step is not None and isinstance(objective, AbstractScheduled):
            objective = objective.at(step)
        answer = objective(assemble(params, self.frozen), batch, key=key)
        return _checked(answer, type(self.objective).__name__)

    def replicate(self, tree: PyTree[Array]) -> PyTree[Array]:
        """Parameters and scalars are held whole on every device."""
        return replicate(tree, self.mesh)


def _checked(answer: Any, name: str) -> tuple[Array, dict[str, Array]]:
    """Check, when tracing, that an objective returned a scalar loss and named scalars."""
    where = f"{name}.__call__"
    if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], dict)):
        raise TypeError(
            fault(where, "must return (loss, metrics)", type(answer).__name__, "return a pair: scalar, dictionary")
        )
    loss, metrics = answer
    if jnp.shape(loss) != ():
        raise ValueError(fault(where, "must return a loss of shape ()", jnp.shape(loss), "average over the batch"))
    if not jnp.issubdtype(jnp.result_type(loss), jnp.floating):
        kind = str(jnp.result_type(loss))
        raise TypeError(
            fault(where, "must return a real floating-point loss", kind, "an integer or complex loss has no gradient")
        )
    for metric, value in metrics.items():
        if jnp.shape(value) != ():
            shape = jnp.shape(value)
            raise ValueError(fault(f"{where}: {metric}", "must have shape ()", shape, "average over the batch"))
        if metric in RESERVED or metric.startswith("valid_"):
            raise ValueError(
                fault(f"{where}: {metric}", "is a name that `fit` uses itself", metric, "rename the metric")
            )
    return jnp.asarray(loss), {name: jnp.asarray(value) for name, value in metrics.items()}


def divide(model: PyTree, frozen: Any) -> tuple[PyTree[Array], PyTree]:
    """The trainable leaves in unconstrained coordinates, and the rest of the model as it is."""
    mask = trainable(model, frozen)
    names = leaf_names(model, frozen)
    if not names:
        raise ValueError(
            fault("model", "has no trainable parameter", type(model).__name__,
                  "declare floating-point fields by `parameter()`, or freeze less")
        )  # fmt: skip
    params, rest = eqx.filter(unconstrain(model), mask), eqx.filter(model, mask, inverse=True)
    # A weak type would change after the first step, and compile the program a second time.
    params = jax.tree.map(lambda x: jnp.asarray(x, x.dtype), params)
    for name, leaf in zip(names, jax.tree.leaves(params), strict=True):
        if not np.isfinite(np.asarray(leaf)).all():
            raise ValueError(
                fault(name, "is not finite in unconstrained coordinates", leaf,
                      "start strictly inside the domain of the parameter, or freeze it")
            )  # fmt: skip
    return params, rest


def assemble(params: PyTree[Array], rest: PyTree) -> PyTree:
    """The inverse of `divide`."""
    return eqx.combine(constrain(params), rest)


_constrain = eqx.filter_jit(constrain)


def finish(params: PyTree[Array], rest: PyTree) -> PyTree:
    """`assemble` outside `jit`, without a copy of the rest of the model."""
    return eqx.combine(_constrain(params), rest)


def leaf_names(model: PyTree, frozen: Any) -> list[str]:
    """The dotted names of the trainable leaves, in the order of `jax.tree.leaves`."""
    mask = trainable(model, frozen)
    paths = jax.tree_util.tree_flatten_with_path(eqx.filter(model, mask))[0]
    names = list(named_parameters(model, frozen))
    return names if len(names) == len(paths) else [jax.tree_util.keystr(path) for path, _ in paths]


def begin(params: PyTree[Array], optimiser: AbstractOptimiser, *, key: Key, validated: bool) -> FitState:
    """The state before the first step."""
    best = (params, jnp.asarray(jnp.inf, _dtype(params)), jnp.zeros((), jnp.int32)) if validated else (None,) * 3
    return FitState(params, _init(optimiser, params), key, jnp.zeros((), jnp.int32), *best)


@eqx.filter_jit
def _init(optimiser, params):
    return jax.tree.map(lambda x: jnp.asarray(x, x.dtype), optimiser.init(params))


def _dtype(params):
    return jnp.result_type(*jax.tree.leaves(params))
