"""What a step of `fit` costs beside a training loop written by hand: a jitted `lax.scan` over the same steps.

Run: `python benchmarks/bench_fit.py`. Writes `benchmarks/results/fit.json`. Times are the least of several repetitions,
alternating between the two, after compilation; compilation is reported beside them.
"""

import json
import platform
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

import sdekit as sk
from sdekit.fit import fit


STEPS, CHUNK, REPEATS = 2000, 50, 5
OUT = Path(__file__).parent / "results" / "fit.json"


class Regression(sk.inference.AbstractObjective):
    """Mean squared error of a network of the time, or of a constant."""

    def __call__(self, model, batch, *, key):
        predict = lambda t: model(t[None])
        return jnp.mean((jax.vmap(jax.vmap(predict))(batch.ts) - batch.ys) ** 2), {}


class Constant(sk.AbstractParametric):
    """The smallest model: what is left is the overhead."""

    level: jax.Array = sk.parameter()

    def __call__(self, t):
        return self.level


def by_hand(model, objective, data, key, steps, optimiser, batch_size):
    """The loop that a user would write: one program, batches by `fold_in`, no look at the host."""
    params, static = eqx.partition(model, eqx.is_inexact_array)

    def step(carry, s):
        params, state = carry
        batch_key, objective_key = jax.random.split(jax.random.fold_in(key, s))
        batch = data.draw(batch_size, key=batch_key) if batch_size else data
        loss = lambda p: objective(eqx.combine(p, static), batch, key=objective_key)[0]
        value, grad = jax.value_and_grad(loss)(params)
        updates, state = optimiser.update(grad, state, params)
        return (optax.apply_updates(params, updates), state), value

    @jax.jit
    def run(carry, start):
        return jax.lax.scan(step, carry, start + jnp.arange(steps))

    return run, (params, optimiser.init(params))


def measure(name, model, data, batch_size):
    key, optimiser, objective = jax.random.key(0), optax.adam(1e-3), Regression()
    options = {"key": key, "steps": STEPS, "chunk": CHUNK, "optimiser": optimiser, "batch_size": batch_size}
    ours = lambda: fit(model, objective, data, progress=False, **options)
    whole, start = by_hand(model, objective, data, key, STEPS, optimiser, batch_size)
    chunked, _ = by_hand(model, objective, data, key, CHUNK, optimiser, batch_size)

    def scan():
        return jax.block_until_ready(whole(start, 0))

    def scan_in_chunks():  # as often on the host as `fit`, with nothing done there but to read the losses
        carry, losses = start, []
        for s in range(0, STEPS, CHUNK):
            carry, values = chunked(carry, s)
            losses.append(jax.device_get(values))
        return carry, losses

    runs = {"fit": ours, "scan": scan, "scan_in_chunks": scan_in_chunks}
    first, best = {}, dict.fromkeys(runs, float("inf"))
    for label, run in runs.items():
        begin = time.perf_counter()
        run()
        first[label] = time.perf_counter() - begin
    for _ in range(REPEATS):
        for label, run in runs.items():
            begin = time.perf_counter()
            run()
            best[label] = min(best[label], time.perf_counter() - begin)
    reached = float(ours().history["loss"][-1])
    micro = {label: seconds / STEPS * 1e6 for label, seconds in best.items()}
    return {
        "case": name,
        "microseconds_per_step": micro,
        "ratio_to_scan": micro["fit"] / micro["scan"],
        "ratio_to_scan_in_chunks": micro["fit"] / micro["scan_in_chunks"],
        "compile_seconds": {label: first[label] - best[label] for label in runs},
        "loss": {"fit": reached, "scan": float(scan()[1][-CHUNK:].mean())},
    }


def main():
    times = jnp.broadcast_to(jnp.linspace(0.0, 1.0, 32), (256, 32))
    ys = jnp.sin(6 * times)[..., None] + 0.1 * jax.random.normal(jax.random.key(1), (256, 32, 1))
    data = sk.Series(times, ys)
    network = eqx.nn.MLP(1, 1, 64, 2, key=jax.random.key(2))
    rows = [
        measure("constant, one item of 32 times", Constant(0.0), data[:1], None),
        measure("constant, batches of 32 of 256 items", Constant(0.0), data, 32),
        measure("network of 4 k parameters, batches of 32 of 256 items", network, data, 32),
    ]
    machine = {"jax": jax.__version__, "device": jax.devices()[0].device_kind, "machine": platform.machine()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(
        json.dumps({"name": "fit", "steps": STEPS, "chunk": CHUNK, **machine, "rows": rows}, indent=2) + "\n"
    )
    for row in rows:
        print(json.dumps(row, indent=2))


def test_fit_beside_a_scan():
    main()
    for row in json.loads(OUT.read_text())["rows"]:
        assert abs(row["loss"]["fit"] - row["loss"]["scan"]) <= 1e-5 * abs(row["loss"]["scan"])


if __name__ == "__main__":
    main()
