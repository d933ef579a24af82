"""A neural SDE, value and gradient: `solve` against a hand-written `lax.scan`, Diffrax with its tree, and torchsde.

Four states, drift and diagonal diffusion by networks of one hidden layer of width 64, 100 Euler steps, 128 paths,
float32. With two hidden layers beside, without bars: the more the networks cost, the nearer all are to each other. Then
the table of adjoints by the number of steps: time, memory, and the error of the gradient in float64.

Run as `python benchmarks/bench_neural.py [--torch PYTHON]`, where PYTHON is an interpreter that has torch and torchsde;
writes `benchmarks/results/neural.json`. Within one process the competitors take turns; figures are ratios of medians,
compile time stands beside run time. The processor time of torchsde is measured in a process of its own.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist

from sdekit.processes import Diagonal, Diffusion
from sdekit.solve import EES25, Reversible, solve


RESULTS = Path(__file__).parent / "results" / "neural.json"
DIM, WIDTH, DEPTH, PATHS, STEPS, ROUNDS = 4, 64, 1, 128, 100, 15
TIMES = jnp.array([0.0, 1.0])

TORCH = f"""
import json, sys, time, torch, torchsde
def net(last):
    layers, size = [], {DIM}
    for _ in range(int(sys.argv[1])):
        layers += [torch.nn.Linear(size, {WIDTH}), torch.nn.Softplus()]
        size = {WIDTH}
    return torch.nn.Sequential(*layers, torch.nn.Linear(size, {DIM}), last)
class Neural(torch.nn.Module):
    noise_type, sde_type = "diagonal", "ito"
    def __init__(self):
        super().__init__()
        self.drift, self.diffusion = net(torch.nn.Identity()), net(torch.nn.Sigmoid())
    def f(self, t, y): return self.drift(y)
    def g(self, t, y): return self.diffusion(y)
sde, y0, ts = Neural(), torch.ones({PATHS}, {DIM}), torch.tensor([0.0, 1.0])
used = []
for _ in range(8):
    start = time.process_time()
    sde.zero_grad()
    (torchsde.sdeint(sde, y0, ts, method="euler", dt={1 / STEPS})[-1] ** 2).mean().backward()
    used.append(time.process_time() - start)
