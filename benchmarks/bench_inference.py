"""The evidence of a noisy series: sequential and parallel Kalman filters, and the dense Gaussian density.

Run as a script for a table of ratios (compile and run times), or under pytest-benchmark.
"""

import sys
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.data import Series
from sdekit.inference import GaussianObservation, Observed, Parallel, Sequential
from sdekit.math import gaussian_log_prob
from sdekit.processes import OrnsteinUhlenbeck


METHODS = {"sequential": Sequential(), "parallel": Parallel()}


def problem(t, d):
    """A series of `t` irregular times of the sum of `d` Ornstein-Uhlenbeck processes."""
    rng = np.random.default_rng(0)
    ts = np.cumsum(rng.exponential(0.1, t)).astype(np.float32)
    series = Series(ts, np.sin(ts)[:, None].astype(np.float32))
    process = OrnsteinUhlenbeck(jnp.linspace(0.5, 3.0, d), jnp.zeros(d), jnp.ones(d))
    return process, GaussianObservation(jnp.array([0.3]), jnp.ones((1, d))), series


@eqx.filter_jit
def dense(process, observation, series):
    gaps = jnp.abs(series.ts[:, None] - series.ts[None, :])
    terms = process.scale**2 / (2 * process.rate)
    cov = jnp.sum(terms[:, None, None] * jnp.exp(-process.rate[:, None, None] * gaps[None]), axis=0)
    return gaussian_log_prob(jnp.zeros_like(series.ts), cov, series.ys[:, 0], None, observation.scale[0] ** 2)


@eqx.filter_jit
def kalman(process, observation, series, method):
    return Observed(process, observation, method).log_prob(series)


gradient = eqx.filter_jit(eqx.filter_grad(lambda process, *rest: kalman(process, *rest)))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("t", [100, 1000])
def bench_evidence(benchmark, name, t):
    case = (*problem(t, 2), METHODS[name])
    benchmark(lambda: jax.block_until_ready(kalman(*case)))


@pytest.mark.parametrize("t", [100, 1000])
def bench_evidence_dense(benchmark, t):
    case = problem(t, 2)
    benchmark(lambda: jax.block_until_ready(dense(*case)))


def timed(f, *args, repeats=20):
    start = time.perf_counter()
    jax.block_until_ready(f(*args))
    first = time.perf_counter() - start
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(f(*args))
        runs.append(time.perf_counter() - start)
    return first - min(runs), min(runs)


def table():
    """Rows of (times, components, method, compile s, evidence ms, compile s of the gradient, gradient ms)."""
    for t, d in ((100, 1), (1000, 1), (10_000, 1), (100, 3), (1000, 3)):
        case = problem(t, d)
        for name, method in METHODS.items():
            plain = timed(kalman, *case, method)
            # The parallel gradient unrolls two scans of logarithmic depth: minutes of compilation on long series.
            slow = name == "parallel" and t > 1000
            slope = (float("nan"), float("nan")) if slow else timed(gradient, *case, method)
            yield t, d, name, plain[0], 1e3 * plain[1], slope[0], 1e3 * slope[1]
        if t <= 1000:
            plain = timed(dense, *case)
            yield t, d, "dense", plain[0], 1e3 * plain[1], float("nan"), float("nan")


def main():
    write = lambda cells: (sys.stdout.write("| " + " | ".join(cells) + " |\n"), sys.stdout.flush())
    write(["times", "components", "method", "compile s", "evidence ms", "compile s, gradient", "gradient ms"])
    write(["---"] * 7)
    for row in table():
        write([f"{v:.3g}" if isinstance(v, float) else str(v) for v in row])


if __name__ == "__main__":
    main()
