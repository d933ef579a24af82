"""Neural point processes: the laws of every process, and what quadrature, bounds and decoders promise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import sdekit as sk
from sdekit import points as sp
from sdekit.data import Events
from sdekit.evaluate import assert_law
from sdekit.inference import MarginalLikelihood
from sdekit.points import _encoders_attention as attention, _recurrences as recurrences

from . import test_laws as laws
from .neural_cases import NEURAL, PRESETS, record


each = pytest.mark.parametrize("case", NEURAL, ids=str)
# Simulation remembers what a record does: held for every preset, to nine digits. What is drawn by closed laws is tested
# for each of them alone, and thinning by one process.
DRAWN = {"nhp"}
ONE = sp.GapScale(0.7, -0.5, 1.2, 1e-9)
COUNT, FEWER, LENGTH = 5, 3, 7
LATER = jnp.array([0.3])


@eqx.filter_jit
def looked(process, record):
    """The scores, and what is remembered a while after some of the events and after all."""
    rows = jax.tree.map(lambda x: x[jnp.array([FEWER, COUNT])], process.contexts(record))
    return process.scores(record), *jax.vmap(lambda row: process.encoder.memory(row)(LATER))(rows)


@eqx.filter_jit
def one_by_one(process, record):
    """What is remembered after all events, told one at a time and without padding."""

    def step(state, event):
        return process.advance(state, *event), None

    events = (record.gaps()[:COUNT], process.marks_of(record)[:COUNT])
    state, _ = jax.lax.scan(step, process.start(record.t0, COUNT), events)
    return process.encoder.memory(process.context(state))(LATER)


@each
def test_the_future_a_shift_and_padding_change_nothing(case):
    """Intensities and compensators are made of the same contexts, by code that all processes share."""
    process, ts, marks = laws.draw(case, 2, COUNT)
    item = laws.record(case, process, ts, marks, length=LENGTH)
    base, early, late = looked(process, item)
    fewer, then, _ = looked(process, laws.record(case, process, ts[:FEWER], marks[:FEWER], length=LENGTH))
    for name in ("time", "mark"):
        np.testing.assert_array_equal(getattr(base, name)[:FEWER], getattr(fewer, name)[:FEWER])
        assert not np.asarray(getattr(fewer, name)[FEWER:]).any()
    np.testing.assert_array_equal(early, then)
    shifted, *_ = looked(process, laws.record(case, process, ts, marks, t0=1000.0, length=LENGTH))
    np.testing.assert_allclose(shifted.total, base.total, rtol=1e-9)
    silent, *_ = looked(process, laws.record(case, process, ts[:0], marks[:0], length=LENGTH))
    assert float(silent.total) == float(silent.survival) < 0
    spoilt = eqx.tree_at(lambda r: (r.ts, r.marks), item, (item.ts.at[COUNT:].set(3.0), item.marks.at[COUNT:].set(1)))
    found, _, memory = looked(process, spoilt)
    np.testing.assert_array_equal(found.total, base.total)
    np.testing.assert_array_equal(memory, late)
    np.testing.assert_allclose(one_by_one(process, item), late, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", [c for c in NEURAL if c.name in DRAWN], ids=str)
def test_draws_rescale_to_unit_exponentials(case):
    """Contexts of simulation and of a record agree, and no draw met an intensity above its bound."""
    laws.test_draws_rescale_to_unit_exponentials(case)


def scanned_states(step):
    return lambda start, rows, *weights: jax.lax.scan(lambda h, row: (step(h, row, *weights),) * 2, start, rows)[1]


def attended_plainly(q, keys, values):
    logits = jnp.where(SEEN[None], jnp.einsum("hid,hjd->hij", q, keys), -jnp.inf)
    return jnp.einsum("hij,hjd->hid", jax.nn.softmax(logits, axis=-1), values)


SEEN = jnp.tril(jnp.ones((3, 4), bool))
DERIVED = {
    "gated unit": (
        lambda start, rows, w, fresh: recurrences.gated(rows, w, fresh, start),
        scanned_states(recurrences.gated_step),
        ((2, 5), (2, 4, 15), (5, 15), (5,)),
    ),
    "continuous-time LSTM": (
        lambda start, rows, w: recurrences.decaying(jnp.exp(rows[:, 0]), rows[:, 1:], w, start),
        scanned_states(lambda h, row, w: recurrences.decaying_step(h, jnp.exp(row[0]), row[1:], w)),
        ((2, 4, 3), (2, 4, 22), (3, 21)),
    ),
    "attention": (
        lambda q, keys, values: attention.attended(q, keys, values, SEEN),
        attended_plainly,
        ((2, 1, 3, 2), (2, 1, 4, 2), (2, 1, 4, 3)),
    ),
}


@pytest.mark.parametrize("name", DERIVED)
def test_derivatives_by_hand_are_those_of_the_definition(name):
    """Those of recurrences and of attention, for two sequences that share their weights."""
    ours, plain, shapes = DERIVED[name]
    rng = np.random.default_rng(0)
    arguments = [jnp.asarray(rng.normal(size=shape)) for shape in shapes]
    shared = tuple(0 if i < (3 if name == "attention" else 2) else None for i in range(len(shapes)))

    @jax.jit
    def both(*arguments):
        score = lambda f: lambda *a: jnp.sin(jax.vmap(f, shared)(*a)).sum()
        moved = tuple(range(len(shapes)))
        return [jax.value_and_grad(score(f), moved)(*arguments) for f in (ours, plain)]

    (value, slopes), (want, wants) = both(*arguments)
    np.testing.assert_allclose(value, want, rtol=1e-12)
    for slope, expected in zip(slopes, wants, strict=True):
        np.testing.assert_allclose(slope, expected, rtol=1e-9, atol=1e-12)


def hazard_curves():
    """Laws with quadrature, their memories as lively as a trained network's."""
    rng = np.random.default_rng(3)
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape))
    moving = sp.MovingIntensity(8, 2, key=jax.random.key(0))
    moving = eqx.tree_at(lambda d: d.weight, moving, draw(2, 8))
    decaying = sp.DecayingMemory(draw(8), draw(8), jnp.exp(draw(8)), jax.nn.sigmoid(draw(8)))
    relaxing = eqx.tree_at(lambda d: d.weight, sp.RelaxingIntensity(8, 2, key=jax.random.key(0)), draw(3, 2, 8))
    drifting = eqx.tree_at(lambda d: d.slope, sp.DriftingIntensity(8, 2, key=jax.random.key(0)), draw(2))
    fixed = sp.FixedMemory(draw(8))
    return [moving.law(decaying, ONE), relaxing.law(fixed, ONE), drifting.law(fixed, ONE)]


