"""Figures: what they show, that words do not collide, and that nothing outside them changes."""

import itertools
import sys

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.optimize import minimize


mpl.use("Agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt

from sdekit import plot
from sdekit.data import Clock, Events, Series
from sdekit.evaluate import Report, Row
from sdekit.fit import History
from sdekit.fractional import DFA, ExactMLE, Noise, Path, StructureFunctions, Variations, Whittle
from sdekit.inference import ParameterTable
from sdekit.paths import JumpPath, SampledPath
from sdekit.plot._labels import spread


LOW = -float("inf")
TS = np.linspace(0.0, 9.0, 30)


def bundle(n=40, d=1):
    walk = np.random.default_rng(0).normal(size=(n, 30, d)).cumsum(axis=1)
    return SampledPath(jnp.asarray(TS), jnp.asarray(walk))


def series(d=1, **kwargs):
    ys = np.random.default_rng(1).normal(size=(30, d)).cumsum(axis=0)
    return Series(TS, ys, np.arange(30 * d).reshape(30, d) % 7 != 3, **kwargs)


def table():
    estimate = np.array([0.52, -1.3, 1.95])
    error = np.array([0.1, 0.6, 0.3])
    return ParameterTable(
        ("rate", "mean", "observation.scale"), estimate, error, estimate - error, estimate + error, 0.95, -1.0, 10
    )


def course():
    steps = np.arange(50, 1050, 50)
    return History({"step": steps, "loss": 2 + 8 * np.exp(-steps / 200), "valid_loss": 2 + abs(steps - 700) / 100})


def report():
    rows = [Row(m, "CRPS", 0.3 + 0.1 * k, 0.02, LOW) for k, m in enumerate(("ou", "a longer name", "climatology"))]
    rows += [Row("ou", "coverage 90%", 0.88, 0.01, 0.9), Row("ou", "log score", None), Row("ou", "AIC", float("inf"))]
    rows += [Row("ou", "RMSE", 1.0, 0.1, LOW, expected=1.1, tolerance=0.2)]
    return Report(tuple(rows))


residual = np.random.default_rng(2).normal(size=120)
FIGURES = {
    "paths": lambda: plot.paths(bundle(), series()),
    "paths of two components": lambda: plot.paths(bundle(d=2), series(d=2)),
    "one path": lambda: plot.paths(bundle(1)),
    "fan": lambda: plot.fan(bundle(), series(clock=Clock(1871.0, "years"), names=("flow",))),
    "fan over dates": lambda: plot.fan(bundle(), series(clock=Clock("2024-02-27", "days"))),
    "fan of narrow bands": lambda: plot.fan(SampledPath(TS, 1e-3 * bundle().xs), series()),
    "fan of two components": lambda: plot.fan(bundle(d=2), levels=(0.5, 0.9)),
    "qq": lambda: plot.qq(residual),
    "qq of two samples": lambda: plot.qq(residual, residual[:50] + 1.0),
    "pit": lambda: plot.pit(np.random.default_rng(3).uniform(size=300)),
    "acf": lambda: plot.acf(residual),
    "residuals": lambda: plot.residuals(residual, np.arange(120.0), clock=Clock(1900.0, "years")),
    "diagnostics": lambda: plot.diagnostics(residual),
    "parameters": lambda: plot.parameters(table(), {"rate": 0.5}),
    "history": lambda: plot.history(course()),
    "comparison": lambda: plot.comparison(report()),
    "events": lambda: plot.events(
        Events(np.sort(np.random.default_rng(4).uniform(size=(3, 9))), np.arange(27).reshape(3, 9) % 2, t0=0.0, t1=1.0)
    ),
    "spectrum": lambda: plot.hurst(Whittle(of=Noise())(residual)),
    "profile likelihood": lambda: plot.hurst(ExactMLE(of=Noise())(residual)),
    "scaling": lambda: plot.hurst(Variations(of=Noise())(residual)),
    "scaling of windows": lambda: plot.hurst(DFA(of=Noise())(residual)),
    "scaling of moments": lambda: plot.hurst(StructureFunctions(of=Path())(residual.cumsum())),
    "jumps": lambda: plot.jumps(JumpPath(np.array([0.0, 0.7, 1.9]), np.array([0, 2, 1]), t1=3.0)),
}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def axes_of(drawn):
    return list(np.ravel(np.asarray(drawn, object)))


def words(figure):
    """The boxes of all texts that are drawn: not of the labels that ticks outside the limits keep."""
    figure.draw_without_rendering()
    hidden = set()
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-6 * (high - low)
        for tick in (*axis.majorTicks, *axis.minorTicks):
            if not low - slack <= tick.get_loc() <= high + slack:
                hidden |= {tick.label1, tick.label2}
    boxes = []
    for text in figure.findobj(mpl.text.Text):
        if text not in hidden and text.get_visible() and text.get_text().strip():
            box = text.get_window_extent()
            if box.width > 0:
                boxes.append((text.get_text(), box))
    return boxes


@pytest.mark.parametrize("name", FIGURES)
def test_figures_leave_settings_alone_and_words_apart(name):
    before = dict(mpl.rcParams)
    drawn = axes_of(FIGURES[name]())
    assert dict(mpl.rcParams) == before
    figure = drawn[0].figure
    for (a, one), (b, two) in itertools.combinations(words(figure), 2):
        inner = one.shrunk(0.98, 0.8).overlaps(two.shrunk(0.98, 0.8))
        assert not inner, f"{a!r} lies on {b!r}"
    assert any(ax.get_xlabel() for ax in drawn) or name in ("fan over dates", "comparison")


def test_data_are_shown_at_the_times_of_the_user_with_gaps():
    data = series(clock=Clock(1871.0, "years"))
    ax = plot.fan(bundle(), data)
    line = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(line.get_xdata(), 1871.0 + TS)
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), ~np.asarray(data.mask[:, 0]))
    assert ax.get_xlabel() == "time (years)"


