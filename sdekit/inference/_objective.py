"""The word: an objective turns a model and a batch into a loss."""

import abc

import equinox as eqx
from jaxtyping import Float

from .._types import Array, Key, PyTree
from ..data import AbstractRecord


__all__ = ["AbstractObjective"]


class AbstractObjective(eqx.Module):
    """What a fit minimises."""

    @abc.abstractmethod
    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss of `model` on a batch (a record with a leading axis), and named metrics, all of shape `()`.

        A loss is a mean over the items of the batch, so that it does not depend on how the batch is laid over devices.
        """
