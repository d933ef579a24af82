"""The experiments of interpolants: their toys, their oracles, and that untrained models are what they claim to be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit._draws import draws
from sdekit.experiments import (
    _dale_lognormal as dale,
    _digits as digits,
    _digits_model as model,
    _gauge_manifold as gauge,
    _planar as planar,
    _si_gmm as mixtures,
    _si_mirror as mirror,
    get,
    run,
)
from sdekit.interpolants import base_law, exact_field, flow, gaussian_flow, geometric_brownian, marginal_law


def test_the_checkerboard_has_eight_even_cells():
    """Eight counts of a multinomial: chi-squared with 7 degrees of freedom, at 1e-6."""
    x = planar.checkerboard(8000, jax.random.key(0))
    assert float(planar.leak(x)) == 0
    masses = mirror.cells(x)
    assert masses.sum() == pytest.approx(1)
    assert ((masses * 8000 - 1000) ** 2 / 1000).sum() < stats.chi2.isf(1e-6, 7)
    inside = np.asarray(x) % 2 / 2
    for column in inside.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-6


def test_half_of_a_square_is_off_the_checkerboard():
    """Binomial with 4000 points: 4.9 standard deviations at 1e-6."""
    x = jax.random.uniform(jax.random.key(0), (4000, 2), minval=-4.0, maxval=4.0)
    assert abs(float(planar.leak(x)) - 0.5) < 4.9 * 0.5 / 4000**0.5
    assert float(planar.leak(jnp.array([[5.0, 1.0], [1.0, -4.5]]))) == 1


def test_the_entropy_of_the_moons_by_quadrature():
    """Their density is the share of each arc in a square of side 0.6 behind a point."""
    turn = (np.arange(1000) + 0.5) / 1000 * np.pi
    arcs = [(np.cos(turn), np.sin(turn)), (1 - np.cos(turn), 0.5 - np.sin(turn))]
    rng = np.random.default_rng(0)
    x = np.asarray(planar.moons(3000, jax.random.key(0)), np.float64)
    hit = lambda a, v: (v[:, None] >= 3 * a - 1) & (v[:, None] < 3 * a - 1 + 0.6)
    density = sum((hit(a, x[:, 0]) & hit(b, x[:, 1])).mean(1) for a, b in arcs) / 2 / 0.36
    losses = -np.log(density + 1e-9 * rng.random(3000))
    assert abs(losses.mean() - planar.MOONS_ENTROPY) < 4.9 * losses.std() / 3000**0.5 + 0.003


def test_untrained_digits_are_gaussian():
    """The network adds nothing at first: the flow moves points as that of the Gaussian law with their moments."""
    data = model.load_digits("train")
    field = model.digits_field(data, jax.random.key(0), 16)
    about = field.parts[0].function
    x = jax.random.normal(jax.random.key(1), (model.DIM,), jnp.float32)
    found, volume = flow(field, x, start=0.0, stop=1.0, steps=48)
    covariance = (about.vectors * about.values[None]) @ about.vectors.T
    np.testing.assert_allclose(found, gaussian_flow(field.path, about.mean, covariance, 0.0, 1.0, x), atol=2e-3)
    np.testing.assert_allclose(volume, 0.5 * np.log(np.asarray(about.values)).sum(), rtol=1e-3)
    images = np.asarray(data.series.ys[:, 0])
    assert images.shape == (1200, 64)
    assert set(np.unique(images)) <= set(range(17))
    assert base_law(field.path, model.DIM).event_shape == (64,)


def test_nearest_neighbours_by_brute_force():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(9, 3))
    brute = np.sort(np.linalg.norm(x[:, None] - y[None], axis=-1), axis=1)
    np.testing.assert_allclose(digits.nearest(x, y), brute[:, 0])
    np.testing.assert_allclose(digits.nearest(x, y, 1), brute[:, 1])


def test_fewer_coordinates_of_a_mixture_are_a_mixture():
    """The first coordinates of a draw in many dimensions have the moments of the law in few."""
    wide, narrow = mixtures.law(1, 128), mixtures.law(1, 2)
    np.testing.assert_allclose(wide.mean[:2], narrow.mean, rtol=1e-6)
    np.testing.assert_allclose(wide.variance[:2], narrow.variance, rtol=1e-5)


def test_exact_fields_cost_no_divergence_and_shifts_what_they_should():
    """A velocity wrong by .3 and a score wrong by .15 everywhere: the integrals are squares times the length."""
    from sdekit.interpolants import Field, Score, Velocity

    exact = exact_field(mixtures.path(), mixtures.law(0, 2), mixtures.law(1, 2))
    off = Field(
        mixtures.path(), Velocity(lambda t, x: exact.velocity(t, x) + 0.3), Score(lambda t, x: exact.score(t, x) + 0.15)
    )
    x0, x1 = (draws(mixtures.law(i, 2), 64, jax.random.key(i)) for i in (0, 1))
    found = mixtures.path_divergence({"off": off}, exact, x0, x1, jax.random.key(2))["off"]
    np.testing.assert_allclose(found, 0.96 * np.array([0.09, 0.09, 0.0225]), rtol=1e-3)
    # (1 / 4 eps) |db + eps ds|^2 with both components alike
    assert mixtures.of_epsilon((0.09, 0.09, 0.0225), 2.0) == pytest.approx(2 * (0.3 + 2 * 0.15) ** 2 / (4 * 2))


def test_the_sphere_and_the_roll_are_surfaces():
    x = np.asarray(gauge.sphere(100, jax.random.key(0)))
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 3**0.5, rtol=1e-5)
    assert np.linalg.matrix_rank(x, tol=1e-4) == 3
    roll = np.asarray(gauge.swiss_roll(100, jax.random.key(0)))
    radius, turn = np.hypot(roll[:, 0], roll[:, 2]) * 7, np.arctan2(roll[:, 2], roll[:, 0])
    assert np.abs((radius - turn + np.pi) % (2 * np.pi) - np.pi).max() < 1e-4


def test_factors_keep_the_sign_and_sums_do_not():
    path = geometric_brownian(dale._RATE, 2.0)
    start = jnp.exp(draws(marginal_law(path, 1.0, dale.logs()), 500, jax.random.key(0)))
    field = exact_field(path, dale.logs())
    assert (np.asarray(dale.preserving(field, start, 10, jax.random.key(1))) > 0).all()
    assert (np.asarray(dale.ambient(field, 2.0, start, 10, jax.random.key(1))) < 0).any()


def test_quantiles_of_log_normal_data_are_moved_exactly():
    assert dale.quantile_error(0.5) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["si-checkerboard-full", "si-gmm", "si-mirror", "score-sde-2d", "painters-digits", "gauge-manifold", "digits"],
)
def test_experiments_run_at_the_small_scale(name, tmp_path):
    found = run(get(name), scale="smoke", seed=0, out=tmp_path, progress=False)
    assert all(np.isfinite(row.value) for row in found.report if row.value is not None)
    assert list(tmp_path.glob("*.png"))
