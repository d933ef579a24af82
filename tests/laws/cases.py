"""The final classes that the suites run over: how to draw their parameters, and what SciPy says of them.

Parameters come from a NumPy generator whose seed Hypothesis draws. All cases of one class have the same shapes, so that
each suite compiles once a class.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from hypothesis import strategies as st
from scipy import stats

from sdekit import fractional as fr, processes as sp

from ..noise.drivers import Modes


seeds = st.integers(0, 2**31 - 1)


def delta(x):
    return dist.Delta(jnp.asarray(x, float), event_dim=1)


def between(rng, low, high, shape=(2,)):
    """Log-uniform between positive bounds."""
    return np.exp(rng.uniform(np.log(low), np.log(high), shape))


@dataclasses.dataclass(frozen=True)
class Case:
    """How to draw a process of one class; for independent components, SciPy's transition law."""

    name: str
    build: Callable[[np.random.Generator], Any]
    oracle: Callable[[Any, float, float, np.ndarray], Any] | None = None
    positive: bool = False

    def states(self, rng, process, n):
        """States at which to look."""
        if self.positive:
            return between(rng, 0.05, 4.0, (n, process.dim))
        return rng.normal(0.0, 1.5, (n, process.dim))

    def near(self, rng, mean, variance):
        """States where a law with these moments has its mass."""
        if variance.ndim > mean.ndim:
            variance = np.diagonal(variance, axis1=-2, axis2=-1)
        y = mean + np.sqrt(variance) * rng.uniform(-2.5, 2.5, mean.shape)
        return np.where(y > 0, y, mean * rng.uniform(0.1, 1, mean.shape)) if self.positive else y

    def __str__(self):
        return self.name


def brownian(rng):
    return sp.BrownianMotion(between(rng, 0.1, 3), rng.normal(size=2), delta(rng.normal(size=2)))


def ou(rng):
    start = dist.Normal(jnp.asarray(rng.normal(size=2)), jnp.asarray(between(rng, 0.1, 2))).to_event(1)
    return sp.OrnsteinUhlenbeck(between(rng, 0.01, 5), rng.normal(size=2), between(rng, 0.1, 3), start)


def gbm(rng):
    return sp.GeometricBrownianMotion(rng.normal(size=2), between(rng, 0.05, 1), delta(between(rng, 0.2, 3)))


def cir(rng):
    rate, mean = between(rng, 0.1, 5), between(rng, 0.1, 3)
    # From far inside to beyond Feller's condition, but with more than one degree of freedom.
    scale = np.sqrt(4 * rate * mean / between(rng, 1.05, 100))
    return sp.CoxIngersollRoss(rate, mean, scale, delta(between(rng, 0.1, 2)))


def cir_touching(rng):
    rate, mean = between(rng, 0.1, 5), between(rng, 0.1, 3)
    return sp.CoxIngersollRoss(rate, mean, np.sqrt(4 * rate * mean / between(rng, 0.4, 0.95)), delta([0.5, 1.0]))


def bessel(rng):
    return sp.SquaredBessel(between(rng, 0.4, 20), delta(between(rng, 0.2, 3)))


def benes(rng):
    return sp.Benes(between(rng, 0.2, 3), between(rng, 0.3, 2), delta(rng.normal(size=2)))


def brownian_bridge(rng):
    return sp.BrownianBridge(rng.normal(size=2), rng.normal(size=2), 0.0, 2.0, between(rng, 0.1, 3))


def matrices(rng, d=2):
    """A stable matrix of rates, and noise with fewer columns than rows half of the time."""
    a = rng.normal(size=(d, d))
    rate = a @ a.T / d + 0.1 * np.eye(d) + 0.5 * (a - a.T)
    return rate, rng.normal(size=(d, d)) * np.array([1.0, rng.choice([0.0, 1.0])])


def matrix_ou(rng):
    rate, scale = matrices(rng)
    return sp.MatrixOrnsteinUhlenbeck(rate, rng.normal(size=2), scale)


def linear(rng):
    rate, scale = matrices(rng)
    return sp.LinearSDE(-rate + 0.5 * np.eye(2), rng.normal(size=2), scale, delta(rng.normal(size=2)))


class Wave(eqx.Module):
    base: jax.Array
    swing: jax.Array

    def __call__(self, t):
        return self.base + jnp.sin(2 * t) * self.swing


def time_dependent(rng):
    wave = lambda *shape: Wave(jnp.asarray(rng.normal(size=shape)), jnp.asarray(0.3 * rng.normal(size=shape)))
    return sp.TimeDependentLinearSDE(wave(2, 2), wave(2), wave(2, 2), delta(rng.normal(size=2)), steps=16)


