"""The word: a metric is a function of a model and of data."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key, PyTree
from ..data import AbstractRecord


__all__ = ["AbstractMetric", "Estimate", "pooled"]


class Estimate(eqx.Module):
    """A number, and how sure it is.

    **Arguments:**

    - `value`: the number.
    - `error`: its standard error, or `None` where there is none.
    - `ideal`: what a perfect model would reach: `-inf` if lower is better, `inf` if higher is, a number to be near to,
        `None` if models are not to be ranked by it.

    !!! example

        ```python
        from sdekit.evaluate import Estimate
        Estimate(0.31, error=0.02, ideal=-float("inf"))
        ```
    """

    value: Float[Array, ""] | float
    error: Float[Array, ""] | float | None = None
    ideal: float | None = eqx.field(static=True, default=None)


class AbstractMetric(eqx.Module):
    """What `evaluate` measures. Any family fits: a metric sees a model and a record and returns named numbers.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.evaluate import AbstractMetric, Estimate

        class Size(AbstractMetric):
            needs = (object,)

            def __call__(self, model, data, *, key):
                return {"observed": data.observed()}
        ```
    """

    needs: eqx.AbstractClassVar[tuple[type, ...]]
    """The abstract classes of which a model must be one; a table shows an empty cell for other models."""

    @abc.abstractmethod
    def __call__(self, model: PyTree, data: AbstractRecord, *, key: Key) -> dict[str, Estimate | Float[Array, ""]]:
        """Measure.

        **Arguments:**

        - `model`: an instance of one of `needs`.
        - `data`: a record, one item or a stack.
        - `key`: a JAX key. Every model of a table gets the same, so that differences between models are less noisy.

        **Returns:** numbers by name, as `Estimate` where there is an error or an order to tell.
        """


def pooled(values: Sequence[Array], weights: Sequence[Array], *, ideal: float | None = None) -> Estimate:
    r"""The weighted mean of values over items, with a standard error from the spread between items.

    $\hat r = \sum_i s_i / \sum_i m_i$ with sums $s_i$ of values and $m_i$ of weights over item $i$. Values of one item
    may depend on one another; items are taken to be independent. With one item there is no standard error.

    **Arguments:**

    - `values`: arrays whose first axis is the item; 0 where the weight is 0.
    - `weights`: arrays of the same shapes, e.g. masks.
    - `ideal`: as in `Estimate`.

    **Returns:** an `Estimate`; NaN if no weight is positive.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.evaluate import pooled
        pooled([jnp.array([[1.0, 2.0], [3.0, 0.0]])], [jnp.array([[1.0, 1.0], [1.0, 0.0]])]).value  # 2.0
        ```

    Source: Cochran (1977), Sampling techniques, equation 6.13 (the ratio estimator).
    """
    require(len(values) == len(weights) and len(values) > 0, "values", "must match `weights`", len(values), "pass both")
    total = jnp.concatenate([v.reshape(v.shape[0], -1).sum(axis=1) for v in values])
    weight = jnp.concatenate([w.astype(total.dtype).reshape(w.shape[0], -1).sum(axis=1) for w in weights])
    n, mass = total.shape[0], weight.sum()
    mean = total.sum() / mass
    error = jnp.sqrt(n / (n - 1) * ((total - mean * weight) ** 2).sum()) / mass if n > 1 else None
    return Estimate(mean, error, ideal)
