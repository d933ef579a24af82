"""Point processes event by event: what is remembered of the past, and the law of the next event given it."""

import abc
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._errors import check_traced, fault, require
from .._process import AbstractDensity, AbstractGridded, AbstractPointProcess, AbstractRoomed
from .._types import Key, Law, RealScalar, Times
from ..data import AbstractRecord, Events
from ..paths import AbstractPath, EventPath
from ._next import AbstractNextEvent, log_density, total_log_intensity
from ._scores import EventScores
from ._simulate import fill


__all__ = ["AbstractAutoregressive", "AbstractRecurrent"]

_ROOM = 1024
_MOST_ROOM = 2**22
State = TypeVar("State")


class AbstractAutoregressive(AbstractPointProcess, AbstractDensity, AbstractGridded):
    """A point process given by the law of the next event. Every model of `sdekit.points` with such a law is one.

    A model says how the past is summed up, twice: for a whole record at once (`contexts`, in parallel where it can),
    and event by event (`start`, `advance`, `context`), for simulation. The two must agree. Everything else is shared:
    likelihood, intensity, compensator, simulation, forecasts, predictions, goodness of fit.

    Works under `jit`, `vmap` and `grad`; draws have no gradient.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import AbstractAutoregressive, Poisson
        process = Poisson(2.0)
        isinstance(process, AbstractAutoregressive)  # True
        process.log_prob(Events(jnp.array([0.5, 1.2]), t1=2.0))
        ```
    """

    @property
    @abc.abstractmethod
    def mark_law(self) -> Law | None:
        """The law of marks that are real numbers, independent of everything; `None` where marks are kinds."""

    @abc.abstractmethod
    def start(self, t0: RealScalar, room: int) -> Any:
        """The state of a simulation before any event, on a window from `t0`, with room for so many events."""

    @abc.abstractmethod
    def advance(self, state: Any, gap: RealScalar, mark: Array) -> Any:
        """The state just after an event that came `gap` after the event before."""

    @abc.abstractmethod
    def context(self, state: Any) -> Any:
        """What the law of the next event is told of a state."""

    @abc.abstractmethod
    def contexts(self, record: Events) -> Any:
        """The contexts of one sequence, on a leading axis `e + 1`: row `i` knows the first `i` events alone."""

    @abc.abstractmethod
    def next_event(self, context: Any) -> AbstractNextEvent:
        """The law of the next event, given a context."""

    def marks_of(self, record: AbstractRecord) -> Int[Array, " e"] | Float[Array, " e"]:
        """The marks of one sequence: kinds as integers `0 .. dim - 1` (0 without marks), or real numbers.

        **Raises:** `TypeError` if the record is not `Events`; `ValueError` if its marks are not those of the process.
        """
        if not isinstance(record, Events):
            raise TypeError(fault("record", "must be Events", type(record).__name__, "see Events.from_list"))
        require(record.is_item, "record", "must be one sequence", record.ts, "index it, or use jax.vmap")
        if self.mark_law is not None:
            real = record.marks is not None and record.num_marks is None
            require(real, "record.marks", "must be real numbers for this process", record.marks, "pass real marks")
            return record.marks  # pyright: ignore[reportReturnType]
        if record.marks is None:
            require(self.dim == 1, "record.marks", f"must be kinds below {self.dim}", None, "pass the kinds of events")
            return jnp.zeros(record.ts.shape, int)
        known = record.num_marks is not None and record.num_marks <= self.dim
        problem = f"must be at most {self.dim}, the number of kinds of the process"
        require(known, "record.num_marks", problem, record.num_marks, "build the process with as many kinds")
        return record.marks  # pyright: ignore[reportReturnType]

    def scores(self, record: Events) -> EventScores:
        """The log-density of one sequence, event by event.

        **Arguments:**

        - `record`: one sequence. An empty one is legal: it scores the silence on its window.

        **Returns:** an `EventScores`.

        **Raises:** `ValueError` for marks that the process does not know.
        """
        marks, mask = self.marks_of(record), record.mask
        # Padding is scored at a gap that is harmless, and left out after that.
        gaps = jnp.where(mask, record.gaps(), jnp.ones((), record.ts.dtype))
        contexts = self.contexts(record)

        def one(context, gap):
            law = self.next_event(context)
            return log_density(law, gap), law.error(gap)

        joint, errors = jax.vmap(one)(jax.tree.map(lambda x: x[:-1], contexts), gaps)
        total = jax.nn.logsumexp(joint, axis=-1)
        if self.mark_law is not None:
            inside = self.mark_law.sample(jax.random.key(0))  # any value that a mark can have, for the padding
            mark = jax.vmap(self.mark_law.log_prob)(jnp.where(mask, marks, jax.lax.stop_gradient(inside)))
        elif self.dim == 1:
            mark = jnp.zeros_like(total)
        else:
            # Not a gather, whose derivative is slow.
            here = jax.nn.one_hot(marks, self.dim, dtype=bool)
            mark = jnp.where(here, joint, jnp.zeros((), joint.dtype)).sum(axis=-1) - total
        zero = jnp.zeros((), total.dtype)
        _, last, after = _end(record)
        law = self.next_event(jax.tree.map(lambda x: x[last], contexts))
        return EventScores(
            jnp.where(mask, total, zero),
            jnp.where(mask, mark, zero),
            law.log_survival(after),
            jnp.where(mask, errors, zero).sum() + law.error(after),
        )

    def log_prob(self, record: AbstractRecord) -> Float[Array, ""]:
        return self.scores(record).total  # pyright: ignore[reportArgumentType]

    def intensities(self, ts: Times, record: Events) -> Float[Array, "q k"]:
        """The intensity of each kind at many times, each given the events of `record` before it.

        **Arguments:**

        - `ts`: times in the window, in any order, shape `(q,)`.
        - `record`: one sequence.

        **Returns:** shape `(q, dim)`.
        """
        contexts, index, gaps = self._at(ts, record)
        law = lambda context, gap: jnp.exp(self.next_event(context).log_intensity(gap))
        return jax.vmap(law)(jax.tree.map(lambda x: x[index], contexts), gaps)

    def compensators(self, ts: Times, record: Events) -> Float[Array, "q k"]:
        """The compensator of each kind from the start of the window to many times.

        **Arguments:** as `intensities`.

        **Returns:** shape `(q, dim)`.
        """
        contexts, index, gaps = self._at(ts, record)
        law = lambda context, gap: self.next_event(context).compensator(gap)
        whole = jax.vmap(law)(jax.tree.map(lambda x: x[:-1], contexts), record.gaps())
        whole = jnp.where(record.mask[:, None], whole, jnp.zeros((), whole.dtype))
        before = jnp.concatenate([jnp.zeros((1, whole.shape[1]), whole.dtype), jnp.cumsum(whole, axis=0)])
        return before[index] + jax.vmap(law)(jax.tree.map(lambda x: x[index], contexts), gaps)

    def intensity(self, t: RealScalar, history: AbstractRecord) -> Float[Array, " m"]:
        return self.intensities(jnp.asarray(t)[None], history)[0]  # pyright: ignore[reportArgumentType]

    def compensator(self, a: RealScalar, b: RealScalar, history: AbstractRecord) -> Float[Array, " m"]:
        first, last = self.compensators(jnp.stack([jnp.asarray(a), jnp.asarray(b)]), history)  # pyright: ignore[reportArgumentType]
        return last - first

    def _at(self, ts, record):
        self.marks_of(record)
        ts = jnp.asarray(ts, record.ts.dtype)
        line = jnp.where(record.mask, record.ts, jnp.inf)
        index = jnp.searchsorted(line, ts, side="left")
        last = jnp.where(index > 0, record.ts[index - 1], record.t0)
        return self.contexts(record), index, ts - last

    def draw(self, ts: Times, *, key: Key) -> EventPath:
        path = fill(self, ts[0], ts[-1], key=key, room=_ROOM)
        full = jnp.zeros((), bool) if path.full is None else path.full
        problem = f"found more than {_ROOM} events"
        times = check_traced(path.ts, full, "draw", problem, "use points.simulate(room=)")
        return eqx.tree_at(lambda p: p.ts, path, times)

    def on_grid(self, ts: np.ndarray) -> "Roomed":
        law = self.next_event(self.context(self.start(jnp.asarray(ts[0]), 1)))
        first = float(jnp.exp(total_log_intensity(law, jnp.asarray(ts[-1] - ts[0]) / 2)))
        guess = first * float(ts[-1] - ts[0]) if np.isfinite(first) else 0.0
        return Roomed(self, room_for(min(3 * guess, 1000.0)))  # pyright: ignore[reportCallIssue]


