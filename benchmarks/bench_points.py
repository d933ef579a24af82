"""Hawkes processes of ten kinds against tick, in the same run.

Run as `python benchmarks/bench_points.py --peers PYTHON`, where PYTHON is an interpreter with tick 0.8.0.2, numpydoc
and six (without the last two its models fail at construction). The peer runs in that interpreter, one measurement at a
time and in turn with ours, both on one thread and in float64. Set OMP_NUM_THREADS=1 and
XLA_FLAGS=--xla_cpu_multi_thread_eigen=false. Writes `benchmarks/results/points.json`. Both wall and processor time are
kept; ratios are of processor time, as the machine may be shared. `--rounds 1` for a look.

The process: sparse branching of spectral radius 0.6, decay 1.5, base rate 0.2, about 5 events in a unit of time.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


RESULTS = Path(__file__).parent / "results" / "points.json"
ROUNDS = 7

PEER = """
import sys, time, json, warnings, importlib.metadata as m
warnings.simplefilter("ignore")
import numpy as np
from scipy.optimize import minimize
from tick.hawkes import SimuHawkesExpKernels, ModelHawkesExpKernLogLik
data = np.load(sys.argv[1])
phi, beta, mu = data["phi"], float(data["beta"]), data["mu"]
k = len(mu)
events = [data["times"][data["kinds"] == i].copy() for i in range(k)]
end, n = float(data["end"]), len(data["times"])
model = ModelHawkesExpKernLogLik(beta, n_threads=1)
model.fit([e.copy() for e in events], end_times=end)
truth = np.concatenate([mu, phi.ravel()])
model.loss(truth)

def timed(f, repeat):
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeat):
        out = f()
    return (time.perf_counter() - wall) / repeat, (time.process_time() - cpu) / repeat, out

def simulate(size):
    s = SimuHawkesExpKernels(phi, beta, baseline=mu, end_time=size / float(data["rate"]), seed=1, verbose=False)
    s.simulate()
    return s.n_total_jumps

def fit():
    fresh = ModelHawkesExpKernLogLik(beta, n_threads=1)
    fresh.fit([e.copy() for e in events], end_times=end)
    start = np.concatenate([np.full(k, 0.2), np.full(k * k, 0.03)])
    both = lambda x: fresh.loss_and_grad(x)
    found = minimize(both, start, jac=True, method="L-BFGS-B", bounds=[(1e-8, None)] * k + [(0, None)] * k * k)
    return np.abs(found.x[k:] - phi.ravel()).max()

def precompute():
    fresh = ModelHawkesExpKernLogLik(beta, n_threads=1)
    fresh.fit([e.copy() for e in events], end_times=end)
    return fresh.loss(truth)

print(json.dumps({p: m.version(p) for p in ("tick", "numpy", "scipy")}), flush=True)
tasks = {"simulate 1e5": (lambda: simulate(1e5), 1), "simulate 1e6": (lambda: simulate(1e6), 1),
         "loss and gradient": (lambda: model.loss_and_grad(truth)[0], 20), "fit": (fit, 1),
         "precompute": (precompute, 1)}
for line in sys.stdin:
    f, repeat = tasks[line.strip()]
    print(json.dumps([float(v) for v in timed(f, repeat)]), flush=True)
