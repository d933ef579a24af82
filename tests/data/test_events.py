import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from sdekit.data import Clock, Events

from .strategies import SEEDS, ragged_events


@given(ragged_events())
def test_ragged_sequences_come_back(data):
    ts, marks, t1 = data
    record = Events.from_list(ts, marks, t1=t1, num_marks=3)
    for item, t, m in zip(record, ts, marks, strict=True):
        n = int(item.observed())
        assert n == len(t)
        np.testing.assert_array_equal(item.ts[:n], t)
        np.testing.assert_array_equal(item.marks[:n], m)
        np.testing.assert_array_equal(item.ts[n:], t1)
        np.testing.assert_allclose(item.gaps()[:n], np.diff(t, prepend=0.0))
        assert not item.gaps()[n:].any()


@given(ragged_events())
def test_split_time_shares_the_events_and_the_window(data):
    ts, marks, t1 = data
    record = Events.from_list(ts, marks, t1=t1, num_marks=3)
    past, future = record.split_time(0.5)
    cut = 0.5 * t1
    for k, (t, m) in enumerate(zip(ts, marks, strict=True)):
        early = t <= cut
        np.testing.assert_array_equal(past.ts[k][past.mask[k]], t[early])
        np.testing.assert_array_equal(future.ts[k][future.mask[k]], t[~early])
        np.testing.assert_array_equal(future.marks[k][future.mask[k]], m[~early])
    np.testing.assert_allclose(past.t1, cut)
    np.testing.assert_allclose(future.t0, cut)
    for part in (past, future):  # the padding still comes last: the parts pass the checks of a new record
        Events(part.ts, part.marks, part.mask, t0=part.t0, t1=part.t1, num_marks=3)


@given(ragged_events(), SEEDS)
def test_history_holds_what_came_before_and_nothing_else(data, seed):
    ts, marks, t1 = data
    record = Events.from_list(ts, marks, t1=t1, num_marks=3)
    t = np.random.default_rng(seed).uniform(0, t1)
    past = jax.jit(lambda r, t: r.before(t))(record, t)
    for k, row in enumerate(ts):
        np.testing.assert_array_equal(past.ts[k][past.mask[k]], row[row < t])
    assert (past.ts[~past.mask] == t1).all()
    assert not past.marks[~past.mask].any()


@given(SEEDS)
def test_dequantised_times_stay_in_their_cells_and_in_order(seed):
    rng = np.random.default_rng(seed)
    exact = np.sort(rng.uniform(0, 10, size=(2, 6)), axis=-1)
    seconds = np.floor(exact)
    record = Events(seconds, np.arange(12).reshape(2, 6), t1=10.0, ties=True).pad(8)
    spread = record.dequantise(1.0, key=jax.random.key(seed))
    assert (spread.t1 == 11.0).all()
    ts = np.asarray(spread.ts)
    assert (np.diff(ts[:, :6], axis=-1) > 0).all()
    np.testing.assert_array_equal(np.sort(np.floor(ts[:, :6]), -1), seconds)
    assert (ts[:, 6:] == 11.0).all()
    np.testing.assert_array_equal(spread.mask, record.mask)
    # A mark stays with its event: it was recorded in the cell that the event is in now.
    marks = np.asarray(spread.marks)[:, :6]
    np.testing.assert_array_equal(seconds.ravel()[marks], np.floor(ts[:, :6]))


def test_an_empty_sequence_has_a_window():
    item = Events(jnp.zeros(0), t1=2.0)
    assert int(item.observed()) == 0
    assert item.ts.shape == (1,)
    assert float(item.t1) == 2.0


def test_windows_of_their_own_are_rebased():
    record = Events.from_list([[10.5, 11.0], [100.25]], t0=[10.0, 100.0], t1=[12.0, 103.0], rebase=True, scale=0.5)
    assert record.ts[0].tolist() == [1.0, 2.0]
    assert float(record.ts[1, 0]) == 0.5
    assert record.t0.tolist() == [0.0, 0.0]
    assert record.t1.tolist() == [4.0, 6.0]
    assert record.clock == Clock(0.0, "", 0.5)


