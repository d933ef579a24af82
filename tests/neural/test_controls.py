"""Controls: Diffrax and direct sums as oracles; padding, missing rows, causality, permutations."""

import itertools

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.data import Series
from sdekit.neural import Hermite, Linear, LogSignature, Rectilinear


TS = np.array([0.0, 0.3, 0.4, 1.1, 1.9, 2.0])
T, D = len(TS), 3
CONTROLS = [Linear(counts=5.0), Hermite(counts=5.0), Rectilinear(counts=5.0), LogSignature(2), LogSignature(2, 1)]
CONTROLS += [LogSignature(2, 2, Rectilinear())]
CAUSAL = [Hermite(counts=5.0), Rectilinear(counts=5.0)]
name = lambda control: repr(control)


def values(seed=0):
    return np.random.default_rng(seed).normal(size=(T, D))


def gappy(seed=0):
    """A series with entries, and one whole row, missing; the first row is complete."""
    mask = np.random.default_rng(seed + 100).random((T, D)) < 0.6
    mask[0], mask[-1, 0], mask[3] = True, True, False
    return Series(jnp.asarray(TS), jnp.asarray(values(seed)), jnp.asarray(mask))


def ends(control, series):
    path = control(series)
    return np.asarray(path.knots)[np.asarray(path.reached)]


def test_straight_and_stepped_paths_of_complete_series_are_those_of_diffrax():
    ys = values()
    series = Series(TS, ys)
    stacked = np.concatenate([TS[:, None], ys], axis=1)
    np.testing.assert_allclose(Linear()(series).knots, stacked, atol=1e-12)
    times, held = diffrax.rectilinear_interpolation(jnp.asarray(TS), jnp.asarray(ys))
    np.testing.assert_allclose(Rectilinear()(series).knots, np.column_stack([times, held]), atol=1e-12)


def test_missing_entries_are_joined_as_by_diffrax():
    series = gappy()
    filled = np.where(series.mask, series.ys, np.nan)
    expected = diffrax.linear_interpolation(jnp.asarray(TS), jnp.asarray(filled), fill_forward_nans_at_end=True)
    rows = np.flatnonzero(np.asarray(series.mask.any(-1)))
    np.testing.assert_allclose(ends(Linear(time=False), series)[rows], np.asarray(expected)[rows], atol=1e-12)


def test_cubic_pieces_are_those_of_diffrax_at_any_time():
    ys = values()
    xs = jnp.asarray(np.concatenate([TS[:, None], ys], axis=1))
    expected = diffrax.CubicInterpolation(jnp.asarray(TS), diffrax.backward_hermite_coefficients(jnp.asarray(TS), xs))
    path = Hermite()(Series(TS, ys))
    for i, s in itertools.product(range(T - 1), (0.0, 0.3, 0.9)):
        t = TS[i] + s * (TS[i + 1] - TS[i])
        np.testing.assert_allclose(path(i + s), expected.evaluate(t), atol=1e-12)
    at = [path(i + s) for i in range(T - 1) for s in (0.0, 1 / 3, 2 / 3)] + [path(T - 1.0)]
    np.testing.assert_allclose(path.increments(3), np.diff(np.stack(at), axis=0), atol=1e-12)


@pytest.mark.parametrize("control", CONTROLS, ids=name)
def test_padding_and_rows_without_observations_change_nothing(control):
    series = gappy()
    seen = np.asarray(series.mask.any(-1))
    short = Series(series.ts[seen], series.ys[seen], series.mask[seen])
    expected = control(short)
    for other in (series, series.pad(9)):
        found = control(other)
        p = expected.pieces.shape[0]
        np.testing.assert_array_equal(found.start, expected.start)
        np.testing.assert_array_equal(found.pieces[:p], expected.pieces)
        np.testing.assert_array_equal(found.pieces[p:], 0)
        np.testing.assert_array_equal(found.reached[:T][seen], expected.reached)


@pytest.mark.parametrize("control", CAUSAL, ids=name)
def test_causal_controls_do_not_peek(control):
    series = gappy()
    for k in range(T):
        changed = Series(
            series.ts,
            jnp.where(jnp.arange(T)[:, None] > k, -7.0, series.ys),
            series.mask | (jnp.arange(T)[:, None] > k),
        )
        a, b = control(series), control(changed)
        p = int(a.reached[k])
        np.testing.assert_array_equal(a.start, b.start)
        np.testing.assert_array_equal(a.pieces[:p], b.pieces[:p])
        assert int(b.reached[k]) == p


