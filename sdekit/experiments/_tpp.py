"""What the experiments on point processes share: parts of a record, and scores of held-out sequences."""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .._types import Key
from ..data import AbstractRecord, Events
from ..inference import AbstractObjective
from ..points import AbstractAutoregressive


__all__ = ["Part", "part", "scored"]

_AT_ONCE = 64


class Part(AbstractObjective):
    """An objective of one of several sets that lie behind one another in a record, on some sequences at a time."""

    objective: AbstractObjective
    index: Int[Array, ""] = eqx.field(converter=jnp.asarray)
    """Not static: one program for all sets."""
    parts: int = eqx.field(static=True)
    batch: int = eqx.field(static=True)
    longest: int | None = eqx.field(static=True, default=None)
    """Of the sequences of this set; the rest of the record is its padding and left out."""

    def __call__(self, model: Any, batch: AbstractRecord, *, key: Key):
        first, rest = jax.random.split(key)
        n = len(cast(Events, batch)) // self.parts
        some = self.index * n + jax.random.randint(first, (self.batch,), 0, n)
        cut = lambda x: x[some, : self.longest] if x.ndim == 2 else x[some]
        return self.objective(model, jax.tree.map(cut, batch), key=rest)


def part(data: Events, index: int, parts: int) -> Events:
    """One of several sets of as many sequences."""
    n = len(data) // parts
    return jax.tree.map(lambda x: x[index * n : (index + 1) * n], data)


@eqx.filter_jit
def _scores(model, some):
    return jax.vmap(model.scores)(some)


def scored(model: AbstractAutoregressive, data: Events) -> dict[str, np.ndarray]:
    """Of each sequence: its scores summed (`time`, `mark`, `survival`, `error`, `after_first`), and its `count`."""
    n = len(data)
    found = []
    for i in range(0, n, _AT_ONCE):
        # The last ones are filled up from the front: one program for all.
        index = (np.arange(i, i + _AT_ONCE)) % n
        some = jax.tree.map(lambda x, index=index: x[jnp.asarray(index)], data)
        s = _scores(model, some)
        row = {"time": s.time.sum(-1), "mark": s.mark.sum(-1), "survival": s.survival, "error": s.error}
        first = s.time[:, 0] + s.mark[:, 0]
        row |= {"after_first": row["time"] + row["mark"] - first, "count": some.mask.sum(-1)}
        row |= {"time_after_first": row["time"] - s.time[:, 0]}
        found.append({name: np.asarray(x, np.float64)[: n - i] for name, x in row.items()})
    joined = {name: np.concatenate([row[name] for row in found]) for name in found[0]}
    return joined | {"total": joined["time"] + joined["mark"] + joined["survival"]}
