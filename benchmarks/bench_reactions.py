"""Exact simulation of reaction networks: events a second on one core, against a numba loop and GillesPy2's C++ solver.

Run as `taskset -c 0 python benchmarks/bench_reactions.py --peers PYTHON` (one core for all: XLA else splits each small
step over the cores and loses by it), where PYTHON is an interpreter with numba and GillesPy2 1.8.3 (which needs g++,
make and SCons). Peers run in that interpreter, one measurement at a time and in turn with ours. Figures are CPU time
(children of the peer included), the least of the rounds, without compilation, which is told beside. Our counts at the
end are held against the finite-state projection by a chi-square test. Writes `benchmarks/results/reactions.json`.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats


RESULTS = Path(__file__).parent / "results" / "reactions.json"
MODELS = {
    "birth-death": {"n": 20000, "stop": 50.0, "bars": (4.0, 10.0), "most": {"X": 170}, "seen": "X"},
    "dimerisation": {"n": 20000, "stop": 10.0, "bars": (4.0, 10.0), "most": {"A": 301, "B": 150}, "seen": "B"},
    "schloegl": {"n": 2000, "stop": 4.0, "bars": (3.0, 8.0), "most": {"X": 900}, "seen": "X"},
}
GILLESPY = {"birth-death": 20000, "dimerisation": 20000, "schloegl": 500}

PEERS = """
import json, os, sys, time, importlib.metadata as m
import numba, numpy as np

@numba.njit(fastmath=True)
def birth_death(n, stop, out):
    events = 0
    for i in range(n):
        x, t = 0, 0.0
        while True:
            up, down = 10.0, 0.1 * x
            total = up + down
            t -= np.log(np.random.random()) / total
            if t > stop:
                break
            x += 1 if np.random.random() * total < up else -1
            events += 1
        out[i] = x
    return events

@numba.njit(fastmath=True)
def dimerisation(n, stop, out):
    events = 0
    for i in range(n):
        a, b, t = 301, 0, 0.0
        while True:
            pair, part = 0.00083 * a * (a - 1), 0.2 * b
            total = pair + part
            t -= np.log(np.random.random()) / total
            if t > stop:
                break
            if np.random.random() * total < pair:
                a -= 2
                b += 1
            else:
                a += 2
                b -= 1
            events += 1
        out[i] = b
    return events

@numba.njit(fastmath=True)
def schloegl(n, stop, out):
    events = 0
    for i in range(n):
        x, t = 250, 0.0
        while True:
            a0, a1 = 0.015 * x * (x - 1), 1e-4 / 6 * x * (x - 1) * (x - 2)
            a2, a3 = 200.0, 3.5 * x
            total = a0 + a1 + a2 + a3
            t -= np.log(np.random.random()) / total
            if t > stop:
                break
            v = np.random.random() * total
            if v < a0:
                x += 1
            elif v < a0 + a1:
                x -= 1
            elif v < a0 + a1 + a2:
                x += 1
            else:
                x -= 1
            events += 1
        out[i] = x
    return events

LOOPS = {"birth-death": birth_death, "dimerisation": dimerisation, "schloegl": schloegl}

def build(name):
    import gillespy2 as g
    model = g.Model(name=name.replace("-", "_"))
    if name == "birth-death":
        rates, start = {"k": 10.0, "g": 0.1}, {"X": 0}
        reactions = [({}, {"X": 1}, "k"), ({"X": 1}, {}, "g")]
    elif name == "dimerisation":
        rates, start = {"p": 0.00083, "q": 0.2}, {"A": 301, "B": 0}
        reactions = [({"A": 2}, {"B": 1}, "p*A*(A-1)"), ({"B": 1}, {"A": 2}, "q")]
    else:
        rates, start = {"a": 0.015, "b": 1e-4 / 6, "c": 200.0, "d": 3.5}, {"X": 250}
        reactions = [({"X": 2}, {"X": 3}, "a*X*(X-1)"), ({"X": 3}, {"X": 2}, "b*X*(X-1)*(X-2)"),
                     ({}, {"X": 1}, "c"), ({"X": 1}, {}, "d")]
    model.add_parameter([g.Parameter(name=k, expression=v) for k, v in rates.items()])
    model.add_species([g.Species(name=k, initial_value=v, mode="discrete") for k, v in start.items()])
    for i, (left, right, rate) in enumerate(reactions):
        how = {"rate": rate} if rate in rates else {"propensity_function": rate}
        model.add_reaction(g.Reaction(name=f"r{i}", reactants=left, products=right, **how))
    return model

SOLVERS = {}

def gillespy(name, n, stop, seed):
    import gillespy2 as g
    if name not in SOLVERS:
        model = build(name)
        model.timespan(g.TimeSpan(np.array([0.0, stop])))
        start = time.perf_counter()
        SOLVERS[name] = g.SSACSolver(model=model)
        SOLVERS[name].run(number_of_trajectories=1, seed=1)
        return {"compile": time.perf_counter() - start}
    results = SOLVERS[name].run(number_of_trajectories=n, seed=seed)
    key = "B" if name == "dimerisation" else "X"
    x = np.array([r[key][-1] for r in results])
    return {"mean": float(x.mean()), "var": float(x.var())}

