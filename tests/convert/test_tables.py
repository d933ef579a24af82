import builtins
import importlib

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from sdekit.convert import from_xarray, to_pandas, to_xarray
from sdekit.data import Clock, Events, Panel, Series, Snapshots
from sdekit.paths import EventPath, JumpPath, SampledPath

from ..data.strategies import ragged_clouds, ragged_events, ragged_panel, ragged_series


pd = pytest.importorskip("pandas")
PATHS = SampledPath(jnp.array([0.0, 1.0, 3.0]), jnp.arange(12.0).reshape(2, 3, 2))


@given(ragged_series())
def test_series_return_from_a_frame(data):
    record = Series.from_list(*data)
    frame = to_pandas(record)
    assert list(frame.columns) == ["item", "time", "x0", "x1"]
    back = Series.from_pandas(frame, time="time", item="item")
    for field in ("ts", "ys", "mask"):
        np.testing.assert_array_equal(getattr(back, field), getattr(record, field))


@given(ragged_panel())
def test_panels_return_from_a_frame(data):
    record = Panel.from_list(*data, num_states=3)
    frame = to_pandas(record)
    back = Panel.from_pandas(frame, time="time", state="state", item="subject", states=(0, 1, 2))
    for field in ("ts", "states", "mask"):
        np.testing.assert_array_equal(getattr(back, field), getattr(record, field))


@given(ragged_events())
def test_events_return_from_a_frame(data):
    ts, marks, t1 = data
    record = Events.from_list(ts, marks, t1=t1, num_marks=3)
    frame = to_pandas(record)
    assert len(frame) == sum(map(len, ts))
    for k, rows in frame.groupby("sequence"):
        np.testing.assert_array_equal(rows["time"], ts[k])
        np.testing.assert_array_equal(rows["mark"], marks[k])


@given(ragged_clouds())
def test_snapshots_return_from_a_frame(data):
    record = Snapshots.from_list(*data)
    back = Snapshots.from_pandas(to_pandas(record), time="time", weight="weight")
    np.testing.assert_array_equal(back.xs, record.xs)
    np.testing.assert_allclose(back.weights, record.weights)


def test_times_are_the_users_own():
    days = pd.to_datetime(["2024-01-01", "2024-01-03", "2024-02-10"])
    frame = to_pandas(Series.from_pandas(pd.DataFrame({"price": [1.0, None, 3.0]}, index=days)))
    assert list(frame.columns) == ["time", "price"]
    assert (frame["time"].to_numpy() == days.to_numpy()).all()
    assert frame["price"].isna().tolist() == [False, True, False]
    table = to_pandas(PATHS, clock=Clock(1900.0, "years"), names=("a", "b"))
    assert list(table.columns) == ["path", "time", "a", "b"]
    assert table["time"].tolist() == [1900.0, 1901.0, 1903.0] * 2
    assert table["b"].tolist() == [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]


def test_labels_kinds_and_sets_are_spelled_out():
    panel = Panel(
        jnp.arange(3.0), jnp.array([0, 3, 2]), jnp.array([True, True, True]), kinds=jnp.array([0, 0, 1]), num_states=3,
        censored=[(0, 1)], labels=("well", "ill", "dead"), covariates=jnp.ones((3, 1)), names=("dose",),
    )  # fmt: skip
    frame = to_pandas(panel)
    assert frame["state"].tolist() == ["well", "{well, ill}", "dead"]
    assert frame["seen"].tolist() == ["snapshot", "snapshot", "entry"]
    assert frame["dose"].tolist() == [1.0, 1.0, 1.0]


def test_paths_of_jumps_and_events_have_tables():
    jumps = to_pandas(JumpPath(jnp.array([0.0, 0.7]), jnp.array([0, 1]), 3.0))
    assert jumps.to_dict("list") == {"time": [0.0, 0.7], "state": [0, 1]}
    counts = to_pandas(JumpPath(jnp.array([0.0, 0.7]), jnp.array([[5, 0], [4, 1]]), 3.0), names=("A", "B"))
    assert list(counts.columns) == ["time", "A", "B"]
    events = to_pandas(EventPath(jnp.array([[0.5, 1.2]]), jnp.array([[1, 0]]), t1=2.0, num_marks=2))
    assert events.to_dict("list") == {"path": [0, 0], "time": [0.5, 1.2], "mark": [1, 0]}
    with pytest.raises(TypeError, match=r"`x` has no table, got 'int'\. Pass one of Series"):
        to_pandas(3)


