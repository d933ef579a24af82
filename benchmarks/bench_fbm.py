"""Fractional Brownian motion, 1000 paths of 1024 steps, against the packages `fbm` and `stochastic`.

Run as `python benchmarks/bench_fbm.py --peers PYTHON`, where PYTHON is an interpreter with fbm 0.3.0 and stochastic
0.6.0, which need an older NumPy. The peers run in that interpreter, one measurement at a time and in turn with ours.
Writes `benchmarks/results/fbm.json`; ours is one call in float32, its spectrum or root included: the exact circulant
sampler, which the peers are compared with, and beside it our other methods (Hosking's, which can be continued; the
hybrid scheme and the dense root for Riemann-Liouville motion). `--rounds 1` for a look.
"""

import argparse
import functools
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np


RESULTS = Path(__file__).parent / "results" / "fbm.json"
PATHS, STEPS, HURST = 1000, 1024, (0.1, 0.3, 0.5, 0.7, 0.9)
ROUNDS = 7

# A peer draws paths until a second has passed, or all of them; the time is scaled to all. `fbm` falls back to Hosking's
# method, with a warning, where its own check of the circulant fails, and both peers add up white noise where H = 1/2:
# the method is recorded, as those are no like-for-like races.
PEERS = f"""
import sys, time, json, warnings, importlib.metadata as m
from fbm import FBM
from stochastic.processes.continuous import FractionalBrownianMotion

def run(name, hurst):
    if name == "fbm":
        draw = FBM(n={STEPS}, hurst=hurst, length=1, method="daviesharte").fbm
    else:
        f = FractionalBrownianMotion(hurst=hurst, t=1)
        draw = lambda: f.sample({STEPS})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        draw()
    hosking = any("Hosking" in str(w.message) for w in caught)
    done, start = 0, time.perf_counter()
    while done < {PATHS} and (done < 2 or time.perf_counter() - start < 1.0):
        draw()
        done += 1
    method = "Hosking" if hosking else "white noise" if hurst == 0.5 else "circulant"
    return (time.perf_counter() - start) * {PATHS} / done, method

warnings.simplefilter("ignore")
versions = {{p: m.version(p) for p in ("fbm", "stochastic", "numpy")}}
print(json.dumps(versions), flush=True)
for line in sys.stdin:
    name, hurst = line.split()
    print(json.dumps(run(name, float(hurst))), flush=True)
"""


def circulant(hurst, ts, key):
    from sdekit.processes import FractionalBrownianMotion

    return FractionalBrownianMotion(hurst, jnp.float32(1)).sample(ts, key=key, n=PATHS)


def hosking(hurst, ts, key):
    from sdekit.paths import SampledPath
    from sdekit.processes import FractionalBrownianMotion, extend

    start = SampledPath(jnp.zeros(1, ts.dtype), jnp.zeros((PATHS, 1, 1), ts.dtype))
    return extend(FractionalBrownianMotion(hurst, jnp.float32(1)), start, STEPS, key=key, dt=float(ts[1]))


def hybrid(hurst, ts, key):
    from sdekit.processes import Hybrid, RiemannLiouvilleMotion

    return RiemannLiouvilleMotion(hurst, jnp.float32(1), Hybrid(1)).sample(ts, key=key, n=PATHS)


def dense(hurst, ts, key):
    from sdekit.processes import DenseRoot, RiemannLiouvilleMotion

    return RiemannLiouvilleMotion(hurst, jnp.float32(1), DenseRoot()).sample(ts, key=key, n=PATHS)


OURS = {"circulant": circulant, "Hosking": hosking, "hybrid, kappa = 1": hybrid, "dense root": dense}
"""Our exact methods and the hybrid scheme. The peers are measured against the first."""


def markov(hurst, ts, key):
    import diffrax

    from sdekit.noise import MarkovFractional
    from sdekit.processes import BrownianMotion, Lifted
    from sdekit.solve import ExponentialIntegrator, solve

    lifted = Lifted(BrownianMotion(jnp.ones(1, ts.dtype)), _driver(MarkovFractional, float(hurst)))
    solver = ExponentialIntegrator(diffrax.Euler())
    return solve(lifted, ts, key=key, steps=1, n=PATHS, solver=solver)


@functools.cache
def _driver(kind, hurst):
    return kind(jnp.float32(hurst), terms=5, horizon=1.0)


APPROXIMATIONS = {"MA-fBM, 5 modes": markov}
"""Markov approximations by a few Ornstein-Uhlenbeck modes: functions as those above, by name."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    python, methods_of_ours = arguments.peers, OURS | APPROXIMATIONS
    peers = subprocess.Popen([python, "-c", PEERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert peers.stdin is not None
    assert peers.stdout is not None
    versions = json.loads(peers.stdout.readline()) | {"jax": jax.__version__}

    def peer(name, hurst):
        peers.stdin.write(f"{name} {hurst}\n")
        peers.stdin.flush()
        return json.loads(peers.stdout.readline())

    ts = np.linspace(0, 1, STEPS + 1, dtype=np.float32)
    times = {(name, h): [] for name in (*methods_of_ours, "fbm", "stochastic") for h in HURST}
    compiled, methods = dict.fromkeys(methods_of_ours, 0.0), {}
    for i in range(arguments.rounds + 1):
        for h in HURST:
            for name, draw in methods_of_ours.items():
                start = time.perf_counter()
                xs = draw(jnp.float32(h), ts, jax.random.key(i)).xs.block_until_ready()
                seconds = time.perf_counter() - start
                assert xs.dtype == jnp.float32
                if i == 0:
                    compiled[name] = max(compiled[name], seconds)
                else:
                    times[name, h].append(seconds)
            for name in ("fbm", "stochastic") if i else ():
                seconds, methods[name, h] = peer(name, h)
                times[name, h].append(seconds)
    peers.stdin.close()
    peers.wait()
    rows = []
    for name, bar in (("fbm", 30.0), ("stochastic", 1.0)):
        for h in HURST:
            a, b = statistics.median(times["circulant", h]), statistics.median(times[name, h])
            row = {"name": f"{name}, H = {h}", "method": methods[name, h], "ours": a, "peer": b, "ratio": b / a}
            rows.append(row | {"bar": bar, "compile": compiled["circulant"]})
            sys.stdout.write(
                f"{name} ({methods[name, h]}), H = {h}: {b / a:.1f} times as fast ({a * 1e3:.1f}, {b * 1e3:.0f} ms)\n"
            )
    for name in methods_of_ours:
        for h in HURST:
            seconds = statistics.median(times[name, h])
            rows.append({"name": f"{name}, H = {h}", "ours": seconds, "compile": compiled[name]})
        mean = statistics.mean(statistics.median(times[name, h]) for h in HURST)
        sys.stdout.write(f"{name}: {mean * 1e3:.1f} ms, first call {compiled[name]:.2f} s\n")
    device = f"{jax.devices()[0].platform}, {platform.machine()}"
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([row | {"versions": versions, "device": device} for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
