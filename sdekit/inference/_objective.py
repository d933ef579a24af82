"""The word: an objective turns a model and a batch into a loss."""

import abc

import equinox as eqx
from jaxtyping import Float

from .._types import Array, Key, PyTree
from ..data import AbstractRecord


__all__ = ["AbstractObjective"]


class AbstractObjective(eqx.Module):
    """What a fit minimises.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk

        class MeanGap(sk.inference.AbstractObjective):  # a new objective: one method
            def __call__(self, model, batch, *, key):
                gap = jnp.mean((batch.stack().ys - model.mean[0]) ** 2)
                return gap, {"gap": gap}

        series = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.4, 0.2]))
        MeanGap()(sk.processes.OrnsteinUhlenbeck(rate=1.0), series, key=jax.random.key(0))
        ```
    """

    @abc.abstractmethod
    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss of `model` on a batch (a record with a leading axis), and named metrics, all of shape `()`.

        A loss is a mean over the items of the batch, so that it does not depend on how the batch is laid over devices.
        """
