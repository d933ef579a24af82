"""Kill a fit at random moments until it has died often enough, and compare what it becomes.

A script, run by a test with a directory, the number of kills and a seed.

The parent imports the library but starts no JAX backend, so that it may fork; each child is one run of the same fit.
"""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import jax
import optax

from sdekit.fit import fit

from .toys import GaussianLoss, line, lines


STEPS, CHUNK = 240, 2


def child(checkpoint: Path, out: Path, ready: int) -> None:
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", str(out.parent / "cache"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    result = fit(
        line(), GaussianLoss(jitter=0.1), lines(), key=jax.random.key(11), steps=STEPS, chunk=CHUNK, batch_size=3,
        optimiser=optax.adam(0.01), valid=0.25, checkpoint=checkpoint, progress=False,
        callbacks=[lambda _: os.write(ready, b".")],
    )  # fmt: skip
    # The last checkpoint holds the state; what the history and the models say is written beside it.
    rows = {n: [x.hex() for x in c.astype(float).tolist()] for n, c in result.history.items() if n != "seconds"}
    model, best = (m.slope.tolist() + m.noise.tolist() for m in (result.model, result.best))
    leaves = jax.device_get(jax.tree.leaves((result.state.params, result.state.opt_state)))
    state = [x.tobytes().hex() for x in leaves]
    text = repr((rows, [x.hex() for x in model + best], state, result.steps, result.stopped))
    out.with_suffix(".part").write_text(text)
    out.with_suffix(".part").replace(out)


def start(checkpoint: Path, out: Path) -> tuple[int, int]:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        status = 1
        try:
            child(checkpoint, out, write)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    return pid, read


def finish(pid: int) -> None:
    if os.waitpid(pid, 0)[1] != 0:
        raise RuntimeError("a run that was not killed has failed")


def main(directory: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    pid, read = start(directory / "whole.ckpt", directory / "whole.txt")
    finish(pid)
    os.close(read)
    whole = (directory / "whole.txt").read_text()
    killed = resumed = finished = 0
    while killed < kills or finished == 0:
        checkpoint, out = directory / f"{finished}.ckpt", directory / f"{finished}.txt"
        resumed += checkpoint.exists()
        pid, read = start(checkpoint, out)
        if killed < kills:
            if killed % 5:  # mostly while it steps and writes, sometimes at any moment
                os.read(read, 1)
            time.sleep(chance.uniform(0.0, 0.15))
            os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
            killed += os.WIFSIGNALED(status)
        else:
            finish(pid)
        os.close(read)
        if out.exists():
            if out.read_text() != whole:
                raise AssertionError(f"after {killed} kills the fit differs:\n{out.read_text()}\n{whole}")
            finished += 1
    sys.stdout.write(f"killed {killed} resumed {resumed} finished {finished}\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore", RuntimeWarning)  # JAX warns of forks; no backend has started here
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
