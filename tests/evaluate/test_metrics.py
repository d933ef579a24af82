"""Metrics on models whose scores are known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit.data import Events, Series
from sdekit.evaluate import (
    AIC,
    BIC,
    CRPS,
    MAE,
    PIT,
    RMSE,
    AbstractMetric,
    Bias,
    Climatology,
    Coverage,
    EnergyScore,
    Ensemble,
    Estimate,
    Forecast,
    IntervalScore,
    KernelLogScore,
    LogLikelihood,
    LogScore,
    Persistence,
    assert_mean,
    baselines,
    evaluate,
    pooled,
)
from sdekit.processes import AbstractDensity, OrnsteinUhlenbeck


ITEMS, TIMES = 24, 8


@pytest.fixture(scope="module")
def ou():
    return OrnsteinUhlenbeck(rate=0.5, mean=1.0, scale=0.8)


@pytest.fixture(scope="module")
def data(ou):
    ts = jnp.cumsum(jnp.array([0.0, 0.3, 1.0, 0.5, 0.2, 1.5, 0.4, 0.8]))
    ys = ou.sample(ts, key=jax.random.key(3), n=ITEMS).xs
    return Series(jnp.broadcast_to(ts, (ITEMS, TIMES)), ys)


@pytest.fixture(scope="module")
def report(ou, data):
    scores = [CRPS(), EnergyScore(), EnergyScore(pathwise=True), Coverage(0.9), PIT(), RMSE(), MAE(), Bias(),
              IntervalScore(0.8), KernelLogScore()]  # fmt: skip
    models = {"ou": ou, "wrong": OrnsteinUhlenbeck(rate=0.5, mean=3.0, scale=0.4), **baselines(data)}
    metrics = [Forecast(scores, past=0.5, n=399), LogScore(past=0.5), LogLikelihood(), AIC(), BIC()]
    return evaluate(models, data, metrics, key=jax.random.key(4))


def law_ahead(data):
    """Mean and standard deviation of the last four values given the fourth: elementary formulas."""
    h = np.asarray(data.ts[0, 4:] - data.ts[0, 3])[None, :, None]
    a = np.exp(-0.5 * h)
    return 1.0 + a * (np.asarray(data.ys[:, 3:4]) - 1.0), np.broadcast_to(0.8 * np.sqrt(1 - a**2), (ITEMS, 4, 1))


def test_forecast_scores_agree_with_closed_forms(data, report):
    mean, sd = law_ahead(data)
    z = (np.asarray(data.ys[:, 4:]) - mean) / sd
    crps = sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    tolerance = 0.03  # 399 draws of 96 values; the draws of one item move together
    np.testing.assert_allclose(report["ou", "CRPS"].value, crps.mean(), atol=tolerance)
    np.testing.assert_allclose(report["ou", "energy"].value, report["ou", "CRPS"].value, rtol=1e-9)
    np.testing.assert_allclose(report["ou", "RMSE"].value, np.sqrt(((z * sd) ** 2).mean()), atol=tolerance)
    np.testing.assert_allclose(report["ou", "MAE"].value, np.abs(z * sd).mean(), atol=tolerance)
    np.testing.assert_allclose(report["ou", "bias"].value, -(z * sd).mean(), atol=tolerance)
    np.testing.assert_allclose(report["ou", "coverage 90%"].value, (np.abs(z) < 1.645).mean(), atol=0.05)
    width = 2 * 1.2816 * sd
    interval = width + 10 * np.maximum(np.abs(z) * sd - width / 2, 0)
    np.testing.assert_allclose(report["ou", "interval 80%"].value, interval.mean(), rtol=0.06)
    np.testing.assert_allclose(report["ou", "CRPS"].error, crps.mean((1, 2)).std(ddof=1) / np.sqrt(ITEMS), rtol=0.1)


def test_log_score_is_the_density_of_the_future(data, report):
    h = np.asarray(data.ts[0, 4:] - data.ts[0, 3:-1])[None, :, None]
    a = np.exp(-0.5 * h)
    y = np.asarray(data.ys)
    log = stats.norm.logpdf(y[:, 4:], 1.0 + a * (y[:, 3:-1] - 1.0), 0.8 * np.sqrt(1 - a**2))
    np.testing.assert_allclose(report["ou", "log score"].value, log.mean(), rtol=1e-9)
    items = log.mean((1, 2))
    np.testing.assert_allclose(report["ou", "log score"].error, items.std(ddof=1) / np.sqrt(ITEMS), rtol=1e-9)


def test_information_criteria(ou, data, report):
    total = sum(float(_dense(data[i])) for i in range(ITEMS))
    np.testing.assert_allclose(report["ou", "log-likelihood"].value, total, rtol=1e-9)
    np.testing.assert_allclose(report["ou", "AIC"].value, 6 - 2 * total, rtol=1e-9)
    np.testing.assert_allclose(report["ou", "BIC"].value, 3 * np.log(ITEMS * TIMES) - 2 * total, rtol=1e-9)
    frozen = evaluate(ou, data, AIC(frozen=lambda m: m.rate), key=jax.random.key(0))
    np.testing.assert_allclose(frozen["OrnsteinUhlenbeck", "AIC"].value, 4 - 2 * total, rtol=1e-9)


def _dense(item):
    """The density of a stationary Ornstein-Uhlenbeck path as one Gaussian vector."""
    ts = np.asarray(item.ts)
    cov = 0.64 * np.exp(-0.5 * np.abs(ts[:, None] - ts[None]))
    return stats.multivariate_normal(np.ones(TIMES), cov).logpdf(np.asarray(item.ys)[:, 0])


def test_the_truth_wins_where_scores_rank(report):
    for metric in (
        "CRPS",
        "energy",
        "path energy",
        "RMSE",
        "interval 80%",
        "log score",
        "log-likelihood",
        "AIC",
        "BIC",
    ):
        assert report.best(metric) == "ou"


def test_baselines_stand_in_the_table(report, data):
    assert report.models == ("ou", "wrong", "persistence", "climatology")
    gap = np.asarray(jnp.abs(data.ys[:, 4:] - data.ys[:, 3:4]))
    np.testing.assert_allclose(report["persistence", "CRPS"].value, gap.mean(), rtol=1e-9)
    np.testing.assert_allclose(report["persistence", "MAE"].value, gap.mean(), rtol=1e-9)
    assert report["persistence", "log score"].value is None


def test_persistence_takes_the_last_observed_value():
    mask = jnp.array([[True, True], [True, False], [False, False]])
    series = Series(jnp.arange(3.0), jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), mask)
    np.testing.assert_array_equal(Persistence(jnp.zeros(2)).condition(series).level, [3.0, 2.0])
    empty = Series(jnp.arange(3.0), jnp.zeros((3, 2)), jnp.zeros((3, 2), bool))
    np.testing.assert_array_equal(Persistence(jnp.array([7.0, 8.0])).condition(empty).level, [7.0, 8.0])
    with pytest.raises(ValueError, match=r"must have 1 component"):
        Persistence(0.0).condition(series)


def test_climatology_draws_whole_rows(key):
    mask = jnp.array([[True, True], [True, False], [True, True]])
    series = Series(jnp.arange(3.0), jnp.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), mask)
    given = Climatology(jnp.zeros((1, 2))).condition(series)
    xs = given.sample(jnp.arange(3.0, 5.0), key=key, n=2000).xs
    assert_mean(xs[:, 0], np.array([2.0, 20.0]), effect=2.0)
    np.testing.assert_array_equal(xs[..., 1], 10 * xs[..., 0])
    assert set(np.unique(xs[..., 0])) == {1.0, 3.0}
    with pytest.raises(ValueError, match="row observed in full"):
        Climatology(jnp.zeros((1, 2))).condition(Series(jnp.arange(2.0), jnp.ones((2, 2)), mask[1:2].repeat(2, 0)))


def test_masked_values_and_padding_change_no_score(ou, data):
    metric = Forecast([CRPS(), RMSE(), Coverage(0.5), EnergyScore(), PIT()], past=0.5, n=29)
    hidden = data.mask.at[:, -1].set(False).at[0, 5].set(False)
    a = Series(data.ts, data.ys, hidden)
    b = Series(data.ts, jnp.where(hidden, data.ys, 1e6), hidden)
    first, second = (evaluate(ou, x, [metric, LogScore(until=1.8)], key=jax.random.key(5)) for x in (a, b))
    assert first.to_json() == second.to_json()
    ensemble = metric.ensemble(ou, a, key=jax.random.key(6))
    wild = Ensemble(
        jnp.where(ensemble.mask, ensemble.samples, jnp.nan), jnp.where(ensemble.mask, ensemble.ys, jnp.nan),
        ensemble.mask,
    )  # fmt: skip
    for score in (CRPS(), RMSE(), EnergyScore(pathwise=True), IntervalScore(0.5), Bias(), MAE(), PIT()):
        for name, value in score(ensemble, key=jax.random.key(7)).items():
            np.testing.assert_allclose(score(wild, key=jax.random.key(7))[name].value, value.value, rtol=1e-9)


def test_until_is_a_time_and_items_may_have_their_own(ou, data):
    ts = data.ts + 0.05 * jnp.arange(ITEMS)[:, None]
    own = Series(ts, data.ys)
    value = evaluate(ou, own, LogScore(until=float(ts[12, 3])), key=jax.random.key(0))["OrnsteinUhlenbeck", "log score"]
    whole = [_dense(own[i]) for i in range(ITEMS)]
    total = held = 0.0
    for i in range(ITEMS):
        k = int((ts[i] <= ts[12, 3]).sum())
        cov = 0.64 * np.exp(-0.5 * np.abs(np.asarray(ts[i, :k, None] - ts[i, None, :k])))
        total += whole[i] - stats.multivariate_normal(np.ones(k), cov).logpdf(np.asarray(data.ys[i, :k, 0]))
        held += TIMES - k
    np.testing.assert_allclose(value.value, total / held, rtol=1e-9)


class Poisson(AbstractDensity):
    rate: jax.Array
    dim = 1

    def draw(self, ts, *, key):
        raise NotImplementedError

    def log_prob(self, record):
        return record.observed() * jnp.log(self.rate) - self.rate * (record.t1 - record.t0)


def test_log_score_of_events():
    ts = np.sort(np.random.default_rng(0).uniform(0.0, 10.0, size=(5, 20)), axis=1)
    report = evaluate(Poisson(jnp.array(1.7)), Events(ts, t0=0.0, t1=10.0), LogScore(past=0.6), key=jax.random.key(0))
    later = (ts > 6.0).sum()
    np.testing.assert_allclose(report["Poisson", "log score"].value, np.log(1.7) - 1.7 * 4.0 * 5 / later, rtol=1e-9)
    with pytest.raises(TypeError, match="must hold values at times"):
        baselines(Events(ts, t0=0.0, t1=10.0))
    with pytest.raises(TypeError, match=r"`data` must hold values at times, got 'Events'"):
        Forecast([CRPS()])(Persistence(), Events(ts, t0=0.0, t1=10.0), key=jax.random.key(0))


def test_pooled_is_the_ratio_estimator():
    """Its error against the jackknife, and against simulation."""
    g = np.random.default_rng(0)
    weights = g.integers(1, 9, size=4000)
    values = weights * (2.0 + g.normal(size=4000))
    got = pooled([jnp.asarray(values)], [jnp.asarray(weights)])
    rest = (values.sum() - values) / (weights.sum() - weights)
    jackknife = np.sqrt((len(rest) - 1) * ((rest - rest.mean()) ** 2).mean())
    np.testing.assert_allclose(got.value, values.sum() / weights.sum(), rtol=1e-12)
    np.testing.assert_allclose(got.error, jackknife, rtol=1e-2)
    split = pooled([jnp.asarray(values[:7]), jnp.asarray(values[7:])], [weights[:7], weights[7:]])
    np.testing.assert_allclose(split.error, got.error, rtol=1e-12)
    assert pooled([jnp.ones((1, 3))], [jnp.ones((1, 3))]).error is None


class Count(AbstractMetric):
    needs = (object,)

    def __call__(self, model, data, *, key):
        return {"observed": data.observed(), "guess": Estimate(jnp.array(1.0), jnp.array(0.1), 1.0)}


class Vector(AbstractMetric):
    needs = (object,)

    def __call__(self, model, data, *, key):
        return {"many": jnp.zeros(3)}


def test_a_metric_is_any_function_of_model_and_data(data):
    report = evaluate({"anything": 3, "else": None}, data, [Count()], key=jax.random.key(0))
    assert report["anything", "observed"].value == ITEMS * TIMES
    assert report["else", "guess"].error == pytest.approx(0.1)


def test_evaluate_says_what_is_wrong(ou, data):
    key = jax.random.key(0)
    with pytest.raises(TypeError, match=r"lacks what LogScore needs.*persistence \(Persistence\)"):
        evaluate({"persistence": Persistence()}, data, LogScore(), key=key)
    with pytest.raises(ValueError, match="must give different names"):
        evaluate(ou, data, [LogLikelihood(), LogLikelihood()], key=key)
    with pytest.raises(ValueError, match="`many` must be a number"):
        evaluate(ou, data, Vector(), key=key)
    with pytest.raises(ValueError, match="`scores` must not be empty"):
        Forecast([])
    with pytest.raises(ValueError, match="`level` must lie strictly between 0 and 1"):
        Coverage(90)
    with pytest.raises(ValueError, match="`metrics` must not be empty"):
        evaluate(ou, data, [], key=key)


def test_item_and_stack_of_one_agree(ou, data):
    metric = [Forecast([CRPS()], past=0.5, n=19), LogScore(past=0.5)]
    one, stack = (evaluate(ou, x, metric, key=jax.random.key(1)) for x in (data[0], data[:1]))
    assert one.to_json() == stack.to_json()
    assert one["OrnsteinUhlenbeck", "CRPS"].error is None


def test_float32_is_kept(data):
    small = Series(data.ts.astype(jnp.float32), data.ys.astype(jnp.float32))
    model = OrnsteinUhlenbeck(*jnp.array([0.5, 1.0, 0.8], jnp.float32))
    ensemble = Forecast([CRPS()], past=0.5, n=9).ensemble(model, small, key=jax.random.key(0))
    assert ensemble.samples.dtype == jnp.float32
    assert CRPS()(ensemble, key=jax.random.key(0))["CRPS"].value.dtype == jnp.float32
