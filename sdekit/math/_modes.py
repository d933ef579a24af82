"""Ornstein-Uhlenbeck modes on one Brownian motion: a root of the covariance of what a step adds to them."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import RealScalar
from ._quadrature import gauss_legendre


__all__ = ["graded_rule", "kernel_root", "mode_decay"]

_PANELS = 62
"""Panels halve towards 0: kernels may fall within 2^-62 of the interval (rates up to 4e18 per step)."""


@functools.cache
def graded_rule(double: bool) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1] for sums of exponentials of any rates: Gauss-Legendre on panels that shrink to 0.

    **Arguments:**

    - `double`: for float64 (relative error 1e-14), or for float32 (1e-8).

    **Returns:** float64 NumPy arrays of shape `(nodes,)`.

    !!! example

        ```python
        import numpy as np
        from sdekit.math import graded_rule
        s, w = graded_rule(True)
        (w * np.exp(-1e6 * s)).sum()  # 1e-6
        ```
    """
    ratio, n = (2.0, 9) if double else (4.0, 8)
    panels = round(_PANELS / np.log2(ratio))
    ends = np.concatenate([[0.0], ratio ** -np.arange(panels, -1.0, -1.0)])
    x, w = gauss_legendre(n)
    half, centre = np.diff(ends) / 2, (ends[1:] + ends[:-1]) / 2
    nodes, weights = (centre[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights


def kernel_root(kernels: Callable[[Float[Array, " s"]], Float[Array, "s k"]], h: RealScalar) -> Float[Array, "k k"]:
    r"""A triangular root $L$ of the covariance $\int_0^h \kappa(s) \kappa(s)^\top ds$ of stochastic convolutions.

    The covariance is never formed: it is the square of the kernels at the nodes of a quadrature, and the root is their
    QR factor. So nearly dependent kernels keep their digits, also in float32, and no jitter is added.

    **Arguments:**

    - `kernels`: the kernels $\kappa$ at times of shape `(s,)` before the end of the step, one column each.
    - `h`: the length of the step.

    **Returns:** the root, lower triangular, its diagonal not negative, shape `(k, k)`. It has no derivative: this is
    the noise of modes whose rates are not trained.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import kernel_root
        kernel_root(lambda s: jnp.exp(-jnp.outer(s, jnp.array([0.0, 5.0]))), 0.1)
        ```
    """
    h = jnp.asarray(h)
    s, w = graded_rule(bool(h.dtype == jnp.float64))
    rows = jnp.sqrt(jnp.asarray(w, h.dtype))[:, None] * kernels(h * jnp.asarray(s, h.dtype))
    return _triangle(jnp.sqrt(h) * rows)


@jax.custom_jvp
def _triangle(rows: Float[Array, "s k"]) -> Float[Array, "k k"]:
    upper = jnp.linalg.qr(rows, mode="r")
    return (jnp.where(jnp.diagonal(upper) < 0, -1, 1)[:, None] * upper).T


def _no_derivative(primals: Any, tangents: Any) -> Any:
    if not isinstance(tangents[0], jax.custom_derivatives.SymbolicZero):
        raise TypeError(
            "`kernel_root` has no derivative with respect to rates or times: hold the rates of a driver and the times"
            " of a solve fixed (`jax.lax.stop_gradient`), and differentiate its readout."
        )
    out = _triangle(primals[0])
    return out, jnp.zeros_like(out)


_triangle.defjvp(_no_derivative, symbolic_zeros=True)


def mode_decay(rates: Float[Array, " j"], h: RealScalar) -> tuple[Float[Array, " j"], Float[Array, " j"]]:
    r"""What a step of length `h` does to modes $\dot z = -\gamma z + u$ with a constant `u`.

    **Arguments:**

    - `rates`: $\gamma \ge 0$, shape `(j,)`.
    - `h`: the length of the step.

    **Returns:** $e^{-\gamma h} - 1$ and $(1 - e^{-\gamma h})/\gamma$ (`h` at rate 0), each of shape `(j,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import mode_decay
        loss, gain = mode_decay(jnp.array([0.0, 3.0]), 0.1)
        ```
    """
    loss = jnp.expm1(-rates * h)
    positive = rates > 0
    return loss, jnp.where(positive, -loss / jnp.where(positive, rates, 1), h)
