"""Training a bridge from eight Gaussians to two moons by matching, against torchcfm's [SF]2M.

Run as `python benchmarks/bench_matching.py --peers PYTHON`, where PYTHON is an interpreter with torch 2.13.0, torchcfm
1.0.7 and POT; the peer runs in turn with ours, on the same points. Process seconds on one thread. Two networks of 3
hidden layers of 64, batches of 256 from 20,000 points on each side, Adam at 1e-3, noise .5, 1000 steps with the exact
coupling of each batch; ours also with pairs of the exact coupling in blocks of 500, found once. W2 is between 2000
draws by the SDE and 2000 fresh points. Medians of the rounds after a first that compiles, in
which the peer rests. Writes `benchmarks/results/matching.json`. `--rounds 2` for a look.
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


os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax


RESULTS = Path(__file__).parent / "results" / "matching.json"
STEPS, BATCH, WIDTH, SIGMA, PARTICLES, TEST, PATH_STEPS = 1000, 256, 64, 0.5, 20_000, 2000, 100

PEER = f"""
import sys, time, json, importlib.metadata as m
import numpy as np, torch
from torchcfm.conditional_flow_matching import SchrodingerBridgeConditionalFlowMatcher
torch.set_num_threads(1)
file = np.load(sys.argv[1])
x, y, fresh = (torch.tensor(file[k], dtype=torch.float32) for k in ("x", "y", "fresh"))
def net():
    sizes = [3, {WIDTH}, {WIDTH}, {WIDTH}]
    layers = [m for a, b in zip(sizes, sizes[1:]) for m in (torch.nn.Linear(a, b), torch.nn.SELU())]
    return torch.nn.Sequential(*layers, torch.nn.Linear({WIDTH}, 2))
matcher = SchrodingerBridgeConditionalFlowMatcher(sigma={SIGMA}, ot_method="exact")
print(json.dumps({{p: m.version(p) for p in ("torch", "torchcfm", "POT")}}), flush=True)
for line in sys.stdin:
    torch.manual_seed(int(line))
    flow, score = net(), net()
    adam = torch.optim.Adam([*flow.parameters(), *score.parameters()], 1e-3)
    start = time.process_time()
    for _ in range({STEPS}):
        i, j = torch.randint(len(x), ({BATCH},)), torch.randint(len(y), ({BATCH},))
        t, xt, ut, eps = matcher.sample_location_and_conditional_flow(x[i], y[j], return_noise=True)
        inputs = torch.cat([xt, t[:, None]], 1)
        weight = matcher.compute_lambda(t)[:, None]
        loss = ((flow(inputs) - ut) ** 2).mean() + ((weight * score(inputs) + eps) ** 2).mean()
        adam.zero_grad(); loss.backward(); adam.step()
    spent = time.process_time() - start
    with torch.no_grad():
        state, h = fresh.clone(), 1 / {PATH_STEPS}
        for k in range({PATH_STEPS}):
            inputs = torch.cat([state, torch.full((len(state), 1), k * h)], 1)
            drift = flow(inputs) + {SIGMA}**2 / 2 * score(inputs)
            state = state + h * drift + {SIGMA} * h**0.5 * torch.randn_like(state)
    np.save(sys.argv[2], state.numpy())
    print(spent, flush=True)
"""


def ours(x, y, fresh):
    from sdekit import fit
    from sdekit.bridges import BridgeMatching, MatchedBridge, coupled
    from sdekit.data import Snapshots
    from sdekit.nets import MLPField
    from sdekit.processes import BrownianMotion
    from sdekit.transport import Exact, Minibatch

    data = Snapshots(jnp.array([0.0, 1.0]), jnp.stack([x, y]))
    draw = eqx.filter_jit(lambda b, xs, k: jax.vmap(lambda s, q: b.end(s, key=q))(xs, jax.random.split(k, len(xs))))

    def run(seed, once):
        keys = jax.random.split(jax.random.key(seed), 5)
        nets = [MLPField(2, WIDTH, 3, time=True, activation=jax.nn.selu, key=k) for k in keys[:2]]
        start = MatchedBridge(BrownianMotion(jnp.full(2, SIGMA)), data, *nets, steps=PATH_STEPS // 2)
        begun = time.process_time()
        record = coupled(data, Minibatch(Exact(), 500), key=keys[2]) if once else data
        how = {"steps": STEPS, "batch_size": BATCH, "optimiser": optax.adam(1e-3), "progress": False}
        model = fit(start, BridgeMatching(), record, key=keys[3], **how).model
        jax.block_until_ready(model.forward.mlp.layers[0].weight)
        return time.process_time() - begun, np.asarray(draw(model, fresh, keys[4]))

    return {"sdekit, a coupling a batch": lambda s: run(s, False), "sdekit, coupled once": lambda s: run(s, True)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="an interpreter with torch and torchcfm")
    parser.add_argument("--rounds", type=int, default=4, help="at least 2: the first one compiles")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    from sdekit.data import load
    from sdekit.transport import wasserstein2

    x, y = np.asarray(load("gaussians_to_moons", key=jax.random.key(0), n=PARTICLES).xs)
    fresh, target = np.asarray(load("gaussians_to_moons", key=jax.random.key(1), n=TEST).xs)
    folder = Path(tempfile.mkdtemp())
    np.savez(folder / "points.npz", x=x, y=y, fresh=fresh)
    peer, versions = None, {}
    if args.peers:
        command = [args.peers, "-c", PEER, str(folder / "points.npz"), str(folder / "out.npy")]
        peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        versions = json.loads(peer.stdout.readline())
    runs = ours(jnp.asarray(x), jnp.asarray(y), jnp.asarray(fresh))
    times, scores, first = {}, {}, {}
    for i in range(args.rounds):
        for name, run in runs.items():
            spent, drawn = run(i)
            if i == 0:  # the first one compiles
                first[name] = spent
            else:
                times.setdefault(name, []).append(spent)
            scores.setdefault(name, []).append(float(wasserstein2(drawn, target)))
        if peer is not None and i:
            peer.stdin.write(f"{i}\n")
            peer.stdin.flush()
            times.setdefault("torchcfm", []).append(float(peer.stdout.readline()))
            scores.setdefault("torchcfm", []).append(float(wasserstein2(np.load(folder / "out.npy"), target)))
    if peer is not None:
        peer.stdin.close()
        peer.wait()
    rows = {
        name: {"cpu_seconds": statistics.median(t), "with_compiling": first.get(name), "w2": scores[name]}
        for name, t in times.items()
    }
    for name, row in rows.items():
        print(f"{name:28s} {row['cpu_seconds']:.2f} CPU-s, first {row['with_compiling']}, W2 {row['w2']}")
    result = {"rows": rows, "peers": versions, "jax": jax.__version__, "python": sys.version.split()[0],
              "machine": platform.machine(), "cores": os.cpu_count()}  # fmt: skip
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
