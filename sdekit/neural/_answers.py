"""Objectives of models that answer a question about a whole series."""

from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import fault, require
from .._types import Key
from ..data import AbstractRecord, Labelled, Series
from ..inference import AbstractObjective


__all__ = ["CrossEntropy", "SquaredError"]


def _labelled(batch: AbstractRecord) -> Labelled:
    if not isinstance(batch, Labelled):
        raise TypeError(fault("batch", "must be a Labelled", type(batch).__name__, "pass Labelled(series, labels)"))
    return cast(Labelled, batch.stack())


class CrossEntropy(AbstractObjective):
    """Minus the mean log-probability of the classes of a `Labelled` record, in nats.

    A model is anything that turns one series into logits `(num_classes,)`, such as a `NeuralCDE`.

    **Raises:** `TypeError` for another record; `ValueError` for labels that are no classes, or for another number of
    logits.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import sdekit as sk
        from sdekit.neural import CrossEntropy, Linear, NeuralCDE
        data = sk.data.load("spirals", n=8, times=10, key=jax.random.key(0))
        model = NeuralCDE.build(Linear(), dim=2, state=4, width=8, depth=1, outputs=2, key=jax.random.key(1))
        loss, metrics = eqx.filter_jit(CrossEntropy())(model, data, key=jax.random.key(2))
        metrics["accuracy"]
        ```

    Source: Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, section 3.1.
    """

    def __call__(
        self, model: Callable[[Series], Float[Array, " k"]], batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss of a batch.

        **Arguments:**

        - `model`: from one series to logits.
        - `batch`: a `Labelled`, one or stacked.
        - `key`: unused: the loss is not random.

        **Returns:** the loss, and `accuracy`, the share of items whose class has the largest logit.
        """
        batch = _labelled(batch)
        k = batch.num_classes
        require(k > 0, "batch.labels", "must be classes", batch.labels, "pass integer labels, or use SquaredError")
        logits = jax.vmap(model)(batch.series)
        fits = logits.shape == (len(batch), k)
        require(fits, "model", f"must return {k} logits", logits, "build it with as many outputs as classes")
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), batch.labels[:, None], axis=1)
        right = jnp.argmax(logits, axis=1) == batch.labels
        return -chosen.mean(), {"accuracy": right.mean(dtype=logits.dtype)}


class SquaredError(AbstractObjective):
    """The mean squared distance of the answers to the labels of a `Labelled` record, a mean over answers and items.

    A model is anything that turns one series into numbers `(q,)`, such as a `NeuralCDE`.

    **Raises:** `TypeError` for another record; `ValueError` for labels that are classes, or another number of answers.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import Linear, NeuralCDE, SquaredError
        data = sk.data.Labelled(sk.data.Series(jnp.arange(3.0), jnp.ones((4, 3, 1))), jnp.ones((4, 1)))
        model = NeuralCDE.build(Linear(), dim=1, state=4, width=8, depth=1, outputs=1, key=jax.random.key(1))
        eqx.filter_jit(SquaredError())(model, data, key=jax.random.key(2))
        ```
    """

    def __call__(
        self, model: Callable[[Series], Float[Array, " q"]], batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss of a batch.

        **Arguments:**

        - `model`: from one series to answers.
        - `batch`: a `Labelled`, one or stacked.
        - `key`: unused: the loss is not random.

        **Returns:** the loss, and `rmse`, its root.
        """
        batch = _labelled(batch)
        numbers = batch.num_classes == 0
        require(numbers, "batch.labels", "must be numbers", batch.labels, "pass floats (n, q), or use CrossEntropy")
        answers = jax.vmap(model)(batch.series)
        fits = answers.shape == batch.labels.shape
        remedy = "build it with as many outputs as labels"
        require(fits, "model", f"must return {batch.labels.shape[-1]} numbers", answers, remedy)
        loss = jnp.mean((answers - batch.labels) ** 2)
        return loss, {"rmse": jnp.sqrt(loss)}
