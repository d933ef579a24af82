"""The processes that the laws of this room run over, each with its intensity as a plain NumPy function of the past.

A new model joins by being added to `CASES`: `build(rng)` draws one, `rate(process, t, times, marks)` is its intensity
by
brute force from the definition (`None` where a network stands in it), and the flags say which laws it is exempt from.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from scipy import linalg, special

from sdekit import points as sp


@dataclasses.dataclass(frozen=True)
class Case:
    """How to draw a process of one class, and its intensity from the definition."""

    name: str
    build: Callable[[np.random.Generator], Any]
    rate: Callable[[Any, float, np.ndarray, np.ndarray], np.ndarray] | None = None
    real_marks: bool = False
    absolute: bool = False
    """Whether times on the clock matter, so that a shift changes the law."""
    kinks: bool = False
    """Whether the intensity has kinks between events, where the oracle's quadrature needs help."""
    length: float = 25.0
    """A window with a few dozen events."""
    simulated: bool = True
    """Whether its draws are tested here; off where another case draws by the same code."""

    def __str__(self):
        return self.name


def between(rng, low, high, shape=()):
    return np.exp(rng.uniform(np.log(low), np.log(high), shape))


def stable(rng, k, radius=0.6):
    m = rng.uniform(0.1, 1.0, (k, k))
    return m * radius / np.abs(np.linalg.eigvals(m)).max()


def n(x):
    return np.asarray(x, np.float64)


def exponential_rate(p, t, times, marks):
    beta = np.broadcast_to(n(p.decay), (p.dim, p.dim))
    phi = n(p.branching.matrix())
    s = t - times
    return n(p.base) + (phi[:, marks] * beta[:, marks] * np.exp(-beta[:, marks] * s)).sum(axis=1)


def sum_rate(p, t, times, marks):
    total = n(p.base).copy()
    for phi, beta in zip(n(p.branching), n(p.decays), strict=True):
        total += (phi[:, marks] * beta * np.exp(-beta * (t - times))).sum(axis=1)
    return total


def power_rate(p, t, times, marks):
    q, c = float(p.power), float(p.scale)
    kernel = q * c**q * (t - times + c) ** (-q - 1)
    return n(p.base) + n(p.branching.matrix())[:, marks] @ kernel


def etas_rate(p, t, times, marks):
    q, c = float(p.power), float(p.scale)
    kernel = q * c**q * (t - times + c) ** (-q - 1)
    return n(p.base) + (float(p.productivity) * np.exp(float(p.magnitude) * (marks - float(p.cutoff))) * kernel).sum()


def linked(link):
    def rate(p, t, times, marks):
        beta = float(p.decay)
        inner = n(p.base) + (n(p.weights)[:, marks] * beta * np.exp(-beta * (t - times))).sum(axis=1)
        return link(inner)

    return rate


def renewal(hazard):
    def rate(p, t, times, marks):
        return np.atleast_1d(hazard(p.gap, t - (times[-1] if len(times) else 0.0)))

    return rate


def gamma_hazard(law, x):
    a, r = float(law.concentration), float(law.rate)
    return r**a * x ** (a - 1) * np.exp(-r * x) / special.gamma(a) / special.gammaincc(a, r * x)


def weibull_hazard(law, x):
    c, s = float(law.concentration), float(law.scale)
    return c / s * (x / s) ** (c - 1)


def log_normal_hazard(law, x):
    z, s = (np.log(x) - float(law.loc)) / float(law.scale), float(law.scale)
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / (s * x) / special.ndtr(-z)


def inverse_gaussian_hazard(law, x):
    m, shape = float(law.mean_parameter), float(law.shape_parameter)
    density = np.sqrt(shape / (2 * np.pi * x**3)) * np.exp(-shape * (x - m) ** 2 / (2 * m**2 * x))
    root = np.sqrt(shape / x)
    late = special.ndtr(root * (1 - x / m)) - np.exp(2 * shape / m) * special.ndtr(-root * (1 + x / m))
    return density / late


def correcting_rate(p, t, times, marks):
    return np.atleast_1d(np.exp(float(p.level) + float(p.rate) * t - float(p.correction) * len(times)))


def sinus_rate(p, t, times, marks):
    r = p.rate
    return n(r.mean) * (1 + n(r.amplitude) * np.sin(2 * np.pi * t / n(r.period) + n(r.phase)))


def piece_rate(p, t, times, marks):
    return n(p.rate.rates)[min(np.searchsorted(n(p.rate.edges), t, side="right") - 1, 2)]


def modulated_rate(p, t, times, marks):
    """The filter of the hidden chain, event by event, with SciPy's exponential."""
    rates, Q = n(p.rates), np.zeros((2, 2))
    Q[0, 1], Q[1, 0] = n(p.switching)
    Q -= np.diag(Q.sum(axis=1))
    law = np.array([Q[1, 0], Q[0, 1]]) / (Q[0, 1] + Q[1, 0])
    killed, last = Q - np.diag(rates.sum(axis=1)), 0.0
    for time, mark in zip(times, marks, strict=True):
        law = (law @ linalg.expm(killed * (time - last))) * rates[:, mark]
        law, last = law / law.sum(), time
    law = law @ linalg.expm(killed * (t - last))
    return law @ rates / law.sum()


