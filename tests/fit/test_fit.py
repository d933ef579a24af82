"""The loop against closed forms, and its promises: bits, programs, synchronisations."""

import importlib
import io
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optimistix as optx
import pytest

from sdekit import named_parameters
from sdekit.fit import Fit, FullBatch, Optax, Optimistix, fit
from sdekit.processes import OrnsteinUhlenbeck

from .toys import (
    GaussianLoss,
    Line,
    OUTransitions,
    ar1,
    least_squares,
    line,
    lines,
    ornstein_uhlenbeck,
    same_bits,
    same_history,
)


loop = importlib.import_module("sdekit.fit._fit")
QUIET = {"progress": False}
ADAM = optax.adam(0.05)


@pytest.mark.parametrize("optimiser", [FullBatch(), Optimistix(optx.BFGS(1e-9, 1e-9)), optax.lbfgs()])
def test_least_squares_has_its_closed_form(key, optimiser):
    data = lines()
    result = fit(line(), GaussianLoss(), data, key=key, steps=100, optimiser=optimiser, tolerance=1e-11, **QUIET)
    slope, noise = least_squares(data)
    assert result.converged
    assert result.steps < 100 or "settled" in result.stopped
    np.testing.assert_allclose(result.model.slope, slope, atol=1e-8)
    np.testing.assert_allclose(result.model.noise, noise, rtol=1e-8)


def test_ornstein_uhlenbeck_has_the_estimates_of_the_autoregression(key):
    data = ornstein_uhlenbeck()
    start = OrnsteinUhlenbeck(rate=0.5, mean=0.0, scale=1.0)
    result = fit(start, OUTransitions(), data, key=key, optimiser=FullBatch(), tolerance=1e-10, **QUIET)
    found = [float(x[0]) for x in named_parameters(result.model).values()]
    assert result.converged
    np.testing.assert_allclose(found, ar1(data), rtol=1e-6)


def test_adam_in_batches_comes_near_the_closed_form(key):
    data = lines(items=32)
    schedule = optax.cosine_decay_schedule(0.05, 1500)
    result = fit(
        line(), GaussianLoss(), data, key=key, steps=1500, batch_size=8, optimiser=optax.adam(schedule), **QUIET
    )
    np.testing.assert_allclose(result.model.slope, least_squares(data)[0], atol=0.02)
    assert result.stopped == "all steps taken"


def test_full_batch_holds_the_noise_of_the_objective_fixed(key):
    # With common random numbers the loss is a deterministic function with an exact stationary point.
    objective = GaussianLoss(jitter=0.1)
    result = fit(line(), objective, lines(), key=key, steps=200, optimiser=FullBatch(), tolerance=1e-10, **QUIET)
    assert result.stopped == "the gradient is below the tolerance"
    noisy = fit(line(), objective, lines(), key=key, steps=100, optimiser=ADAM, tolerance=1e-10, **QUIET)
    assert not noisy.converged


def test_frozen_and_fixed_leaves_keep_their_bits(key):
    start = Line(jnp.array([0.1, 0.2]), jnp.array([0.37]), jnp.array([0.123]))
    result = fit(start, GaussianLoss(), lines(), key=key, steps=20, frozen=lambda m: m.noise, **QUIET)
    assert same_bits((result.model.noise, result.model.offset), (start.noise, start.offset))
    assert not same_bits(result.model.slope, start.slope)


def test_the_history_has_a_row_a_chunk(key):
    data, seen = lines(), []
    result = fit(
        line(), GaussianLoss(), data, key=key, steps=25, chunk=10, optimiser=ADAM, callbacks=[seen.append], **QUIET
    )
    h = result.history
    assert list(h) == ["step", "loss", "square", "gradient", "seconds"]
    np.testing.assert_array_equal(h["step"], [10, 20, 25])
    assert (np.diff(h["seconds"]) > 0).all()
    assert h.to_pandas().loc[25, "loss"] == h["loss"][-1]
    assert [f.steps for f in seen] == [10, 20, 25]
    assert all(isinstance(f, Fit) for f in seen)
    with pytest.raises(KeyError, match="square"):
        h["nonsense"]
    # The mean of the losses of the steps, from a loop written out.
    every = fit(line(), GaussianLoss(), data, key=key, steps=25, chunk=1, optimiser=ADAM, **QUIET)
    means = [every.history["loss"][a:b].mean() for a, b in ((0, 10), (10, 20), (20, 25))]
    np.testing.assert_allclose(h["loss"], means, rtol=1e-12)
    assert same_bits(every.state, result.state)


def test_a_step_is_what_it_is_said_to_be(key):
    """Against a loop in plain Python, from the definition."""
    data, objective, optimiser = lines(), GaussianLoss(jitter=0.3), optax.sgd(0.1)
    result = fit(line(), objective, data, key=key, steps=4, batch_size=3, optimiser=optimiser, **QUIET)

    @jax.jit
    def gradient(params, s):
        batch_key, objective_key = jax.random.split(jax.random.fold_in(key, s))
        batch = data.draw(3, key=batch_key)
        return jax.grad(lambda p: objective(Line(p[0], jnp.exp(p[1])), batch, key=objective_key)[0])(params)

    slope, noise = jnp.zeros(2), jnp.zeros(1)
    for s in range(4):
        grad = gradient((slope, noise), s)
        slope, noise = slope - 0.1 * grad[0], noise - 0.1 * grad[1]
    np.testing.assert_allclose(result.model.slope, slope, rtol=1e-12)
    np.testing.assert_allclose(result.model.noise, jnp.exp(noise), rtol=1e-12)


