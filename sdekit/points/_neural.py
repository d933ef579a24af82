"""Neural point processes: an encoder of the past and a decoder of the next event."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import fault, require
from .._types import Key
from ..data import AbstractRecord, Events
from ..inference import AbstractObjective
from ._autoregressive import AbstractAutoregressive
from ._decoder import AbstractDecoder
from ._encoder import AbstractEventEncoder, EncodedEvent
from ._scale import GapScale


__all__ = ["NeuralPointProcess", "PerEvent"]


class NeuralPointProcess(AbstractAutoregressive):
    """A point process with a learned law of the next event: any encoder with any decoder.

    Networks are told gaps, in a unit taken from data, and never times: shifting time changes nothing, and unix seconds
    are as safe as any in float32. Row `i` of what is encoded knows the first `i` events alone.

    **Arguments:**

    - `encoder`: sums up the past.
    - `decoder`: turns what is remembered into the law of the next event; with the kinds of the encoder.
    - `scale`: what a typical gap is; `GapScale.of(record)`.

    **Raises:** `ValueError` if encoder and decoder have different numbers of kinds.

    !!! example

        ```python
        import equinox as eqx
        import jax
        from sdekit.data import Events
        from sdekit.points import GRUHistory, GapScale, LogNormalMixture, NeuralPointProcess
        record = Events.from_list([[0.5, 1.2], [0.25]], t1=2.0)
        k1, k2 = jax.random.split(jax.random.key(0))
        encoder, decoder = GRUHistory(1, 8, key=k1), LogNormalMixture(8, 1, components=4, key=k2)
        model = NeuralPointProcess(encoder, decoder, GapScale.of(record))
        eqx.filter_jit(model.log_prob)(record[0])
        ```
    """

    encoder: AbstractEventEncoder
    decoder: AbstractDecoder
    scale: GapScale

    def __check_init__(self):
        same = self.encoder.kinds == self.decoder.kinds
        kinds = (self.encoder.kinds, self.decoder.kinds)
        require(same, "encoder, decoder", "must have as many kinds", kinds, "build both for the same record")

    @property
    def mark_law(self) -> None:
        return None

    @property
    def dim(self) -> int:
        return self.decoder.kinds

    def start(self, t0, room):
        return self.encoder.start(room)

    def advance(self, state, gap, mark):
        return self.encoder.advance(state, self._encoded(gap, mark))

    def context(self, state):
        return self.encoder.context(state)

    def contexts(self, record: Events):
        events = jax.vmap(self._encoded)(record.gaps(), self.marks_of(record))
        return self.encoder.contexts(events)

    def next_event(self, context):
        return self.decoder.law(self.encoder.memory(context), self.scale)

    def _encoded(self, gap, mark) -> EncodedEvent:
        return EncodedEvent(gap / self.scale.unit, self.scale.features(gap), mark)


class PerEvent(AbstractObjective):
    """Minus the log-density of a batch, divided by how many events are scored: the unit that papers report.

    Conventions are switches: EasyTPP's benchmark scores neither the first event nor the silence after the last one. For
    the full likelihood of whole sequences `MarginalLikelihood` is the same up to the number of events.

    **Arguments:**

    - `first`: whether the first event of a sequence is scored.
    - `silence`: whether the silence after the last event is scored.
    - `at_once`: how many sequences are worked on at a time, their gradient taken with their score: memory is that of
      so many (of the largest divisor of the batch that is not above), faster where that fits the caches: 8 for
      attention. All, if `None`.

    **Returns:** when called: the loss, and the metrics `log_prob` (a scored event), `time` and `mark` (its two parts).

    **Raises:** `TypeError` for a model that is not an `AbstractAutoregressive`.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import PerEvent, Poisson
        record = Events.from_list([[0.5, 1.2], [0.25]], t1=2.0)
        loss, metrics = PerEvent(first=False, silence=False)(Poisson(2.0), record, key=jax.random.key(0))
        ```

    Source: Xue et al. (2024), EasyTPP: towards open benchmarking temporal point processes, section 3.
    """

    first: bool = eqx.field(static=True, default=True)
    silence: bool = eqx.field(static=True, default=True)
    at_once: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        ok = self.at_once is None or self.at_once >= 1
        require(ok, "at_once", "must be positive or None", self.at_once, "pass e.g. 8")

    def __call__(
        self, model: AbstractAutoregressive, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        if not isinstance(model, AbstractAutoregressive):
            raise TypeError(fault("model", "must be a point process", type(model).__name__, "see sdekit.points"))
        items = batch.stack()
        if self.at_once is None or self.at_once >= len(items):
            time, mark, count = self._sums(model, items)
            score = time + mark
        else:
            score, (time, mark, count) = _in_pieces(model, items, self)
        count = jnp.maximum(count, 1)
        return -score / count, {"log_prob": score / count, "time": time / count, "mark": mark / count}

    def _sums(self, model, items):
        def one(item):
            scores = model.scores(item)
            start = 0 if self.first else 1
            time = scores.time[start:].sum() + (scores.survival if self.silence else 0)
            return time, scores.mark[start:].sum(), item.mask[start:].sum()

        return jax.tree.map(jnp.sum, jax.vmap(one)(items))


@eqx.filter_custom_vjp
def _in_pieces(model, items, loss):
    """The score of many sequences, some at a time; and its parts, which have no gradient here."""
    parts = jax.lax.map(lambda piece: loss._sums(model, piece), _pieces(items, loss.at_once))
    time, mark, count = jax.tree.map(jnp.sum, parts)
    return time + mark, (time, mark, count)


@_in_pieces.def_fwd
def _in_pieces_forward(perturbed, model, items, loss):
    moving, rest = eqx.partition(model, perturbed)

    def score(moving, piece):
        time, mark, count = loss._sums(eqx.combine(moving, rest), piece)
        return time + mark, (time, mark, count)

    def step(slope, piece):
        (_, parts), more = jax.value_and_grad(score, has_aux=True)(moving, piece)
        return jax.tree.map(jnp.add, slope, more), parts

    slope, parts = jax.lax.scan(step, jax.tree.map(jnp.zeros_like, moving), _pieces(items, loss.at_once))
    time, mark, count = jax.tree.map(jnp.sum, parts)
    return (time + mark, (time, mark, count)), slope


@_in_pieces.def_bwd
def _in_pieces_backward(slope, cotangent, perturbed, model, items, loss):
    return jax.tree.map(lambda x: cotangent[0] * x, slope)


def _pieces(items, most):
    """The sequences in pieces of one size, the largest divisor of their number that is not above `most`."""
    size = max(d for d in range(1, most + 1) if len(items) % d == 0)
    return jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[1:]), items)
