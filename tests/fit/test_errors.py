"""Every error says what, where, the value and the remedy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sdekit._errors import FitError
from sdekit.data import Series
from sdekit.fit import FullBatch, fit
from sdekit.inference import AbstractObjective

from .toys import GaussianLoss, Line, line, lines, same_bits


class Returns(AbstractObjective):
    """An objective from a function of the model."""

    function: object

    def __call__(self, model, batch, *, key):
        return self.function(model)


@pytest.mark.parametrize(
    ("answer", "error", "match"),
    [
        (lambda m: m.slope, TypeError, r"must return \(loss, metrics\)"),
        (lambda m: (m.slope, {}), ValueError, r"Returns.__call__` must return a loss of shape \(\), got \(2,\)"),
        (lambda m: (jnp.sum(m.slope > 0), {}), TypeError, "real floating-point loss, got 'int"),
        (lambda m: (m.slope.sum(), {"kl": m.slope}), ValueError, r"__call__: kl` must have shape \(\), got \(2,\)"),
        (lambda m: (m.slope.sum(), {"seconds": 0.0}), ValueError, "is a name that `fit` uses itself"),
        (lambda m: (jax.lax.stop_gradient(m.slope).sum(), {}), ValueError, "does not depend on a trainable parameter"),
    ],
)
def test_objectives_that_are_none(key, answer, error, match):
    with pytest.raises(error, match=match):
        fit(line(), Returns(answer), lines(), key=key, steps=1, progress=False)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"steps": 0}, ValueError, "`steps` must be at least 1, got 0"),
        ({"chunk": 0}, ValueError, "`chunk` must be at least 1, got 0"),
        ({"batch_size": 9}, ValueError, "`batch_size` must not exceed the 8 items to train on, got 9"),
        ({"batch_size": 7, "valid": 0.25}, ValueError, "must not exceed the 6 items"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1"),
        ({"batch_size": 2, "optimiser": FullBatch()}, ValueError, "must be None for a deterministic optimiser"),
        ({"patience": 3}, ValueError, "`patience` needs `valid`"),
        ({"tolerance": 0.0}, ValueError, "`tolerance` must be positive"),
        ({"optimiser": "adam"}, TypeError, "`optimiser` must be an optax transformation"),
        ({"frozen": lambda m: [m.slope, m.noise]}, ValueError, "`model` has no trainable parameter"),
        ({"model": {"name": 1.0}}, ValueError, "`model` has no trainable parameter"),
        ({"objective": lambda *_: 0.0}, TypeError, "`objective` must be a AbstractObjective"),
        ({"data": jnp.zeros(3)}, TypeError, "`data` must be a AbstractRecord"),
        ({"mesh": jax.sharding.Mesh(np.array(jax.devices()[:1]), ("model",))}, ValueError, 'must have an axis "data"'),
    ],
)
def test_arguments_that_do_not_fit(key, change, error, match):
    options = {"model": line(), "objective": GaussianLoss(), "data": lines(), "key": key, "progress": False}
    with pytest.raises(error, match=match):
        fit(**{**options, **change})


def test_an_empty_record(key):
    empty = jax.tree.map(lambda x: x[:0], lines())
    with pytest.raises(ValueError, match="`data` must not be empty, got 0"):
        fit(line(), GaussianLoss(), empty, key=key, progress=False)


def test_a_parameter_on_the_edge_of_its_domain(key):
    start = jax.tree.map(lambda x: x, line())
    object.__setattr__(start, "noise", jnp.zeros(1))
    with pytest.raises(ValueError, match="`noise` is not finite in unconstrained coordinates"):
        fit(start, GaussianLoss(), lines(), key=key, progress=False)


def test_an_initial_loss_that_is_not_finite_names_metric_and_leaf(key):
    answer = lambda m: (jnp.log(m.slope[0]) + m.noise[0], {"good": m.noise[0], "bad": jnp.log(m.slope[0])})
    with pytest.raises(FitError, match="the first step, before any parameter moved") as caught:
        fit(line(), Returns(answer), lines(), key=key, steps=10, optimiser=optax.sgd(0.1), progress=False)
    message = str(caught.value)
    assert "the loss is -inf, with metrics bad, and its gradient is not finite first in `slope`" in message
    assert "Check the model and the data" in message
    assert caught.value.fit.steps == 0
    assert isinstance(caught.value.fit.model, Line)


def test_a_fit_that_diverges_names_the_steps_and_keeps_the_last_good_fit(key, tmp_path):
    # slope <- slope - 0.1, and the loss is NaN once slope < -2.65: at step 27.
    answer = lambda m: (m.slope[1] + jnp.where(m.slope[1] < -2.65, jnp.nan, 0.0) * m.slope[1], {})
    options = {"key": key, "chunk": 10, "optimiser": optax.sgd(0.1), "progress": False}
    with pytest.raises(FitError, match=r"at step 27 \(steps 20 to 27 of this chunk\)") as caught:
        fit(line(), Returns(answer), lines(), steps=40, checkpoint=tmp_path / "a.ckpt", **options)
    message = str(caught.value)
    assert "the loss is nan, and its gradient is not finite first in `slope`" in message
    assert "a.ckpt" in message
    assert "Lower the learning rate" in message
    kept = caught.value.fit
    good = fit(line(), Returns(answer), lines(), steps=20, **options)
    assert kept.steps == 20
    assert same_bits(kept.state, good.state)
    np.testing.assert_array_equal(kept.history["step"], [10, 20])
    # The file was left as it was at the last good chunk, so that the same call meets the same step again.
    again = fit(line(), Returns(answer), lines(), steps=20, checkpoint=tmp_path / "a.ckpt", **options)
    assert same_bits(again.state, good.state)


def test_a_gradient_or_an_update_that_is_not_finite(key):
    root = lambda m: (jnp.sqrt(m.slope[1] ** 2), {})
    with pytest.raises(FitError, match=r"the loss is 0, but its gradient is not finite first in `slope`"):
        fit(line(), Returns(root), lines(), key=key, steps=3, optimiser=optax.sgd(0.1), progress=False)
    plain = lambda m: (m.slope.sum() + 3 * m.noise[0], {})
    with pytest.raises(FitError, match=r"the optimiser moved `slope` out of the finite numbers"):
        fit(line(), Returns(plain), lines(), key=key, steps=3, optimiser=optax.sgd(jnp.inf), progress=False)


def test_a_validation_loss_that_is_not_finite(key):
    class Sums(AbstractObjective):
        def __call__(self, model, batch, *, key):
            return model.slope.sum() * batch.ys.mean() / (8.0 - batch.ys.shape[0] * 4.0), {}

    valid = Series(lines().ts[:2], lines().ys[:2])
    with pytest.raises(FitError, match=r"The validation loss is .* at step 5, with a finite training loss"):
        fit(line(), Sums(), lines(), key=key, steps=5, valid=valid, optimiser=optax.sgd(0.1), progress=False)
