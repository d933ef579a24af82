"""A neural CDE against Diffrax's, and a neural RDE: value and gradient of a loss over a batch of series, float32.

Run as `python benchmarks/bench_cde.py`; writes `benchmarks/results/cde.json`. The same network drives all. Diffrax
solves along the same path, once with the same number of Heun steps, and once as its pages show it (Tsit5, adapted
steps). Competitors take turns; figures are ratios of medians, and compile time stands beside run time.
"""

import json
import platform
import statistics
import time
from pathlib import Path

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

import sdekit as sk
from sdekit.neural import Hermite, NeuralCDE, neural_rde


RESULTS = Path(__file__).parent / "results" / "cde.json"
BATCH, ROUNDS, WINDOW = 32, 7, 8
SIZES = {"dim": 2, "state": 16, "width": 32, "depth": 1, "outputs": 1}


def ours(model, series):
    return model(series)


def along(model, series, solver, controller):
    """The same model, solved by Diffrax over the times of the series."""
    xs = jnp.concatenate([series.ts[:, None], series.ys], axis=1)
    path = diffrax.CubicInterpolation(series.ts, diffrax.backward_hermite_coefficients(series.ts, xs))
    term = diffrax.ControlTerm(lambda _t, z, _args: model.field(z), path).to_ode()
    first, last = series.ts[0], series.ts[-1]
    found = diffrax.diffeqsolve(
        term, solver, first, last, None, model.initial(xs[0]), stepsize_controller=controller, max_steps=2**14
    )
    return model.readout(found.ys[-1])


def same_steps(model, series):
    return along(model, series, diffrax.Heun(), diffrax.StepTo(series.ts))


def adapted(model, series):
    return along(model, series, diffrax.Tsit5(), diffrax.PIDController(rtol=1e-3, atol=1e-6))


def measure(runs, stack):
    compiled, seconds = {}, {}
    steps = {}
    for name, (run, model) in runs.items():
        loss = lambda m, s, run=run: jnp.mean(jax.vmap(lambda one: run(m, one))(s) ** 2)
        steps[name] = (eqx.filter_jit(eqx.filter_value_and_grad(loss)), model)
        start = time.perf_counter()
        jax.block_until_ready(steps[name][0](model, stack))
        compiled[name] = time.perf_counter() - start
    for _ in range(ROUNDS):
        for name, (step, model) in steps.items():
            start = time.perf_counter()
            jax.block_until_ready(step(model, stack))
            seconds.setdefault(name, []).append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        name: {
            "milliseconds": round(1e3 * m, 2),
            "ratio": round(m / medians["sdekit CDE"], 2),
            "first_call_seconds": round(compiled[name], 2),
        }
        for name, m in medians.items()
    }


def main():
    found = {}
    for times in (100, 2000):
        data = sk.data.load("spirals", n=BATCH, times=times, dropped=0.0, key=jax.random.key(0)).series
        cde = NeuralCDE.build(Hermite(), **SIZES, key=jax.random.key(1))
        rde = neural_rde(window=WINDOW, **SIZES, key=jax.random.key(1))
        runs = {
            "sdekit CDE": (ours, cde),
            "Diffrax, as many Heun steps": (same_steps, cde),
            "Diffrax, adapted Tsit5": (adapted, cde),
            f"sdekit RDE, window {WINDOW}": (ours, rde),
        }
        if times > 100:  # minutes of steps
            del runs["Diffrax, adapted Tsit5"]
        found[f"{times} times"] = measure(runs, data)
        print(f"{times} times: {json.dumps(found[f'{times} times'], indent=2)}")
    versions = {"jax": jax.__version__, "diffrax": diffrax.__version__, "python": platform.python_version()}
    RESULTS.write_text(json.dumps({"batch": BATCH, "versions": versions, "runs": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
