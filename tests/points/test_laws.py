"""What holds for every process: the likelihood of the definition, no leak, no clock, no padding, float32."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from sdekit import points as sp
from sdekit.data import Events
from sdekit.evaluate import assert_law

from .cases import CASES


LENGTH = 14
END = 9.0
QUERIES = np.array([0.0, 0.4, 2.2, 5.1, 8.7, 9.0])


@eqx.filter_jit
def everything(process, record, ts):
    """All that the laws ask about a process, in one program."""
    total, slope = eqx.filter_value_and_grad(lambda p: p.log_prob(record))(process)
    scores = process.scores(record)
    return total, slope, scores, process.intensities(ts, record), process.compensators(ts, record)


def draw(case, seed, events=9):
    """A process and a sequence with padding: the law does not matter for what is tested on it."""
    rng = np.random.default_rng(seed)
    process = case.build(rng)
    ts = np.sort(rng.uniform(0, END, events))
    if case.real_marks:
        marks = 3.0 + rng.exponential(0.5, events)
    else:
        marks = rng.integers(0, process.dim, events)
    return process, ts, marks


def record(case, process, ts, marks, t0=0.0, t1=END, length=LENGTH):
    marked = case.real_marks or process.dim > 1
    kinds = None if case.real_marks or not marked else process.dim
    return Events(np.asarray(t0 + ts), marks if marked else None, t0=t0, t1=t0 + t1, num_marks=kinds).pad(length)


def answers(case, process, ts, marks, queries=QUERIES, **window):
    return everything(process, record(case, process, ts, marks, **window), jnp.asarray(queries + window.get("t0", 0.0)))


each = pytest.mark.parametrize("case", CASES, ids=str)
known = pytest.mark.parametrize("case", [c for c in CASES if c.rate is not None], ids=str)


def brute(case, process, ts, marks, a, b):
    """The integral of the intensity over [a, b], where no event lies inside, by SciPy."""
    cuts = np.unique([a, b, *(np.linspace(a, b, 8) if case.kinks else ()), *(t for t in (2.0, 5.0) if a < t < b)])
    past = ts[ts <= a], marks[ts <= a]
    f = lambda t: case.rate(process, t, *past)
    parts = [integrate.quad_vec(f, low, high, epsabs=1e-9, epsrel=1e-9)[0] for low, high in itertools.pairwise(cuts)]
    return sum(parts)


@known
def test_likelihood_intensity_and_compensator_are_those_of_the_definition(case):
    process, ts, marks = draw(case, 1)
    total, _, scores, rates, compensators = answers(case, process, ts, marks)
    each_rate = [case.rate(process, t, ts[:i], marks[:i]) for i, t in enumerate(ts)]
    log_rates = np.array([np.log(r[0 if case.real_marks else m]) for r, m in zip(each_rate, marks, strict=True)])
    ends = np.concatenate([[0.0], ts, [END]])
    parts = np.array([brute(case, process, ts, marks, a, b) for a, b in itertools.pairwise(ends)])
    want = log_rates.sum() - parts.sum()
    if case.real_marks:
        want += sum(float(process.mark_law.log_prob(m)) for m in marks)
    rtol = 1e-6 if case.kinks else 1e-7
    np.testing.assert_allclose(total, want, rtol=rtol)
    np.testing.assert_allclose(total, scores.total, rtol=1e-12)
    timed = [np.log(r.sum()) - part.sum() for r, part in zip(each_rate, parts, strict=False)]
    np.testing.assert_allclose(scores.time[: len(ts)], timed, rtol=10 * rtol, atol=1e-8)
    for k, t in enumerate(QUERIES[1:], 1):
        np.testing.assert_allclose(rates[k], case.rate(process, t, ts[ts < t], marks[ts < t]), rtol=1e-9)
    np.testing.assert_allclose(compensators[0], 0, atol=1e-12)
    i = np.searchsorted(ts, QUERIES[3])
    want = parts[:i].sum(axis=0) + brute(case, process, ts, marks, ends[i], QUERIES[3])
    np.testing.assert_allclose(compensators[3], want, rtol=rtol)


@each
def test_padding_shift_and_the_future_change_nothing(case):
    process, ts, marks = draw(case, 2)
    base = answers(case, process, ts, marks)
    if not case.absolute:
        shifted = answers(case, process, ts, marks, t0=1000.0)
        np.testing.assert_allclose(shifted[0], base[0], rtol=1e-9)
    # Later events and a later end: what was scored stays to the last bit.
    fewer = answers(case, process, ts[:5], marks[:5])
    for name in ("time", "mark"):
        now, then = getattr(base[2], name)[:5], getattr(fewer[2], name)[:5]
        np.testing.assert_array_equal(now, then)
        assert not np.asarray(getattr(fewer[2], name)[5:]).any()
    before = ts[5] >= QUERIES
    np.testing.assert_array_equal(base[3][before], fewer[3][before])
    np.testing.assert_array_equal(base[4][before], fewer[4][before])


@each
def test_padding_does_not_matter_and_an_empty_sequence_scores_its_silence(case):
    process, ts, marks = draw(case, 3)
    if case.rate is None:  # the definition knows no padding: the other cases were held against it
        base, longer = answers(case, process, ts, marks), answers(case, process, ts, marks, length=LENGTH + 5)
        np.testing.assert_allclose(longer[0], base[0], rtol=1e-12)
        np.testing.assert_allclose(longer[3], base[3], rtol=1e-12)
    silent = answers(case, process, ts[:0], marks[:0])
    np.testing.assert_allclose(silent[0], -silent[4][-1].sum(), rtol=1e-9)


@each
def test_gradients_are_finite_differences(case):
    process, ts, marks = draw(case, 4)
    _, slope, *_ = answers(case, process, ts, marks)
    leaves, treedef = jax.tree.flatten(eqx.filter(process, eqx.is_inexact_array))
    rng = np.random.default_rng(0)
    way = [rng.normal(size=np.shape(x)) * np.abs(np.asarray(x)) * 0.1 for x in leaves]
    step = 1e-4
    moved = []
    for sign in (1, -1):
        new = treedef.unflatten([x + sign * step * jnp.asarray(w) for x, w in zip(leaves, way, strict=True)])
        moved.append(float(answers(case, eqx.combine(new, process), ts, marks)[0]))
    want = (moved[0] - moved[1]) / (2 * step)
    got = sum(float((g * w).sum()) for g, w in zip(jax.tree.leaves(slope), way, strict=True))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@functools.cache
def simulated(case):
    process = case.build(np.random.default_rng(5))
    path = process.sample(jnp.array([0.0, case.length]), key=jax.random.key(1), n=64)
    return process, path, path.to_record()


@pytest.mark.parametrize("case", [c for c in CASES if c.simulated], ids=str)
def test_draws_rescale_to_unit_exponentials(case):
    """And the contexts of a record are those of the simulation, event by event."""
    process, path, events = simulated(case)
    assert not np.asarray(path.full).any()
    assert int(path.made.violations.sum()) == 0
    found = sp.residuals(process, events)
    assert_law(found.values, lambda x: -np.expm1(-np.maximum(x, 0)))
    if process.dim > 1:
        for kind in range(process.dim):
            own = sp.residuals(process, events, kind=kind)
            assert_law(own.values, lambda x: -np.expm1(-np.maximum(x, 0)), alpha=1e-6 / process.dim)
