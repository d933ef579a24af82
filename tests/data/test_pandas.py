import numpy as np
import pytest

from sdekit.data import Events, Panel, Seen, Series, Snapshots


pd = pytest.importorskip("pandas")


def test_irregular_dates_become_days_and_missing_values_a_mask():
    days = pd.to_datetime(["2024-01-01 00:00", "2024-01-03 12:00", "2024-02-10 00:00"])
    frame = pd.DataFrame({"price": [1.0, None, 3.0], "volume": [5, 6, 7], "note": ["a", "b", "c"]}, index=days)
    series = Series.from_pandas(frame)
    assert series.is_item
    assert series.ts.tolist() == [0.0, 2.5, 40.0]
    assert series.names == ("price", "volume")
    assert series.mask.tolist() == [[True, True], [False, True], [True, True]]
    assert (series.clock.undo(series.ts) == days.to_numpy().astype("datetime64[us]")).all()
    assert repr(series) == "Series(3 times, 2 components, 5 observed, 2024-01-01..2024-02-10 in days)"


def test_years_time_zones_periods_and_integers_are_read():
    index = pd.to_datetime(["2000-01-01", "2001-01-01"]).tz_localize("Europe/Berlin")
    np.testing.assert_allclose(Series.from_pandas(pd.Series([1.0, 2.0], index=index), unit="years").ts[1], 366 / 365.25)
    months = pd.PeriodIndex(["2000-01", "2000-03"], freq="M")
    assert Series.from_pandas(pd.Series([1.0, 2.0], index=months)).ts.tolist() == [0.0, 60.0]
    frame = pd.DataFrame({"t": [3, 5], "y": pd.array([1, None], dtype="Int64")})
    series = Series.from_pandas(frame, time="t", rebase=True)
    assert series.ts.tolist() == [0.0, 2.0]
    assert series.mask[:, 0].tolist() == [True, False]


def test_items_come_in_order_of_first_appearance_even_if_rows_are_mixed():
    frame = pd.DataFrame({"who": ["b", "a", "b", "b"], "t": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0, None]})
    record = Series.from_pandas(frame, time="t", item="who")
    assert record.names == ("y",)
    assert record.ts[0].tolist() == [0.0, 2.0, 3.0]
    assert float(record.ys[1, 0, 0]) == 2.0
    assert record.mask[..., 0].tolist() == [[True, True, False], [True, False, False]]


FRAME = pd.DataFrame({"t": [0.0, 1.0], "y": [1.0, 2.0], "who": ["a", None], "text": ["x", "y"]})


@pytest.mark.parametrize(
    ("frame", "arguments", "message"),
    [
        (FRAME, {"time": "when"}, "`time` is not a column of the frame, got 'when'. Use one of"),
        (FRAME, {"time": "t", "values": ["z"]}, "`values` names a column that is not in the frame, got 'z'"),
        (FRAME, {"time": "t", "item": "who"}, r"`item\[1\]` must name an item"),
        (FRAME, {"time": "text"}, "`time` must hold numbers or dates.*pandas.to_datetime"),
        (FRAME[["t", "text"]], {"time": "t"}, "`frame` has no column of numbers besides time and item"),
        (FRAME.iloc[:0], {"time": "t"}, "`frame` must not be empty"),
        (FRAME.iloc[[1, 0]], {"time": "t", "values": ["y"]}, "Sort the times"),
        (
            pd.DataFrame({"y": [1.0, 2.0]}, index=pd.to_datetime(["2024-01-01", None])),
            {},
            r"`times\[1\]` must be a date",
        ),
        (pd.DataFrame({"t": [0.0, None], "y": [1.0, 2.0]}), {"time": "t"}, r"`ts\[0\]\[1\]` must be finite, got nan"),
    ],
)
def test_bad_frames_are_refused(frame, arguments, message):
    with pytest.raises(ValueError, match=message):
        Series.from_pandas(frame, **arguments)


def test_a_panel_maps_labels_to_codes():
    frame = pd.DataFrame(
        {
            "id": [1, 1, 1, 2, 2],
            "age": [60.0, 61.5, 63.0, 50.0, 57.0],
            "state": ["well", "ill", "dead", "well", "lost"],
            "smoker": [1, 1, 1, 0, 0],
        }
    )
    panel = Panel.from_pandas(
        frame, time="age", state="state", item="id", covariates=["smoker"], states=["well", "ill", "dead"],
        entries=["dead"], censored={"lost": ["well", "ill"]}, rebase=True, unit="years",
    )  # fmt: skip
    assert panel.labels == ("well", "ill", "dead")
    assert panel.names == ("smoker",)
    assert panel.states[0].tolist() == [0, 1, 2]
    assert panel.kinds[0].tolist() == [0, 0, Seen.ENTRY]
    assert panel.states[1, :2].tolist() == [0, 3]
    assert panel.possible()[1, 1].tolist() == [True, True, False]
    assert panel.clock.origin == 50.0
    assert panel.covariates[0, :, 0].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="`state` names an unknown state, got 'lost'"):
        Panel.from_pandas(frame, time="age", state="state", item="id", states=["well", "ill", "dead"])
    with pytest.raises(ValueError, match="`item` is not a column of the frame, got 'who'"):
        Panel.from_pandas(frame, time="age", state="state", item="who")


def test_events_map_labels_to_marks():
    frame = pd.DataFrame({"when": [0.5, 1.5, 0.7], "what": ["buy", "sell", "buy"], "who": ["x", "x", "y"]})
    record = Events.from_pandas(frame, time="when", mark="what", item="who", t0=0.0, t1=2.0)
    assert record.num_marks == 2
    assert record.marks.tolist() == [[0, 1], [0, 0]]
    assert record.mask.tolist() == [[True, True], [True, False]]
    one = Events.from_pandas(frame.iloc[:2], time="when", t0=0.0, t1=2.0)
    assert one.is_item
    assert one.marks is None
    real = Events.from_pandas(frame.assign(size=[1.5, 2.0, 3.0]).iloc[:2], time="when", mark="size", t0=0.0, t1=2.0)
    assert real.num_marks is None
    with pytest.raises(ValueError, match=r"`what\[1\]` is an unknown mark, got 'sell'"):
        Events.from_pandas(frame.iloc[:2], time="when", mark="what", marks=["buy"], t0=0.0, t1=2.0)


def test_events_by_date_need_no_conversion():
    frame = pd.DataFrame({"n": [0, 1]}, index=pd.to_datetime(["2024-01-02", "2024-01-05"]))
    record = Events.from_pandas(frame, mark="n", t0="2024-01-01", t1="2024-01-31", unit="days")
    assert record.ts.tolist() == [1.0, 4.0]
    assert float(record.t1) == 30.0


def test_snapshots_group_rows_by_time():
    frame = pd.DataFrame({"day": [3, 0, 0], "gene": [2.0, 0.1, 0.4], "mass": [1.0, 1.0, 3.0]})
    record = Snapshots.from_pandas(frame, time="day", weight="mass")
    assert record.ts.tolist() == [0.0, 3.0]
    assert record.names == ("gene",)
    assert record.sizes.tolist() == [2, 1]
    np.testing.assert_allclose(record.weights[0], [0.25, 0.75])
    with pytest.raises(ValueError, match="`weight` is not a column of the frame, got 'w'"):
        Snapshots.from_pandas(frame, time="day", weight="w")
