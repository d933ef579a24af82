"""Series from files as people have them: dates, gaps, other separators, and faults said in one line."""

import numpy as np
import pytest


pd = pytest.importorskip("pandas", reason="the extra sdekit[data] is not installed")

from sdekit.experiments._csv import read_csv  # noqa: E402


def write(tmp_path, text):
    path = tmp_path / "file.csv"
    path.write_text(text)
    return path


def rows(n=20, start="2020-01-01", every=1):
    dates = pd.date_range(start, periods=n, freq=f"{every}D").strftime("%Y-%m-%d")
    return [(date, f"{(k * 7) % 11 - 3.5}") for k, date in enumerate(dates)]


def table(lines, head="date,flow", separator=","):
    return "\n".join([head.replace(",", separator), *(separator.join(line) for line in lines)]) + "\n"


def test_dates_are_found_and_gaps_are_masked(tmp_path):
    lines = rows()
    lines[4] = (lines[4][0], "")
    del lines[9]
    series, notes = read_csv(write(tmp_path, table(lines)))
    assert series.ts.shape == (19,)
    np.testing.assert_allclose(series.ts[8:10], [8.0, 10.0])
    assert not series.mask[4, 0]
    assert int(series.observed()) == 18
    assert series.clock.unit == "days"
    assert any("'flow'" in note for note in notes)


def test_years_are_numbers_and_keep_their_unit(tmp_path):
    lines = [(str(1871 + k), str(k % 5)) for k in range(20)]
    series, _ = read_csv(write(tmp_path, table(lines, "year,flow")))
    np.testing.assert_allclose(series.ts[:2], [1871.0, 1872.0])


def test_semicolons_bring_decimal_commas(tmp_path):
    lines = [(date, value.replace(".", ",")) for date, value in rows()]
    series, _ = read_csv(write(tmp_path, table(lines, separator=";")))
    assert float(series.ys[0, 0]) == -3.5


def test_rows_out_of_order_are_sorted_and_it_is_said(tmp_path):
    lines = rows()
    series, notes = read_csv(write(tmp_path, table(lines[::-1])))
    assert bool((np.diff(series.ts) > 0).all())
    assert any("sorted" in note for note in notes)


def test_empty_rows_at_the_ends_are_left_out_and_it_is_said(tmp_path):
    lines = [(date, "" if k in (0, 1, 19) else value) for k, (date, value) in enumerate(rows())]
    series, notes = read_csv(write(tmp_path, table(lines)))
    assert series.ts.shape == (17,)
    assert any("3 rows" in note for note in notes)


def test_without_times_rows_are_one_apart_and_it_is_said(tmp_path):
    series, notes = read_csv(write(tmp_path, "flow\n" + "\n".join(str(k % 4) for k in range(15)) + "\n"))
    np.testing.assert_allclose(series.ts, np.arange(15.0))
    assert any("--time" in note for note in notes)


def test_several_columns_may_be_chosen(tmp_path):
    lines = [(*line, str(k % 3)) for k, line in enumerate(rows())]
    series, _ = read_csv(write(tmp_path, table(lines, "date,flow,level")), values=["level", "flow"])
    assert series.dim == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: [*lines, lines[-1]], "has a time twice.*Average"),
        (lambda lines: [*lines[:3], ("soon", "1.0"), *lines[3:]], "row 4 does not.*'soon'"),
        (lambda lines: [*lines[:3], ("", "1.0"), *lines[3:]], "no time in row 4"),
        (lambda lines: lines[:6], "at least 12 observed values, got 6"),
        (lambda lines: [(date, "3.0") for date, _ in lines], "must vary, got 3.0"),
        (lambda lines: [(date, "") for date, _ in lines], "column of numbers|missing in every row"),
        (lambda lines: [], "has no rows"),
    ],
)
def test_faults_are_named_with_a_remedy(tmp_path, change, says):
    with pytest.raises(ValueError, match=says):
        read_csv(write(tmp_path, table(change(rows()))), time="date")


def test_text_among_numbers_is_named_by_its_row(tmp_path):
    lines = rows()
    lines[2] = (lines[2][0], "high")
    with pytest.raises(ValueError, match=r"row 3 does not, got 'high'. Leave the cell empty"):
        read_csv(write(tmp_path, table(lines)), values=["flow"])


def test_unknown_columns_and_files_are_refused_with_what_there_is(tmp_path):
    path = write(tmp_path, table(rows()))
    with pytest.raises(ValueError, match=r"--value.*'rain'.*date, flow"):
        read_csv(path, values=["rain"])
    with pytest.raises(ValueError, match=r"--time.*'day'.*date, flow"):
        read_csv(path, time="day")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_csv(tmp_path / "none.csv")
