"""Fits and ensembles on a mesh against one device. A script, run by a test with the number of processes, the number of
this one, the devices of each, a port on the loopback interface, and a directory."""

import os
import sys


PROCESSES, RANK, DEVICES, PORT = (int(a) for a in sys.argv[1:5])
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402
import pytest  # noqa: E402

from sdekit.fit import FullBatch, fit  # noqa: E402
from sdekit.processes import OrnsteinUhlenbeck  # noqa: E402

from .toys import GaussianLoss, line, lines, same_bits  # noqa: E402


jax.config.update("jax_enable_x64", True)
# The order of a sum over a batch of eight differs between one device and two, at each of some sixty steps.
ROUNDING = {"rtol": 1e-12, "atol": 1e-12}


def compare(mesh, directory, **options):
    options = {"key": jax.random.key(5), "progress": RANK == 0, **options}
    path = os.path.join(directory, type(options["optimiser"]).__name__)
    many = fit(line(), GaussianLoss(jitter=0.1), lines(), mesh=mesh, checkpoint=path, **options)
    again = fit(line(), GaussianLoss(jitter=0.1), lines(), mesh=mesh, checkpoint=path, **options)
    assert same_bits(again.state, many.state)
    assert again.history.rows == many.history.rows
    assert all(x.is_fully_addressable for x in jax.tree.leaves((many.model, many.best)))
    if RANK == 0:  # alone, in the midst of the other process
        one = fit(line(), GaussianLoss(jitter=0.1), lines(), **options)
        for a, b in zip(jax.tree.leaves((one.model, one.best)), jax.tree.leaves((many.model, many.best)), strict=True):
            np.testing.assert_allclose(a, b, **ROUNDING)
        np.testing.assert_allclose(one.history["loss"], many.history["loss"], **ROUNDING)
        assert one.stopped == many.stopped


def ensembles(mesh):
    process, ts, key = OrnsteinUhlenbeck(rate=1.0, mean=2.0, scale=0.5), jnp.linspace(0.0, 3.0, 37), jax.random.key(3)
    one = np.asarray(process.sample(ts, key=key, n=64).xs)
    laid = process.sample(ts, key=key, n=64, mesh=mesh)
    assert not laid.xs.sharding.is_fully_replicated
    for shard in laid.xs.addressable_shards:
        assert np.asarray(shard.data).tobytes() == one[shard.index].tobytes()
    if PROCESSES == 1:
        np.testing.assert_allclose(process.sample(ts, key=key, n=64, chunk=5, mesh=mesh).xs, one, rtol=1e-13)


def main(directory):
    if PROCESSES > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"127.0.0.1:{PORT}", PROCESSES, RANK, initialization_timeout=120)
    mesh = jax.make_mesh((PROCESSES * DEVICES,), ("data",))
    compare(mesh, directory, steps=60, chunk=25, batch_size=4, valid=0.25, optimiser=optax.adam(0.05))
    if PROCESSES == 1:
        compare(mesh, directory, steps=40, optimiser=FullBatch(), tolerance=1e-8)
        refused = 'must be a multiple of the 2 devices along the mesh axis "data", got 3'
        with pytest.raises(ValueError, match=refused):
            fit(line(), GaussianLoss(), lines(), key=jax.random.key(0), batch_size=3, mesh=mesh)
    ensembles(mesh)
    sys.stdout.write("agrees\n")


if __name__ == "__main__":
    main(sys.argv[5])