class AbstractRecurrent(AbstractAutoregressive):
    """A process whose context is its state: what is remembered does not grow with the history.

    !!! example

        ```python
        from sdekit.points import AbstractRecurrent, Poisson
        isinstance(Poisson(2.0), AbstractRecurrent)  # True
        ```
    """

    def context(self, state: State) -> State:
        return state


class Roomed(AbstractRoomed):
    """A point process that draws into a room of known size, and says when it did not suffice."""

    process: AbstractAutoregressive
    room: int = eqx.field(static=True)

    @property
    def dim(self) -> int:
        return self.process.dim

    def draw(self, ts: Times, *, key: Key) -> EventPath:
        return fill(self.process, ts[0], ts[-1], key=key, room=self.room)

    def enlarged(self, path: AbstractPath) -> "Roomed | None":
        room = needed_room(path, self.room)
        return None if room is None else Roomed(self.process, room)  # pyright: ignore[reportCallIssue]


def room_for(events: float) -> int:
    """A power of two with room for about so many events: few sizes, few compilations."""
    return 2 ** max(6, int(np.ceil(np.log2(max(events, 1.0) + 1))))


def needed_room(path: Any, room: int) -> int | None:
    """A larger room where paths did not fit, by how far they came; `None` where all fitted."""
    full = np.atleast_1d(np.asarray(path.full))
    if not full.any():
        return None
    ts, t0, t1 = (np.asarray(x, np.float64) for x in (path.ts, path.t0, path.t1))
    come = (np.atleast_2d(ts).max(axis=-1) - np.atleast_1d(t0))[full]
    share = np.min(come / (np.atleast_1d(t1) - np.atleast_1d(t0))[full])
    more = room_for(room * min(max(2.0, 1.3 / max(share, 1e-3)), 64.0))
    problem, remedy = "leads to too many events", "is the process explosive? Shorten the window, or pass room="
    require(room < _MOST_ROOM, "process", problem, f"more than {room} events", remedy)
    return min(more, _MOST_ROOM)


