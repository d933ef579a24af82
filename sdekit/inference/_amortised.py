"""Amortised inference: a network that was trained on simulated tasks reads data and answers with a law."""

import abc
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec
from jaxtyping import Float

from .._errors import fault, require
from .._types import Array, Key, PyTree
from ..data import AbstractRecord
from ..math import distinct
from ._objective import AbstractObjective


__all__ = ["AbstractAmortised", "AbstractParameterLaw", "AmortisedLikelihood", "Simulated"]


class Simulated(AbstractRecord):
    """Tasks whose answers are known: what was seen of each, and the parameters that it came from.

    **Arguments:**

    - `evidence`: a PyTree of arrays, what a network reads of one task.
    - `truth`: a PyTree of arrays, the parameters behind it.
    - `is_item`: whether this is one task; otherwise all arrays have a leading axis of tasks.

    **Raises:** `ValueError` if the leading axes differ.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.inference import Simulated
        len(Simulated(jnp.zeros((5, 3)), {"rate": jnp.ones(5)}, is_item=False))  # 5
        ```
    """

    evidence: Any
    truth: Any
    is_item: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        if not self.is_item and all(eqx.is_array(x) for x in jax.tree.leaves(self)):
            sizes = {x.shape[:1] for x in jax.tree.leaves(self)}
            require(len(sizes) == 1, "evidence, truth", "must have one leading axis of tasks", sizes, "stack all alike")

    def __len__(self) -> int:
        return 1 if self.is_item else jax.tree.leaves(self.truth)[0].shape[0]

    def __getitem__(self, index) -> Self:
        require(not self.is_item, "index", "cannot pick from a single task", index, "use stack() for a leading axis")
        if isinstance(index, int | np.integer) and not -len(self) <= index < len(self):
            raise IndexError(f"task {index} of a record that has {len(self)} tasks")
        evidence, truth = jax.tree.map(lambda x: x[index], (self.evidence, self.truth))
        return type(self)(evidence, truth, isinstance(index, int | np.integer))

    def stack(self) -> Self:
        if not self.is_item:
            return self
        evidence, truth = jax.tree.map(lambda x: x[None], (self.evidence, self.truth))
        return type(self)(evidence, truth, False)

    def draw(self, size: int, *, key: Key) -> Self:
        n = len(self)
        require(1 <= size <= n, "size", f"must be between 1 and the number of tasks, {n}", size, "a smaller batch")
        return self.stack()[distinct(n, size, key=key)]

    def partition(self, axis: str) -> PyTree[PartitionSpec]:
        return jax.tree.map(lambda _: PartitionSpec(axis), self)

    def observed(self) -> Array:
        return jnp.asarray(len(self))

    def split(self, fraction: float, *, key: Key) -> tuple[Self, Self]:
        n = len(self)
        require(0 < fraction < 1, "fraction", "must lie strictly between 0 and 1", fraction, "pass e.g. 0.8")
        require(n >= 2, "record", "must hold at least 2 tasks to be split", n, "draw more tasks")
        order, count = jax.random.permutation(key, n), min(max(round(fraction * n), 1), n - 1)
        return self.stack()[order[:count]], self.stack()[order[count:]]

    def map(self, times: Callable[[Array], Array], values: Callable[[Array], Array]) -> Self:
        remedy = "change the units of what the tasks are made of"
        raise TypeError(fault("record", "has no times or values of its own", type(self).__name__, remedy))

    def join(self, *others: Self) -> Self:
        records = [r.stack() for r in (self, *others)]
        return jax.tree.map(lambda *xs: jnp.concatenate(xs), *records)

    def _values(self) -> tuple[Array | None, Array | None, Any]:
        return None, None, jax.tree.leaves(self.truth)[0].dtype

    def _scale_of_time(self) -> tuple[float, float]:
        return 0.0, 1.0

    def _log_jacobian(self, log_scale: Array, log_time_scale: Array) -> Array:
        return jnp.zeros(())

    def _summary(self) -> str:
        return f"{len(self)} task{'' if len(self) == 1 else 's'}"


class AbstractParameterLaw(eqx.Module):
    """A law of the parameters of a task.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.inference import AbstractParameterLaw

        class Normal(AbstractParameterLaw):  # a new law: one method
            mean: jax.Array

            def log_prob(self, truth):
                return -0.5 * (truth - self.mean) ** 2

        Normal(jnp.zeros(())).log_prob(1.0)  # -0.5
        ```
    """

    @abc.abstractmethod
    def log_prob(self, truth: PyTree) -> Float[Array, ""]:
        """The log-density of the parameters of one task."""


class AbstractAmortised(eqx.Module):
    """A network from what is seen of one task to a law of its parameters.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.inference import AbstractAmortised, AbstractParameterLaw

        class Normal(AbstractParameterLaw):
            mean: jax.Array

            def log_prob(self, truth):
                return -0.5 * (truth - self.mean) ** 2

        class Shrunk(AbstractAmortised):  # a new network: one method
            factor: jax.Array

            def __call__(self, evidence):
                return Normal(self.factor * evidence)

        Shrunk(jnp.array(0.5))(2.0).log_prob(1.0)  # 0
        ```
    """

    @abc.abstractmethod
    def __call__(self, evidence: PyTree) -> AbstractParameterLaw:
        """The law of the parameters of one task."""


class AmortisedLikelihood(AbstractObjective):
    r"""Minus the log-density of the true parameters under the predicted law, $-E \log q(\theta \mid D)$.

    Over tasks from a prior, its minimum over all laws is at the posterior.

    Its record is `Simulated`, its model an `AbstractAmortised`.

    Source: Papamakarios and Murray (2016), Fast epsilon-free inference of simulation models, equation 3.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import AbstractAmortised, AbstractParameterLaw, AmortisedLikelihood, Simulated

        class Normal(AbstractParameterLaw):
            mean: jax.Array

            def log_prob(self, truth):
                return -0.5 * (truth - self.mean) ** 2

        class Shrunk(AbstractAmortised):
            factor: jax.Array

            def __call__(self, evidence):
                return Normal(self.factor * evidence)

        truth, noise = jax.random.normal(jax.random.key(0), (2, 500))
        tasks = Simulated(truth + noise, truth, is_item=False)
        sk.fit(Shrunk(jnp.array(1.0)), AmortisedLikelihood(), tasks, key=jax.random.key(1), steps=200,
               progress=False).model.factor  # near 1/2
        ```
    """

    def __call__(
        self, model: AbstractAmortised, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        if not isinstance(batch, Simulated):
            raise TypeError(fault("batch", "must be a Simulated record", type(batch).__name__, "draw tasks first"))
        batch = batch.stack()
        return -jax.vmap(lambda e, t: model(e).log_prob(t))(batch.evidence, batch.truth).mean(), {}
