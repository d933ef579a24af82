import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from sdekit.data import Seen
from sdekit.paths import EventPath, JumpPath


MASK = jnp.array([[True, True, True], [True, True, False]])
JUMPS = JumpPath(jnp.array([[0.0, 0.7, 1.9], [0.0, 0.5, 0.0]]), jnp.array([[0, 2, 1], [1, 0, 9]]), 3.0, MASK)
EVENTS = EventPath(
    jnp.array([[0.5, 1.2, 1.9], [1.0, 0.0, 0.0]]), jnp.array([[1, 0, 1], [0, 7, 7]]),
    jnp.array([[True] * 3, [True, False, False]]), t1=2.0, num_marks=2,
)  # fmt: skip
at = jax.jit(lambda path, t: path(t))


@given(st.floats(0.0, 3.0))
def test_states_hold_from_a_jump_to_the_next(t):
    first = 0 if t < 0.7 else 2 if t < 1.9 else 1
    second = 1 if t < 0.5 else 0
    assert at(JUMPS, t).tolist() == [first, second]
    assert int(at(JUMPS[0], t)) == first


def test_paths_are_continuous_from_the_right():
    assert int(JUMPS[0](0.7)) == 2
    assert int(JUMPS[0](np.nextafter(0.7, 0))) == 0
    assert JUMPS(jnp.array([0.0, 0.7, 3.0])).tolist() == [[0, 2, 1], [1, 0, 0]]


def test_padding_repeats_the_last_state():
    assert JUMPS.ts[1].tolist() == [0.0, 0.5, 3.0]
    assert JUMPS.states[1].tolist() == [1, 0, 0]
    assert JUMPS.jumps().tolist() == [2, 1]
    np.testing.assert_allclose(JUMPS.durations(), [[0.7, 1.2, 1.1], [0.5, 2.5, 0.0]])
    np.testing.assert_allclose(JUMPS.durations().sum(-1), 3.0)


def test_counts_of_molecules_are_states_too():
    path = JumpPath(jnp.array([0.0, 1.0]), jnp.array([[5, 0], [4, 1]]), 2.0)
    assert path(1.5).tolist() == [4, 1]
    assert path.at_times(jnp.array([0.5, 1.0])).xs.tolist() == [[5, 0], [4, 1]]
    with pytest.raises(ValueError, match="`states` must be one integer each"):
        path.to_panel()


@pytest.mark.parametrize("t", [-0.1, 3.1, float("nan")])
def test_nothing_is_known_outside_the_window(t):
    with pytest.raises(ValueError, match=r"`t` lies outside the times of the path, \[0, 3\]"):
        JUMPS(t)
    with pytest.raises(RuntimeError, match="lies outside"):
        jax.block_until_ready(at(JUMPS, jnp.asarray(t)))
    with pytest.raises(ValueError, match=r"`t` lies outside the times of the path, \[0, 2\]"):
        EVENTS(t)


def test_a_path_seen_at_times_is_a_panel():
    panel = JUMPS.to_panel(jnp.array([0.0, 1.0, 2.0]))
    assert panel.states.tolist() == [[0, 2, 1], [1, 0, 0]]
    assert not panel.kinds.any()
    assert panel.num_states == 3


def test_a_path_seen_whole_is_a_panel_of_jumps_and_the_end():
    panel = JUMPS.to_record()
    assert panel.ts[0].tolist() == [0.0, 0.7, 1.9, 3.0]
    assert panel.states[0].tolist() == [0, 2, 1, 1]
    assert panel.mask.tolist() == [[True] * 4, [True, True, True, False]]
    assert (panel.kinds[panel.mask] == Seen.JUMP).all()
    ends = JumpPath(jnp.array([0.0, 3.0]), jnp.array([0, 1]), 3.0).to_panel()
    assert ends.mask.tolist() == [True, True, False]
    whole = jax.jit(lambda path: path.to_panel(num_states=3).ts)(JUMPS)
    np.testing.assert_array_equal(whole, panel.ts)


def test_vmapped_construction_stacks():
    make = lambda shift: JumpPath(shift + jnp.array([0.0, 1.0]), jnp.array([0, 1]), shift + 2.0)
    stack = jax.vmap(make)(jnp.array([0.0, 5.0])).stacked()
    assert len(stack) == 2
    assert stack[1](6.0) == 1


@pytest.mark.parametrize(
    ("ts", "states", "more", "message"),
    [
        ([0.0, 0.0], [0, 1], {}, r"`ts\[1\]` must be later than 0, got 0.0. Sort the jumps"),
        ([0.0, 4.0], [0, 1], {}, "`t1` must not be earlier than the last jump at 4, got 3.0"),
        ([0.0, np.nan], [0, 1], {}, "`ts` must be finite"),
        ([0.0, 1.0], [0.0, 1.0], {}, "`states` must be integers.*SampledPath"),
        ([0.0, 1.0], [0], {}, r"`states` must have shape \(2,\)"),
        ([0.0, 1.0], [0, 1], {"mask": [False, True]}, "`mask` must be true first"),
        ([0.0, 1.0], [0, 1], {"mask": [True]}, "`mask` must have the shape of ts"),
        ([], [], {}, "`ts` must have shape"),
    ],
)
def test_bad_jump_paths_are_refused(ts, states, more, message):
    more = {k: np.array(v) for k, v in more.items()}
    with pytest.raises(ValueError, match=message):
        JumpPath(np.array(ts), np.array(states), 3.0, **more)


@given(st.floats(0.0, 2.0))
def test_an_event_path_counts(t):
    ts, marks = np.array([0.5, 1.2, 1.9]), np.array([1, 0, 1])
    expected = [int((marks[ts <= t] == k).sum()) for k in range(2)]
    assert at(EVENTS, t).tolist() == [expected, [int(t >= 1.0), 0]]


def test_event_paths_without_marks_count_all():
    path = EventPath(jnp.array([0.5, 1.2]), t1=2.0)
    assert path(jnp.array([0.0, 0.5, 2.0])).tolist() == [0, 1, 2]
    assert path.to_events().marks is None
    assert repr(path) == "EventPath(2 events, window 0..2, given)"


def test_event_paths_become_events():
    record = EVENTS.to_record()
    assert record.num_marks == 2
    assert record.ts[1].tolist() == [1.0, 2.0, 2.0]
    assert len(EVENTS[1:]) == 1
    assert EVENTS[0].to_record().is_item
    assert repr(EVENTS) == "EventPath(2 paths, 4 events, 2 marks, window 0..2, given)"
    scaled = EVENTS.map(lambda t: 2 * t, lambda x: x)
    assert float(scaled.t1[0]) == 4.0


def test_repr_of_jump_paths():
    assert repr(JUMPS) == "JumpPath(2 paths, 3 jumps, 0..3, given)"
    assert repr(JUMPS.map(lambda t: 2 * t, lambda x: x)[0]) == "JumpPath(2 jumps, 0..6, given)"
