import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from sdekit.data import Panel, Seen

from .strategies import ragged_panel


@given(ragged_panel())
def test_ragged_subjects_come_back(data):
    ts, states = data
    record = Panel.from_list(ts, states, num_states=3)
    for item, t, s in zip(record, ts, states, strict=True):
        n = int(item.lengths)
        assert n == len(t)
        np.testing.assert_array_equal(item.ts[:n], t)
        np.testing.assert_array_equal(item.states[:n], s)
        assert not item.mask[n:].any()


def test_missing_states_are_masked():
    panel = Panel.from_list([[0.0, 1.0, 2.0]], [[0, float("nan"), 1]])
    assert panel.mask[0].tolist() == [True, False, True]
    assert panel.states[0].tolist() == [0, 0, 1]


def test_possible_states_of_every_kind_of_observation():
    mask = jnp.array([True, True, False])
    panel = Panel(jnp.arange(3.0), jnp.array([1, 3, 0]), mask, num_states=3, censored=[(0, 2)])
    assert panel.possible().tolist() == [[False, True, False], [True, False, True], [True, True, True]]
    assert panel.stack().possible().shape == (1, 3, 3)


def test_exact_times_carry_the_unit_of_time_into_the_density():
    panel = Panel(jnp.arange(4.0), jnp.array([0, 1, 1, 2]), kinds=jnp.array([2, 0, 2, 1]))
    _, affine = panel.standardise(times=True)
    # The first observation has no density; a snapshot has a probability; the two exact ones have densities in time.
    np.testing.assert_allclose(affine.log_jacobian(panel), -2 * np.log(3.0))


@pytest.mark.parametrize(
    ("ts", "states", "more", "message"),
    [
        ([0.0, 1.0], [0, 2], {"num_states": 2}, r"`states\[1\]` is not a known state, 0..1, got 2. Count"),
        ([0.0, 1.0], [0, -1], {}, r"`states\[1\]` is not a known state, 0..0, got -1"),
        ([0.0, 1.0], [0, 3], {"num_states": 2, "censored": [(0, 1)]}, r"0..1, or 2..2 for a censored set, got 3"),
        ([0.0, 1.0], [0.5, 1.0], {}, r"`states\[0\]` must be a whole number, got 0.5"),
        ([0.0, 1.0], ["a", "b"], {}, r"`states` must be integers, got .* Map labels to 0, 1, 2"),
        ([1.0, 0.0], [0, 1], {}, r"`ts\[1\]` must be later than ts\[0\]"),
        ([0.0, 0.0], [0, 1], {}, "Merge duplicate times"),
        ([], [], {}, "`ts` must not be empty"),
        ([0.0, 1.0], [0], {}, r"`states` must have the shape of ts, \(2,\)"),
        ([0.0, 1.0], [0, 1], {"kinds": [0, 3]}, r"`kinds\[1\]` is not a code of Seen, got 3"),
        (
            [0.0, 1.0], [0, 2], {"kinds": [0, 1], "num_states": 2, "censored": [(0, 1)]},
            r"`kinds\[1\]` cannot be exact for a censored state",
        ),
        ([0.0, 1.0], [0, 1], {"covariates": np.array([[1.0], [np.nan]])}, r"`covariates\[1, 0\]` must be finite"),
        ([0.0, 1.0], [0, 1], {"covariates": np.ones(2)}, r"`covariates` must have shape \(2,\) \+ \(c,\)"),
        ([0.0, 1.0], [0, 1], {"censored": [(0, 1)]}, "`num_states` must be given with censored sets"),
        ([0.0, 1.0], [0, 1], {"censored": [(0, 5)], "num_states": 2}, r"`censored\[0\]` must hold states 0..1"),
        ([0.0, 1.0], [0, 1], {"labels": ["well"]}, "`labels` must be 2 names"),
        ([0.0, 1.0], [0, 1], {"names": ["age"]}, "`names` must be 0 names"),
        ([0.0, 1.0], [0, 1], {"mask": [True]}, "`mask` must have the shape of ts"),
    ],
)  # fmt: skip
def test_bad_panels_are_refused(ts, states, more, message):
    more = {k: np.array(v) if k in ("mask", "kinds") else v for k, v in more.items()}
    with pytest.raises(ValueError, match=message):
        Panel(np.array(ts), np.array(states), **more)


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"`states\[1\]` must have 2 entries"):
        Panel.from_list([[0.0], [0.0, 1.0]], [[0], [1]])
    with pytest.raises(ValueError, match="`states` must have 1 rows, as ts, got 2"):
        Panel.from_list([[0.0]], [[0], [1]])


def test_codes_of_seen_are_what_engines_may_rely_on():
    assert [int(s) for s in (Seen.SNAPSHOT, Seen.ENTRY, Seen.JUMP)] == [0, 1, 2]
