import numpy as np
import pytest
from hypothesis import given, strategies as st

from sdekit.data import Clock


@given(st.integers(-(10**9), 2 * 10**9), st.sampled_from(["seconds", "minutes", "hours", "days", "weeks", "years"]))
def test_dates_come_back(seconds, unit):
    moment = np.datetime64("1970-01-01", "us") + np.timedelta64(seconds, "s")
    clock = Clock("1999-12-31", unit)
    back = clock.undo(clock.read(np.array([moment])))
    assert abs((back[0] - moment) / np.timedelta64(1, "us")) <= 2


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e5))
def test_numbers_come_back(origin, scale):
    clock = Clock(origin, "hours", scale)
    times = origin + scale * np.array([0.0, 0.25, 17.0])
    np.testing.assert_allclose(clock.read(times), [0.0, 0.25, 17.0], atol=1e-6)
    np.testing.assert_allclose(clock.undo(clock.read(times)), times, rtol=1e-12)


def test_units_are_those_of_the_calendar():
    dates = np.array(["2000-01-01", "2000-01-08"], dtype="datetime64[D]")
    assert Clock("2000-01-01", "weeks").read(dates).tolist() == [0.0, 1.0]
    assert Clock("2000-01-01", "days").read(dates).tolist() == [0.0, 7.0]
    np.testing.assert_allclose(Clock("2000-01-01", "years").read(dates), [0.0, 7 / 365.25])


def test_a_clock_is_hashable_and_says_what_it_is():
    assert hash(Clock("2000-01-01", "days")) == hash(Clock("2000-01-01", "days"))
    assert str(Clock(1871.0, "years")) == "years since 1871.0"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Clock(0.0, "days", 0.0), r"`scale` must be positive, got 0\.0"),
        (lambda: Clock("2000-01-01", "fortnights"), "`unit` is not a unit for dates, got 'fortnights'"),
        (lambda: Clock("2000-01-01", "days", 2.0), "`scale` is given by `unit` for dates"),
        (lambda: Clock("yesterday", "days"), "yesterday"),
        (lambda: Clock().read(np.array(["2000-01-01"], "datetime64[D]")), "`times` are dates, but the clock"),
        (lambda: Clock("2000-01-01", "days").read(np.array(["NaT"], "datetime64[D]")), r"`times\[0\]` must be a date"),
    ],
)  # fmt: skip
def test_bad_clocks_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
