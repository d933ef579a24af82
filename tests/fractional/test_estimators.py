"""Estimators of the Hurst index: on exact noise, against brute force, under transformations, and what they refuse."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.stats

from sdekit.data import Series, load
from sdekit.fractional import (
    ARFIMA,
    DFA,
    FGN,
    FOU,
    ExactMLE,
    Noise,
    Path,
    RescaledRange,
    StructureFunctions,
    Variations,
    Whittle,
)
from sdekit.fractional._scaling import _expected_range
from sdekit.math import circulant_sample, circulant_spectrum, fbm_covariance, fgn_autocovariance, fou_autocovariance


KINDS = {
    "mle": ExactMLE(of=Noise()),
    "whittle": Whittle(of=Noise()),
    "variations": Variations(of=Noise()),
    "dfa": DFA(of=Noise()),
    "range": RescaledRange(of=Noise()),
    "structure": StructureFunctions(lags=(1, 2, 4, 8), of=Noise()),
}
N, SERIES = 1024, 24
HURSTS = (0.1, 0.3, 0.5, 0.7, 0.9)
BARS = {"mle": 0.025, "whittle": 0.025, "variations": 0.035}
ALPHA = 1e-6


def noise(autocovariance, n, key, count):
    root = jnp.asarray(circulant_spectrum(autocovariance, n, extend=3))
    return jax.vmap(lambda k: circulant_sample(root, k, n))(jax.random.split(key, count))


def fgn(hurst, n, key, count):
    return noise(lambda k: fgn_autocovariance(hurst, k), n, key, count)


@eqx.filter_jit
def each(estimator, xs):
    return jax.lax.map(estimator, xs)


@eqx.filter_jit
def at(function, hurst):
    return function(hurst)


SMALL = fgn(0.7, 128, jax.random.key(3), 3)


@pytest.fixture(scope="module")
def sample():
    """Exact noise of every index, one after the other, shape (indices, series, n)."""
    key = jax.random.key(7)
    return jnp.stack([fgn(h, N, jax.random.fold_in(key, i), SERIES) for i, h in enumerate(HURSTS)])


@pytest.mark.parametrize("name", BARS)
def test_error_is_below_the_bar_at_every_index(name, sample):
    """Mean square errors are chi-square over their number; an error 2.4 times the bar would be seen."""
    sample = sample[:, :8] if name == "mle" else sample  # a likelihood costs n^2
    found = each(KINDS[name], sample.reshape(-1, N))
    error = np.asarray(found.hurst).reshape(len(HURSTS), -1) - np.array(HURSTS)[:, None]
    share = scipy.stats.chi2.isf(ALPHA / len(HURSTS), error.shape[1]) / error.shape[1]
    assert (np.mean(error**2, axis=1) <= BARS[name] ** 2 * share).all()
    # Standard errors: the squares of standardised errors have mean 1, to within 30 per cent for small samples.
    squares = np.sum((error.ravel() / np.asarray(found.standard_error)) ** 2)
    low, high = scipy.stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], error.size)
    assert 0.7 * low <= squares <= 1.3 * high


@pytest.mark.parametrize(("name", "bias"), [("dfa", 0.04), ("range", 0.17), ("structure", 0.06)])
def test_regressions_are_near_the_truth(name, bias, sample):
    """Means over 24 series with spread below 0.07: 5 standard errors of the mean are 0.07 (false alarm below 1e-6)."""
    found = np.asarray(each(KINDS[name], sample.reshape(-1, N)).hurst).reshape(len(HURSTS), SERIES).mean(axis=1)
    assert (np.abs(found - HURSTS) <= bias + 0.07).all()


@pytest.mark.parametrize("sequence", [ARFIMA(), FOU(0.3)], ids=["ARFIMA", "FOU"])
def test_other_sequences_are_found_again(sequence):
    """Ten series, standardised errors: their squares are chi-square; 1.5 for the approximations of 400 values."""
    if isinstance(sequence, FOU):
        xs = noise(lambda k: fou_autocovariance(0.3, 0.3 * k), 400, jax.random.key(1), 10)
    else:
        xs = noise(lambda k: np.asarray(sequence.autocovariance(jnp.array(0.3), len(k))), 400, jax.random.key(1), 10)
    found = each(Whittle(sequence, of=Noise()), xs)
    squares = np.sum(((np.asarray(found.hurst) - 0.3) / np.asarray(found.standard_error)) ** 2)
    assert squares <= 1.5 * scipy.stats.chi2.isf(ALPHA, 10)


# Against brute force


def test_exact_likelihood_is_maximised():
    x = np.asarray(SMALL[0])
    one = np.ones(len(x))

    def loss(h):
        matrix = scipy.linalg.toeplitz(fgn_autocovariance(float(h), np.arange(len(x), dtype=float)))
        inverse = np.linalg.inv(matrix)
        rest = x - (one @ inverse @ x) / (one @ inverse @ one)
        variance = rest @ inverse @ rest / len(x)
        return -scipy.stats.multivariate_normal(cov=variance * matrix).logpdf(rest)

    best = scipy.optimize.minimize_scalar(loss, bounds=(0.3, 0.98), method="bounded", options={"xatol": 1e-9})
    found = KINDS["mle"](SMALL[0])
    np.testing.assert_allclose(found.hurst, best.x, atol=1e-6)
    np.testing.assert_allclose(at(found.diagnostic, found.hurst), -best.fun, rtol=1e-9)


def test_whittle_likelihood_is_maximised():
    found = KINDS["whittle"](SMALL[0])
    x = np.asarray(SMALL[0])
    w = 2 * np.pi * np.arange(1, 64) / 128
    periodogram = np.abs(np.exp(-1j * np.outer(w, np.arange(128))) @ x) ** 2 / (2 * np.pi * 128)
    np.testing.assert_allclose(found.diagnostic.periodogram, periodogram, rtol=1e-9)
    grid = np.linspace(0.05, 0.95, 181)
    shapes = np.exp(np.asarray(at(jax.vmap(lambda h: FGN().log_spectrum(h, jnp.asarray(w))), jnp.asarray(grid))))
    values = -np.log(np.mean(periodogram / shapes, axis=1)) - np.mean(np.log(shapes), axis=1)
    assert abs(float(found.hurst) - grid[np.argmax(values)]) < 0.005
    nearby = found.hurst + jnp.array([-1e-4, 0.0, 1e-4])
    values = [float(at(found.diagnostic, h)) for h in nearby]
    assert values[1] > max(values[0], values[2])


def test_covariance_of_variations_is_that_of_the_path():
    n, hurst = 40, 0.7
    estimator = Variations(scales=(1, 2, 3), of=Path())
    ts = np.arange(n, dtype=float)
    cov = fbm_covariance(hurst, ts, ts)
    rows = []
    for s in (1, 2, 3):
        filters = np.zeros((n - 2 * s, n))
        for i in range(n - 2 * s):
            filters[i, [i, i + s, i + 2 * s]] = 1.0, -2.0, 1.0
        rows.append(filters)
    expected = np.empty((3, 3))
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            means = np.trace(a @ cov @ a.T) / len(a), np.trace(b @ cov @ b.T) / len(b)
            expected[i, j] = 2 * np.mean((a @ cov @ b.T) ** 2) / np.prod(means)
    np.testing.assert_allclose(estimator.covariance(jnp.array(hurst), n), expected, rtol=1e-7)


def test_fluctuations_are_those_of_polynomial_fits():
    walk = np.random.default_rng(0).normal(size=203).cumsum()
    found = DFA(order=2, sizes=(8, 15, 40), of=Path())(walk).diagnostic
    for size, log_value in zip((8, 15, 40), found.log_values[0], strict=True):
        count, t = len(walk) // size, np.arange(size)
        parts = [walk[k * size : (k + 1) * size] for k in range(count)]
        parts += [walk[len(walk) - (k + 1) * size : len(walk) - k * size] for k in range(count)]
        rest = [y - np.polyval(np.polyfit(t, y, 2), t) for y in parts]
        np.testing.assert_allclose(log_value, 0.5 * np.log(np.mean(np.square(rest))), rtol=1e-9)


def test_rescaled_ranges_are_by_their_definition():
    x = np.random.default_rng(0).normal(size=100)
    found = RescaledRange(corrected=False, sizes=(7, 20, 50), of=Noise())(x).diagnostic
    for size, log_value in zip((7, 20, 50), found.log_values[0], strict=True):
        ratios = []
        for k in range(100 // size):
            y = x[k * size : (k + 1) * size]
            ratios.append(np.ptp(np.cumsum(y - y.mean())) / y.std())
        np.testing.assert_allclose(log_value, np.log(np.mean(ratios)), rtol=1e-9)


def test_expected_rescaled_range_is_that_of_independent_values():
    """40,000 windows with a relative spread of about 0.3: five standard errors are 0.75 per cent."""
    for size in (5, 30):
        y = np.random.default_rng(0).normal(size=(40_000, size))
        y -= y.mean(axis=1, keepdims=True)
        mean = np.mean(np.ptp(np.cumsum(y, axis=1), axis=1) / y.std(axis=1))
        np.testing.assert_allclose(_expected_range(size), mean, rtol=0.0075)


def test_structure_functions_are_mean_powers():
    walk = np.random.default_rng(0).normal(size=90).cumsum()
    estimator = StructureFunctions(qs=(0.5, 3.0), lags=(1, 4, 30), of=Path())
    expected = [[np.mean(np.abs(walk[lag:] - walk[:-lag]) ** q) for lag in (1, 4, 30)] for q in (0.5, 3.0)]
    np.testing.assert_allclose(estimator.moments(walk), expected, rtol=1e-10)
    slopes = [np.polyfit(np.log([1, 4, 30]), np.log(row), 1)[0] for row in expected]
    np.testing.assert_allclose(estimator(walk).diagnostic.hursts, slopes / np.array([0.5, 3.0]), rtol=1e-9)


# Laws


@pytest.mark.parametrize("name", KINDS)
def test_scale_and_level_do_not_matter(name):
    x = SMALL[0]
    found, moved = KINDS[name](x), KINDS[name](100.0 - 250.0 * x)
    np.testing.assert_allclose(moved.hurst, found.hurst, atol=1e-6)
    np.testing.assert_allclose(moved.standard_error, found.standard_error, rtol=1e-4)


@pytest.mark.parametrize("name", ["whittle", "variations", "dfa"])
def test_a_path_is_the_sum_of_its_noise(name):
    read = eqx.tree_at(lambda e: e.of, KINDS[name], Path())
    x = SMALL[0] - jnp.mean(SMALL[0])
    path = jnp.concatenate([jnp.zeros(1), jnp.cumsum(x)])
    np.testing.assert_allclose(read(path).hurst, KINDS[name](x).hurst, atol=1e-7)


@pytest.mark.parametrize("name", KINDS)
def test_vmap_is_a_loop_and_jit_is_eager(name):
    estimator = KINDS[name]
    together = jax.jit(jax.vmap(estimator))(SMALL)
    for k, x in enumerate(SMALL):
        np.testing.assert_allclose(together.hurst[k], estimator(x).hurst, atol=1e-7)
    assert "shape (3,)" in repr(together)


@pytest.mark.parametrize("name", KINDS)
def test_single_precision_is_near_double(name):
    found = KINDS[name](SMALL[0].astype(jnp.float32))
    assert found.hurst.dtype == jnp.float32
    np.testing.assert_allclose(found.hurst, KINDS[name](SMALL[0]).hurst, atol=2e-3)


def test_a_path_read_as_a_noise_is_told():
    walk = jnp.cumsum(SMALL[0])
    found = KINDS["whittle"](jnp.cumsum(walk))
    assert bool(found.edge)
    assert "is a path read as a noise" in repr(found)
    assert not bool(KINDS["whittle"](SMALL[0]).edge)


def test_intervals_are_normal():
    found = KINDS["dfa"](SMALL[0])
    low, high = found.interval(0.9)
    assert float(high - low) == pytest.approx(2 * 1.6448536 * float(found.standard_error), rel=1e-6)
    with pytest.raises(ValueError, match="`level` must lie between 0 and 1"):
        found.interval(90)


def test_series_are_read():
    ts = 0.1 * np.arange(128)
    x = np.asarray(SMALL[0])
    assert float(KINDS["dfa"](Series(ts, x)).hurst) == float(KINDS["dfa"](x).hurst)
    with pytest.raises(ValueError, match="`x` must be at regular times"):
        KINDS["dfa"](Series(ts**2, x))
    with pytest.raises(ValueError, match="`x` must be complete"):
        KINDS["dfa"](Series(ts, x, np.arange(128) != 5))
    with pytest.raises(ValueError, match="`x` must be one series of one component"):
        KINDS["dfa"](Series(ts, np.stack([x, x], axis=1)))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda x: x.at[5].set(jnp.nan), r"`x\[5\]` must be finite"),
        (lambda x: x * 0 + 3, "`x` must not be constant"),
        (lambda x: x[:9], "`x` must hold at least"),
        (lambda x: x[:, None], "`x` must be one series"),
    ],
    ids=["NaN", "constant", "short", "matrix"],
)
def test_what_cannot_be_estimated_is_refused(name, spoil, says):
    with pytest.raises(ValueError, match=says):
        KINDS[name](spoil(SMALL[0]))


def test_what_is_missing_is_found_at_run_time():
    with pytest.raises(Exception, match="`x` must be finite"):
        jax.block_until_ready(jax.jit(jax.vmap(KINDS["dfa"]))(SMALL.at[1, 4].set(jnp.nan)))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: DFA(order=-1, of=Noise()), r"DFA\.order"),
        (lambda: Variations(order=1, of=Path()), r"Variations\.order"),
        (lambda: Variations(scales=(1, 1), of=Path()), r"Variations\.scales"),
        (lambda: StructureFunctions(qs=(0.0,), of=Path()), r"StructureFunctions\.qs"),
        (lambda: StructureFunctions(lags=(1, 2), of=Path()), r"StructureFunctions\.lags"),
        (lambda: DFA(sizes=(8, 10, 100), of=Path())(SMALL[0]), "`sizes` must be at least 3"),
    ],
)
def test_wrong_settings_are_named(build, says):
    with pytest.raises(ValueError, match=says):
        build()


# Published series


def _load(name):
    try:
        return load(name)
    except FileNotFoundError as error:
        pytest.skip(f"{name} is absent: set SDEKIT_DATA to a folder that holds it ({type(error).__name__})")


def test_minima_of_the_nile():
    nile = _load("nile_minima")
    assert float(KINDS["mle"](nile).hurst) == pytest.approx(0.831, abs=0.002)
    assert float(KINDS["whittle"](nile).hurst) == pytest.approx(0.839, abs=0.002)


def test_volatility_is_rough():
    log_variance = jnp.log(_load("sp500_realised_variance").ys[:, 1])
    hursts = StructureFunctions(of=Path())(log_variance).diagnostic.hursts
    np.testing.assert_allclose(hursts, [0.138, 0.134, 0.128], atol=6e-4)
