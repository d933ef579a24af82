"""A latent SDE by a solve, driven by Brownian or fractional noise, and without one: value and gradient of the bound.

Run as `python benchmarks/bench_latent.py`; writes `benchmarks/results/latent.json`. Four states, drift and control (or
marginals) by networks of width 64, 4 steps a gap (or 8 random times), 64 series, float32. Medians of rounds that
take turns, compile time apart.
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
import numpyro.distributions as dist

import sdekit as sk
from sdekit.inference import ELBO, LatentSDE, SDEMatching
from sdekit.nets import ConstantDiffusion, ControlMLP, FirstFrames, GaussianHead, MarginalMLP, MLPField
from sdekit.noise import BrownianDriver, MandelbrotVanNess, MarkovFractional
from sdekit.processes import Additive, Diffusion
from sdekit.solve import ExponentialIntegrator


RESULTS = Path(__file__).parent / "results" / "latent.json"
DIM, WIDTH, ROWS, STEPS, SERIES, ROUNDS = 4, 64, 26, 4, 64, 15
DRIVERS = {
    "Brownian": BrownianDriver,
    "MA-fBM, 5 modes, fixed index": lambda: MarkovFractional(0.3, terms=5, horizon=1.0),
    "MA-fBM, 5 modes, learned index": lambda: MarkovFractional(0.3, terms=5, horizon=1.0, within=(0.1, 0.9)),
    "MA-fBM, type I, 5 modes and 4 of the past": lambda: MarkovFractional(
        0.3, terms=5, horizon=1.0, kind=MandelbrotVanNess()
    ),
}


KEYS = jax.random.split(jax.random.key(0), 4)
LONG = 301
"""The rows of a long series, of which a model sees the first three, as of films of motion."""


def prior():
    return Diffusion(
        MLPField(DIM, WIDTH, 2, key=KEYS[0]), ConstantDiffusion(jnp.ones(DIM)),
        dist.Normal(jnp.zeros(DIM), jnp.ones(DIM)).to_event(1), structure=Additive,
    )  # fmt: skip


def matched():
    encoder = FirstFrames(dim=DIM, frames=3, width=32, depth=1, size=8, key=KEYS[1])
    marginals = MarginalMLP(dim=DIM, context=8, width=WIDTH, depth=2, key=KEYS[2])
    return LatentSDE(prior(), sk.GaussianObservation(jnp.full(DIM, 0.1)), encoder, marginals)


def model(driver):
    keys = KEYS
    start = driver.start.shape[1] * DIM + DIM
    return LatentSDE(
        base=prior(), driver=driver, observation=sk.GaussianObservation(jnp.full(DIM, 0.1)),
        encoder=FirstFrames(dim=DIM, frames=3, width=32, depth=1, size=8, key=keys[1]),
        control=ControlMLP(dim=DIM, noise=DIM, context=8, width=WIDTH, depth=2, driver=driver, key=keys[2]),
        head=GaussianHead(context=8, n=start, width=32, depth=1, key=keys[3]),
    )  # fmt: skip


def series(rows):
    return sk.Series(jnp.linspace(0.0, 1.0, rows), jax.random.normal(jax.random.key(1), (SERIES, rows, DIM)))


def race(cases):
    """Each case an objective, a model and data. Medians of rounds that take turns, and the first call."""
    runs, compiled, seconds = {}, {}, {name: [] for name in cases}
    for name, (objective, m, data) in cases.items():
        gradient = eqx.filter_jit(eqx.filter_value_and_grad(lambda m, d, k, o=objective: o(m, d, key=k)[0]))
        runs[name] = lambda k, g=gradient, m=m, d=data: jax.block_until_ready(g(m, d, k))
        start = time.perf_counter()
        runs[name](jax.random.key(2))
        compiled[name] = time.perf_counter() - start
    for i in range(ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            run(jax.random.key(i))
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(s) for name, s in seconds.items()}
    first = medians[next(iter(cases))]
    return [
        {"case": n, "ms": 1e3 * s, "over the first": s / first, "compile s": compiled[n]} for n, s in medians.items()
    ]


def main() -> None:
    solved = ELBO(steps=STEPS, solver=ExponentialIntegrator(diffrax.Euler()))
    drivers = {name: (solved, model(make()), series(ROWS)) for name, make in DRIVERS.items()}
    long = {
        "by a solve": (solved, model(BrownianDriver()), series(LONG)),
        "SDE matching, 8 times, all rows": (SDEMatching(times=8), matched(), series(LONG)),
        "SDE matching, 8 times, 32 rows": (SDEMatching(times=8, rows=32), matched(), series(LONG)),
    }
    tables = {f"{ROWS} rows": race(drivers), f"{LONG} rows": race(long)}
    for title, rows in tables.items():
        print(title)
        for row in rows:
            print("  ".join(f"{k}: {v:.3g}" if isinstance(v, float) else f"{v:44}" for k, v in row.items()))
    head = {"machine": platform.machine(), "device": jax.devices()[0].device_kind, "jax": jax.__version__}
    sizes = {"dim": DIM, "width": WIDTH, "steps a gap": STEPS, "series": SERIES, "rounds": ROUNDS}
    RESULTS.write_text(json.dumps({**head, **sizes, "tables": tables}, indent=2) + "\n")


if __name__ == "__main__":
    main()
