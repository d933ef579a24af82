"""What paths say of a chain, as counts of pairs of labels at binned intervals."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, UInt32

from .._errors import require
from .._types import Array, RealScalar
from ..data import Panel


__all__ = ["FINE", "PairEvidence", "code_planes", "plane_pairs"]

FINE = 16
"""The most steps of the fine grid between the two labels of a pair."""
_BINS, _SHORTEST, _LONGEST, _SHARE = 9, 0.1, 1.7, 0.07


class PairEvidence(eqx.Module):
    """How often two labels were seen at an interval, for nine intervals: what an amortised posterior reads.

    Intervals are in units of a tenth of the span of the data, which makes the rates of any data comparable. The bins
    lie half an octave apart, from 0.1 to 1.6; a pair counts in the two next to it, by its distance from them. Pairs
    that are neither successive nor far apart count too: they tell a wrong label from a short visit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import PairEvidence, flashing_ratchet

        path = flashing_ratchet(1.0).sample(jnp.array([0.0, 2.5]), key=jax.random.key(0), n=5)
        panel = path.to_panel(jnp.linspace(0.0, 2.5, 50), num_states=6)
        evidence, unit = PairEvidence.of(panel, noise=0.0)  # unit: 0.25
        ```
    """

    counts: Float[Array, "b n n"]
    """Weighted numbers of pairs, by bin, earlier label and later label."""
    intervals: Float[Array, " b"]
    """Mean intervals of the bins, in units of a tenth of the span; 0 for an empty bin."""
    starts: Float[Array, " n"]
    """How many paths begin with each label."""
    states: Bool[Array, " n"]
    """Which states there are; the others are padding."""
    noise: Float[Array, ""]
    """The probability that a label is wrong, taken as known."""

    @classmethod
    def binned(cls, gaps: Array, pairs: Array, starts: Array, states: Array, noise: Array) -> Self:
        """From counts of pairs `(g, n, n)` at intervals `gaps`, shape `(g,)`, in units of a tenth of the span."""
        weights = _hats(jnp, gaps).astype(starts.dtype)
        counts = jnp.einsum("gb,gij->bij", weights, pairs.astype(starts.dtype))
        total = counts.sum((1, 2))
        moment = weights.T @ (gaps * pairs.sum((1, 2)))
        intervals = jnp.where(total > 0, moment / jnp.where(total > 0, total, 1), 0)
        return cls(counts, intervals, starts, states, noise)

    @classmethod
    def of(cls, panel: Panel, noise: RealScalar = 0.0, *, room: int | None = None) -> tuple[Self, float]:
        """Read a panel of snapshots. Computed in NumPy, not for use under `jit`.

        **Arguments:**

        - `panel`: the paths, at the same or at different times.
        - `noise`: the probability that a label is wrong.
        - `room`: the number of states to pad to; that of the panel, if not given.

        **Returns:** the evidence, and the unit of time, a tenth of the span of the panel.

        **Raises:** `ValueError` for exact times, sets of states, or fewer states in `room` than in the panel.
        """
        panel = panel.stack()
        n = panel.num_states if room is None else room
        fits = n >= panel.num_states
        require(fits, "room", f"must be at least {panel.num_states}, the states of the panel", room, "a larger one")
        ts, states, mask, kinds = (np.asarray(x) for x in (panel.ts, panel.states, panel.mask, panel.kinds))
        plain = not kinds[:, 1:].any() and not panel.censored
        require(plain, "panel", "must hold snapshots of single states", panel, "use em, which takes all kinds")
        rows = [(t[m].astype(float), s[m]) for t, s, m in zip(ts, states, mask, strict=True) if m.any()]
        unit = (max(t[-1] for t, _ in rows) - min(t[0] for t, _ in rows)) / 10
        require(unit > 0, "panel.ts", "must span some time", panel.ts, "pass paths of more than one time")
        counts, moment, starts = np.zeros((_BINS, n * n)), np.zeros(_BINS), np.zeros(n)
        for t, s in rows:
            starts[s[0]] += 1
            for lag in range(1, len(t)):
                gap = (t[lag:] - t[:-lag]) / unit
                if gap.min() > _LONGEST:
                    break
                weights, code = _hats(np, gap), s[:-lag] * n + s[lag:]
                moment += gap @ weights
                for b in np.flatnonzero(weights.any(0)):
                    counts[b] += np.bincount(code, weights[:, b], n * n)
        total = counts.sum(1)
        intervals = np.divide(moment, total, out=np.zeros(_BINS), where=total > 0)
        there = np.arange(n) < panel.num_states
        cast: Any = lambda x: jnp.asarray(x, panel.ts.dtype)
        counts = counts.reshape(_BINS, n, n)
        return cls(cast(counts), cast(intervals), cast(starts), jnp.asarray(there), cast(noise)), float(unit)

    def permute(self, order: Array) -> Self:
        """The evidence with its states renamed: state `k` of the new one is state `order[k]` of this one."""
        counts = self.counts[:, order][:, :, order]
        return type(self)(counts, self.intervals, self.starts[order], self.states[order], self.noise)


def _hats(xp: Any, gaps: Array) -> Array:
    """The weights of intervals in the bins, shape `(g, b)`."""
    inside = (gaps > _SHARE) & (gaps <= _LONGEST)
    place = 2 * xp.log2(xp.where(inside, gaps, _SHORTEST) / _SHORTEST)
    weights = xp.maximum(1 - xp.abs(place[:, None] - xp.arange(_BINS)[None]), 0)
    return xp.where(inside[:, None], weights, 0)


def code_planes(labels: Array, seen: Array, n: int) -> UInt32[Array, "n t w"]:
    """One bit for each path at each time and label, 32 paths a word."""
    t, k = labels.shape
    words = -(-k // 32)
    bits = (labels[None] == jnp.arange(n)[:, None, None]) & seen[None]
    bits = jnp.pad(bits, ((0, 0), (0, 0), (0, 32 * words - k))).reshape(n, t, words, 32)
    return (bits.astype(jnp.uint32) << jnp.arange(32, dtype=jnp.uint32)[None, None, None]).sum(-1, dtype=jnp.uint32)


def plane_pairs(planes: UInt32[Array, "n t w"], lags: int) -> Float[Array, "g n n"]:
    """How often label `i` stands 1, ..., `lags` steps before label `j`: bits that both have, counted."""
    t = planes.shape[1]
    later = jnp.pad(planes, ((0, 0), (0, lags), (0, 0)))

    def at(lag):
        ahead = jax.lax.dynamic_slice_in_dim(later, lag, t, 1)
        return jax.lax.population_count(planes[:, None] & ahead[None, :]).astype(jnp.int32).sum((2, 3))

    return jax.lax.map(at, jnp.arange(1, lags + 1))
