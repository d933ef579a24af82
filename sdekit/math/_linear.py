"""Linear SDEs over a step: transition matrix, offset and covariance."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import RealScalar, as_float


__all__ = ["affine_van_loan", "compose_affine", "linear_moments", "van_loan"]

Affine = tuple[Float[Array, "d d"], Float[Array, " d"], Float[Array, "d d"]]

_DOUBLINGS = 40
_TERMS = 13


def _check(F: Array, b: Array, Q: Array) -> None:
    d = F.shape[0] if F.ndim else 0
    require(F.shape == (d, d) and d > 0, "F", "must be a square matrix", F, "pass an array of shape (d, d)")
    require(b.shape == (d,), "b", f"must have shape ({d},)", b, "pass one entry a component")
    require(Q.shape == (d, d), "Q", f"must have shape ({d}, {d})", Q, "pass L @ L.T for noise L dW")


def _symmetric(Q: Float[Array, "d d"]) -> Float[Array, "d d"]:
    return (Q + Q.T) / 2


def compose_affine(first: Affine, second: Affine) -> Affine:
    """Two linear Gaussian transitions, one after the other.

    **Arguments:**

    - `first`, `second`: `A, b, Q` of $X' \\mid x \\sim N(A x + b, Q)$.

    **Returns:** `A, b, Q` of both together.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import affine_van_loan, compose_affine
        F, b, Q = -jnp.eye(2), jnp.ones(2), jnp.eye(2)
        half = affine_van_loan(F, b, Q, 0.5)
        compose_affine(half, half)  # affine_van_loan(F, b, Q, 1.0)
        ```
    """
    (A1, b1, Q1), (A2, b2, Q2) = first, second
    return A2 @ A1, A2 @ b1 + b2, A2 @ Q1 @ A2.T + Q2


def _small_step(F: Array, b: Array, Q: Array) -> Affine:
    # Taylor series for ||F|| <= 1/4: of exp(F) - 1 (not exp(F), so that slow modes keep their digits), of the integral
    # of exp(F s) b, and of the integral of exp(F s) Q exp(F^T s), whose terms are powers of the Lyapunov operator.
    E = jnp.zeros_like(F)
    power, offset, spread = jnp.eye(F.shape[0], dtype=F.dtype), b, Q
    c, V = b, Q
    for n in range(1, _TERMS + 1):
        power = F @ power / n
        offset = F @ offset / (n + 1)
        half = F @ spread / (n + 1)
        spread = half + half.T
        E, c, V = E + power, c + offset, V + spread
    return E, c, V


def affine_van_loan(F: Float[Array, "d d"], b: Float[Array, " d"], Q: Float[Array, "d d"], h: RealScalar) -> Affine:
    r"""The transition of $dX = (F X + b)\,dt + L\,dW$, $Q = L L^\top$, over a step of length `h`.

    $A = e^{Fh}$, offset $\int_0^h e^{Fs} b\,ds$, covariance $\int_0^h e^{Fs} Q e^{F^\top s} ds$: Taylor series on
    $h / 2^k$, then $k$ doublings, in which covariances are only ever added. Van Loan's block exponential contains
    $e^{-Fh}$ and loses all digits for stiff stable systems; this does not.

    **Arguments:**

    - `F`: the drift matrix, shape `(d, d)`.
    - `b`: the constant drift, shape `(d,)`.
    - `Q`: the covariance of the noise per unit of time, symmetric, shape `(d, d)`.
    - `h`: the length of the step, not negative; may be traced.

    **Returns:** `A, b, Q` of the transition $N(A x + b, Q)$.

    **Raises:** `ValueError` for shapes that do not fit.

    Source: doubling as in Benner, Li and Penzl (2008); the integrals of Van Loan (1978), equation 1.2.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import affine_van_loan
        A, b, Q = affine_van_loan(jnp.array([[-2.0]]), jnp.array([1.0]), jnp.array([[0.25]]), 0.1)
        ```
    """
    F, b, Q = as_float(F), as_float(b), as_float(Q)
    _check(F, b, Q)
    h = jnp.asarray(h, jnp.result_type(F, b, Q))
    F, b, Q = F * h, b * h, _symmetric(Q) * h
    size = jax.lax.stop_gradient(jnp.abs(F).sum(0).max())
    doublings = jnp.clip(jnp.ceil(jnp.log2(jnp.maximum(4 * size, 1e-30))), 0, _DOUBLINGS).astype(jnp.int32)
    scale = jnp.exp2(-doublings.astype(F.dtype))
    E, c, V = _small_step(F * scale, b * scale, Q * scale)

    def double(carry, i):
        E, c, V = carry
        EV = E @ V
        new = 2 * E + E @ E, 2 * c + E @ c, 2 * V + EV + EV.T + EV @ E.T
        return jax.tree.map(lambda a, b: jnp.where(i < doublings, a, b), new, carry), None

    (E, c, V), _ = jax.lax.scan(double, (E, c, V), jnp.arange(_DOUBLINGS))
    return jnp.eye(F.shape[0], dtype=E.dtype) + E, c, _symmetric(V)


def van_loan(
    F: Float[Array, "d d"], Q: Float[Array, "d d"], h: RealScalar
) -> tuple[Float[Array, "d d"], Float[Array, "d d"]]:
    r"""The transition matrix and covariance of $dX = F X\,dt + L\,dW$, $Q = L L^\top$, over a step of length `h`.

    **Arguments:** as `affine_van_loan`, without `b`.

    **Returns:** $e^{Fh}$ and $\int_0^h e^{Fs} Q e^{F^\top s} ds$.

    **Raises:** `ValueError` for shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import van_loan
        L = jnp.array([[0.0], [0.5]])
        A, Q = van_loan(jnp.array([[0.0, 1.0], [-4.0, -0.5]]), L @ L.T, 0.1)
        ```
    """
    F = as_float(F)
    A, _, Q = affine_van_loan(F, jnp.zeros(F.shape[:1], F.dtype), Q, h)
    return A, Q


def linear_moments(
    F: Callable[[RealScalar], Float[Array, "d d"]],
    b: Callable[[RealScalar], Float[Array, " d"]],
    Q: Callable[[RealScalar], Float[Array, "d d"]],
    t0: RealScalar,
    t1: RealScalar,
    steps: int,
) -> Affine:
    r"""The transition of $dX = (F(t) X + b(t))\,dt + L(t)\,dW$ from `t0` to `t1`, by the Magnus method of order four.

    A step is the exponential of one element of the Lie algebra of `(F, b, Q)`, from the coefficients at two
    Gauss-Legendre points and their commutator, so that stiff systems need no small steps and constant coefficients
    are exact. The error falls with the fourth power of `steps`: run with `2 * steps` to see it.

    **Arguments:**

    - `F`, `b`, `Q`: functions of time, as in `affine_van_loan`.
    - `t0`, `t1`: the two times; may be traced.
    - `steps`: how many equal steps to take.

    **Returns:** `A, b, Q` of the transition.

    **Raises:** `ValueError` if `steps < 1`.

    Source: Blanes, Casas, Oteo and Ros, *The Magnus expansion and some of its applications* (2009), equation 253.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import linear_moments
        F = lambda t: -(1 + t) * jnp.eye(1)
        A, b, Q = linear_moments(F, lambda t: jnp.ones(1), lambda t: jnp.eye(1), 0.0, 1.0, steps=8)
        ```
    """
    require(steps >= 1, "steps", "must be a positive integer", steps, "pass steps >= 1")
    h = (t1 - t0) / steps
    left, right = 0.5 - math.sqrt(3) / 6, 0.5 + math.sqrt(3) / 6

    def step(carry, i):
        F1, b1, Q1 = (as_float(f(t0 + (i + left) * h)) for f in (F, b, Q))
        F2, b2, Q2 = (as_float(f(t0 + (i + right) * h)) for f in (F, b, Q))
        k = math.sqrt(3) / 12 * h
        cross = F2 @ Q1 - F1 @ Q2
        one = affine_van_loan(
            (F1 + F2) / 2 + k * (F2 @ F1 - F1 @ F2),
            (b1 + b2) / 2 + k * (F2 @ b1 - F1 @ b2),
            (Q1 + Q2) / 2 + k * (cross + cross.T),
            h,
        )
        return compose_affine(carry, one), None

    like = jax.eval_shape(lambda t: affine_van_loan(F(t), b(t), Q(t), h), jnp.asarray(t0, jnp.result_type(t0, h)))
    d, dtype = like[0].shape[0], like[0].dtype
    start = jnp.eye(d, dtype=dtype), jnp.zeros(d, dtype), jnp.zeros((d, d), dtype)
    out, _ = jax.lax.scan(step, start, jnp.arange(steps, dtype=dtype))
    return out
