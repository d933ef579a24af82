"""Processes and brute-force oracles for the tests of inference, written apart from the code under test."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import scipy.linalg
from jaxtyping import Array, Complex, Float

from sdekit import law_field, parameter
from sdekit._process import (
    AbstractGaussianProcess,
    AbstractLinearGaussian,
)


class LinearSDE(AbstractLinearGaussian):
    """dX = (F X + u) dt + g dW, discretised through the eigenvectors of F (the oracle uses SciPy's expm)."""

    values: Complex[Array, " d"]
    vectors: Complex[Array, "d d"]
    u: Float[Array, " d"] = parameter()
    g: Float[Array, "d m"] = parameter()
    initial: dist.Distribution = law_field()

    @property
    def dim(self):
        return self.u.shape[0]

    def draw(self, ts, *, key):
        raise NotImplementedError

    def discretise(self, t0, t1):
        h, v = t1 - t0, self.vectors
        back = jnp.linalg.inv(v)
        decay = jnp.exp(self.values * h)
        a = (v * decay[None, :]) @ back
        b = v @ ((decay - 1) / self.values * (back @ self.u))
        pairs = self.values[:, None] + self.values.conj()[None, :]
        m = back @ self.g @ self.g.T @ back.conj().T
        q = v @ (m * (jnp.exp(pairs * h) - 1) / pairs) @ v.conj().T
        return a.real, b.real, (q.real + q.real.T) / 2

    def transition(self, t0, t1, x):
        a, b, q = self.discretise(t0, t1)
        return dist.MultivariateNormal(a @ x + b, q)


class SmoothKernel(AbstractGaussianProcess):
    """A Gaussian process with mean 0.3 t and a Matern-3/2 covariance."""

    length: Float[Array, ""] = parameter()

    @property
    def dim(self):
        return 1

    def mean(self, ts):
        return 0.3 * ts

    def covariance(self, ss, ts):
        r = jnp.sqrt(3.0) * jnp.abs(ss[:, None] - ts[None, :]) / self.length
        return (1 + r) * jnp.exp(-r)

    def draw(self, ts, *, key):
        raise NotImplementedError


def linear_sde(seed, d=2, singular=False):
    """A random stable linear SDE; `singular` leaves the first component without noise of its own."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(d, d))
    f = a - (np.max(np.linalg.eigvals(a).real) + rng.uniform(0.2, 1.0)) * np.eye(d)
    g = np.tril(rng.normal(size=(d, d))) * 0.5 + 0.5 * np.eye(d)
    if singular:
        g[0] = 0.0
    root = np.tril(rng.normal(size=(d, d))) * 0.4 + 0.6 * np.eye(d)
    law = dist.MultivariateNormal(jnp.asarray(rng.normal(size=d)), jnp.asarray(root @ root.T))
    values, vectors = np.linalg.eig(f)
    return LinearSDE(jnp.asarray(values, complex), jnp.asarray(vectors, complex), rng.normal(size=d), g, law)


def dense_prior(process: LinearSDE, ts):
    """Mean (t, d) and covariance (t, d, t, d) of the states, by SciPy's expm and Lyapunov integrals on each gap."""
    u, g, vectors = np.asarray(process.u), np.asarray(process.g), np.asarray(process.vectors)
    f = (vectors * np.asarray(process.values) @ np.linalg.inv(vectors)).real
    m, p = np.asarray(process.initial.mean), np.asarray(process.initial.covariance_matrix)
    d, t = f.shape[0], len(ts)
    mean, cov = np.zeros((t, d)), np.zeros((t, d, t, d))
    inverse = np.linalg.inv(f)
    for k in range(t):
        if k:
            h = ts[k] - ts[k - 1]
            a = scipy.linalg.expm(f * h)
            noise = g @ g.T
            # Q solves F Q + Q F' = A N A' - N, the integral of the noise carried to the end of the step.
            q = scipy.linalg.solve_continuous_lyapunov(f, a @ noise @ a.T - noise)
            m = a @ m + inverse @ (a - np.eye(d)) @ u
            p = a @ p @ a.T + q
        mean[k], cov[k, :, k, :] = m, p
        for j in range(k):
            cov[k, :, j, :] = a @ cov[k - 1, :, j, :]
            cov[j, :, k, :] = cov[k, :, j, :].T
    return mean, cov


def dense_observed(process, ts, c, r):
    """Mean (t e,) and covariance of the observations."""
    mean, cov = dense_prior(process, ts)
    t, e = len(ts), c.shape[0]
    ys = (mean @ c.T).reshape(-1)
    spread = np.einsum("ai,kilj,bj->kalb", c, cov, c).reshape(t * e, t * e)
    return ys, spread + np.kron(np.eye(t), r)