def ou_bridge(rng):
    return ou(rng).bridge(0.0, jnp.asarray(rng.normal(size=2)), 2.0, jnp.asarray(rng.normal(size=2)))


def linear_bridge(rng):
    rate, scale = matrices(rng)
    process = sp.LinearSDE(-rate, rng.normal(size=2), scale + 0.3 * np.eye(2))
    return process.bridge(0.0, jnp.asarray(rng.normal(size=2)), 2.0, jnp.asarray(rng.normal(size=2)))


def driven_ou(rng):
    weights, rates = rng.normal(size=3), np.sort(between(rng, 0.05, 20, (3,)))
    driver = Modes(jnp.asarray(rates), jnp.asarray(weights), direct=0.5, still=1)
    start = dist.Normal(jnp.asarray(rng.normal(size=1)), 0.5).to_event(1)
    return sp.DrivenOrnsteinUhlenbeck(driver, *(between(rng, 0.1, 3, (1,)) for _ in range(3)), start)


def modes(rng):
    rates = np.sort(between(rng, 0.05, 20, (3,)))
    return Modes(jnp.asarray(rates), jnp.asarray(rng.normal(size=3)), direct=0.5, still=1)


def forward_vp(rng):
    low, high, end = between(rng, 0.1, 4, (3,))
    return fr.FractionalVP(modes(rng), delta(rng.normal(size=1)), low, low + high, 2 * end + 1)


def forward_ve(rng):
    return fr.FractionalVE(modes(rng), delta(rng.normal(size=1)), *np.sort(between(rng, 0.1, 5)), 2.0)


def pinned(rng):
    return fr.PinnedFractionalBridge(modes(rng), *rng.normal(size=(2, 1)), 2.0, between(rng, 0.1, 3, (1,)))


def normal_oracle(p, t0, t1, x):
    h, s, m = t1 - t0, np.asarray(p.scale), np.asarray(p.drift_rate)
    return stats.norm(x + m * h, s * np.sqrt(h))


def ou_oracle(p, t0, t1, x):
    k, m, s, h = np.asarray(p.rate), np.asarray(p.mean), np.asarray(p.scale), t1 - t0
    return stats.norm(m + (x - m) * np.exp(-k * h), s * np.sqrt(-np.expm1(-2 * k * h) / (2 * k)))


def gbm_oracle(p, t0, t1, x):
    m, s, h = np.asarray(p.rate), np.asarray(p.scale), t1 - t0
    return stats.lognorm(s * np.sqrt(h), scale=x * np.exp((m - s**2 / 2) * h))


def cir_oracle(p, t0, t1, x):
    k, m, s, h = np.asarray(p.rate), np.asarray(p.mean), np.asarray(p.scale), t1 - t0
    c = 2 * k / (s**2 * -np.expm1(-k * h))
    return stats.ncx2(4 * k * m / s**2, 2 * c * x * np.exp(-k * h), scale=1 / (2 * c))


def bessel_oracle(p, t0, t1, x):
    h = t1 - t0
    return stats.ncx2(np.asarray(p.dimension), x / h, scale=h)


class BenesOracle:
    r"""The density in the form of the literature, $\cosh(ay)/\cosh(ax)\,e^{-a^2 s^2 h/2} N(y; x, s^2 h)$."""

    def __init__(self, p, t0, t1, x):
        self.x, self.s2 = x, np.asarray(p.scale) ** 2
        self.a, self.h = np.asarray(p.speed) / self.s2, t1 - t0
        self.sd = np.sqrt(self.s2 * self.h)

    def logpdf(self, y):
        log_cosh = lambda z: np.logaddexp(z, -z) - np.log(2)
        tilt = log_cosh(self.a * y) - log_cosh(self.a * self.x) - self.a**2 * self.s2 * self.h / 2
        return tilt + stats.norm.logpdf(y, self.x, self.sd)

    def cdf(self, y):
        """The integral of cosh times a normal density, by completing squares."""
        up, down = (self.x + sign * self.a * self.s2 * self.h for sign in (1, -1))
        weight = 1 / (1 + np.exp(-2 * self.a * self.x))
        return weight * stats.norm.cdf(y, up, self.sd) + (1 - weight) * stats.norm.cdf(y, down, self.sd)

    def mean(self):
        return self.x + self.a * self.s2 * self.h * np.tanh(self.a * self.x)

    def var(self):
        return self.s2 * self.h + (self.a * self.s2 * self.h) ** 2 / np.cosh(self.a * self.x) ** 2

    def ppf(self, q):
        return self.x - self.a * self.s2 * self.h + self.sd * stats.norm.ppf(q)

    def isf(self, q):
        return self.x + self.a * self.s2 * self.h + self.sd * stats.norm.isf(q)


