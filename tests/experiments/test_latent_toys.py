"""Latent SDEs of known laws: the truth is what it says, and short fits have all their rows."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest
from scipy import integrate, stats

from sdekit.experiments import _latent_gbm as gbm, _latent_lorenz as lorenz, _toy_scores as scores, _toys as toys
from sdekit.experiments._experiment import Outcome
from sdekit.fit import fit


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [gbm.LATENT_GBM, lorenz.LATENT_LORENZ], ids=lambda e: e.name)
def test_a_short_fit_has_all_rows_and_figures(experiment, tmp_path):
    data = experiment.data({"n": 8}, jax.random.key(0))
    model = experiment.build(data, jax.random.key(1))[toys.MATCHED]
    how = {"key": jax.random.key(2), "batch_size": 4, "steps": 20, "chunk": 20, "progress": False}
    found = fit(model, experiment.objective(toys.MATCHED), data, **how)
    outcome = Outcome(data, {toys.MATCHED: found}, {"held": 2}, jax.random.key(3))
    report = experiment.metrics(outcome)
    rows = {row.metric for row in report if row.model == toys.MATCHED}
    assert rows >= {scores.RATIO, scores.RELATIVE, scores.NOISE, scores.EVIDENCE, scores.ENERGY}
    assert all(np.isfinite(row.value) for row in report)
    assert set(experiment.expected) <= {(row.model, row.metric) for row in report}
    pytest.importorskip("matplotlib", reason="the extra sdekit[plot] is not installed")
    experiment.draw(outcome, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"paths.png", "diffusion.png"}


def test_the_grid_gives_the_evidence_of_one_and_of_two_observations():
    """Against quadrature by SciPy in one dimension, and over the first state by the grid's own nodes in two."""
    ts, ys = jnp.array([0.0, 0.02]), jnp.array([1.1, 1.3])
    start = lambda x: stats.norm.pdf(x, *gbm._START)
    seen = lambda x, y: stats.norm.pdf(y, x, gbm._NOISE)
    step = stats.lognorm(s=gbm._SIGMA * 0.02**0.5, scale=np.exp((gbm._MU - gbm._SIGMA**2 / 2) * 0.02))
    inner = lambda x: integrate.quad(lambda f: step.pdf(f) * seen(x * f, 1.3), 0.5, 2.0, epsabs=1e-10)[0]
    both = integrate.quad(lambda x: start(x) * seen(x, 1.1) * inner(x), 0.3, 2.5, epsabs=1e-10, limit=200)[0]
    found = gbm.grid_evidence(gbm.Series(ts, ys).stack())
    np.testing.assert_allclose(found[0], np.log(both), rtol=1e-4)


def test_the_lorenz_system_in_units_is_the_system():
    raw, toy = lorenz.Lorenz(scale=0.15), lorenz.LORENZ
    x = jnp.array([1.0, -2.0, 20.0])
    centre, unit = np.array(lorenz._CENTRE), np.array(lorenz._UNIT)
    small = jnp.asarray((np.asarray(x) - centre) / unit, x.dtype)
    np.testing.assert_allclose(toy.truth.drift(0.0, small) * unit, raw.drift(0.0, x), rtol=1e-4)
    found = lx.diagonal(toy.truth.diffusion(0.0, small)) * unit
    np.testing.assert_allclose(found, 0.15 * np.asarray(x), rtol=1e-4)
    # Standardised: 2000 paths, and deviations of paths of 10 % at most.
    ys = np.asarray(toy.draw(2000, jax.random.key(0))[1])
    assert np.abs(ys.mean((0, 1))).max() < 0.1
    assert np.abs(ys.std((0, 1)) - 1).max() < 0.1


def test_the_context_of_a_row_is_near_its_observation():
    """The corrections start at the size of the noise: an untrained posterior stands on the data."""
    toy = lorenz.LORENZ
    data, _ = toy.draw(2, jax.random.key(0))
    model = toy.build(data, jax.random.key(1))[toys.MATCHED]

    @eqx.filter_jit
    def means(model, series):
        context = model.encoder(series)
        return jax.vmap(lambda t: model.control(t, context(t))[0])(series.ts)

    assert float(jnp.abs(means(model, data[0]) - data[0].ys).max()) < 2 * toy.noise