def _end(record: Events) -> tuple[Array, Array, Array]:
    """The time of the last event (or `t0`), how many there are, and the silence after it."""
    count = record.mask.sum()
    last = jnp.where(count > 0, record.ts[count - 1], record.t0)
    return last, count, record.t1 - last


def after_history(process: AbstractAutoregressive, record: Events, room: int) -> tuple[Any, Array, Array]:
    """The state after all events of a record, the time of the last one, and the silence since, for forecasts."""
    marks = process.marks_of(record)
    start = process.start(record.t0, record.length + room)

    def step(state, inputs):
        gap, mark, here = inputs
        new = process.advance(state, gap, mark)
        return jax.tree.map(lambda a, b: jnp.where(here, a, b), new, state), None

    state, _ = jax.lax.scan(step, start, (record.gaps(), marks, record.mask))
    last, _, after = _end(record)
    return state, last, after


def scan_contexts(process: AbstractRecurrent, record: Events) -> Any:
    """The contexts of one sequence by a scan of `advance`: what a process without a parallel form returns."""
    start = process.start(record.t0, record.length)

    def step(state, inputs):
        new = process.advance(state, *inputs)
        return new, new

    _, rest = jax.lax.scan(step, start, (record.gaps(), process.marks_of(record)))
    return jax.tree.map(lambda a, b: jnp.concatenate([jnp.asarray(a)[None], b]), start, rest)
