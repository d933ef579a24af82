r"""Sums of exponentials that stand for a kernel: weighted least squares on a graded rule, in float64 on the host.

A Volterra noise $\int_0^t k(t - s)\,dB_s$ and its approximation by modes of rates $\gamma_j$ differ by a process whose
mean square, integrated over $[0, 1]$, is $\int_0^1 (1 - s)\,(k(s) - \sum_j w_j e^{-\gamma_j s})^2\,ds$. Posed as least
squares, the conditioning is the square root of that of the normal equations, and the error is a norm: no cancellation.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, rgamma

from ._quadrature import gauss_legendre


__all__ = ["KernelRule", "exponential_rows", "fit_weights", "kernel_rule", "kernel_sides", "power_sides"]

_NODES = 12
_TAIL = 1e-18


class KernelRule(NamedTuple):
    r"""A quadrature rule of weight $1 - s$ on (0, 1], with its piece `[0, cut]` apart, where exponentials are 1.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import kernel_rule
        rule = kernel_rule(1e3)
        (rule.roots**2).sum() + rule.cut  # 1/2
        ```
    """

    nodes: np.ndarray
    """The times, increasing, shape `(n,)`."""
    roots: np.ndarray
    """The square roots of the weights, shape `(n,)`."""
    cut: float
    """The end of the first piece."""


def kernel_rule(largest: float) -> KernelRule:
    r"""Gauss-Legendre panels in $\log s$, fine where exponentials of rates up to `largest` bend, coarse below.

    **Arguments:**

    - `largest`: the largest rate, in units of one over the horizon.

    **Returns:** a `KernelRule`.

    !!! example

        ```python
        from sdekit.math import kernel_rule
        kernel_rule(1e3).nodes.shape
        ```
    """
    top = max(largest, 1.0)
    low, bend = np.log(_TAIL / top), np.log(1e-3 / top)
    coarse = np.linspace(low, bend, 1 + int(np.ceil((bend - low) / 4)))
    fine = np.linspace(bend, 0.0, 1 + int(np.ceil(-bend)))
    edges = np.concatenate([coarse, fine[1:]])
    x, w = gauss_legendre(_NODES)
    half, centre = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    s = np.exp(centre + half * x).reshape(-1)
    weight = (half * w).reshape(-1) * s * -np.expm1(np.log(s))
    return KernelRule(s, np.sqrt(weight), float(np.exp(low)))


def power_sides(hursts: np.ndarray, rule: KernelRule, order: int = 0) -> tuple[np.ndarray, np.ndarray]:
    r"""The right sides of the kernels $k(s) = s^{H - 1/2} / \Gamma(H + 1/2)$, or of their derivatives in $H$.

    **Arguments:**

    - `hursts`: the indices, shape `(h,)`.
    - `rule`: from `kernel_rule`.
    - `order`: 0 for the kernels, 1 for their derivatives in $H$.

    **Returns:** the sides, shape `(n + 1, h)`, and what no weights can reach below the cut, shape `(h,)` (for
    `order=0`; zeros otherwise).

    !!! example

        ```python
        import numpy as np
        from sdekit.math import kernel_rule, power_sides
        sides, left = power_sides(np.array([0.3]), kernel_rule(1e3))
        (sides**2).sum() + left  # 1 / (2 H (2 H + 1) gamma(H + 1/2)^2)
        ```
    """
    a = np.asarray(hursts, np.float64) + 0.5
    scale, log_s, log_cut = rgamma(a), np.log(rule.nodes)[:, None], np.log(rule.cut)
    kernel = np.exp((a - 1) * log_s) * scale
    integral = np.exp(a * log_cut) * scale / a
    square = np.exp((2 * a - 1) * log_cut) * scale**2 / (2 * a - 1)
    left = square - integral**2 / rule.cut
    if order == 1:
        kernel = kernel * (log_s - digamma(a))
        integral = integral * (log_cut - digamma(a) - 1 / a)
        left = np.zeros_like(left)
    return np.concatenate([rule.roots[:, None] * kernel, integral[None] / np.sqrt(rule.cut)]), left


def kernel_sides(
    kernel: Callable[[np.ndarray], np.ndarray], rule: KernelRule, power: float
) -> tuple[np.ndarray, float]:
    r"""The right side of any kernel that behaves like $s^{p}$ at 0, $p > -1/2$; as `power_sides`.

    **Arguments:**

    - `kernel`: of times on (0, 1].
    - `rule`: from `kernel_rule`.
    - `power`: $p$.

    **Returns:** the side, shape `(n + 1,)`, and what no weights can reach below the cut.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import kernel_rule, kernel_sides
        kernel_sides(np.ones_like, kernel_rule(10.0), 0.0)
        ```
    """
    cut = rule.cut
    at_cut = float(np.asarray(kernel(np.array([cut])))[0])
    integral, square = at_cut * cut / (power + 1), at_cut**2 * cut / (2 * power + 1)
    side = np.append(rule.roots * kernel(rule.nodes), integral / np.sqrt(cut))
    return side, square - integral**2 / cut


def exponential_rows(rates: np.ndarray, rule: KernelRule) -> np.ndarray:
    """The columns $e^{-\\gamma_j s}$ on the rule, weighted, with the row of the piece below the cut; `(n + 1, k)`.

    **Arguments:**

    - `rates`: in units of one over the horizon, shape `(k,)`.
    - `rule`: from `kernel_rule`.

    **Returns:** the matrix.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import exponential_rows, kernel_rule
        exponential_rows(np.array([1.0, 10.0]), kernel_rule(10.0)).shape
        ```
    """
    body = rule.roots[:, None] * np.exp(-rates * rule.nodes[:, None])
    return np.concatenate([body, np.full((1, len(rates)), np.sqrt(rule.cut))])


def fit_weights(rows: np.ndarray, sides: np.ndarray, rounding: float) -> tuple[np.ndarray, np.ndarray]:
    r"""Least squares that expects every term to be rounded: $\min_w |R w - y|^2 + \epsilon^2 \sum_j |R_j|^2 w_j^2$.

    The second sum is the mean square of relative errors $\epsilon$, one for each term. It keeps the weights as small as
    the precision that they will be used in asks for, and no smaller.

    **Arguments:**

    - `rows`: the matrix $R$, shape `(n, k)`.
    - `sides`: right sides $y$, shape `(n, h)`.
    - `rounding`: $\epsilon$, the rounding unit of the working precision.

    **Returns:** the weights, shape `(k, h)`, and the squared norms of what is left, shape `(h,)`.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import fit_weights
        fit_weights(np.eye(2), np.ones((2, 1)), 1e-16)
        ```
    """
    norms = np.linalg.norm(rows, axis=0)
    norms = np.where(norms > 0, norms, 1.0)
    q, r = np.linalg.qr(rows / norms)
    u, s, vt = np.linalg.svd(r)
    ridge = max(rounding, np.finfo(np.float64).eps)
    inner = u.T @ (q.T @ sides)
    weights = (vt.T @ ((s / (s**2 + ridge**2))[:, None] * inner)) / norms[:, None]
    return weights, ((rows @ weights - sides) ** 2).sum(0)
