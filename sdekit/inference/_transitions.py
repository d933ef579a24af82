"""Densities of fully observed Markov processes: initial law and transitions, exact or approximate."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
from jaxtyping import Bool, Float

from .._errors import check_traced, fault, require
from .._process import (
    AbstractDiffusion,
    AbstractLinearGaussian,
    AbstractProcess,
    AbstractTransition,
    Additive,
    Stratonovich,
)
from .._types import Array, RealScalar, State, is_concrete
from ..data import Series
from ..solve import stratonovich_shift
from ._algebra import degenerate_log_prob, psd_cholesky, symmetric


__all__ = ["covariance_rate", "gaussian_step", "initial_law", "ito_drift", "transitions_log_prob", "whole_rows"]

_PARTIAL = "observe whole rows, or take an AbstractLinearGaussian process with MarginalLikelihood"


def covariance_rate(process: AbstractDiffusion, t: RealScalar, x: State) -> Float[Array, "d d"]:
    r"""$g g^\top$ at one time and state.

    **Arguments:**

    - `process`: a diffusion.
    - `t`, `x`: the time and the state, shape `(d,)`.

    **Returns:** a matrix of shape `(d, d)`.
    """
    g = process.diffusion(t, x)
    if lx.is_diagonal(g):
        return jnp.diag(lx.diagonal(g) ** 2)
    g = g.as_matrix()
    return g @ g.T


def ito_drift(process: AbstractDiffusion, t: RealScalar, x: State) -> State:
    r"""The drift in the sense of Ito: for a Stratonovich equation, $f + \frac12 \sum_j (\partial_x g_j) g_j$.

    **Arguments:**

    - `process`: a diffusion.
    - `t`, `x`: the time and the state, shape `(d,)`.

    **Returns:** the drift, shape `(d,)`.

    Source: Kloeden and Platen (1992), Numerical Solution of Stochastic Differential Equations, eq. (4.9.12).

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import ito_drift

        ito_drift(sk.processes.OrnsteinUhlenbeck(rate=2.0), 0.0, jnp.array([1.0]))  # [-2.0]
        ```
    """
    f = process.drift(t, x)
    if not issubclass(process.interpretation, Stratonovich) or issubclass(process.structure, Additive):
        return f
    return f + stratonovich_shift(process, t, x)


def gaussian_step(
    process: AbstractDiffusion, t0: RealScalar, t1: RealScalar, x: State, substeps: int = 1
) -> tuple[State, Float[Array, "d d"]]:
    r"""The mean and covariance of a Gaussian approximation to the transition law.

    With `substeps = 1` this is Euler and Maruyama's $N(x + f h, g g^\top h)$. With more, the mean follows the drift and
    the covariance its linearisation, $P \leftarrow (I + J h) P (I + J h)^\top + g g^\top h$.

    **Arguments:**

    - `process`: a diffusion.
    - `t0`, `t1`: the times, `t0 < t1`.
    - `x`: the state at `t0`, shape `(d,)`.
    - `substeps`: how many steps to take from `t0` to `t1`.

    **Returns:** the mean `(d,)` and the covariance `(d, d)` of the state at `t1`.

    Source: Sarkka and Solin (2019), Applied Stochastic Differential Equations, section 9.1.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import gaussian_step

        mean, cov = gaussian_step(sk.processes.OrnsteinUhlenbeck(rate=2.0), 0.0, 0.1, jnp.array([1.0]), substeps=4)
        ```
    """
    h = (t1 - t0) / substeps
    if substeps == 1:
        return x + ito_drift(process, t0, x) * h, covariance_rate(process, t0, x) * h
    eye = jnp.eye(x.shape[0], dtype=x.dtype)

    def step(carry, k):
        mean, cov = carry
        t = t0 + k * h
        flow = eye + jax.jacfwd(lambda m: ito_drift(process, t, m))(mean) * h
        cov = flow @ cov @ flow.T + covariance_rate(process, t, mean) * h
        return (mean + ito_drift(process, t, mean) * h, symmetric(cov)), None

    return jax.lax.scan(step, (x, jnp.zeros_like(eye)), jnp.arange(substeps))[0]


def initial_law(process: AbstractProcess):
    """The law of a process at its first time.

    **Arguments:**

    - `process`: a diffusion or a linear Gaussian process.

    **Returns:** its `initial`.

    **Raises:** `ValueError` for a process that declares none.
    """
    if isinstance(process, AbstractDiffusion | AbstractLinearGaussian):
        return process.initial
    remedy = "take a diffusion or a linear Gaussian process, or leave the initial law out (include_initial=False)"
    raise ValueError(fault("process", "declares no initial law", type(process).__name__, remedy))


def whole_rows(series: Series) -> Bool[Array, " t"]:
    """Which rows are observed, once it is certain that none is observed in part.

    **Arguments:**

    - `series`: one series.

    **Returns:** flags of shape `(t,)`.

    **Raises:** `ValueError` for a row observed in part (`RuntimeError` under `jit`).
    """
    seen = series.mask.all(-1)
    if series.dim == 1:
        return seen
    partial = series.mask.any(-1) & ~seen
    problem = "has rows observed in part: the transition law of the missing components has no closed form here"
    if is_concrete(partial):
        rows = np.flatnonzero(np.asarray(partial))
        require(rows.size == 0, "series.mask", problem + "; rows", rows, _PARTIAL)
        return seen
    return check_traced(seen, partial.any(), "series.mask", problem, _PARTIAL)


def _pairs(series: Series, seen, anchor):
    """Each observed row with the observed row before it; elsewhere a harmless pair, so that no gradient is lost."""
    index = jnp.arange(seen.shape[0])
    last = jax.lax.cummax(jnp.where(seen, index, -1))
    before = last[:-1]
    valid = seen[1:] & (before >= 0)
    anchor = jnp.where(seen.any(), series.ys[jnp.argmax(seen)], anchor)
    rows = jnp.where(valid, jnp.maximum(before, 0), index[:-1])
    state = lambda ys: jnp.where(valid[:, None], ys, anchor[None, :])
    return series.ts[rows], series.ts[1:], state(series.ys[rows]), state(series.ys[1:]), valid


def transitions_log_prob(
    process: AbstractProcess, series: Series, *, include_initial: bool, substeps: int = 1
) -> Float[Array, ""]:
    """The sum of the log-densities of the transitions between observed rows, and of the initial law if wanted.

    **Arguments:**

    - `process`: Markov with a transition law, or any diffusion (then the law of `gaussian_step`).
    - `series`: one series; rows that are missing whole are stepped over.
    - `include_initial`: whether the first row counts, under `process.initial`.
    - `substeps`: as in `gaussian_step`; unused where the transition law is exact.

    **Returns:** a scalar.

    **Raises:** `ValueError` for a process without transitions and for rows observed in part.
    """
    if not isinstance(process, AbstractTransition | AbstractDiffusion):
        remedy = "take an AbstractTransition or an AbstractDiffusion; for a density in closed form, MarginalLikelihood"
        raise ValueError(fault("process", "has no transition law", type(process).__name__, remedy))
    seen = whole_rows(series)
    if not include_initial:
        return _total(process, series, seen, substeps, False)
    problem = "must be observed at its first time, where the initial law stands"
    remedy = "begin at the first observed row, or leave the initial law out (include_initial=False)"
    if is_concrete(seen):
        require(bool(seen[0]), "series", problem, seen, remedy)
    else:
        seen = check_traced(seen, seen.any() & ~seen[0], "series", problem, remedy)
    return _total(process, series, seen, substeps, True)


@eqx.filter_jit
def _total(process, series, seen, substeps, include_initial):
    if isinstance(process, AbstractTransition):
        density = lambda t0, t1, x, y: process.transition(t0, t1, x).log_prob(y)
    else:
        density = lambda t0, t1, x, y: _pseudo_log_prob(process, t0, t1, x, y, substeps)
    start = isinstance(process, AbstractDiffusion | AbstractLinearGaussian)
    anchor = jax.lax.stop_gradient(process.initial.mean if start else jnp.zeros(series.dim))
    t0, t1, x, y, valid = _pairs(series, seen, anchor)
    total = jnp.where(valid, jax.vmap(density)(t0, t1, x, y), 0).sum()
    if not include_initial:
        return total
    first = jnp.where(seen[0], series.ys[0], anchor)
    return total + jnp.where(seen[0], initial_law(process).log_prob(first), 0)


def _pseudo_log_prob(process, t0, t1, x, y, substeps):
    mean, cov = gaussian_step(process, t0, t1, x, substeps)
    size = jnp.max(jnp.abs(y) + jnp.abs(mean))
    if substeps == 1 and lx.is_diagonal(process.diffusion(t0, x)):
        # Components are independent: no factorisation, whose cost grows with the cube of the dimension.
        rate = jnp.diagonal(cov)
        factors = jnp.where(rate > 0, jnp.sqrt(jnp.where(rate > 0, rate, 1)), 0)[:, None, None]
        one = lambda gap, factor: degenerate_log_prob(gap[None], factor, jnp.zeros((), int), size)
        return jax.vmap(one)(y - mean, factors).sum()
    return degenerate_log_prob(y - mean, psd_cholesky(cov), jnp.zeros((), int), size)
