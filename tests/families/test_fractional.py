"""A fractional model as a newcomer writes it: an OU process driven by a Markov approximation of fractional noise.

Type II fractional Brownian motion as a weighted sum of OU processes on one Brownian motion (notes of Harms and
Stefanovits 2019; the weights minimise the mean-square error, Daems et al. 2023, proposition 5). The pair (X, Y_1..Y_K)
is a linear SDE, so that the spine gives its exact likelihood on irregular, incomplete data.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
import optax
import pytest
from jaxtyping import Array, Float

import sdekit as sk
from sdekit import constraints, parameter
from sdekit.data import Series
from sdekit.inference import GaussianObservation, MarginalLikelihood, Observed, confidence
from sdekit.math import gauss_legendre, van_loan
from sdekit.processes import AbstractExactDiffusion, AbstractLinearGaussian, Additive, Ito


GRID = np.array([0.1, 1.0, 10.0, 100.0])
HORIZON = 1.0


def lower_gamma(a, x):
    """The lower incomplete gamma function, differentiable twice in `a`, which `jax.scipy.special.gammainc` is not."""
    nodes, weights = gauss_legendre(96)
    y, weights = 30.0 * (jnp.asarray(nodes) - 1), 30.0 * jnp.asarray(weights)  # s = x exp(y), y in (-60, 0)
    return x**a * (jnp.exp(-jnp.outer(x, jnp.exp(y))) @ (weights * jnp.exp(a * y)))


def optimal_weights(hurst):
    """The weights of the K processes for unit variance at time 1, by the normal equations on `[0, HORIZON]`."""
    g = jnp.asarray(GRID)
    a = hurst + 0.5
    s = g[:, None] + g[None, :]
    gram = (HORIZON + jnp.expm1(-s * HORIZON) / s) / s
    right = HORIZON * g**-a * lower_gamma(a, g * HORIZON) - g ** (-a - 1) * lower_gamma(a + 1, g * HORIZON)
    return jnp.linalg.solve(gram, right) * jnp.sqrt(2 * hurst)


class FractionalDrivenOU(AbstractExactDiffusion, AbstractLinearGaussian):
    """`dX = -rate X dt + scale dB_H`, state `(X, Y_1, ..., Y_K)`, from zero."""

    hurst: Float[Array, ""] = parameter(constraints.unit_interval)
    rate: Float[Array, ""] = parameter(constraints.positive)
    scale: Float[Array, ""] = parameter(constraints.positive)
    interpretation: ClassVar = Ito
    structure: ClassVar = Additive
    dim = 1 + len(GRID)

    @property
    def initial(self):
        return dist.Delta(jnp.zeros(self.dim), event_dim=1)

    def _system(self):
        w = optimal_weights(self.hurst)
        top = jnp.concatenate([-self.rate[None], -self.scale * w * GRID])
        rest = jnp.concatenate([jnp.zeros((len(GRID), 1)), -jnp.diag(jnp.asarray(GRID))], axis=1)
        noise = jnp.concatenate([self.scale * w.sum()[None], jnp.ones(len(GRID))])
        return jnp.concatenate([top[None], rest]), noise

    def drift(self, t, x):
        return self._system()[0] @ x

    def diffusion(self, t, x):
        return lx.MatrixLinearOperator(self._system()[1][:, None])

    def discretise(self, t0, t1):
        f, g = self._system()
        a, q = van_loan(f, jnp.outer(g, g), t1 - t0)
        return a, jnp.zeros(self.dim), q

    def transition(self, t0, t1, x):
        a, b, q = self.discretise(t0, t1)
        return dist.MultivariateNormal(a @ x + b, covariance_matrix=q + 1e-12 * jnp.eye(self.dim))


READ = jnp.eye(1, 1 + len(GRID))
TRUTH = Observed(FractionalDrivenOU(hurst=0.3, rate=2.0, scale=1.0), GaussianObservation(0.05, matrix=READ))


@pytest.mark.slow
def test_hurst_index_comes_back_from_irregular_masked_series():
    rng = np.random.default_rng(0)
    ts = np.concatenate([np.zeros((8, 1)), np.sort(rng.uniform(0.01, 1.0, (8, 59)), axis=1)], axis=1)
    keys = jax.random.split(jax.random.key(5), 8)
    ys = jax.jit(jax.vmap(lambda t, k: TRUTH.draw(t, key=k).xs))(jnp.asarray(ts), keys)
    mask = (rng.uniform(size=ts.shape) < 0.8) & (np.arange(60) < rng.integers(45, 61, 8)[:, None])
    mask[:, 0] = False  # the process starts at time 0, which nobody saw
    data = Series(ts, ys, mask)
    start = Observed(FractionalDrivenOU(hurst=0.6, rate=1.0, scale=0.5), GaussianObservation(0.1, matrix=READ))
    fit = sk.fit(
        start, MarginalLikelihood(), data, key=jax.random.key(1), steps=30, progress=False,
        optimiser=sk.FullBatch(optax.lbfgs()), frozen=lambda m: m.observation.matrix,
    )  # fmt: skip
    table = confidence(fit.model, MarginalLikelihood(), data, frozen=lambda m: m.observation.matrix)
    truth = sk.named_parameters(TRUTH, frozen=lambda m: m.observation.matrix)
    for name, estimate, error in zip(table.names, table.estimate, table.standard_error, strict=True):
        assert abs(estimate - float(np.ravel(truth[name])[0])) < 3 * error, table
