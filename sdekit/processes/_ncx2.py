"""The noncentral chi-square law, accurate from the first decimals to the far tails."""

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.scipy.special import gammaln, xlogy
from jaxtyping import ArrayLike, Float
from numpyro.distributions import constraints

from .._types import Array, Key
from ._stable import to_dtype


__all__ = ["NoncentralChi2"]

_TERMS = 45
_DEBYE = 12
_RADIUS = 30.0


def _debye_table(order: int) -> np.ndarray:
    """Row k holds `u_k(p) / p^k` as a polynomial in `p^2`, for the uniform expansion of Bessel functions.

    Source: Abramowitz and Stegun, 9.3.9-9.3.10; exact rational recursion.
    """
    u, rows = {0: Fraction(1)}, []
    for k in range(order + 1):
        rows.append([float(u.get(k + 2 * j, 0)) for j in range(order + 1)])
        new: dict[int, Fraction] = {}
        for n, c in u.items():
            for power, share in ((n + 1, Fraction(n, 2)), (n + 3, -Fraction(n, 2))):
                new[power] = new.get(power, Fraction(0)) + share * c
            for power, share in ((n + 1, Fraction(1, 8 * (n + 1))), (n + 3, -Fraction(5, 8 * (n + 3)))):
                new[power] = new.get(power, Fraction(0)) + share * c
        u = new
    return np.array(rows)


_U = _debye_table(_DEBYE)


def _log_0f1(b: Array, q: Array) -> Array:
    """`log 0F1(; b; q)` for `0 <= q < 225`, by its power series: all terms are positive."""
    total = jnp.ones_like(q)
    for j in range(_TERMS, 0, -1):
        total = 1 + total * q / (j * (b + (j - 1)))
    return jnp.log(total)


def _log_debye(p2: Array, r: Array) -> Array:
    """`log sum_k u_k(p) / nu^k`, with `p = nu / r`."""
    total = jnp.zeros_like(r)
    for k in range(_DEBYE, -1, -1):
        row = jnp.zeros_like(p2)
        for c in _U[k, k::-1]:
            row = row * p2 + float(c)
        total = total / r + row
    return jnp.log(total)


@jax.jit
def _log_prob(x: Array, df: Array, nc: Array) -> Array:
    r"""The log-density at `x`, elementwise, for arrays of one shape.

    With $\nu = k/2 - 1$ and $r^2 = \nu^2 + \lambda x$ it is the power series of $_0F_1$ inside the disc $r < 30$, and
    Debye's uniform expansion of $I_\nu(\sqrt{\lambda x})$ outside, where the exponent
    $r - (x + \lambda)/2 = -\left((x - \lambda)^2/4 - \nu^2\right) / \left((x + \lambda)/2 + r\right)$ has no
    cancellation.
    """
    inside = x >= 0
    x = jnp.where(inside, x, 1.0)
    nu = df / 2 - 1
    r2 = nu**2 + nc * x
    near = r2 < _RADIUS**2
    q = jnp.where(near, nc * x / 4, 0.0)
    b = jnp.where(near, df / 2, 1.0)
    series = xlogy(b - 1, jnp.where(near, x, 1.0)) - (x + nc) / 2 - b * jnp.log(2.0) - gammaln(b) + _log_0f1(b, q)

    r = jnp.sqrt(jnp.where(near, _RADIUS**2, r2))
    nu = jnp.where(near, 0.0, nu)
    y, c = jnp.where(near, 1.0, x), jnp.where(near, 1.0, nc)
    exponent = -(((y - c) / 2) ** 2 - nu**2) / ((y + c) / 2 + r)
    debye = (
        exponent + xlogy(nu, y / (nu + r)) - jnp.log(2.0) - jnp.log(2 * jnp.pi * r) / 2 + _log_debye((nu / r) ** 2, r)
    )
    return jnp.where(inside, jnp.where(near, series, debye), -jnp.inf)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_POINTS = np.append(_NODES, [0, 0]), np.append(_WEIGHTS, [0, 0]), np.append(np.full(97, 4.0), 2.0)


@jax.jit
def _cdf(x: Array, df: Array, nc: Array) -> Array:
    r"""The distribution function, elementwise, for arrays of one shape.

    $F_k = F_{k+4} + 2f_{k+2} + 2f_{k+4}$, and $F_{k+4}$ by Gauss-Legendre quadrature in $\sqrt{x}$, where the density
    is smooth at 0 and never wider than a few units.
    """
    some = x > 0
    x = jnp.where(some, x, 1.0)
    middle = jnp.sqrt(df + 4 + nc)
    low = jnp.maximum(middle - 14, 0.0)
    high = jnp.maximum(jnp.minimum(jnp.sqrt(x), middle + 14), low)
    half = (high - low) / 2

    def term(point):
        # A node of the rule, or (without a weight) one of the two densities at x: one function to compile for all.
        node, weight, more = point
        inner = weight > 0
        s = low + half * (1 + node)
        share = jnp.where(inner, weight * half * s, 1.0)
        return 2 * share * jnp.exp(_log_prob(jnp.where(inner, s**2, x), df + more, nc))

    total = jax.vmap(term)(tuple(jnp.asarray(v, x.dtype) for v in _POINTS)).sum(0)
    return jnp.where(some, jnp.clip(total, 0.0, 1.0), 0.0)


