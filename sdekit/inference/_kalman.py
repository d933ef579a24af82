r"""Kalman filtering and smoothing in pure functions.

A linear Gaussian model at the times of a series is a `Chain`: $x_k = A_k x_{k-1} + b_k + N(0, Q_k)$ and
$y_k = C x_k + N(0, R)$. Row 0 has $A_0 = 0$, $b_0 = m_0$, $Q_0 = P_0$, so that the prior is one more transition.
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from .._process import AbstractLinearGaussian
from .._types import Array, Times
from ..data import Series
from ._algebra import degenerate_log_prob, psd_cholesky, psd_solve, symmetric
from ._moments import gaussian_moments


__all__ = ["AbstractKalmanMethod", "Chain", "Filtered", "Parallel", "Sequential", "Smoothed", "chain", "evidence"]


class Chain(NamedTuple):
    """A linear Gaussian state-space model along one series, and its observations.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import Sequential, chain

        ts, ys = jnp.arange(3.0), jnp.array([[0.1], [0.4], [0.2]])
        model = chain(sk.processes.OrnsteinUhlenbeck(rate=1.0), ts, ys, ys == ys, jnp.eye(1), 0.01 * jnp.eye(1))
        model.a.shape  # (3, 1, 1)
        ```
    """

    a: Float[Array, "t d d"]
    b: Float[Array, "t d"]
    q: Float[Array, "t d d"]
    c: Float[Array, "e d"]
    r: Float[Array, "e e"]
    ys: Float[Array, "t e"]
    mask: Bool[Array, "t e"]


class Filtered(NamedTuple):
    """Filtering moments: the state at each time given the observations up to it.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import Sequential, chain

        ts, ys = jnp.arange(3.0), jnp.array([[0.1], [0.4], [0.2]])
        model = chain(sk.processes.OrnsteinUhlenbeck(rate=1.0), ts, ys, ys == ys, jnp.eye(1), 0.01 * jnp.eye(1))
        Sequential().filter(model).log_prob.sum()
        ```
    """

    mean: Float[Array, "t d"]
    covariance: Float[Array, "t d d"]
    log_prob: Float[Array, " t"]
    """The log-density of the observations at each time given the earlier ones."""


class Smoothed(NamedTuple):
    """Smoothing moments: the state at each time given all observations.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import Sequential, chain

        ts, ys = jnp.arange(3.0), jnp.array([[0.1], [0.4], [0.2]])
        model = chain(sk.processes.OrnsteinUhlenbeck(rate=1.0), ts, ys, ys == ys, jnp.eye(1), 0.01 * jnp.eye(1))
        Sequential().smooth(model, Sequential().filter(model)).mean
        ```
    """

    mean: Float[Array, "t d"]
    covariance: Float[Array, "t d d"]


def chain(
    process: AbstractLinearGaussian,
    ts: Times,
    ys: Float[Array, "t e"],
    mask: Bool[Array, "t e"],
    c: Float[Array, "e d"],
    r: Float[Array, "e e"],
) -> Chain:
    """The state-space model of a linear Gaussian process at the times of a series.

    **Arguments:**

    - `process`: the process; its initial law stands at `ts[0]`.
    - `ts`: non-decreasing times, shape `(t,)`.
    - `ys`, `mask`: observations and where they were made, shape `(t, e)`.
    - `c`: the observation matrix, shape `(e, d)`.
    - `r`: the covariance of the observation noise, shape `(e, e)`.

    **Returns:** a `Chain`, in one dtype.

    **Raises:** `ValueError` if the initial law is not Gaussian.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import Sequential, chain

        ts, ys = jnp.arange(3.0), jnp.array([[0.1], [0.4], [0.2]])
        model = chain(sk.processes.OrnsteinUhlenbeck(rate=1.0), ts, ys, ys == ys, jnp.eye(1), 0.01 * jnp.eye(1))
        ```
    """
    m0, p0 = gaussian_moments(process.initial, f"{type(process).__name__}.initial")
    a, b, q = jax.vmap(process.discretise)(ts[:-1], ts[1:])
    dtype = jnp.result_type(a, b, q, m0, p0, ys, c, r)
    cast = lambda x: jnp.asarray(x, dtype)
    a, b, q, m0, p0 = map(cast, (a, b, q, m0, p0))
    a = jnp.concatenate([jnp.zeros_like(p0)[None], a])
    b = jnp.concatenate([m0[None], b])
    q = jnp.concatenate([p0[None], symmetric(q)])
    return Chain(a, b, q, cast(c), cast(r), jnp.where(mask, cast(ys), 0), mask)


def _seen(model: Chain, mask):
    """The observation matrix and noise with missing rows replaced: nothing seen, unit noise."""
    c = jnp.where(mask[:, None], model.c, 0)
    both = mask[:, None] & mask[None, :]
    return c, jnp.where(both, model.r, jnp.diag(jnp.where(mask, 0.0, 1.0).astype(model.r.dtype)))


def _predict(a, b, q, mean, cov):
    return a @ mean + b, symmetric(a @ cov @ a.T + q)


def _update(model: Chain, mean, cov, y, mask):
    """Condition on one row of observations, in Joseph's form: the covariance stays positive semi-definite."""
    c, r = _seen(model, mask)
    ahead = c @ mean
    residual = jnp.where(mask, y - ahead, 0)
    factor = psd_cholesky(symmetric(c @ cov @ c.T + r))
    gain = psd_solve(factor, c @ cov).T
    keep = jnp.eye(mean.shape[0], dtype=mean.dtype) - gain @ c
    log_prob = degenerate_log_prob(residual, factor, (~mask).sum(), jnp.max(jnp.abs(y) + jnp.abs(ahead)))
    return mean + gain @ residual, symmetric(keep @ cov @ keep.T + gain @ r @ gain.T), log_prob