def test_dates_are_dates():
    ax = plot.paths(bundle(3), series(clock=Clock("2024-02-27", "days")))
    left = mdates.num2date(ax.lines[0].get_xdata(orig=False)[0]).date()
    assert str(left) == "2024-02-27"


def test_fan_shows_quantiles():
    path = bundle(400)
    ax = plot.fan(path, levels=(0.8,))
    edge = ax.collections[0].get_paths()[0].vertices
    for q in (0.1, 0.9):
        expected = np.quantile(np.asarray(path.xs[:, 7, 0]), q)
        near = edge[np.isclose(edge[:, 0], TS[7])][:, 1]
        assert np.abs(near - expected).min() < 1e-9
    median = next(line for line in ax.lines).get_ydata()
    np.testing.assert_allclose(median, np.median(np.asarray(path.xs[:, :, 0]), axis=0))
    assert {t.get_text() for t in ax.texts} == {"80%", "median"}


def test_padding_is_not_drawn():
    data = Series.from_list([TS[:10], TS], [np.zeros(10), np.zeros(30)])
    ax = plot.paths(bundle(2), data)
    assert sorted(len(line.get_xdata()) for line in ax.lines) == [10, 30, 30, 30]


def test_axes_of_the_user_are_used():
    _, (top, bottom) = plt.subplots(2, 1)
    assert plot.paths(bundle(), ax=top) is top
    drawn = plot.fan(bundle(d=2), ax=[top, bottom])
    assert list(drawn) == [top, bottom]
    with pytest.raises(ValueError, match="`ax` must hold 2 axes"):
        plot.fan(bundle(d=2), ax=top)


def test_acf_is_its_definition():
    ax = plot.acf(residual, lags=5)
    centred = residual - residual.mean()
    expected = [(centred[k:] * centred[:-k]).sum() / (centred**2).sum() for k in range(1, 6)]
    shown = next(line for line in ax.lines if line.get_marker() == "o").get_ydata()
    np.testing.assert_allclose(shown, expected, rtol=1e-9)


