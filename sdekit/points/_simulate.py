"""The loop that draws events into a room of fixed size."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._errors import check_traced
from .._types import Key, RealScalar
from ..paths import EventPath, Provenance
from ._next import AbstractDirect, AbstractNextEvent
from ._samplers import AbstractEventSampler, Direct, Thinning


if TYPE_CHECKING:
    from ._autoregressive import AbstractAutoregressive

__all__: list[str] = []


def default_sampler(law: AbstractNextEvent) -> AbstractEventSampler:
    """At once where the law can, else by thinning."""
    return Direct() if isinstance(law, AbstractDirect) else Thinning()


def fill(
    process: "AbstractAutoregressive",
    t0: RealScalar,
    t1: RealScalar,
    *,
    key: Key,
    room: int,
    sampler: AbstractEventSampler | None = None,
    past: tuple[Any, Array, Array] | None = None,
) -> EventPath:
    """One path on `[t0, t1]`, its flag `full` set where more events came than there is room for.

    `past` is the state after a history, the time of its last event, and the silence since, until `t0`.
    """
    state = process.start(t0, room) if past is None else past[0]
    sampler = sampler or default_sampler(process.next_event(process.context(state)))
    numbers = jax.tree.leaves(eqx.filter((process, state, t0, t1), eqx.is_array_like))
    floats = [x for x in numbers if jnp.issubdtype(jnp.result_type(x), jnp.floating)]
    dtype = jnp.result_type(*floats)
    t0, t1 = jnp.asarray(t0, dtype), jnp.asarray(t1, dtype)
    silence = jnp.zeros((), dtype) if past is None else jnp.asarray(past[2], dtype)
    # Times are kept from t0 on, so that large times cost no digits until the end.
    real = process.mark_law is not None
    marks = jnp.zeros(room, dtype) if real else jnp.zeros(room, int)
    state = jax.tree.map(lambda x: jnp.asarray(x), state)
    start = (jnp.array(0), state, -silence, silence, jnp.ones((), dtype), jnp.array(0), jnp.zeros(room, dtype), marks)
    tallies = (jnp.array(0), jnp.array(0), jnp.zeros((), bool))

    def going(carry):
        (_, _, last, gap, _, count, _, _), (_, _, bad) = carry
        return (last + gap < t1 - t0) & (count < room) & ~bad

    def body(carry):
        (i, state, last, gap, inflation, count, times, marks), (rejected, violations, bad) = carry
        draw, mark = jax.random.split(jax.random.fold_in(key, i))
        law = process.next_event(process.context(state))
        step = sampler.step(law, gap, (t1 - t0) - last, inflation, key=draw)
        label: Any = step.kind if process.mark_law is None else jnp.asarray(process.mark_law.sample(mark), dtype)
        here = step.happened
        moved = process.advance(state, step.gap, label)
        state = jax.tree.map(lambda new, old: jnp.where(here, new, old).astype(old.dtype), moved, state)
        times = times.at[count].set(jnp.where(here, last + step.gap, times[count]))
        marks = marks.at[count].set(jnp.where(here, label, marks[count]).astype(marks.dtype))
        last = jnp.where(here, last + step.gap, last)
        gap = jnp.where(here, jnp.zeros((), dtype), step.gap)
        missed = ~here & (last + gap < t1 - t0)
        tally = rejected + missed, violations + step.violated, bad | jnp.isnan(step.gap)
        return (i + 1, state, last, gap, step.inflation, count + here, times, marks), tally

    (_, _, _, _, _, count, times, marks), (rejected, violations, bad) = jax.lax.while_loop(
        going, body, (start, tallies)
    )
    problem, remedy = "has an intensity, or a bound of it, that is not a number", "check the parameters"
    times = check_traced(times, bad, "process", problem, remedy)
    mask = jnp.arange(room) < count
    made = Provenance(type(sampler).__name__, rejected=rejected, violations=violations)
    unmarked = process.dim == 1 and not real
    return EventPath(
        jnp.where(mask, t0 + times, t1),
        None if unmarked else marks,
        mask,
        t0=t0,
        t1=t1,
        num_marks=None if unmarked or real else process.dim,
        made=made,
        full=count >= room,
    )