@pytest.mark.parametrize("law", hazard_curves(), ids=lambda law: type(law).__name__)
def test_quadrature_errors_stay_below_what_is_reported(law):
    gaps = np.array([0.1, 0.7, 2.0, 5.0])
    # The oracle: 32 panels of 16 nodes on each of the gaps.
    x, w = np.polynomial.legendre.leggauss(16)
    u = ((np.arange(32)[:, None] + (1 + x) / 2) / 32).ravel()
    f = jax.jit(lambda g: (-law.log_survival(g), law.error(g)))
    rate = jax.jit(jax.vmap(lambda g: jnp.exp(law.log_intensity(g)).sum()))
    rates = np.stack([np.asarray(rate(jnp.asarray(g * u))) for g in gaps])
    wants = gaps * (rates @ np.tile(w / 64, 32))
    for gap, want in zip(gaps, wants, strict=True):
        got, reported = (float(y) for y in f(gap))
        error = abs(got - want)
        assert error <= reported + 1e-11 * max(want, 1), (gap, error, reported)
        assert reported <= 1e-4, (gap, reported)


@pytest.mark.parametrize("law", hazard_curves(), ids=lambda law: type(law).__name__)
def test_bounds_hold_where_the_memory_is_monotone(law):
    both = jax.jit(lambda a, b: (law.bound(a, b), law.hazards(jnp.linspace(a, b, 400)).sum(axis=-1).max()))
    for a, b in ((0.0, 0.3), (0.2, 5.0), (1.0, 30.0)):
        bound, most = both(a, b)
        assert float(most) <= float(bound) * (1 + 1e-12)


def test_log_normal_mixtures_are_those_of_scipy():
    rng = np.random.default_rng(1)
    decoder = sp.LogNormalMixture(8, 2, components=3, key=jax.random.key(0))
    h = jnp.asarray(rng.normal(size=8))
    law = decoder.law(sp.FixedMemory(h), ONE)
    s, m = float(ONE.log_spread), float(ONE.log_mean)
    both = jax.jit(lambda gap: (law.log_densities(gap), law.log_survivals(gap)))
    for gap in (0.01, 0.5, 4.0):
        parts = [
            (w, stats.lognorm(s * np.exp(sd), scale=np.exp(m + s * mu)))
            for w, mu, sd in zip(jax.nn.softmax(law.logits[1]), law.mean[1], law.log_sd[1], strict=True)
        ]
        density = sum(float(w) * part.pdf(gap) for w, part in parts)
        later = sum(float(w) * part.sf(gap) for w, part in parts)
        got_density, got_later = both(gap)
        np.testing.assert_allclose(got_density[1], np.log(density), rtol=1e-10)
        np.testing.assert_allclose(got_later[1], np.log(later), rtol=1e-10)


