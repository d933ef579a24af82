"""Wasserstein distances between samples."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float
from scipy.spatial.distance import cdist

from .._errors import fault, require
from .._types import Array, Key, as_float, is_concrete
from ._assignment import assignment


__all__ = ["gaussian_wasserstein2", "sliced_wasserstein", "wasserstein1", "wasserstein2"]


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Two samples as `(n, d)` and `(m, d)`."""
    x, y = as_float(x), as_float(y)
    require(x.ndim in (1, 2), "x", "must have shape (n,) or (n, d)", x, "flatten each point to a vector")
    require(y.ndim == x.ndim, "y", f"must have {x.ndim} dimension(s), as x", y, "flatten each point to a vector")
    x, y = (x[:, None], y[:, None]) if x.ndim == 1 else (x, y)
    require(y.shape[1] == x.shape[1], "y", f"must have points of length {x.shape[1]}", y, "compare like with like")
    require(x.shape[0] > 0 and y.shape[0] > 0, "x, y", "must not be empty", (x.shape, y.shape), "draw samples")
    return x, y


def _weights(w: ArrayLike | None, x: Array, name: str) -> Array:
    """Weights that sum to one."""
    if w is None:
        return jnp.full(x.shape[0], 1 / x.shape[0], x.dtype)
    w = jnp.asarray(w, x.dtype)
    require(w.shape == x.shape[:1], name, f"must have shape {x.shape[:1]}", w, "pass one weight a point, 0 for padding")
    if is_concrete(w):
        ok = bool((np.asarray(w) >= 0).all() and np.asarray(w).sum() > 0)
        require(ok, name, "must not be negative nor all zero", w, "pass non-negative weights")
    return w / w.sum()


def _cost_sorted(x: Array, y: Array, p: int) -> Array:
    return (jnp.abs(jnp.sort(x) - jnp.sort(y)) ** p).mean()


def _cost_weighted(x: Array, a: Array, y: Array, b: Array, p: int) -> Array:
    """The cost of the monotone coupling: the integral of the distance of the quantile functions."""
    # A masked point has weight 0 and may hold anything: it goes where it costs nothing.
    x, y = jnp.where(a > 0, x, 0), jnp.where(b > 0, y, 0)
    i, j = jnp.argsort(x), jnp.argsort(y)
    x, y, left, right = x[i], y[j], jnp.cumsum(a[i]), jnp.cumsum(b[j])
    levels = jnp.sort(jnp.concatenate([left, right]))
    step = jnp.diff(levels, prepend=0)
    middle = levels - step / 2
    at = lambda values, sums: values[jnp.minimum(jnp.searchsorted(sums, middle), values.shape[0] - 1)]
    return (step * jnp.abs(at(x, left) - at(y, right)) ** p).sum()


def _cost(x: Array, a: Array | None, y: Array, b: Array | None, p: int) -> Array:
    if a is None and b is None and x.shape == y.shape:
        return _cost_sorted(x, y, p)
    return _cost_weighted(x, _weights(a, x, "x_weights"), y, _weights(b, y, "y_weights"), p)


def _assignment(x: Array, y: Array, p: int) -> Array:
    """The cost of the best assignment, found on the host. Differentiable given the assignment."""
    remedy = "pass concrete arrays outside `jit`, or use `sliced_wasserstein`"
    if not is_concrete((x, y)):
        raise TypeError(fault("x, y", "must be concrete for points of more than one component", x, remedy))
    same = x.shape == y.shape
    require(same, "y", f"must hold {x.shape[0]} points, as x", y.shape, "draw as many, or use `sliced_wasserstein`")
    columns = assignment(cdist(np.asarray(x), np.asarray(y)) ** p)
    return (((x - y[columns]) ** 2).sum(axis=1) ** (p / 2)).mean()


def _distance(x: ArrayLike, y: ArrayLike, a: ArrayLike | None, b: ArrayLike | None, p: int) -> Array:
    x, y = _pair(x, y)
    if x.shape[1] > 1:
        plain = a is None and b is None
        require(plain, "x_weights, y_weights", "need points of one component", x.shape, "use `sliced_wasserstein`")
        return _assignment(x, y, p)
    a = None if a is None else _weights(a, x, "x_weights")
    b = None if b is None else _weights(b, y, "y_weights")
    return _cost(x[:, 0], a, y[:, 0], b, p)


def wasserstein1(
    x: Float[ArrayLike, "n *d"],
    y: Float[ArrayLike, "m *d"],
    x_weights: Float[ArrayLike, " n"] | None = None,
    y_weights: Float[ArrayLike, " m"] | None = None,
) -> Float[Array, ""]:
    """The exact Wasserstein-1 distance between two samples, in the unit of the points.

    On the line by sorting, in `O(n log n)`, under `jit`, `vmap` and `grad`. In more dimensions by the best assignment
    of equally many points (SciPy, on the host, `O(n^3)`: up to a few thousand points).

    **Arguments:**

    - `x`, `y`: points, shapes `(n,)` and `(m,)`, or `(n, d)` and `(m, d)`.
    - `x_weights`, `y_weights`: weights of the points on the line, not negative; 0 masks a point. Equal if not given.

    **Returns:** a scalar.

    **Raises:** `ValueError` for shapes that do not match; `TypeError` under `jit` with more than one component.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.transport import wasserstein1
        wasserstein1(jnp.array([0.0, 1.0]), jnp.array([1.0, 2.0, 3.0]))  # 1.5
        ```

    Source: Peyre and Cuturi (2019), Computational optimal transport, remark 2.28 and section 2.2.
    """
    return _distance(x, y, x_weights, y_weights, 1)


