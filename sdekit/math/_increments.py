"""Covariances of what fractional processes gain over intervals that do not overlap, without cancellation."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._fractional import _countdown, _fou_near, _power, fou_autocovariance, time_gaps
from ._quadrature import gauss_legendre


__all__ = ["fbm_increment_covariance", "fou_innovation_covariance", "fou_memory"]

Ends = Float[Array, " n"]
Matrix = Float[Array, "n n"]
_NODES = 4
_DEPTH = 16


def _between(starts: Ends, ends: Ends) -> Matrix:
    """The gaps between all pairs of intervals, exactly 0 where one begins, to rounding, at the end of the other."""
    later = starts[:, None] >= starts[None, :]
    gaps = time_gaps(ends, starts)  # row: the earlier interval, column: the later
    return jnp.where(later, gaps.T, gaps)


def _rise(a: Array, x: Array, w: Array) -> Array:
    """Half of `(x + w)^a - x^a` for `x, w >= 0`, to full relative accuracy."""
    inside = x > 0
    base = jnp.where(inside, x, 1)
    ratio = jnp.where(inside, w, 0) / base
    return 0.5 * jnp.where(inside, base**a * jnp.expm1(a * jnp.log1p(ratio)), _power(jnp, w, a))


def fbm_increment_covariance(hurst: Float[Array, ""], starts: Ends, ends: Ends) -> Matrix:
    r"""The covariance of the increments of fractional Brownian motion over intervals that do not overlap.

    For widths $v, w$ and a gap $g$ between the two it is $f(g + v + w) - f(g + v) - f(g + w) + f(g)$ with
    $f(x) = x^{2H}/2$. Where the gap is the smaller length two differences are subtracted; beyond, the binomial series
    around the distance of the centres, all of whose terms have one sign, so that nothing cancels.

    **Arguments:**

    - `hurst`: the Hurst index in (0, 1).
    - `starts`, `ends`: the intervals, `starts <= ends`, shapes `(n,)`.

    **Returns:** the matrix, shape `(n, n)`. Entries of two intervals that overlap mean nothing, but are finite.

    Source: Mandelbrot and Van Ness (1968), with unit variance at time 1.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import fbm_increment_covariance
        ts = jnp.arange(4.0)
        fbm_increment_covariance(jnp.array(0.7), ts[:-1], ts[1:])  # a Toeplitz matrix with ones on the diagonal
        ```
    """
    a = 2 * hurst
    widths, gap = ends - starts, _between(starts, ends)
    first, second = widths[:, None], widths[None, :]
    small, big = jnp.minimum(first, second), jnp.maximum(first, second)
    near = _rise(a, gap + big, small) - _rise(a, gap, small)
    # The series in u = (p / m)^2 and r = (q / m)^2 of f(m + p) + f(m - p) - f(m + q) - f(m - q), divided by u - r.
    p, q = (big + small) / 2, (big - small) / 2
    far = (gap >= p) & (gap > 0)
    m = jnp.where(far, gap + p, 1)
    u, r = (jnp.where(far, x, 0) ** 2 / m**2 for x in (p, q))
    coefficients, c = [], 1.0
    for j in range(1, 14 if jnp.finfo(gap.dtype).bits < 64 else 27):
        c = c * (a - 2 * j + 2) * (a - 2 * j + 1) / ((2 * j - 1) * (2 * j))
        coefficients.append(c)
    value, slope = jnp.zeros_like(m), jnp.zeros_like(m)
    for c in reversed(coefficients):
        value = value * u + c
        slope = slope * r + value
    series = m ** (a - 2) * small * big * slope
    own = jnp.eye(widths.shape[0], dtype=bool)
    return jnp.where(own, jnp.diag(_power(jnp, widths, a)), jnp.where(far, series, near))


def fou_innovation_covariance(hurst: Float[Array, ""], starts: Ends, ends: Ends) -> Matrix:
    r"""The covariance of $X_t - e^{-(t - s)} X_s$ over intervals $[s, t]$ that do not overlap, for single precision.

    `X` is the fractional Ornstein-Uhlenbeck process of unit rate and scale, from any start: these are integrals of
    $e^{-(t - r)}$ against fractional Brownian motion. Two intervals that are apart by more than their widths take
    the double integral of $H(2H - 1)|r - r'|^{2H - 2}$ by quadrature; near ones the power series of
    $h(x) = \rho(0)\cosh x - \rho(x)$, whose part in cosh drops out; long ones $\rho$ itself.

    **Arguments:**

    - `hurst`: the Hurst index in (0, 1).
    - `starts`, `ends`: the intervals in units of one over the rate, `starts <= ends`, shapes `(n,)`.

    **Returns:** the matrix, shape `(n, n)`, to 1e-6 of the larger of the two variances. Entries of two intervals
    that overlap mean nothing, but are finite.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import fou_innovation_covariance
        ts = jnp.arange(4.0)
        fou_innovation_covariance(jnp.array(0.5), ts[:-1], ts[1:])  # (1 - exp(-2)) / 2 times the identity
        ```
    """
    a, gap, widths = 2 * hurst, _between(starts, ends), ends - starts
    order = starts[:, None] <= starts[None, :]
    w = jnp.where(order, widths[:, None], widths[None, :])  # the earlier
    v = jnp.where(order, widths[None, :], widths[:, None])  # the later
    long = jnp.maximum(w, v)
    apart = (gap >= long) & (long <= 1) & (gap > 0)
    short = ~apart & (gap + w + v <= 1)
    own = jnp.eye(widths.shape[0], dtype=bool)
    four = lambda f, g, w, v: f(g + v) - jnp.exp(-w) * f(g + v + w) - jnp.exp(-v) * f(g) + jnp.exp(-v - w) * f(g + w)
    series = lambda x: _fou_near(jnp, a, jnp.minimum(x, 1), 6)
    value = jnp.where(short, -four(series, gap, w, v), _apart(a, jnp.where(apart, gap, 1), w, v))
    # The series of rho are long: only where some interval calls for them.
    direct = lambda: four(lambda x: fou_autocovariance(hurst, x), gap, w, v)
    rest = ~(apart | short | own)
    value = jnp.where(rest, jax.lax.cond(rest.any(), direct, lambda: value), value)
    return jnp.where(own, jnp.diag(_own(hurst, widths)), value)


def fou_memory(hurst: Float[Array, ""], starts: Ends, ends: Ends) -> Ends:
    r"""The covariance of $X_0$ and $X_t - e^{-(t - s)} X_s$ for `X` stationary, over intervals, for single precision.

    `X` has unit rate and scale. The rows that `fou_innovation_covariance` lacks: how the first value bears on the noise
    after it, an integral over the interval of $e^{-(t - r)} (\rho + \rho')(r)$.

    **Arguments:**

    - `hurst`: the Hurst index in (0, 1).
    - `starts`, `ends`: the intervals in units of one over the rate, `0 <= starts <= ends`, shapes `(n,)`.

    **Returns:** the covariances, shape `(n,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import fou_memory
        fou_memory(jnp.array(0.5), jnp.array([0.0]), jnp.array([1.0]))  # 0: noise without memory
        ```
    """
    a, w = 2 * hurst, ends - starts
    rho = jnp.exp(jax.scipy.special.gammaln(a + 1)) / 2
    series = lambda x: _fou_near(jnp, a, jnp.minimum(x, 1), 6)
    near = rho * jnp.exp(starts) * jnp.sinh(w) - series(ends) + jnp.exp(-w) * series(starts)
    direct = fou_autocovariance(hurst, ends) - jnp.exp(-w) * fou_autocovariance(hurst, starts)
    apart = (starts >= w) & (w <= 1) & (starts > 0)
    nodes, weights = gauss_legendre(_NODES)
    share, weights = (jnp.asarray(x, w.dtype)[:, None] for x in ((nodes + 1) / 2, weights / 2))
    inside = jnp.where(apart, w, 0)[None]
    y = jnp.where(apart, starts, 1)[None] + share * inside
    far = (inside * weights * jnp.exp(-(1 - share) * inside) * _fou_kernel(a, rho, y)).sum(0)
    return jnp.where(apart, far, jnp.where(ends <= 1, near, direct))


def _fou_kernel(a: Array, rho: Array, y: Array) -> Array:
    r"""$\rho + \rho'$, which is $(a / 2) (e^y \Gamma(a, y) - y^{a - 1})$: by series, or by Legendre's fraction."""
    low, high = jnp.minimum(y, 1), jnp.maximum(y, 1)
    c, series = 1.0, 0.0
    for k in range(6):
        c = c / ((a + 2 * k - 1) * (a + 2 * k)) if k else c
        series += c * low ** (a + 2 * k - 1) * (low + a + 2 * k)
    fraction = _countdown(
        jnp, lambda z, k: high + (2 * k - 1) - a - k * (k - a) / z, high + (2 * _DEPTH + 1) - a, _DEPTH
    )
    far = a / 2 * high ** (a - 1) * (high / fraction - 1)
    return jnp.where(y <= 1, rho * jnp.exp(low) - series / 2, far)


def _own(hurst: Array, w: Ends) -> Ends:
    """The variance over one interval: `2 exp(-w) h(w)`, or from `rho` where that is long."""
    start = jnp.exp(jax.scipy.special.gammaln(2 * hurst + 1)) / 2
    near = 2 * jnp.exp(-w) * _fou_near(jnp, 2 * hurst, jnp.minimum(w, 1), 6)
    far = start * (1 + jnp.exp(-2 * w)) - 2 * jnp.exp(-w) * fou_autocovariance(hurst, w)
    return jnp.where(w <= 1, near, far)


@jax.checkpoint
def _apart(a: Array, gap: Matrix, w: Matrix, v: Matrix) -> Matrix:
    nodes, weights = gauss_legendre(_NODES)
    w, v = jnp.minimum(w, 1), jnp.minimum(v, 1)
    total = jnp.zeros_like(gap)
    for x, p in zip((nodes + 1) / 2, weights / 2, strict=True):
        for y, q in zip((nodes + 1) / 2, weights / 2, strict=True):
            distance = gap + float(x) * w + float(y) * v
            total += float(p * q) * jnp.exp((a - 2) * jnp.log(distance) - float(x) * w - float(1 - y) * v)
    return a * (a - 1) / 2 * w * v * total
