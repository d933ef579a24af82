"""A perceptron of time, state and condition."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key, RealScalar, State
from ._checks import check_sizes


__all__ = ["ConditionalMLP"]


class ConditionalMLP(eqx.Module):
    r"""A perceptron $f(t, x, c)$ with features of time and an embedding of the condition, for guidance.

    Time enters by itself and as $\sin$ and $\cos$ at each frequency. A condition is a class, embedded by a table, or a
    vector, embedded by a linear layer. Without one (`None`, a class below 0, a vector with NaN) a learned vector takes
    its place: one network is conditional and unconditional.

    **Arguments:**

    - `dim`: the length `d` of a state.
    - `width`, `depth`: of the network.
    - `classes`: the number of classes, if conditions are classes.
    - `condition`: the length of a condition, if it is a vector.
    - `embedding`: the length of its embedding.
    - `frequencies`: angular frequencies of the features of time.
    - `activation`: between layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1, or both `classes` and `condition`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import ConditionalMLP
        net = ConditionalMLP(dim=2, width=16, depth=2, classes=10, key=jax.random.key(0))
        net(0.5, jnp.ones(2), 3).shape, net(0.5, jnp.ones(2)).shape  # (2,), (2,)
        ```

    Source: Ho and Salimans (2022), Classifier-free diffusion guidance, section 3.2.
    """

    mlp: eqx.nn.MLP
    table: Float[Array, "classes e"] | None
    embed: eqx.nn.Linear | None
    nothing: Float[Array, " e"] | None
    frequencies: tuple[float, ...] = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        width: int,
        depth: int,
        *,
        key: Key,
        classes: int = 0,
        condition: int = 0,
        embedding: int = 16,
        frequencies: Sequence[float] = (np.pi, 2 * np.pi, 4 * np.pi),
        activation: Callable[[Array], Array] = jax.nn.silu,
    ):
        check_sizes("ConditionalMLP", dim=dim, width=width, depth=depth, embedding=embedding)
        both = classes > 0 and condition > 0
        require(not both, "classes, condition", "exclude each other", (classes, condition), "append one to the other")
        keys = jax.random.split(key, 4)
        told = embedding if classes or condition else 0
        self.frequencies = tuple(float(w) for w in frequencies)
        size = dim + 1 + 2 * len(self.frequencies) + told
        self.mlp = eqx.nn.MLP(size, dim, width, depth, activation, key=keys[0])
        self.table = jax.random.normal(keys[1], (classes, embedding)) if classes else None
        self.embed = eqx.nn.Linear(condition, embedding, key=keys[2]) if condition else None
        self.nothing = jax.random.normal(keys[3], (embedding,)) if told else None

    def __call__(self, t: RealScalar, x: State, condition: Any = None) -> Float[Array, " d"]:
        t = jnp.asarray(t, x.dtype)
        phases = t * jnp.asarray(self.frequencies, x.dtype)
        parts = [x, t[None], jnp.sin(phases), jnp.cos(phases)]
        if self.nothing is not None:
            parts.append(self._told(condition).astype(x.dtype))
        else:
            remedy = "build it with classes= or condition="
            require(condition is None, "condition", "is not known to this network", condition, remedy)
        return self.mlp(jnp.concatenate(parts))

    def _told(self, condition: Any) -> Array:
        assert self.nothing is not None
        if condition is None:
            return self.nothing
        condition = jnp.asarray(condition)
        if self.table is not None:
            known = condition >= 0
            return jnp.where(known, self.table[jnp.maximum(condition, 0)], self.nothing)
        assert self.embed is not None
        known = jnp.isfinite(condition).all()
        return jnp.where(known, self.embed(jnp.where(jnp.isfinite(condition), condition, 0)), self.nothing)