def test_a_second_fit_traces_nothing(key):
    traces = []

    class Counting(GaussianLoss.__base__):
        def __call__(self, model, batch, *, key):
            traces.append(1)
            return jnp.mean((batch.ys - model.slope[0]) ** 2), {}

    run = lambda seed, steps, rate: fit(
        line(slope=(seed, 1.0)), Counting(), lines(seed=seed), key=jax.random.fold_in(key, seed), steps=steps, chunk=10,
        optimiser=optax.chain(optax.clip(1.0), optax.adam(rate)), batch_size=2, valid=0.25, **QUIET,
    )  # fmt: skip
    run(0, 10, 0.1)
    first = len(traces)
    assert first > 0
    run(1, 37, 0.1)  # other numbers, key and length, a last chunk that is shorter, an optimiser built anew
    assert len(traces) == first
    run(1, 10, 0.2)  # another learning rate is another program
    assert len(traces) > first


def test_one_synchronisation_a_chunk(key, monkeypatch):
    calls = []
    real = jax.device_get
    monkeypatch.setattr(loop.jax, "device_get", lambda x: calls.append(1) or real(x))
    fit(line(), GaussianLoss(), lines(), key=key, steps=35, chunk=10, optimiser=ADAM, **QUIET)
    assert len(calls) == 4


def test_progress_changes_no_result_and_is_silent_when_asked(key, capsys, monkeypatch):
    quiet = fit(line(), GaussianLoss(), lines(), key=key, steps=25, chunk=10, optimiser=ADAM, progress=False)
    out = capsys.readouterr()
    assert out.out == out.err == ""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    shown = fit(line(), GaussianLoss(), lines(), key=key, steps=25, chunk=10, optimiser=ADAM, progress=True)
    assert "25/25" in stream.getvalue()
    assert "loss=" in stream.getvalue()
    assert same_bits(quiet.state, shown.state)


@pytest.mark.float32
def test_float32_stays_float32_under_float64(key):
    data = lines(dtype=np.float32)
    for optimiser in (ADAM, FullBatch(), Optimistix(optx.BFGS(1e-4, 1e-4))):
        result = fit(line(np.float32), GaussianLoss(), data, key=key, steps=30, optimiser=optimiser, **QUIET)
        assert result.model.slope.dtype == result.model.noise.dtype == jnp.float32
        assert result.history["loss"][-1] < 1.0
    np.testing.assert_allclose(result.model.slope, least_squares(lines())[0], atol=1e-3)


def test_one_item_is_a_record_of_one(key):
    data = lines(items=1)
    one = fit(line(), GaussianLoss(), data[0], key=key, steps=10, optimiser=ADAM, **QUIET)
    stack = fit(line(), GaussianLoss(), data, key=key, steps=10, optimiser=ADAM, **QUIET)
    assert same_bits(one.state, stack.state)


def test_any_pytree_of_modules_is_a_model(key):
    class Both(GaussianLoss.__base__):
        def __call__(self, model, batch, *, key):
            left, right = model["pair"]
            return jnp.mean((batch.ys - left.slope[0] - right.slope[1]) ** 2), {}

    model = {"pair": (line(), line()), "name": "two lines", "activation": jnp.tanh}
    result = fit(model, Both(), lines(), key=key, steps=10, optimiser=ADAM, **QUIET)
    assert result.model["name"] == "two lines"
    assert result.model["pair"][0].slope[0] > 0


def test_the_fit_reads_well(key):
    result = fit(line(), GaussianLoss(), lines(), key=key, steps=10, valid=0.25, optimiser=Optax(ADAM), **QUIET)
    text = repr(result)
    assert "Fit of Line: all steps taken after 10 steps" in text
    assert "slope = [" in text
    assert "best validation loss" in text


def test_resume_from_a_fit(key):
    more = {"key": key, "optimiser": ADAM, "batch_size": 3, "chunk": 10, **QUIET}
    whole = fit(line(), GaussianLoss(0.1), lines(), steps=47, **more)
    part = fit(line(), GaussianLoss(0.1), lines(), steps=13, **more)
    rest = fit(line(), GaussianLoss(0.1), lines(), steps=47, resume=part, **more)
    assert same_bits(rest.state, whole.state)
    np.testing.assert_array_equal(rest.history["step"], [10, 13, 20, 30, 40, 47])
    assert same_bits(rest.model, fit(line(), GaussianLoss(0.1), lines(), steps=20, resume=rest, **more).model)
    # Another learning rate may go on from the same state; another optimiser may not.
    fit(line(), GaussianLoss(0.1), lines(), steps=50, resume=part, **{**more, "optimiser": optax.adam(1e-3)})
    with pytest.raises(ValueError, match="optimiser of that fit"):
        fit(line(), GaussianLoss(0.1), lines(), steps=50, resume=part, **{**more, "optimiser": optax.sgd(1e-3)})
    with pytest.raises(ValueError, match="parameters of that fit"):
        fit(line(slope=(0.0,) * 3), GaussianLoss(0.1), lines(), steps=50, resume=part, **more)
    with pytest.raises(ValueError, match="`key` must be the key"):
        fit(line(), GaussianLoss(0.1), lines(), steps=50, resume=part, **{**more, "key": jax.random.key(5)})


def test_histories_agree_for_an_interruption_between_chunks(key):
    more = {"key": key, "optimiser": ADAM, "chunk": 5, "valid": 0.25, **QUIET}
    whole = fit(line(), GaussianLoss(), lines(), steps=20, **more)
    for stop in (5, 10, 15):
        part = fit(line(), GaussianLoss(), lines(), steps=stop, **more)
        rest = fit(line(), GaussianLoss(), lines(), steps=20, resume=part, **more)
        assert same_bits((rest.state, rest.model, rest.best), (whole.state, whole.model, whole.best))
        assert same_history(rest.history, whole.history)