GAPS = {
    "gamma": (lambda r: dist.Gamma(between(r, 1.2, 3), between(r, 0.8, 3)), gamma_hazard),
    "Weibull": (lambda r: dist.Weibull(between(r, 0.7, 1.5), between(r, 0.7, 2.5)), weibull_hazard),
    "log-normal": (lambda r: dist.LogNormal(r.normal() * 0.3, between(r, 0.4, 1.5)), log_normal_hazard),
    "inverse Gaussian": (
        lambda r: sp.InverseGaussian(between(r, 0.6, 1.5), between(r, 0.5, 3)),
        inverse_gaussian_hazard,
    ),
}

CASES = [
    Case("Poisson", lambda r: sp.Poisson(between(r, 0.2, 2, 2)), lambda p, t, times, marks: n(p.rate)),
    Case(
        "inhomogeneous Poisson, sinus",
        lambda r: sp.InhomogeneousPoisson(sp.SinusoidalRate(between(r, 0.5, 2), r.uniform(0.2, 0.95), 7.0, r.normal())),
        sinus_rate,
        absolute=True,
    ),
    Case(
        "inhomogeneous Poisson, pieces",
        lambda r: sp.InhomogeneousPoisson(
            sp.PiecewiseRate(jnp.array([0.0, 2.0, 5.0, 40.0]), between(r, 0.3, 2, (3, 2)))
        ),
        piece_rate,
        absolute=True,
        kinks=True,
    ),
    *(
        Case(f"renewal, {name}", lambda r, law=law: sp.Renewal(law(r)), renewal(hazard), simulated=name[0] in "li")
        for name, (law, hazard) in GAPS.items()
    ),
    Case(
        "Markov-modulated Poisson",
        lambda r: sp.MarkovModulatedPoisson(between(r, 0.2, 4, (2, 2)), between(r, 0.2, 2, (2, 2))),
        modulated_rate,
    ),
    Case(
        "self-correcting",
        lambda r: sp.SelfCorrecting(between(r, 0.5, 2), between(r, 0.3, 1.5), r.normal() * 0.3),
        correcting_rate,
    ),
    Case(
        "Hawkes, one decay",
        lambda r: sp.ExponentialHawkes(between(r, 0.2, 1, 2), stable(r, 2), between(r, 0.5, 3)),
        exponential_rate,
    ),
    Case(
        "Hawkes, a decay a pair",
        lambda r: sp.ExponentialHawkes(between(r, 0.2, 1, 2), stable(r, 2), between(r, 0.5, 3, (2, 2))),
        exponential_rate,
    ),
    Case(
        "Hawkes, low rank",
        lambda r: sp.ExponentialHawkes(
            between(r, 0.1, 0.4, 3),
            sp.LowRankExcitation(r.uniform(0.1, 0.5, (3, 1)), r.uniform(0.1, 0.9, (3, 1))),
            between(r, 0.5, 3),
        ),
        exponential_rate,
        simulated=False,
    ),
    Case(
        "Hawkes, sparse",
        lambda r: sp.ExponentialHawkes(
            between(r, 0.1, 0.4, 3), sp.SparseExcitation(r.uniform(0.1, 0.6, 4), [0, 1, 2, 2], [0, 1, 2, 0], 3), 1.5
        ),
        exponential_rate,
        simulated=False,
    ),
    Case(
        "Hawkes, sum of exponentials",
        lambda r: sp.ExponentialSumHawkes(
            between(r, 0.2, 0.8, 2), np.stack([stable(r, 2, 0.3), stable(r, 2, 0.3)]), [0.7, 9.0]
        ),
        sum_rate,
        simulated=False,
    ),
    Case(
        "Hawkes, power law",
        lambda r: sp.PowerLawHawkes(between(r, 0.2, 0.8, 2), stable(r, 2), between(r, 0.5, 2), between(r, 0.1, 0.5)),
        power_rate,
        simulated=False,
    ),
    Case(
        "ETAS",
        lambda r: sp.ETAS(
            between(r, 0.4, 0.9), r.uniform(0.1, 0.4), r.uniform(0.1, 0.9), 0.8, 0.1, 3.0, sp.GutenbergRichter(2.0, 3.0)
        ),
        etas_rate,
        real_marks=True,
        length=12.0,
    ),
    Case(
        "inhibition, rectified",
        lambda r: sp.NonlinearHawkes(
            between(r, 0.8, 1.5, 2), r.uniform(-0.8, 0.5, (2, 2)), between(r, 0.8, 3), sp.Rectified()
        ),
        linked(lambda x: np.maximum(x, 0)),
        kinks=True,
    ),
    Case(
        "inhibition, softplus",
        lambda r: sp.NonlinearHawkes(
            r.normal(0.2, 0.3, 2), r.uniform(-0.8, 0.4, (2, 2)), between(r, 0.8, 3), sp.Softplus()
        ),
        linked(lambda x: np.logaddexp(0, x)),
    ),
]
