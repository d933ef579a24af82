"""The quality of planar flows at equal budgets: ours against torchcfm and flow_matching, on paired seeds.

Run as `python benchmarks/bench_generation.py --peers PYTHON`, where PYTHON is an interpreter with torch 2.13.0,
torchcfm 1.0.7 and flow_matching 1.0.10. All train the network 3 -> 128 x 3 -> 2 with SELU for 5000 steps of Adam on the
same pools of points; a peer hands back its weights, and one evaluator measures all on the same points. Writes
`benchmarks/results/generation.json`, where rows of other sets, seeds and libraries are kept. `--seeds 1` for a look,
`--sets moons` for one of the sets, `--who flow_matching` for one of the libraries.
"""

import argparse
import json
import os
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


RESULTS = Path(__file__).parent / "results" / "generation.json"
BATCH, STEPS = 256, 5000

LOOKS = {
    "torchcfm": """
from torchcfm.conditional_flow_matching import ConditionalFlowMatcher
matcher = ConditionalFlowMatcher(sigma=0.0)
look = matcher.sample_location_and_conditional_flow
""",
    "flow_matching": """
from flow_matching.path import CondOTProbPath
path = CondOTProbPath()

def look(x0, x1):
    found = path.sample(t=torch.rand(len(x0)), x_0=x0, x_1=x1)
    return found.t, found.x_t, found.dx_t
""",
}
"""How each peer draws a time, a state and its target for a pair of points."""

PEER = f"""
import sys, time, json, importlib.metadata as m
import numpy as np
import torch

torch.set_num_threads(1)
library = sys.argv[1]
exec(sys.argv[2])

def run(file, out, seed):
    torch.manual_seed(seed)
    x0, x1 = torch.from_numpy(np.load(file))
    sizes = [3, 128, 128, 128]
    layers = [f for a, b in zip(sizes, sizes[1:]) for f in (torch.nn.Linear(a, b), torch.nn.SELU())]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(128, 2))
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    start = time.process_time()
    for _ in range({STEPS}):
        i, j = torch.randint(len(x0), ({BATCH},)), torch.randint(len(x1), ({BATCH},))
        t, xt, ut = look(x0[i], x1[j])
        optimiser.zero_grad()
        loss = ((net(torch.cat([xt, t[:, None]], -1)) - ut) ** 2).mean()
        loss.backward()
        optimiser.step()
    spent = time.process_time() - start
    np.savez(out, **{{str(i): p.detach().numpy() for i, p in enumerate(net.parameters())}})
    return spent

print(json.dumps({{p: m.version(p) for p in ("torch", library)}}), flush=True)
for line in sys.stdin:
    print(run(**json.loads(line)), flush=True)
"""


def sets():
    from sdekit.experiments import _planar as planar

    return {
        "checkerboard": (planar.standard_normal(), planar.checkerboard),
        "moons": (planar.eight_gaussians(), planar.moons),
        "moons, variance 0.1": (planar.eight_gaussians(0.1), planar.moons),
    }


def pool(base, data, keys):
    """Draws of both ends."""
    import sdekit as sk
    from sdekit.experiments import _planar as planar

    x1 = data(planar.POOL, keys[0])
    x0 = base.sample(keys[1], (planar.POOL,)).astype(x1.dtype)
    return sk.data.Snapshots(jnp.array([0.0, 1.0], x1.dtype), jnp.stack([x0, x1]))


def ours(pairs, seed):
    """The field, and the process seconds of its fit."""
    import sdekit as sk
    from sdekit.experiments import _planar as planar
    from sdekit.interpolants import InterpolantMatching

    start = time.process_time()
    found = sk.fit(
        planar.plain_field(jax.random.key(seed)), InterpolantMatching(), pairs, key=jax.random.key(100 + seed),
        steps=STEPS, batch_size=BATCH, chunk=1000, optimiser=optax.adam(1e-3), progress=False,
    )  # fmt: skip
    return found.model, time.process_time() - start


