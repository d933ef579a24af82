"""Counter-based random numbers against `jax.random`, in one process, in turn.

Run as `python benchmarks/bench_math.py`; writes `benchmarks/results/math.json`. Times are medians of runs after
compilation; compile time is reported beside them.
"""

import json
import platform
import statistics
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp

from sdekit.math import counter_bits, counter_normal, counter_uniform


RESULTS = Path(__file__).parent / "results" / "math.json"
ROUNDS = 41
SHAPES = {"1024 x 1024 at once": (1, (1024, 1024)), "64 steps of 16384 in a scan": (64, (16384,))}


def many(draw, steps, shape):
    """All numbers of one step, or the sum over the steps of a scan, so that the draws cannot be skipped."""
    if steps == 1:
        return jax.jit(lambda key, first: draw(key, first, shape))

    def run(key, first):
        add = lambda total, step: (total + draw(key, first + step, shape), None)
        zero = jnp.zeros_like(draw(key, first, shape))
        return jax.lax.scan(add, zero, jnp.arange(steps, dtype=jnp.uint32))[0]

    return jax.jit(run)


def ours(draw):
    return lambda key, step, shape: draw(key, step, shape)


def theirs(draw):
    return lambda key, step, shape: draw(jax.random.fold_in(key, step), shape)


def measure(mine, peer):
    """Medians of the two in turn, and their compile times, in seconds."""
    key, compiled, times = jax.random.key(0), [], ([], [])
    steps = [jnp.uint32(i) for i in range(4)]
    for f in (mine, peer):
        start = time.perf_counter()
        f(key, steps[0]).block_until_ready()
        compiled.append(time.perf_counter() - start)
    for i in range(ROUNDS):
        for f, ts in zip((mine, peer), times, strict=True):
            start = time.perf_counter()
            f(key, steps[i % 4]).block_until_ready()
            ts.append(time.perf_counter() - start)
    return [statistics.median(ts) for ts in times], compiled


def main() -> None:
    kinds = {
        "normal": (counter_normal, jax.random.normal, 1.8),
        "uniform": (counter_uniform, jax.random.uniform, 4.0),
        "bits": (counter_bits, jax.random.bits, None),
    }
    rows = []
    for shape_name, (steps, shape) in SHAPES.items():
        numbers = steps * shape[0] * (shape[1] if len(shape) > 1 else 1)
        for kind, (mine, peer, bar) in kinds.items():
            (a, b), (ca, cb) = measure(many(ours(mine), steps, shape), many(theirs(peer), steps, shape))
            rows.append(
                {
                    "name": f"{kind}, float32, {shape_name}",
                    "ours": a,
                    "peer": b,
                    "ratio": b / a,
                    "bar": bar,
                    "nanoseconds_per_number": a / numbers * 1e9,
                    "compile_ours": ca,
                    "compile_peer": cb,
                }
            )
            sys.stdout.write(f"{rows[-1]['name']}: {b / a:.2f} times jax.random ({a / numbers * 1e9:.2f} ns each)\n")
    device = f"{jax.devices()[0].platform}, {platform.machine()}"
    versions = {"jax": jax.__version__, "python": platform.python_version()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([row | {"versions": versions, "device": device} for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
