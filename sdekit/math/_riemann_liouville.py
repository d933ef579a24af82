"""Covariances of fractional motions that start at 0: of Riemann and Liouville, with one Hurst index or with many."""

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._errors import require
from .._types import is_concrete
from ._fractional import Lags, _countdown, _double, _horner, _power, _space, time_gaps


__all__ = ["multifractional_covariance", "riemann_liouville_covariance"]


def _start(xp: ModuleType, a: Any, b: Any, z: Any, terms: int) -> Any:
    """`b` times the integral of `(1 - z x)^(a - 1) (1 - x)^(b - 1)` over [0, 1]: 2F1(1 - a, 1; 1 + b; z), nested."""
    return _countdown(xp, lambda y, k: 1 + y * z * ((k - a) / (k + b)), xp.ones_like(z), terms)


def _tail(xp: ModuleType, h: Any, b: Any, p: Any, last: int) -> Any:
    """The sum over `k >= 3` of `(1 - b)_k / k! (p^k - p^h 2^(h - k)) / (h - k)`, nested, over `p^3`."""
    both, h1, b1 = xp.stack([p, xp.full_like(p, 0.5)]), h[None], b[None]

    def step(y, k):
        # y = 1/(h - k) + x (k + 1 - b)/(k + 1) y', at x = p and at x = 1/2.
        return 1 / (h1 - k) + y * both * ((k + 1 - b1) / (k + 1))

    ks = np.arange(last, 2, -1, dtype=both.dtype)
    y = xp.zeros_like(both)
    if xp is np:
        for k in ks:
            y = step(y, k)
    else:
        y = jax.lax.scan(lambda y, k: (step(y, k), None), y, ks, unroll=8)[0]
    first = (1 - b) * (2 - b) * (3 - b) / 6
    return first * (p**3 * y[0] - p**h * 2.0 ** (h - 3) * y[1])


def _grown(xp: ModuleType, x: Any) -> Any:
    """`expm1(x) / x`, 1 at 0, with its derivatives there."""
    near = xp.abs(x) < 1e-2
    small, large = xp.where(near, x, 0), xp.where(near, 1, x)
    series = _horner(xp, [1.0, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320], small)
    return xp.where(near, series, xp.expm1(large) / large)


def _kernel(xp: ModuleType, a: Any, b: Any, z: Any, p: Any) -> Any:
    r"""The integral of $(1 - u)^{a - 1} (z - u)^{b - 1}$ over `[0, z]`, where `p = 1 - z`.

    Up to `z = 1/2` the power series in `z`. From there, with `W = (1 - u) / p` and `h = a + b - 1`, `p^h` times the
    integral of `W^(h - 1) (1 - 1/W)^(b - 1)` from 1 to `1/p`, split at 2: the part below is the series at 1/2, the
    part above is integrated term by term in powers of `1/W`, where a term with `k` near `h` is a logarithm.
    """
    single = np.finfo(z.dtype).bits < 64
    terms = 24 if single else 54
    h = a + b - 1
    z0 = xp.minimum(z, 0.5)
    # One evaluation of the series for both places at which it is needed.
    both = _start(xp, a[None], b[None], xp.stack([z0, xp.full_like(z0, 0.5)]), terms) / b[None]
    early = _power(xp, z0, b) * both[0]
    apart = p > 0
    p1 = xp.where(apart, xp.minimum(xp.where(apart, p, 0.5), 0.5), 0.5)
    log = xp.log(2 * p1)
    late = p1**h * 2.0 ** (a - 1) * both[1] + _tail(xp, h, b, p1, terms)
    for k, c in ((0, 1.0), (1, 1 - b), (2, (1 - b) * (2 - b) / 2)):
        late = late - c * p1**k * log * _grown(xp, (h - k) * log)
    return xp.where(z <= 0.5, early, xp.where(apart, late, 1 / h))


@jax.jit
def _compiled(a: Array, b: Array, z: Array, p: Array) -> Array:
    # Compiled once for a shape, also where it is called outside of `jit`: its loops would be compiled at every call.
    return _kernel(jnp, a, b, z, p)


@jax.custom_jvp
def _kernel_jax(a: Array, b: Array, z: Array, p: Array) -> Array:
    return _compiled(a, b, z, p)


@_kernel_jax.defjvp
def _kernel_jvp(primals, tangents):
    # All partial derivatives forwards, so that reverse mode keeps a few numbers an entry and not a hundred.
    value, total = _compiled(*primals), jnp.zeros_like(primals[2])
    for i, dot in enumerate(tangents):
        along = tuple(jnp.full_like(x, float(i == j)) for j, x in enumerate(primals))
        total = total + jax.jvp(_compiled, primals, along)[1] * dot
    return value, total


def _check(ss: Any, ts: Any) -> None:
    for name, x in (("ss", ss), ("ts", ts)):
        if is_concrete(x):
            remedy = "measure times from the start of the motion"
            require(not bool((np.asarray(x) < 0).any()), name, "must not be negative", x, remedy)


