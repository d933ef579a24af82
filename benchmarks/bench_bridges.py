"""Couplings: Sinkhorn at 2000 x 2000 against ott-jax and POT, pairs of a minibatch.

Run as `python benchmarks/bench_bridges.py --peers PYTHON`, where PYTHON is an interpreter with ott-jax 0.6.0 and POT
0.9.7. The peers run in that interpreter, in turn with ours, on one thread. CPU seconds, the least of the rounds, after
a first call that compiles. Writes `benchmarks/results/bridges.json`. `--rounds 1` for a look.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path


os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import jax
import jax.numpy as jnp
import numpy as np


RESULTS = Path(__file__).parent / "results" / "bridges.json"
CLOUDS = """
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(2000, 2)).astype(np.float32)
y = (0.7 * rng.normal(size=(2000, 2)) + np.array([2.0, 0.0])).astype(np.float32)
cost = ((x[:, None].astype(np.float64) - y[None]) ** 2).sum(-1)
"""
PEERS = (
    """
import os, sys, json, time, warnings, importlib.metadata as m
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
warnings.simplefilter("ignore")
"""
    + CLOUDS
    + """
import jax, jax.numpy as jnp, ot
from ott.geometry import geometry
from ott.problems.linear import linear_problem
from ott.solvers.linear import sinkhorn
solver = jax.jit(sinkhorn.Sinkhorn(threshold=1e-3, max_iterations=5000))
single = jnp.asarray(cost, jnp.float32)
small = cost[:256, :256].copy()
def measured(plan):
    error = abs(plan.sum(0) - 1 / 2000).sum() + abs(plan.sum(1) - 1 / 2000).sum()
    return float((plan * cost).sum()), float(error)
def ott():
    out = solver(linear_problem.LinearProblem(geometry.Geometry(cost_matrix=single, epsilon=0.1)))
    return out, *measured(np.asarray(out.matrix))
def pot():
    plan = ot.bregman.sinkhorn_log([], [], cost, 0.1, stopThr=1e-3 / 2000**0.5, numItermax=5000)
    return plan, *measured(plan)
def emd():
    return ot.emd([], [], small), float("nan"), float("nan")
runs = {"ott-jax Sinkhorn, float32": ott, "POT sinkhorn_log, float64": pot, "POT emd, 256": emd}
print(json.dumps({p: m.version(p) for p in ("ott-jax", "POT", "jax", "numpy")}), flush=True)
seen = set()
for line in sys.stdin:
    name = line.strip()
    if name not in seen and name.startswith("ott"):
        runs[name]()
    seen.add(name)
    start = time.process_time()
    out = runs[name]()
    print(json.dumps([time.process_time() - start, out[1], out[2]]), flush=True)
"""
)


def timed(run, first=True):
    if first:
        run()
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def ours():
    from sdekit.transport import Exact, assignment, sinkhorn

    space = {}
    exec(CLOUDS, space)
    cost, x, y = jnp.asarray(space["cost"], jnp.float32), jnp.asarray(space["x"][:256]), jnp.asarray(space["y"][:256])

    def plan():
        found = sinkhorn(cost, 0.1, tolerance=1e-3)
        matrix = np.asarray(found.matrix)
        return float((matrix * space["cost"]).sum()), float(found.error)

    pair = jax.jit(lambda x, y, k: Exact().pair(x, y, key=k))
    small = space["cost"][:256, :256].copy()

    def scipy():
        from scipy.optimize import linear_sum_assignment

        return linear_sum_assignment(small)[1]

    return {
        "sdekit sinkhorn, float32": plan,
        "sdekit Exact().pair, 256, under jit": lambda: jax.block_until_ready(pair(x, y, jax.random.key(0))),
        "sdekit assignment, 256": lambda: assignment(small),
        "SciPy linear_sum_assignment, 256": scipy,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="an interpreter with ott-jax and POT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    peer, versions = None, {}
    if args.peers:
        peer = subprocess.Popen([args.peers, "-c", PEERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        versions = json.loads(peer.stdout.readline())
    times, checks = {}, {}
    runs = ours()
    for round_ in range(args.rounds):
        for name, run in runs.items():
            seconds, found = timed(run, first=round_ == 0)
            times.setdefault(name, []).append(seconds)
            if name.startswith("sdekit sinkhorn"):
                checks[name] = found
        if peer is not None:
            for name in ("ott-jax Sinkhorn, float32", "POT sinkhorn_log, float64", "POT emd, 256"):
                if name.startswith("POT sinkhorn") and round_:
                    continue  # minutes a time
                peer.stdin.write(name + "\n")
                peer.stdin.flush()
                seconds, value, error = json.loads(peer.stdout.readline())
                times.setdefault(name, []).append(seconds)
                checks[name] = (value, error)
    if peer is not None:
        peer.stdin.close()
        peer.wait()
    rows = {
        name: {"cpu_seconds": min(t), "rounds": len(t), "cost_and_marginal_error": checks.get(name)}
        for name, t in times.items()
    }
    for name, row in rows.items():
        print(f"{name:45s} {row['cpu_seconds']:.4f} CPU-s  {row['cost_and_marginal_error'] or ''}")
    result = {"rows": rows, "peers": versions, "jax": jax.__version__, "python": sys.version.split()[0],
              "machine": platform.machine(), "cores": os.cpu_count()}  # fmt: skip
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
