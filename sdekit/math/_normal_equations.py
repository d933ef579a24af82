r"""The normal equations of fractional noise by Ornstein-Uhlenbeck modes, over the unit horizon, in float64 on the host.

With $a = H + 1/2$ and $\hat B_t = \sum_j w_j (Y^j_t - Y^j_0)$, the mean of $\int_0^1 (\hat B_t - B_t)^2\,dt$ is
$w^\top A w - 2 b^\top w + c$. Started modes ($Y_0 = 0$) stand for $B_t = \int_0^t (t - s)^{a - 1} dB_s / \Gamma(a)$,
stationary modes for the process of Mandelbrot and Van Ness with the same factor $1 / \Gamma(a)$.
"""

import numpy as np
from scipy.special import gammainc, gammaln, rgamma


__all__ = [
    "scaled_gamma_tail",
    "started_constant",
    "started_matrix",
    "started_vector",
    "stationary_constant",
    "stationary_matrix",
    "stationary_vector",
]

_DEPTH = 80
_TERMS = 40


def _bend(x: np.ndarray) -> np.ndarray:
    """`(x + expm1(-x)) / x^2`, 1/2 at 0."""
    small = np.minimum(x, 1.0)
    series = np.zeros_like(small)
    for n in range(18, -1, -1):
        series = 1 - small * series / (n + 3)
    large = np.maximum(x, 1.0)
    return np.where(x < 1, series / 2, (large + np.expm1(-large)) / large / large)


def scaled_gamma_tail(a: float, z: np.ndarray) -> np.ndarray:
    r"""$e^z Q(a, z)$ for the regularised upper incomplete gamma function, for `z >= 1`: Legendre's continued fraction.

    **Arguments:**

    - `a`: positive, below 2.
    - `z`: at least 1, any shape.

    **Returns:** the values, never infinite.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import scaled_gamma_tail
        scaled_gamma_tail(1.0, np.array([5.0, 1e8]))  # 1, 1
        ```
    """
    z = np.asarray(z, np.float64)
    tail = z + (2 * _DEPTH + 1) - a
    for k in range(_DEPTH, 0, -1):
        tail = z + (2 * k - 1) - a - k * (k - a) / tail
    return np.exp(a * np.log(z) - gammaln(a)) / tail


def started_matrix(rates: np.ndarray) -> np.ndarray:
    r"""$A_{ij} = \phi(\gamma_i + \gamma_j)$, $\phi(x) = (x + e^{-x} - 1) / x^2$, of modes that start at 0.

    **Arguments:**

    - `rates`: in units of one over the horizon, shape `(k,)`.

    **Returns:** the matrix, shape `(k, k)`. It does not depend on the Hurst index.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import started_matrix
        started_matrix(np.array([1e-9]))  # 1/2
        ```
    """
    rates = np.asarray(rates, np.float64)
    return _bend(rates[:, None] + rates)


def started_vector(hurst: float, rates: np.ndarray) -> np.ndarray:
    r"""$b_j = \gamma^{-a} [P(a, \gamma) - (a/\gamma) P(a + 1, \gamma)]$ of modes that start at 0.

    **Arguments:**

    - `hurst`: the Hurst index.
    - `rates`: in units of one over the horizon, shape `(k,)`.

    **Returns:** the vector, shape `(k,)`.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import started_vector
        started_vector(0.5, np.array([1e-9]))  # 1/2
        ```
    """
    a, z = hurst + 0.5, np.asarray(rates, np.float64)
    low = np.minimum(z, 0.5)
    # z^-a P(a, z) = sum (-z)^n / (n! (a + n) gamma(a)); less a / z times the next gives 1 / ((a + n) (a + n + 1)).
    n = np.arange(_TERMS // 2)
    powers = np.cumprod(np.concatenate([np.ones_like(low)[None], -low / np.arange(1, len(n))[:, None]]), axis=0)
    series = (powers / ((a + n) * (a + n + 1))[:, None]).sum(0) * rgamma(a)
    high = np.maximum(z, 0.5)
    direct = high**-a * (gammainc(a, high) - a / high * gammainc(a + 1, high))
    return np.where(z < 0.5, series, direct)


def started_constant(hurst: float) -> float:
    r"""$c = 1 / (2H (2H + 1) \Gamma(a)^2)$, the mean of $\int_0^1 B_t^2\,dt$.

    **Arguments:**

    - `hurst`: the Hurst index.

    **Returns:** the number.

    !!! example

        ```python
        from sdekit.math import started_constant
        started_constant(0.5)  # 1/2
        ```
    """
    return float(rgamma(hurst + 0.5) ** 2 / (2 * hurst * (2 * hurst + 1)))


def stationary_matrix(rates: np.ndarray) -> np.ndarray:
    r"""$A_{ij} = (\gamma_i\phi(\gamma_i) + \gamma_j\phi(\gamma_j)) / (\gamma_i + \gamma_j)$ of stationary modes.

    **Arguments:**

    - `rates`: in units of one over the horizon, shape `(k,)`.

    **Returns:** the matrix, shape `(k, k)`.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import stationary_matrix
        stationary_matrix(np.array([1e-9]))  # 1/2
        ```
    """
    rates = np.asarray(rates, np.float64)
    part = rates * _bend(rates)
    return (part[:, None] + part) / (rates[:, None] + rates)


def stationary_vector(hurst: float, rates: np.ndarray) -> np.ndarray:
    r"""$b_j = 2\gamma^{-a} - 1/(\gamma\Gamma(a + 1)) + (e^{-\gamma} - e^\gamma Q(a, \gamma)) / \gamma^{a + 1}$.

    For small rates by its power series, since the terms cancel.

    **Arguments:**

    - `hurst`: the Hurst index.
    - `rates`: in units of one over the horizon, shape `(k,)`.

    **Returns:** the vector of stationary modes, shape `(k,)`.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import stationary_vector
        stationary_vector(0.5, np.array([1e-9]))  # 1/2
        ```
    """
    a, z = hurst + 0.5, np.asarray(rates, np.float64)
    low, high = np.minimum(z, 3.0), np.maximum(z, 3.0)
    odd = np.zeros_like(low)  # (sinh(z) - z) / z^3
    for n in range(16, 0, -1):
        odd = (1 + low * low * odd) / ((2 * n) * (2 * n + 1))
    n = np.arange(1, _TERMS + 1)
    rising = (low[:, None] ** (n - 1) * rgamma(a + n + 1)).sum(1)
    direct = (2 * high + np.exp(-high) - scaled_gamma_tail(a, high)) * high ** (-a - 1) - rgamma(a + 1) / high
    return np.where(z < 3, rising - 2 * low ** (2 - a) * odd, direct)


def stationary_constant(hurst: float) -> float:
    r"""$c = V_H / (2H + 1)$, $V_H = 1 / (\Gamma(2H + 1) \sin \pi H)$, the mean of $\int_0^1 B_t^2\,dt$.

    **Arguments:**

    - `hurst`: the Hurst index.

    **Returns:** the number.

    !!! example

        ```python
        from sdekit.math import stationary_constant
        stationary_constant(0.5)  # 1/2
        ```
    """
    return float(rgamma(2 * hurst + 2) / np.sin(np.pi * hurst))
