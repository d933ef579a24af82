"""Standard errors and intervals."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from jaxtyping import Array, Float

from sdekit import AbstractParametric, constraints, parameter
from sdekit.data import Series
from sdekit.inference import AbstractLikelihood, confidence
from sdekit.processes import BrownianMotion


class Normal(AbstractParametric):
    mean: Float[Array, ""] = parameter()
    scale: Float[Array, ""] = parameter(constraints.positive)
    twin: Float[Array, ""] = parameter()


class Sample(AbstractLikelihood):
    """Independent normal values; `share` of the mean stands in `twin`, which at 1 cannot be told from it."""

    share: float = 0.0

    def log_prob(self, model, item):
        law = dist.Normal(model.mean + self.share * model.twin, model.scale)
        return jnp.where(item.mask, law.log_prob(item.ys), 0).sum()


YS = np.random.default_rng(0).normal(1.0, 2.0, size=400)
DATA = Series(np.arange(400.0), YS)
FIT = Normal(YS.mean(), YS.std(), 0.0)
HOLD = lambda m: [m.twin]


def test_errors_of_a_normal_sample_are_the_textbooks():
    table = confidence(FIT, Sample(), DATA, level=0.9, frozen=HOLD)
    assert table.names == ("mean", "scale")
    s, n = YS.std(), 400
    np.testing.assert_allclose(table.standard_error, [s / np.sqrt(n), s / np.sqrt(2 * n)], rtol=1e-8)
    z = 1.6448536269514722
    np.testing.assert_allclose(
        table.lower, [YS.mean() - z * s / np.sqrt(n), s * np.exp(-z / np.sqrt(2 * n))], rtol=1e-8
    )
    np.testing.assert_allclose(table.upper, [YS.mean() + z * s / np.sqrt(n), s * np.exp(z / np.sqrt(2 * n))], rtol=1e-8)
    np.testing.assert_allclose(table.covariance, np.diag(table.standard_error**2), atol=1e-12)
    top = dist.Normal(YS.mean(), s).log_prob(YS).sum()
    assert table.log_prob == pytest.approx(float(top), rel=1e-10)
    assert table.aic == pytest.approx(4 - 2 * float(top)) and table.bic == pytest.approx(2 * np.log(n) - 2 * float(top))
    assert table.observations == n and table.warnings == ()


def test_what_the_data_do_not_determine_is_nan_and_named():
    table = confidence(FIT, Sample(1.0), DATA)
    assert np.isnan(table["mean"]["standard_error"]) and np.isnan(table["twin"]["upper"])
    assert table["scale"]["standard_error"] == pytest.approx(YS.std() / np.sqrt(800), rel=1e-6)
    assert "mean, twin" in table.warnings[0]
    unused = confidence(FIT, Sample(), DATA)
    assert np.isnan(unused["twin"]["standard_error"]) and np.isfinite(unused["mean"]["standard_error"])


def test_a_model_that_is_not_at_the_maximum_is_named():
    table = confidence(Normal(YS.mean() + 0.5, YS.std(), 0.0), Sample(), DATA, frozen=HOLD)
    assert any("not at a maximum" in w for w in table.warnings)


def test_items_add_up():
    half = Series(np.stack([np.arange(200.0)] * 2), YS.reshape(2, 200))
    one, two = (confidence(FIT, Sample(), data, frozen=HOLD) for data in (DATA, half))
    np.testing.assert_allclose(one.standard_error, two.standard_error, rtol=1e-10)


def test_tables_are_readable():
    table = confidence(FIT, Sample(1.0), DATA)
    assert "| scale |" in table.to_markdown() and "95% lower" in table.to_markdown()
    assert "Warning: singular information" in repr(table)
    assert json.dumps(table.to_dict())
    frame = table.to_pandas()
    assert list(frame.index) == ["mean", "scale", "twin"] and "upper" in frame.columns
    with pytest.raises(ValueError, match="mean, scale, twin"):
        table["rate"]


def test_wrong_arguments_say_so():
    with pytest.raises(ValueError, match="level"):
        confidence(FIT, Sample(), DATA, level=95)
    with pytest.raises(TypeError, match="AbstractLikelihood"):
        confidence(FIT, lambda *_: 0.0, DATA)
    with pytest.raises(ValueError, match="no free parameter"):
        confidence(FIT, Sample(), DATA, frozen=lambda m: [m.mean, m.scale, m.twin])


class Joint(AbstractParametric):
    factor: Float[Array, "d d"] = parameter(constraints.lower_cholesky)


class JointSample(AbstractLikelihood):
    def log_prob(self, model, item):
        law = dist.MultivariateNormal(jnp.zeros(2), scale_tril=model.factor)
        return jax.vmap(law.log_prob)(item.ys).sum()


def test_entries_of_a_matrix_have_names():
    ys = np.random.default_rng(1).normal(size=(500, 2)) @ np.array([[1.0, 0.5], [0.0, 0.8]])
    factor = np.linalg.cholesky(ys.T @ ys / 500)
    table = confidence(Joint(factor), JointSample(), Series(np.arange(500.0), ys))
    assert table.names == ("factor[0, 0]", "factor[0, 1]", "factor[1, 0]", "factor[1, 1]")
    assert table["factor[0, 0]"]["standard_error"] == pytest.approx(factor[0, 0] / np.sqrt(1000), rel=1e-6)
    assert table["factor[0, 1]"]["standard_error"] == 0
    assert table.warnings == ()


def test_intervals_cover_at_their_level(key):
    """150 fits of the scale of a Brownian motion in closed form: 90% coverage, false alarm 1e-6."""
    from sdekit.evaluate import assert_proportion
    from sdekit.inference import TransitionLikelihood

    ts = jnp.linspace(0.0, 1.0, 51)
    paths = jax.jit(jax.vmap(lambda k: jnp.cumsum(jax.random.normal(k, (50,)) * 0.5 * jnp.sqrt(0.02))))(
        jax.random.split(key, 150)
    )
    hits = []
    for xs in np.asarray(paths):
        ys = np.r_[0.0, xs]
        scale = np.sqrt(np.sum(np.diff(ys) ** 2))
        table = confidence(
            BrownianMotion(scale), TransitionLikelihood(), Series(ts, ys), level=0.9, frozen=lambda m: [m.drift_rate]
        )
        hits.append(table["scale"]["lower"] < 0.5 < table["scale"]["upper"])
    assert_proportion(sum(hits), 150, 0.9)