def _backward(model: Chain, filtered: Filtered):
    r"""The backward kernels $x_k \mid x_{k+1}, y_{1:k} \sim N(E x_{k+1} + g, L)$ (Rauch, Tung, Striebel 1965)."""

    def kernel(mean, cov, a, b, q):
        ahead, spread = _predict(a, b, q, mean, cov)
        e = psd_solve(psd_cholesky(spread), a @ cov).T
        keep = jnp.eye(mean.shape[0], dtype=mean.dtype) - e @ a
        return e, mean - e @ ahead, symmetric(keep @ cov @ keep.T + e @ q @ e.T)

    e, g, spread = jax.vmap(kernel)(filtered.mean[:-1], filtered.covariance[:-1], model.a[1:], model.b[1:], model.q[1:])
    last = lambda x, end: jnp.concatenate([x, end[None]])
    return (
        last(e, jnp.zeros_like(model.q[0])),
        last(g, filtered.mean[-1]),
        last(spread, filtered.covariance[-1]),
    )


class AbstractKalmanMethod(eqx.Module):
    """How the recursions of a Kalman filter and smoother run along time.

    !!! example

        ```python
        from sdekit.inference import AbstractKalmanMethod, Parallel, Sequential

        assert all(issubclass(method, AbstractKalmanMethod) for method in (Sequential, Parallel))
        ```
    """

    @abc.abstractmethod
    def filter(self, model: Chain) -> Filtered:
        """Filtering moments and the log-density of each row given the earlier ones."""

    @abc.abstractmethod
    def smooth(self, model: Chain, filtered: Filtered) -> Smoothed:
        """Smoothing moments, from those of the filter."""


class Sequential(AbstractKalmanMethod):
    """One step after another (`lax.scan`): the least arithmetic, the choice on a CPU.

    !!! example

        ```python
        import sdekit.inference as inference
        inference.MarginalLikelihood(method=inference.Sequential())
        ```
    """

    def filter(self, model: Chain) -> Filtered:
        def step(carry, row):
            a, b, q, y, mask = row
            mean, cov, log_prob = _update(model, *_predict(a, b, q, *carry), y, mask)
            return (mean, cov), Filtered(mean, cov, log_prob)

        start = jnp.zeros_like(model.b[0]), jnp.zeros_like(model.q[0])
        return jax.lax.scan(step, start, (model.a, model.b, model.q, model.ys, model.mask))[1]

    def smooth(self, model: Chain, filtered: Filtered) -> Smoothed:
        def step(carry, row):
            mean, cov = carry
            e, g, spread = row
            mean, cov = e @ mean + g, symmetric(e @ cov @ e.T + spread)
            return (mean, cov), Smoothed(mean, cov)

        start = jnp.zeros_like(model.b[0]), jnp.zeros_like(model.q[0])
        return jax.lax.scan(step, start, _backward(model, filtered), reverse=True)[1]


