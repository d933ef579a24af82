"""Counter-based random numbers against `jax.random`, in one process, in turn.

Run as `python benchmarks/bench_math.py`; writes `benchmarks/results/math.json`. Times are medians of runs after
compilation; compile time is reported beside them. `--only poisson` runs that alone, in processor time, and leaves the
other rows of the file as they are.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp

from sdekit.math import counter_bits, counter_normal, counter_poisson, counter_uniform


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


def poisson(rounds: int = 21) -> list[dict]:
    """65,536 numbers of one mean, and of means from 0.1 to 1,000 mixed, by processor time."""
    n, rows = 65536, []
    mixed = jnp.exp(jnp.linspace(jnp.log(0.1), jnp.log(1000.0), n))
    mine = jax.jit(counter_poisson)
    peer = jax.jit(lambda key, step, mean: jax.random.poisson(jax.random.fold_in(key, step), mean, dtype=jnp.int32))
    for name, means in {
        **{f"mean {m}": jnp.full(n, m) for m in (0.5, 5.0, 30.0, 1000.0)},
        "means mixed": mixed,
    }.items():
        taken = ([], [])
        for i in range(rounds + 1):
            for f, times in zip((mine, peer), taken, strict=True):
                start = time.process_time()
                f(jax.random.key(0), jnp.uint32(i), means).block_until_ready()
                times.append(time.process_time() - start)
        a, b = (statistics.median(times[1:]) for times in taken)
        row = {"name": f"poisson, float32, {name}", "ours": a, "peer": b, "ratio": b / a, "bar": None}
        rows.append(row | {"nanoseconds_per_number": a / n * 1e9})
        sys.stdout.write(f"{row['name']}: {b / a:.2f} times jax.random ({a / n * 1e9:.1f} ns each)\n")
    return rows


def numbers() -> list[dict]:
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
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=("numbers", "poisson"))
    only = parser.parse_args().only
    rows = (numbers() if only != "poisson" else []) + (poisson() if only != "numbers" else [])
    device = f"{jax.devices()[0].platform}, {platform.machine()}"
    versions = {"jax": jax.__version__, "python": platform.python_version()}
    new = {row["name"]: row | {"versions": versions, "device": device} for row in rows}
    held = {row["name"]: row for row in json.loads(RESULTS.read_text())} if RESULTS.is_file() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(list((held | new).values()), indent=1) + "\n")


if __name__ == "__main__":
    main()
