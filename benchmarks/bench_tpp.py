"""Training of neural point processes against easy-tpp: IFTPP, NHP, THP, SAHP, one thread each, in turn, in one run.

Run as `SDEKIT_DATA=... python benchmarks/bench_tpp.py --peers PYTHON`, where PYTHON has torch 2.13.0 and easy-tpp
0.3.0. Writes `benchmarks/results/tpp.json`. Both train on the same batches (ConTime, 64 sequences a batch, padded to
the longest of all) by Adam, in float32, with the same loss: the log-likelihood of the events after the first, no
silence after the last one. Widths and depths are those that easy-tpp ships. Its integrals are means over 20 points a
gap, ours Gauss-Legendre with 12 nodes; what is scored is the same. The machine may be shared: both wall and processor
time are recorded, ratios are of the latter. Compile time is stated apart.
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

import numpy as np


RESULTS = Path(__file__).parent / "results" / "tpp.json"
BATCH, ROUNDS, STEPS = 64, 3, 2
MODELS = ("IFTPP", "NHP", "THP", "SAHP")
AT_ONCE = {"IFTPP": None, "NHP": 16, "THP": 8, "SAHP": 8}
"""How many sequences of a batch have their gradient taken at a time; see `PerEvent`."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

# As shipped, the intensity-free model fails on mean and deviation that are not Python floats; they are cast here.
PEER = """
import importlib.metadata as m, json, sys, time, warnings
import numpy as np, torch
warnings.simplefilter("ignore")
torch.set_num_threads(1)
from easy_tpp.config_factory.model_config import ModelConfig
from easy_tpp.model.basemodel import BaseModel
import easy_tpp.model

z = np.load(sys.argv[1]); steps = int(sys.argv[2]); kinds = int(z["kinds"])
times, gaps, marks, mask = (z[k] for k in ("times", "gaps", "marks", "mask"))
logs = np.log(gaps[mask & (gaps > 0)])
shared = dict(num_event_types=kinds, num_event_types_pad=kinds + 1, pad_token_id=kinds, gpu=-1, use_mc_samples=False,
              loss_integral_num_sample_per_step=20)
settings = {
    "IFTPP": ("IntensityFree", dict(hidden_size=32, model_specs={"num_mix_components": 3},
              mean_log_inter_time=float(logs.mean()), std_log_inter_time=float(logs.std()))),
    "NHP": ("NHP", dict(hidden_size=64)),
    "THP": ("THP", dict(hidden_size=32, time_emb_size=16, num_layers=2, num_heads=2, use_ln=False)),
    "SAHP": ("SAHP", dict(hidden_size=32, time_emb_size=16, num_layers=2, num_heads=2, use_ln=False)),
}
models = {}
print(json.dumps({p: m.version(p) for p in ("easy-tpp", "torch")}), flush=True)
for line in sys.stdin:
    name = line.strip()
    if name not in models:
        torch.manual_seed(0)
        model_id, own = settings[name]
        config = ModelConfig.parse_from_yaml_config(dict(model_id=model_id, **shared, **own))
        for key, value in {**shared, **own}.items():
            setattr(config, key, value)
        config.get = lambda key, default=None, own=own: own.get(key, default)
        model = BaseModel.generate_model_from_config(config)
        models[name] = model, torch.optim.Adam(model.parameters(), lr=1e-3)
    model, optimiser = models[name]
    wall, cpu, events = time.perf_counter(), time.process_time(), 0
    for s in range(steps):
        i = slice(s * 64, (s + 1) * 64)
        b = [torch.tensor(x[i]) for x in (times, gaps, marks, mask)]
        n = b[0].shape[1]
        future = torch.triu(torch.ones(n, n, dtype=torch.bool), 1)[None] | ~b[3][:, None, :]
        loss, count = model.loglike_loss((b[0], b[1], b[2], b[3], future))
        optimiser.zero_grad(); (loss / count).backward(); optimiser.step()
        events += int(count)
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, events, float(loss.detach() / count),
                      sum(p.numel() for p in model.parameters())]), flush=True)
"""


