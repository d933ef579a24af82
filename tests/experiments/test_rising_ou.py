"""The process of the thesis: its scores at exact draws, and short fits by a score and against a critic."""

import jax
import numpy as np
import pytest

from sdekit.experiments import (
    _fdm_ou as matched,
    _rising_ou as rising,
    _sde_gan_ou as played,
    _signature_ou as whole,
)
from sdekit.experiments._experiment import Outcome
from sdekit.fit import fit


def test_exact_draws_have_small_scores_and_others_have_not():
    """Of 4096 draws: W1 is about .016 deviations at one time, the worst covariance about .06; bounds are twice that."""
    xs = np.asarray(rising._paths(4096, jax.random.key(0)), float)
    rows = {row.metric: row.value for row in rising._scores("", xs)}
    assert rows[rising.W1] < 0.08
    assert rows[rising.COV] < 0.12
    far = {row.metric: row.value for row in rising._scores("", 1.5 * xs)}
    assert far[rising.COV] > 1.0


def test_values_are_standard_at_every_time_and_the_slope_is_that_of_the_mean():
    xs = np.asarray(rising._paths(64, jax.random.key(0)), np.float32)
    standard, ts = rising.Standard.of(xs), np.arange(64, dtype=np.float32) / 63
    seen = np.asarray(jax.vmap(jax.vmap(standard), (None, 0))(ts, xs[..., None]))[..., 0]
    np.testing.assert_allclose(seen.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(seen.std(0), 1, atol=1e-4)
    slopes = np.asarray(jax.vmap(standard.slope)(ts[:-1]))
    np.testing.assert_allclose(slopes / 63, np.diff(xs.mean(0)), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [matched.FDM_OU, played.SDE_GAN_OU, whole.SIGNATURE_OU], ids=lambda e: e.name)
def test_a_short_fit_has_all_rows(experiment):
    data = experiment.data({"n": 64}, jax.random.key(0))
    model = experiment.build(data, jax.random.key(1))[rising.MODEL]
    optimiser = experiment.scales["smoke"]["fit"]["optimiser"]
    found = fit(model, experiment.objective(rising.MODEL), data, key=jax.random.key(2), steps=4, chunk=4, batch_size=16,
                optimiser=optimiser, progress=False)  # fmt: skip
    outcome = Outcome(data, {rising.MODEL: found}, {"draws": 64}, jax.random.key(3))
    report = experiment.metrics(outcome).expect(experiment.expected)
    assert all(np.isfinite(row.value) for row in report)
