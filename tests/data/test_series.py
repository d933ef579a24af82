import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from sdekit.data import Clock, Series

from .strategies import SEEDS, ragged_series


@given(ragged_series())
def test_ragged_items_come_back(data):
    ts, ys = data
    record = Series.from_list(ts, ys)
    for item, t, y in zip(record, ts, ys, strict=True):
        n = int(item.lengths)
        assert n == len(t)
        np.testing.assert_array_equal(item.ts[:n], t)
        np.testing.assert_array_equal(item.mask[:n], np.isfinite(y))
        np.testing.assert_array_equal(item.ys[:n], np.where(np.isfinite(y), y, 0))
        assert not item.mask[n:].any()
        assert not item.ys[n:].any()


@given(ragged_series())
def test_split_time_parts_every_item_at_one_place(data):
    ts, ys = data
    keep = [len(t) >= 2 for t in ts]
    ts, ys = [t for t, k in zip(ts, keep, strict=True) if k], [y for y, k in zip(ys, keep, strict=True) if k]
    record = Series.from_list(ts, ys)
    past, future = record.split_time(0.5)
    assert int(past.observed()) + int(future.observed()) == int(record.observed())
    for k, (t, y) in enumerate(zip(ts, ys, strict=True)):
        cut = round(0.5 * len(t))
        np.testing.assert_array_equal(past.ts[k, :cut], t[:cut])
        np.testing.assert_array_equal(future.ts[k, : len(t) - cut], t[cut:])
        np.testing.assert_array_equal(future.ys[k, : len(t) - cut], np.nan_to_num(y[cut:]))
    assert (np.diff(past.ts, axis=-1) > 0).all()


def test_split_time_at_a_time_and_of_one_item():
    series = Series(jnp.arange(5.0), jnp.arange(5.0))
    past, future = series.split_time(t=2.0)
    assert past.is_item
    assert past.ts.tolist() == [0, 1, 2]
    assert future.ts.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`fraction, t` must be given one at a time"),
        ({"fraction": 0.5, "t": 1.0}, "must be given one at a time"),
        ({"fraction": 1.0}, r"`fraction` must lie strictly between 0 and 1, got 1\.0"),
        ({"fraction": 0.01}, r"`fraction` leaves item 0 \(of 5 rows, 0..4\) empty on one side, got 0\.01"),
        ({"t": 9.0}, r"`t` leaves item 0 \(of 5 rows, 0..4\) empty on one side, got 9\.0"),
    ],
)
def test_split_time_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Series(jnp.arange(5.0), jnp.arange(5.0)).split_time(**arguments)


NAN = float("nan")


@pytest.mark.parametrize(
    ("ts", "ys", "more", "message"),
    [
        ([0.0, 1.0], [1.0, NAN], {}, r"`ys\[1, 0\]` must be finite where it is observed, got nan. Mark missing"),
        ([0.0, 1.0], [1.0, np.inf], {"mask": [True, True]}, r"`ys\[1, 0\]` must be finite where it is obs"),
        ([1.0, 0.0], [1.0, 2.0], {}, r"`ts\[1\]` must be later than ts\[0\] = 1.0, got 0.0. Sort the times"),
        ([0.0, 0.0], [1.0, 2.0], {}, r"`ts\[1\]` must be later than ts\[0\] = 0.0, got 0.0. Merge duplicate times"),
        ([0.0, NAN], [1.0, 2.0], {}, r"`ts\[1\]` must be finite, got nan. Drop the times"),
        ([], [], {}, "`ts` must not be empty"),
        ([[[0.0]]], [[[1.0]]], {}, r"`ts` must have shape \(t,\) or \(n, t\)"),
        ([0.0, 1.0], [1.0, 2.0, 3.0], {}, r"`ys` must have shape \(\*ts.shape, d\) with ts.shape = \(2,\)"),
        ([0.0, 1.0], [1.0, 2.0], {"mask": [True]}, r"`mask` must have the shape of ys, \(2, 1\)"),
        ([0.0, 1.0], [1.0, 2.0], {"names": ("a", "b")}, r"`names` must be 1 names, got \('a', 'b'\)"),
        ([[0.0, 1.0], [2.0, 1.0]], [[1.0, 2.0]] * 2, {}, r"`ts\[1\]\[1\]` must be later"),
    ],
)  # fmt: skip
def test_bad_series_are_refused(ts, ys, more, message):
    more = {k: np.array(v) if k == "mask" else v for k, v in more.items()}
    with pytest.raises(ValueError, match=message):
        Series(np.array(ts), np.array(ys), **more)