def test_steps_do_not_peek_between_rows_either():
    series = gappy()
    changed = Series(series.ts, series.ys.at[-1].add(1.0), series.mask)
    a, b = Rectilinear()(series), Rectilinear()(changed)
    jump = int(a.reached[-1]) - 1  # the last piece that moves is the jump itself
    np.testing.assert_array_equal(a.pieces[:jump], b.pieces[:jump])
    assert not np.array_equal(a.pieces[jump], b.pieces[jump])


def test_straight_paths_of_gappy_series_do_peek():
    """The law above has power: `Linear`, which is documented to look ahead, breaks it."""
    mask = jnp.ones((T, D), bool).at[2, 1].set(False)
    ys = jnp.asarray(values())
    a = Linear()(Series(TS, ys, mask))
    b = Linear()(Series(TS, ys.at[3].add(1.0), mask))
    assert not np.array_equal(a.pieces[:2], b.pieces[:2])


@pytest.mark.parametrize("control", CONTROLS[:3], ids=name)
def test_components_in_another_order_give_channels_in_that_order(control):
    series, order = gappy(), np.array([2, 0, 1])
    turned = Series(series.ts, series.ys[:, order], series.mask[:, order])
    columns = np.concatenate([[0], 1 + order, 1 + D + order])
    np.testing.assert_array_equal(control(turned).pieces, control(series).pieces[..., columns])


def test_counts_count_observations():
    series = gappy()
    found = ends(Linear(counts=2.0), series)[:, 1 + D :]
    np.testing.assert_allclose(found, np.cumsum(np.asarray(series.mask), axis=0) / 2)


def tensor_log(moves):
    """The log-signature of depth 2 by Chen's identity in the truncated tensor algebra."""
    c = moves.shape[1]
    one, two = np.zeros(c), np.zeros((c, c))
    for d in moves:
        two = two + np.outer(one, d) + np.outer(d, d) / 2
        one = one + d
    return one, two - np.outer(one, one) / 2


@pytest.mark.parametrize("window", [1, 2, 5])
def test_log_signatures_are_those_of_chens_identity(window):
    ys = values(3)
    xs = np.concatenate([TS[:, None], ys], axis=1)
    pieces = np.asarray(LogSignature(window)(Series(TS, ys)).pieces)[:, 0]
    moves = np.diff(xs, axis=0)
    for k in range(len(pieces)):
        one, two = tensor_log(moves[k * window : (k + 1) * window])
        np.testing.assert_allclose(two, -two.T, atol=1e-12)  # a log-signature has no symmetric part
        np.testing.assert_allclose(pieces[k], [*one, *two[np.triu_indices(D + 1, 1)]], atol=1e-12)


def test_the_area_of_a_polygon_is_its_levy_area():
    """The shoelace formula; time enters by its own areas only."""
    corners = values(5)[:, :2]
    closed = np.vstack([corners, corners[:1]])
    series = Series(np.arange(T + 1.0), closed)
    area = 0.5 * np.sum(closed[:-1, 0] * closed[1:, 1] - closed[1:, 0] * closed[:-1, 1])
    np.testing.assert_allclose(LogSignature(T, 2, Linear(time=False))(series).pieces[0, 0], [0, 0, area], atol=1e-12)


def test_a_series_without_observations_or_of_one_row_stands_still():
    empty = Series(TS, jnp.zeros((T, D)), jnp.zeros((T, D), bool))
    single = Series(TS[:1], jnp.ones((1, D)))
    for control in CONTROLS:
        np.testing.assert_array_equal(control(empty).pieces, 0)
        assert np.isfinite(np.asarray(control(single).start)).all()


@pytest.mark.parametrize("control", CONTROLS, ids=name)
def test_gradients_of_gappy_series_are_finite(control):
    series = gappy().pad(8)

    def total(ys):
        path = control(Series(series.ts, ys, series.mask))
        return (path.pieces**2).sum() + path.start.sum()

    assert np.isfinite(np.asarray(jax.jit(jax.grad(total))(series.ys))).all()


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"`LogSignature.depth` must be 1 or 2, got 3"):
        LogSignature(2, 3)
    with pytest.raises(ValueError, match=r"`LogSignature.path` must have straight pieces"):
        LogSignature(2, 2, Hermite())(gappy())
    with pytest.raises(ValueError, match=r"`Linear.counts` must be positive"):
        Linear(counts=0.0)
    with pytest.raises(ValueError, match="`series` must be one series"):
        Linear()(gappy().stack())
