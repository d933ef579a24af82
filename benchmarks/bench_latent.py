"""A latent SDE driven by fractional noise against the same driven by Brownian motion: value and gradient of the bound.

Run as `python benchmarks/bench_latent.py`; writes `benchmarks/results/latent.json`. Four states, drift and control by
networks of width 64, 100 steps, 64 series, float32. Medians of rounds that take turns, compile time apart.
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
from sdekit.inference import ELBO, LatentSDE
from sdekit.nets import ConstantDiffusion, ControlMLP, FirstFrames, GaussianHead, MLPField
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


def model(driver):
    keys = jax.random.split(jax.random.key(0), 4)
    base = Diffusion(
        MLPField(DIM, WIDTH, 2, key=keys[0]), ConstantDiffusion(jnp.ones(DIM)),
        dist.Normal(jnp.zeros(DIM), jnp.ones(DIM)).to_event(1), structure=Additive,
    )  # fmt: skip
    start = driver.start.shape[1] * DIM + DIM
    return LatentSDE(
        base=base, driver=driver, observation=sk.GaussianObservation(jnp.full(DIM, 0.1)),
        encoder=FirstFrames(dim=DIM, frames=3, width=32, depth=1, size=8, key=keys[1]),
        control=ControlMLP(dim=DIM, noise=DIM, context=8, width=WIDTH, depth=2, driver=driver, key=keys[2]),
        head=GaussianHead(context=8, n=start, width=32, depth=1, key=keys[3]),
    )  # fmt: skip


def main() -> None:
    ts = jnp.linspace(0.0, 1.0, ROWS)
    data = sk.Series(ts, jax.random.normal(jax.random.key(1), (SERIES, ROWS, DIM)))
    objective = ELBO(steps=STEPS, solver=ExponentialIntegrator(diffrax.Euler()))
    run = eqx.filter_jit(eqx.filter_value_and_grad(lambda m, d, k: objective(m, d, key=k)[0]))
    models, compiled = {name: model(make()) for name, make in DRIVERS.items()}, {}
    for name, m in models.items():
        start = time.perf_counter()
        jax.block_until_ready(run(m, data, jax.random.key(2)))
        compiled[name] = time.perf_counter() - start
    seconds = {name: [] for name in models}
    for i in range(ROUNDS):
        for name, m in models.items():
            start = time.perf_counter()
            jax.block_until_ready(run(m, data, jax.random.key(i)))
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(s) for name, s in seconds.items()}
    rows = [
        {"driver": n, "ms": 1e3 * s, "over Brownian": s / medians["Brownian"], "compile s": compiled[n]}
        for n, s in medians.items()
    ]
    for row in rows:
        print("  ".join(f"{k}: {v:.3g}" if isinstance(v, float) else f"{v:44}" for k, v in row.items()))
    head = {"machine": platform.machine(), "device": jax.devices()[0].device_kind, "jax": jax.__version__}
    sizes = {"dim": DIM, "width": WIDTH, "steps": STEPS * (ROWS - 1), "series": SERIES, "rounds": ROUNDS}
    RESULTS.write_text(json.dumps({**head, **sizes, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
