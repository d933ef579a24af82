"""Training and sampling of interpolants against a hand-written scan, and against torchcfm.

Run as `python benchmarks/bench_interpolants.py --peers PYTHON`, where PYTHON is an interpreter with torch 2.13.0 and
torchcfm 1.0.7; the peer runs in turn with ours. Process seconds on one thread throughout, medians of the rounds. The
network is 3 -> 128 x 3 -> 2 with SELU, batches of 256 from a pool of 200,000 points on each side, Adam, paths of flow
matching with independent pairs; sampling is 100 Euler-Maruyama steps of 10,000 states in the plane. Then the same
training with pairs near optimal transport, against that with independent ones, ours and the peer's; next to the time
the mean cost of the pairs over that of the best assignment of the 256. Writes `benchmarks/results/interpolants.json`.
`--rounds 1` for a look, `--only pairs` for the couplings alone.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path


os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax


RESULTS = Path(__file__).parent / "results" / "interpolants.json"
POOL, BATCH, STEPS, WIDTH, DEPTH = 200_000, 256, 2000, 128, 3
PAIRED_STEPS = {"train": 2000, "Swaps()": 2000, "Minibatch(Exact(), 64)": 500, "Exact()": 500}
PEER_OT_STEPS = 300
PATHS, SDE_STEPS, EPSILON = 10_000, 100, 0.5

PEER = f"""
import sys, time, json, importlib.metadata as m
import torch
from torchcfm.conditional_flow_matching import ConditionalFlowMatcher, ExactOptimalTransportConditionalFlowMatcher

torch.set_num_threads(1)
gen = torch.Generator().manual_seed(0)
x0, x1 = torch.randn({POOL}, 2, generator=gen), torch.rand({POOL}, 2, generator=gen)
matchers = {{"train": ConditionalFlowMatcher(sigma=0.0), "OT": ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)}}
layers, size = [], 3
for _ in range({DEPTH}):
    layers += [torch.nn.Linear(size, {WIDTH}), torch.nn.SELU()]
    size = {WIDTH}
net = torch.nn.Sequential(*layers, torch.nn.Linear(size, 2))
optimiser = torch.optim.Adam(net.parameters(), 1e-3)

def run(which, steps):
    matcher = matchers[which]
    start = time.process_time()
    for _ in range(steps):
        i, j = torch.randint({POOL}, ({BATCH},)), torch.randint({POOL}, ({BATCH},))
        t, xt, ut = matcher.sample_location_and_conditional_flow(x0[i], x1[j])
        optimiser.zero_grad()
        loss = ((net(torch.cat([xt, t[:, None]], -1)) - ut) ** 2).mean()
        loss.backward()
        optimiser.step()
    return time.process_time() - start

run("train", 50), run("OT", 5)
print(json.dumps({{p: m.version(p) for p in ("torch", "torchcfm")}}), flush=True)
for line in sys.stdin:
    which, steps = line.split()
    print(run(which, int(steps)), flush=True)