def swing(name, seed):
    """Likelihoods of one of our runs at each hundred of its last thousand steps; and of a run whose rate falls."""
    import sdekit as sk
    from sdekit.experiments import _planar as planar
    from sdekit.interpolants import InterpolantMatching

    base, data = sets()[name]
    keys = jax.random.split(jax.random.key(1000 + seed), 3)
    both, x = planar.pairs(base, data(planar.POOL, keys[0]), keys[1]), data(planar.POINTS // 2, keys[2])
    found, look = [], lambda fit: float(planar.nll(fit.model, base, x, 30).mean())

    def callback(fit):
        if int(fit.history["step"][-1]) > STEPS - 1000:
            found.append(look(fit))

    start, how = planar.plain_field(jax.random.key(seed)), {"key": jax.random.key(100 + seed), "steps": STEPS}
    how |= {"batch_size": BATCH, "chunk": 100, "progress": False}
    sk.fit(start, InterpolantMatching(), both, optimiser=optax.adam(1e-3), callbacks=[callback], **how)
    falling = optax.adam(optax.cosine_decay_schedule(2e-3, STEPS))
    last = look(sk.fit(start, InterpolantMatching(), both, optimiser=falling, **how))
    return {"set": name, "seed": seed, "NLL along the last steps": found, "NLL with a falling rate": last}


def normal_weights(field, key):
    """The field with normal weights of variance 1 / fan-in (LeCun's) and no biases, as many JAX libraries begin."""
    layers = lambda f: f.parts[0].function.mlp.layers
    for i in range(len(layers(field))):
        weight, bias = layers(field)[i].weight, layers(field)[i].bias
        drawn = jax.random.normal(jax.random.fold_in(key, i), weight.shape, weight.dtype) / weight.shape[1] ** 0.5
        field = eqx.tree_at(lambda f, i=i: (layers(f)[i].weight, layers(f)[i].bias), field, (drawn, 0 * bias))
    return field


def variants(name, seed):
    """Likelihoods of our run as it is, with other initial weights, and with independent times."""
    import sdekit as sk
    from sdekit.experiments import _planar as planar
    from sdekit.interpolants import InterpolantMatching, UniformTimes

    base, data = sets()[name]
    keys = jax.random.split(jax.random.key(1000 + seed), 3)
    both, x = planar.pairs(base, data(planar.POOL, keys[0]), keys[1]), data(planar.POINTS, keys[2])
    start = planar.plain_field(jax.random.key(seed))
    runs = {
        "as it is": (start, InterpolantMatching()),
        "normal weights, no biases": (normal_weights(start, jax.random.key(seed)), InterpolantMatching()),
        "independent times": (start, InterpolantMatching(times=UniformTimes())),
    }
    found = {"set": name, "seed": seed}
    for label, (field, objective) in runs.items():
        fit = sk.fit(
            field, objective, both, key=jax.random.key(100 + seed), steps=STEPS, batch_size=BATCH, chunk=1000,
            optimiser=optax.adam(1e-3), progress=False,
        )  # fmt: skip
        found[label] = float(planar.nll(fit.model, base, x, 30).mean())
    return found


def theirs(peer, file, seed):
    """The peer's network as our field."""
    from sdekit.experiments import _planar as planar

    out = file.with_suffix(".npz")
    peer.stdin.write(json.dumps({"file": str(file), "out": str(out), "seed": seed}) + "\n")
    peer.stdin.flush()
    spent = float(peer.stdout.readline())
    with np.load(out) as weights:
        arrays = [jnp.asarray(weights[str(i)]) for i in range(len(weights))]
    field = planar.plain_field(jax.random.key(0))
    of = lambda f: [p for layer in f.parts[0].function.mlp.layers for p in (layer.weight, layer.bias)]
    return eqx.tree_at(of, field, arrays), spent


def main() -> None:
    from sdekit.experiments import _planar as planar

    parser = argparse.ArgumentParser()
    parser.add_argument("--peers")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--sets", nargs="*", default=["checkerboard", "moons"])
    parser.add_argument("--who", nargs="*", default=["sdekit", *LOOKS])
    parser.add_argument("--swing", action="store_true", help="how much the likelihood of one run moves at its end")
    parser.add_argument("--variants", action="store_true", help="other initial weights, other times")
    arguments = parser.parse_args()
    if arguments.swing or arguments.variants:
        look = swing if arguments.swing else variants
        for name in arguments.sets:
            for seed in range(arguments.first, arguments.first + arguments.seeds):
                sys.stdout.write(json.dumps(look(name, seed)) + "\n")
                sys.stdout.flush()
        return
    versions, peers = {"jax": jax.__version__}, {}
    for name in [who for who in arguments.who if who in LOOKS and arguments.peers]:
        command = [arguments.peers, "-c", PEER, name, LOOKS[name]]
        peers[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        versions |= json.loads(peers[name].stdout.readline())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.sets:
            base, data = sets()[name]
            for seed in range(arguments.first, arguments.first + arguments.seeds):
                keys = jax.random.split(jax.random.key(1000 + seed), 3)
                both = pool(base, data, keys)
                file = Path(folder) / "pool.npy"
                np.save(file, np.asarray(both.xs))
                runs = {"sdekit": ours(both, seed)} if "sdekit" in arguments.who else {}
                runs |= {who: theirs(peer, file, seed) for who, peer in peers.items()}
                for who, (field, spent) in runs.items():
                    found = planar.scores(field, base, data, keys[2])
                    row = {"set": name, "who": who, "seed": seed, "train seconds": spent} | found
                    rows.append(row)
                    sys.stdout.write(json.dumps(row) + "\n")
                    sys.stdout.flush()
    for name in arguments.sets:
        for who in ("sdekit", *LOOKS):
            mine = [r for r in rows if (r["set"], r["who"]) == (name, who)]
            if mine:
                middle = {m: statistics.mean(r[m] for r in mine) for m in ("NLL", "sliced W2", "leak")}
                sys.stdout.write(f"{name}, {who}: {middle}\n")
    RESULTS.parent.mkdir(exist_ok=True)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    mark = lambda row: (row["set"], row["who"], row["seed"])
    new = {mark(row): row | {"versions": versions} for row in rows}
    both = {mark(row): row for row in kept} | new
    RESULTS.write_text(json.dumps([both[m] for m in sorted(both)], indent=1) + "\n")
    for peer in peers.values():
        peer.stdin.close()
        peer.wait()


if __name__ == "__main__":
    main()
