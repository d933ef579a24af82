"""Exponentials of generators: one, or many of the same generator at many times."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._types import RealScalar


__all__ = ["transition_matrices", "transition_matrix", "uniformized_powers"]

_SQUARINGS = 20
_OCTAVES, _PIECES, _NODES, _POWERS, _FIRST = 40, 4, 14, 7, -8
_WRITTEN = 12
"""Products of matrices up to this size are written out."""


def _square(Q: Array) -> None:
    ok = Q.ndim == 2 and Q.shape[0] == Q.shape[1]
    require(ok, "Q", "must be a square matrix", Q, "pass one row a state")


def _taylor(A: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """`expm(A) - I` to degree 12, in five products (Paterson and Stockmeyer, 1973)."""
    c = [1 / math.factorial(k) for k in range(13)]
    eye = jnp.eye(A.shape[0], dtype=A.dtype)
    A2 = A @ A
    A3 = A2 @ A
    rest = c[9] * eye + c[10] * A + c[11] * A2 + c[12] * A3
    for k in (6, 3):
        rest = c[k] * eye + c[k + 1] * A + c[k + 2] * A2 + A3 @ rest
    return c[1] * A + c[2] * A2 + A3 @ rest


def transition_matrix(Q: Float[Array, "n n"], t: RealScalar) -> Float[Array, "n n"]:
    r"""The exponential $e^{Q t}$ of a generator, by scaling and squaring of $e^A - I$.

    Meant for batches of small matrices that are all different (`vmap`): no branch, no linear solve, no loop that a
    batch has to wait for. Squaring $e^A - I$ loses no digits where the interval is short. The matrix need not be a
    generator, and may be differentiated as if its entries were free.

    **Arguments:**

    - `Q`: shape `(n, n)`.
    - `t`: the interval, not negative, with `t * max |Q_ii|` below 500,000.

    **Returns:** shape `(n, n)`.

    **Raises:** `ValueError` if the matrix is not square.

    Source: Moler and Van Loan (2003), Nineteen dubious ways, SIAM Review 45(1), method 3.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import transition_matrix
        transition_matrix(jnp.array([[-1.0, 1.0], [2.0, -2.0]]), 0.5)
        ```
    """
    _square(Q)
    X = _taylor(Q * (t / 2**_SQUARINGS))
    X = jax.lax.fori_loop(0, _SQUARINGS, lambda _, X: 2 * X + X @ X, X)
    return X + jnp.eye(Q.shape[0], dtype=X.dtype)


def _doubled(X: Float[Array, "n n m"]) -> Float[Array, "n n m"]:
    """`2 X + X X` of matrices that lie side by side. Written out, products of small ones run along the last axis."""
    n = X.shape[0]
    if n > _WRITTEN:
        return 2 * X + jnp.einsum("ikm,kjm->ijm", X, X)
    found = 2 * X
    for k in range(n):
        found = found + X[:, k, None] * X[None, k]
    return found


@functools.cache
def _chebyshev() -> tuple[np.ndarray, np.ndarray]:
    """Nodes on each piece of (1/2, 1), and the matrix from values at the nodes of a piece to Chebyshev coefficients."""
    angles = (np.arange(_NODES) + 0.5) * np.pi / _NODES
    rule = 2 / _NODES * np.cos(np.arange(_NODES)[:, None] * angles[None])
    rule[0] /= 2
    nodes = 0.5 + 0.5 * (np.arange(_PIECES)[:, None] + 0.5 + 0.5 * np.cos(angles)[None]) / _PIECES
    return nodes, rule


def transition_matrices(Q: Float[Array, "n n"], ts: Float[Array, " k"]) -> Float[Array, "k n n"]:
    r"""The exponentials $e^{Q t_k}$ of one generator at many times: a table is made once, and each time read from it.

    On a quarter of an octave, $[a, 5a/4]$, the function $t \mapsto e^{Q t}$ is to the last digit a polynomial of degree
    13 in $t$: what decays fast is gone, and what decays slowly is smooth. The values at the nodes of one octave are the
    squares of those of the octave before. So 40 octaves take 40 squarings of 64 matrices, and each time a product with
    a vector of weights. No eigenvectors, so that defective generators (chains without return) are as good as any; exact
    under `grad`, of any order, in `Q` (its entries taken as free) and in the times.

    What turns much faster than it decays is the exception: one cycle of 20 or more states, all rates alike, is better
    left to `transition_matrix`, one time at a time (errors of 6e-12 for 12 states, 3e-9 for 20, 1e-6 for 40).

    **Arguments:**

    - `Q`: shape `(n, n)`, a generator.
    - `ts`: shape `(k,)`, not negative, below $2^{31}$ over the largest exit rate (NaN beyond).

    **Returns:** shape `(k, n, n)`.

    **Raises:** `ValueError` for shapes that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import transition_matrices
        transition_matrices(jnp.array([[-1.0, 1.0], [2.0, -2.0]]), jnp.linspace(0.0, 3.0, 1000)).shape  # (1000, 2, 2)
        ```
    """
    _square(Q)
    require(ts.ndim == 1, "ts", "must have shape (k,)", ts, "pass a vector of intervals")
    n, dtype = Q.shape[0], jnp.result_type(Q, ts)
    scale = jax.lax.stop_gradient(jnp.maximum(jnp.abs(jnp.diagonal(Q)).max(), jnp.finfo(dtype).tiny)).astype(dtype)
    nodes, rule = _chebyshev()
    powers = [Q / scale]
    for k in range(2, _POWERS + 1):
        powers.append(powers[-1] @ powers[0] / k)
    powers = jnp.stack(powers)
    start = np.stack([(nodes.ravel() * 2.0**_FIRST) ** k for k in range(1, _POWERS + 1)], 1)
    X = jnp.einsum("mk,kij->ijm", jnp.asarray(start, dtype), powers)
    _, table = jax.lax.scan(lambda X, _: (_doubled(X), X), X, None, length=_OCTAVES)
    table = table.transpose(0, 3, 1, 2).reshape(-1, _NODES, n, n)
    x = ts * scale
    octave = jnp.ceil(jnp.log2(jnp.maximum(jax.lax.stop_gradient(x), 2.0 ** (_FIRST - 2)))).astype(int) - _FIRST
    held = jnp.clip(octave, 0, _OCTAVES - 1)
    place = (x * 2.0 ** -(held + _FIRST).astype(dtype) - 0.5) * (2 * _PIECES)
    piece = jnp.clip(jnp.floor(jax.lax.stop_gradient(place)).astype(int), 0, _PIECES - 1)
    y = 2 * (place - piece) - 1
    y = jnp.where((octave >= 0) & (octave < _OCTAVES), y, 0)
    weights = [jnp.ones_like(y), y]
    for _ in range(_NODES - 2):
        weights.append(2 * y * weights[-1] - weights[-2])
    # The weights of the values at the nodes: those of Chebyshev's polynomials, times the matrix to their coefficients.
    weights = jnp.stack(weights, 1) @ jnp.asarray(rule, dtype)
    short = [jnp.where(octave < 0, x, 0)]
    for _ in range(_POWERS - 1):
        short.append(short[0] * short[-1])
    found = jnp.einsum("kc,kcij->kij", weights, table[held * _PIECES + piece])
    small = jnp.einsum("kp,pij->kij", jnp.stack(short, 1), powers)
    found = jnp.where((octave < 0)[:, None, None], small, found) + jnp.eye(n, dtype=dtype)[None]
    return jnp.where((octave < _OCTAVES)[:, None, None], found, jnp.nan)


def uniformized_powers(Q: Float[Array, "n n"], rate: RealScalar, terms: int) -> Float[Array, "m n n"]:
    r"""The powers $R^0, \dots, R^{m-1}$ of the uniformized chain $R = I + Q / \Lambda$.

    With them $e^{Q t} = \sum_k \mathrm{Poisson}(k; \Lambda t) R^k$, all terms positive.

    **Arguments:**

    - `Q`: a generator, shape `(n, n)`.
    - `rate`: $\Lambda$, at least the largest exit rate.
    - `terms`: how many powers.

    **Returns:** shape `(terms, n, n)`.

    Source: Jensen (1953), Markoff chains as an aid in the study of Markoff processes.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import uniformized_powers
        uniformized_powers(jnp.array([[-1.0, 1.0], [2.0, -2.0]]), 2.0, 10).shape  # (10, 2, 2)
        ```
    """
    _square(Q)
    R = jnp.eye(Q.shape[0], dtype=Q.dtype) + Q / rate
    _, powers = jax.lax.scan(lambda P, _: (P @ R, P), jnp.eye(Q.shape[0], dtype=Q.dtype), None, length=terms)
    return powers