def wasserstein2(
    x: Float[ArrayLike, "n *d"],
    y: Float[ArrayLike, "m *d"],
    x_weights: Float[ArrayLike, " n"] | None = None,
    y_weights: Float[ArrayLike, " m"] | None = None,
) -> Float[Array, ""]:
    """The exact Wasserstein-2 distance between two samples, in the unit of the points. See `wasserstein1`.

    **Arguments:** as `wasserstein1`.

    **Returns:** a scalar: the root of the mean squared distance under the best coupling.

    **Raises:** as `wasserstein1`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.transport import wasserstein2
        wasserstein2(jnp.array([[0.0, 0.0], [1.0, 0.0]]), jnp.array([[1.0, 1.0], [0.0, 1.0]]))  # 1.0
        ```

    Source: Peyre and Cuturi (2019), Computational optimal transport, remark 2.28 and section 2.2.
    """
    return _root(_distance(x, y, x_weights, y_weights, 2))


def _root(square: Array) -> Array:
    """The square root, with gradient 0 at 0."""
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


def sliced_wasserstein(
    x: Float[ArrayLike, "n d"],
    y: Float[ArrayLike, "m d"],
    x_weights: Float[ArrayLike, " n"] | None = None,
    y_weights: Float[ArrayLike, " m"] | None = None,
    *,
    key: Key,
    projections: int = 128,
    p: int = 2,
) -> Float[Array, ""]:
    r"""The sliced Wasserstein distance: that of projections on random directions, averaged over directions.

    $(\mathbb E_\theta W_p^p(\theta^\top x, \theta^\top y))^{1/p}$, the mean over `projections` directions. Works under
    `jit`, `vmap` and `grad`.

    **Arguments:**

    - `x`, `y`: points, shapes `(n, d)` and `(m, d)`.
    - `x_weights`, `y_weights`: weights of the points, not negative; 0 masks a point.
    - `key`: a JAX key.
    - `projections`: how many directions.
    - `p`: the order, 1 or more.

    **Returns:** a scalar, in the unit of the points.

    **Raises:** `ValueError` for shapes that do not match.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.transport import sliced_wasserstein
        x = jax.random.normal(jax.random.key(0), (100, 3))
        sliced_wasserstein(x, x + 1.0, key=jax.random.key(1))  # near 1
        ```

    Source: Bonneel, Rabin, Peyre and Pfister (2015), Sliced and Radon Wasserstein barycenters of measures.
    """
    require(projections >= 1 and p >= 1, "projections, p", "must be at least 1", (projections, p), "pass larger ones")
    x, y = _pair(x, y)
    a = None if x_weights is None else _weights(x_weights, x, "x_weights")
    b = None if y_weights is None else _weights(y_weights, y, "y_weights")
    x = x if a is None else jnp.where(a[:, None] > 0, x, 0)
    y = y if b is None else jnp.where(b[:, None] > 0, y, 0)
    g = jax.random.normal(key, (projections, x.shape[1]), x.dtype)
    directions = g / jnp.linalg.norm(g, axis=1, keepdims=True)
    cost = _mean_cost(directions, x, a, y, b, p)
    return _root(cost) if p == 2 else cost ** (1 / p)


@eqx.filter_jit
def _mean_cost(directions: Array, x: Array, a: Array | None, y: Array, b: Array | None, p: int) -> Array:
    batch = min(directions.shape[0], 16)
    return jax.lax.map(lambda u: _cost(x @ u, a, y @ u, b, p), directions, batch_size=batch).mean()


def _square_root(a: Array) -> Array:
    values, vectors = jnp.linalg.eigh(a)
    return (vectors * jnp.sqrt(jnp.maximum(values, 0))[None]) @ vectors.T


def gaussian_wasserstein2(
    mean0: Float[ArrayLike, " d"],
    covariance0: Float[ArrayLike, "d d"],
    mean1: Float[ArrayLike, " d"],
    covariance1: Float[ArrayLike, "d d"],
) -> Float[Array, ""]:
    r"""The Wasserstein-2 distance between two Gaussian laws, in closed form.

    $W_2^2 = \|m_0 - m_1\|^2 + \operatorname{tr}(S_0 + S_1 - 2 (S_0^{1/2} S_1 S_0^{1/2})^{1/2})$.

    **Arguments:**

    - `mean0`, `mean1`: means, shape `(d,)`.
    - `covariance0`, `covariance1`: covariances, shape `(d, d)`, symmetric and positive semi-definite.

    **Returns:** a scalar, in the unit of the points.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.transport import gaussian_wasserstein2
        gaussian_wasserstein2(jnp.zeros(2), jnp.eye(2), jnp.zeros(2), 4 * jnp.eye(2))  # sqrt(2)
        ```

    Source: Dowson and Landau (1982), The Frechet distance between multivariate normal distributions.
    """
    m0, m1, s0, s1 = (as_float(v) for v in (mean0, mean1, covariance0, covariance1))
    d = m0.shape[-1]
    require(s0.shape == s1.shape == (d, d), "covariance", f"must have shape ({d}, {d})", s1, "pass full matrices")
    root = _square_root(s0)
    inner = root @ s1 @ root
    cross = jnp.sqrt(jnp.maximum(jnp.linalg.eigvalsh((inner + inner.T) / 2), 0)).sum()
    return _root(jnp.maximum(((m0 - m1) ** 2).sum() + jnp.trace(s0) + jnp.trace(s1) - 2 * cross, 0))
