"""Files of events: what is read, what is refused."""

import json
import pickle

import numpy as np
import pytest

from sdekit.data import read_events


ROWS = [
    {"time_since_start": [0.0, 0.5, 2.0], "time_since_last_event": [0.0, 0.5, 1.5], "type_event": [0, 1, 1]},
    {"time_since_start": [0.0, 1.0], "time_since_last_event": [0.0, 1.0], "type_event": [2, 0]},
]


def events_of(row):
    return [dict(zip(row, values, strict=True)) for values in zip(*row.values(), strict=True)]


def check(record):
    assert record.num_marks in (3, 4)
    np.testing.assert_allclose(np.asarray(record.ts)[np.asarray(record.mask)], [0.0, 0.5, 2.0, 0.0, 1.0])
    np.testing.assert_array_equal(np.asarray(record.marks)[np.asarray(record.mask)], [0, 1, 1, 2, 0])
    np.testing.assert_allclose(record.t1, [2.0, 1.0])


def test_json_lines_and_pickles_say_the_same(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([r | {"dim_process": 4} for r in ROWS]))
    (tmp_path / "b.jsonl").write_text("\n".join(json.dumps(r) for r in ROWS))
    (tmp_path / "c.json").write_text(json.dumps({"train": ROWS, "test": ROWS[:1]}))
    content = {"dim_process": 4, "train": [events_of(r) for r in ROWS], "dev": []}
    content["train"][0][1]["time_since_start"] = np.float64(0.5)
    (tmp_path / "d.pkl").write_bytes(pickle.dumps(content))
    for record in (
        read_events(tmp_path / "a.json"), read_events(tmp_path / "b.jsonl"),
        read_events(tmp_path / "c.json", split="train"), read_events(tmp_path / "d.pkl", split="train"),
    ):  # fmt: skip
        check(record)
    with pytest.raises(ValueError, match="`split` must be one of"):
        read_events(tmp_path / "c.json")


def test_tables(tmp_path):
    lines = ["item,time,mark", "x,0.0,buy", "x,0.5,sell", "y,0.0,sell", "x,2.0,sell", "y,1.0,buy"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    record = read_events(tmp_path / "a.csv", t1=3.0)
    np.testing.assert_allclose(np.asarray(record.ts)[np.asarray(record.mask)], [0.0, 0.5, 2.0, 0.0, 1.0])
    np.testing.assert_array_equal(np.asarray(record.marks)[np.asarray(record.mask)], [0, 1, 1, 1, 0])


def test_pickles_run_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"train": [Evil()]}))
    with pytest.raises(ValueError, match="asks for more than plain data"):
        read_events(tmp_path / "evil.pkl")


def test_gaps_that_contradict_times_are_a_choice(tmp_path):
    bad = [ROWS[0] | {"time_since_last_event": [0.0, 0.5, 0.2]}]
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    with pytest.raises(ValueError, match=r"has a gap of 0\.2 between times that are 1\.5 apart, got 'event 2'"):
        read_events(tmp_path / "bad.json")
    np.testing.assert_allclose(read_events(tmp_path / "bad.json", use_gaps=True).ts, [[0.0, 0.5, 0.7]])
    np.testing.assert_allclose(read_events(tmp_path / "bad.json", use_gaps=False).ts, [[0.0, 0.5, 2.0]])


def test_bad_files_are_refused(tmp_path):
    def write(name, rows):
        (tmp_path / name).write_text(json.dumps(rows))
        return tmp_path / name

    unsorted = write("u.json", [{"time_since_start": [0.0, 2.0, 1.0], "type_event": [0, 0, 0]}])
    with pytest.raises(ValueError, match="comes before the event"):
        read_events(unsorted, t1=3.0)
    with pytest.raises(ValueError, match="lies outside the window"):
        read_events(write("w.json", [ROWS[0]]), t1=1.0)
    with pytest.raises(ValueError, match="is an unknown mark"):
        read_events(write("m.json", [ROWS[1]]), num_marks=2)
    with pytest.raises(ValueError, match="needs a window"):
        read_events(write("e.json", [{"time_since_start": [], "type_event": []}]))
    empty = read_events(write("e.json", [{"time_since_start": [], "type_event": []}]), t0=0.0, t1=1.0, num_marks=2)
    assert int(empty.observed()) == 0
    with pytest.raises(ValueError, match="must end in one of"):
        read_events(tmp_path / "a.parquet")
