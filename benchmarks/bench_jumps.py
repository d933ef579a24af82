"""Finite-state jump processes: exponentials at many intervals, EM of rates, EM of hidden Markov models.

Run as `python benchmarks/bench_jumps.py --peers PYTHON`, where PYTHON is an interpreter with hmmlearn 0.3.3 and
deeptime 0.4.5. Needs `SDEKIT_DATA` for the ratchet and the ion channel. The peers run in that interpreter, one
measurement at a time and in turn with ours, from the same start. Writes `benchmarks/results/jumps.json`; `--rounds 1`
for a look. All in float64; times are processor times, medians over rounds, first calls (compilation) apart.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import numpy as np

import sdekit as sk
from sdekit.jumps import Conditional, GaussianEmission, HiddenMarkov, RateMatrix, baum_welch, em, flashing_ratchet
from sdekit.math import transition_matrices


jax.config.update("jax_enable_x64", True)
RESULTS = Path(__file__).parent / "results" / "jumps.json"
STATES, STEPS = (2, 4, 6), 10

# Both peers start from the same means, deviations and matrix as we do, and take ten steps. Densities of deeptime
# underflow far from the means, and what underflows it leaves out: the deviations of the start are wide, so that all do
# the same work. hmmlearn judges what each ends with; the likelihood that deeptime reports is that of a step before.
PEERS = f"""
import sys, time, json, warnings, importlib.metadata as m
import numpy as np
warnings.simplefilter("ignore")
from hmmlearn.hmm import GaussianHMM
from deeptime.markov.hmm import MaximumLikelihoodHMM, HiddenMarkovModel, GaussianOutputModel

print(json.dumps({{p: m.version(p) for p in ("hmmlearn", "deeptime", "numpy")}}), flush=True)
for line in sys.stdin:
    name, path = line.split()
    d = np.load(path)
    y, K = d["y"], len(d["mean"])
    if name == "hmmlearn":
        plain = dict(init_params="", covars_prior=0, covars_weight=0, min_covar=0)
        h = GaussianHMM(K, "diag", n_iter={STEPS}, tol=-np.inf, **plain)
        h.startprob_, h.transmat_, h.means_ = d["first"], d["matrix"], d["mean"][:, None]
        h.covars_ = d["scale"][:, None] ** 2
        fit = lambda: h.fit(y[:, None])
        score = lambda: h.score(y[:, None])
    else:
        out = GaussianOutputModel(K, d["mean"], d["scale"])
        start = HiddenMarkovModel(d["matrix"], out, d["first"])
        e = MaximumLikelihoodHMM(start, lagtime=1, reversible=False, accuracy=-1.0, maxit={STEPS})
        fit = lambda: e.fit(y)
        def score():
            found = e.fetch_model()
            judge = GaussianHMM(K, "diag", init_params="")
            matrix = found.transition_model.transition_matrix
            judge.startprob_ = found.initial_distribution / found.initial_distribution.sum()
            judge.transmat_ = matrix / matrix.sum(1, keepdims=True)
            judge.means_, judge.covars_ = found.output_model.means[:, None], found.output_model.sigmas[:, None] ** 2
            return judge.score(y[:, None])
    a, w = time.process_time(), time.perf_counter()
    fit()
    a, w = time.process_time() - a, time.perf_counter() - w
    print(json.dumps([a, w, score()]), flush=True)