class TestXarray:
    xarray = pytest.importorskip("xarray")

    def test_paths_have_draws_times_and_components(self):
        dataset = to_xarray(PATHS, names=("a", "b"))
        assert dataset["x"].dims == ("draw", "time", "component")
        assert dataset["component"].values.tolist() == ["a", "b"]
        np.testing.assert_allclose(dataset["x"].mean("draw").values, np.mean(PATHS.xs, 0))
        assert to_xarray(PATHS[0])["x"].dims == ("time", "component")

    def test_a_series_returns(self):
        ys = jnp.array([[1.0, 2.0], [jnp.nan, 3.0], [4.0, 5.0]])
        series = Series(
            jnp.array([0.0, 2.5, 3.0]), ys, jnp.isfinite(ys), clock=Clock("2020-01-01", "days"), names=("a", "b")
        )
        back = from_xarray(to_xarray(series))
        for field in ("ts", "ys", "mask"):
            np.testing.assert_allclose(getattr(back, field), getattr(series, field))
        assert back.names == ("a", "b")
        assert back.clock.origin.startswith("2020-01-01")

    def test_a_stack_on_shared_times_returns(self):
        series = PATHS.to_series()
        back = from_xarray(to_xarray(series, name="y"))
        np.testing.assert_array_equal(back.ys, series.ys)
        assert to_xarray(series)["x"].dims == ("item", "time", "component")

    def test_times_of_their_own_stand_in_the_coordinate(self):
        dataset = to_xarray(Series.from_list([[0.0, 1.0], [0.5]], [[1.0, 2.0], [3.0]]))
        assert dataset["x"].dims == ("item", "step", "component")
        np.testing.assert_array_equal(dataset["time"].values, [[0.0, 1.0], [0.5, np.nan]])

    def test_draws_are_laid_out_as_a_posterior(self):
        samples = {"rate": np.ones((10, 2)), "mean": np.zeros(10)}
        dataset = to_xarray(samples)
        assert dict(dataset.sizes) == {"chain": 1, "draw": 10, "rate_dim_0": 2}
        assert dataset["mean"].dims == ("chain", "draw")
        chains = to_xarray({"rate": np.ones((4, 10, 2))}, chains=True)
        assert chains["rate"].dims == ("chain", "draw", "rate_dim_0")
        with pytest.raises(ValueError, match=r"`x\['b'\]` must have the draws of 'a' first"):
            to_xarray({"a": np.ones(3), "b": np.ones(4)})
        with pytest.raises(ValueError, match="`x` must not be empty"):
            to_xarray({})
        with pytest.raises(TypeError, match="`x` has no dataset"):
            to_xarray(3)

    def test_arrays_that_are_no_series_are_refused(self):
        array = self.xarray.DataArray(np.ones((2, 3, 4)), dims=("a", "b", "time"), coords={"time": np.arange(4.0)})
        with pytest.raises(ValueError, match=r"at most one dimension of items, got \['a', 'b'\]"):
            from_xarray(array)
        with pytest.raises(ValueError, match="`time` is not a dimension with a coordinate, got 'when'"):
            from_xarray(array, time="when")
        with pytest.raises(ValueError, match="`array` must be one variable"):
            from_xarray(self.xarray.Dataset({"a": array, "b": array}))
        assert len(from_xarray(array[0])) == 3


@pytest.mark.parametrize(("call", "module", "extra"), [(to_pandas, "pandas", "data"), (to_xarray, "xarray", "interop")])
def test_a_missing_package_is_named(call, module, extra, monkeypatch):
    real = builtins.__import__

    def absent(target, *args):
        if target == module:
            raise ImportError(target)
        return real(target, *args)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(
        ImportError, match=rf'`{module}`, which is not installed. Install it by pip install "sdekit\[{extra}\]"'
    ):
        call(PATHS)