@pytest.mark.parametrize(
    ("ts", "ys", "message"),
    [
        ([], [], "`ts` must not be empty"),
        ([[0.0]], [[1.0], [2.0]], "`ys` must have one entry an item, 1, got 2"),
        ([[0.0], []], [[1.0], []], r"`ts\[1\]` must be a vector that is not empty"),
        ([[0.0], [1.0, 2.0]], [[1.0], [1.0]], r"`ys\[1\]` must have one row for each of 2 times"),
        ([[0.0], [1.0]], [[[1.0, 2.0]], [[1.0]]], r"`ys\[1\]` must have 2 components as ys\[0\]"),
        ([[0.0], [2.0, 1.0]], [[1.0], [1.0, 2.0]], r"`ts\[1\]\[1\]` must be later than ts\[1\]\[0\] = 2.0"),
        ([[0.0]], [[np.inf]], r"`ys\[0\]\[0, 0\]` must be finite, or NaN for missing, got inf"),
    ],
)
def test_bad_lists_are_refused(ts, ys, message):
    with pytest.raises(ValueError, match=message):
        Series.from_list(ts, ys)


def test_missing_values_never_reach_the_arithmetic():
    ys = jnp.array([1.0, jnp.nan, 3.0])
    series = Series(jnp.arange(3.0), ys, jnp.isfinite(ys))
    gradient = jax.grad(lambda s: jnp.where(s.mask, s.ys**2, 0.0).sum(), allow_int=True)(series)
    assert jnp.isfinite(gradient.ys).all()


def test_shared_times_spread_over_a_stack():
    series = Series(jnp.arange(3.0), jnp.zeros((4, 3, 1)))
    assert series.ts.shape == (4, 3)
    assert len(series) == 4


def test_unix_times_in_float32_are_refused_until_rebased():
    seconds = 1.7e9 + np.arange(5) * 0.5
    with jax.enable_x64(False):
        with pytest.raises(ValueError, match=r"too far from 0 for float32.*rebase=True"):
            Series.from_list([seconds], [np.ones(5)])
        record = Series.from_list([seconds], [np.ones(5)], rebase=True)
        assert record.ts.dtype == jnp.float32
        assert record.ts[0].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
        np.testing.assert_array_equal(record.clock.undo(record.ts[0]), seconds)


@given(SEEDS)
def test_standardised_values_have_mean_0_and_deviation_1(seed):
    rng = np.random.default_rng(seed)
    ys = rng.normal(3.0, 5.0, size=(4, 6, 2))
    mask = rng.random(ys.shape) < 0.7
    mask[:, 0] = True
    series = Series(np.arange(6.0), ys, mask)
    small, affine = series.standardise(times=True)
    for i in range(2):
        seen = np.asarray(small.ys)[..., i][mask[..., i]]
        np.testing.assert_allclose([seen.mean(), seen.std()], [0, 1], atol=1e-12)
    assert (float(small.ts.min()), float(small.ts.max())) == (0.0, 1.0)
    assert not np.asarray(small.ys)[~mask].any()
    # Density of y is the density of the standardised y over the scale, for each observed value.
    np.testing.assert_allclose(affine.log_jacobian(small), -(mask.sum((0, 1)) * np.log(affine.scale)).sum())


def test_a_constant_component_keeps_its_scale():
    small, affine = Series(jnp.arange(3.0), jnp.full(3, 7.0)).standardise()
    assert small.ys[:, 0].tolist() == [0, 0, 0]
    assert affine.scale.tolist() == [1.0]


def test_an_affine_map_of_other_components_is_refused():
    _, affine = Series(jnp.arange(3.0), jnp.arange(3.0)).standardise()
    with pytest.raises(ValueError, match="`values` must have 1 components, as the data of this map"):
        affine(Series(jnp.arange(3.0), jnp.zeros((3, 2))))


def test_a_series_says_what_it_holds():
    clock = Clock(1871.0, "years")
    assert repr(Series(jnp.arange(100.0), jnp.ones(100), clock=clock)) == (
        "Series(100 times, 1 component, 100 observed, 1871..1970 in years)"
    )
    assert repr(Series.from_list([[0.0, 1.0], [0.5]], [[1.0, 2.0], [3.0]])) == (
        "Series(2 items, 2 times, 1 component, 3 observed, 0..1)"
    )


def test_series_differing_in_clock_are_not_joined():
    a = Series(jnp.arange(3.0), jnp.ones(3))
    b = Series(jnp.arange(3.0), jnp.ones(3), clock=Clock(5.0, "days"))
    with pytest.raises(ValueError, match=r"`records\[1\]` must be like the first"):
        a.join(b)