def bridge_oracle(p, t0, t1, x):
    end, b, s = float(p.t1), np.asarray(p.end), np.asarray(p.scale)
    share = (t1 - t0) / (end - t0)
    return stats.norm(x + share * (b - x), s * np.sqrt((t1 - t0) * (end - t1) / (end - t0)))


COMPONENTS = [
    Case("BrownianMotion", brownian, normal_oracle),
    Case("OrnsteinUhlenbeck", ou, ou_oracle),
    Case("GeometricBrownianMotion", gbm, gbm_oracle, positive=True),
    Case("CoxIngersollRoss", cir, cir_oracle, positive=True),
    Case("CoxIngersollRoss, touching 0", cir_touching, cir_oracle, positive=True),
    Case("SquaredBessel", bessel, bessel_oracle, positive=True),
    Case("Benes", benes, BenesOracle),
    Case("BrownianBridge", brownian_bridge, bridge_oracle),
]
"""Processes with independent components and a transition that SciPy knows."""

MATRICES = [
    Case("MatrixOrnsteinUhlenbeck", matrix_ou),
    Case("LinearSDE", linear),
    Case("TimeDependentLinearSDE", time_dependent),
    Case("GaussianBridge of OrnsteinUhlenbeck", ou_bridge),
    Case("GaussianBridge of LinearSDE", linear_bridge),
    Case("DrivenOrnsteinUhlenbeck", driven_ou),
]
"""Linear Gaussian processes whose components depend on one another."""

FRACTIONAL = [
    Case("FractionalVP", forward_vp),
    Case("FractionalVE", forward_ve),
    Case("PinnedFractionalBridge", pinned),
]
"""Linear Gaussian processes of the family of fractional noise."""

TRANSITIONS = COMPONENTS + MATRICES
# One of each kind where compiling all of them would test the compiler.
KINDS = [*COMPONENTS[1:4], *COMPONENTS[6:8], MATRICES[1], MATRICES[3]]
DRAWN = [MATRICES[0], MATRICES[2], MATRICES[4]]
LINEAR = [TRANSITIONS[i] for i in (0, 1, 7)] + MATRICES + FRACTIONAL
# Those whose state has a density at any time: no mode that never moves.
DENSE = [c for c in LINEAR if c.name != "DrivenOrnsteinUhlenbeck" and c not in FRACTIONAL]
BRIDGED = [TRANSITIONS[i] for i in (0, 1, 6, 7, 9, 11)]


def ids(cases):
    return {"argvalues": cases, "ids": [c.name for c in cases]}


ROWS = 400
"""How many states are looked at together. Always the same, so that each class is compiled once."""
TIMES = np.array([0.0, 0.1, 0.7, 1.5])
PATHS = 1000


def traced(f):
    """Compiled with times as arrays: a Python number would be part of the program, and each time a new compilation."""
    f = eqx.filter_jit(f)
    return lambda process, *args: f(process, *(jnp.asarray(a) for a in args))


@traced
def look(process, t0, t1, xs, ys):
    """Everything a transition says at states `xs`, of states `ys`."""

    def one(x, y):
        law = process.transition(t0, t1, x)
        return law.log_prob(y), law.mean, law.variance, process.drift(t0, x), process.diffusion(t0, x).as_matrix()

    return jax.vmap(one)(xs, ys)


@traced
def slopes(process, t0, t1, xs, ys):
    """The gradient of the summed log-density in the arrays of the process, the states and the times."""

    def total(args):
        process, t0, t1, xs, ys = args
        return jax.vmap(lambda x, y: process.transition(t0, t1, x).log_prob(y))(xs, ys).sum()

    return eqx.filter_grad(total)((process, t0, t1, xs, ys))


@traced
def affine(process, t0, t1):
    return process.discretise(t0, t1)


def joint(process, ts, start=None):
    """Mean and covariance of the states at `ts`, stacked, from the affine maps multiplied out in NumPy."""
    first = process.initial if start is None else delta(start)
    mean = np.asarray(first.mean, float)
    if isinstance(first, dist.MultivariateNormal):
        cov = np.asarray(first.covariance_matrix)
    else:
        cov = np.diag(np.broadcast_to(first.variance, mean.shape))
    means, rows = [mean], [[cov]]
    for t0, t1 in itertools.pairwise(ts):
        a, b, q = (np.asarray(v) for v in affine(process, t0, t1))
        means.append(a @ means[-1] + b)
        rows.append([*(a @ block for block in rows[-1]), a @ rows[-1][-1] @ a.T + q])
    n = len(ts)
    blocks = [[rows[i][j] if j <= i else rows[j][i].T for j in range(n)] for i in range(n)]
    return np.concatenate(means), np.block(blocks)
