"""Many devices and many processes give what one gives. In subprocesses: devices are counted when JAX starts."""

import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sdekit.fit import fit
from sdekit.processes import OrnsteinUhlenbeck

from .toys import GaussianLoss, line, lines, same_bits


ROOT = Path(__file__).parents[2]


def start(processes, rank, devices, port, directory):
    words = [str(x) for x in (processes, rank, devices, port, directory)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fit.worker_mesh", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(workers):
    try:
        answers = [worker.communicate(timeout=240) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    for worker, (out, err) in zip(workers, answers, strict=True):
        assert worker.returncode == 0, err
        assert "agrees" in out
    return answers


@pytest.mark.slow
def test_two_devices_give_what_one_gives(tmp_path):
    finish([start(1, 0, 2, 0, tmp_path)])


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    (_, first), (_, second) = finish([start(2, rank, 1, port, tmp_path) for rank in (0, 1)])
    assert "60/60" in first
    assert "60/60" not in second  # one bar, in the first process


def test_a_mesh_of_one_device(key):
    mesh = jax.make_mesh((1,), ("data",))
    options = {"key": key, "steps": 12, "chunk": 5, "batch_size": 4, "optimiser": optax.adam(0.05), "progress": False}
    one = fit(line(), GaussianLoss(0.1), lines(), **options)
    laid = fit(line(), GaussianLoss(0.1), lines(), mesh=mesh, **options)
    np.testing.assert_allclose(laid.model.slope, one.model.slope, rtol=1e-14)
    rest = fit(line(), GaussianLoss(0.1), lines(), mesh=mesh, resume=one, **{**options, "steps": 20})
    assert rest.steps == 20
    process, ts = OrnsteinUhlenbeck(rate=1.0), jnp.linspace(0.0, 1.0, 5)
    assert same_bits(process.sample(ts, key=key, n=8, mesh=mesh), process.sample(ts, key=key, n=8))


def test_a_mesh_that_does_not_suit_an_ensemble(key):
    process, ts, mesh = OrnsteinUhlenbeck(rate=1.0), jnp.linspace(0.0, 1.0, 5), jax.make_mesh((1,), ("data",))
    with pytest.raises(ValueError, match="`mesh` needs a number of paths"):
        process.sample(ts, key=key, mesh=mesh)
    with pytest.raises(ValueError, match='must have an axis "data"'):
        process.sample(ts, key=key, n=4, mesh=jax.make_mesh((1,), ("model",)))