print(json.dumps([sorted(used[1:])[3], torch.__version__]))
"""


def networks(depth=DEPTH, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(0))
    make = lambda key, last: eqx.nn.MLP(DIM, DIM, WIDTH, depth, jax.nn.softplus, last, dtype=dtype, key=key)
    return make(keys[0], lambda x: x), make(keys[1], jax.nn.sigmoid)


def hand_scan(nets, key, *, checkpoint=False):
    """The loop one would write: a key for each step, one state for all paths."""
    drift, diffusion = (jax.vmap(net) for net in nets)
    h = 1.0 / STEPS

    def step(x, k):
        return x + drift(x) * h + diffusion(x) * jnp.sqrt(h) * jax.random.normal(k, (PATHS, DIM)), None

    if checkpoint:
        step = jax.checkpoint(step, prevent_cse=False)
    return jax.lax.scan(step, jnp.ones((PATHS, DIM)), jax.random.split(key, STEPS))[0]


def ours(nets, key, *, steps=STEPS, paths=PATHS, solver=None, adjoint=None):
    drift, diffusion = nets
    dtype = drift.layers[0].weight.dtype
    model = Diffusion(
        lambda _, x: drift(x), lambda _, x: diffusion(x), dist.Delta(jnp.ones(DIM, dtype), event_dim=1),
        structure=Diagonal,
    )  # fmt: skip
    solver = diffrax.Euler() if solver is None else solver
    times = TIMES.astype(dtype)
    return solve(model, times, key=key, n=paths, steps=steps, solver=solver, adjoint=adjoint).xs[:, -1]


def tree(nets, key):
    """Diffrax as its pages show it: a virtual tree for each path."""
    drift, diffusion = nets

    def one(k):
        motion = diffrax.VirtualBrownianTree(0.0, 1.0, 0.5 / STEPS, (DIM,), k)
        noise = lambda _t, y, _args: lx.DiagonalLinearOperator(diffusion(y))
        terms = diffrax.MultiTerm(diffrax.ODETerm(lambda _t, y, _args: drift(y)), diffrax.ControlTerm(noise, motion))
        return diffrax.diffeqsolve(terms, diffrax.Euler(), 0.0, 1.0, 1.0 / STEPS, jnp.ones(DIM), max_steps=STEPS + 1)

    return jax.vmap(lambda k: one(k).ys[0])(jax.random.split(key, PATHS))


def build(run, nets):
    """The compiled value and gradient, its compile time in seconds, and the memory beside its results, in MB."""
    arrays, rest = eqx.partition(nets, eqx.is_array)
    loss = lambda a, key: jnp.mean(run(eqx.combine(a, rest), key) ** 2)
    jax.clear_caches()
    start = time.perf_counter()
    program = jax.jit(jax.value_and_grad(loss)).lower(arrays, jax.random.key(0)).compile()
    seconds = time.perf_counter() - start
    return (lambda key: program(arrays, key)), seconds, program.memory_analysis().temp_size_in_bytes / 1e6


def race(programs, rounds):
    """Medians of wall time and of processor time of each, in turn."""
    wall, cpu = {k: [] for k in programs}, {k: [] for k in programs}
    for i in range(rounds + 1):
        for name, program in programs.items():
            key = jax.block_until_ready(jax.random.key(i))
            start = time.perf_counter(), time.process_time()
            jax.block_until_ready(program(key))
            wall[name].append(time.perf_counter() - start[0])
            cpu[name].append(time.process_time() - start[1])
    middle = lambda xs: {k: statistics.median(v[1:]) for k, v in xs.items()}
    return middle(wall), middle(cpu)


def measure(depth, rounds, python):
    """A row of figures for each competitor."""
    runs = {
        "sdekit": ours, "sdekit, everything kept": partial(ours, adjoint=diffrax.DirectAdjoint()),
        "lax.scan": hand_scan, "lax.scan, steps checkpointed": partial(hand_scan, checkpoint=True), "Diffrax": tree,
    }  # fmt: skip
    builds = [{name: build(run, networks(depth)) for name, run in runs.items()} for _ in range(4)][1:]  # one to warm up
    built, compiled = builds[-1], {name: statistics.median(b[name][1] for b in builds) for name in runs}
    wall, cpu = race({name: b[0] for name, b in built.items()}, rounds)
    rows = {
        name: {"wall_s": wall[name], "cpu_s": cpu[name], "compile_s": compiled[name], "memory_mb": b[2]}
        for name, b in built.items()
    }
    if python is None:
        sys.stdout.write("torchsde: skipped, no --torch PYTHON\n")
    else:
        out = subprocess.run([python, "-c", TORCH, str(depth)], capture_output=True, text=True, check=True)
        used, version = json.loads(out.stdout)
        rows["torchsde"] = {"cpu_s": used, "torch": version}
    return rows


def judge(rows):
    """Ours against each peer, with its bar."""
    over = lambda what, a, b: rows[a][what] / rows[b][what]
    bars = [
        ("time over that of lax.scan", over("wall_s", "sdekit", "lax.scan"), "at most", 1.4),
        ("processor time over that of lax.scan", over("cpu_s", "sdekit", "lax.scan"), "at most", 1.4),
        ("times as fast as Diffrax with its tree", over("wall_s", "Diffrax", "sdekit"), "at least", 8.0),
        ("compile time over that of lax.scan", over("compile_s", "sdekit", "lax.scan"), "at most", 1.5),
    ]
    if "torchsde" in rows:
        bars.append(("times less processor time than torchsde", over("cpu_s", "torchsde", "sdekit"), "at least", 10.0))
    judged = []
    for name, value, sense, bar in bars:
        within = value <= bar if sense == "at most" else value >= bar
        judged.append({"name": name, "value": value, "bar": f"{sense} {bar}", "within": within})
        sys.stdout.write(f"{name}: {value:.2f} (bar: {sense} {bar}){'' if within else ' MISSED'}\n")
    return judged


HEUN = diffrax.ReversibleHeun()
ADJOINTS = {
    "ReversibleHeun, everything kept": (HEUN, diffrax.DirectAdjoint()),
    "ReversibleHeun, default": (HEUN, None),
    "ReversibleHeun, Reversible": (HEUN, Reversible()),
    "EES25, default": (EES25(), None),
    "EES25, Reversible": (EES25(), Reversible()),
}


def adjoints(steps, rounds):
    """Time and memory of each adjoint in float32, and how far its gradient in float64 is from backpropagation."""
    run = lambda solver, adjoint, paths: (
        lambda nets, key: ours(nets, key, steps=steps, paths=paths, solver=solver, adjoint=adjoint)
    )
    kept = {name: which for name, which in ADJOINTS.items() if steps <= 1000 or "everything" not in name}
    built = {name: build(run(*which, PATHS), networks()) for name, which in kept.items()}
    wall, cpu = race({name: b[0] for name, b in built.items()}, rounds)
    rows = []
    for name, (solver, adjoint) in kept.items():
        row = {
            "name": name, "steps": steps, "wall_s": wall[name], "cpu_s": cpu[name], "compile_s": built[name][1],
            "memory_mb": built[name][2], "over_default": wall[name] / wall[f"{type(solver).__name__}, default"],
        }  # fmt: skip
        if isinstance(adjoint, Reversible):
            with jax.enable_x64(True):
                nets, key = networks(dtype=jnp.float64), jax.random.key(1)
                flat = lambda a: jnp.concatenate([
                    x.ravel() for x in jax.tree.leaves(build(run(solver, a, 8), nets)[0](key)[1])
                ])  # fmt: skip
                exact = flat(None)
                row["error"] = float(jnp.max(jnp.abs(flat(adjoint) - exact)) / jnp.max(jnp.abs(exact)))
        rows.append(row)
        error = f", error {row['error']:.1e}" if "error" in row else ""
        sys.stdout.write(
            f"{steps} steps, {name}: {wall[name] * 1e3:.0f} ms ({row['over_default']:.2f} of the default),"
            f" {row['memory_mb']:.2f} MB{error}\n"
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", help="an interpreter with torch and torchsde")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    rows = measure(DEPTH, arguments.rounds, arguments.torch)
    bars = judge(rows)
    deeper = measure(2, arguments.rounds, arguments.torch)
    for depth, found in ((DEPTH, rows), (2, deeper)):
        for name, row in found.items():
            figures = ", ".join(f"{key} {v:.4g}" for key, v in row.items() if key != "torch")
            sys.stdout.write(f"{depth} hidden layers, {name}: {figures}\n")
    table = [
        row
        for steps in (100, 1000, 10_000)
        for row in adjoints(steps, min(arguments.rounds, 5 if steps < 10_000 else 2))
    ]
    about = {
        "jax": jax.__version__, "diffrax": diffrax.__version__, "python": platform.python_version(),
        "device": f"{jax.devices()[0].platform}, {platform.machine()}", "dtype": "float32", "dim": DIM, "width": WIDTH,
        "hidden_layers": DEPTH, "steps": STEPS, "paths": PATHS,
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps(
            {"about": about, "rows": rows, "bars": bars, "two_hidden_layers": deeper, "adjoints": table}, indent=1
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
