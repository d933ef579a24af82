"""The words: an objective turns a model and a batch into a loss; a scheduled one changes with the step of a fit."""

import abc

import equinox as eqx
from jaxtyping import Float, Int

from .._types import Array, Key, PyTree
from ..data import AbstractRecord


__all__ = ["AbstractObjective", "AbstractScheduled"]


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


class AbstractScheduled(AbstractObjective):
    """An objective that changes with the step of a fit, such as a bound whose divergence is weighted up slowly.

    At step `s` a fit minimises `at(s)`. Called itself, outside of a fit or on what a fit holds out for validation, it
    is the objective at the end of its schedule: two validation losses must differ by their parameters alone, and an
    early step with a light penalty must not win.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk

        class Pulled(sk.inference.AbstractScheduled):  # a new one: `at`, and the loss at the end
            weight: float = 1.0

            def at(self, step):
                return Pulled(jnp.minimum(step / 100, 1.0))

            def __call__(self, model, batch, *, key):
                loss = (model.mean[0] - batch.stack().ys.mean()) ** 2 + self.weight * model.mean[0] ** 2
                return loss, {}

        series = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 0.4, 0.2]))
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0)
        sk.fit(model, Pulled(), series, key=jax.random.key(0), steps=20, progress=False)
        ```
    """

    @abc.abstractmethod
    def at(self, step: Int[Array, ""] | int) -> AbstractObjective:
        """The objective of step `step`, counted from 0; the number is traced in a fit."""