def multifractional_covariance(
    hurst_s: Float[ArrayLike, "..."], hurst_t: Float[ArrayLike, "..."], ss: Lags, ts: Lags
) -> Lags:
    r"""The covariance of Riemann-Liouville motions with a Hurst index for every time, for all pairs of times.

    With $B_t = \sqrt{2 H_t} \int_0^t (t - u)^{H_t - 1/2} dW_u$, one Brownian motion for all, and $s \le t$,

    $$E[B_s B_t] = \frac{2 \sqrt{H_s H_t}}{H_s + 1/2}\, t^{H_t - 1/2} s^{H_s + 1/2}
      {}_2F_1\bigl(\tfrac12 - H_t, 1; \tfrac32 + H_s; \tfrac st\bigr),$$

    so that the variance at time `t` is $t^{2 H_t}$. Absolute error below 2e-14 in float64 and 5e-6 in float32, relative
    to the standard deviations; differentiable in the indices, also where the times are close or $H_s + H_t$ is near 1.

    **Arguments:**

    - `hurst_s`, `hurst_t`: indices in (0, 1), numbers or shapes `(s,)` and `(t,)`.
    - `ss`, `ts`: times, not negative, shapes `(s,)` and `(t,)`. NumPy arrays stay NumPy (float64, on the host).

    **Returns:** the matrix, shape `(s, t)`. NaN for traced times below 0.

    **Raises:** `ValueError` for times below 0.

    Source: Levy (1953); Peltier and Levy Vehel (1995) for the indices; the integral is DLMF 15.6.1.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import multifractional_covariance
        ts = jnp.array([0.5, 1.0])
        multifractional_covariance(jnp.array([0.3, 0.7]), jnp.array([0.3, 0.7]), ts, ts)
        ```
    """
    _check(ss, ts)
    return _covariance(_space((hurst_s, hurst_t), ss, ts), hurst_s, hurst_t, ss, ts)


def _covariance(xp: ModuleType, hurst_s: Any, hurst_t: Any, ss: Any, ts: Any) -> Any:
    hurst_s, hurst_t, ss, ts = _double(xp, hurst_s, hurst_t, ss, ts)
    dtype = np.float64 if xp is np else jnp.result_type(hurst_s, hurst_t, ss, ts)
    ss, ts = xp.asarray(ss, dtype), xp.asarray(ts, dtype)
    gap = time_gaps(ss, ts)
    left = lambda x: xp.broadcast_to(xp.broadcast_to(xp.asarray(x, dtype), ss.shape)[:, None], gap.shape)
    right = lambda x: xp.broadcast_to(xp.broadcast_to(xp.asarray(x, dtype), ts.shape)[None, :], gap.shape)
    s, t, g, h = left(ss), right(ts), left(hurst_s), right(hurst_t)
    ordered = s <= t
    small, big = xp.where(ordered, s, t), xp.where(ordered, t, s)
    b, a = xp.where(ordered, g, h) + 0.5, xp.where(ordered, h, g) + 0.5
    later = big > 0
    safe = xp.where(later, big, 1)
    p = xp.where(later, gap / safe, 1)
    z = xp.where(p > 0, xp.where(later, small / safe, 0), 1)
    unit = _kernel(np, a, b, z, p) if xp is np else _kernel_jax(a, b, z, p)
    cov = 2 * xp.sqrt(g * h) * _power(xp, big, a + b - 1) * unit
    return xp.where((s < 0) | (t < 0), xp.nan, cov)


def riemann_liouville_covariance(hurst: Float[ArrayLike, ""], ss: Lags, ts: Lags) -> Lags:
    r"""The covariance of Riemann-Liouville (type II) fractional Brownian motion, for all pairs of times.

    That of $B_t = \sqrt{2H} \int_0^t (t - u)^{H - 1/2} dW_u$, whose variance is $t^{2H}$. The integral alone has the
    factor $1/2H$, and the fractional integral, with $1/\Gamma(H + 1/2)$ in front, $1/(2H\,\Gamma(H + 1/2)^2)$.

    **Arguments:**

    - `hurst`: the Hurst index in (0, 1).
    - `ss`, `ts`: times, not negative, shapes `(s,)` and `(t,)`. NumPy arrays stay NumPy (float64, on the host).

    **Returns:** the matrix, shape `(s, t)`. Accuracy and derivatives as `multifractional_covariance`.

    **Raises:** `ValueError` for times below 0.

    Source: Levy (1953), Random functions; Marinucci and Robinson (1999), type II.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import riemann_liouville_covariance
        riemann_liouville_covariance(jnp.array(0.7), jnp.array([1.0]), jnp.array([1.0, 2.0]))
        ```
    """
    return multifractional_covariance(hurst, hurst, ss, ts)
