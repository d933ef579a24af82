"""Distances between samples by means over pairs: energy distance and maximum mean discrepancy."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._types import Array, as_float
from ._wasserstein import _pair, _weights


__all__ = ["energy_distance", "mmd"]


def _norm(x: Array) -> Array:
    square = (x**2).sum(axis=-1)
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


def _gauss(h: Array, u: Array) -> Array:
    return jnp.exp(-(u**2).sum(axis=-1)[..., None] / (2 * h**2)[None]).mean(axis=-1)


@eqx.filter_jit
def _mean_pairs(f: Callable[[Array], Array], x: Array, a: Array, y: Array, b: Array) -> Array:
    """The mean of `f(x_i - y_j)` over pairs, a few rows at a time so that memory stays O(m)."""
    rows = jax.lax.map(lambda r: (b * f(r[None] - y)).sum(), x, batch_size=min(x.shape[0], 16))
    return (a * rows).sum()


def _clean(x: Array, y: Array, a: ArrayLike | None, b: ArrayLike | None) -> tuple[Array, Array, Array, Array]:
    wa, wb = _weights(a, x, "x_weights"), _weights(b, y, "y_weights")
    return jnp.where(wa[:, None] > 0, x, 0), wa, jnp.where(wb[:, None] > 0, y, 0), wb


def energy_distance(
    x: Float[ArrayLike, "n *d"],
    y: Float[ArrayLike, "m *d"],
    x_weights: Float[ArrayLike, " n"] | None = None,
    y_weights: Float[ArrayLike, " m"] | None = None,
) -> Float[Array, ""]:
    r"""The energy distance $2\,\mathbb E\|X - Y\| - \mathbb E\|X - X'\| - \mathbb E\|Y - Y'\|$ between two samples.

    Of the samples taken as laws of their own: never negative, and 0 only if they agree. SciPy's
    `scipy.stats.energy_distance` is its square root. Costs `O(nm)` time and `O(n + m)` memory.

    **Arguments:**

    - `x`, `y`: points, shapes `(n,)` and `(m,)`, or `(n, d)` and `(m, d)`.
    - `x_weights`, `y_weights`: weights of the points, not negative; 0 masks a point.

    **Returns:** a scalar, in the unit of the points.

    **Raises:** `ValueError` for shapes that do not match.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.transport import energy_distance
        energy_distance(jnp.array([0.0]), jnp.array([1.0]))  # 2.0
        ```

    Source: Szekely and Rizzo (2013), Energy statistics, equation 2.
    """
    x, y = _pair(x, y)
    x, a, y, b = _clean(x, y, x_weights, y_weights)
    cross, one, two = (_mean_pairs(_norm, *pair) for pair in ((x, a, y, b), (x, a, x, a), (y, b, y, b)))
    return jnp.maximum(2 * cross - one - two, 0)


def mmd(
    x: Float[ArrayLike, "n *d"],
    y: Float[ArrayLike, "m *d"],
    x_weights: Float[ArrayLike, " n"] | None = None,
    y_weights: Float[ArrayLike, " m"] | None = None,
    *,
    bandwidth: ArrayLike,
) -> Float[Array, ""]:
    r"""The squared maximum mean discrepancy with a Gaussian kernel, unbiased.

    $k(u) = \exp(-\|u\|^2 / 2h^2)$; pairs of a point with itself are left out, so that the mean over samples is the
    discrepancy of the laws, and a single value may be negative. With several bandwidths, the mean over them.

    **Arguments:**

    - `x`, `y`: points, shapes `(n,)` and `(m,)`, or `(n, d)` and `(m, d)`, at least two each.
    - `x_weights`, `y_weights`: weights of the points, not negative; 0 masks a point.
    - `bandwidth`: `h` in the unit of the points, shape `()` or `(k,)`.

    **Returns:** a scalar without unit.

    **Raises:** `ValueError` for shapes that do not match.

    !!! example

        ```python
        import jax
        from sdekit.transport import mmd
        x = jax.random.normal(jax.random.key(0), (100, 2))
        mmd(x, x + 3.0, bandwidth=1.0)
        ```

    Source: Gretton, Borgwardt, Rasch, Scholkopf and Smola (2012), A kernel two-sample test, equation 3.
    """
    x, y = _pair(x, y)
    require(min(x.shape[0], y.shape[0]) >= 2, "x, y", "must hold two points each", (x.shape, y.shape), "draw more")
    x, a, y, b = _clean(x, y, x_weights, y_weights)
    kernel = jax.tree_util.Partial(_gauss, jnp.atleast_1d(as_float(bandwidth)).astype(x.dtype))

    def within(z: Array, w: Array) -> Array:
        own = (w**2).sum()
        return (_mean_pairs(kernel, z, w, z, w) - own) / (1 - own)

    return within(x, a) + within(y, b) - 2 * _mean_pairs(kernel, x, a, y, b)
