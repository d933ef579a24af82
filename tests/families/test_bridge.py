"""A Schroedinger bridge as a newcomer writes it: Gaussian ends, Brownian reference, fitted on `Snapshots`.

Between $N(m_0, s_0^2)$ and $N(m_1, s_1^2)$ with reference $\\sigma\\,dW$ on $[0, 1]$ the bridge is Gaussian with
covariance $c = \\tfrac12 (\\sqrt{4 s_0^2 s_1^2 + \\sigma^4} - \\sigma^2)$ of its ends
(Bunne, Hsieh, Cuturi, Krause 2023, equation 9), so that a snapshot in the middle identifies $\\sigma$.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
import optax
from jaxtyping import Array, Float

import sdekit as sk
from sdekit import constraints, parameter
from sdekit._types import as_vector
from sdekit.data import Snapshots
from sdekit.evaluate import assert_covariance, assert_mean
from sdekit.inference import AbstractLikelihood, confidence
from sdekit.processes import AbstractMarginal, AbstractNumericalDiffusion, Additive, Ito


class GaussianBridge(AbstractNumericalDiffusion, AbstractMarginal):
    """Each component on its own, on the times `[0, 1]`."""

    mean0: Float[Array, " d"] = parameter(converter=as_vector)
    mean1: Float[Array, " d"] = parameter(converter=as_vector)
    scale0: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    scale1: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    reference: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    interpretation: ClassVar = Ito
    structure: ClassVar = Additive

    @property
    def dim(self):
        return self.mean0.shape[0]

    @property
    def initial(self):
        return self.marginal(0.0)

    def _moments(self, t):
        s2 = self.reference**2
        c = 0.5 * (jnp.sqrt(4 * self.scale0**2 * self.scale1**2 + s2**2) - s2)
        mean = (1 - t) * self.mean0 + t * self.mean1
        variance = ((1 - t) * self.scale0) ** 2 + (t * self.scale1) ** 2 + 2 * t * (1 - t) * c + s2 * t * (1 - t)
        half = t * self.scale1**2 - (1 - t) * self.scale0**2 + (1 - 2 * t) * c - s2 * t
        return mean, variance, half

    def marginal(self, t):
        mean, variance, _ = self._moments(t)
        return dist.Normal(mean, jnp.sqrt(variance)).to_event(1)

    def drift(self, t, x):
        mean, variance, half = self._moments(t)
        return self.mean1 - self.mean0 + half / variance * (x - mean)

    def diffusion(self, t, x):
        return lx.DiagonalLinearOperator(self.reference)


class SnapshotLikelihood(AbstractLikelihood):
    """The marginal log-density of the cloud of particles at one time."""

    def log_prob(self, model, item):
        score = jax.vmap(model.marginal(item.ts).log_prob)(item.xs)
        return jnp.where(item.mask, score, 0.0).sum()


TRUTH = GaussianBridge(mean0=[0.0, 1.0], mean1=[2.0, -1.0], scale0=[0.5, 1.0], scale1=[0.3, 0.8], reference=[1.0, 0.6])


def test_a_simulated_bridge_has_its_marginals_and_is_fitted_back():
    ts = jnp.array([0.0, 0.3, 0.6, 1.0])
    sizes = (1500, 900, 1200, 700)  # populations of unequal size, and no particle is seen twice
    xs = np.asarray(TRUTH.sample(ts, key=jax.random.key(0), n=sum(sizes)).xs)
    blocks = np.split(xs, np.cumsum(sizes)[:-1])
    for i in (1, 2, 3):
        law = TRUTH.marginal(ts[i])
        assert_mean(xs[:, i], np.asarray(law.mean))
        assert_covariance(xs[:, i], np.diag(np.asarray(law.variance)))
    data = Snapshots.from_list(np.asarray(ts), [block[:, i] for i, block in enumerate(blocks)])
    start = GaussianBridge([0.5, 0.5], [0.5, 0.5], [1.0, 1.0], [1.0, 1.0], [0.5, 0.5])
    fit = sk.fit(
        start,
        SnapshotLikelihood(),
        data,
        key=jax.random.key(1),
        steps=60,
        optimiser=sk.FullBatch(optax.lbfgs()),
        progress=False,
    )
    table = confidence(fit.model, SnapshotLikelihood(), data)
    truth = np.concatenate([np.ravel(v) for v in sk.named_parameters(TRUTH).values()])
    error = np.asarray(table.standard_error)
    assert (np.abs(np.asarray(table.estimate) - truth) < 3 * error).all(), table