print(json.dumps({p: m.version(p) for p in ("numba", "gillespy2", "numpy")}), flush=True)
for line in sys.stdin:
    peer, name, n, stop, seed = json.loads(line)
    before, wall = os.times(), time.perf_counter()
    if peer == "numba":
        out = np.zeros(n, np.int64)
        events = LOOPS[name](n, stop, out)
        found = {"events": events, "mean": float(out.mean()), "var": float(out.var())}
    else:
        found = gillespy(name, n, stop, seed)
    after = os.times()
    found["cpu"] = sum(after[:4]) - sum(before[:4])
    found["wall"] = time.perf_counter() - wall
    print(json.dumps(found), flush=True)
"""


def networks():
    from sdekit.jumps import ReactionNetwork

    return {
        "birth-death": ReactionNetwork({"k": "0 -> X", "g": "X -> 0"}, {"k": 10.0, "g": 0.1}, {"X": 0}, room=1536),
        "dimerisation": ReactionNetwork(
            {"p": "2 A -> B", "q": "B -> 2 A"}, {"p": 0.00166, "q": 0.2}, {"A": 301}, room=1024
        ),
        "schloegl": ReactionNetwork(
            {"a": "2 X -> 3 X", "b": "3 X -> 2 X", "c": "0 -> X", "d": "X -> 0"},
            {"a": 0.03, "b": 1e-4, "c": 200.0, "d": 3.5}, {"X": 250},
        ),
    }  # fmt: skip


def p_value(counts, law):
    """Of the chi-square test, cells with ten expected counts at least."""
    edges, total = [], 0.0
    for k, p in enumerate(law):
        total += p * len(counts)
        if total >= 10:
            edges.append(k)
            total = 0.0
    edges[-1] = len(law)
    cell = lambda v: np.searchsorted(edges, v, side="left")
    expected = np.bincount(cell(np.arange(len(law))), weights=law * len(counts), minlength=len(edges))[: len(edges)]
    seen = np.bincount(np.minimum(cell(counts), len(edges) - 1), minlength=len(edges))
    return float(stats.chisquare(seen, expected * len(counts) / expected.sum()).pvalue)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    from sdekit.jumps import Projection, simulate

    python = Path(arguments.peers)
    environment = {"PATH": f"{python.parent}:{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(Path.home())}
    peers = subprocess.Popen([str(python), "-c", PEERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             env=environment)  # fmt: skip
    assert peers.stdin is not None
    assert peers.stdout is not None
    versions = json.loads(peers.stdout.readline()) | {"jax": jax.__version__}

    def peer(*what):
        peers.stdin.write(json.dumps(what) + "\n")
        peers.stdin.flush()
        return json.loads(peers.stdout.readline())

    rows = []
    for name, network in networks().items():
        model = MODELS[name]
        n, ts = model["n"], jnp.array([0.0, model["stop"]])
        start = time.perf_counter()
        simulate(network, ts, key=jax.random.key(0), n=n).xs.block_until_ready()
        first = time.perf_counter() - start
        peer("numba", name, 2, model["stop"], 0)
        compiled = peer("gillespy2", name, 1, model["stop"], 0)["compile"]
        ours, loop, solver = [], [], []
        for i in range(arguments.rounds):
            start = time.process_time()
            xs = simulate(network, ts, key=jax.random.key(i + 1), n=n).xs.block_until_ready()
            ours.append(time.process_time() - start)
            loop.append(peer("numba", name, n, model["stop"], i + 1))
            if i < 2:
                solver.append(peer("gillespy2", name, GILLESPY[name], model["stop"], i + 1))
        events = np.mean([r["events"] for r in loop]) / n
        rate = events * n / min(ours) / 1e6
        numba_rate = events * n / min(r["cpu"] for r in loop) / 1e6
        gillespy_rate = events * GILLESPY[name] / min(r["cpu"] for r in solver) / 1e6
        chain = Projection(network, model["most"])
        law, lost = chain.law(model["stop"])
        law = np.asarray(chain.marginal_law(model["seen"], law), np.float64)
        counts = np.asarray(xs[:, -1, network.species.index(model["seen"])]).astype(int)
        row = {
            "name": name, "events a path": events, "ours, M events/s": rate, "numba, M events/s": numba_rate,
            "GillesPy2 C++, M events/s": gillespy_rate, "over numba": rate / numba_rate,
            "over GillesPy2": rate / gillespy_rate, "bars": model["bars"], "first call, s": first,
            "GillesPy2 compile, s": compiled, "chi-square p": p_value(counts, law / law.sum()), "lost": float(lost),
            "mean": [float(counts.mean()), loop[-1]["mean"], solver[-1]["mean"]],
            "variance": [float(counts.var()), loop[-1]["var"], solver[-1]["var"]],
        }  # fmt: skip
        rows.append(row)
        sys.stdout.write(json.dumps(row, indent=1) + "\n")
        sys.stdout.flush()
    peers.stdin.close()
    peers.wait()
    device = f"{jax.devices()[0].platform}, {platform.machine()}, one core"
    if arguments.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(
            json.dumps([row | {"versions": versions, "device": device} for row in rows], indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