def ours(record):
    """For each model the step of its training, compiled, its start, and how long it took to compile."""
    import equinox as eqx
    import jax
    import optax

    import sdekit as sk
    from sdekit import points
    from sdekit.points import PerEvent

    key, adam = jax.random.key(0), optax.adam(1e-3)
    models = {
        "IFTPP": points.iftpp(record, width=32, components=3, key=key),
        "NHP": points.nhp(record, width=64, key=key),
        "THP": points.thp(record, width=32, layers=2, heads=2, key=key),
        "SAHP": points.sahp(record, width=32, layers=2, heads=2, key=key),
    }
    batches = [record[i * BATCH : (i + 1) * BATCH] for i in range(STEPS)]
    batches = [(batch, int(batch.mask[:, 1:].sum())) for batch in batches]

    def step(params, state, batch, rest, name):
        loss = PerEvent(first=False, silence=False, at_once=AT_ONCE[name])
        score = lambda p: loss(eqx.combine(p, rest), batch, key=key)[0]
        value, gradient = jax.value_and_grad(score)(params)
        update, state = adam.update(gradient, state)
        return optax.apply_updates(params, update), state, value

    made = {}
    for name, model in models.items():
        params, rest = eqx.partition(model, sk.trainable(model))
        state = adam.init(params)
        start = time.perf_counter()
        run = lambda p, s, b, rest=rest, name=name: step(p, s, b, rest, name)
        compiled = jax.jit(run).lower(params, state, batches[0][0]).compile()
        size = sum(x.size for x in jax.tree.leaves(params))
        made[name] = [compiled, params, state, time.perf_counter() - start, size]
    return made, batches


def run_ours(made, batches):
    compiled, params, state, _, _ = made
    wall, cpu, events = time.perf_counter(), time.process_time(), 0
    for batch, count in batches:
        params, state, value = compiled(params, state, batch)
        events += count
    value = float(value)
    made[1], made[2] = params, state
    return time.perf_counter() - wall, time.process_time() - cpu, events, value


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    os.environ |= {**ONE_THREAD, "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
    import jax

    import sdekit as sk

    record = sk.load("conttime")
    folder = tempfile.TemporaryDirectory()
    file = Path(folder.name) / "batches.npz"
    marks = np.where(np.asarray(record.mask), np.asarray(record.marks), record.num_marks)
    arrays = {"times": np.asarray(record.ts, np.float32), "gaps": np.asarray(record.gaps(), np.float32)}
    np.savez(file, **arrays, marks=marks.astype(np.int64), mask=np.asarray(record.mask), kinds=record.num_marks)
    made, batches = ours(record)
    command = [arguments.peers, "-c", PEER, str(file), str(STEPS)]
    peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert peer.stdin and peer.stdout
    versions = json.loads(peer.stdout.readline()) | {"jax": jax.__version__, "python": platform.python_version()}
    rows = []
    for name in MODELS:
        us, them = [], []
        for i in range(arguments.rounds + 1):
            print(name, file=peer.stdin, flush=True)
            theirs = json.loads(peer.stdout.readline())
            mine = run_ours(made[name], batches)
            if i:
                us.append(mine)
                them.append(theirs)
        rate = lambda rounds, k: statistics.median(r[2] / r[k] for r in rounds)
        row = {"model": name, "parameters": made[name][4], "peer_parameters": them[-1][4],
               "events_per_cpu_second": rate(us, 1), "peer_events_per_cpu_second": rate(them, 1),
               "events_per_second": rate(us, 0), "peer_events_per_second": rate(them, 0),
               "loss": us[-1][3], "peer_loss": them[-1][3], "events": us[-1][2], "peer_events": them[-1][2],
               "compile_seconds": made[name][3]}  # fmt: skip
        row["ratio"] = row["events_per_cpu_second"] / row["peer_events_per_cpu_second"]
        row["wall_ratio"] = row["events_per_second"] / row["peer_events_per_second"]
        rows.append(row)
        speeds = f"{row['events_per_cpu_second']:,.0f} events/s against {row['peer_events_per_cpu_second']:,.0f}"
        ratios = f"ratio {row['ratio']:.2f}, wall {row['wall_ratio']:.2f}"
        losses = f"losses {row['loss']:.3f} {row['peer_loss']:.3f}, compiled in {row['compile_seconds']:.1f} s"
        print(f"{name}: {speeds}, {ratios}, {losses}", flush=True)
    peer.stdin.close()
    folder.cleanup()
    RESULTS.write_text(json.dumps({"versions": versions, "rounds": arguments.rounds, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
