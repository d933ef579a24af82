"""Reports: numbers as read, ranks, expected figures, and round trips."""

import math

import pytest

from sdekit.evaluate import AtLeast, AtMost, Report, Row
from sdekit.evaluate._format import number, with_error


LOW = -math.inf


@pytest.fixture
def report():
    return Report(
        (
            Row("ou", "CRPS", 0.31234, 0.0123, LOW),
            Row("ou", "log score", -1.234567, None, math.inf),
            Row("ou", "coverage 90%", 0.88, 0.01, 0.9),
            Row("persistence", "CRPS", 0.4, 0.2, LOW),
            Row("persistence", "log score", None),
            Row("persistence", "coverage 90%", 0.95, 0.01, 0.9),
        )
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.1235"), (12345.6, "12346"), (1.5e-9, "1.5e-09"), (0.0, "0"), (None, "–"), (math.nan, "nan"),
     (-math.inf, "-inf"), (99.99999, "100.00"), (3.0, "3.000"), (-0.5, "-0.5000"), (2e8, "2e+08")],
)  # fmt: skip
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.56312, 0.01234, "0.563 ± 0.012"), (123.4, 12.0, "123 ± 12"), (0.5, None, "0.5000"), (0.5, 0.0, "0.5000"),
     (1.0, 1e-9, "1.000 ± 1e-09"), (12345.0, 678.0, "12345 ± 678"), (math.nan, 1.0, "nan")],
)  # fmt: skip
def test_numbers_with_errors(value, error, text):
    assert with_error(value, error) == text


def test_markdown(report):
    lines = report.to_markdown().splitlines()
    assert [c.strip() for c in lines[0].strip("|").split("|")] == ["model", "CRPS ↓", "log score ↑", "coverage 90%"]
    assert "**0.312 ± 0.012**" in lines[2]
    assert "**0.880 ± 0.010**" in lines[2]
    assert "0.40 ± 0.20" in lines[3]
    assert "–" in lines[3]
    assert len({len(line) for line in lines}) == 1
    assert lines[1].count("-:") == 3


def test_ranks(report):
    assert report.best("CRPS") == "ou"
    assert report.best("coverage 90%") == "ou"
    assert report.best("log score") is None


def test_repr_is_an_aligned_table(report):
    lines = repr(report).splitlines()
    assert len(lines) == 3
    assert lines[1].index("0.312 ± 0.012") + 13 == lines[0].index("CRPS ↓") + 6
    assert "<b>0.312 ± 0.012</b>" in report._repr_html_()


def test_html_is_escaped():
    assert "<script>" not in Report((Row("<script>", "a", 1.0),))._repr_html_()


def test_json_round_trip(report):
    odd = report + Report((Row("bm", "CRPS", math.inf, math.nan, LOW), Row("inf", "nan", 1.0, source="2.5")))
    again = Report.from_json(odd.expect({("ou", "CRPS"): (0.3, 0.02, "Table 1")}).to_json())
    assert again["ou", "CRPS"].expected == 0.3
    assert again["ou", "CRPS"].source == "Table 1"
    assert again["bm", "CRPS"].value == math.inf
    assert math.isnan(again["bm", "CRPS"].error)
    assert again["inf", "nan"].source == "2.5"
    assert again.rows[1:3] == odd.rows[1:3]


def test_a_figure_may_be_a_bound_on_one_side():
    row = lambda value: Report((Row("ou", "gain", value),))
    for word, good, bad in ((AtLeast, (0.0, 9.0), (-0.1, math.nan)), (AtMost, (-9.0, 0.0), (0.1, None))):
        figures = {("ou", "gain"): word(0.0, "Table 1")}
        assert all(row(value).expect(figures).within for value in good)
        assert not any(row(value).expect(figures).within for value in bad)
        again = Report.from_json(row(good[0]).expect(figures).to_json())
        assert again["ou", "gain"] == row(good[0]).expect(figures)["ou", "gain"]
        assert f"at {'least' if word is AtLeast else 'most'}" in again.to_markdown()


def test_expected_figures(report):
    some = report.expect({("ou", "CRPS"): (0.3, 0.02, "Table 1"), ("ou", "coverage 90%"): (0.9, 0.01)})
    assert not some.within
    assert some["ou", "CRPS"].within
    assert some["ou", "coverage 90%"].within is False
    assert some["ou", "log score"].within is None
    assert report.within
    lines = some.to_markdown().splitlines()
    assert [c.strip() for c in lines[0].strip("|").split("|")][-3:] == ["expected", "tolerance", "within"]
    assert lines[2].rstrip(" |").endswith("yes")
    with pytest.raises(KeyError, match="is in no row"):
        report.expect({("ou", "nothing"): (1.0, 1.0)})
    assert not Report((Row("a", "b", None, expected=1.0, tolerance=9.0),)).within
    assert not Report((Row("a", "b", math.nan, expected=1.0, tolerance=9.0),)).within


def test_reports_add_up(report):
    both = report + Report((Row("bm", "CRPS", 1.0, None, LOW),))
    assert both.models == ("ou", "persistence", "bm")
    assert both.to_markdown().splitlines()[4].count("–") == 2
    with pytest.raises(ValueError, match="rows of the same name"):
        report + report


def test_pandas(report):
    frame = report.to_pandas()
    assert list(frame.columns[:4]) == ["model", "metric", "value", "error"]
    assert len(frame) == len(report) == len(list(report))
