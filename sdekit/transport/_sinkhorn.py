"""Entropic transport: Sinkhorn's iterations with kernels that are absorbed into potentials, and annealed."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float, Int

from .._errors import require
from .._types import Array, Key, RealScalar, as_float, is_concrete


__all__ = ["Plan", "sinkhorn"]

_ANNEAL = 0.25
"""How much smaller epsilon becomes from stage to stage."""
_INNER = 12
"""The most half-steps with one kernel, before potentials are absorbed into it."""
_FAR = 1e12
"""Scalings beyond this are absorbed: far from where float32 overflows."""
_dot = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)  # no TF32: it does not converge


class Plan(eqx.Module):
    r"""A coupling $\pi_{ij} = e^{(f_i + g_j - c_{ij})/\varepsilon}$ of two weighted samples. What `sinkhorn` returns.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.transport import sinkhorn
        plan = sinkhorn(jnp.array([[0.0, 1.0], [1.0, 0.0]]), 0.1)
        bool(plan.converged), plan.matrix.sum()
        ```
    """

    cost: Float[Array, "n m"]
    epsilon: Float[Array, ""]
    f: Float[Array, " n"]
    """The potential of the rows; minus infinity where a row has no weight."""
    g: Float[Array, " m"]
    a: Float[Array, " n"]
    b: Float[Array, " m"]
    iterations: Int[Array, ""]
    """How many pairs of half-steps were taken."""
    error: Float[Array, ""]
    """The total variation of both marginals from what they should be, measured on this plan."""
    converged: Bool[Array, ""]
    """Whether `error` is within the tolerance. False for anything that is not finite."""

    @property
    def log_matrix(self) -> Float[Array, "n m"]:
        """The logarithm of the plan."""
        return (self.f[:, None] + self.g[None] - self.cost) / self.epsilon

    @property
    def matrix(self) -> Float[Array, "n m"]:
        """The plan, which sums to 1."""
        return jnp.exp(self.log_matrix)

    @property
    def value(self) -> Float[Array, ""]:
        r"""The least of $\langle c, \pi\rangle + \varepsilon\,KL(\pi \| a \otimes b)$, by its dual.

        Its gradient in the cost is the plan (Danskin's theorem: the potentials are held fixed).
        """
        dual = lambda w, h: jnp.sum(w * jnp.where(w > 0, h - self.epsilon * jnp.log(jnp.where(w > 0, w, 1)), 0))
        return dual(self.a, self.f) + dual(self.b, self.g) + self.epsilon * (1 - self.matrix.sum())

    def partners(self, *, key: Key) -> Int[Array, " n"]:
        """For each row a column, drawn from the plan given the row."""
        return jax.random.categorical(key, self.log_matrix, axis=1)


class _State(NamedTuple):
    g: Array
    epsilon: Array
    iterations: Array
    error: Array


def _soft_min(values: Array, epsilon: Array, axis: int) -> tuple[Array, Array]:
    """Along an axis: minus epsilon times the log-sum-exp of minus the values, and the terms in units of their sum."""
    least = values.min(axis, keepdims=True)
    least = jnp.where(jnp.isfinite(least), least, 0)
    terms = jnp.exp((least - values) / epsilon)
    total = terms.sum(axis, keepdims=True)
    total = jnp.where(total > 0, total, 1)
    return jnp.squeeze(least - epsilon * jnp.log(total), axis), terms / total


def _divide(weights: Array, sums: Array) -> Array:
    """Scalings: 1 where there is no weight."""
    return jnp.where(weights > 0, weights / sums, 1)


def _far(*scalings: Array) -> Array:
    """Whether a scaling has gone too far from 1, or is not finite."""
    inside = [((s < _FAR) & (s > 1 / _FAR)).all() for s in scalings]
    return ~jnp.stack(inside).all()


def _stage(cost: Array, a: Array, b: Array, g: Array, epsilon: Array, tolerance: Array) -> tuple[Array, Array, Array]:
    """Half-steps at one epsilon: an exact one in the log domain for each side, then with the kernel so made."""
    rows = jnp.where(a > 0, jnp.log(jnp.where(a > 0, a, 1)), -jnp.inf)
    columns = jnp.where(b > 0, jnp.log(jnp.where(b > 0, b, 1)), -jnp.inf)
    shift, share = _soft_min(cost - g[None], epsilon, 1)
    f, kernel = shift + epsilon * rows, a[:, None] * share
    sums = kernel.sum(0)

    def exact():
        """Where a column has underflowed."""
        shift, share = _soft_min(cost - f[:, None], epsilon, 0)
        return shift + epsilon * columns, b[None] * share

    def scaled():
        v = _divide(b, sums)
        return g + epsilon * jnp.log(v), kernel * v[None]

    lost = ((sums < 1e-25) & (b > 0)).any()
    g, kernel = jax.lax.cond(lost, exact, scaled)

    def step(carry):
        u, v, _, count, _ = carry
        new_u = _divide(a, _dot(kernel, v))
        sums = _dot(new_u, kernel)
        # Before its half-step, a side is as far from its marginal as it will be seen to be.
        error = jnp.where(b > 0, jnp.abs(v * sums - b), 0).sum()
        new_v = _divide(b, sums)
        far = _far(new_u, new_v)
        keep = lambda new, old: jnp.where(far, old, new)
        return keep(new_u, u), keep(new_v, v), jnp.where(far, jnp.inf, error), count + 1, far

    more = lambda carry: (carry[3] < _INNER) & (carry[2] > tolerance) & ~carry[4]
    ones = jnp.ones_like(a), jnp.ones_like(b)
    start = (*ones, jnp.full_like(epsilon, jnp.inf), jnp.zeros((), jnp.int32), jnp.zeros((), bool))
    _, v, error, count, _ = jax.lax.while_loop(more, step, start)
    return g + epsilon * jnp.log(v), count + 1, error


@eqx.filter_jit
def _solve(cost: Array, epsilon: Array, a: Array, b: Array, tolerance: Array, limit: Array) -> tuple[Array, ...]:
    seen = (a > 0)[:, None] & (b > 0)[None]
    spread = jnp.where(seen, cost, -jnp.inf).max() - jnp.where(seen, cost, jnp.inf).min()
    start = jnp.maximum(epsilon, spread * _ANNEAL)

    def advance(s: _State) -> _State:
        last = s.epsilon <= epsilon
        # Rough while it is annealed: the potentials move on with epsilon.
        aim = jnp.where(last, tolerance / 2, 0.1)
        g, count, error = _stage(cost, a, b, s.g, s.epsilon, aim)
        error = jnp.where(last, error, jnp.inf)
        return _State(g, jnp.maximum(s.epsilon * _ANNEAL, epsilon), s.iterations + count, error)

    more = lambda s: (s.error > tolerance / 2) & (s.iterations < limit)
    g = jnp.where(b > 0, jnp.zeros_like(b), -jnp.inf)
    infinite = jnp.full_like(epsilon, jnp.inf)
    end = jax.lax.while_loop(more, advance, _State(g, start, jnp.zeros((), jnp.int32), infinite))
    shift, share = _soft_min(cost - end.g[None], epsilon, 1)
    f = jnp.where(a > 0, shift + epsilon * jnp.log(jnp.where(a > 0, a, 1)), -jnp.inf)
    # Of the plan that is returned: its rows are exact, its columns are measured. Rows of infinite cost are caught here.
    plan = jnp.where(a[:, None] > 0, a[:, None] * share, 0)
    error = jnp.abs(plan.sum(0) - b).sum() + jnp.abs(plan.sum(1) - a).sum()
    return f, end.g, end.iterations, error


def _weights(w: ArrayLike | None, size: int, name: str, dtype) -> Array:
    if w is None:
        return jnp.full((size,), 1 / size, dtype)
    w = as_float(w).astype(dtype)
    require(w.shape == (size,), name, f"must have shape ({size},)", w, "pass one weight a point")
    if is_concrete(w):
        ok = np.isfinite(w).all() and (np.asarray(w) >= 0).all() and float(w.sum()) > 0
        require(bool(ok), name, "must not be negative, and not all 0", w, "pass masses")
    return w / w.sum()


def sinkhorn(
    cost: Float[ArrayLike, "n m"],
    epsilon: RealScalar,
    a: Float[ArrayLike, " n"] | None = None,
    b: Float[ArrayLike, " m"] | None = None,
    *,
    tolerance: float = 1e-3,
    iterations: int = 5000,
) -> Plan:
    r"""The plan that minimises $\langle c, \pi\rangle + \varepsilon\,KL(\pi \,\|\, a \otimes b)$.

    Safe in float32 at a small epsilon: potentials are held in the log domain, and a kernel made of them serves for a
    dozen iterations, which are then products of a matrix and a vector; epsilon is annealed from the spread of the cost.
    Works under `jit` and `vmap`; the potentials have no gradient, `Plan.value` has.

    For a Schroedinger bridge there is no epsilon to choose: pass minus the logarithm of the reference's transition
    density as the cost, with `epsilon=1`, as the coupling `Sinkhorn` does.

    **Arguments:**

    - `cost`: shape `(n, m)`; any costs, a kernel of its own for each row included.
    - `epsilon`: in units of the cost, positive.
    - `a`, `b`: weights of rows and columns, not negative, normalised here; 0 masks a point. Equal if not given.
    - `tolerance`: the total variation of the marginals below which to stop.
    - `iterations`: the most iterations to take, about.

    **Returns:** a `Plan`; look at its `converged`, which is measured on what is returned.

    **Raises:** `ValueError` for a cost that is not a finite matrix, an epsilon that is not positive, or weights that do
    not fit.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.transport import sinkhorn
        x, y = jnp.zeros((3, 1)), jnp.arange(4.0)[:, None]
        plan = sinkhorn((x - y.T) ** 2, 0.5)
        plan.partners(key=jax.random.key(0))
        ```

    Source: Cuturi (2013), Sinkhorn distances; absorption: Schmitzer (2019), Stabilized sparse scaling algorithms for
    entropy regularized transport problems, section 3.
    """
    cost = as_float(cost)
    require(cost.ndim == 2 and cost.size > 0, "cost", "must have shape (n, m), not empty", cost, "one row a point")
    if is_concrete(cost):
        remedy = "drop the points that are not finite"
        require(bool(np.isfinite(cost).all()), "cost", "must be finite", cost, remedy)
    if is_concrete(epsilon):
        require(float(epsilon) > 0, "epsilon", "must be positive", epsilon, "use `Exact()` for 0")
    require(tolerance > 0, "tolerance", "must be positive", tolerance, "pass 1e-3, say")
    a = _weights(a, cost.shape[0], "a", cost.dtype)
    b = _weights(b, cost.shape[1], "b", cost.dtype)
    epsilon, tol = jnp.asarray(epsilon, cost.dtype), jnp.asarray(tolerance, cost.dtype)
    fixed = jax.lax.stop_gradient((cost, epsilon, a, b))
    f, g, count, error = jax.lax.stop_gradient(_solve(*fixed, tol, jnp.asarray(iterations)))
    return Plan(cost, epsilon, f, g, a, b, count, error, error <= tol)