"""


def timed(f):
    cpu, wall = time.process_time(), time.perf_counter()
    value = jax.block_until_ready(f())
    return time.process_time() - cpu, time.perf_counter() - wall, value


def medians(calls: dict, rounds: int) -> dict:
    """`(cpu, wall, first call)` of each, taken in turn."""
    first = {name: timed(f)[1] for name, f in calls.items()}
    taken = {name: [] for name in calls}
    for _ in range(rounds):
        for name, f in calls.items():
            taken[name].append(timed(f)[:2])
    return {name: (*(statistics.median(c) for c in zip(*v, strict=True)), first[name]) for name, v in taken.items()}


def exponentials(rounds: int) -> list[dict]:
    """Value and gradient of a likelihood with 1,000 distinct intervals, six states."""
    rng = np.random.default_rng(0)
    Q, ts, counts = (
        flashing_ratchet(1.0).generator(),
        jnp.asarray(rng.uniform(0, 10, 1000)),
        rng.uniform(size=(1000, 6, 6)),
    )
    # The data are arguments, as in a fit: as constants they would be folded into each program in another way.
    data = jnp.asarray(ts), jnp.asarray(counts)
    total = lambda P, counts: (counts * jnp.log(P)).sum()
    table = jax.jit(jax.value_and_grad(lambda Q, ts, counts: total(transition_matrices(Q, ts), counts)))
    one_by_one = lambda Q, ts: jax.vmap(lambda t: jax.scipy.linalg.expm(Q * t))(ts)
    naive = jax.jit(jax.value_and_grad(lambda Q, ts, counts: total(one_by_one(Q, ts), counts)))
    found = medians({"ours": lambda: table(Q, *data), "vmapped expm": lambda: naive(Q, *data)}, 5 * rounds)
    exact = naive(Q, *data)[1]
    gap = float(jnp.abs(table(Q, *data)[1] - exact).max() / jnp.abs(exact).max())
    ours, peer = found["ours"], found["vmapped expm"]
    row = {"name": "1,000 intervals, value and gradient", "ours": ours[0], "peer": peer[0], "ratio": peer[0] / ours[0]}
    return [row | {"bar": 10.0, "wall ratio": peer[1] / ours[1], "compile": ours[2], "gradient gap": gap}]


def ratchet(rounds: int) -> list[dict]:
    """EM of 30 rates from 300 paths, the reading of the panel included."""
    off = 1 - np.eye(6)
    panel, start, truth = (
        sk.data.load("dfr_v1")[:300],
        RateMatrix(off, Conditional()),
        flashing_ratchet(1.0).generator(),
    )
    found = medians({"em": lambda: em(start, panel).model.values}, rounds)["em"]
    fitted = em(start, panel)
    error = np.sqrt(np.mean((np.asarray(fitted.model.generator() - truth))[off > 0] ** 2))
    row = {"name": "EM, ratchet, 300 paths", "ours": found[0], "wall": found[1], "bar seconds": 0.06}
    return [row | {"compile": found[2], "steps": fitted.steps, "RMSE": float(error)}]


def hidden(python: str, rounds: int) -> tuple[list[dict], dict]:
    """Ten steps of EM on 60,000 observations of an ion channel."""
    peers = subprocess.Popen([python, "-c", PEERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert peers.stdin is not None
    assert peers.stdout is not None
    versions = json.loads(peers.stdout.readline())
    series = sk.data.load("ip3r2")
    y = np.asarray(series.ys[:, 0], np.float64)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for K in STATES:
            mean = np.quantile(y, (np.arange(K) + 0.5) / K) + np.linspace(-1, 1, K)
            scale, first = np.full(K, y.std()), np.full(K, 1 / K)
            matrix = np.where(np.eye(K, dtype=bool), 0.95, 0.05 / (K - 1))
            path = Path(folder) / f"{K}.npz"
            np.savez(path, y=y, mean=mean, scale=scale, first=first, matrix=matrix)
            model = HiddenMarkov(first, matrix, GaussianEmission(mean, scale))
            fit = lambda model=model: baum_welch(model, series, steps=STEPS)
            _, compiled, _ = timed(lambda: fit().model.matrix)
            times = {name: [] for name in ("ours", "hmmlearn", "deeptime")}
            scores = {"ours": fit().log_prob}
            for _ in range(rounds):
                times["ours"].append(timed(lambda: fit().model.matrix)[:2])
                for name in ("hmmlearn", "deeptime"):
                    peers.stdin.write(f"{name} {path}\n")
                    peers.stdin.flush()
                    cpu, wall, score = json.loads(peers.stdout.readline())
                    times[name].append((cpu, wall))
                    scores[name] = score
            cpu = {name: statistics.median(t[0] for t in taken) for name, taken in times.items()}
            wall = {name: statistics.median(t[1] for t in taken) for name, taken in times.items()}
            fastest = min(cpu["hmmlearn"], cpu["deeptime"])
            row = {"name": f"HMM, EM, K = {K}", "seconds": cpu, "wall": wall, "log-likelihood": scores, "bar": 2.0}
            rate = STEPS * len(y) / cpu["ours"] / 1e6
            rows.append(row | {"ratio": fastest / cpu["ours"], "million steps a second": rate, "compile": compiled})
    peers.stdin.close()
    peers.wait()
    return rows, versions


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    rows = exponentials(arguments.rounds) + ratchet(arguments.rounds)
    more, versions = hidden(arguments.peers, arguments.rounds)
    rows += more
    device = f"{jax.devices()[0].platform}, {platform.machine()}"
    versions |= {"jax": jax.__version__}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([row | {"versions": versions, "device": device} for row in rows], indent=1) + "\n")
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