def test_pit_band_is_binomial():
    ax = plot.pit(np.linspace(0.0, 1.0, 1000), bins=10)
    heights = [p.get_height() for p in ax.patches[:10]]
    np.testing.assert_allclose(heights, 1.0, atol=0.02)


def test_comparison_marks_the_best():
    axes = plot.comparison(report(), ("CRPS",))
    colours = {line.get_ydata()[0]: line.get_color() for line in axes[0].lines if line.get_marker() == "o"}
    assert colours[2] == plot.PALETTE[0]
    assert colours[1] != plot.PALETTE[0]
    assert axes[0].get_title(loc="left") == "CRPS  ←"


def test_estimates_of_the_hurst_index_are_shown_as_they_were_read_off():
    found = Variations(of=Noise())(residual)
    ax = plot.scaling(found)
    points = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.log(points.get_ydata()), found.diagnostic.log_values[0])
    assert f"slope {2 * float(found.hurst):.3f}" in {t.get_text() for t in ax.texts}
    found = Whittle(of=Noise())(residual)
    ax = plot.spectrum(found)
    cloud = next(line for line in ax.lines if line.get_marker() == ".")
    power = np.abs(np.fft.rfft(residual)[1:60]) ** 2 / (2 * np.pi * len(residual))
    np.testing.assert_allclose(cloud.get_ydata(), power, rtol=1e-9)
    curve = plot.profile_likelihood(found).lines[-1].get_ydata()
    assert -1e-2 < curve.max() <= 1e-9
    with pytest.raises(TypeError, match="`estimate` has no regression"):
        plot.scaling(found)
    with pytest.raises(ValueError, match="`estimate` must be of one series"):
        plot.hurst(jax.vmap(Whittle(of=Noise()))(np.stack([residual, residual])))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=6), st.floats(0.5, 30))
def test_labels_move_as_little_as_can_be(heights, gap):
    moved = spread(heights, gap)
    order = np.argsort(heights, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-6).all()
    h = np.asarray(heights)[order]
    limits = {"type": "ineq", "fun": lambda v: np.diff(v) - gap}
    start = np.sort(h) + gap * np.arange(len(h))
    best = minimize(lambda v: ((v - h) ** 2).sum(), start, constraints=limits if len(h) > 1 else (), method="SLSQP")
    assert ((moved[order] - h) ** 2).sum() <= best.fun * (1 + 1e-3) + 1e-3


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_save_writes_the_same_file_twice(tmp_path, suffix):
    first = plot.save(plot.paths(bundle(3)), tmp_path / "new" / f"a.{suffix}")
    second = plot.save(plot.paths(bundle(3)), tmp_path / f"b.{suffix}")
    assert first.read_bytes() == second.read_bytes()


def test_save_takes_figures_and_arrays(tmp_path):
    axes = plot.fan(bundle(d=2))
    assert plot.save(axes, tmp_path / "a.png").exists()
    assert plot.save(axes[0].figure, str(tmp_path / "b.png")).exists()
    with pytest.raises(ValueError, match="`path` must end in the name of a format"):
        plot.save(axes, tmp_path / "c.doc")


def test_matplotlib_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install sdekit\[plot\]"):
        plot.paths(bundle())


def test_faults_are_named():
    with pytest.raises(ValueError, match="at least 2 paths"):
        plot.fan(bundle(1))
    with pytest.raises(ValueError, match="`levels` must be probabilities"):
        plot.fan(bundle(), levels=(50, 90))
    with pytest.raises(ValueError, match=r"`data.ys` must have 2 component"):
        plot.paths(bundle(d=2), series())
    with pytest.raises(ValueError, match="`component` must be below 1"):
        plot.paths(bundle(), component=1)
    with pytest.raises(ValueError, match=r"`values` must lie in \[0, 1\]"):
        plot.pit([0.5, 1.5])
    with pytest.raises(ValueError, match="are in no column"):
        plot.history(course(), metrics=("nothing",))
    with pytest.raises(ValueError, match="must be among"):
        plot.comparison(report(), ("nothing",))
    with pytest.raises(ValueError, match="must name parameters"):
        plot.parameters(table(), {"nothing": 1.0})
