"""What holds for every record."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.data import AbstractRecord, Events, Labelled, Panel, Seen, Series, Snapshots, concatenate
from sdekit.inference import Simulated


SERIES = Series.from_list(
    [[0.0, 1.0, 2.5], [0.5], [0.0, 0.1, 0.2, 3.0]],
    [[[1.0, 2.0], [np.nan, 4.0], [5.0, 6.0]], [[7.0, 8.0]], [[1.0, 1.0], [2.0, np.nan], [3.0, 0.0], [4.0, 4.0]]],
)
PANEL = Panel.from_list(
    [[0.0, 1.0, 2.5], [0.5], [0.0, 0.1, 0.2, 3.0]],
    [[0, 1, 2], [1], [0, 3, 1, 2]],
    covariates=[[[1.0], [2.0], [3.0]], [[4.0]], [[5.0], [6.0], [7.0], [8.0]]],
    kinds=[[0, 0, Seen.ENTRY], [0], [0, 0, Seen.JUMP, 0]],
    num_states=3,
    censored=[(0, 2)],
)
EVENTS = Events.from_list(
    [[0.5, 1.0, 2.5], [], [0.1, 0.2, 0.3, 3.0]], [[0, 1, 1], [], [0, 0, 1, 0]], t1=[3.0, 2.0, 4.0]
)
SNAPSHOTS = Snapshots.from_list(
    [0.0, 1.0, 3.0],
    [np.arange(8.0).reshape(4, 2), np.ones((3, 2)), np.zeros((5, 2))],
    [[1, 2, 3, 4], [1, 1, 2], [1] * 5],
)
LABELLED = Labelled(SERIES, [2, 0, 1])
TASKS = Simulated(np.arange(12.0).reshape(4, 3), {"rate": np.arange(4.0)}, is_item=False)
RECORDS = [SERIES, LABELLED, PANEL, EVENTS, SNAPSHOTS, TASKS]
WITH_UNITS = RECORDS[:-1]
ITEMS = [SERIES, LABELLED, PANEL, EVENTS]
name = lambda record: type(record).__name__


def same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def test_the_suite_knows_every_record():
    def final(abstract):
        found = abstract.__subclasses__()
        return {c for c in found if not c.__name__.startswith("Abstract")}.union(*map(final, found))

    assert {c for c in final(AbstractRecord) if c.__module__.startswith("sdekit")} == {type(r) for r in RECORDS}


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_a_record_passes_through_jit_and_scan_unchanged(record):
    same(jax.jit(lambda r: r)(record), record)

    def step(carry, _):
        return carry, carry.observed()

    carried, counts = jax.lax.scan(step, record, None, length=2)
    same(carried, record)
    assert counts.tolist() == [int(record.observed())] * 2


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_draws_are_the_same_under_jit_and_have_the_size_asked_for(record):
    key = jax.random.key(3)
    eager = record.draw(2, key=key)
    same(jax.jit(lambda r, k: r.draw(2, key=k))(record, key), eager)
    assert len(eager) == 2
    assert not eager.is_item


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_partition_has_the_structure_of_a_batch(record):
    from jax.sharding import PartitionSpec

    specs = record.partition("data")
    leaves = jax.tree.leaves(specs, is_leaf=lambda x: isinstance(x, PartitionSpec))
    arrays = jax.tree.leaves(record)
    assert len(leaves) == len(arrays)
    for spec, x in zip(leaves, arrays, strict=True):
        sharded = [i for i, axis in enumerate(spec) if axis == "data"]
        assert [x.shape[i] for i in sharded] in ([len(record)], [])


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_split_shares_the_items_and_loses_none(record):
    first, rest = record.split(0.5, key=jax.random.key(0))
    assert int(first.observed()) + int(rest.observed()) == int(record.observed())
    assert int(first.observed()) > 0 or isinstance(record, Events)
    with pytest.raises(ValueError, match=r"`fraction` must lie strictly between 0 and 1, got 1\.5"):
        record.split(1.5, key=jax.random.key(0))


@pytest.mark.parametrize("record", ITEMS, ids=name)
def test_items_come_back_from_a_stack(record):
    items = list(record)
    assert len(items) == len(record) == 3
    assert all(item.is_item and len(item) == 1 for item in items)
    same(concatenate(items), record)
    same(record[1:], record[[1, 2]])
    same(record[-1], items[2])
    with pytest.raises(IndexError, match="item 3 of a record that has 3"):
        record[3]
    with pytest.raises(ValueError, match="cannot pick from a single item"):
        items[0][0]


@pytest.mark.parametrize("record", ITEMS, ids=name)
def test_padding_counts_nothing_and_keeps_order(record):
    padded = record.pad(9)
    assert padded.length == 9
    np.testing.assert_array_equal(padded.lengths, record.lengths)
    assert int(padded.observed()) == int(record.observed())
    times = np.asarray(padded.ts)
    assert np.isfinite(times).all()
    gaps = np.diff(times, axis=-1)
    assert (gaps > 0).all() if not isinstance(record, Events) else (gaps >= 0).all()
    same(jax.jit(lambda r: r.pad(9))(record), padded)
    same(record.pad(2), record)


@pytest.mark.parametrize("record", WITH_UNITS, ids=name)
def test_map_is_undone_by_the_inverse(record):
    there = record.map(lambda t: 2 * t + 1, lambda y: y / 4)
    back = there.map(lambda t: (t - 1) / 2, lambda y: 4 * y)
    for x, y in zip(jax.tree.leaves(back), jax.tree.leaves(record), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6)


@pytest.mark.parametrize("record", WITH_UNITS, ids=name)
@pytest.mark.parametrize("times", [False, True])
def test_standardise_is_undone(record, times):
    small, affine = record.standardise(times=times)
    for x, y in zip(jax.tree.leaves(affine.inverse(small)), jax.tree.leaves(record), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-6)
    for x, y in zip(jax.tree.leaves(affine(record)), jax.tree.leaves(small), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_repr_is_one_line_and_survives_tracing(record):
    assert repr(record).startswith(f"{name(record)}(")
    assert "\n" not in repr(record)
    said = []
    jax.jit(lambda r: said.append(repr(r)) or r.observed())(record)
    assert said[0].startswith(f"{name(record)}(")
    assert isinstance(repr(record.partition("data")), str)


@pytest.mark.parametrize("record", ITEMS, ids=name)
def test_joined_records_must_be_alike(record):
    other = SNAPSHOTS if not isinstance(record, Snapshots) else SERIES
    with pytest.raises(ValueError, match=r"`records\[1\]` must be a"):
        concatenate([record, other])
    with pytest.raises(ValueError, match="must not be empty"):
        concatenate([])


@pytest.mark.parametrize("record", ITEMS, ids=name)
def test_a_batch_larger_than_the_record_is_refused(record):
    with pytest.raises(ValueError, match="`size` must be between 1 and the number of items, 3, got 4"):
        record.draw(4, key=jax.random.key(0))


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_dtypes_of_floats_are_kept(record):
    half = jax.tree.map(lambda x: x.astype(jnp.float32) if jnp.issubdtype(x.dtype, jnp.floating) else x, record)
    single = lambda new: all(x.dtype == jnp.float32 for x in jax.tree.leaves(new) if x.dtype.kind == "f")
    assert single(half.draw(2, key=jax.random.key(0)))
    assert single(half.join(half))
    if record is TASKS:
        with pytest.raises(TypeError, match="`record` has no times or values of its own"):
            half.map(lambda t: t + 1, lambda y: y)
        return
    assert single(half.map(lambda t: t + 1, lambda y: y))
    small, affine = half.standardise(times=True)
    assert affine.time_scale.dtype == jnp.float32
    assert small.ts.dtype == jnp.float32
