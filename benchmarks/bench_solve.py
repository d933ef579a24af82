"""`solve` against a hand-written `lax.scan`, Diffrax with its virtual tree, and torchsde: Euler on OU, float32.

Run as `python benchmarks/bench_solve.py [--torch PYTHON]`, where PYTHON is an interpreter that has torch and torchsde;
writes `benchmarks/results/solve.json`. Within one process the competitors take turns; figures are ratios of medians,
and compile time stands beside run time. The processor time of torchsde is measured in a process of its own.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import diffrax
import jax
import jax.numpy as jnp
import lineax as lx

import sdekit as sk
from sdekit.solve import solve


RESULTS = Path(__file__).parent / "results" / "solve.json"
STEPS, ROUNDS = 1000, 15
TIMES = jnp.array([0.0, 1.0])
START = tuple(jnp.float32(v) for v in (2.0, 0.5, 0.3))

TORCH = """
import json, sys, time, torch, torchsde
class OU(torch.nn.Module):
    noise_type, sde_type = "diagonal", "ito"
    def f(self, t, y): return 2.0 * (0.5 - y)
    def g(self, t, y): return torch.full_like(y, 0.3)
paths, rounds = int(sys.argv[1]), int(sys.argv[2])
y0, ts = torch.ones(paths, 1), torch.tensor([0.0, 1.0])
used = []
with torch.no_grad():
    for _ in range(rounds + 1):
        start = time.process_time()
        torchsde.sdeint(OU(), y0, ts, method="euler", dt=1e-3)
        used.append(time.process_time() - start)
print(json.dumps(sorted(used[1:])[rounds // 2]))
"""


def hand_scan(parameters, key, n):
    """The loop one would write: a key for each step, one state for all paths."""
    rate, mean, scale = parameters
    h = 1.0 / STEPS

    def step(x, k):
        return x + rate * (mean - x) * h + scale * jnp.sqrt(h) * jax.random.normal(k, (n,)), None

    return jax.lax.scan(step, jnp.ones(n), jax.random.split(key, STEPS))[0]


def ours(parameters, key, n):
    model = sk.processes.OrnsteinUhlenbeck(*parameters)
    path = solve(model, TIMES, key=key, n=n, dt=1.0 / STEPS, solver=diffrax.Euler(), x0=jnp.ones(1))
    return path.xs[:, -1, 0]


def tree(parameters, key, n):
    """Diffrax as its pages show it, with the batch inside the state, which is its faster form."""
    rate, mean, scale = parameters
    motion = diffrax.VirtualBrownianTree(0.0, 1.0, 0.5 / STEPS, (n,), key)
    noise = lambda _t, _y, _args: lx.DiagonalLinearOperator(jnp.full(n, scale))
    terms = diffrax.MultiTerm(
        diffrax.ODETerm(lambda _t, y, _args: rate * (mean - y)), diffrax.ControlTerm(noise, motion)
    )
    return diffrax.diffeqsolve(terms, diffrax.Euler(), 0.0, 1.0, 1.0 / STEPS, jnp.ones(n), max_steps=STEPS + 1).ys[0]


def gradient(run):
    return lambda parameters, key, n: jax.grad(lambda p: run(p, key, n).mean())(parameters)


def build(run, n):
    """The compiled program, its compile time in seconds, and the memory it needs beside its results, in MB."""
    start = time.perf_counter()
    program = jax.jit(lambda p, k: run(p, k, n)).lower(START, jax.random.key(0)).compile()
    return program, time.perf_counter() - start, program.memory_analysis().temp_size_in_bytes / 1e6


def race(programs, rounds):
    """Medians of wall time and of processor time of each, in turn."""
    wall, cpu = {k: [] for k in programs}, {k: [] for k in programs}
    for i in range(rounds + 1):
        for name, program in programs.items():
            key = jax.block_until_ready(jax.random.key(i))
            start = time.perf_counter(), time.process_time()
            jax.block_until_ready(program(START, key))
            wall[name].append(time.perf_counter() - start[0])
            cpu[name].append(time.process_time() - start[1])
    middle = lambda xs: {k: statistics.median(v[1:]) for k, v in xs.items()}
    return middle(wall), middle(cpu)


def compare(name, mine, peer, n, bar, rounds=ROUNDS, memory_bar=None):
    """One row: our time over the peer's, to be at most `bar`."""
    (a, ca, ma), (b, cb, mb) = build(mine, n), build(peer, n)
    wall, cpu = race({"ours": a, "peer": b}, rounds)
    ratio = wall["ours"] / wall["peer"]
    row = {
        "name": name, "paths": n, "ours_s": wall["ours"], "peer_s": wall["peer"], "ratio": ratio, "bar": bar,
        "cpu_ratio": cpu["ours"] / cpu["peer"], "ours_cpu_s": cpu["ours"], "compile_ours_s": ca, "compile_peer_s": cb,
        "memory_ours_mb": ma, "memory_peer_mb": mb, "within": ratio <= bar,
    }  # fmt: skip
    if memory_bar is not None:
        row |= {"memory_bar_mb": memory_bar, "within": row["within"] and ma - mb <= memory_bar}
    sys.stdout.write(f"{name}, {n} paths: {ratio:.3f} of the peer (bar {bar}), {ma:.2f} MB against {mb:.2f} MB\n")
    return row


def compare_torch(python, n, mine_cpu, bar):
    """One row: processor time of torchsde over ours, to be at least `bar`."""
    out = subprocess.run([python, "-c", TORCH, str(n), "5"], capture_output=True, text=True, check=True)
    theirs = json.loads(out.stdout)
    ratio = theirs / mine_cpu
    sys.stdout.write(f"torchsde Euler, {n} paths: {ratio:.1f} times our processor time (bar {bar})\n")
    return {
        "name": "forward, against torchsde Euler (processor time)", "paths": n, "ours_cpu_s": mine_cpu,
        "peer_cpu_s": theirs, "times_faster": ratio, "bar": bar, "within": ratio >= bar,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", help="an interpreter with torch and torchsde")
    python = parser.parse_args().torch
    rows = []
    for n in (1024, 16384):
        rows.append(compare("forward, against lax.scan", ours, hand_scan, n, 1.1, memory_bar=40.0))
        if python is not None:
            rows.append(compare_torch(python, n, rows[-1]["ours_cpu_s"], {1024: 20.0, 16384: 5.0}[n]))
    rows.append(compare("gradient, against lax.scan", gradient(ours), gradient(hand_scan), 1024, 1.6))
    rows.append(
        compare("gradient, against lax.scan", gradient(ours), gradient(hand_scan), 16384, 1.6, 7, memory_bar=40.0)
    )
    rows.append(compare("forward, against Diffrax and its tree", ours, tree, 1024, 1 / 30, rounds=9))
    about = {
        "jax": jax.__version__, "diffrax": diffrax.__version__, "python": platform.python_version(),
        "device": f"{jax.devices()[0].platform}, {platform.machine()}", "steps": STEPS, "dtype": "float32",
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