"""


def process():
    from sdekit.points import ExponentialHawkes

    rng = np.random.default_rng(0)
    phi = rng.uniform(size=(10, 10)) * (rng.uniform(size=(10, 10)) < 0.5)
    phi *= 0.6 / np.abs(np.linalg.eigvals(phi)).max()
    return ExponentialHawkes(np.full(10, 0.2), phi, 1.5)


def ours(hawkes, rate, events):
    """Our tasks by name: a function, how often to repeat it, and what is timed for the first call."""
    from sdekit.points import ExponentialHawkes, HawkesLikelihood, HawkesSums, fit_hawkes, simulate_clusters

    phi = hawkes.branching_matrix()
    sums = HawkesSums(events, 1.5)
    loss = jax.jit(lambda s, b, w: jax.value_and_grad(lambda b, w: s.log_prob(b, w), argnums=(0, 1))(b, w))
    free = eqx.filter_jit(eqx.filter_value_and_grad(lambda p, e: HawkesLikelihood().log_prob(p, e)))
    one = ExponentialHawkes(1.0, 0.5, 1.0)
    line = simulate_clusters(one, 0.0, 5e4, key=jax.random.key(2)).to_record()
    single = eqx.filter_jit(lambda p, e: HawkesLikelihood().log_prob(p, e))
    error = lambda fit: float(jnp.abs(fit.process.branching_matrix() - phi).max())
    tasks = {
        "simulate 1e5": (lambda: simulate_clusters(hawkes, 0.0, 1e5 / rate, key=jax.random.key(1)).ts, 1),
        "simulate 1e6": (lambda: simulate_clusters(hawkes, 0.0, 1e6 / rate, key=jax.random.key(1)).ts, 1),
        "loss and gradient": (lambda: loss(sums, hawkes.base, phi[None])[0], 20),
        "fit": (lambda: error(fit_hawkes(events, 1.5)), 1),
        "precompute": (lambda: HawkesSums(events, 1.5).cover, 1),
        "loss and gradient, free decay": (lambda: free(hawkes, events)[0], 5),
        "univariate log-likelihood": (lambda: single(one, line), 20),
    }
    return tasks, int(line.observed())


def timed(f, repeat):
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeat):
        out = jax.block_until_ready(f())
    return (time.perf_counter() - wall) / repeat, (time.process_time() - cpu) / repeat, out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", default=None)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    from sdekit.points import simulate_clusters

    hawkes = process()
    rate = float(hawkes.long_run_rate().sum())
    path = simulate_clusters(hawkes, 0.0, 1e5 / rate, key=jax.random.key(0))
    events = path.to_record()
    tasks, singles = ours(hawkes, rate, events)
    versions, peer = {"jax": jax.__version__}, None
    with tempfile.TemporaryDirectory() as folder:
        if arguments.peers:
            file = Path(folder) / "data.npz"
            np.savez(
                file, phi=hawkes.branching_matrix(), beta=1.5, mu=hawkes.base, times=path.ts, kinds=path.marks,
                end=path.t1, rate=rate,
            )  # fmt: skip
            command = [arguments.peers, "-c", PEER, str(file)]
            env = os.environ | {"OMP_NUM_THREADS": "1"}
            peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            assert peer.stdin is not None
            assert peer.stdout is not None
            versions |= json.loads(peer.stdout.readline())
        rows = measure(tasks, peer, arguments.rounds)
        if peer is not None and peer.stdin is not None:
            peer.stdin.close()
            peer.wait()
    for row in rows:
        if row["name"] == "univariate log-likelihood":
            row["million events a second"] = singles / row["ours_cpu"] / 1e6
    RESULTS.parent.mkdir(exist_ok=True)
    device = f"{jax.devices()[0].platform}, {platform.machine()}, one thread, float64"
    sizes = {"events": int(events.observed()), "kinds": 10}
    RESULTS.write_text(
        json.dumps([r | sizes | {"versions": versions, "device": device} for r in rows], indent=1) + "\n"
    )


def measure(tasks, peer, rounds):
    rows = []
    for name, (f, repeat) in tasks.items():
        first = timed(f, 1)[0]
        mine, theirs = [], []
        for _ in range(rounds):
            mine.append(timed(f, repeat))
            if peer is not None and name in {"simulate 1e5", "simulate 1e6", "loss and gradient", "fit", "precompute"}:
                peer.stdin.write(name + "\n")
                peer.stdin.flush()
                theirs.append(json.loads(peer.stdout.readline()))
        middle = lambda values, i: statistics.median(v[i] for v in values)
        row = {"name": name, "ours": middle(mine, 0), "ours_cpu": middle(mine, 1), "first call": first}
        text = f"{name}: {row['ours'] * 1e3:.2f} ms ({row['ours_cpu'] * 1e3:.2f} ms of processor)"
        if theirs:
            row |= {"peer": middle(theirs, 0), "peer_cpu": middle(theirs, 1)}
            row["ratio"] = row["peer_cpu"] / row["ours_cpu"]
            text += f", tick {row['peer_cpu'] * 1e3:.2f} ms: {row['ratio']:.1f} times as fast"
        if name == "fit":
            row |= {"error": mine[-1][2], "peer_error": theirs[-1][2] if theirs else None}
        rows.append(row)
        sys.stdout.write(text + "\n")
    return rows


if __name__ == "__main__":
    main()
