"""Time rescaling: under the truth, the compensator between events is a unit exponential, whatever the process."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._errors import require
from ..data import Events
from ._autoregressive import AbstractAutoregressive


__all__ = ["Residuals", "residuals"]


@dataclasses.dataclass(frozen=True)
class Residuals:
    r"""Rescaled gaps $\Lambda(t_i) - \Lambda(t_{i-1})$ of many sequences: unit exponentials under the truth.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import Poisson, residuals
        residuals(Poisson(2.0), Events(jnp.array([0.5, 1.2]), t1=2.0)).values  # [1., 1.4]
        ```

    Source: Papangelou (1972); Brown, Barbieri, Ventura, Kass and Frank (2002), The time-rescaling theorem and its
    application to neural spike train data analysis.
    """

    values: np.ndarray
    """The rescaled gaps, all sequences one after the other."""
    sequence: np.ndarray
    """The sequence that the event of each belongs to."""
    leftover: float
    """What is left of the compensator after the last event: censored, part of no residual."""

    @property
    def uniforms(self) -> np.ndarray:
        r"""$1 - e^{-r}$: uniform on [0, 1] under the truth."""
        return -np.expm1(-self.values)


@eqx.filter_jit
def _rescaled(process, record):
    """The compensators of all kinds at each event and at the end, a sequence a row."""
    one = lambda item: process.compensators(jnp.concatenate([item.ts, item.t1[None]]), item)
    return jax.vmap(one)(record.stack())


def residuals(
    process: AbstractAutoregressive, record: Events, *, kind: int | None = None, carry: bool = True
) -> Residuals:
    """The residuals of time rescaling, of all sequences of a record.

    Each sequence ends in a gap that is not finished. Left out, it biases the residuals downwards: the truth itself is
    rejected. So what is left of one sequence is carried into the first residual of the next, as if the sequences
    followed one another in rescaled time; then all of them are exact.

    **Arguments:**

    - `process`: the process.
    - `record`: one sequence or a stack.
    - `kind`: the events of one kind under the compensator of that kind; of all together, if not given.
    - `carry`: whether what is left over is carried on; `False` gives the biased residuals of the literature.

    **Returns:** a `Residuals`.

    **Raises:** `ValueError` for an unknown kind, or marks that the process does not know.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import Poisson, residuals
        record = Events.from_list([[0.5, 1.2], [], [0.25]], t1=2.0)
        residuals(Poisson(2.0), record).values  # [1., 1.4, 6.1]
        ```
    """
    known = kind is None or 0 <= kind < process.dim
    require(known, "kind", f"must be a kind below {process.dim}", kind, "count kinds from 0")
    by_kind = np.asarray(_rescaled(process, record), np.float64)
    totals = by_kind.sum(axis=-1) if kind is None else by_kind[..., kind]
    stacked = record.stack()
    here = np.asarray(stacked.mask)
    if kind is not None and process.dim > 1:
        here = here & (np.asarray(stacked.marks) == kind)
    ends = totals[:, -1]
    # On one axis: a sequence starts where the one before it ended.
    start = np.concatenate([[0.0], np.cumsum(ends)[:-1]]) if carry else np.zeros(len(ends))
    sequence, _ = np.nonzero(here)
    if carry:
        values = _carried(totals, here, ends)
        last = start + np.where(here, totals[:, :-1], 0.0).max(axis=1, initial=0.0)
        leftover = float(ends.sum() - (last[here.any(axis=1)].max() if here.any() else 0.0))
        return Residuals(values, sequence, leftover)
    before = np.where(here, totals[:, :-1], 0.0)
    previous = np.concatenate([np.zeros((len(ends), 1)), np.maximum.accumulate(before, axis=1)[:, :-1]], axis=1)
    return Residuals((totals[:, :-1] - previous)[here], sequence, float((ends - before.max(axis=1, initial=0.0)).sum()))


def _carried(totals: np.ndarray, here: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Differences within a sequence; the first of each takes what the sequences before it left over."""
    values, left = [], 0.0
    for row, events, end in zip(totals[:, :-1], here, ends, strict=True):
        own = row[events]
        if len(own) == 0:
            left += end
            continue
        values.append(np.diff(own, prepend=0.0))
        values[-1][0] += left
        left = end - own[-1]
    return np.concatenate(values) if values else np.zeros(0)