class Parallel(AbstractKalmanMethod):
    r"""Associative scans over time: logarithmic depth, the choice on a GPU.

    Needs $C Q_k C^\top + R$ to be invertible at every observed row (true whenever the observations are noisy);
    otherwise the result is NaN.

    Source: Särkkä and García-Fernández (2021), Temporal parallelization of Bayesian smoothers, IEEE Transactions on
    Automatic Control 66(1), sections III and IV.

    !!! example

        ```python
        import sdekit.inference as inference
        inference.MarginalLikelihood(method=inference.Parallel())
        ```
    """

    def filter(self, model: Chain) -> Filtered:
        elements = jax.vmap(lambda *row: _element(model, *row))(model.a, model.b, model.q, model.ys, model.mask)
        _, mean, cov, _, _ = jax.lax.associative_scan(jax.vmap(_combine), elements)
        before = lambda x: jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]])

        def evidence(a, b, q, mean, cov, y, mask):
            return _update(model, *_predict(a, b, q, mean, cov), y, mask)[2]

        log_prob = jax.vmap(evidence)(model.a, model.b, model.q, before(mean), before(cov), model.ys, model.mask)
        return Filtered(mean, cov, log_prob)

    def smooth(self, model: Chain, filtered: Filtered) -> Smoothed:
        def combine(late, early):
            e2, g2, l2 = late
            e1, g1, l1 = early
            return e1 @ e2, e1 @ g2 + g1, symmetric(e1 @ l2 @ e1.T + l1)

        _, mean, cov = jax.lax.associative_scan(jax.vmap(combine), _backward(model, filtered), reverse=True)
        return Smoothed(mean, cov)


def _element(model: Chain, a, b, q, y, mask):
    """One element of the parallel filter: eqs. (10) and (11) of the paper, with an offset `b`."""
    c, r = _seen(model, mask)
    factor = psd_cholesky(symmetric(c @ q @ c.T + r))
    bad = jnp.any(jnp.diagonal(factor) <= 0)
    gain = psd_solve(factor, c @ q).T
    keep = jnp.eye(b.shape[0], dtype=b.dtype) - gain @ c
    residual = jnp.where(mask, y - c @ b, 0)
    ca = c @ a
    weighted = psd_solve(factor, jnp.concatenate([residual[:, None], ca], axis=1))
    mean = b + gain @ residual
    cov = symmetric(keep @ q @ keep.T + gain @ r @ gain.T)
    return (
        keep @ a,
        jnp.where(bad, jnp.nan, mean),
        cov,
        ca.T @ weighted[:, 0],
        symmetric(ca.T @ weighted[:, 1:]),
    )


def _combine(first, second):
    """The associative operator of the parallel filter (lemma 8 of the paper)."""
    a1, b1, c1, eta1, j1 = first
    a2, b2, c2, eta2, j2 = second
    eye = jnp.eye(b1.shape[0], dtype=b1.dtype)
    inverse = jnp.linalg.inv(eye + c1 @ j2)
    m = a2 @ inverse
    n = a1.T @ inverse.T
    return (
        m @ a1,
        m @ (b1 + c1 @ eta2) + b2,
        symmetric(m @ c1 @ a2.T + c2),
        n @ (eta2 - j2 @ b1) + eta1,
        symmetric(n @ j2 @ a1 + j1),
    )


@eqx.filter_jit
def evidence(
    process: AbstractLinearGaussian,
    series: Series,
    c: Float[Array, "e d"],
    r: Float[Array, "e e"],
    method: AbstractKalmanMethod,
) -> Float[Array, ""]:
    """The log-density of a series under a linear Gaussian process seen through `C X + N(0, R)`."""
    return method.filter(chain(process, series.ts, series.ys, series.mask, c, r)).log_prob.sum()
