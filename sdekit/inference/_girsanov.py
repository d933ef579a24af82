r"""Change of drift: Girsanov weights and the Kullback-Leibler divergence of path laws.

For $dX = f_q\,dt + g\,dW$ and $dX = f_p\,dt + g\,dW$ with the same $g$, and $u$ with $g u = f_p - f_q$,
$\log \frac{dP}{dQ} = \int u \cdot dW^Q - \frac12 \int |u|^2 dt$ and $KL(Q \| P) = \frac12 E_Q \int |u|^2 dt$. Where the
two $g g^\top$ differ, or the difference of the drifts leaves the range of $g$, the laws are mutually singular.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import fault, require
from .._process import AbstractDiffusion, AbstractLinearGaussian
from .._types import Array, Key, Law, RealScalar, State, Times
from ..paths import AbstractPath, SampledPath
from ._algebra import psd_cholesky, symmetric, whiten
from ._moments import gaussian_moments, is_gaussian
from ._transitions import covariance_rate, ito_drift


__all__ = ["PathKL", "chain_kl", "girsanov_energy", "girsanov_log_weight", "path_kl"]


class PathKL(NamedTuple):
    """A Monte-Carlo estimate of the divergence between two path laws.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import path_kl

        q, p = (sk.processes.OrnsteinUhlenbeck(rate=r) for r in (1.0, 1.5))
        found = path_kl(q, p, jnp.linspace(0.0, 1.0, 21), key=jax.random.key(0), n=100)
        low, high = found.value - 2 * found.standard_error, found.value + 2 * found.standard_error
        ```
    """

    value: Float[Array, ""]
    """The divergence, that of the initial laws included."""
    standard_error: Float[Array, ""]
    initial: Float[Array, ""]
    """The divergence of the initial laws."""


def _check(q, p):
    for name, process in (("q", q), ("p", p)):
        require(isinstance(process, AbstractDiffusion), name, "must be a diffusion", type(process).__name__,
                "pass an AbstractDiffusion")  # fmt: skip
    require(q.dim == p.dim, "p", f"must have states of length {q.dim}, as q has", p.dim, "pass two laws on one space")


def _close(a, b, scale, factor):
    return jnp.all(jnp.abs(a - b) <= factor * jnp.finfo(a.dtype).eps * scale)


def _control(q, p, t, x, residual):
    r"""$u$ of the change of drift and $dW$ of the residual `x' - x - f_q h`, both in whitened coordinates.

    Coordinates are those of the Cholesky factor of $g g^\top$: any square root gives the same $u \cdot dW$ and $|u|^2$.
    """
    fq, fp = ito_drift(q, t, x), ito_drift(p, t, x)
    size = jnp.max(jnp.abs(fq)) + jnp.max(jnp.abs(fp))
    both = jnp.stack([fp - fq, residual], axis=1)
    gq, gp = q.diffusion(t, x), p.diffusion(t, x)
    if lx.is_diagonal(gq) and lx.is_diagonal(gp):
        root = jnp.abs(lx.diagonal(gq))
        same = _close(root**2, lx.diagonal(gp) ** 2, jnp.max(root) ** 2, 1e4)
        noisy = (root > 0)[:, None]
        z = jnp.where(noisy, both / jnp.where(noisy, root[:, None], 1), 0)
        gap = jnp.where(noisy, 0, both)
    else:
        rate = covariance_rate(q, t, x)
        same = _close(rate, covariance_rate(p, t, x), jnp.max(jnp.abs(rate)), 1e4)
        z, gap = whiten(psd_cholesky(symmetric(rate)), both)
    return z[:, 0], z[:, 1], same & _close(gap[:, 0], jnp.zeros_like(fq), size, 100)


def girsanov_energy(q: AbstractDiffusion, p: AbstractDiffusion, t: RealScalar, x: State) -> Float[Array, ""]:
    r"""$\frac12 |u(t, x)|^2$ with $g u = f_p - f_q$: the rate at which the path laws drift apart.

    **Arguments:**

    - `q`, `p`: diffusions, Ito or Stratonovich, on the same space.
    - `t`, `x`: the time and the state, shape `(d,)`.

    **Returns:** a scalar; infinite where the diffusion coefficients differ, or where the difference of the drifts
    leaves the range of a singular one.

    **Raises:** `ValueError` unless both are diffusions with states of one length.

    Source: Girsanov (1960); Sarkka and Solin (2019), Applied Stochastic Differential Equations, section 7.3.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import girsanov_energy

        q, p = (sk.processes.OrnsteinUhlenbeck(rate=r) for r in (1.0, 2.0))
        girsanov_energy(q, p, 0.0, jnp.array([3.0]))  # 4.5
        ```
    """
    _check(q, p)
    u, _, ok = _control(q, p, t, x, jnp.zeros_like(x))
    return jnp.where(ok, 0.5 * jnp.sum(u**2), jnp.inf)


def girsanov_log_weight(q: AbstractDiffusion, p: AbstractDiffusion, path: SampledPath) -> Float[Array, "*n"]:
    r"""The log-weight $\log \frac{dP}{dQ}$ of a path, $\sum_i u_i \cdot \Delta W_i - \frac12 |u_i|^2 h_i$.

    Exactly the log-ratio of the two Euler chains on the times of the path, so $E_Q[Z] = 1$ at every step size when the
    path is an Euler path of `q`; for other paths an approximation to the continuous weight. The initial laws are left
    out.

    **Arguments:**

    - `q`: the diffusion that the path was drawn from.
    - `p`: the diffusion to weight it towards.
    - `path`: a path, or a stack of them, on a grid as fine as the integrals need.

    **Returns:** a scalar, or one number a path; minus infinity where the laws are mutually singular.

    **Raises:** `ValueError` unless both are diffusions with states of one length.

    Source: Girsanov (1960); Sarkka and Solin (2019), Applied Stochastic Differential Equations, section 7.3.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import girsanov_log_weight

        q, p = sk.processes.BrownianMotion(), sk.processes.BrownianMotion(drift_rate=0.5)
        paths = q.sample(jnp.linspace(0.0, 1.0, 20), key=jax.random.key(0), n=1000)
        jnp.exp(girsanov_log_weight(q, p, paths)).mean()  # about 1
        ```
    """
    _check(q, p)

    def term(t0, t1, x, y):
        h = t1 - t0
        u, dw, ok = _control(q, p, t0, x, y - x - ito_drift(q, t0, x) * h)
        return jnp.where(ok, jnp.sum(u * dw) - 0.5 * jnp.sum(u**2) * h, -jnp.inf)

    one = lambda xs: jax.vmap(term)(path.ts[:-1], path.ts[1:], xs[:-1], xs[1:]).sum()
    return one(path.xs) if path.xs.ndim == 2 else jax.vmap(one)(path.xs)


def path_kl(q: AbstractDiffusion, p: AbstractDiffusion, ts: Times, *, key: Key, n: int = 1000) -> PathKL:
    r"""The divergence $KL(Q \| P)$ of two path laws on `[ts[0], ts[-1]]`, by Monte Carlo.

    Draws `n` paths of `q`, integrates $\frac12 |u|^2$ along each by the trapezoidal rule on `ts`, and adds the
    divergence of the initial laws.

    **Arguments:**

    - `q`, `p`: diffusions with the same diffusion coefficient.
    - `ts`: times to draw at and integrate on, shape `(t,)`: fine enough for the integral.
    - `key`: a JAX key.
    - `n`: how many paths.

    **Returns:** a `PathKL`; infinite where the laws are mutually singular.

    **Raises:** `ValueError` unless both are diffusions with states of one length.

    Source: Archambeau et al. (2007), Gaussian process approximations of stochastic differential equations, eq. (10).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import path_kl

        q, p = (sk.processes.OrnsteinUhlenbeck(rate=r) for r in (1.0, 1.5))
        path_kl(q, p, jnp.linspace(0.0, 2.0, 101), key=jax.random.key(0), n=500)
        ```
    """
    _check(q, p)
    require(n >= 2, "n", "must be at least 2 for a standard error", n, "pass n >= 2")
    paths: AbstractPath = q.sample(ts, key=key, n=n)
    if not isinstance(paths, SampledPath):
        raise TypeError(fault("q", "must draw a SampledPath", type(paths).__name__, "take a diffusion drawn on a grid"))
    integral = _integrals(q, p, paths)
    initial = _initial_kl(q.initial, p.initial, paths.xs[:, 0])
    finite = jnp.isfinite(integral)
    spread = jnp.std(jnp.where(finite, integral, 0), ddof=1) / jnp.sqrt(n)
    return PathKL(integral.mean() + initial, jnp.where(finite.all(), spread, jnp.inf), initial)


@eqx.filter_jit
def _integrals(q, p, paths):
    energy = jax.vmap(jax.vmap(lambda t, x: girsanov_energy(q, p, t, x)), (None, 0))(paths.ts, paths.xs)
    return jax.vmap(jnp.trapezoid, (0, None))(energy, paths.ts)


def _initial_kl(q: Law, p: Law, xs) -> Float[Array, ""]:
    """The divergence of the initial laws: closed form if Gaussian or known to NumPyro, else over the drawn states."""
    if is_gaussian(q) and is_gaussian(p):
        return _gaussian_kl(*gaussian_moments(q, "q.initial"), *gaussian_moments(p, "p.initial"))
    try:
        return jnp.sum(dist.kl_divergence(q, p))
    except NotImplementedError:
        return jnp.mean(jnp.asarray(q.log_prob(xs)) - jnp.asarray(p.log_prob(xs)))


def _gaussian_kl(mq, cq, mp, cp, spread=None):
    """KL of two Gaussian laws that may be singular; `spread` is the covariance of `mq - mp`, zero unless given."""
    lq, lp = psd_cholesky(cq), psd_cholesky(cp)
    if spread is not None:
        root = psd_cholesky(symmetric(spread))
        sides = jnp.concatenate([lq, (mq - mp)[:, None], root], axis=1)
    else:
        sides = jnp.concatenate([lq, (mq - mp)[:, None]], axis=1)
    z, gap = whiten(lp, sides)
    dq, dp = jnp.diagonal(lq), jnp.diagonal(lp)
    size = jnp.max(jnp.abs(mq) + jnp.abs(mp)) + jnp.max(jnp.abs(sides))
    singular = jnp.any(jnp.abs(gap) > 100 * jnp.finfo(gap.dtype).eps * size) | jnp.any((dp > 0) & (dq == 0))
    logs = jnp.log(jnp.where(dp > 0, dp, 1)) - jnp.log(jnp.where(dq > 0, dq, 1))
    value = 0.5 * (jnp.sum(z**2) - jnp.sum(dp > 0)) + jnp.sum(logs)
    return jnp.where(singular, jnp.inf, value)


def chain_kl(q: AbstractLinearGaussian, p: AbstractLinearGaussian, ts: Times) -> Float[Array, ""]:
    r"""The exact divergence $KL(Q \| P)$ of two linear Gaussian processes seen at finitely many times.

    It grows to the divergence of the path laws as times are added (data processing).

    **Arguments:**

    - `q`, `p`: linear Gaussian processes with states of one length.
    - `ts`: increasing times, shape `(t,)`; the initial laws stand at `ts[0]`.

    **Returns:** a scalar.

    **Raises:** `ValueError` if an initial law is not Gaussian.

    Source: the chain rule of the Kullback-Leibler divergence.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import chain_kl

        q, p = (sk.processes.OrnsteinUhlenbeck(rate=r) for r in (1.0, 1.5))
        chain_kl(q, p, jnp.linspace(0.0, 2.0, 11))
        ```
    """
    require(q.dim == p.dim, "p", f"must have states of length {q.dim}, as q has", p.dim, "pass two laws on one space")
    ts = jnp.asarray(ts)
    (mq, cq), (mp, cp) = gaussian_moments(q.initial, "q.initial"), gaussian_moments(p.initial, "p.initial")
    aq, bq, sq = jax.vmap(q.discretise)(ts[:-1], ts[1:])
    ap, bp, sp = jax.vmap(p.discretise)(ts[:-1], ts[1:])

    def step(carry, row):
        mean, cov = carry
        a, b, s, a2, b2, s2 = row
        gap = a - a2
        cost = _gaussian_kl(a @ mean + b, s, a2 @ mean + b2, s2, gap @ cov @ gap.T)
        return (a @ mean + b, symmetric(a @ cov @ a.T + s)), cost

    _, costs = jax.lax.scan(step, (mq, cq), (aq, bq, sq, ap, bp, sp))
    return _gaussian_kl(mq, cq, mp, cp) + costs.sum()