@jax.custom_jvp
def _reparametrise(x: Array, df: Array, nc: Array) -> Array:
    """`x`, with the derivatives of a draw: `-dF/dtheta / f` (implicit reparametrisation)."""
    return x


def _reparametrise_jvp(primals, tangents):
    x, df, nc = primals
    _, ddf, dnc = tangents
    log_f, log_next = jax.vmap(lambda more: _log_prob(x, df + more, nc))(jnp.asarray([0, 2], x.dtype))
    zero = jax.custom_derivatives.SymbolicZero
    # A draw that underflowed to 0 stays there.
    ok = x > 0
    move = jnp.zeros_like(x)
    if not isinstance(dnc, zero):
        move = move + jnp.exp(log_next - log_f) * dnc
    if not isinstance(ddf, zero):
        _, slope = jax.jvp(lambda k: _cdf(x, k, nc), (df,), (ddf,))
        move = move - slope * jnp.exp(-log_f)
    return x, jnp.where(ok, move, 0.0)


_reparametrise.defjvp(_reparametrise_jvp, symbolic_zeros=True)


def _draw(key: Key, df: Array, nc: Array) -> Array:
    """Independent draws, elementwise: a shifted normal and a chi-square where `df > 1`, else the Poisson mixture."""
    one, two = jax.random.split(key)

    def normal(df, nc):
        z = jax.random.normal(one, nc.shape, nc.dtype)
        return (z + jnp.sqrt(nc)) ** 2 + 2 * jax.random.gamma(two, (df - 1) / 2, nc.shape, nc.dtype)

    def mixture(df, nc):
        n = jax.random.poisson(one, nc / 2, nc.shape)
        return 2 * jax.random.gamma(two, df / 2 + n, nc.shape, nc.dtype)

    return jax.lax.cond(jnp.all(df > 1), normal, mixture, df, nc)


class NoncentralChi2(dist.Distribution):
    r"""The law of $c\,\chi'^2_k(\lambda)$: $c$ times a noncentral chi-square variable.

    For whole $k$ it is the law of $c \sum_{i \le k} (Z_i + m_i)^2$ with $\sum m_i^2 = \lambda$. It is the transition
    law of the Cox-Ingersoll-Ross and squared Bessel processes. The density is accurate to a few roundings everywhere,
    including $\lambda = 0$ and $\lambda$ of any size; draws are exact, and have pathwise derivatives with respect to
    all parameters (implicit reparametrisation).

    **Arguments:**

    - `df`: degrees of freedom $k > 0$, any shape.
    - `noncentrality`: $\lambda \ge 0$.
    - `scale`: $c > 0$, in units of the variable.

    !!! example

        ```python
        from sdekit.processes import NoncentralChi2
        law = NoncentralChi2(df=3.0, noncentrality=2.0)
        law.mean, law.cdf(5.0)  # 5.0, 0.5965
        ```

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, chapter 29; Figurnov, Mohamed
    and Mnih (2018), Implicit reparameterization gradients.
    """

    arg_constraints = {
        "df": constraints.positive,
        "noncentrality": constraints.nonnegative,
        "scale": constraints.positive,
    }
    support: Any = constraints.nonnegative
    reparametrized_params = ["df", "noncentrality", "scale"]

    df: Float[Array, "..."]
    noncentrality: Float[Array, "..."]
    scale: Float[Array, "..."]

    def __init__(
        self,
        df: ArrayLike,
        noncentrality: ArrayLike,
        scale: ArrayLike = 1.0,
        *,
        validate_args: bool | None = None,
    ):
        dtype = to_dtype(df, noncentrality, scale)
        values = [jnp.asarray(v, dtype) for v in (df, noncentrality, scale)]
        self.df, self.noncentrality, self.scale = jnp.broadcast_arrays(*values)
        super().__init__(batch_shape=self.df.shape, validate_args=validate_args)

    def _fit(self, value: ArrayLike) -> list[Array]:
        value = jnp.asarray(value)
        dtype = to_dtype(value, self.df)
        shape = jnp.broadcast_shapes(value.shape, self.batch_shape)
        args = (value, self.df, self.noncentrality, self.scale)
        return [jnp.broadcast_to(a, shape).astype(dtype) for a in args]

    def sample(self, key: Key, sample_shape: tuple[int, ...] = ()) -> Array:
        shape = self.shape(sample_shape)
        df, nc, scale = (jnp.broadcast_to(a, shape) for a in (self.df, self.noncentrality, self.scale))
        x = _draw(key, jax.lax.stop_gradient(df), jax.lax.stop_gradient(nc))
        return scale * _reparametrise(x, df, nc)

    def log_prob(self, value: ArrayLike, intermediates: list | None = None) -> Array:
        value, df, nc, scale = self._fit(value)
        return _log_prob(value / scale, df, nc) - jnp.log(scale)

    def cdf(self, value: ArrayLike) -> Array:
        value, df, nc, scale = self._fit(value)
        return _cdf(value / scale, df, nc)

    @property
    def mean(self) -> Array:
        return self.scale * (self.df + self.noncentrality)

    @property
    def variance(self) -> Array:
        return 2 * self.scale**2 * (self.df + 2 * self.noncentrality)