def lively_spline(key):
    spline = sp.RationalQuadraticSpline(8, 2, bins=4, key=key)
    return eqx.tree_at(lambda d: d.weight, spline, 0.2 * jax.random.normal(key, spline.weight.shape))


def closed():
    key = jax.random.key(0)
    h = sp.FixedMemory(jnp.asarray(np.random.default_rng(2).normal(size=8)))
    gompertz = eqx.tree_at(lambda d: d.slope, sp.Gompertz(8, 2, key=key), jnp.array([0.4, 1e-9]))
    mixture = sp.LogNormalMixture(8, 2, components=3, key=key)
    return [
        gompertz.law(h, ONE),
        mixture.law(h, ONE),
        sp.CumulativeNetwork(8, 2, width=4, key=key).law(h, ONE),
        lively_spline(key).law(h, ONE),
        sp.TimeGivenMark(mixture, 8, key=key).law(h, ONE),
        sp.MarkGivenTime(sp.Gompertz(8, 1, key=key), 8, 2, key=key).law(h, ONE),
    ]


@pytest.mark.parametrize("law", closed(), ids=lambda law: type(law).__name__)
def test_densities_hazards_and_survivals_belong_together(law):
    """The survival is one minus the integral of the density; compensators of kinds are integrals of their hazards."""
    # In the logarithm of the gap, 40 panels of 8 nodes.
    x, w = np.polynomial.legendre.leggauss(8)
    low, high = np.log(1e-12), np.log(1.3)
    panel = (high - low) / 40
    gaps = np.exp((low + panel * (np.arange(40)[:, None] + (1 + x) / 2)).ravel())
    weights = np.tile(w * panel / 2, 40) * gaps

    @jax.jit
    def both(g):
        curves = jax.vmap(lambda g: (jnp.exp(law.log_density(g)), jnp.exp(law.log_intensity(g))))(g)
        slopes = jax.vmap(jax.grad(law.log_survival))(g[-64:])
        return curves, slopes, law.log_survival(jnp.asarray(1.3)), law.compensator(jnp.asarray(1.3))

    (density, hazard), slopes, later, compensator = both(jnp.asarray(gaps))
    np.testing.assert_allclose(-slopes, hazard[-64:].sum(axis=-1), rtol=1e-8)
    # A spline has corners, where quadrature is rough.
    rtol = 1e-3 if type(law).__name__ == "SplineGaps" else 1e-7
    np.testing.assert_allclose(-np.expm1(float(later)), (weights @ np.asarray(density)).sum(), rtol=rtol)
    np.testing.assert_allclose(compensator, weights @ np.asarray(hazard), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(compensator.sum(), -later, rtol=1e-10)


@pytest.mark.parametrize("law", closed(), ids=lambda law: type(law).__name__)
def test_draws_of_a_closed_law_follow_its_survival(law):
    """Gaps given that nothing happened for a while; rescaled they are unit exponentials, kinds as their hazards."""
    after, n = 0.4, 2000

    @jax.jit
    def found(keys):
        gaps, kinds = jax.vmap(lambda k: law.sample(jnp.asarray(after), key=k))(keys)
        rates = jax.vmap(law.log_intensity)(gaps)
        later = jax.vmap(law.log_survival)(jnp.append(gaps, after))
        return gaps, kinds, jax.nn.softmax(rates, axis=-1), later[-1] - later[:-1]

    gaps, kinds, share, rescaled = (np.asarray(y) for y in found(jax.random.split(jax.random.key(3), n)))
    assert gaps.min() >= after
    assert_law(rescaled, lambda x: -np.expm1(-np.maximum(x, 0)))
    # Five standard deviations.
    z = ((kinds == 0) - share[:, 0]).sum() / np.sqrt((share[:, 0] * share[:, 1]).sum())
    assert abs(z) < 5


def test_a_falling_gompertz_hazard_may_never_end():
    law = eqx.tree_at(lambda d: d.slope, sp.Gompertz(8, 1, key=jax.random.key(0)), jnp.array([-2.0])).law(
        sp.FixedMemory(jnp.zeros(8)), sp.GapScale(1.0, 0.0, 1.0)
    )
    gaps = jax.jit(jax.vmap(lambda k: law.sample(0.0, key=k)[0]))(jax.random.split(jax.random.key(1), 4000))
    # P(never) = exp(-1/2); five standard deviations.
    share = float(jnp.isinf(gaps).mean())
    assert abs(share - np.exp(-0.5)) < 5 * np.sqrt(0.25 / 4000)


def test_unix_seconds_in_float32_score_as_rebased_times_in_float64():
    """The reader rebases; what reaches a network is a gap."""
    rng = np.random.default_rng(0)
    ts = [1.4e9 + np.sort(rng.uniform(0, 9e4, 12)) for _ in range(2)]
    marks = [rng.integers(0, 3, 12) for _ in ts]
    options = {"t0": 1.4e9, "t1": 1.4e9 + 9e4, "num_marks": 3, "rebase": True}
    wide = Events.from_list(ts, marks, **options)
    model = sp.iftpp(wide, key=jax.random.key(0), **PRESETS["iftpp"][1])
    narrow = jax.tree.map(lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x, (model, wide))
    score = eqx.filter_jit(lambda m, r: m.log_prob(r))
    one, two = score(model, wide[0]), score(narrow[0], narrow[1][0])
    np.testing.assert_allclose(two, one, rtol=1e-4)


def test_models_fit_by_the_shared_engine():
    """Poisson sequences: a model that starts far away comes within sampling error of the truth."""
    rng = np.random.default_rng(0)
    ts = [np.sort(rng.uniform(0, 10, n)) for n in rng.poisson(20, 48)]
    marks = [rng.choice(2, len(t), p=[0.75, 0.25]) for t in ts]
    data = Events.from_list(ts, marks, t1=10.0, num_marks=2)
    start = sp.rmtpp(data, width=8, key=jax.random.key(1))
    start = eqx.tree_at(lambda m: m.scale, start, sp.GapScale(3.0, 0.0, 1.0))
    fit = sk.fit(start, MarginalLikelihood(), data, key=jax.random.key(2), steps=150, progress=False)
    truth = np.mean([np.log(np.where(m == 0, 1.5, 0.5)).sum() - 20 for m in marks])
    assert -float(fit.history["loss"][-1]) > truth - 1.0


def test_the_loss_per_event_follows_its_switches():
    item = Events.from_list([[0.5, 1.2], [0.25]], t1=2.0)
    same = eqx.filter_jit(lambda loss: loss(sp.Poisson(3.0), item, key=jax.random.key(0))[0])
    np.testing.assert_allclose(same(sp.PerEvent()), 12.0 / 3 - np.log(3), rtol=1e-12)
    np.testing.assert_allclose(same(sp.PerEvent(first=False, silence=False)), 3 * 0.7 - np.log(3), rtol=1e-12)
    # Some at a time: the same loss, and its derivative, one third less the mean rate of the events.
    loss = lambda process: sp.PerEvent(at_once=1)(process, item, key=jax.random.key(0))[0]
    value, slope = eqx.filter_jit(eqx.filter_value_and_grad(loss))(sp.Poisson(3.0))
    np.testing.assert_allclose(value, 12.0 / 3 - np.log(3), rtol=1e-12)
    np.testing.assert_allclose(slope.rate, [4.0 / 3 - 1 / 3], rtol=1e-12)


def test_wrong_uses_are_named():
    with pytest.raises(ValueError, match="as many kinds"):
        sp.NeuralPointProcess(sp.GRUHistory(2, 4, key=jax.random.key(0)), sp.Gompertz(4, 3, key=jax.random.key(0)), ONE)
    with pytest.raises(ValueError, match="heads"):
        sp.AttentionHistory(2, 6, heads=2, key=jax.random.key(0))
    with pytest.raises(ValueError, match="kinds"):
        sp.IndependentMarks(sp.Gompertz(4, 3, key=jax.random.key(0)), 4, 3, key=jax.random.key(0))
    moving = sp.TimeGivenMark(sp.MovingIntensity(4, 3, key=jax.random.key(0)), 4, key=jax.random.key(0))
    with pytest.raises(TypeError, match="law of the gap"):
        moving.law(sp.FixedMemory(jnp.zeros(4)), ONE)
    with pytest.raises(TypeError, match="point process"):
        sp.PerEvent()(None, record(), key=jax.random.key(0))
