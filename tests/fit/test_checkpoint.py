"""Checkpoints: to the last bit, whole or not at all, and only for the fit that wrote them."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sdekit.fit import FullBatch, Optimistix, fit
from sdekit.fit._checkpoint import load, save
from sdekit.fit._history import History

from .toys import GaussianLoss, Line, line, lines, same_bits, same_history


loop = importlib.import_module("sdekit.fit._fit")
ROOT = Path(__file__).parents[2]


class Stop(Exception):
    """What a test throws in the middle of a fit."""


def stop_at(step):
    def callback(result):
        if result.steps == step:
            raise Stop

    return callback


@pytest.mark.parametrize("stop", [5, 10, 15])
def test_a_fit_that_broke_off_goes_on_to_the_same_bits(key, tmp_path, stop):
    options = {
        "key": key, "steps": 18, "chunk": 5, "batch_size": 3, "valid": 0.25, "optimiser": optax.adam(0.05),
        "progress": False,
    }  # fmt: skip
    whole = fit(line(), GaussianLoss(0.1), lines(), **options)
    path = tmp_path / "deep" / "fit.ckpt"
    with pytest.raises(Stop):
        fit(line(), GaussianLoss(0.1), lines(), checkpoint=path, callbacks=[stop_at(stop)], **options)
    rest = fit(line(), GaussianLoss(0.1), lines(), checkpoint=path, **options)
    assert same_bits((rest.state, rest.model, rest.best), (whole.state, whole.model, whole.best))
    assert same_history(rest.history, whole.history)
    assert (np.diff(rest.history["seconds"]) > 0).all()
    assert os.listdir(path.parent) == ["fit.ckpt"]
    # Once more: there is nothing left to do.
    done = fit(line(), GaussianLoss(0.1), lines(), checkpoint=path, **options)
    assert same_bits(done.state, whole.state)
    assert same_history(done.history, whole.history)


def test_a_fit_that_had_stopped_by_itself_stays_stopped(key, tmp_path):
    options = {"key": key, "optimiser": FullBatch(), "tolerance": 1e-8, "progress": False, "checkpoint": tmp_path}
    first = fit(line(), GaussianLoss(), lines(), **options)
    again = fit(line(), GaussianLoss(), lines(), **options)
    assert (tmp_path / "fit.ckpt").exists()
    assert again.converged
    assert (again.steps, again.stopped) == (first.steps, first.stopped)
    assert same_bits(again.state, first.state)


def test_keys_of_every_kind_and_histories_survive(tmp_path):
    state = {"key": jax.random.key(3, impl="rbg"), "x": jnp.arange(3, dtype=jnp.bfloat16), "n": jnp.array(True)}
    history = History({"step": np.array([1, 2]), "loss": np.array([0.1, np.nan])})
    save(tmp_path / "a", state, history, {"data": "d"}, None)
    like = {"key": jax.random.key(0, impl="rbg"), "x": jnp.zeros(3, jnp.bfloat16), "n": jnp.array(False)}
    back, rows, stopped = load(tmp_path / "a", like, {"data": "d"})
    assert same_bits(back, state)
    assert jax.random.key_impl(back["key"]) == jax.random.key_impl(state["key"])
    assert same_history(rows, history)
    assert rows["step"].dtype == history["step"].dtype
    assert stopped is None


def test_a_write_that_fails_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    history = History({"step": np.array([1])})
    save(tmp_path / "a", {"x": jnp.ones(2)}, history, {}, None)

    def full(_):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            save(tmp_path / "a", {"x": jnp.zeros(2)}, history, {}, None)
    back, *_ = load(tmp_path / "a", {"x": jnp.zeros(2)}, {})
    np.testing.assert_array_equal(back["x"], 1.0)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"batch_size": 4}, "batch_size"),
        ({"chunk": 6}, "chunk"),
        ({"key": jax.random.key(1)}, "key"),
        ({"data": lines(seed=1)}, "data"),
        ({"valid": lines(seed=2)}, "valid"),
        ({"objective": GaussianLoss(0.2)}, "objective"),
        ({"optimiser": optax.adam(0.02)}, "optimiser"),
        ({"model": line(slope=(0.0,) * 3)}, "parameters"),
        ({"model": Line(jnp.zeros(2), jnp.ones(1), jnp.ones(1))}, "frozen"),
        ({"frozen": lambda m: m.noise}, "parameters"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(key, tmp_path, change, part):
    options = {
        "model": line(), "objective": GaussianLoss(0.1), "data": lines(), "key": key, "steps": 5, "chunk": 5,
        "batch_size": 3, "optimiser": optax.adam(0.05), "progress": False, "checkpoint": tmp_path / "a",
    }  # fmt: skip
    fit(**options)
    with pytest.raises(ValueError, match=rf"was written by another fit; .*{part}.*differ(.|\n)*Pass another path"):
        fit(**{**options, **change})
    again = fit(**{**options, "steps": 7, "optimiser": optax.adam(0.05)})
    assert again.steps == 7


def test_a_file_that_is_no_checkpoint_is_refused(key, tmp_path):
    (tmp_path / "a").write_text("hello")
    with pytest.raises(ValueError, match="is not a checkpoint"):
        fit(line(), GaussianLoss(), lines(), key=key, checkpoint=tmp_path / "a", progress=False)


def test_state_of_optimistix_is_kept(key, tmp_path):
    import optimistix as optx

    options = {"key": key, "optimiser": Optimistix(optx.BFGS(1e-9, 1e-9)), "chunk": 3, "progress": False}
    whole = fit(line(), GaussianLoss(), lines(), steps=9, **options)
    fit(line(), GaussianLoss(), lines(), steps=6, checkpoint=tmp_path / "a", **options)
    rest = fit(line(), GaussianLoss(), lines(), steps=9, checkpoint=tmp_path / "a", **options)
    assert same_bits(rest.state, whole.state)


def test_the_checkpoint_is_written_after_each_chunk(key, tmp_path, monkeypatch):
    written = []
    real = loop.save
    monkeypatch.setattr(
        loop, "save", lambda path, state, *rest: written.append(int(state.step)) or real(path, state, *rest)
    )
    options = {"key": key, "chunk": 5, "optimiser": optax.adam(0.05), "progress": False}
    fit(line(), GaussianLoss(0.1), lines(), steps=12, checkpoint=tmp_path / "a", **options)
    assert written == [5, 10, 12]


@pytest.mark.slow
def test_a_fit_killed_twenty_times_becomes_the_same_fit(tmp_path):
    command = [sys.executable, "-m", "tests.fit.worker_kill", str(tmp_path), "20", "0"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    assert "killed 20" in run.stdout
    assert int(run.stdout.split()[3]) >= 10  # most of the kills came after a checkpoint


@pytest.mark.parametrize(("write", "read"), [("0", "1"), ("1", "0")])
def test_another_process_reads_the_leaves_of_a_law_where_they_belong(tmp_path, write, read):
    """NumPyro holds them in the order of a set of strings: with these two seeds of its hash, two different ones."""
    code = (
        "import sys, jax, jax.numpy as jnp, numpyro.distributions as dist\n"
        "from sdekit.fit._checkpoint import fingerprint, load, save\n"
        "from sdekit.fit._history import History\n"
        "from pathlib import Path\n"
        "def law(a, b): return dist.Normal(jnp.full(2, a), jnp.full(2, b)).to_event(1)\n"
        "path, mark = Path(sys.argv[1]), fingerprint(law=law(1.0, 2.0))\n"
        "if sys.argv[2] == 'write': save(path, (law(1.0, 2.0), 3), History({}), mark, None)\n"
        "else:\n"
        "    found, three = load(path, (law(0.0, 0.5), 0), mark)[0]\n"
        "    assert three == 3 and found.base_dist.loc[0] == 1 and found.base_dist.scale[0] == 2, found.base_dist\n"
    )
    for seed, what in ((write, "write"), (read, "read")):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "a.ckpt"), what], env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
