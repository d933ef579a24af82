r"""What the past leaves in fractional Brownian motion, by its Karhunen-Loeve expansion, in float64 on the host.

The process of Mandelbrot and Van Ness on $[0, 1]$ is that of Riemann and Liouville plus the independent
$P_t = \int_0^\infty [(t + u)^{a - 1} - u^{a - 1}]\,dB_u / \Gamma(a)$, $a = H + 1/2$. The kernel is $a - 1$ times one
that is strictly totally positive: its singular values are simple, and its singular functions depend smoothly on $H$
through $H = 1/2$, where the past vanishes.
"""

import functools

import numpy as np
import scipy.linalg
from scipy.special import rgamma

from ._exponential_sums import fit_weights
from ._quadrature import gauss_legendre


__all__ = ["PAST_RATES", "past_expansion", "past_variance"]

PAST_RATES = np.geomspace(0.05, 1e8, 30)
"""The rates of the exponentials that stand for the functions of the past, in units of one over the horizon."""
PAST_RATES.setflags(write=False)

_EARLY, _NEAR, _FAR = -30.0, -80.0, 25.0


def _panels(low: float, high: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    edges = np.linspace(low, high, 1 + int(np.ceil((high - low) / width)))
    x, w = gauss_legendre(8)
    half, centre = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    return np.exp((centre + half * x).reshape(-1)), (half * w).reshape(-1)


@functools.cache
def _rules() -> tuple[np.ndarray, ...]:
    """Times on (0, 1] and depths of the past on (0, inf), with the square roots of their weights."""
    t, wt = _panels(_EARLY, 0.0, 2.5)
    pieces = [_panels(_NEAR, _EARLY, 8.0), _panels(_EARLY, 3.0, 2.5), _panels(3.0, _FAR, 5.0)]
    u, wu = (np.concatenate(part) for part in zip(*pieces, strict=True))
    return t, np.sqrt(wt * t), u, np.sqrt(wu * u)


def _kernel(hurst: float) -> np.ndarray:
    """The kernel over `a - 1`, with the roots of the weights of `u`; the two ends of the past stand in two columns."""
    t, _, u, root = _rules()
    b = hurst - 0.5
    power = lambda x: np.expm1(b * x) / b if b else x
    body = u**b * power(np.log1p(t[:, None] / u)) * root
    near = np.exp(b * _NEAR) * power(np.log(t) - _NEAR) * np.sqrt(np.exp(_NEAR) / (2 * hurst))
    far = t * np.exp((b - 0.5) * _FAR) / np.sqrt(2 - 2 * hurst)
    return np.concatenate([body, near[:, None], far[:, None]], axis=1) * rgamma(hurst + 0.5)


def past_variance(hurst: float) -> float:
    r"""The mean of $\int_0^1 P_t^2\,dt$.

    **Arguments:**

    - `hurst`: the Hurst index.

    **Returns:** the number; 0 at 1/2.

    !!! example

        ```python
        from sdekit.math import past_variance
        past_variance(0.5)  # 0
        ```
    """
    _, root, _, _ = _rules()
    return float((hurst - 0.5) ** 2 * ((root[:, None] * _kernel(hurst)) ** 2).sum())


@functools.lru_cache(maxsize=1024)
def past_expansion(hurst: float, terms: int) -> tuple[np.ndarray, float]:
    r"""$P_t \approx \sum_m \psi_m(t)\,\xi_m$, $\psi_m(t) = \sum_r C_{mr} (1 - e^{-\gamma_r t})$, $\xi$ standard normal.

    The $\psi_m$ are the first Karhunen-Loeve functions (times the roots of their eigenvalues), positive at 1 up to the
    factor $H - 1/2$, fitted by exponentials of the rates `PAST_RATES`, with coefficients small enough for float32.

    **Arguments:**

    - `hurst`: the Hurst index.
    - `terms`: how many functions.

    **Returns:** the coefficients `C`, shape `(terms, r)`, and the mean of $\int_0^1 (P_t - \sum_m \psi_m \xi_m)^2 dt$.

    !!! example

        ```python
        from sdekit.math import past_expansion
        coefficients, left = past_expansion(0.7, 4)
        ```
    """
    t, root, _, _ = _rules()
    b, n = hurst - 0.5, len(t)
    body = root[:, None] * _kernel(hurst)
    gram = body @ body.T
    size, left = scipy.linalg.eigh(gram, subset_by_index=(n - terms, n - 1)) if terms else (np.zeros(0), gram[:, :0])
    sides = (left * np.sqrt(size) * np.sign(left[-1]))[:, ::-1]
    coefficients, missed = fit_weights(_past_rows(), sides, 2.0**-24)
    coefficients = b * coefficients.T
    coefficients.setflags(write=False)
    return coefficients, float(b * b * (np.trace(gram) - size.sum() + missed.sum()))


@functools.cache
def _past_rows() -> np.ndarray:
    t, root, _, _ = _rules()
    return root[:, None] * -np.expm1(-PAST_RATES * t[:, None])