"""


def clouds():
    rng = np.random.default_rng(0)
    both = np.stack([rng.normal(size=(POOL, 2)), rng.uniform(-1, 1, (POOL, 2))]).astype(np.float32)
    return jnp.asarray(both)


def network():
    return eqx.nn.MLP(3, 2, WIDTH, DEPTH, jax.nn.selu, key=jax.random.key(0))


def ours_train(data, coupling=None, steps=STEPS):
    import sdekit as sk
    from sdekit.interpolants import Field, InterpolantMatching, Velocity, flow_matching

    net = sk.nets.MLPField(2, WIDTH, DEPTH, time=True, out_scale=1.0, activation=jax.nn.selu, key=jax.random.key(0))
    field, pairs = Field(flow_matching(), Velocity(net)), sk.data.Snapshots(jnp.array([0.0, 1.0]), data)
    objective = InterpolantMatching() if coupling is None else InterpolantMatching(coupling)

    def run(seed):
        sk.fit(
            field, objective, pairs, key=jax.random.key(seed), steps=steps, batch_size=BATCH, chunk=500,
            optimiser=optax.adam(1e-3), progress=False,
        )  # fmt: skip

    return run


def couplings():
    from sdekit.transport import Exact, Minibatch, Swaps

    return {"Swaps()": Swaps(), "Minibatch(Exact(), 64)": Minibatch(Exact(), 64), "Exact()": Exact()}


def excess(data, coupling, batches=40):
    """The mean squared distance of pairs over that of the best assignment, and its error over the batches."""
    from sdekit.transport import Exact, Independent

    pick = np.random.default_rng(1).integers(0, POOL, (batches, 2, BATCH))
    ratios = []
    for i, (a, b) in enumerate(pick):
        cost = lambda c: float(
            ((np.subtract(*c.pair(data[0][a], data[1][b], key=jax.random.key(i)))) ** 2).sum(1).mean()
        )
        ratios.append(cost(Independent() if coupling is None else coupling) / cost(Exact()))
    return statistics.mean(ratios), statistics.stdev(ratios) / batches**0.5


def scan_train(data):
    """The same loss and optimiser in one `lax.scan`, with pairs drawn with replacement."""
    optimiser, start = optax.adam(1e-3), network()
    params, static = eqx.partition(start, eqx.is_array)

    @jax.jit
    def train(params, key):
        def step(carry, key):
            params, state = carry
            keys = jax.random.split(key, 3)
            index = jax.random.randint(keys[0], (2, BATCH), 0, POOL)
            x0, x1 = data[0][index[0]], data[1][index[1]]
            t = jax.random.uniform(keys[1], (BATCH,))[:, None]

            def loss(params):
                net = eqx.combine(params, static)
                x = jnp.concatenate([(1 - t) * x0 + t * x1, t], axis=1)
                return ((jax.vmap(net)(x) - (x1 - x0)) ** 2).sum(1).mean()

            value, gradient = jax.value_and_grad(loss)(params)
            updates, state = optimiser.update(gradient, state, params)
            return (optax.apply_updates(params, updates), state), value

        return jax.lax.scan(step, (params, optimiser.init(params)), jax.random.split(key, STEPS))

    return lambda seed: jax.block_until_ready(train(params, jax.random.key(seed)))


def laws():
    covariance = jnp.array([[0.4, -0.2], [-0.2, 0.9]], jnp.float32)
    law0 = dist.Normal(jnp.zeros(2, jnp.float32), jnp.ones(2, jnp.float32)).to_event(1)
    return law0, dist.MultivariateNormal(jnp.array([-1.0, 2.0], jnp.float32), covariance)


def ours_sample():
    import diffrax

    from sdekit.interpolants import GenerativeDiffusion, exact_field, linear
    from sdekit.solve import solve

    law0, law1 = laws()
    process = GenerativeDiffusion(exact_field(linear(), law0, law1), EPSILON, law0)
    ts, solver = np.array([0.0, 1.0], np.float32), diffrax.Euler()
    return lambda seed: solve(process, ts, key=jax.random.key(seed), n=PATHS, steps=SDE_STEPS, solver=solver).xs[:, -1]


def scan_sample():
    """Euler-Maruyama on a batch, with the same field."""
    from sdekit.interpolants import exact_field, linear

    field = exact_field(linear(), *laws())
    h = 1 / SDE_STEPS

    @jax.jit
    def run(key):
        start, rest = jax.random.split(key)

        def step(x, inputs):
            t, k = inputs
            b, s = jax.vmap(lambda y: field.velocity_and_score(t, y))(x)
            return x + h * (b + EPSILON * s) + np.sqrt(2 * EPSILON * h).astype(np.float32) * jax.random.normal(
                k, x.shape, x.dtype
            ), None

        x = jax.random.normal(start, (PATHS, 2), jnp.float32)
        times = h * jnp.arange(SDE_STEPS, dtype=jnp.float32)
        return jax.lax.scan(step, x, (times, jax.random.split(rest, SDE_STEPS)))[0]

    return lambda seed: run(jax.random.key(seed))


def seconds(function, seed):
    start = time.process_time()
    jax.block_until_ready(function(seed))
    return time.process_time() - start


class Peer:
    """torchcfm in a process of its own, which takes its turn."""

    def __init__(self, python):
        self.process = subprocess.Popen([python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.write, self.read = self.process.stdin, self.process.stdout
        self.versions = json.loads(self.read.readline())

    def run(self, which, steps):
        self.write.write(f"{which} {steps}\n")
        self.write.flush()
        return float(self.read.readline())


def speeds(data, peer, rounds):
    runs = {
        "train": ours_train(data),
        "train, scan": scan_train(data),
        "sample": ours_sample(),
        "sample, scan": scan_sample(),
    }
    first = {name: seconds(run, 0) for name, run in runs.items()}
    times = {name: [] for name in (*runs, "torchcfm")}
    for i in range(1, rounds + 1):
        for name, run in runs.items():
            times[name].append(seconds(run, i))
        if peer is not None:
            times["torchcfm"].append(peer.run("train", STEPS))
    middle = {name: statistics.median(found) for name, found in times.items() if found}
    say = sys.stdout.write
    for name in ("train", "train, scan", "torchcfm"):
        if name in middle:
            say(f"{name}: {STEPS / middle[name]:.0f} steps a process second\n")
    say(f"training against a hand-written scan: {middle['train'] / middle['train, scan']:.2f} of its time\n")
    if peer is not None:
        say(f"training against torchcfm: {middle['torchcfm'] / middle['train']:.2f} times as fast\n")
    say(f"sampling against a hand-written scan: {middle['sample'] / middle['sample, scan']:.2f} of its time ")
    say(f"({middle['sample'] * 1e3:.0f}, {middle['sample, scan'] * 1e3:.0f} ms)\n")
    return [{"name": name, "seconds": value, "first call": first.get(name)} for name, value in middle.items()]


def pairings(data, peer, rounds):
    """Milliseconds a step by coupling, in turns, the ratio to independent pairs, and what pairs cost over the best."""
    kinds = {"train": None, **couplings()}
    runs = {name: ours_train(data, coupling, PAIRED_STEPS[name]) for name, coupling in kinds.items()}
    for run in runs.values():
        seconds(run, 0)
    times = {name: [] for name in (*runs, "torchcfm", "torchcfm OT")}
    for i in range(1, rounds + 1):
        for name, run in runs.items():
            times[name].append(1e3 * seconds(run, i) / PAIRED_STEPS[name])
        if peer is not None:
            for name, which in (("torchcfm", "train"), ("torchcfm OT", "OT")):
                times[name].append(1e3 * peer.run(which, PEER_OT_STEPS) / PEER_OT_STEPS)
    rows = []
    for name, found in times.items():
        if not found:
            continue
        base = "torchcfm" if name.startswith("torchcfm") else "train"
        ratio = statistics.median(a / b for a, b in zip(found, times[base], strict=True))
        row = {"name": f"pairs, {name}", "ms a step": statistics.median(found), "over independent": ratio}
        if name in kinds:
            row["cost over the best"], row["error"] = excess(data, kinds[name])
        rows.append(row)
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["speeds", "pairs"])
    arguments = parser.parse_args()
    data = clouds()
    peer = Peer(arguments.peers) if arguments.peers else None
    versions = {"jax": jax.__version__} | (peer.versions if peer else {})
    rows = []
    if arguments.only != "pairs":
        rows += speeds(data, peer, arguments.rounds)
    if arguments.only != "speeds":
        rows += pairings(data, peer, arguments.rounds)
    device = f"{jax.devices()[0].platform}, {platform.machine()}"
    RESULTS.parent.mkdir(exist_ok=True)
    kept = {row["name"]: row for row in json.loads(RESULTS.read_text())} if RESULTS.exists() else {}
    kept |= {row["name"]: row | {"versions": versions, "device": device} for row in rows}
    RESULTS.write_text(json.dumps(list(kept.values()), indent=1) + "\n")
    if peer is not None:
        peer.write.close()
        peer.process.wait()


if __name__ == "__main__":
    main()