def test_dates_count_from_the_window():
    days = np.array(["2024-01-02", "2024-01-04"], dtype="datetime64[D]")
    record = Events.from_list([days], t0=np.datetime64("2024-01-01"), t1=np.datetime64("2024-02-01"))
    assert record.ts[0].tolist() == [1.0, 3.0]
    assert record.t1.tolist() == [31.0]
    assert str(record.clock.undo(record.ts[0, 0]))[:10] == "2024-01-02"
    with pytest.raises(ValueError, match="`t0` must be given with dates"):
        Events.from_list([days], t1=np.datetime64("2024-02-01"))


def test_real_marks_may_have_several_components():
    one = Events(jnp.array([0.5, 1.0]), jnp.array([4.5, 6.0]), t1=2.0)
    assert one.num_marks is None
    many = Events(jnp.array([0.5, 1.0]), jnp.ones((2, 3)), t1=2.0).stack().pad(4)
    assert many.marks.shape == (1, 4, 3)
    assert many.dequantise(0.1, key=jax.random.key(0)).marks.shape == (1, 4, 3)
    assert many.split_time(0.4)[1].marks.shape == (1, 4, 3)
    assert many.before(0.7).observed() == 1


@pytest.mark.parametrize(
    ("ts", "more", "message"),
    [
        ([1.0, 0.5], {}, r"`ts\[1\]` comes before the event at 1, got 0.5. Sort the events"),
        ([0.5, 0.5], {}, r"`ts\[1\]` is the time of the event before, too, got 0.5. Pass ties=True"),
        ([0.5, 3.0], {}, r"`ts\[1\]` lies outside the window \[0, 2\], got 3.0. Widen the window"),
        ([-0.5, 1.0], {}, r"`ts\[0\]` lies outside the window \[0, 2\], got -0.5"),
        ([0.5, np.nan], {}, r"`ts\[1\]` must be finite, got nan"),
        ([0.5, 1.0], {"marks": [0, 2], "num_marks": 2}, r"`marks\[1\]` is an unknown mark, not in 0..1, got 2"),
        ([0.5, 1.0], {"marks": [0, -1]}, r"`marks\[1\]` is an unknown mark"),
        ([0.5, 1.0], {"marks": [0.5, np.nan]}, r"`marks\[1\]` must be finite, got nan"),
        ([0.5, 1.0], {"marks": [0.5, 1.0], "num_marks": 2}, r"`marks\[0\]` must be a whole number, got 0.5"),
        ([0.5, 1.0], {"marks": [0]}, r"`marks` must have the shape of ts, \(2,\)"),
        ([0.5, 1.0], {"num_marks": 2}, "`num_marks` is given, but there are no marks"),
        ([0.5, 1.0], {"t0": 2.0}, r"`t1` must be later than t0, got 2.0"),
        ([0.5, 1.0], {"t1": [2.0, 3.0]}, r"`t1` must be a number or have shape \(\)"),
        ([0.5, 1.0], {"mask": [False, True]}, r"`mask\[0\]` must be true first, padding last"),
        ([0.5, 1.0], {"mask": [True]}, "`mask` must have the shape of ts"),
        ([[[0.5]]], {}, r"`ts` must have shape \(e,\) or \(n, e\)"),
    ],
)
def test_bad_events_are_refused(ts, more, message):
    more = {k: np.array(v) if k in ("marks", "mask", "t1") else v for k, v in more.items()}
    with pytest.raises(ValueError, match=message):
        Events(np.array(ts), **{"t1": 2.0} | more)


def test_ties_in_float32_say_where_they_may_come_from():
    with pytest.raises(ValueError, match="differ before the cast to float32"):
        Events(np.array([1.0, 1.0], np.float32), t1=2.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.split_time(), "must be given one at a time"),
        (lambda e: e.split_time(1.5), "`fraction` must lie strictly between 0 and 1"),
        (lambda e: e.split_time(t=2.5), "`t` must lie inside every window, got 2.5"),
        (lambda e: e.dequantise(0.0, key=jax.random.key(0)), "`cell` must be positive"),
    ],
)
def test_bad_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(Events(jnp.array([0.5]), t1=2.0))


def test_marks_of_unequal_number_are_refused():
    with pytest.raises(ValueError, match=r"`marks\[0\]` must have 2 entries, as ts\[0\]"):
        Events.from_list([[0.5, 1.0]], [[0]], t1=2.0)
